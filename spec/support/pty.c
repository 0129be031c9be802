/* Programs in pseudo-terminals, for spec/support/terminal.lua. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((visibility("default"))) int luaopen_spec_pty(lua_State *L);

static int fail(lua_State *L, int problem, const char *what) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", what, strerror(problem));
  return 2;
}

/* The one who opens a terminal first in a session of its own has it as that which controls it. */
static int spawn_in(const char *terminal, const char *command, pid_t *pid) {
  char *const words[] = {"sh", "-c", (char *)command, NULL};
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, 0, 1);
  posix_spawn_file_actions_adddup2(&actions, 0, 2);
  int problem = posix_spawn(pid, "/bin/sh", &actions, &attributes, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return problem;
}

/* start(command of a shell) -> the terminal's descriptor and the process id; or nil and a sentence */
static int start(lua_State *L) {
  const char *command = luaL_checkstring(L, 1), *name;
  pid_t pid;
  int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) return fail(L, errno, "no pseudo-terminal");
  if (grantpt(terminal) != 0 || unlockpt(terminal) != 0 || (name = ptsname(terminal)) == NULL) {
    int problem = errno;
    close(terminal);
    return fail(L, problem, "no pseudo-terminal");
  }
  int problem = spawn_in(name, command, &pid);
  if (problem != 0) {
    close(terminal);
    return fail(L, problem, "sh");
  }
  lua_pushinteger(L, terminal);
  lua_pushinteger(L, pid);
  return 2;
}

/* read(terminal, seconds) -> what was written to it, "" where nothing was in that time; nil where nobody has it open */
static int read_from(lua_State *L) {
  char bytes[65536];
  struct pollfd entry = {.fd = (int)luaL_checkinteger(L, 1), .events = POLLIN};
  int ready = poll(&entry, 1, (int)(luaL_checknumber(L, 2) * 1000 + 0.999));
  ssize_t size = ready > 0 ? read(entry.fd, bytes, sizeof bytes) : 0;
  if (size < 0) return 0;
  lua_pushlstring(L, bytes, (size_t)size);
  return 1;
}

/* write(terminal, text) */
static int write_to(lua_State *L) {
  size_t size;
  int terminal = (int)luaL_checkinteger(L, 1);
  const char *text = luaL_checklstring(L, 2, &size);
  while (size > 0) {
    ssize_t written = write(terminal, text, size);
    if (written < 0) return luaL_error(L, "write: %s", strerror(errno));
    text += written;
    size -= (size_t)written;
  }
  return 0;
}

/* ended(pid) -> the exit code, or less than 0 for the signal that ended it; nil as long as it runs */
static int ended(lua_State *L) {
  int status;
  pid_t pid = (pid_t)luaL_checkinteger(L, 1);
  if (waitpid(pid, &status, WNOHANG) != pid) return 0;
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  return 1;
}

/* close(terminal) */
static int close_terminal(lua_State *L) {
  close((int)luaL_checkinteger(L, 1));
  return 0;
}

int luaopen_spec_pty(lua_State *L) {
  static const luaL_Reg functions[] = {{"start", start}, {"read", read_from},       {"write", write_to},
                                       {"ended", ended}, {"close", close_terminal}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
