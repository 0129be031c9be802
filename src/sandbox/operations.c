#include "operations.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"

#ifdef __APPLE__
#include <sys/random.h>
#endif

/* How many log entries make a page, oldest first: the service does not say. */
enum { LOGS_PER_PAGE = 100 };

static pw_store *store_of(pw_exchange *exchange) { return &exchange->server->store; }

/* Answers for what was not found, or could not be done. */
static void refuse(pw_exchange *exchange, pw_found found, const char *conflict) {
  if (found == PW_NOT_FOUND) {
    bool script = strcmp(exchange->operation, "list") == 0 || strcmp(exchange->operation, "create") == 0;
    pw_exchange_refuse(exchange, 404, "No query results for model [%s] %lld", script ? "Script" : "ScriptVersion",
                       (long long)exchange->subject);
  } else if (found == PW_CONFLICT) {
    pw_exchange_refuse(exchange, 409, "%s", conflict);
  } else {
    pw_exchange_fail(exchange);
  }
}

void pw_operation_get(pw_exchange *exchange) {
  pw_query query;
  if (!pw_input_query(exchange, PW_QUERY_ALL, &query)) return;
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":");
  pw_found found = pw_store_get(store_of(exchange), exchange->subject, &query.selection, out);
  sqlite3_str_appendchar(out, 1, '}');
  if (found != PW_FOUND) refuse(exchange, found, "");
}

static void append_link(sqlite3_str *out, const char *name, const char *path, int64_t page) {
  if (page > 0) {
    sqlite3_str_appendf(out, "\"%s\":\"%s?page=%lld\"", name, path, (long long)page);
  } else {
    sqlite3_str_appendf(out, "\"%s\":null", name);
  }
}

/* What Laravel puts behind the items of a page. */
static void append_pagination(pw_exchange *exchange, sqlite3_str *out, const pw_selection *selection, int64_t total,
                              int64_t rows) {
  int64_t page = selection->page, per_page = selection->per_page;
  int64_t last = total > 0 ? (total + per_page - 1) / per_page : 1;
  int64_t from = (page - 1) * per_page + 1;
  char *path = sqlite3_mprintf("http://127.0.0.1:%d%s", exchange->server->port, exchange->path);
  if (path == NULL) return;
  sqlite3_str_appendall(out, "],\"links\":{");
  append_link(out, "first", path, 1);
  sqlite3_str_appendchar(out, 1, ',');
  append_link(out, "last", path, last);
  sqlite3_str_appendchar(out, 1, ',');
  append_link(out, "prev", path, page - 1);
  sqlite3_str_appendchar(out, 1, ',');
  append_link(out, "next", path, page < last ? page + 1 : 0);
  sqlite3_str_appendf(out, "},\"meta\":{\"current_page\":%lld,\"from\":", (long long)page);
  if (rows > 0) {
    sqlite3_str_appendf(out, "%lld", (long long)from);
  } else {
    sqlite3_str_appendall(out, "null");
  }
  sqlite3_str_appendf(out, ",\"last_page\":%lld,\"path\":\"%s\",\"per_page\":%lld,\"to\":", (long long)last, path,
                      (long long)per_page);
  if (rows > 0) {
    sqlite3_str_appendf(out, "%lld", (long long)(from + rows - 1));
  } else {
    sqlite3_str_appendall(out, "null");
  }
  sqlite3_str_appendf(out, ",\"total\":%lld}}", (long long)total);
  sqlite3_free(path);
}

void pw_operation_list(pw_exchange *exchange) {
  pw_query query;
  if (!pw_input_query(exchange, PW_QUERY_ALL, &query)) return;
  int64_t total = 0, rows = 0;
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":[");
  pw_found found = pw_store_list(store_of(exchange), exchange->subject, &query.selection, out, &total, &rows);
  append_pagination(exchange, out, &query.selection, total, rows);
  if (found != PW_FOUND) refuse(exchange, found, "");
}

void pw_operation_logs(pw_exchange *exchange) {
  pw_query query;
  if (!pw_input_query(exchange, PW_QUERY_PAGE, &query)) return;
  query.selection.per_page = LOGS_PER_PAGE;
  int64_t total = 0, rows = 0;
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":[");
  pw_found found = pw_store_logs(store_of(exchange), exchange->subject, query.selection.page, LOGS_PER_PAGE,
                                 exchange->server->settings.habits.logs_newest_first, out, &total, &rows);
  append_pagination(exchange, out, &query.selection, total, rows);
  if (found != PW_FOUND) refuse(exchange, found, "");
}

/* The content's JSON literal, as it came or as a habit stores it. */
static char *content_of(pw_exchange *exchange) {
  static const char *const as_it_came = "SELECT ?1 -> '$.content'";
  static const char *const changed =
      "WITH c(text) AS (SELECT iif(?2 = '1', trim(?1 ->> '$.content', char(32, 9, 10, 13)), ?1 ->> '$.content'))"
      " SELECT json_quote(iif(?3 = '1', replace(replace(text, char(13, 10), char(10)), char(10), char(13, 10)), text))"
      " FROM c";
  const pw_habits *habits = &exchange->server->settings.habits;
  if (!habits->trim && !habits->crlf) return pw_store_evaluate(store_of(exchange), as_it_came, exchange->body, PW_END);
  return pw_store_evaluate(store_of(exchange), changed, exchange->body, habits->trim ? "1" : "0",
                           habits->crlf ? "1" : "0", PW_END);
}

