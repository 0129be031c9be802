/* Deployments and invocations, for people to look at: the last thousand of each. */
#include "store.h"

void pw_store_note_deployment(pw_store *store, int64_t version) {
  static const char *const note =
      "INSERT INTO deployments(version_id, script_id, ended_at, reason)"
      " SELECT id, script_id, updated_at, deployment_failure_reason FROM versions WHERE id = ?1";
  static const char *const forget = "DELETE FROM deployments WHERE id <= (SELECT max(id) FROM deployments) - 1000";
  sqlite3_stmt *statement = pw_store_prepare(store, note);
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, version);
  sqlite3_step(statement);
  if (pw_store_done(store, statement)) pw_store_run(store, forget);
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text) {
  if (text != NULL) sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

void pw_store_note_invocation(pw_store *store, const pw_invocation *invocation) {
  static const char *const note =
      "INSERT INTO invocations(version_id, created_at, payload, answer, error, output, seconds, memory_bytes, isolated)"
      " VALUES(?1, ?2, substr(?3, 1, 65536), substr(?4, 1, 65536), ?5, substr(?6, 1, 65536), ?7, ?8, ?9)";
  static const char *const forget = "DELETE FROM invocations WHERE id <= (SELECT max(id) FROM invocations) - 1000";
  pw_store_lock(store);
  sqlite3_stmt *statement = pw_store_prepare(store, note);
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, invocation->version);
    pw_store_bind_date(statement, 2, pw_clock_stamp(store->clock));
    bind_text(statement, 3, invocation->payload);
    bind_text(statement, 4, invocation->answer);
    bind_text(statement, 5, invocation->error);
    bind_text(statement, 6, invocation->output);
    sqlite3_bind_double(statement, 7, invocation->seconds);
    sqlite3_bind_int64(statement, 8, invocation->memory);
    sqlite3_bind_int(statement, 9, invocation->isolated);
    sqlite3_step(statement);
    if (pw_store_done(store, statement)) pw_store_run(store, forget);
  }
  pw_store_unlock(store);
}

/* Appends the one text that the statement gives. */
static bool append(pw_store *store, const char *sql, int64_t version, sqlite3_str *out) {
  pw_store_lock(store);
  sqlite3_stmt *statement = pw_store_prepare(store, sql);
  bool ok = statement != NULL;
  if (ok) {
    sqlite3_bind_int64(statement, 1, version);
    if (sqlite3_step(statement) == SQLITE_ROW) {
      sqlite3_str_append(out, (const char *)sqlite3_column_text(statement, 0), sqlite3_column_bytes(statement, 0));
    }
    ok = pw_store_done(store, statement);
  }
  pw_store_unlock(store);
  return ok;
}

bool pw_store_scripts(pw_store *store, sqlite3_str *out) {
  return append(store,
                "SELECT json_group_array(json_object('id', id, 'name', name, 'language', language, 'versions',"
                " (SELECT count(*) FROM versions WHERE script_id = s.id))) FROM (SELECT * FROM scripts WHERE ?1 = 0"
                " ORDER BY id) s",
                0, out);
}

bool pw_store_deployments(pw_store *store, int64_t version, sqlite3_str *out) {
  return append(store,
                "SELECT json_group_array(json_object('id', id, 'script_version_id', version_id, 'script_id', script_id,"
                " 'ended_at', ended_at, 'failure_reason', reason)) FROM (SELECT * FROM deployments"
                " WHERE ?1 IN (0, version_id) ORDER BY id)",
                version, out);
}

bool pw_store_invocations(pw_store *store, int64_t version, sqlite3_str *out) {
  return append(
      store,
      "SELECT json_group_array(json_object('id', id, 'script_version_id', version_id, 'created_at', created_at,"
      " 'payload', payload, 'answer', answer, 'error', error, 'output', output, 'seconds', seconds,"
      " 'memory_bytes', memory_bytes, 'isolated', json(iif(isolated, 'true', 'false')))) FROM (SELECT * FROM"
      " (SELECT * FROM invocations WHERE ?1 IN (0, version_id) ORDER BY id DESC LIMIT 100) ORDER BY id)",
      version, out);
}
