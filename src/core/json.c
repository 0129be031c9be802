#include "json.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "json_text.h"
#include "loading.h"

/* lua-cjson, where a program has linked it in; else NULL. */
extern int luaopen_cjson(lua_State *L) __attribute__((weak));

enum { MAX_DEPTH = 256 };

static const double LARGEST_EXACT = 9007199254740992.0; /* 2^53 */

/* Whether the number at `index` is a float that stands for an integer: distribution builds of lua-cjson 2.1.0 decode
 * every number to a float. */
static bool is_integral(lua_State *L, int index, lua_Integer *integer) {
  if (lua_isinteger(L, index)) return false;
  double value = lua_tonumber(L, index);
  if (!(value >= -LARGEST_EXACT && value <= LARGEST_EXACT)) return false;
  *integer = (lua_Integer)value;
  return (double)*integer == value;
}

/* What a number may have lost on its way from the text. */
enum { NOTHING = 0, DIGITS = 1, SIZE = 2 };

/* A float keeps digits up to 2^53, and is infinite over 1.8e308; where lua-cjson decodes to integers it makes the
 * largest one of all that are larger. */
static unsigned lost_by(lua_State *L, int index) {
  if (lua_isinteger(L, index)) {
    lua_Integer integer = lua_tointeger(L, index);
    return integer == LUA_MAXINTEGER || integer == LUA_MININTEGER ? DIGITS : NOTHING;
  }
  double value = lua_tonumber(L, index);
  if (value < LARGEST_EXACT && value > -LARGEST_EXACT) return NOTHING;
  return isinf(value) ? DIGITS | SIZE : DIGITS;
}

/* Settles the table at `table`, the top of the stack, and every table in it: see decode in json.h. Assigning to fields
 * that exist is allowed while lua_next walks. cjson has bounded the depth already. Most values are strings, which stay.
 * Says what its numbers may have lost. */
static unsigned settle(lua_State *L, int table) {
  luaL_checkstack(L, 6, "JSON nested too deep");
  unsigned lost = NOTHING;
  lua_Integer integer;
  lua_pushnil(L);
  while (lua_next(L, table) != 0) {
    switch (lua_type(L, -1)) {
      case LUA_TTABLE: lost |= settle(L, table + 2); break;
      case LUA_TNUMBER:
        lost |= lost_by(L, -1);
        if (is_integral(L, -1, &integer)) {
          lua_pushvalue(L, -2);
          lua_pushinteger(L, integer);
          lua_rawset(L, table);
        }
        break;
      case LUA_TLIGHTUSERDATA: /* null */
        if (lua_type(L, -2) == LUA_TSTRING) {
          lua_pushvalue(L, -2);
          lua_pushnil(L);
          lua_rawset(L, table);
        }
        break;
      default: break;
    }
    lua_pop(L, 1);
  }
  return lost;
}

/* The same for whatever value is on top. */
static unsigned settle_value(lua_State *L) {
  if (lua_type(L, -1) == LUA_TTABLE) return settle(L, lua_gettop(L));
  if (lua_type(L, -1) != LUA_TNUMBER) return NOTHING;
  lua_Integer integer;
  unsigned lost = lost_by(L, -1);
  if (is_integral(L, -1, &integer)) {
    lua_pushinteger(L, integer);
    lua_replace(L, -2);
  }
  return lost;
}

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/* Whether the digits are more than those of `largest`. */
static bool is_larger(const char *digits, size_t size, const char *largest) {
  while (size > 1 && *digits == '0') {
    digits++;
    size--;
  }
  size_t most = strlen(largest);
  return size != most ? size > most : memcmp(digits, largest, size) > 0;
}

