/* Runs one call of an operation again and again, with the first, second, third .. allocation failing, until a run needs
 * fewer: Lua's own allocations, or everybody's. Each run must end in a clean error or a success; none may crash, and at
 * the end no memory may be missing.
 *
 *   sweep lua|malloc CALLS.lua NAME ARGUMENTS...
 *
 * REFUSALS=n in the environment: Lua's collector frees nothing for the next n allocations either.
 *
 * Replaces malloc for the whole program, libcurl included; glibc's own names for it are underneath. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static __thread long countdown = 0; /* 0: not armed; else the allocation that fails */
static __thread bool failed = false;
static __thread int again = 0; /* Lua collects its garbage and tries once more: that must fail too */
static int refusals = 1;
static __thread bool in_lua_only = false;

static bool fails_now(void) {
  if (again > 0) {
    again--;
    return true;
  }
  if (countdown == 0 || --countdown != 0) return false;
  failed = true;
  if (in_lua_only) again = refusals;
  errno = ENOMEM;
  return true;
}

/* lua-cjson's buffers end the process when malloc fails, by its own design: those are left out, and counted as what
 * they are, somebody else's. */
static bool sweeps(const void *caller) {
  Dl_info where;
  if (in_lua_only || (countdown == 0 && again == 0)) return false;
  return dladdr(caller, &where) == 0 || where.dli_fname == NULL || strstr(where.dli_fname, "cjson") == NULL;
}

void *malloc(size_t size) { return sweeps(__builtin_return_address(0)) && fails_now() ? NULL : __libc_malloc(size); }

void *calloc(size_t count, size_t size) {
  return sweeps(__builtin_return_address(0)) && fails_now() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
  return sweeps(__builtin_return_address(0)) && fails_now() ? NULL : __libc_realloc(block, size);
}

static void *lua_allocate(void *context, void *block, size_t old, size_t size) {
  (void)context, (void)old;
  if (size == 0) {
    free(block);
    return NULL;
  }
  if (in_lua_only && (block == NULL || size > old) && fails_now()) return NULL;
  long armed = countdown;
  if (!in_lua_only) countdown = 0; /* Lua's are swept by themselves */
  void *grown = __libc_realloc(block, size);
  if (!in_lua_only) countdown = armed;
  return grown;
}

static int traceless(lua_State *L) { return lua_gettop(L); }

static void die(lua_State *L, const char *what, long n) {
  fprintf(stderr, "allocation %ld: %s: %s\n", n, what, luaL_tolstring(L, -1, NULL));
  exit(1);
}

/* One run of the function at `index`; true when an allocation failed in it. */
static bool run(lua_State *L, int index, long n, bool lua_only, long *errors) {
  lua_pushcfunction(L, traceless);
  lua_pushvalue(L, index);
  failed = false;
  in_lua_only = lua_only;
  countdown = n;
  int status = lua_pcall(L, 0, 2, 0);
  countdown = 0;
  again = 0;
  in_lua_only = false;
  if (status != LUA_OK) {
    const char *message = luaL_tolstring(L, -1, NULL);
    if (!failed || strstr(message, "memory") == NULL) die(L, "an error that is none of memory", n);
    (*errors)++;
  } else if (failed && lua_isnil(L, -2)) {
    (*errors)++;
  }
  lua_settop(L, index);
  return failed;
}

static size_t in_use(lua_State *L) {
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCCOLLECT);
  return mallinfo2().uordblks;
}

int main(int count, char **words) {
  if (count < 4) return 2;
  bool lua_only = strcmp(words[1], "lua") == 0;
  if (getenv("REFUSALS") != NULL) refusals = atoi(getenv("REFUSALS"));
  lua_State *L = lua_newstate(lua_allocate, NULL);
  if (L == NULL) return 1;
  luaL_openlibs(L);
  if (luaL_loadfile(L, words[2]) != LUA_OK) die(L, "loading", 0);
  for (int i = 3; i < count; i++) lua_pushstring(L, words[i]);
  if (lua_pcall(L, count - 3, 1, 0) != LUA_OK) die(L, "preparing", 0);
  int index = lua_gettop(L);
  long errors = 0, n = 0;
  for (int i = 0; i < 3; i++) run(L, index, 0, lua_only, &errors);
  size_t before = in_use(L);
  do {
    n++;
    if (n % 64 == 0) lua_gc(L, LUA_GCCOLLECT);
  } while (run(L, index, n, lua_only, &errors));
  for (int i = 0; i < 3; i++) run(L, index, 0, lua_only, &errors); /* and still works */
  size_t after = in_use(L);
  printf("%s %s: %ld allocations, %ld clean errors, %ld bytes more\n", words[3], words[1], n - 1, errors,
         (long)after - (long)before);
  if (errors == 0) return 1;
  lua_close(L);
  /* What the allocator and libcurl keep for later differs by some 30 KB from run to run. */
  return (long)after - (long)before > 262144;
}
