/* The shortest host: prints what the environment's account has of a script. Build: see docs/embedding.md.
 *
 *   PATCHWORKS_API_KEY=.. small 42 */
#include <lauxlib.h>
#include <lualib.h>
#include <patchworks.h>
#include <stdio.h>

static const char program[] =
    "local script = ...\n"
    "local client <close> = require('patchworks').new {}\n"
    "for version in client.script_versions:list(script) do print(version) end\n";

int main(int count, char **words) {
  lua_State *L = luaL_newstate();
  if (L == NULL || count != 2) return 2;
  luaL_openlibs(L);
  luaL_requiref(L, "patchworks", luaopen_patchworks, 0);
  luaL_loadstring(L, program);
  lua_pushstring(L, words[1]);
  int status = lua_pcall(L, 1, 0, 0);
  if (status != LUA_OK) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return status == LUA_OK ? 0 : 1;
}
