/* What a host in C does to Lua states with patchworks in them: spec/hosts/hosts_spec.lua runs it, and so does a check
 * with sanitizers.
 *
 *   states SCENARIO    with PATCHWORKS_BASE_URL and PATCHWORKS_API_KEY; version 1 is there
 *
 * A scenario that goes wrong says at what line, and ends with 1. */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <netdb.h>
#include <patchworks.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_SECONDS = 3, QUARTER = 1 << 18, MOST_KILOBYTES = 2048, KILOBYTES_A_STATE = 7 };

static void expect_at(bool fine, const char *what, int line) {
  if (fine) return;
  fprintf(stderr, "states.c:%d: %s\n", line, what);
  _exit(1);
}
#define expect(fine) expect_at(fine, #fine, __LINE__)

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A resolver that takes its time for one name; libcurl finds it before the system's. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **result) {
  int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (node != NULL && strcmp(node, "slow.test") == 0) {
    sleep(SLOW_SECONDS);
    return EAI_NONAME;
  }
  *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
  return next(node, service, hints, result);
}

/* Memory under a ceiling, and one that is refused: an allocation, and Lua's second try after it has collected. */
typedef struct memory {
  size_t used, ceiling;
  long countdown; /* 0: not armed; else the allocation that is refused */
  int again;
} memory;

static bool refuses(memory *self) {
  if (self->again > 0) {
    self->again--;
    return true;
  }
  if (self->countdown == 0 || --self->countdown != 0) return false;
  self->again = 1;
  return true;
}

static void *allocate(void *data, void *block, size_t old, size_t size) {
  memory *self = data;
  if (block == NULL) old = 0;
  if (size > old && self->ceiling > 0 && self->used - old + size > self->ceiling) return NULL;
  if (size > old && refuses(self)) return NULL;
  void *moved = NULL;
  if (size == 0) {
    free(block);
  } else if ((moved = realloc(block, size)) == NULL) {
    return NULL;
  }
  self->used = self->used - old + size;
  return moved;
}

/* Runs Lua text; the error, if there is one, is told. */
static void run_at(lua_State *L, const char *text, int line) {
  if (luaL_dostring(L, text) == LUA_OK) return;
  fprintf(stderr, "states.c:%d: %s\n", line, luaL_tolstring(L, -1, NULL));
  _exit(1);
}
#define run(L, text) run_at(L, text, __LINE__)

static const char prelude[] =
    "patchworks = require 'patchworks'\n"
    "function client(given) return patchworks.new(given or {}) end\n"
    "function hosted() return client { loop = require 'patchworks.loop.host' } end\n"
    "function get(one) return assert((one or one_client).script_versions:get(1)).id end\n";

static lua_State *open_bare(memory *self) {
#if LUA_VERSION_NUM >= 505
  lua_State *L = lua_newstate(allocate, self, 0);
#else
  lua_State *L = lua_newstate(allocate, self);
#endif
  expect(L != NULL);
  luaL_openlibs(L);
  return L;
}

static lua_State *open_with(memory *self) {
  lua_State *L = open_bare(self);
  luaL_requiref(L, "patchworks", luaopen_patchworks, 0);
  lua_settop(L, 0);
  run(L, prelude);
  return L;
}

static void close_with(lua_State *L, const memory *self) {
  lua_close(L);
  expect(self->used == 0);
}

