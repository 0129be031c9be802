/* Logs, tokens, and the clock's offset. */
#include "store.h"

bool pw_store_log(pw_store *store, int64_t version, const char *level, const char *message, int size) {
  pw_store_lock(store);
  bool ok = false;
  sqlite3_stmt *statement = pw_store_prepare(
      store,
      "INSERT INTO logs(version_id, level, message, created_at) SELECT id, ?2, ?3, ?4 FROM versions WHERE id = ?1");
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, version);
    sqlite3_bind_text(statement, 2, level, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, message, size, SQLITE_STATIC);
    pw_store_bind_date(statement, 4, pw_clock_stamp(store->clock));
    sqlite3_step(statement);
    ok = pw_store_done(store, statement) && sqlite3_changes(store->db) > 0;
  }
  pw_store_unlock(store);
  return ok;
}

bool pw_store_log_list(pw_store *store, int64_t version, const char *json_list) {
  pw_store_lock(store);
  bool ok = false;
  sqlite3_stmt *statement = pw_store_prepare(
      store,
      "INSERT INTO logs(version_id, level, message, created_at) SELECT ?1, 'info', CAST(value AS TEXT), ?3"
      " FROM json_each(?2) WHERE value IS NOT NULL ORDER BY key");
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, version);
    sqlite3_bind_text(statement, 2, json_list, -1, SQLITE_STATIC);
    pw_store_bind_date(statement, 3, pw_clock_stamp(store->clock));
    sqlite3_step(statement);
    ok = pw_store_done(store, statement);
  }
  pw_store_unlock(store);
  return ok;
}

static pw_found logs_locked(pw_store *store, int64_t version, int64_t *total) {
  sqlite3_stmt *statement = pw_store_prepare(
      store, "SELECT (SELECT count(*) FROM logs WHERE version_id = v.id) FROM versions v WHERE v.id = ?1");
  if (statement == NULL) return PW_STORE_FAILED;
  sqlite3_bind_int64(statement, 1, version);
  bool found = sqlite3_step(statement) == SQLITE_ROW;
  if (found) *total = sqlite3_column_int64(statement, 0);
  if (!pw_store_done(store, statement)) return PW_STORE_FAILED;
  return found ? PW_FOUND : PW_NOT_FOUND;
}

#define LOGS                                                                                                        \
  "SELECT json_object('id', id, 'script_version_id', version_id, 'level', level, 'message', message, 'created_at'," \
  " created_at) FROM logs WHERE version_id = ?1 ORDER BY id"
static const char *const logs_forth = LOGS " LIMIT ?2 OFFSET ?3";
static const char *const logs_back = LOGS " DESC LIMIT ?2 OFFSET ?3";

pw_found pw_store_logs(pw_store *store, int64_t version, int64_t page, int64_t per_page, bool newest_first,
                       sqlite3_str *out, int64_t *total, int64_t *rows) {
  pw_store_lock(store);
  pw_found found = logs_locked(store, version, total);
  sqlite3_stmt *statement = pw_store_prepare(store, newest_first ? logs_back : logs_forth);
  if (found == PW_FOUND && statement != NULL) {
    sqlite3_bind_int64(statement, 1, version);
    sqlite3_bind_int64(statement, 2, per_page);
    sqlite3_bind_int64(statement, 3, (page - 1) * per_page);
    *rows = 0;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      if ((*rows)++ > 0) sqlite3_str_appendchar(out, 1, ',');
      sqlite3_str_append(out, (const char *)sqlite3_column_text(statement, 0), sqlite3_column_bytes(statement, 0));
    }
    if (!pw_store_done(store, statement)) found = PW_STORE_FAILED;
  }
  pw_store_unlock(store);
  return found;
}

bool pw_store_add_token(pw_store *store, const char *token, int64_t expires) {
  pw_store_lock(store);
  bool ok = false;
  sqlite3_stmt *statement = pw_store_prepare(store, "INSERT INTO tokens VALUES(?1, ?2)");
  if (statement != NULL) {
    sqlite3_bind_text(statement, 1, token, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, expires);
    sqlite3_step(statement);
    ok = pw_store_done(store, statement);
  }
  pw_store_unlock(store);
  return ok;
}

bool pw_store_has_token(pw_store *store, const char *token) {
  pw_store_lock(store);
  bool found = false;
  sqlite3_stmt *statement = pw_store_prepare(store, "SELECT 1 FROM tokens WHERE token = ?1 AND expires > ?2");
  if (statement != NULL) {
    sqlite3_bind_text(statement, 1, token, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, pw_clock_now(store->clock));
    found = sqlite3_step(statement) == SQLITE_ROW;
    pw_store_done(store, statement);
  }
  pw_store_unlock(store);
  return found;
}

bool pw_store_expire_tokens(pw_store *store) {
  pw_store_lock(store);
  bool ok = pw_store_run(store, "DELETE FROM tokens");
  pw_store_unlock(store);
  return ok;
}

bool pw_store_advance(pw_store *store, int64_t microseconds) {
  int64_t offset = pw_clock_advance(store->clock, microseconds);
  pw_store_lock(store);
  bool ok = false;
  sqlite3_stmt *statement = pw_store_prepare(store, "UPDATE settings SET value = ?1 WHERE name = 'clock'");
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, offset);
    sqlite3_step(statement);
    ok = pw_store_done(store, statement);
  }
  pw_store_unlock(store);
  return ok;
}
