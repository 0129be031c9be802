/* patchworks.sandbox.server: the service as a userdata, for lua/patchworks/sandbox.lua alone. */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "operations.h"

#define SERVER "patchworks.sandbox.server"
#define BOX "patchworks.sandbox.box"
#define EXCHANGE "patchworks.sandbox.exchange"

/* What a function holds that a Lua error must not leak. */
typedef struct box {
  pw_script script;
  char *text; /* of SQLite's */
  pw_journal *journal;
  size_t count;
  pw_entry *entries[];
} box;

static int box_close(lua_State *L) {
  box *held = luaL_checkudata(L, 1, BOX);
  free(held->script.name);
  free(held->script.language);
  sqlite3_free(held->text);
  for (size_t i = 0; i < held->count; i++) pw_journal_release(held->journal, held->entries[i]);
  held->script.name = held->script.language = held->text = NULL;
  held->count = 0;
  return 0;
}

static box *push_box(lua_State *L, size_t entries) {
  size_t size = sizeof(box) + entries * sizeof(pw_entry *);
  box *held = lua_newuserdatauv(L, size, 0);
  memset(held, 0, size);
  luaL_setmetatable(L, BOX);
  return held;
}

static pw_server *check(lua_State *L) {
  pw_server *server = luaL_checkudata(L, 1, SERVER);
  if (!server->opened) luaL_error(L, "the sandbox is closed");
  return server;
}

static int server_close(lua_State *L) {
  pw_server_close(luaL_checkudata(L, 1, SERVER));
  return 0;
}

static void read_text(lua_State *L, const char *name, char text[PW_SERVER_TEXT]) {
  size_t size;
  lua_getfield(L, 1, name);
  const char *value = luaL_checklstring(L, -1, &size);
  if (size == 0 || size >= PW_SERVER_TEXT) luaL_error(L, "%s must have 1 to %d bytes", name, PW_SERVER_TEXT - 1);
  memcpy(text, value, size + 1);
  lua_pop(L, 1);
}

static lua_Number read_number(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  lua_Number value = luaL_optnumber(L, -1, 0);
  lua_pop(L, 1);
  return value;
}

