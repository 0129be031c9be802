/* A host's loop in C: three functions on lua/patchworks/loop/host.lua. */
#include "../core/loading.h"
#include "patchworks.h"

/* Calls a function of the loop, `name` as a light userdata, for its one result. */
static int call(lua_State *L) {
  pw_loading_require(L, "patchworks.loop.host", NULL);
  lua_getfield(L, -1, lua_touserdata(L, 1));
  lua_call(L, 0, 1);
  return 1;
}

/* The result is on the stack, or the error. */
static int call_loop(lua_State *L, const char *name) {
  if (!lua_checkstack(L, 2)) return LUA_ERRMEM;
  lua_pushcfunction(L, call);
  lua_pushlightuserdata(L, (void *)name);
  return lua_pcall(L, 1, 1, 0);
}

int pw_fd(lua_State *L) {
  int fd = call_loop(L, "fd") == LUA_OK ? (int)lua_tointeger(L, -1) : -1;
  lua_pop(L, 1);
  return fd;
}

int pw_timeout(lua_State *L) {
  int status = call_loop(L, "timeout");
  int milliseconds = 0; /* an error is pw_pump's to tell */
  if (status == LUA_OK) milliseconds = lua_isnil(L, -1) ? -1 : (int)(lua_tonumber(L, -1) * 1000 + 0.999);
  lua_pop(L, 1);
  return milliseconds;
}

int pw_pump(lua_State *L) {
  int status = call_loop(L, "pump");
  if (status == LUA_OK) lua_pop(L, 1);
  return status;
}
