/* The engine as Lua sees it. Lua runs only between steps: no curl frame is ever below it. */
#include <limits.h>
#include <string.h>

#include "binding.h"

const pw_lua_class pw_lua_engine_class = {"patchworks.engine"};

static const char *const forked =
    "this client was made before the process forked, and its connections are the parent's: make another one here";

static const char *const closed = "the client was closed";

/* One that is closed, as a finalizer may do between any two statements of Lua's, is one on which nothing is under way.
 */
static pw_lua_engine *check(lua_State *L) { return pw_lua_check(L, 1, &pw_lua_engine_class); }

static bool is_open(const pw_engine *engine) { return engine->multi != NULL; }

static int engine_close(lua_State *L) {
  pw_lua_engine *self = pw_lua_check(L, 1, &pw_lua_engine_class);
  if (self->engine.multi == NULL) return 0;
  /* Transfers under way outlive the engine as objects: they become cancelled ones. */
  if (lua_getiuservalue(L, 1, PW_ENGINE_ANCHORS) == LUA_TTABLE) {
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
      pw_lua_transfer *transfer = pw_lua_self(L, -1);
      transfer->sent = pw_transfer_sent(transfer->transfer);
      transfer->transfer = NULL;
      transfer->done = true;
      lua_pushnil(L);
      lua_setiuservalue(L, -2, PW_TRANSFER_BODY); /* the request's, which is no message */
      lua_pop(L, 1);
    }
  }
  pw_engine_close(&self->engine);
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, PW_ENGINE_ANCHORS);
  return 0;
}

/* Reads a string option and keeps it alive in the table at `strings`. */
static const char *text_option(lua_State *L, int strings, const char *name) {
  if (lua_getfield(L, 1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return NULL;
  }
  const char *text = luaL_checkstring(L, -1);
  lua_setfield(L, strings, name);
  return text;
}

static lua_Integer integer_option(lua_State *L, const char *name, lua_Integer least) {
  lua_getfield(L, 1, name);
  int is_integer;
  lua_Integer value = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || value < least) luaL_error(L, "%s: expected an integer of at least %d", name, (int)least);
  lua_pop(L, 1);
  return value;
}

static pw_engine_options read_options(lua_State *L, int strings) {
  pw_engine_options options = {
      .transfer =
          {
              .max_response_bytes = (size_t)integer_option(L, "max_response_bytes", 0),
              .user_agent = text_option(L, strings, "user_agent"),
              .ca_file = text_option(L, strings, "ca_file"),
              .ca_pem = text_option(L, strings, "ca_pem"),
              .ca_path = text_option(L, strings, "ca_path"),
              .proxy = text_option(L, strings, "proxy"),
              .client_cert = text_option(L, strings, "client_cert"),
              .client_key = text_option(L, strings, "client_key"),
          },
      .max_connections = (long)integer_option(L, "max_connections", 1),
  };
  lua_getfield(L, 1, "hosted");
  options.hosted = lua_toboolean(L, -1);
  options.allocator.allocate = lua_getallocf(L, &options.allocator.context); /* an answer is counted as Lua's memory */
  lua_pop(L, 1);
  return options;
}

/* engine{max_connections, max_response_bytes, hosted, user_agent, ca_file, ..} -> engine, or nil and a sentence. */
int pw_lua_engine_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  pw_lua_engine *self = pw_lua_push(L, &pw_lua_engine_class, sizeof *self, 2);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 2, PW_ENGINE_STRINGS);
  pw_engine_options options = read_options(L, 3);
  lua_newtable(L);
  lua_setiuservalue(L, 2, PW_ENGINE_ANCHORS);
  const char *reason = NULL;
  if (!pw_engine_open(&self->engine, &options, &reason)) {
    return reason == NULL ? pw_lua_no_memory(L) : pw_lua_refuse(L, reason);
  }
  lua_settop(L, 2);
  return 1;
}

static long milliseconds(lua_State *L, int index) {
  lua_Number seconds = luaL_checknumber(L, index);
  if (!(seconds > 0.001)) return 1;
  return seconds > 2000000 ? 2000000000L : (long)(seconds * 1000);
}

