/* One descriptor that stands for several others and a timer: what a host's loop in C waits for. */
#include "binding.h"

static const pw_lua_class descriptor_class = {"patchworks.descriptor"};

static int descriptor_close(lua_State *L) {
  pw_wait *wait = pw_lua_check(L, 1, &descriptor_class);
  pw_wait_close(wait);
  return 0;
}

static pw_wait *check(lua_State *L) {
  pw_wait *wait = pw_lua_check(L, 1, &descriptor_class);
  luaL_argcheck(L, wait->fd >= 0, 1, "the descriptor is closed");
  return wait;
}

/* descriptor() -> descriptor, or nil and a sentence. */
int pw_lua_descriptor_new(lua_State *L) {
  pw_wait *wait = pw_lua_push(L, &descriptor_class, sizeof *wait, 0);
  if (pw_wait_open(wait, true)) return 1;
  return pw_lua_refuse(L, "the system gives no descriptor to wait on (is the limit of open files reached?)");
}

static int descriptor_fd(lua_State *L) {
  lua_pushinteger(L, check(L)->fd);
  return 1;
}

/* watch(fd, whether): turns readable when `fd` does. -> whether the system can. */
static int descriptor_watch(lua_State *L) {
  pw_wait *wait = check(L);
  lua_pushboolean(L, pw_wait_watch(wait, (int)luaL_checkinteger(L, 2), lua_toboolean(L, 3), false));
  return 1;
}

/* arm(seconds or nil): turns readable then, once. */
static int descriptor_arm(lua_State *L) {
  pw_wait *wait = check(L);
  lua_Number seconds = luaL_optnumber(L, 2, -1);
  pw_wait_arm(wait, seconds >= 0 ? (int64_t)((seconds < 3600 ? seconds : 3600) * 1e6) : -1);
  return 0;
}

/* drain(): it is readable no longer on account of its timer. Looks once: what else is ready stays so until it is acted
 * on, and where that is more than fits, the timer has its turn the next time. */
static int descriptor_drain(lua_State *L) {
  pw_event events[16];
  pw_wait_next(check(L), events, 16, 0);
  return 0;
}

void pw_lua_descriptor_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"close", descriptor_close}, {"fd", descriptor_fd},       {"watch", descriptor_watch},
      {"arm", descriptor_arm},     {"drain", descriptor_drain}, {NULL, NULL},
  };
  pw_lua_class_open(L, &descriptor_class, methods, descriptor_close);
}