static bool read_flag(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  bool flag = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

static void read_word(lua_State *L, const char *name, char word[32]) {
  lua_getfield(L, -1, name);
  sqlite3_snprintf(32, word, "%s", luaL_optstring(L, -1, ""));
  lua_pop(L, 1);
}

static void read_habits(lua_State *L, pw_habits *habits) {
  lua_getfield(L, 1, "habits");
  luaL_checktype(L, -1, LUA_TTABLE);
  habits->invoke_deploys = read_flag(L, "invoke_deploys");
  habits->one_deployed = read_flag(L, "one_deployed");
  habits->redeploy_nothing = read_flag(L, "redeploy_nothing");
  habits->crlf = read_flag(L, "crlf");
  habits->trim = read_flag(L, "trim");
  habits->logs_newest_first = read_flag(L, "logs_newest_first");
  read_word(L, "deploying", habits->deploying);
  read_word(L, "idle", habits->idle);
  lua_getfield(L, -1, "create_status");
  habits->create_status = (int)luaL_checkinteger(L, -1);
  lua_pop(L, 2);
}

/* start{key, username, password, data, port, deploy_seconds, token_seconds, invoke_seconds, rate_limit} -> server; or
 * nil and a sentence. The Lua side has checked the values. */
static int start(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  pw_settings settings = {0};
  read_text(L, "key", settings.key);
  read_text(L, "username", settings.username);
  read_text(L, "password", settings.password);
  settings.port = (int)read_number(L, "port");
  settings.deploy_seconds = read_number(L, "deploy_seconds");
  settings.token_seconds = read_number(L, "token_seconds");
  settings.invoke_seconds = read_number(L, "invoke_seconds");
  settings.idle_seconds = read_number(L, "idle_seconds");
  settings.rate_limit = (int64_t)read_number(L, "rate_limit");
  read_habits(L, &settings.habits);
  box *held = push_box(L, 0);
  pw_server *server = lua_newuserdatauv(L, sizeof *server, 0);
  memset(server, 0, sizeof *server);
  luaL_setmetatable(L, SERVER);
  lua_getfield(L, 1, "data");
  const char *data = luaL_checkstring(L, -1);
  lua_getfield(L, 1, "seed");
  const char *seed = lua_tostring(L, -1);
  if (pw_server_open(server, &settings, data, seed, &held->text)) {
    lua_pushvalue(L, 3);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, held->text != NULL ? held->text : "not enough memory");
  return 2;
}

static int admin_token(lua_State *L) {
  lua_pushstring(L, check(L)->admin_token);
  return 1;
}

static int exchange_close(lua_State *L) {
  pw_exchange *exchange = luaL_checkudata(L, 1, EXCHANGE);
  exchange->uri = NULL; /* of Lua, as is its body */
  exchange->body = NULL;
  pw_exchange_close(exchange);
  memset(exchange, 0, sizeof *exchange);
  return 0;
}

/* admin(method, path, query, body) -> status, text: what the admin's interface answers, without HTTP. */
static int admin(lua_State *L) {
  pw_server *server = check(L);
  const char *method = luaL_checkstring(L, 2), *path = luaL_checkstring(L, 3), *query = luaL_checkstring(L, 4);
  const char *body = luaL_optstring(L, 5, NULL);
  pw_exchange *exchange = lua_newuserdatauv(L, sizeof *exchange, 0);
  memset(exchange, 0, sizeof *exchange);
  luaL_setmetatable(L, EXCHANGE);
  *exchange = (pw_exchange){.server = server, .method = method, .path = path, .query = query, .body = (char *)body};
  pw_admin_perform(exchange);
  const char *text = sqlite3_str_value(exchange->answer);
  lua_pushinteger(L, exchange->status);
  lua_pushstring(L, text != NULL ? text : "");
  return 2;
}

static int server_port(lua_State *L) {
  lua_pushinteger(L, check(L)->port);
  return 1;
}

/* create_script(name, language) -> id. */
static int create_script(lua_State *L) {
  pw_server *server = check(L);
  int64_t id = pw_store_add_script(&server->store, luaL_checkstring(L, 2), luaL_checkstring(L, 3));
  if (id == 0) return luaL_error(L, "the script can't be stored");
  lua_pushinteger(L, id);
  return 1;
}

/* next_script(after) -> id, name, language; or nothing. */
static int next_script(lua_State *L) {
  pw_server *server = check(L);
  int64_t after = luaL_checkinteger(L, 2);
  box *held = push_box(L, 0);
  pw_found found = pw_store_next_script(&server->store, after, &held->script);
  if (found == PW_STORE_FAILED) return luaL_error(L, "the scripts can't be read");
  if (found == PW_NOT_FOUND) return 0;
  lua_pushinteger(L, held->script.id);
  lua_pushstring(L, held->script.name);
  lua_pushstring(L, held->script.language);
  return 3;
}

/* populate(script, versions, the content as a JSON string literal) -> whether it worked. */
static int populate(lua_State *L) {
  pw_server *server = check(L);
  int64_t script = luaL_checkinteger(L, 2), versions = luaL_checkinteger(L, 3);
  box *held = push_box(L, 0);
  held->text = pw_store_evaluate(&server->store, "SELECT json_quote(?1)", luaL_checkstring(L, 4), PW_END);
  lua_pushboolean(L, held->text != NULL && pw_store_populate(&server->store, script, versions, held->text));
  return 1;
}

static int add_log(lua_State *L) {
  pw_server *server = check(L);
  size_t size;
  const char *message = luaL_checklstring(L, 3, &size);
  lua_pushboolean(L, pw_store_log(&server->store, luaL_checkinteger(L, 2), "info", message, (int)size));
  return 1;
}

static int make_token(lua_State *L) {
  char token[41];
  if (!pw_token_make(check(L), token)) return luaL_error(L, "the token can't be stored");
  lua_pushstring(L, token);
  return 1;
}

static int expire_tokens(lua_State *L) {
  lua_pushboolean(L, pw_store_expire_tokens(&check(L)->store));
  return 1;
}

static int set_latency(lua_State *L) {
  pw_faults_set_latency(&check(L)->faults, luaL_checknumber(L, 2));
  return 0;
}

static const char *field_text(lua_State *L, const char *name) {
  lua_getfield(L, 2, name); /* stays on the stack, and so stays alive */
  return luaL_optstring(L, -1, NULL);
}

/* fail{operation, how, times, every, status, retry_after, seconds, body} -> whether `how` is known. */
static int add_fault(lua_State *L) {
  pw_server *server = check(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  pw_fault fault = {.how = pw_fault_how_of(field_text(L, "how"))};
  if (fault.how == PW_FAULT_NONE) return 0;
  sqlite3_snprintf(sizeof fault.operation, fault.operation, "%s", field_text(L, "operation"));
  const char *retry_after = field_text(L, "retry_after");
  sqlite3_snprintf(sizeof fault.retry_after, fault.retry_after, "%s", retry_after != NULL ? retry_after : "");
  lua_getfield(L, 2, "times");
  lua_Number times = luaL_checknumber(L, -1);
  fault.times = times == HUGE_VAL ? INT64_MAX : (int64_t)times;
  lua_getfield(L, 2, "every");
  fault.every = luaL_checkinteger(L, -1);
  lua_getfield(L, 2, "status");
  fault.status = (int)luaL_checkinteger(L, -1);
  lua_getfield(L, 2, "seconds");
  fault.seconds = luaL_checknumber(L, -1);
  fault.body = (char *)field_text(L, "body");
  if (!pw_faults_add(&server->faults, &fault)) return luaL_error(L, "not enough memory");
  lua_pushboolean(L, 1);
  return 1;
}

static int faults_left(lua_State *L) {
  lua_pushinteger(L, pw_faults_left(&check(L)->faults));
  return 1;
}

static int clear_faults(lua_State *L) {
  pw_faults_clear(&check(L)->faults);
  return 0;
}

static int advance(lua_State *L) {
  pw_server *server = check(L);
  lua_pushboolean(L, pw_store_advance(&server->store, (int64_t)(luaL_checknumber(L, 2) * 1e6)));
  return 1;
}

static int now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)pw_clock_now(&check(L)->clock) / 1e6);
  return 1;
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void push_headers(lua_State *L, const pw_entry *entry) {
  lua_newtable(L);
  const char *end = entry->headers + entry->headers_size;
  for (const char *name = entry->headers; name < end;) {
    const char *value = name + strlen(name) + 1;
    set_text(L, name, value);
    name = value + strlen(value) + 1;
  }
}