/* Gives what start gives when the request can't be sent; `reason` NULL means that memory is out. */
static int refuse_start(lua_State *L, const char *reason) {
  if (reason == NULL) return pw_lua_no_memory(L);
  lua_pushnil(L);
  lua_pushfstring(L, "libcurl refuses %s", reason);
  return 2;
}

/* Makes memory for transfers that wait for some. A finalizer that runs meanwhile may close the client. */
static void relieve(lua_State *L, pw_engine *engine) {
  while (engine->multi != NULL && pw_engine_starves(engine)) {
    lua_gc(L, LUA_GCCOLLECT, 0);
    if (engine->multi != NULL) pw_engine_resume(engine);
  }
}

/* start(method, url, headers, body or nil, once, attempt_timeout, connect_timeout) -> transfer; or nil and a sentence
 * when libcurl refuses. Times in seconds. */
static int engine_start(lua_State *L) {
  pw_engine *engine = &check(L)->engine;
  if (!is_open(engine)) return pw_lua_refuse(L, closed);
  if (!pw_engine_is_own(engine)) return pw_lua_refuse(L, forked);
  lua_settop(L, 8);
  pw_request request = {
      .method = luaL_checkstring(L, 2),
      .url = luaL_checkstring(L, 3),
      .headers = pw_lua_headers_check(L, 4),
      .once = lua_toboolean(L, 6),
      .attempt_timeout = milliseconds(L, 7),
      .connect_timeout = milliseconds(L, 8),
  };
  request.body = luaL_optlstring(L, 5, NULL, &request.body_size);
  pw_lua_transfer *self = pw_lua_transfer_push(L);
  lua_pushvalue(L, 5);
  lua_setiuservalue(L, 9, PW_TRANSFER_BODY);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, 9, PW_TRANSFER_HEADERS);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 9, PW_TRANSFER_ENGINE);
  lua_getiuservalue(L, 1, PW_ENGINE_ANCHORS);
  /* From here on no collector runs, which could close this very client in somebody's finalizer. */
  if (!is_open(engine)) return pw_lua_refuse(L, closed);
  const char *reason;
  pw_transfer *transfer = pw_engine_reserve(engine, &reason);
  if (transfer == NULL) return refuse_start(L, reason);
  /* Anchored before it starts: nothing that can raise comes between the start and the end of this function. */
  lua_pushvalue(L, 9);
  lua_rawsetp(L, 10, transfer);
  if (!pw_engine_start(engine, &request, &reason)) {
    lua_pushnil(L);
    lua_rawsetp(L, 10, transfer);
    return refuse_start(L, reason);
  }
  self->transfer = transfer;
  relieve(L, engine);
  lua_settop(L, 9);
  return 1;
}

static int wait_milliseconds(lua_Number seconds) {
  return !(seconds > 0) ? 0 : seconds > 3600 ? 3600000 : (int)(seconds * 1000 + 0.999);
}

/* Steps the engine once; false, with nil and a sentence pushed, when that can't be. */
static bool step_once(lua_State *L, pw_engine *engine, int wait) {
  const char *reason = forked;
  if (!is_open(engine)) return true;
  if (pw_engine_is_own(engine) && pw_engine_step(engine, wait, &reason)) {
    relieve(L, engine);
    return true;
  }
  pw_lua_refuse(L, reason);
  return false;
}

/* step(seconds) -> true, or nil and a sentence: waits until something happens, a signal comes, or the time is up. */
static int engine_step(lua_State *L) {
  pw_lua_engine *self = check(L);
  int wait = wait_milliseconds(luaL_checknumber(L, 2));
  if (!step_once(L, &self->engine, wait)) return 2;
  lua_pushboolean(L, 1);
  return 1;
}

/* Gives the next transfer that is done its end and pushes it; false, with nothing pushed, when there is none. Nothing
 * is lost when memory ends in the middle. */
