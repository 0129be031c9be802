/* What Lua has no words for, and spec/support/warm_server.lua needs: a copy of a process, with streams, an environment
 * and a folder of its own. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE /* in Linux since 5.14; before, it does nothing */
#define MADV_POPULATE_WRITE 23
#endif

__attribute__((visibility("default"))) int luaopen_spec_fork(lua_State *L);

static int done(lua_State *L, int ok, const char *what) {
  return ok ? 0 : luaL_error(L, "%s: %s", what, strerror(errno));
}

/* fork() -> the child's id, or 0 in the child */
static int copy(lua_State *L) {
  pid_t pid = fork();
  done(L, pid >= 0, "fork");
  lua_pushinteger(L, pid);
  return 1;
}

/* wait(pid) -> its exit code; 128 and the signal that ended it */
static int await(lua_State *L) {
  pid_t pid = (pid_t)luaL_checkinteger(L, 1);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return done(L, 0, "waitpid");
  }
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 1;
}

/* redirect(stream, path): 0 reads the file, 1 and 2 make it anew */
static int redirect(lua_State *L) {
  int stream = (int)luaL_checkinteger(L, 1);
  const char *path = luaL_checkstring(L, 2);
  int file = open(path, stream == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || dup2(file, stream) < 0) return done(L, 0, path);
  if (file != stream) close(file);
  return 0;
}

/* set(name, value or nil): in the environment */
static int set(lua_State *L) {
  const char *name = luaL_checkstring(L, 1), *value = luaL_optstring(L, 2, NULL);
  return done(L, (value != NULL ? setenv(name, value, 1) : unsetenv(name)) == 0, name);
}

/* enter(folder) */
static int enter(lua_State *L) {
  const char *folder = luaL_checkstring(L, 1);
  return done(L, chdir(folder) == 0, folder);
}

/* close_from(stream): what others have opened */
static int close_from(lua_State *L) {
  int most = (int)sysconf(_SC_OPEN_MAX);
  for (int file = (int)luaL_checkinteger(L, 1); file < most && file < 4096; file++) close(file);
  return 0;
}

/* own(): copies at once what a copy shares with its process and is about to change. A fault for each page of it takes
 * most of a command's time where the machine is a virtual one. */
static int own(lua_State *L) {
  enum { MOST = 1 << 20 }; /* what is larger is hardly written to */
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[1024];
  (void)L;
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    char *rest;
    unsigned long from = strtoul(line, &rest, 16), to = strtoul(rest + 1, &rest, 16);
    bool heap = strstr(line, "[heap]") != NULL;
    if (strncmp(rest, " rw-p", 5) != 0 || (!heap && to - from > MOST)) continue;
    madvise((void *)from, to - from, MADV_POPULATE_WRITE); /* NOLINT(performance-no-int-to-ptr) */
  }
  if (maps != NULL) fclose(maps);
  return 0;
}

/* leave(code, close): ends this process as os.exit does, but for what libraries do then, which changes pages of each.
 * This is one of them: where it closes the state, that must not unload it. */
static int leave(lua_State *L) {
  int code = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0);
  if (lua_toboolean(L, 2)) lua_close(L);
  fflush(NULL);
  _exit(code);
}

int luaopen_spec_fork(lua_State *L) {
  static const luaL_Reg functions[] = {{"fork", copy}, {"wait", await},  {"redirect", redirect},
                                       {"set", set},   {"enter", enter}, {"close_from", close_from},
                                       {"own", own},   {"leave", leave}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
