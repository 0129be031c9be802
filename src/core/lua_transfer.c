/* A transfer as Lua sees it: under way, then done with an answer or a failure, or cancelled by `close`. */
#include "binding.h"

const pw_lua_class pw_lua_transfer_class = {"patchworks.transfer"};

static const char *kind_of(pw_failure failure) {
  switch (failure) {
    case PW_FAILURE_NETWORK: return "network";
    case PW_FAILURE_TLS: return "tls";
    case PW_FAILURE_TIMEOUT: return "timeout";
    case PW_FAILURE_PROTOCOL: return "protocol";
    case PW_FAILURE_MEMORY: return "memory";
    case PW_FAILURE_CANCELLED:
    case PW_FAILURE_NONE: break;
  }
  return "cancelled";
}

static pw_lua_transfer *check(lua_State *L) { return pw_lua_check(L, 1, &pw_lua_transfer_class); }

pw_lua_transfer *pw_lua_transfer_push(lua_State *L) {
  pw_lua_transfer *self = pw_lua_push(L, &pw_lua_transfer_class, sizeof *self, 3);
  self->failure = PW_FAILURE_CANCELLED;
  return self;
}

/* The collector may run while the strings are made, and a finalizer of the host's may use or close this client. */
bool pw_lua_transfer_settle(lua_State *L, int index, const pw_transfer *transfer) {
  index = lua_absindex(L, index);
  pw_lua_transfer *self = pw_lua_self(L, index);
  if (transfer->failure != PW_FAILURE_NONE) {
    lua_pushstring(L, transfer->message);
  } else {
    lua_pushlstring(L, transfer->body.length > 0 ? transfer->body.data : "", transfer->body.length);
  }
  if (self->transfer == transfer) {
    lua_pushlstring(L, transfer->headers.length > 0 ? transfer->headers.data : "", transfer->headers.length);
  }
  if (self->transfer != transfer) return false;
  lua_setiuservalue(L, index, PW_TRANSFER_HEADERS);
  lua_setiuservalue(L, index, PW_TRANSFER_BODY);
  self->failure = transfer->failure;
  self->status = transfer->status;
  self->sent = transfer->sent;
  self->facts = transfer->facts;
  self->done = true;
  self->transfer = NULL;
  return true;
}

/* Cancels what is under way. Idempotent; also `__close`. */
static int transfer_close(lua_State *L) {
  pw_lua_transfer *self = check(L);
  pw_transfer *transfer = self->transfer;
  if (transfer == NULL) return 0;
  self->transfer = NULL;
  self->done = true;
  lua_getiuservalue(L, 1, PW_TRANSFER_ENGINE);
  pw_lua_engine *engine = pw_lua_self(L, -1);
  self->sent = pw_engine_is_own(&engine->engine) && pw_transfer_sent(transfer); /* after a fork it is the parent's */
  lua_getiuservalue(L, -1, PW_ENGINE_ANCHORS);
  lua_pushnil(L);
  lua_rawsetp(L, -2, transfer);
  pw_engine_cancel(&engine->engine, transfer);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, PW_TRANSFER_BODY);
  return 0;
}

static int transfer_done(lua_State *L) {
  lua_pushboolean(L, check(L)->done);
  return 1;
}

/* answer() -> status, body, header block; or nil, kind, message, sent. */
static int transfer_answer(lua_State *L) {
  pw_lua_transfer *self = check(L);
  if (!self->done) return luaL_error(L, "the transfer is not done");
  if (self->failure == PW_FAILURE_MEMORY) return pw_lua_no_memory(L);
  if (self->failure != PW_FAILURE_NONE) {
    lua_pushnil(L);
    lua_pushstring(L, kind_of(self->failure));
    lua_getiuservalue(L, 1, PW_TRANSFER_BODY);
    lua_pushboolean(L, self->sent);
    return 4;
  }
  lua_pushinteger(L, self->status);
  lua_getiuservalue(L, 1, PW_TRANSFER_BODY);
  lua_getiuservalue(L, 1, PW_TRANSFER_HEADERS);
  return 3;
}

static void set_seconds(lua_State *L, const char *name, int64_t microseconds) {
  lua_pushnumber(L, (lua_Number)microseconds / 1e6);
  lua_setfield(L, -2, name);
}

/* facts() -> timing (seconds since the start), bytes, HTTP version, whether the connection was new. */
static int transfer_facts(lua_State *L) {
  const pw_facts *facts = &check(L)->facts;
  lua_createtable(L, 0, 6);
  set_seconds(L, "resolved", facts->resolved);
  set_seconds(L, "connected", facts->connected);
  set_seconds(L, "secured", facts->secured);
  set_seconds(L, "requested", facts->requested);
  set_seconds(L, "answered", facts->answered);
  set_seconds(L, "total", facts->total);
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, facts->sent_bytes);
  lua_setfield(L, -2, "sent");
  lua_pushinteger(L, facts->received_bytes);
  lua_setfield(L, -2, "received");
  lua_pushnumber(L, (lua_Number)facts->http_version / 10);
  lua_pushboolean(L, facts->new_connections > 0);
  return 4;
}

void pw_lua_transfer_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"close", transfer_close},
      {"done", transfer_done},
      {"answer", transfer_answer},
      {"facts", transfer_facts},
      {NULL, NULL},
  };
  pw_lua_class_open(L, &pw_lua_transfer_class, methods, transfer_close);
  /* The engine holds one that is under way, and closes it when it goes itself: there is nothing to finalize. */
  lua_rawgetp(L, LUA_REGISTRYINDEX, &pw_lua_transfer_class);
  lua_pushnil(L);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}