/* Finds the next integer in valid JSON whose digits are larger than `largest`; where there is none, returns `end`. */
static const char *find_larger(const char *at, const char *end, const char *largest, const char **behind) {
  while (at < end) {
    if (*at == '"') {
      for (at++; at < end && *at != '"'; at++) at += *at == '\\';
      at++;
    } else if (*at == '-' || is_digit(*at)) {
      const char *start = at, *digits = at + (*at == '-');
      for (at = digits; at < end && is_digit(*at);) at++;
      const char *last = at;
      while (at < end && (is_digit(*at) || (*at != 0 && strchr(".eE+-", *at) != NULL))) at++;
      *behind = at;
      if (at == last && is_larger(digits, (size_t)(last - digits), largest)) return start;
    } else {
      at++;
    }
  }
  return end;
}

/* Replaces the text at index 1 by one whose integers over `largest` are strings. False when there are none. */
static bool quote_larger(lua_State *L, const char *largest) {
  size_t size;
  const char *text = lua_tolstring(L, 1, &size), *end = text + size, *behind = text;
  const char *found = find_larger(text, end, largest, &behind);
  if (found == end) return false;
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  while (found < end) {
    luaL_addlstring(&buffer, text, (size_t)(found - text));
    luaL_addchar(&buffer, '"');
    luaL_addlstring(&buffer, found, (size_t)(behind - found));
    luaL_addchar(&buffer, '"');
    text = behind;
    found = find_larger(text, end, largest, &behind);
  }
  luaL_addlstring(&buffer, text, (size_t)(end - text));
  luaL_pushresult(&buffer);
  lua_replace(L, 1);
  return true;
}

/* Gives `nil, message` for an error that a protected call left on the stack; running out of memory goes on up. */
static int give_failure(lua_State *L, int status) {
  if (status == LUA_ERRMEM) return lua_error(L);
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

/* Gives `nil, message` where the text at index 1 is none that JSON allows, though lua-cjson would take it; else 0. */
static int refuse_flaw(lua_State *L) {
  size_t size, at = 0;
  const char *text = lua_tolstring(L, 1, &size);
  const char *flaw = pw_json_flaw(text, size, &at);
  if (flaw == NULL) return 0;
  lua_pushnil(L);
  lua_pushfstring(L, "Found %s at character %I", flaw, (LUAI_UACINT)at);
  return 2;
}

/* Upvalue 1: cjson's decode; 2: the digits of the largest integer that it keeps. */
static int decode(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  int refused = refuse_flaw(L);
  if (refused != 0) return refused;
  lua_settop(L, 1);
  unsigned lost;
  do {
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    int status = lua_pcall(L, 1, 1, 0);
    if (status != LUA_OK) return give_failure(L, status);
    lost = settle_value(L);
  } while (lost != NOTHING && quote_larger(L, lua_tostring(L, lua_upvalueindex(2))));
  if ((lost & SIZE) != 0) {
    lua_pushnil(L);
    lua_pushliteral(L, "Found a number that is too large");
    return 2;
  }
  return 1;
}

static int refuse_integer(lua_State *L, lua_Integer value) {
  return luaL_error(L,
                    "the integer %I has more digits than the installed lua-cjson can write; pass it as a string, or "
                    "install lua-cjson 2.1.0.10 or newer",
                    (LUAI_UACINT)value);
}

/* Raises when the value at the top holds an integer that cjson would write with wrong digits, or is nested too deep
 * (as one that holds itself is). */
static void check_encodable(lua_State *L, lua_Integer largest, int depth) {
  if (lua_isinteger(L, -1)) {
    lua_Integer value = lua_tointeger(L, -1);
    if (value > largest || value < -largest) refuse_integer(L, value);
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE) return;
  if (depth >= MAX_DEPTH) luaL_error(L, "tables nested over %d deep (does one hold itself?)", MAX_DEPTH);
  luaL_checkstack(L, 4, "tables nested too deep");
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    check_encodable(L, largest, depth + 1);
    lua_pop(L, 1);
  }
}