static void push_entry(lua_State *L, const pw_entry *entry) {
  lua_createtable(L, 0, 9);
  set_text(L, "method", entry->method);
  set_text(L, "path", entry->path);
  set_text(L, "query", entry->query);
  set_text(L, "operation", entry->operation);
  set_text(L, "authorization", entry->authorization);
  lua_pushinteger(L, entry->status);
  lua_setfield(L, -2, "status");
  lua_pushnumber(L, (lua_Number)entry->at / 1e6);
  lua_setfield(L, -2, "at");
  lua_pushlstring(L, entry->body, entry->body_size);
  lua_setfield(L, -2, "body");
  push_headers(L, entry);
  lua_setfield(L, -2, "headers");
}

static int requests(lua_State *L) {
  pw_server *server = check(L);
  size_t most = pw_journal_count(&server->journal, NULL);
  box *held = push_box(L, most);
  held->journal = &server->journal;
  held->count = pw_journal_hold(&server->journal, held->entries, most);
  lua_createtable(L, (int)held->count, 0);
  for (size_t i = 0; i < held->count; i++) {
    push_entry(L, held->entries[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushcfunction(L, box_close); /* now, not when the collector comes: the server may be closed by then */
  lua_rotate(L, 2, -1);
  lua_call(L, 1, 0);
  return 1;
}

static int count(lua_State *L) {
  const pw_server *server = check(L);
  lua_pushinteger(L, (lua_Integer)pw_journal_count((pw_journal *)&server->journal, luaL_optstring(L, 2, NULL)));
  return 1;
}

static int forget(lua_State *L) {
  pw_journal_forget(&check(L)->journal);
  return 0;
}

/* wait_for_signal(): until SIGINT or SIGTERM comes, which then does nothing else. */
static int wait_for_signal(lua_State *L) {
  sigset_t ends, before;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, &before);
  int got = 0;
  while (sigwait(&ends, &got) == EINTR) continue;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  lua_pushinteger(L, got);
  return 1;
}

static void make_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction close) {
  luaL_newmetatable(L, name);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}

__attribute__((visibility("default"))) int luaopen_patchworks_sandbox_server(lua_State *L);

int luaopen_patchworks_sandbox_server(lua_State *L) {
  static const luaL_Reg methods[] = {{"close", server_close},
                                     {"port", server_port},
                                     {"admin_token", admin_token},
                                     {"admin", admin},
                                     {"create_script", create_script},
                                     {"next_script", next_script},
                                     {"populate", populate},
                                     {"log", add_log},
                                     {"token", make_token},
                                     {"expire_tokens", expire_tokens},
                                     {"latency", set_latency},
                                     {"fail", add_fault},
                                     {"faults_left", faults_left},
                                     {"clear_faults", clear_faults},
                                     {"advance", advance},
                                     {"now", now},
                                     {"requests", requests},
                                     {"count", count},
                                     {"forget_requests", forget},
                                     {NULL, NULL}};
  static const luaL_Reg none[] = {{NULL, NULL}};
  static const luaL_Reg functions[] = {{"start", start}, {"wait_for_signal", wait_for_signal}, {NULL, NULL}};
  make_class(L, SERVER, methods, server_close);
  make_class(L, BOX, none, box_close);
  make_class(L, EXCHANGE, none, exchange_close);
  luaL_newlib(L, functions);
  return 1;
}
