/* The module as a whole, for a program that has no Lua files: its modules' text is in the archive. */
#include <lauxlib.h>
#include <string.h>

#include "../core/loading.h"
#include "modules.h"
#include "patchworks.h"

static int require(lua_State *L);

/* Pushes a module's chunk. Its globals are the state's, besides a `require` of our own: a host may have none. */
static void push_chunk(lua_State *L, const pw_module *module) {
  const char *name = lua_pushfstring(L, "@[patchworks]/%s.lua", module->name);
  if (luaL_loadbufferx(L, module->text, module->size, name, "t") != LUA_OK) lua_error(L);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, require);
  lua_setfield(L, -2, "require");
  lua_createtable(L, 0, 1);
  lua_pushglobaltable(L);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_setupvalue(L, -2, 1);
  lua_remove(L, -2);
}

static const pw_module *find(const char *name) {
  const pw_module *each = pw_modules;
  while (each->name != NULL && strcmp(each->name, name) != 0) each++;
  return each->name != NULL ? each : NULL;
}

/* A loader as package.preload has them. */
static int load(lua_State *L) {
  push_chunk(L, find(luaL_checkstring(L, 1)));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* require(name) -> the module: one of ours, or one that the host has. */
static int require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_CFunction own = strcmp(name, "patchworks.core") == 0 ? luaopen_patchworks_core : NULL;
  if (own == NULL && find(name) != NULL) own = load;
  pw_loading_require(L, name, own);
  return 1;
}

int luaopen_patchworks(lua_State *L) {
  lua_settop(L, 0);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const pw_module *each = pw_modules; each->name != NULL; each++) {
    if (strcmp(each->name, "patchworks") == 0) continue;
    lua_pushcfunction(L, load);
    lua_setfield(L, 1, each->name);
  }
  lua_pushcfunction(L, luaopen_patchworks_core);
  lua_setfield(L, 1, "patchworks.core");
  lua_pushcfunction(L, load);
  lua_pushliteral(L, "patchworks");
  lua_call(L, 1, 1);
  return 1;
}
