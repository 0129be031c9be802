/* Fuzzes what runs in Lua: the JSON bridge both ways, the header tables, and the reader of Retry-After. Anything may be
 * refused; nothing may raise, and what was decoded must encode again. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int luaopen_patchworks_core(lua_State *L);

static const char program[] =
    "local core, retry = require 'patchworks.core', require 'patchworks.call.retry'\n"
    "local function wall() return 784111777 end\n"
    "return function(data)\n"
    "  local value, problem = core.decode(data)\n"
    "  if value == nil then assert(type(problem) == 'string') else\n"
    "    local text, refused = core.encode(value)\n"
    "    if text and type(value) == 'table' then\n"
    "      assert(core.decode(text) ~= nil, text)\n"
    "    else assert(text or type(refused) == 'string') end\n"
    "  end\n"
    "  for name, each in pairs(core.parse_headers(data)) do assert(#name > 0 and not each:find '\\n') end\n"
    "  local seconds = retry.parse_after(core.header('Retry-After: ' .. data, 'retry-after'), core.date, wall)\n"
    "  assert(seconds == nil or seconds >= 0)\n"
    "  seconds = retry.parse_after(data, core.date, wall)\n"
    "  assert(seconds == nil or seconds >= 0)\n"
    "  assert(#core.escape(data) >= #data)\n"
    "  pcall(core.headers, { data })\n"
    "end\n";

static lua_State *start(void) {
  lua_State *L = luaL_newstate();
  if (L == NULL) abort();
  luaL_openlibs(L);
  luaL_requiref(L, "patchworks.core", luaopen_patchworks_core, 0);
  if (luaL_dostring(L, program) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L = NULL;
  if (L == NULL) L = start();
  lua_pushvalue(L, -1);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  return 0;
}
