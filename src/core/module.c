/* patchworks.core: the C core, for the Lua layer alone. */
#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "clock.h"
#include "json.h"
#include "text.h"

#ifdef __APPLE__
#include <sys/random.h>
#endif

void pw_lua_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction close) {
  luaL_newmetatable(L, name);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "close");
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__close");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

static int scratch_close(lua_State *L) {
  pw_buffer_free(luaL_checkudata(L, 1, PW_SCRATCH));
  return 0;
}

pw_buffer *pw_lua_scratch(lua_State *L) {
  pw_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  memset(buffer, 0, sizeof *buffer);
  luaL_setmetatable(L, PW_SCRATCH);
  return buffer;
}

static int push_scratch(lua_State *L, pw_buffer *buffer, pw_append result) {
  if (result != PW_APPENDED) return luaL_error(L, "not enough memory");
  lua_pushlstring(L, buffer->length > 0 ? buffer->data : "", buffer->length);
  pw_buffer_free(buffer);
  return 1;
}

/* escape(text) -> the text, percent-encoded for a path segment or a query. */
static int escape(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  pw_buffer *buffer = pw_lua_scratch(L);
  return push_scratch(L, buffer, pw_url_append_encoded(buffer, text, size));
}

/* query{key, value, key, value, ..} -> "key=value&key=value", encoded, in the order given. */
static int query(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  pw_buffer *buffer = pw_lua_scratch(L);
  pw_append result = PW_APPENDED;
  for (lua_Integer i = 1; result == PW_APPENDED && lua_rawgeti(L, 1, i) != LUA_TNIL; i += 2) {
    lua_rawgeti(L, 1, i + 1);
    size_t key_size, value_size;
    const char *key = luaL_checklstring(L, -2, &key_size);
    const char *value = luaL_checklstring(L, -1, &value_size);
    result = pw_url_append_query(buffer, key, key_size, value, value_size);
    lua_settop(L, 2);
  }
  return push_scratch(L, buffer, result);
}

/* now() -> seconds of the monotonic clock. */
static int now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)pw_clock_now() / 1e6);
  return 1;
}

/* sleep(seconds): comes back early when a signal comes, so that Ctrl-C ends a wait. */
static int sleep_for(lua_State *L) {
  pw_clock_sleep(luaL_checknumber(L, 1));
  return 0;
}

/* random() -> a float in [0, 1), from the system: the host's math.random keeps its sequence. */
static int random_fraction(lua_State *L) {
  uint64_t bits;
  if (getentropy(&bits, sizeof bits) != 0) bits = (uint64_t)pw_clock_now() * 6364136223846793005u;
  lua_pushnumber(L, (lua_Number)(bits >> 11) / 9007199254740992.0);
  return 1;
}

/* date(text) -> seconds since 1970 of a date as HTTP writes it, or nil. */
static int date(lua_State *L) {
  time_t when = curl_getdate(luaL_checkstring(L, 1), NULL);
  if (when == (time_t)-1) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, (lua_Integer)when);
  }
  return 1;
}

/* versions() -> table: what the core runs on. */
static int versions(lua_State *L) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, info->version);
  lua_setfield(L, -2, "libcurl");
  lua_pushstring(L, info->ssl_version != NULL ? info->ssl_version : "none");
  lua_setfield(L, -2, "tls");
  lua_pushboolean(L, (info->features & CURL_VERSION_HTTP2) != 0);
  lua_setfield(L, -2, "http2");
  lua_pushboolean(L, (info->features & CURL_VERSION_ASYNCHDNS) != 0);
  lua_setfield(L, -2, "asynchronous_dns");
  return 1;
}

__attribute__((visibility("default"))) int luaopen_patchworks_core(lua_State *L);

int luaopen_patchworks_core(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"engine", pw_lua_engine_new},
      {"wait", pw_lua_engine_wait},
      {"headers", pw_lua_headers_new},
      {"header", pw_lua_header},
      {"parse_headers", pw_lua_parse_headers},
      {"escape", escape},
      {"query", query},
      {"now", now},
      {"sleep", sleep_for},
      {"random", random_fraction},
      {"date", date},
      {"versions", versions},
      {NULL, NULL},
  };
  static const luaL_Reg none[] = {{NULL, NULL}};
  pw_lua_class(L, PW_SCRATCH, none, scratch_close);
  pw_lua_engine_open(L);
  pw_lua_transfer_open(L);
  pw_lua_headers_open(L);
  luaL_newlib(L, functions);
  pw_json_open(L);
  return 1;
}
