/* A Lua interpreter that can be built with sanitizers: preloading their runtime into the system's own would put it into
 * every child as well. Runs a script with its arguments, or what stands behind -e. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static lua_State *interrupted;

static void stop(lua_State *L, lua_Debug *record) {
  (void)record;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

/* As the system's interpreter does: the next instruction raises. */
static void on_interrupt(int number) {
  signal(number, SIG_DFL);
  lua_sethook(interrupted, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static int run(lua_State *L) {
  int count = (int)lua_tointeger(L, 1);
  char **words = lua_touserdata(L, 2);
  luaL_openlibs(L);
  lua_newtable(L);
  for (int i = 0; i < count; i++) {
    lua_pushstring(L, words[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  bool given = strcmp(words[1], "-e") == 0 && count == 3;
  if ((given ? luaL_loadstring(L, words[2]) : luaL_loadfile(L, words[1])) != LUA_OK) return lua_error(L);
  for (int i = 2; i < count; i++) lua_pushstring(L, words[i]);
  lua_call(L, count - 2, 0);
  return 0;
}

int main(int count, char **words) {
  if (count < 2) return 2;
  lua_State *L = luaL_newstate();
  if (L == NULL) return 1;
  interrupted = L;
  signal(SIGINT, on_interrupt);
  lua_pushcfunction(L, run);
  lua_pushinteger(L, count);
  lua_pushlightuserdata(L, words);
  int failed = lua_pcall(L, 2, 0, 0) != LUA_OK;
  if (failed) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return failed;
}
