/* The state as a whole: emptied, filled from a file, copied and put back. */
#include "../runner/languages.h"
#include "store.h"

bool pw_store_empty(pw_store *store) {
  static const char *const steps[] = {"BEGIN IMMEDIATE",
                                      "DELETE FROM versions",
                                      "DELETE FROM scripts",
                                      "DELETE FROM logs",
                                      "DELETE FROM tokens",
                                      "DELETE FROM deployments",
                                      "DELETE FROM invocations",
                                      "DELETE FROM sqlite_sequence",
                                      "UPDATE settings SET value = 0 WHERE name = 'clock'",
                                      "COMMIT"};
  pw_store_lock(store);
  bool ok = true;
  for (size_t i = 0; ok && i < sizeof steps / sizeof *steps; i++) ok = pw_store_run(store, steps[i]);
  if (!ok) pw_store_run(store, "ROLLBACK");
  pw_store_reload(store);
  pw_store_unlock(store);
  return ok;
}

/* What is wrong with fixtures, as a sentence; NULL for nothing. */
static const char *const find_fault =
    "SELECT CASE WHEN NOT json_valid(?1) THEN 'it is not JSON'"
    " WHEN json_type(?1, '$.scripts') IS NOT 'array' THEN 'it has no list of scripts'"
    " ELSE (SELECT fault FROM (SELECT CASE WHEN s.type <> 'object' THEN 'each script must be an object'"
    /* A version may stand behind it. */
    "  WHEN coalesce(rtrim(s.value ->> '$.language', '0123456789.'), '') NOT IN (SELECT value FROM json_each(?2))"
    "   OR s.value ->> '$.language' GLOB '*[a-z].*' OR s.value ->> '$.language' LIKE '%.'"
    "   OR length(s.value ->> '$.language') > 24 THEN 'language must be one of ' || ?2"
    "  WHEN json_type(s.value, '$.id') NOT IN ('integer', 'null') OR s.value ->> '$.id' < 1"
    "   THEN 'id must be an integer above 0'"
    "  WHEN json_type(s.value, '$.versions') NOT IN ('array', 'null') THEN 'versions must be a list' END AS fault"
    "  FROM json_each(?1, '$.scripts') s) WHERE fault IS NOT NULL LIMIT 1) END";

static const char *const find_version_fault =
    "SELECT fault FROM (SELECT CASE WHEN json_type(v.value, '$.content') IS NOT 'text'"
    "  THEN 'each version needs a content, a string'"
    "  WHEN json_type(v.value, '$.id') NOT IN ('integer', 'null') OR v.value ->> '$.id' < 1"
    "   THEN 'a version''s id must be an integer above 0'"
    "  WHEN v.value ->> '$.status' NOT IN ('Draft', 'Deployed', 'Inactive')"
    "   THEN 'a version''s status must be Draft, Deployed or Inactive' END AS fault"
    " FROM json_each(?1, '$.scripts') s, json_each(s.value, '$.versions') v) WHERE fault IS NOT NULL LIMIT 1";

static bool step_with(pw_store *store, const char *sql, const char *json, int64_t place, int64_t script) {
  sqlite3_stmt *statement = pw_store_prepare(store, sql);
  if (statement == NULL) return false;
  sqlite3_bind_text(statement, 1, json, -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 2, place);
  sqlite3_bind_int64(statement, 3, script);
  pw_store_bind_date(statement, 4, pw_clock_stamp(store->clock));
  sqlite3_step(statement);
  return pw_store_done(store, statement);
}

static int64_t count_scripts(pw_store *store, const char *json) {
  sqlite3_stmt *statement = pw_store_prepare(store, "SELECT json_array_length(?1, '$.scripts')");
  if (statement == NULL) return -1;
  sqlite3_bind_text(statement, 1, json, -1, SQLITE_STATIC);
  int64_t count = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
  return pw_store_done(store, statement) ? count : -1;
}

