/* Scripts, versions, what happened to them, and the state as a whole. */
#include <stdlib.h>
#include <string.h>

#include "admin.h"

static pw_store *store_of(pw_exchange *exchange) { return &exchange->server->store; }

static void say_done(pw_exchange *exchange) {
  sqlite3_str_appendall(pw_exchange_answer(exchange, 200), "{\"message\":\"Done.\"}");
}

void pw_admin_status(pw_exchange *exchange) {
  pw_server *server = exchange->server;
  char now[PW_CLOCK_TEXT];
  pw_clock_format(pw_clock_now(&server->clock), now);
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendf(out, "{\"url\":\"http://127.0.0.1:%d\",\"key\":", server->port);
  pw_exchange_string(out, server->settings.key, strlen(server->settings.key));
  sqlite3_str_appendf(out, ",\"now\":\"%s\",\"latency\":%!.15g,\"requests\":%lld,\"isolated\":%s,\"habits\":", now,
                      pw_faults_latency(&server->faults), (long long)pw_journal_count(&server->journal, NULL),
                      server->isolated ? "true" : "false");
  pw_habits_append(&server->settings.habits, out);
  sqlite3_str_appendchar(out, 1, '}');
}

void pw_admin_scripts(pw_exchange *exchange) {
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":");
  bool ok = pw_store_scripts(store_of(exchange), out);
  sqlite3_str_appendchar(out, 1, '}');
  if (!ok) pw_exchange_fail(exchange);
}

/* One script is fixtures of one. */
void pw_admin_add_script(pw_exchange *exchange) {
  static const char *const wrap = "SELECT json_object('scripts', json_array(json(iif(json_valid(?1), ?1, 'null'))))";
  char *problem = NULL;
  char *fixtures = pw_store_evaluate(store_of(exchange), wrap, exchange->body != NULL ? exchange->body : "", PW_END);
  if (fixtures != NULL && pw_store_seed(store_of(exchange), fixtures, &problem)) {
    pw_admin_scripts(exchange);
    exchange->status = 201;
  } else {
    pw_exchange_refuse(exchange, 422, "The script can't be added: %s.", problem != NULL ? problem : "the disk says no");
  }
  sqlite3_free(problem);
  sqlite3_free(fixtures);
}

void pw_admin_populate(pw_exchange *exchange) {
  double script, versions;
  if (!pw_admin_field(exchange, "script", 1, 1e15, 0, &script)) return;
  if (!pw_admin_field(exchange, "versions", 1, 1e7, 1, &versions)) return;
  static const char *const content =
      "SELECT coalesce(iif(json_type(?1, '$.content') = 'text', ?1 -> '$.content', NULL), json_quote(?2))";
  char *text = pw_store_evaluate(store_of(exchange), content, exchange->body, "def handle(data): return data", PW_END);
  if (text != NULL && pw_store_populate(store_of(exchange), (int64_t)script, (int64_t)versions, text)) {
    say_done(exchange);
  } else {
    pw_exchange_refuse(exchange, 404, "There is no script %lld.", (long long)script);
  }
  sqlite3_free(text);
}

void pw_admin_add_log(pw_exchange *exchange) {
  double version;
  if (!pw_admin_field(exchange, "version", 1, 1e15, 0, &version)) return;
  char *message = pw_admin_text(exchange, "message");
  if (message == NULL) {
    pw_exchange_invalid(exchange, "message", "The message field must be a string.");
  } else if (pw_store_log(store_of(exchange), (int64_t)version, "info", message, -1)) {
    say_done(exchange);
  } else {
    pw_exchange_refuse(exchange, 404, "There is no version %lld.", (long long)version);
  }
  sqlite3_free(message);
}

void pw_admin_versions(pw_exchange *exchange) {
  int64_t script = (int64_t)pw_admin_number(exchange, "script", 0), total = 0, rows = 0;
  pw_selection selection = {.is_deployed = -1, .page = (int64_t)pw_admin_number(exchange, "page", 1), .per_page = 100};
  if (selection.page < 1) selection.page = 1;
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":[");
  pw_found found = pw_store_list(store_of(exchange), script, &selection, out, &total, &rows);
  sqlite3_str_appendf(out, "],\"total\":%lld}", (long long)total);
  if (found == PW_NOT_FOUND) pw_exchange_refuse(exchange, 404, "There is no script %lld.", (long long)script);
  if (found == PW_STORE_FAILED) pw_exchange_fail(exchange);
}