/* In a child process: `text` must hold there; and the child's state is closed. */
static void in_child(lua_State *L, const char *text) {
  pid_t child = fork();
  expect(child >= 0);
  if (child == 0) {
    alarm(10); /* one that hangs is a failure */
    run(L, text);
    lua_close(L);
    _exit(0);
  }
  int status;
  expect(waitpid(child, &status, 0) == child);
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const char refused_then_new[] =
    "local value, err = one_client.script_versions:get(1)\n"
    "assert(value == nil and tostring(err):find('fork', 1, true), tostring(err))\n"
    "assert(err.outcome == 'none', err.outcome)\n"
    "local fresh = client()\n"
    "for _ = 1, 20 do assert(get(fresh) == 1) end\n"
    "fresh:close()\n"
    "one_client:close()\n";

/* Both processes use a client, at once: nobody gets the other's answer, and the parent's connections go on. */
static void fork_plain(void) {
  memory self = {0};
  lua_State *L = open_with(&self);
  run(L, "one_client = client() assert(get() == 1)");
  for (int i = 0; i < 3; i++) {
    in_child(L, refused_then_new);
    run(L, "for _ = 1, 20 do assert(get() == 1) end assert(one_client:stats().connections == 1)");
  }
  close_with(L, &self);
}

static void pump_until(lua_State *L, const char *condition) {
  double end = now() + 20;
  for (;;) {
    expect(pw_pump(L) == LUA_OK);
    lua_getglobal(L, condition);
    bool done = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (done) return;
    expect(now() < end);
    struct pollfd waits = {.fd = pw_fd(L), .events = POLLIN};
    poll(&waits, 1, pw_timeout(L) < 0 ? 1000 : pw_timeout(L));
  }
}

/* On a loop, with calls under way at the fork: the child's closing takes nothing out of the parent's descriptor. */
static void fork_hosted(void) {
  memory self = {0};
  lua_State *L = open_with(&self);
  run(L, "one_client = hosted()");
  for (int i = 0; i < 10; i++) {
    run(L,
        "done = false\n"
        "local left = 4\n"
        "for _ = 1, 4 do\n"
        "  patchworks.spawn(function() assert(get() == 1) left = left - 1 done = left == 0 end)\n"
        "end\n");
    for (int j = 0; j < i % 4; j++) pw_pump(L);
    pid_t child = fork();
    if (child == 0) {
      alarm(10);
      lua_close(L);
      _exit(0);
    }
    int status;
    expect(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    pump_until(L, "done");
  }
  close_with(L, &self);
}

/* Whoever gives up on a name doesn't wait for it: a time-out, a cancelled task, a state that is closed. */
static void look_up(void) {
  memory self = {0};
  lua_State *L = open_with(&self);
  double began = now();
  run(L,
      "slow = client { base_url = 'https://slow.test', api_key = 'k' }\n"
      "local value, err = slow.script_versions:get(1, { timeout = 0.3 })\n"
      "assert(value == nil and err.kind == 'timeout', tostring(err))\n");
  expect(now() - began < 2);
  run(L,
      "patchworks.run(function(tasks)\n"
      "  local task = tasks:spawn(function() return slow.script_versions:get(1) end)\n"
      "  patchworks.sleep(0.1)\n"
      "  task:cancel()\n"
      "end)\n");
  expect(now() - began < 2.5);
  run(L,
      "slow = client { base_url = 'https://slow.test', api_key = 'k', loop = require 'patchworks.loop.host' }\n"
      "patchworks.spawn(function() return slow.script_versions:get(1) end)\n");
  expect(pw_pump(L) == LUA_OK);
  close_with(L, &self);
  expect(now() - began < 2.9);
  sleep(SLOW_SECONDS); /* the threads end in code that is still there */
}

/* Calls a function with each open descriptor but the listing's own. */
static int count_descriptors(bool inherited_only) {
  DIR *list = opendir("/proc/self/fd");
  int count = 0;
  if (list == NULL) return -1;
  for (struct dirent *each; (each = readdir(list)) != NULL;) {
    int fd = atoi(each->d_name);
    if (each->d_name[0] == '.' || fd == dirfd(list)) continue;
    count += !inherited_only || (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
  }
  closedir(list);
  return count;
}

/* Not one descriptor of ours is inherited by a program that is started. */
static void inherited(void) {
  memory self = {0};
  int before = count_descriptors(true), all = count_descriptors(false);
  lua_State *L = open_with(&self);
  run(L,
      "one_client, two = client(), hosted()\n"
      "assert(get() == 1 and get(two) == 1)\n"
      "patchworks.map({ 1, 1, 1, 1 }, function() return get() end)\n");
  expect(count_descriptors(false) > all);
  expect(count_descriptors(true) == before);
  close_with(L, &self);
  expect(count_descriptors(false) == all);
}

/* A large answer is the state's own memory: where that has no room, the call ends as every other want of memory. */
static void ceiling(void) {
  memory self = {0};
  lua_State *L = open_with(&self);
  run(L,
      "one_client = client()\n"
      "local large = assert(one_client.script_versions:create(1, { content = ('x'):rep(3 << 18) })).id\n"
      "function get_large() return one_client.script_versions:get(large, { include = { 'content' } }) end\n"
      "assert(get_large())\n"
      "one_client:close() one_client = client() get()\n"
      "collectgarbage() collectgarbage()\n");
  self.ceiling = self.used + QUARTER;
  lua_getglobal(L, "get_large");
  expect(lua_pcall(L, 0, 1, 0) == LUA_ERRMEM);
  lua_settop(L, 0);
  run(L, "assert(get() == 1) assert(one_client:stats().held_bytes < 1 << 18)");
  /* Room enough, but full of garbage: it is collected first. */
  self.ceiling = self.used + 16 * (size_t)QUARTER;
  run(L,
      "collectgarbage 'stop'\n"
      "for _ = 1, 5 do local garbage = ('y'):rep(5 << 17) end\n"
      "assert(get_large())\n"
      "collectgarbage 'restart'\n");
  self.ceiling = 0;
  close_with(L, &self);
}

/* States that are closed with calls under way, in a finalizer of theirs, and again and again. */
static void closing(void) {
  for (int i = 0; i < 20; i++) {
    memory self = {0};
    lua_State *L = open_with(&self);
    run(L,
        "one_client, two = client(), hosted()\n"
        "for _ = 1, 3 do patchworks.spawn(function() get(two) get(two) end) end\n"
        "local function late() pcall(get) pcall(get, two) one_client:close() end\n"
        "kept = setmetatable({}, { __gc = late })\n");
    for (int j = 0; j < i % 5; j++) pw_pump(L);
    close_with(L, &self);
  }
}

static long resident_kilobytes(void) {
  long pages = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL) return -1;
  int found = fscanf(file, "%ld %ld", &pages, &resident);
  fclose(file);
  return found == 2 ? resident * (sysconf(_SC_PAGESIZE) / 1024) : -1;
}

static void cycles(void) {
  const char *given = getenv("CYCLES");
  int most = given != NULL ? atoi(given) : 1000, descriptors = 0;
  long first = 0;
  for (int i = 0; i < most; i++) {
    memory self = {0};
    lua_State *L = open_with(&self);
    run(L, "one_client, two = client(), hosted() if math.random() < 0.1 then get() end");
    close_with(L, &self);
    if (i == most / 10) {
      first = resident_kilobytes();
      descriptors = count_descriptors(false);
    }
  }
  expect(count_descriptors(false) == descriptors);
  long more = resident_kilobytes() - first, states = most - most / 10, bound = KILOBYTES_A_STATE * states;
  printf("%ld KB more after %ld states\n", more, states);
  if (getenv("PATCHWORKS_INSTRUMENTED") == NULL) expect(more < (bound < MOST_KILOBYTES ? bound : MOST_KILOBYTES));
}

/* A hook of the host's that raises, once, at the first, second, third .. instruction. */
static long countdown;

static void raise_once(lua_State *L, lua_Debug *info) {
  (void)info;
  if (countdown > 0 && --countdown == 0) luaL_error(L, "the hook");
}

static void hooks_that_raise(void) {
  memory self = {0};
  lua_State *L = open_with(&self);
  run(L, "one_client, two = client(), hosted() get() get(two)");
  for (int hosted = 0; hosted < 2; hosted++) {
    bool raised = true;
    for (long n = 1; raised; n++) {
      lua_getglobal(L, "get");
      lua_getglobal(L, hosted ? "two" : "one_client");
      countdown = n;
      lua_sethook(L, raise_once, LUA_MASKCOUNT, 1);
      int status = lua_pcall(L, 1, 1, 0);
      lua_sethook(L, NULL, 0, 0);
      raised = countdown == 0;
      expect(raised ? status == LUA_ERRRUN || status == LUA_OK : status == LUA_OK);
      lua_settop(L, 0);
      run(L, "assert(get() == 1)");
      countdown = 0;
    }
  }
  run(L, "assert(one_client:stats().active == 0 and two:stats().active == 0)");
  close_with(L, &self);
}

static void yield_each(lua_State *L, lua_Debug *info) {
  (void)info;
  if (lua_isyieldable(L)) lua_yield(L, 0);
}

static int resume(lua_State *thread, lua_State *L, int arguments) {
  int results;
  return lua_resume(thread, L, arguments, &results);
}

static void hooks_that_yield(void) {
  memory self = {0};
  lua_State *L = open_with(&self);
  run(L, "one_client, two = client(), hosted() get() get(two)");
  for (int hosted = 0; hosted < 2; hosted++) {
    lua_State *thread = lua_newthread(L);
    lua_getglobal(thread, "get");
    lua_getglobal(thread, hosted ? "two" : "one_client");
    lua_sethook(thread, yield_each, LUA_MASKCOUNT, 1);
    int status = resume(thread, L, 1);
    while (status == LUA_YIELD) status = resume(thread, L, 0);
    expect(status == LUA_OK && lua_tointeger(thread, -1) == 1);
  }
  close_with(L, &self);
}

/* Errors of the loop's are told, and it goes on. */
static void pump_errors(void) {
  memory self = {0};
  lua_State *L = open_with(&self);
  run(L,
      "one_client = hosted() done = false\n"
      "patchworks.spawn(function() assert(get() == 1) done = true end)\n");
  for (long n = 1; n < 200; n++) {
    countdown = n;
    lua_sethook(L, raise_once, LUA_MASKCOUNT, 1);
    int top = lua_gettop(L), status = pw_pump(L);
    lua_sethook(L, NULL, 0, 0);
    expect(lua_gettop(L) == top + (status != LUA_OK));
    lua_settop(L, top);
  }
  countdown = 0;
  pump_until(L, "done");
  close_with(L, &self);
}

static int life(lua_State *L) {
  luaL_requiref(L, "patchworks", luaopen_patchworks, 0);
  lua_settop(L, 0);
  if (luaL_dostring(L,
                    "local patchworks = require 'patchworks'\n"
                    "local client <close> = patchworks.new {}\n"
                    "local value, err = client.script_versions:get(1)\n"
                    "assert(value or err.kind == 'network', err)\n") != LUA_OK) {
    lua_error(L);
  }
  return 0;
}

static int live(lua_State *L) {
  lua_pushcfunction(L, life);
  return lua_pcall(L, 0, 0, 0);
}

/* Each allocation from luaopen on is refused, in one state after the other: it ends as a want of memory, the state can
 * be used after it, and it closes where no memory is to be had at all. */
static void refused(void) {
  const char *given = getenv("STRIDE");
  long stride = given != NULL ? atol(given) : 1, tried = 0;
  bool reached = true;
  for (long n = 1; reached; n += stride, tried++) {
    memory self = {0};
    lua_State *L = open_bare(&self);
    self.countdown = n;
    int status = live(L);
    reached = self.countdown == 0;
    self.countdown = self.again = 0;
    if (status != LUA_OK && status != LUA_ERRMEM) fprintf(stderr, "%ld: %s\n", n, luaL_tolstring(L, -1, NULL));
    expect(status == LUA_ERRMEM || status == LUA_OK);
    lua_settop(L, 0);
    expect(live(L) == LUA_OK);
    self.ceiling = 1;
    close_with(L, &self);
  }
  printf("%ld allocations refused\n", tried);
}

int main(int count, char **words) {
  static const struct {
    const char *name;
    void (*play)(void);
  } scenarios[] = {
      {"fork_plain", fork_plain},
      {"fork_hosted", fork_hosted},
      {"look_up", look_up},
      {"inherited", inherited},
      {"ceiling", ceiling},
      {"closing", closing},
      {"cycles", cycles},
      {"hooks_that_raise", hooks_that_raise},
      {"hooks_that_yield", hooks_that_yield},
      {"pump_errors", pump_errors},
      {"refused", refused},
  };
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
    if (count == 1) printf("%s\n", scenarios[i].name);
    if (count != 2 || strcmp(scenarios[i].name, words[1]) != 0) continue;
    scenarios[i].play();
    return 0;
  }
  return count == 1 ? 0 : 2;
}
