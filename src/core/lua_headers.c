/* Request headers as an object that is checked once and used for many requests, and the answer's headers as tables. */
#include <string.h>

#include "binding.h"
#include "text.h"

const pw_lua_class pw_lua_headers_class = {"patchworks.headers"};

/* The list may hold a credential: it is overwritten before it is freed. */
static int headers_free(lua_State *L) {
  struct curl_slist **list = pw_lua_check(L, 1, &pw_lua_headers_class);
  for (struct curl_slist *each = *list; each != NULL; each = each->next) pw_wipe(each->data, strlen(each->data));
  curl_slist_free_all(*list);
  *list = NULL;
  return 0;
}

/* headers(lines): `lines` is a list of strings "Name: value". Raises on one that can't be sent as one header; the
 * message never holds the line's value. */
int pw_lua_headers_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  struct curl_slist **list = pw_lua_push(L, &pw_lua_headers_class, sizeof(struct curl_slist *), 0);
  for (lua_Integer i = 1; lua_rawgeti(L, 1, i) != LUA_TNIL; i++) {
    size_t size;
    const char *line = luaL_checklstring(L, -1, &size);
    if (!pw_header_is_sendable(line, size)) {
      return luaL_error(L, "header %d can't be sent: a name, a colon and a value without CR, LF or NUL are needed",
                        (int)i);
    }
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL) return pw_lua_no_memory(L);
    *list = longer;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return 1;
}

struct curl_slist *pw_lua_headers_check(lua_State *L, int index) {
  struct curl_slist **list = pw_lua_check(L, index, &pw_lua_headers_class);
  return *list;
}

void pw_lua_headers_open(lua_State *L) {
  static const luaL_Reg methods[] = {{NULL, NULL}};
  pw_lua_class_open(L, &pw_lua_headers_class, methods, headers_free);
}

/* header(block, name) -> the first such header's value, or nil. */
int pw_lua_header(lua_State *L) {
  pw_span block, value;
  block.bytes = luaL_checklstring(L, 1, &block.size);
  if (!pw_header_find(block, luaL_checkstring(L, 2), &value)) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushlstring(L, value.bytes, value.size);
  return 1;
}

static void push_lower(lua_State *L, pw_span name) {
  luaL_Buffer buffer;
  char *into = luaL_buffinitsize(L, &buffer, name.size);
  for (size_t i = 0; i < name.size; i++) {
    char byte = name.bytes[i];
    into[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
  }
  luaL_pushresultsize(&buffer, name.size);
}

/* parse_headers(block) -> table of lower-case name to value; a repeated header's values are joined by ", ". */
int pw_lua_parse_headers(lua_State *L) {
  pw_span rest, name, value;
  rest.bytes = luaL_checklstring(L, 1, &rest.size);
  lua_newtable(L);
  int table = lua_gettop(L);
  while (pw_header_next(&rest, &name, &value)) {
    push_lower(L, name);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, table) == LUA_TSTRING) {
      lua_pushliteral(L, ", ");
      lua_pushlstring(L, value.bytes, value.size);
      lua_concat(L, 3);
    } else {
      lua_pop(L, 1);
      lua_pushlstring(L, value.bytes, value.size);
    }
    lua_rawset(L, table);
  }
  return 1;
}
