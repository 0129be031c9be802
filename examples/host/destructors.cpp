// A host in C++, with Lua built as C++: an error of Lua's is an exception there, which runs the destructors on its way,
// through the frames of patchworks' C too (it is built with -fexceptions).
//
//   PATCHWORKS_API_KEY=.. destructors VERSION
#include <lauxlib.h>
#include <lualib.h>
#include <patchworks.h>

#include <cstdio>
#include <string>

namespace {

int alive = 0;

// What a host has on its stack while it calls into Lua: a lock, a file, a transaction.
class Held {
 public:
  Held() { alive++; }
  ~Held() { alive--; }
  Held(const Held &) = delete;
  Held &operator=(const Held &) = delete;
};

// with_held(fn, ...): calls a function with something on the stack that has to be given back.
int with_held(lua_State *L) {
  Held held;
  std::string copy(1000, 'x');
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

const char program[] = R"(
  local version, with_held = ...
  local patchworks = require "patchworks"
  local client <close> = patchworks.new {}
  local versions = client.script_versions
  -- A success, a failure of the world, misuse that patchworks raises, and an error in a listener of ours.
  assert(with_held(versions.get, versions, version))
  assert(not with_held(versions.get, versions, 999999999))
  assert(not pcall(with_held, versions.get, versions, -1))
  assert(not pcall(with_held, versions.get, versions, version, { on_event = function() error "ours" end }))
  -- A task that is cancelled in the middle of a call, from inside of another call.
  patchworks.run(function(tasks)
    local task = tasks:spawn(function() return with_held(versions.get, versions, version) end)
    task:cancel()
  end)
  -- And one that ends the program's own protected call.
  with_held(versions.get, versions, "not an id")
)";

}  // namespace

int main(int count, char **words) {
  lua_State *L = luaL_newstate();
  if (L == nullptr || count != 2) return 2;
  luaL_openlibs(L);
  luaL_requiref(L, "patchworks", luaopen_patchworks, 0);
  luaL_loadstring(L, program);
  lua_pushstring(L, words[1]);
  lua_pushcfunction(L, with_held);
  int status = lua_pcall(L, 2, 0, 0);
  const char *message = lua_tostring(L, -1);
  bool expected =
      status == LUA_ERRRUN && message != nullptr && std::string(message).find("not an id") != std::string::npos;
  std::printf("%d held after all: %s\n", alive, message != nullptr ? message : "no error");
  lua_close(L);
  return expected && alive == 0 ? 0 : 1;
}
