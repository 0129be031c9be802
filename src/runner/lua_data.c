#include "lua_data.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH = 50 };

static void add_string(luaL_Buffer *out, const char *text, size_t size) {
  luaL_addchar(out, '"');
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') {
      luaL_addchar(out, '\\');
      luaL_addchar(out, (char)c);
    } else if (c < 0x20) {
      char escape[8];
      snprintf(escape, sizeof escape, "\\u%04x", c);
      luaL_addstring(out, escape);
    } else {
      luaL_addchar(out, (char)c);
    }
  }
  luaL_addchar(out, '"');
}

static void push_value(lua_State *L, int index, const char *what, int depth);

static void push_scalar(lua_State *L, int index, const char *what) {
  luaL_Buffer out;
  size_t size;
  switch (lua_type(L, index)) {
    case LUA_TSTRING: {
      const char *text = lua_tolstring(L, index, &size);
      luaL_buffinit(L, &out);
      add_string(&out, text, size);
      luaL_pushresult(&out);
      return;
    }
    case LUA_TBOOLEAN: lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false"); return;
    case LUA_TNUMBER:
      if (!lua_isinteger(L, index) && !isfinite(lua_tonumber(L, index))) {
        luaL_error(L, "%s: JSON has no number like %f", what, lua_tonumber(L, index));
      }
      if (lua_isinteger(L, index)) {
        lua_pushfstring(L, "%I", (LUAI_UACINT)lua_tointeger(L, index));
      } else {
        char number[40];
        snprintf(number, sizeof number, "%.17g", lua_tonumber(L, index));
        lua_pushstring(L, number);
      }
      return;
    default: luaL_error(L, "%s: a %s can't be given to a script", what, luaL_typename(L, index));
  }
}

/* Its entries in JSON, each pushed and counted. */
static int push_entries(lua_State *L, int index, const char *what, int depth) {
  int entries = 0;
  lua_Integer length = (lua_Integer)lua_rawlen(L, index);
  for (lua_Integer i = 1; i <= length; i++, entries++) {
    luaL_checkstack(L, 6, what);
    lua_rawgeti(L, index, i);
    push_value(L, lua_gettop(L), what, depth + 1);
    lua_remove(L, -2);
  }
  if (length > 0) return entries;
  lua_pushnil(L);
  for (; lua_next(L, index) != 0; entries++) {
    luaL_checkstack(L, 6, what);
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "%s: names must be strings", what);
    push_scalar(L, lua_absindex(L, -2), what);
    lua_pushliteral(L, ":");
    push_value(L, lua_absindex(L, -3), what, depth + 1);
    lua_concat(L, 3);
    lua_remove(L, -2);
    lua_insert(L, -2); /* the entry below the name, which goes on */
  }
  return entries;
}

static void push_value(lua_State *L, int index, const char *what, int depth) {
  if (!lua_istable(L, index)) {
    push_scalar(L, index, what);
    return;
  }
  if (depth > DEPTH) luaL_error(L, "%s: more than %d tables in each other", what, DEPTH);
  int first = lua_gettop(L) + 1;
  bool list = lua_rawlen(L, index) > 0;
  int entries = push_entries(L, index, what, depth);
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  luaL_addchar(&out, list ? '[' : '{');
  for (int i = 0; i < entries; i++) {
    size_t size;
    const char *text = lua_tolstring(L, first + i, &size);
    if (i > 0) luaL_addchar(&out, ',');
    luaL_addlstring(&out, text, size);
  }
  luaL_addchar(&out, list ? ']' : '}');
  luaL_pushresult(&out);
  if (entries > 0) lua_replace(L, first);
  lua_settop(L, first);
}

void pw_lua_data(lua_State *L, int index) {
  static const char *const names[] = {"payload", "variables", "meta", "flow"};
  static const char *const formats[] = {"{\"payload\":%s", ",\"variables\":%s", ",\"meta\":%s", ",\"flow\":%s}"};
  int first = lua_gettop(L) + 1;
  for (int i = 0; i < 4; i++) {
    int type = lua_getfield(L, index, names[i]);
    if (type == LUA_TNIL) {
      lua_pushstring(L, i == 0 ? "null" : i < 3 ? "{}" : "{\"variables\":{}}");
    } else if (i > 0 && type == LUA_TSTRING) {
      lua_pushvalue(L, -1); /* JSON already */
    } else if (i == 0 && type != LUA_TSTRING) {
      luaL_error(L, "payload: expected a string, got a %s", lua_typename(L, type));
    } else {
      push_value(L, lua_gettop(L), names[i], 0);
    }
    lua_pushfstring(L, formats[i], lua_tostring(L, -1));
    lua_replace(L, first + i);
    lua_settop(L, first + i);
  }
  lua_concat(L, 4);
}
