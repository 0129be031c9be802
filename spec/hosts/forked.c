/* Runs a Lua file that has fork(fn): in a child process fn is called and the state closed; gives whether that ended
 * well, in ten seconds. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child(lua_State *L) {
  pid_t child = fork();
  if (child == 0) {
    alarm(10); /* one that hangs has failed */
    int status = lua_pcall(L, 0, 0, 0);
    if (status != LUA_OK) fprintf(stderr, "in the child: %s\n", luaL_tolstring(L, -1, NULL));
    lua_close(L);
    _exit(status == LUA_OK ? 0 : 1);
  }
  int status;
  lua_pushboolean(L, waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return 1;
}

int main(int count, char **words) {
  lua_State *L = luaL_newstate();
  if (L == NULL || count != 2) return 2;
  luaL_openlibs(L);
  lua_register(L, "fork", in_child);
  int status = luaL_dofile(L, words[1]);
  if (status != LUA_OK) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return status == LUA_OK ? 0 : 1;
}
