/* Finding modules in a state whose host may have none, or no `require`, with what is linked in besides; and what the
 * module makes of a libcurl and of a system that are as they might be: `loading PART` prints what is not so. */
#include "../../src/core/loading.h"

#include <curl/curl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <unistd.h>

#include "checks.h"
#include "patchworks.h"

static int calls; /* of what is linked in */

/* A loader that gives the name it was given, and how many words there were. */
static int own(lua_State *L) {
  calls++;
  lua_pushfstring(L, "own %s %d", lua_tostring(L, 1), lua_gettop(L));
  return 1;
}

/* One that leaves nothing. */
static int silent(lua_State *L) {
  (void)L;
  calls++;
  return 0;
}

static int require(lua_State *L) {
  pw_loading_require(L, "m", lua_tocfunction(L, 1));
  return lua_gettop(L) - 1;
}

/* What is found after a chunk has made the state what it is: the one result as text, or the error; what is else on the
 * stack is told too. */
static const char *found(const char *chunk, lua_CFunction linked) {
  static char text[200];
  lua_State *L = luaL_newstate();
  if (L == NULL) return "no memory";
  luaL_openlibs(L);
  calls = 0;
  if (luaL_dostring(L, chunk) != LUA_OK) return lua_tostring(L, -1);
  lua_settop(L, 0);
  lua_pushcfunction(L, require);
  if (linked == NULL) lua_pushnil(L);
  if (linked != NULL) lua_pushcfunction(L, linked);
  int status = lua_pcall(L, 1, LUA_MULTRET, 0);
  snprintf(text, sizeof text, "%s", luaL_tolstring(L, -1, NULL));
  lua_pop(L, 1);
  if (status == LUA_OK && lua_gettop(L) != 1) snprintf(text, sizeof text, "%d things", lua_gettop(L));
  /* Found once, it is the same for whoever asks, and nothing is loaded again. */
  if (status == LUA_OK && luaL_dostring(L, "return package.loaded.m") == LUA_OK && !lua_rawequal(L, 1, -1)) {
    snprintf(text, sizeof text, "something else is in package.loaded");
  }
  lua_close(L);
  return text;
}

static bool is(const char *text, const char *expected) {
  if (strcmp(text, expected) == 0) return true;
  fprintf(stderr, "%s, where this is due: %s\n", text, expected);
  return false;
}

/* What is linked in is taken after what is loaded and what is preloaded, and before the state's `require`. */
static void check_order(void) {
  CHECK(is(found("require = nil", own), "own m 1") && calls == 1);
  CHECK(is(found("function require() return 'required' end", own), "own m 1") && calls == 1);
  CHECK(is(found("package.preload.m = function(...) return 'preloaded ' .. ... end", own), "preloaded m") &&
        calls == 0);
  CHECK(is(found("package.preload.m = function() error 'preloaded' end package.loaded.m = 'loaded'", own), "loaded"));
  CHECK(calls == 0);
  CHECK(is(found("package.loaded.m = false", own), "own m 1") && calls == 1);
  CHECK(is(found("package.preload.m = function() return false end", own), "false") && calls == 0);
}

/* A loader that leaves nothing has the module be true, as Lua's own `require` has it. */
static void check_silence(void) {
  CHECK(is(found("require = nil", silent), "true") && calls == 1);
  CHECK(is(found("package.preload.m = function() end", NULL), "true"));
}

/* Where nothing is linked in, the state's own `require` is asked, or it is said what the host can do. */
static void check_missing(void) {
  CHECK(is(found("function require(name) package.loaded[name] = 'required' return 'required' end", NULL), "required"));
  CHECK(is(found("function require() error('mine', 0) end", NULL), "mine"));
  CHECK(is(found("require = nil", NULL),
           "there is no module 'm': the host puts it into package.loaded or package.preload, or links it in"));
}

/* libcurl, as it might have been built. */
static curl_version_info_data built;

curl_version_info_data *curl_version_info(CURLversion age) {
  (void)age;
  return &built;
}

/* What a chunk with the core at hand gives, as text. */
static const char *said_by_core(const char *chunk) {
  static char text[200];
  lua_State *L = luaL_newstate();
  if (L == NULL) return "no memory";
  luaL_openlibs(L);
  luaL_requiref(L, "patchworks.core", luaopen_patchworks_core, 0);
  lua_setglobal(L, "core");
  if (luaL_loadstring(L, chunk) == LUA_OK) lua_pcall(L, 0, 1, 0);
  snprintf(text, sizeof text, "%s", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return text;
}

/* What a libcurl can do is told feature by feature. */
static void check_versions(void) {
  static const struct {
    int features;
    const char *tls, *libz, *said;
  } cases[] = {
      {0, NULL, NULL, "7.88.1 none false false identity"},
      {CURL_VERSION_HTTP2, "OpenSSL/3", "1.2", "7.88.1 OpenSSL/3 true false deflate, gzip"},
      {CURL_VERSION_ASYNCHDNS, "GnuTLS/3", "1.2", "7.88.1 GnuTLS/3 false true deflate, gzip"},
      {CURL_VERSION_BROTLI, NULL, "1.2", "7.88.1 none false false deflate, gzip, br"},
      {CURL_VERSION_BROTLI, NULL, NULL, "7.88.1 none false false identity"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    built = (curl_version_info_data){
        .version = "7.88.1", .features = cases[i].features, .ssl_version = cases[i].tls, .libz_version = cases[i].libz};
    CHECK(is(said_by_core("local said = core.versions() return table.concat({ said.libcurl, said.tls, "
                          "tostring(said.http2), tostring(said.asynchronous_dns), said.encodings }, ' ')"),
             cases[i].said));
  }
}

/* The system's randomness, which may be missing. */
static uint64_t drawn;
static bool is_missing;

int getentropy(void *into, size_t size) {
  memcpy(into, &drawn, size < sizeof drawn ? size : sizeof drawn);
  return is_missing ? -1 : 0;
}

/* A fraction is made of what the system draws, and where it draws nothing still is one. */
static void check_random(void) {
  drawn = UINT64_MAX;
  CHECK(is(said_by_core("return tostring(core.random() == 1 - 2.0 ^ -53)"), "true"));
  drawn = 1ull << 63;
  CHECK(is(said_by_core("return tostring(core.random())"), "0.5"));
  is_missing = true;
  CHECK(is(said_by_core("local one = core.random() return tostring(one >= 0 and one < 1 and one ~= 0.5)"), "true"));
}

int main(int count, char **words) {
  static const part parts[] = {{"order", check_order},       {"silence", check_silence}, {"missing", check_missing},
                               {"versions", check_versions}, {"random", check_random},   {NULL, NULL}};
  return check_parts(parts, count, words);
}