/* A version with its content, its script, and its newest hundred log entries, newest first. */
void pw_admin_version(pw_exchange *exchange) {
  static const pw_selection whole = {.content = true, .script = true, .is_deployed = -1};
  int64_t id = strtoll(exchange->name, NULL, 10), total = 0, rows = 0;
  pw_store *store = store_of(exchange);
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":");
  pw_found found = pw_store_get(store, id, &whole, out);
  sqlite3_str_appendall(out, ",\"logs\":[");
  if (found == PW_FOUND) found = pw_store_logs(store, id, 1, 100, true, out, &total, &rows);
  sqlite3_str_appendall(out, "]}");
  if (found == PW_NOT_FOUND) pw_exchange_refuse(exchange, 404, "There is no version %s.", exchange->name);
  if (found == PW_STORE_FAILED) pw_exchange_fail(exchange);
}

static void list(pw_exchange *exchange, bool (*append)(pw_store *store, int64_t version, sqlite3_str *out)) {
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":");
  bool ok = append(store_of(exchange), (int64_t)pw_admin_number(exchange, "version", 0), out);
  sqlite3_str_appendchar(out, 1, '}');
  if (!ok) pw_exchange_fail(exchange);
}

void pw_admin_deployments(pw_exchange *exchange) { list(exchange, pw_store_deployments); }

void pw_admin_invocations(pw_exchange *exchange) { list(exchange, pw_store_invocations); }

void pw_admin_seed(pw_exchange *exchange) {
  char *problem = NULL;
  if (pw_store_seed(store_of(exchange), exchange->body != NULL ? exchange->body : "", &problem)) {
    say_done(exchange);
  } else {
    pw_exchange_refuse(exchange, 422, "The fixtures can't be used: %s.",
                       problem != NULL ? problem : "the disk says no");
  }
  sqlite3_free(problem);
}

/* As at the start: with the fixtures that it was started with, or a script for each language. */
void pw_admin_reset(pw_exchange *exchange) {
  pw_server *server = exchange->server;
  pw_faults_clear(&server->faults);
  pw_faults_set_latency(&server->faults, 0);
  if (!pw_store_empty(&server->store) || !pw_server_fill(server)) return;
  pw_journal_forget(&server->journal);
  say_done(exchange);
}

/* With the lock held. */
static pw_snapshot **find(pw_server *server, const char *name) {
  pw_snapshot **place = &server->snapshots;
  while (*place != NULL && strcmp((*place)->name, name) != 0) place = &(*place)->next;
  return place;
}

void pw_admin_snapshots(pw_exchange *exchange) {
  pw_server *server = exchange->server;
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":[");
  pthread_mutex_lock(&server->snapshots_lock);
  for (const pw_snapshot *one = server->snapshots; one != NULL; one = one->next) {
    sqlite3_str_appendf(out, "%s\"%s\"", one == server->snapshots ? "" : ",", one->name);
  }
  pthread_mutex_unlock(&server->snapshots_lock);
  sqlite3_str_appendall(out, "]}");
}

void pw_admin_save(pw_exchange *exchange) {
  pw_server *server = exchange->server;
  pw_snapshot *made = calloc(1, sizeof *made);
  sqlite3 *state = made != NULL ? pw_store_save(&server->store) : NULL;
  if (state == NULL) {
    free(made);
    return;
  }
  pthread_mutex_lock(&server->snapshots_lock);
  pw_snapshot **place = find(server, exchange->name);
  if (*place == NULL) {
    *place = made;
    strcpy(made->name, exchange->name);
  } else {
    free(made);
    sqlite3_close((*place)->state);
  }
  (*place)->state = state;
  pthread_mutex_unlock(&server->snapshots_lock);
  say_done(exchange);
}

void pw_admin_restore(pw_exchange *exchange) {
  pw_server *server = exchange->server;
  pthread_mutex_lock(&server->snapshots_lock);
  const pw_snapshot *found = *find(server, exchange->name);
  bool ok = found != NULL && pw_store_restore(&server->store, found->state);
  pthread_mutex_unlock(&server->snapshots_lock);
  if (found == NULL) {
    pw_exchange_refuse(exchange, 404, "There is no snapshot called %s.", exchange->name);
  } else if (ok) {
    pw_deployer_notify(&server->deployer);
    say_done(exchange);
  }
}
