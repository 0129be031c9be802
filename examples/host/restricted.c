/* Runs a user's script in a Lua of few libraries (no io, no os, no debug), under a ceiling of memory and a budget of
 * instructions, on this program's own poll loop; after some seconds the script is stopped, in the middle of a call too.
 *
 *   PATCHWORKS_API_KEY=.. restricted SCRIPT.lua [SECONDS [BYTES [INSTRUCTIONS]]]
 *
 * The script has `versions` (a client's script_versions), `spawn` and `print`. Ends with 0 when the script ended well,
 * 1 when it raised or went over a bound, 3 when it was stopped. */
#include <lauxlib.h>
#include <lualib.h>
#include <patchworks.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { HOOK_EVERY = 1000 };

typedef struct host {
  size_t used, ceiling; /* bytes */
  long instructions;    /* left */
} host;

static void *allocate(void *data, void *block, size_t old, size_t size) {
  host *self = data;
  if (block == NULL) old = 0;
  if (size > old && self->used - old + size > self->ceiling) return NULL;
  void *moved = NULL;
  if (size == 0) {
    free(block);
  } else if ((moved = realloc(block, size)) == NULL) {
    return NULL;
  }
  self->used = self->used - old + size;
  return moved;
}

static host *host_of(lua_State *L) {
  void *self;
  lua_getallocf(L, &self);
  return self;
}

/* Once the budget is spent it raises at every instruction, so that a pcall in the script is no way out. */
static void on_count(lua_State *L, lua_Debug *info) {
  (void)info;
  host *self = host_of(L);
  self->instructions -= HOOK_EVERY;
  if (self->instructions >= 0) return;
  lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
  luaL_error(L, "the script's instructions are spent");
}

static int finish(lua_State *L, int status, lua_KContext context) {
  (void)context;
  lua_sethook(L, NULL, 0, 0);
  lua_pushboolean(L, status == LUA_OK || status == LUA_YIELD);
  lua_insert(L, 1);
  return lua_gettop(L);
}

/* budgeted(fn, ...) -> true, results; or false and an error: a pcall for what is the user's, as which a task runs. */
static int budgeted(lua_State *L) {
  lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
  return finish(L, lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, 0, finish), 0);
}

/* What is the host's own in Lua: gives `start`, which begins the script, and `stop`. */
static const char prelude[] =
    "local key, url, budgeted = ...\n"
    "local patchworks = require 'patchworks'\n"
    "local client = patchworks.new { api_key = key, base_url = url, loop = require 'patchworks.loop.host' }\n"
    "local tasks = {}\n"
    "local function spawn(fn, ...)\n"
    "  local task = patchworks.spawn(budgeted, fn, ...)\n"
    "  tasks[#tasks + 1] = task\n"
    "  return task\n"
    "end\n"
    "local env = { versions = client.script_versions, spawn = spawn, print = print, assert = assert, error = error,\n"
    "  ipairs = ipairs, pairs = pairs, pcall = pcall, select = select, tostring = tostring, type = type,\n"
    "  string = string, table = table, math = math }\n"
    "local ok, problem\n"
    "local function start(text)\n"
    "  local chunk = assert(load(text, '=script', 't', env))\n"
    "  tasks[1] = patchworks.spawn(function() ok, problem = budgeted(chunk) end)\n"
    "end\n"
    "local function outcome() return ok, tostring(problem) end\n"
    "local function stop()\n"
    "  for _, task in ipairs(tasks) do task:cancel() end\n"
    "  client:close()\n"
    "end\n"
    "return start, outcome, stop\n";

enum { START = 1, OUTCOME, STOP };

static int set_up(lua_State *L) {
  static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
                                       {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
                                       {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math}};
  for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
    luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
  }
  luaL_requiref(L, "patchworks", luaopen_patchworks, 0);
  lua_settop(L, 0);
  if (luaL_loadstring(L, prelude) != LUA_OK) return lua_error(L);
  lua_pushstring(L, getenv("PATCHWORKS_API_KEY"));
  lua_pushstring(L, getenv("PATCHWORKS_BASE_URL"));
  lua_pushcfunction(L, budgeted);
  lua_call(L, 3, 3);
  return 3;
}

static int report(lua_State *L) {
  fprintf(stderr, "%s\n", lua_tostring(L, -1) != NULL ? lua_tostring(L, -1) : "an error that is no string");
  return 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Runs the loop until the script has ended (0, or 1 when it raised) or its time is up (3). */
static int run_loop(lua_State *L, double seconds) {
  double end = now() + seconds;
  for (;;) {
    if (pw_pump(L) != LUA_OK) return report(L);
    lua_pushvalue(L, OUTCOME);
    if (lua_pcall(L, 0, 2, 0) != LUA_OK) return report(L);
    if (!lua_isnil(L, -2)) return lua_toboolean(L, -2) ? 0 : report(L);
    lua_pop(L, 2);
    double left = end - now();
    if (left <= 0) return 3;
    /* Whatever else the program waits for has its place beside it. */
    struct pollfd waits = {.fd = pw_fd(L), .events = POLLIN};
    poll(&waits, 1, (int)(left * 1000) + 1);
  }
}

static int run(lua_State *L, const char *path, double seconds) {
  static char text[65536];
  FILE *file = fopen(path, "rb");
  if (file == NULL) return 2;
  size_t size = fread(text, 1, sizeof text, file);
  fclose(file);
  lua_pushcfunction(L, set_up);
  if (lua_pcall(L, 0, 3, 0) != LUA_OK) return report(L);
  lua_pushvalue(L, START);
  lua_pushlstring(L, text, size);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) return report(L);
  int result = run_loop(L, seconds);
  lua_settop(L, STOP);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) return report(L);
  return result;
}

int main(int count, char **words) {
  if (count < 2) return 2;
  host self = {.ceiling = 16 << 20, .instructions = 100000000};
  double seconds = count > 2 ? strtod(words[2], NULL) : 10;
  if (count > 3) self.ceiling = (size_t)strtoul(words[3], NULL, 10);
  if (count > 4) self.instructions = strtol(words[4], NULL, 10);
#if LUA_VERSION_NUM >= 505
  lua_State *L = lua_newstate(allocate, &self, luaL_makeseed(NULL));
#else
  lua_State *L = lua_newstate(allocate, &self);
#endif
  if (L == NULL) return 2;
  int result = run(L, words[1], seconds);
  lua_close(L);
  if (self.used != 0) fprintf(stderr, "%zu bytes are missing\n", self.used);
  return self.used == 0 ? result : 1;
}
