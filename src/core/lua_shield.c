/* Threads of ours that no hook of the host's reaches.
 *
 * A host may set a hook that raises or yields at any instruction: a budget, a debugger, Ctrl-C at a prompt. What keeps
 * the scheduler's books runs in threads without one, so that it is never left half done. The threads are kept for
 * another use: a call costs none. */
#include "binding.h"

enum { MOST_KEPT = 32, RESERVED = 4, FUNCTION = 1, POOL = 2 };

static lua_State *new_thread(lua_State *L) {
  lua_State *thread = lua_newthread(L);
  lua_sethook(thread, NULL, 0, 0); /* a new one inherits its maker's */
  return thread;
}

/* Pushes a thread without hooks, kept or new. */
static lua_State *take_thread(lua_State *L, int pool) {
  lua_Integer kept = (lua_Integer)lua_rawlen(L, pool);
  if (kept == 0) return new_thread(L);
  lua_rawgeti(L, pool, kept);
  lua_pushnil(L);
  lua_rawseti(L, pool, kept);
  return lua_tothread(L, -1);
}

/* Keeps the thread at `index`, which has ended, for another use. Allocates nothing: the pool has its room. */
static void keep_thread(lua_State *L, int pool, int index) {
  lua_Integer kept = (lua_Integer)lua_rawlen(L, pool);
  if (kept >= MOST_KEPT) return;
  lua_pushvalue(L, index);
  lua_rawseti(L, pool, kept + 1);
}

static void reset_thread(lua_State *L, lua_State *thread) {
#if LUA_VERSION_NUM >= 505 || (LUA_VERSION_NUM == 504 && LUA_VERSION_RELEASE_NUM >= 50406)
  lua_closethread(thread, L);
#else
  (void)L;
  lua_resetthread(thread);
#endif
}

/* Runs upvalue 1 with the arguments in a thread without hooks; gives what it gives, raises what it raises. */
static int run_shielded(lua_State *L) {
  int arguments = lua_gettop(L), results = 0;
  lua_State *thread = take_thread(L, lua_upvalueindex(POOL));
  lua_insert(L, 1);
  if (!lua_checkstack(thread, arguments + 1)) return luaL_error(L, "stack overflow");
  lua_pushvalue(L, lua_upvalueindex(FUNCTION));
  lua_insert(L, 2);
  lua_xmove(L, thread, arguments + 1);
  int status = lua_resume(thread, L, arguments, &results);
  if (status == LUA_OK) {
    if (!lua_checkstack(L, results + 2)) return luaL_error(L, "stack overflow");
    lua_xmove(thread, L, results);
    keep_thread(L, lua_upvalueindex(POOL), 1);
    return results;
  }
  if (status == LUA_YIELD) lua_pushliteral(thread, "a shielded function yielded");
  if (status != LUA_YIELD) reset_thread(L, thread); /* leaves the error on top */
  lua_xmove(thread, L, 1);
  return lua_error(L);
}

/* shield(fn) -> a function that does the same out of reach of hooks. It must not yield. */
static int shield(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, run_shielded, 2);
  return 1;
}

/* Sees to it that what has to end a job finds its threads, though memory may be short by then. */
static void reserve_threads(lua_State *L, int pool) {
  for (lua_Integer kept = (lua_Integer)lua_rawlen(L, pool); kept < RESERVED; kept++) {
    new_thread(L);
    lua_rawseti(L, pool, kept + 1);
  }
}

/* thread(fn) -> a coroutine without hooks, ready to be resumed. */
static int thread_of(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *thread = take_thread(L, lua_upvalueindex(1));
  reserve_threads(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_xmove(L, thread, 1);
  return 1;
}

/* retire(thread): gives one that has ended, or was closed, back for another use. */
static int retire(lua_State *L) {
  lua_State *thread = lua_tothread(L, 1);
  luaL_argexpected(L, thread != NULL, 1, "coroutine");
  if (lua_status(thread) == LUA_OK && lua_gettop(thread) == 0) keep_thread(L, lua_upvalueindex(1), 1);
  return 0;
}

void pw_lua_shield_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"shield", shield}, {"thread", thread_of}, {"retire", retire}, {NULL, NULL}};
  lua_createtable(L, MOST_KEPT, 0);
  luaL_setfuncs(L, functions, 1);
}