/* Upvalue 1: cjson's encode; 2: the largest integer that it writes exactly. */
static int encode_unprotected(lua_State *L) {
  lua_settop(L, 1);
  check_encodable(L, lua_tointeger(L, lua_upvalueindex(2)), 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* Upvalue 1: encode_unprotected. */
static int encode(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  int status = lua_pcall(L, 1, 1, 0);
  return status == LUA_OK ? 1 : give_failure(L, status);
}

/* Calls `instance.<name>(argument)` for a setting that this lua-cjson may not have, or may refuse. */
static void set_number(lua_State *L, int instance, const char *name, lua_Integer argument) {
  if (lua_getfield(L, instance, name) == LUA_TFUNCTION) {
    lua_pushinteger(L, argument);
    lua_pcall(L, 1, 0, 0);
  } else {
    lua_pop(L, 1);
  }
}

static void set_boolean(lua_State *L, int instance, const char *name, bool argument) {
  lua_getfield(L, instance, name);
  lua_pushboolean(L, argument);
  lua_call(L, 1, 0);
}

static bool writes_exactly(lua_State *L, int instance, lua_Integer value) {
  lua_getfield(L, instance, "encode");
  lua_pushinteger(L, value);
  lua_call(L, 1, 1);
  lua_pushfstring(L, "%I", (LUAI_UACINT)value);
  bool exact = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return exact;
}

/* The largest integer that comes out of encode digit for digit: all of them, those a float holds, or, with cjson
 * 2.1.0, those of 14 digits. */
static lua_Integer find_exact_integer(lua_State *L, int instance) {
  if (writes_exactly(L, instance, LUA_MAXINTEGER)) return LUA_MAXINTEGER;
  if (writes_exactly(L, instance, (lua_Integer)LARGEST_EXACT)) return (lua_Integer)LARGEST_EXACT;
  lua_Integer largest = 999999999999999;
  while (largest > 9 && !writes_exactly(L, instance, largest)) largest /= 10;
  return largest;
}

static bool reads_exactly(lua_State *L, int instance) {
  lua_getfield(L, instance, "decode");
  lua_pushliteral(L, "[9223372036854775806]");
  lua_call(L, 1, 1);
  bool exact = lua_rawgeti(L, -1, 1) == LUA_TNUMBER && lua_isinteger(L, -1);
  lua_pop(L, 2);
  return exact;
}

static void push_instance(lua_State *L) {
  pw_loading_require(L, "cjson", luaopen_cjson);
  lua_getfield(L, -1, "new");
  lua_call(L, 0, 1);
  lua_remove(L, -2);
}

/* Makes the function at the top one of the module's, behind its shield: what a hook of the host's raises at a call or a
 * return inside of it would be taken for cjson's. */
static void set_shielded(lua_State *L, int module, const char *name) {
  lua_getfield(L, module, "shield");
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  lua_setfield(L, module, name);
}

void pw_json_open(lua_State *L) {
  int module = lua_gettop(L);
  push_instance(L);
  int instance = lua_gettop(L);
  set_boolean(L, instance, "decode_invalid_numbers", false);
  set_boolean(L, instance, "encode_invalid_numbers", false);
  set_number(L, instance, "decode_max_depth", MAX_DEPTH);
  set_number(L, instance, "encode_max_depth", MAX_DEPTH);
  set_number(L, instance, "encode_number_precision", 14);
  /* 2.1.0 refuses and keeps 14; 16 digits hold 2^53 and don't show a float's rounding, as 17 would. */
  set_number(L, instance, "encode_number_precision", 16);
  lua_Integer largest = find_exact_integer(L, instance);

  lua_getfield(L, instance, "decode");
  lua_pushstring(L, reads_exactly(L, instance) ? "9223372036854775807" : "9007199254740992");
  lua_pushcclosure(L, decode, 2);
  set_shielded(L, module, "decode");

  lua_getfield(L, instance, "encode");
  lua_pushinteger(L, largest);
  lua_pushcclosure(L, encode_unprotected, 2);
  lua_pushcclosure(L, encode, 1);
  set_shielded(L, module, "encode");

  lua_getfield(L, instance, "null");
  lua_setfield(L, module, "null");
  lua_pushinteger(L, largest);
  lua_setfield(L, module, "exact_integer");
  lua_settop(L, module);
}