static bool settle_next(lua_State *L, pw_engine *engine) {
  int top = lua_gettop(L);
  pw_transfer *transfer;
  while ((transfer = engine->done.first) != NULL) {
    lua_getiuservalue(L, 1, PW_ENGINE_ANCHORS);
    lua_rawgetp(L, -1, transfer);
    bool settled = pw_lua_transfer_settle(L, -1, transfer);
    lua_settop(L, top + 2);
    if (settled) {
      lua_pushnil(L);
      lua_rawsetp(L, top + 1, transfer);
      pw_engine_release(engine, pw_engine_take(engine));
      lua_remove(L, top + 1);
      return true;
    }
    lua_settop(L, top);
  }
  return false;
}

/* next() -> the next transfer that is done, or nil; and whether there are more. */
static int engine_next(lua_State *L) {
  pw_engine *engine = &check(L)->engine;
  if (!is_open(engine) || !pw_engine_is_own(engine) || !settle_next(L, engine)) return 0;
  lua_pushboolean(L, engine->done.first != NULL);
  return 2;
}

/* wait(engines, seconds) -> true, or nil and a sentence: waits until one of them has something to do. */
int pw_lua_engine_wait(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Number seconds = luaL_checknumber(L, 2);
  size_t count = (size_t)lua_rawlen(L, 1);
  /* NOLINTBEGIN(bugprone-sizeof-expression): pointers are what the lists hold. */
  pw_engine **engines = lua_newuserdatauv(L, (count + 1) * sizeof *engines, 0);
  pw_wait **waits = lua_newuserdatauv(L, (count + 1) * sizeof *waits, 0);
  /* NOLINTEND(bugprone-sizeof-expression) */
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    pw_lua_engine *self = pw_lua_check(L, -1, &pw_lua_engine_class);
    engines[i] = &self->engine;
    if (!is_open(engines[i])) seconds = 0; /* whoever waited for it has something to do */
    if (is_open(engines[i]) && !pw_engine_is_own(engines[i])) return pw_lua_refuse(L, forked);
    lua_pop(L, 1); /* the table holds it */
  }
  const char *reason;
  if (seconds <= 0 || pw_engine_wait_any(engines, waits, count, wait_milliseconds(seconds), &reason)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  return pw_lua_refuse(L, reason);
}

static int engine_fd(lua_State *L) {
  pw_lua_engine *self = check(L);
  if (!is_open(&self->engine) || !self->engine.options.hosted) return 0;
  lua_pushinteger(L, self->engine.wait.fd);
  return 1;
}

/* wake_in(seconds or nil): hosted; the descriptor turns readable then. */
static int engine_wake_in(lua_State *L) {
  pw_lua_engine *self = check(L);
  lua_Number seconds = luaL_optnumber(L, 2, -1);
  if (is_open(&self->engine))
    pw_engine_wake_in(&self->engine, seconds >= 0 ? (int64_t)(wait_milliseconds(seconds)) * 1000 : -1);
  return 0;
}

static void set_count(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static int engine_counts(lua_State *L) {
  const pw_engine *engine = &check(L)->engine;
  luaL_argcheck(L, is_open(engine), 1, "the client is closed");
  const pw_engine_counts *counts = &engine->counts;
  lua_createtable(L, 0, 8);
  set_count(L, "started", counts->started);
  set_count(L, "finished", counts->finished);
  set_count(L, "active", engine->active.count);
  set_count(L, "connections", counts->connections);
  set_count(L, "multiplexed", counts->multiplexed);
  set_count(L, "sent_bytes", counts->sent_bytes);
  set_count(L, "received_bytes", counts->received_bytes);
  set_count(L, "held_bytes", (int64_t)pw_engine_held(engine));
  return 1;
}

/* active() -> how many transfers are under way, or done and not yet given by `next`: what a loop has to go on for. */
static int engine_active(lua_State *L) {
  const pw_engine *engine = &check(L)->engine;
  lua_pushinteger(L, (lua_Integer)engine->active.count + (lua_Integer)engine->done.count);
  return 1;
}

void pw_lua_engine_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"close", engine_close},     {"start", engine_start},   {"step", engine_step},
      {"next", engine_next},       {"active", engine_active}, {"fd", engine_fd},
      {"wake_in", engine_wake_in}, {"counts", engine_counts}, {NULL, NULL},
  };
  pw_lua_class_open(L, &pw_lua_engine_class, methods, engine_close);
}
