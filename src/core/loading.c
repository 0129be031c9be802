#include "loading.h"

#include <lauxlib.h>
#include <stdbool.h>

/* Pushes what loads the module; false, with nothing pushed, when there is nothing. */
static bool push_loader(lua_State *L, const char *name, lua_CFunction own) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  bool found = lua_getfield(L, -1, name) != LUA_TNIL;
  if (!found && own != NULL) {
    lua_pop(L, 1);
    lua_pushcfunction(L, own);
    found = true;
  }
  lua_remove(L, -2);
  if (!found) lua_pop(L, 1);
  return found;
}

void pw_loading_require(lua_State *L, const char *name, lua_CFunction own) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  int loaded = lua_gettop(L);
  if (lua_getfield(L, loaded, name), lua_toboolean(L, -1)) {
    lua_remove(L, loaded);
    return;
  }
  lua_settop(L, loaded);
  if (push_loader(L, name, own)) {
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) {
      lua_pushboolean(L, 1);
      lua_replace(L, -2);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, loaded, name);
  } else if (lua_getglobal(L, "require") == LUA_TFUNCTION) {
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
  } else {
    luaL_error(L, "there is no module '%s': the host puts it into package.loaded or package.preload, or links it in",
               name);
  }
  lua_remove(L, loaded);
}
