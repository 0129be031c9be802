#include "store.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../runner/text.h"

static const char *const schema =
    "CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS scripts(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,"
    " language TEXT NOT NULL, next_version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS versions(id INTEGER PRIMARY KEY AUTOINCREMENT, script_id INTEGER NOT NULL,"
    " version INTEGER NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'Draft', created_at TEXT NOT NULL,"
    " updated_at TEXT NOT NULL, last_invoked_on TEXT, deployed_at TEXT, deployment_failed_at TEXT,"
    " deployment_failure_reason TEXT,"
    /* A deployment under way: when it may end, whether its check was made, and what that said. */
    " ready_at INTEGER, checked INTEGER NOT NULL DEFAULT 0, check_reason TEXT,"
    /* The JSON literal as it came: its bytes are nobody else's business. */
    " content TEXT NOT NULL);"
    "CREATE UNIQUE INDEX IF NOT EXISTS versions_of_script ON versions(script_id, version);"
    "CREATE INDEX IF NOT EXISTS versions_deploying ON versions(ready_at) WHERE ready_at IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS checks(language TEXT, content TEXT, reason TEXT,"
    " PRIMARY KEY(language, content)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS logs(id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,"
    " level TEXT NOT NULL, message TEXT NOT NULL, created_at TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS logs_of_version ON logs(version_id, id);"
    "CREATE TRIGGER IF NOT EXISTS forget_logs AFTER DELETE ON versions"
    " BEGIN DELETE FROM logs WHERE version_id = old.id; END;"
    "CREATE TABLE IF NOT EXISTS deployments(id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,"
    " script_id INTEGER NOT NULL, ended_at TEXT NOT NULL, reason TEXT);"
    "CREATE TABLE IF NOT EXISTS invocations(id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,"
    " created_at TEXT NOT NULL, payload TEXT, answer TEXT, error TEXT, output TEXT, seconds REAL,"
    " memory_bytes INTEGER, isolated INTEGER);"
    "CREATE INDEX IF NOT EXISTS invocations_of_version ON invocations(version_id);"
    "CREATE TABLE IF NOT EXISTS tokens(token TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;";

sqlite3_stmt *pw_store_prepare(pw_store *store, const char *sql) {
  for (int i = 0; i < store->count; i++) {
    if (store->texts[i] == sql) return store->statements[i];
  }
  if (store->count == PW_STORE_STATEMENTS) return NULL;
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) return NULL;
  store->texts[store->count] = sql;
  store->statements[store->count++] = statement;
  return statement;
}

bool pw_store_done(pw_store *store, sqlite3_stmt *statement) {
  int code = sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  /* A rollback that finds nothing to roll back says less than what came before it. */
  if (code != SQLITE_OK && code != SQLITE_ERROR) store->problem = code;
  return code == SQLITE_OK;
}

char *pw_store_problem(pw_store *store) {
  pthread_mutex_lock(&store->lock);
  int code = store->problem & 0xFF;
  pthread_mutex_unlock(&store->lock);
  if (code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_READONLY) {
    return sqlite3_mprintf(
        "The sandbox can't write to its disk (%s): make room there. What it answered before is kept.",
        sqlite3_errstr(code));
  }
  return sqlite3_mprintf("Server Error");
}

bool pw_store_run(pw_store *store, const char *sql) {
  sqlite3_stmt *statement = pw_store_prepare(store, sql);
  if (statement == NULL) return false;
  sqlite3_step(statement);
  return pw_store_done(store, statement);
}

void pw_store_bind_date(sqlite3_stmt *statement, int index, int64_t microseconds) {
  char text[PW_CLOCK_TEXT];
  pw_clock_format(microseconds, text);
  sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}

static int64_t number(pw_store *store, const char *sql) {
  sqlite3_stmt *statement = pw_store_prepare(store, sql);
  if (statement == NULL) return 0;
  int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  pw_store_done(store, statement);
  return value;
}

static bool explain(pw_store *store, const char *path, char **problem) {
  int code = sqlite3_errcode(store->db);
  if (code == SQLITE_BUSY) {
    *problem = sqlite3_mprintf("%s is in use by another sandbox: stop that one, or use another file", path);
  } else {
    *problem = sqlite3_mprintf("can't use %s as a database: %s", path, sqlite3_errmsg(store->db));
  }
  return false;
}

void pw_store_reload(pw_store *store) {
  pw_clock_set(store->clock, number(store, "SELECT value FROM settings WHERE name = 'clock'"));
  store->deploying = (int)number(store, "SELECT count(*) FROM versions WHERE ready_at IS NOT NULL");
}

