/* patchworks.core: the C core, for the Lua layer alone. */
#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "clock.h"
#include "json.h"
#include "patchworks.h"
#include "text.h"

#ifdef __APPLE__
#include <sys/random.h>
#endif

void pw_lua_class_open(lua_State *L, const pw_lua_class *class, const luaL_Reg *methods, lua_CFunction close) {
  lua_createtable(L, 0, 6);
  lua_pushstring(L, class->name);
  lua_setfield(L, -2, "__name");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__close");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, class);
}

/* What stands before each object of ours: an address that nobody else's userdata begins with. Comparing it takes a
 * fraction of comparing metatables, and a metatable can be exchanged. */
typedef union head {
  const pw_lua_class *class;
  lua_Integer integer; /* these two for the alignment that Lua gives its userdata */
  lua_Number number;
} head;

void *pw_lua_push(lua_State *L, const pw_lua_class *class, size_t size, int user_values) {
  head *self = lua_newuserdatauv(L, sizeof *self + size, user_values);
  memset(self, 0, sizeof *self + size);
  self->class = class;
  lua_rawgetp(L, LUA_REGISTRYINDEX, class);
  lua_setmetatable(L, -2);
  return self + 1;
}

void *pw_lua_self(lua_State *L, int index) { return (head *)lua_touserdata(L, index) + 1; }

void *pw_lua_check(lua_State *L, int index, const pw_lua_class *class) {
  head *self = lua_touserdata(L, index);
  /* The length is 0 for what is no full userdata, whose address may be anything. */
  if (self == NULL || lua_rawlen(L, index) < sizeof *self || self->class != class) {
    luaL_typeerror(L, index, class->name);
    return NULL;
  }
  return self + 1;
}

int pw_lua_no_memory(lua_State *L) {
  lua_pushliteral(L, "not enough memory"); /* Lua tells its own message from all others */
  return lua_error(L);
}

int pw_lua_refuse(lua_State *L, const char *reason) {
  lua_pushnil(L);
  lua_pushstring(L, reason);
  return 2;
}

/* escape(text) -> the text, percent-encoded for a path segment or a query. */
static int escape(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  luaL_Buffer buffer;
  char *into = luaL_buffinitsize(L, &buffer, 3 * size);
  luaL_pushresultsize(&buffer, pw_url_encode(into, text, size));
  return 1;
}

/* id(value) -> a positive integer, or its plain decimal string, as that string; nil for anything else. */
static int id(lua_State *L) {
  lua_settop(L, 1);
  if (lua_isinteger(L, 1) && lua_tointeger(L, 1) > 0) {
    lua_pushfstring(L, "%I", (LUAI_UACINT)lua_tointeger(L, 1));
    return 1;
  }
  size_t size = 0;
  const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &size) : "";
  if (!pw_url_is_id((pw_span){text, size})) lua_pushnil(L);
  return 1;
}

/* The string at `index` of the list that is argument 1; NULL at its end. */
static const char *string_at(lua_State *L, lua_Integer index, size_t *size) {
  int type = lua_rawgeti(L, 1, index);
  if (type != LUA_TSTRING && (type != LUA_TNIL || index % 2 == 0)) {
    luaL_error(L, "query: expected a string, got %s", lua_typename(L, type));
  }
  const char *text = lua_tolstring(L, -1, size);
  lua_pop(L, 1); /* the list holds it */
  return text;
}

/* query{key, value, key, value, ..} -> "key=value&key=value", encoded, in the order given. */
static int query(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t size, room = 0;
  for (lua_Integer i = 1; string_at(L, i, &size) != NULL; i++) room += 3 * size + 1;
  luaL_Buffer buffer;
  char *into = luaL_buffinitsize(L, &buffer, room);
  size_t length = 0;
  const char *text;
  for (lua_Integer i = 1; (text = string_at(L, i, &size)) != NULL; i++) {
    if (i > 1) into[length++] = i % 2 == 0 ? '=' : '&';
    length += pw_url_encode(into + length, text, size);
  }
  luaL_pushresultsize(&buffer, length);
  return 1;
}

/* now() -> seconds of the monotonic clock. */
static int now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)pw_clock_now() / 1e6);
  return 1;
}

/* wall() -> seconds since 1970. */
static int wall(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)time(NULL));
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
  lua_createtable(L, 0, 5);
  lua_pushstring(L, info->version);
  lua_setfield(L, -2, "libcurl");
  lua_pushstring(L, info->ssl_version != NULL ? info->ssl_version : "none");
  lua_setfield(L, -2, "tls");
  lua_pushboolean(L, (info->features & CURL_VERSION_HTTP2) != 0);
  lua_setfield(L, -2, "http2");
  lua_pushboolean(L, (info->features & CURL_VERSION_ASYNCHDNS) != 0);
  lua_setfield(L, -2, "asynchronous_dns");
  lua_pushstring(L, info->libz_version == NULL                    ? "identity"
                    : (info->features & CURL_VERSION_BROTLI) == 0 ? "deflate, gzip"
                                                                  : "deflate, gzip, br");
  lua_setfield(L, -2, "encodings"); /* that libcurl undoes */
  return 1;
}

int luaopen_patchworks_core(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"engine", pw_lua_engine_new},
      {"wait", pw_lua_engine_wait},
      {"descriptor", pw_lua_descriptor_new},
      {"headers", pw_lua_headers_new},
      {"header", pw_lua_header},
      {"parse_headers", pw_lua_parse_headers},
      {"escape", escape},
      {"id", id},
      {"query", query},
      {"now", now},
      {"wall", wall},
      {"sleep", sleep_for},
      {"random", random_fraction},
      {"date", date},
      {"chunk", pw_lua_chunk},
      {"versions", versions},
      {NULL, NULL},
  };
  pw_lua_engine_open(L);
  pw_lua_transfer_open(L);
  pw_lua_headers_open(L);
  pw_lua_chunk_open(L);
  pw_lua_descriptor_open(L);
  luaL_newlib(L, functions);
  pw_lua_shield_open(L);
  pw_json_open(L);
  return 1;
}