void pw_operation_create(pw_exchange *exchange) {
  pw_query query;
  if (!pw_input_query(exchange, PW_QUERY_NONE, &query) || !pw_input_fields(exchange, "[\"content\"]")) return;
  char *type = pw_input_type(exchange, "$.content");
  bool text = type != NULL && strcmp(type, "text") == 0;
  bool missing = type == NULL || strcmp(type, "null") == 0;
  sqlite3_free(type);
  char *content = text ? content_of(exchange) : NULL;
  if (missing || (text && content != NULL && strcmp(content, "\"\"") == 0)) {
    pw_exchange_invalid(exchange, "content", "The content field is required.");
  } else if (!text) {
    pw_exchange_invalid(exchange, "content", "The content field must be a string.");
  } else if (content != NULL) {
    sqlite3_str *out = pw_exchange_answer(exchange, exchange->server->settings.habits.create_status);
    sqlite3_str_appendall(out, "{\"data\":");
    pw_found found = pw_store_create(store_of(exchange), exchange->subject, content, out);
    sqlite3_str_appendchar(out, 1, '}');
    if (found != PW_FOUND) refuse(exchange, found, "");
  }
  sqlite3_free(content);
}

void pw_operation_delete(pw_exchange *exchange) {
  pw_query query;
  if (!pw_input_query(exchange, PW_QUERY_NONE, &query)) return;
  pw_found found = pw_store_delete(store_of(exchange), exchange->subject);
  if (found != PW_FOUND) {
    refuse(exchange, found, "The script version is being deployed.");
    return;
  }
  sqlite3_str_appendall(pw_exchange_answer(exchange, 200), "{\"message\":\"Script version deleted.\"}");
}

void pw_operation_deploy(pw_exchange *exchange) {
  pw_query query;
  if (!pw_input_query(exchange, PW_QUERY_NONE, &query)) return;
  int64_t time = (int64_t)(exchange->server->settings.deploy_seconds * 1e6);
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"message\":\"Script version is being deployed.\",\"data\":");
  pw_found found =
      pw_store_deploy(store_of(exchange), exchange->subject, time, &exchange->server->settings.habits, out);
  sqlite3_str_appendchar(out, 1, '}');
  if (found != PW_FOUND) {
    refuse(exchange, found, "");
    return;
  }
  pw_deployer_notify(&exchange->server->deployer);
}

void pw_operation_upload(pw_exchange *exchange) {
  pw_query query;
  static const pw_selection any = {.is_deployed = -1};
  if (!pw_input_query(exchange, PW_QUERY_NONE, &query)) return;
  if (!exchange->administrator) {
    pw_exchange_refuse(exchange, 403, "This action is unauthorized.");
    return;
  }
  if (!pw_input_fields(exchange, "[\"private\"]")) return;
  char *type = pw_input_type(exchange, "$.private");
  char *flag =
      pw_store_evaluate(store_of(exchange), "SELECT coalesce(?1 ->> '$.private', 'true')", exchange->body, PW_END);
  bool text = type == NULL || strcmp(type, "text") == 0;
  if (!text || flag == NULL || (strcmp(flag, "true") != 0 && strcmp(flag, "false") != 0)) {
    pw_exchange_invalid(exchange, "private", "The private field must be the string \"true\" or \"false\".");
  } else {
    sqlite3_str *out = pw_exchange_answer(exchange, 200);
    sqlite3_str_appendf(out, "{\"message\":\"Script version uploaded.\",\"private\":\"%s\",\"data\":", flag);
    pw_found found = pw_store_get(store_of(exchange), exchange->subject, &any, out);
    sqlite3_str_appendchar(out, 1, '}');
    if (found != PW_FOUND) refuse(exchange, found, "");
  }
  sqlite3_free(type);
  sqlite3_free(flag);
}

bool pw_token_random(char token[41]) {
  static const char hex[] = "0123456789abcdef";
  unsigned char random[20];
  if (getentropy(random, sizeof random) != 0) return false;
  for (size_t i = 0; i < sizeof random; i++) {
    token[2 * i] = hex[random[i] >> 4];
    token[2 * i + 1] = hex[random[i] & 15];
  }
  token[40] = '\0';
  return true;
}

bool pw_token_make(pw_server *server, char token[41]) {
  if (!pw_token_random(token)) return false;
  int64_t expires = pw_clock_now(&server->clock) + (int64_t)(server->settings.token_seconds * 1e6);
  return pw_store_add_token(&server->store, token, expires);
}

void pw_operation_login(pw_exchange *exchange) {
  static const char *const read = "SELECT iif(json_type(?1, '$.' || ?2) = 'text', ?1 ->> ('$.' || ?2), NULL)";
  const pw_settings *settings = &exchange->server->settings;
  if (!pw_input_fields(exchange, "[\"username\",\"email\",\"password\"]")) return;
  char *name = pw_store_evaluate(store_of(exchange), read, exchange->body, "username", PW_END);
  if (name == NULL) name = pw_store_evaluate(store_of(exchange), read, exchange->body, "email", PW_END);
  char *password = pw_store_evaluate(store_of(exchange), read, exchange->body, "password", PW_END);
  char token[41];
  if (name == NULL || password == NULL) {
    const char *missing = name == NULL ? "username" : "password";
    pw_exchange_invalid(exchange, missing, "The %s field is required.", missing);
  } else if (strcmp(name, settings->username) != 0 || strcmp(password, settings->password) != 0) {
    pw_exchange_refuse(exchange, 401, "These credentials do not match our records.");
  } else if (pw_token_make(exchange->server, token)) {
    sqlite3_str_appendf(pw_exchange_answer(exchange, 200),
                        "{\"message\":\"Logged in.\",\"token\":\"%s\",\"expires_in\":%lld}", token,
                        (long long)settings->token_seconds);
  }
  sqlite3_free(name);
  sqlite3_free(password);
}
