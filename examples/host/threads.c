/* Many threads, a Lua state each: nothing is shared, so nothing is locked.
 *
 *   PATCHWORKS_API_KEY=.. threads VERSION [CALLS [THREADS]] */
#include <lauxlib.h>
#include <lualib.h>
#include <patchworks.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_THREADS = 64 };

typedef struct worker {
  pthread_t thread;
  const char *version;
  long calls;
  long right; /* answers that were for the version asked for */
} worker;

static const char program[] =
    "local version, calls = ...\n"
    "local client <close> = require('patchworks').new {}\n"
    "local right = 0\n"
    "for _ = 1, calls do\n"
    "  local got = assert(client.script_versions:get(version))\n"
    "  if tostring(got.id) == version then right = right + 1 end\n"
    "end\n"
    "return right\n";

static int protected_run(lua_State *L) {
  worker *self = lua_touserdata(L, 1);
  luaL_openlibs(L);
  luaL_requiref(L, "patchworks", luaopen_patchworks, 0);
  if (luaL_loadstring(L, program) != LUA_OK) return lua_error(L);
  lua_pushstring(L, self->version);
  lua_pushinteger(L, self->calls);
  lua_call(L, 2, 1);
  self->right = (long)lua_tointeger(L, -1);
  return 0;
}

static void *run(void *data) {
  lua_State *L = luaL_newstate();
  if (L == NULL) return NULL;
  lua_pushcfunction(L, protected_run);
  lua_pushlightuserdata(L, data);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return NULL;
}

int main(int count, char **words) {
  if (count < 2) return 2;
  long calls = count > 2 ? strtol(words[2], NULL, 10) : 10000;
  long threads = count > 3 ? strtol(words[3], NULL, 10) : 4;
  if (calls < 1 || threads < 1 || threads > MOST_THREADS) return 2;
  static worker workers[MOST_THREADS];
  for (long i = 0; i < threads; i++) {
    workers[i].version = words[1];
    workers[i].calls = calls / threads;
    if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0) return 1;
  }
  long right = 0;
  for (long i = 0; i < threads; i++) {
    pthread_join(workers[i].thread, NULL);
    right += workers[i].right;
  }
  printf("%ld threads, %ld right answers of %ld\n", threads, right, calls / threads * threads);
  return right == calls / threads * threads ? 0 : 1;
}