bool pw_store_open(pw_store *store, const char *path, pw_clock *clock, char **problem) {
  pthread_mutex_init(&store->lock, NULL);
  store->clock = clock;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) return explain(store, path, problem);
  /* One sandbox to a file: two would not know of each other's deployments. */
  static const char *const settings =
      "PRAGMA busy_timeout=1000; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;";
  if (sqlite3_exec(store->db, settings, NULL, NULL, NULL) != SQLITE_OK) return explain(store, path, problem);
  if (sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK) return explain(store, path, problem);
  /* Takes the lock now, not at the first write. */
  if (!pw_store_run(store, "INSERT OR IGNORE INTO settings VALUES('clock', 0)") ||
      !pw_store_run(store, "UPDATE settings SET value = value WHERE name = 'clock'")) {
    return explain(store, path, problem);
  }
  pw_store_reload(store);
  return true;
}

void pw_store_close(pw_store *store) {
  if (store->clock == NULL) return;
  for (int i = 0; i < store->count; i++) sqlite3_finalize(store->statements[i]);
  sqlite3_close(store->db);
  pthread_mutex_destroy(&store->lock);
  memset(store, 0, sizeof *store);
}

void pw_store_lock(pw_store *store) {
  pthread_mutex_lock(&store->lock);
  if (store->deploying > 0) pw_store_settle(store);
}

void pw_store_unlock(pw_store *store) { pthread_mutex_unlock(&store->lock); }

int64_t pw_store_add_script(pw_store *store, const char *name, const char *language) {
  pw_store_lock(store);
  int64_t id = 0;
  sqlite3_stmt *statement =
      pw_store_prepare(store, "INSERT INTO scripts(name, language, created_at) VALUES(?1, ?2, ?3)");
  if (statement != NULL) {
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, language, -1, SQLITE_STATIC);
    pw_store_bind_date(statement, 3, pw_clock_stamp(store->clock));
    sqlite3_step(statement);
    if (pw_store_done(store, statement)) id = sqlite3_last_insert_rowid(store->db);
  }
  pw_store_unlock(store);
  return id;
}

char *pw_store_column(sqlite3_stmt *statement, int column) {
  const char *text = (const char *)sqlite3_column_text(statement, column);
  return pw_text_copy(text != NULL ? text : "", (size_t)sqlite3_column_bytes(statement, column));
}

pw_found pw_store_next_script(pw_store *store, int64_t after, pw_script *script) {
  pw_found found = PW_STORE_FAILED;
  pw_store_lock(store);
  sqlite3_stmt *statement =
      pw_store_prepare(store, "SELECT id, name, language FROM scripts WHERE id > ?1 ORDER BY id LIMIT 1");
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, after);
    found = PW_NOT_FOUND;
    if (sqlite3_step(statement) == SQLITE_ROW) {
      script->id = sqlite3_column_int64(statement, 0);
      script->name = pw_store_column(statement, 1);
      script->language = pw_store_column(statement, 2);
      found = script->name != NULL && script->language != NULL ? PW_FOUND : PW_STORE_FAILED;
    }
    pw_store_done(store, statement);
  }
  pw_store_unlock(store);
  return found;
}

bool pw_store_has_script(pw_store *store, int64_t script) {
  pw_store_lock(store);
  sqlite3_stmt *statement = pw_store_prepare(store, "SELECT 1 FROM scripts WHERE id = ?1");
  bool found = false;
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, script);
    found = sqlite3_step(statement) == SQLITE_ROW;
    pw_store_done(store, statement);
  }
  pw_store_unlock(store);
  return found;
}

char *pw_store_evaluate(pw_store *store, const char *sql, ...) {
  pw_store_lock(store);
  char *value = NULL;
  sqlite3_stmt *statement = pw_store_prepare(store, sql);
  if (statement != NULL) {
    va_list texts;
    va_start(texts, sql);
    int index = 0;
    for (const char *text = va_arg(texts, const char *); text != NULL; text = va_arg(texts, const char *)) {
      sqlite3_bind_text(statement, ++index, text, -1, SQLITE_STATIC);
    }
    va_end(texts);
    if (sqlite3_step(statement) == SQLITE_ROW) {
      const char *text = (const char *)sqlite3_column_text(statement, 0);
      if (text != NULL) value = sqlite3_mprintf("%s", text);
    }
    pw_store_done(store, statement);
  }
  pw_store_unlock(store);
  return value;
}