/* The script at this place of the list, its versions and their logs. */
static bool add_script(pw_store *store, const char *json, int64_t place) {
  static const char *const script =
      "INSERT INTO scripts(id, name, language, next_version, created_at) SELECT s ->> '$.id',"
      " coalesce(s ->> '$.name', 'Script'), s ->> '$.language', coalesce(json_array_length(s, '$.versions'), 0) + 1, ?4"
      " FROM (SELECT ?1 -> ('$.scripts[' || ?2 || ']') AS s) WHERE ?3 = ?3";
  static const char *const versions =
      "INSERT INTO versions(id, script_id, version, name, status, content, created_at, updated_at, deployed_at)"
      " SELECT v.value ->> '$.id', ?3, v.key + 1, coalesce(v.value ->> '$.name', (SELECT name FROM scripts WHERE id = "
      "?3)"
      " || ' v' || (v.key + 1)), coalesce(v.value ->> '$.status', 'Draft'), v.value -> '$.content', ?4, ?4,"
      " coalesce(v.value ->> '$.deployed_at', iif(v.value ->> '$.status' IN ('Deployed', 'Inactive'), ?4, NULL))"
      " FROM json_each(?1, '$.scripts[' || ?2 || '].versions') v ORDER BY v.key";
  static const char *const logs =
      "INSERT INTO logs(version_id, level, message, created_at)"
      " SELECT (SELECT id FROM versions WHERE script_id = ?3 AND version = v.key + 1), 'info', l.value, ?4"
      " FROM json_each(?1, '$.scripts[' || ?2 || '].versions') v, json_each(v.value, '$.logs') l ORDER BY v.key, l.key";
  if (!step_with(store, script, json, place, 0)) return false;
  int64_t id = sqlite3_last_insert_rowid(store->db);
  return step_with(store, versions, json, place, id) && step_with(store, logs, json, place, id);
}

static char *known_languages(void) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (int i = 0; pw_language_at(i) != NULL; i++) {
    const pw_language *language = pw_language_at(i);
    sqlite3_str_appendf(out, "%s\"%s\"", i == 0 ? "[" : ",", language->name);
    if (language->other_name != NULL) sqlite3_str_appendf(out, ",\"%s\"", language->other_name);
  }
  sqlite3_str_appendchar(out, 1, ']');
  return sqlite3_str_finish(out);
}

bool pw_store_seed(pw_store *store, const char *json, char **problem) {
  char *known = known_languages();
  if (known == NULL) return false;
  *problem = pw_store_evaluate(store, find_fault, json, known, PW_END);
  sqlite3_free(known);
  if (*problem == NULL) *problem = pw_store_evaluate(store, find_version_fault, json, PW_END);
  if (*problem != NULL) return false;
  pw_store_lock(store);
  bool ok = pw_store_run(store, "BEGIN IMMEDIATE");
  int64_t count = count_scripts(store, json);
  for (int64_t i = 0; ok && i < count; i++) ok = add_script(store, json, i);
  if (!ok) *problem = sqlite3_mprintf("%s", sqlite3_errmsg(store->db));
  if (!(ok && pw_store_run(store, "COMMIT"))) {
    pw_store_run(store, "ROLLBACK");
    ok = false;
  }
  pw_store_unlock(store);
  return ok;
}

static bool copy(sqlite3 *to, sqlite3 *from) {
  sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
  if (backup == NULL) return false;
  int code = sqlite3_backup_step(backup, -1);
  return sqlite3_backup_finish(backup) == SQLITE_OK && code == SQLITE_DONE;
}

sqlite3 *pw_store_save(pw_store *store) {
  sqlite3 *snapshot = NULL;
  pw_store_lock(store);
  /* Without a mutex of its own: whoever holds the snapshots' lock uses it. */
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  bool ok = sqlite3_open_v2(":memory:", &snapshot, flags, NULL) == SQLITE_OK && copy(snapshot, store->db);
  pw_store_unlock(store);
  if (ok) return snapshot;
  sqlite3_close(snapshot);
  return NULL;
}

bool pw_store_restore(pw_store *store, sqlite3 *snapshot) {
  pw_store_lock(store);
  bool ok = copy(store->db, snapshot);
  pw_store_reload(store);
  pw_store_unlock(store);
  return ok;
}
