/* Versions: reading, listing, creating, deleting. */
#include <string.h>

#include "store.h"

/* A version as the contract has it. ?1 and ?2 say whether its content and its script belong in. The content is an
 * object whose form the service does not tell: here `{"content": source}`. */
#define VERSION_JSON                                                                                                \
  "rtrim(json_object('id', v.id, 'created_at', v.created_at, 'updated_at', v.updated_at, 'script_id', v.script_id," \
  " 'name', v.name, 'version', v.version, 'status', v.status, 'deployment_failure_reason',"                         \
  " v.deployment_failure_reason, 'last_invoked_on', v.last_invoked_on, 'deployed_at', v.deployed_at,"               \
  " 'deployment_failed_at', v.deployment_failed_at, 'deploying', habit(iif(v.ready_at IS NULL, 'idle', "            \
  "'deploying'))), '}')"                                                                                            \
  " || iif(?1, ',\"content\":{\"content\":' || v.content || '}', '')"                                               \
  " || iif(?2, ',\"script\":' || (SELECT json_object('id', s.id, 'name', s.name, 'language', s.language,"           \
  " 'created_at', s.created_at) FROM scripts s WHERE s.id = v.script_id), '') || '}'"

#define MATCHES                                                                       \
  " (?4 < 0 OR (v.status = 'Deployed') = ?4) AND (?5 IS NULL OR EXISTS(SELECT 1 FROM" \
  " json_each(?5) d WHERE substr(v.deployed_at, 1, length(d.value)) = d.value))"

static void bind_selection(sqlite3_stmt *statement, int64_t subject, const pw_selection *selection) {
  sqlite3_bind_int(statement, 1, selection->content);
  sqlite3_bind_int(statement, 2, selection->script);
  sqlite3_bind_int64(statement, 3, subject);
  sqlite3_bind_int(statement, 4, selection->is_deployed);
  if (selection->deployed_at != NULL) sqlite3_bind_text(statement, 5, selection->deployed_at, -1, SQLITE_STATIC);
}

static void append_column(sqlite3_str *out, sqlite3_stmt *statement) {
  const char *text = (const char *)sqlite3_column_text(statement, 0);
  if (text != NULL) sqlite3_str_append(out, text, sqlite3_column_bytes(statement, 0));
}

static pw_found get_locked(pw_store *store, int64_t id, const pw_selection *selection, sqlite3_str *out) {
  sqlite3_stmt *statement =
      pw_store_prepare(store, "SELECT " VERSION_JSON " FROM versions v WHERE v.id = ?3 AND" MATCHES);
  if (statement == NULL) return PW_STORE_FAILED;
  bind_selection(statement, id, selection);
  bool found = sqlite3_step(statement) == SQLITE_ROW;
  if (found) append_column(out, statement);
  if (!pw_store_done(store, statement)) return PW_STORE_FAILED;
  return found ? PW_FOUND : PW_NOT_FOUND;
}

pw_found pw_store_get(pw_store *store, int64_t id, const pw_selection *selection, sqlite3_str *out) {
  pw_store_lock(store);
  pw_found found = get_locked(store, id, selection, out);
  pw_store_unlock(store);
  return found;
}

static const char *const count_of_all =
    "SELECT count(*) FROM versions WHERE script_id = ?3"; /* of an index: reads no version */
static const char *const count_of_some =
    "SELECT count(*) FROM versions v WHERE v.script_id = ?3 AND ?1 = ?1 AND ?2 = ?2 AND" MATCHES;

static bool selects_all(const pw_selection *selection) {
  return selection->is_deployed < 0 && selection->deployed_at == NULL;
}

static int64_t count_locked(pw_store *store, int64_t script, const pw_selection *selection) {
  sqlite3_stmt *statement = pw_store_prepare(store, selects_all(selection) ? count_of_all : count_of_some);
  if (statement == NULL) return -1;
  bind_selection(statement, script, selection);
  int64_t count = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
  return pw_store_done(store, statement) ? count : -1;
}

/* The rows of a page are found in an index first: skipping far into a long list reads nothing else. */
static const char *const page_of_all =
    "SELECT " VERSION_JSON
    " FROM versions v WHERE v.id IN (SELECT id FROM versions WHERE script_id = ?3 ORDER BY version DESC"
    " LIMIT ?6 OFFSET ?7) AND" MATCHES " ORDER BY v.version DESC";
static const char *const page_of_some = "SELECT " VERSION_JSON " FROM versions v WHERE v.script_id = ?3 AND" MATCHES
                                        " ORDER BY v.version DESC LIMIT ?6 OFFSET ?7";

static bool append_rows(pw_store *store, sqlite3_stmt *statement, sqlite3_str *out, int64_t *rows) {
  *rows = 0;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    if ((*rows)++ > 0) sqlite3_str_appendchar(out, 1, ',');
    append_column(out, statement);
  }
  return pw_store_done(store, statement);
}

pw_found pw_store_list(pw_store *store, int64_t script, const pw_selection *selection, sqlite3_str *out, int64_t *total,
                       int64_t *rows) {
  if (!pw_store_has_script(store, script)) return PW_NOT_FOUND;
  pw_store_lock(store);
  pw_found found = PW_STORE_FAILED;
  *total = count_locked(store, script, selection);
  sqlite3_stmt *statement = pw_store_prepare(store, selects_all(selection) ? page_of_all : page_of_some);
  if (*total >= 0 && statement != NULL) {
    bind_selection(statement, script, selection);
    sqlite3_bind_int64(statement, 6, selection->per_page);
    sqlite3_bind_int64(statement, 7, (selection->page - 1) * selection->per_page);
    if (append_rows(store, statement, out, rows)) found = PW_FOUND;
  }
  pw_store_unlock(store);
  return found;
}

/* Takes the script's next version number: numbers are never used again. */
static int64_t take_number(pw_store *store, int64_t script, int64_t numbers) {
  sqlite3_stmt *statement = pw_store_prepare(
      store, "UPDATE scripts SET next_version = next_version + ?2 WHERE id = ?1 RETURNING next_version - ?2");
  if (statement == NULL) return -1;
  sqlite3_bind_int64(statement, 1, script);
  sqlite3_bind_int64(statement, 2, numbers);
  int64_t number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  return pw_store_done(store, statement) ? number : -1;
}

static int64_t insert_version(pw_store *store, int64_t script, int64_t number, const char *content) {
  sqlite3_stmt *statement =
      pw_store_prepare(store,
                       "INSERT INTO versions(script_id, version, name, content, created_at, updated_at)"
                       " SELECT id, ?2, name || ' v' || ?2, ?3, ?4, ?4 FROM scripts WHERE id = ?1");
  if (statement == NULL) return 0;
  sqlite3_bind_int64(statement, 1, script);
  sqlite3_bind_int64(statement, 2, number);
  sqlite3_bind_text(statement, 3, content, -1, SQLITE_STATIC);
  pw_store_bind_date(statement, 4, pw_clock_stamp(store->clock));
  sqlite3_step(statement);
  return pw_store_done(store, statement) ? sqlite3_last_insert_rowid(store->db) : 0;
}

static pw_found create_locked(pw_store *store, int64_t script, const char *content, sqlite3_str *out) {
  static const pw_selection plain = {.is_deployed = -1};
  int64_t number = take_number(store, script, 1);
  if (number == 0) return PW_NOT_FOUND;
  int64_t id = number > 0 ? insert_version(store, script, number, content) : 0;
  return id > 0 ? get_locked(store, id, &plain, out) : PW_STORE_FAILED;
}

pw_found pw_store_create(pw_store *store, int64_t script, const char *content, sqlite3_str *out) {
  pw_store_lock(store);
  pw_found found = PW_STORE_FAILED;
  if (pw_store_run(store, "BEGIN IMMEDIATE")) {
    found = create_locked(store, script, content, out);
    if (found != PW_FOUND) {
      pw_store_run(store, "ROLLBACK");
    } else if (!pw_store_run(store, "COMMIT")) {
      pw_store_run(store, "ROLLBACK");
      found = PW_STORE_FAILED;
    }
  }
  pw_store_unlock(store);
  return found;
}

bool pw_store_populate(pw_store *store, int64_t script, int64_t versions, const char *content) {
  pw_store_lock(store);
  bool ok = pw_store_run(store, "BEGIN IMMEDIATE");
  int64_t number = ok ? take_number(store, script, versions) : 0;
  ok = ok && number > 0;
  for (int64_t i = 0; ok && i < versions; i++) ok = insert_version(store, script, number + i, content) > 0;
  if (!(ok && pw_store_run(store, "COMMIT"))) {
    pw_store_run(store, "ROLLBACK");
    ok = false;
  }
  pw_store_unlock(store);
  return ok;
}

pw_found pw_store_delete(pw_store *store, int64_t id) {
  static const char *const sql = "DELETE FROM versions WHERE id = ?1 AND ready_at IS NULL";
  static const pw_selection plain = {.is_deployed = -1};
  pw_store_lock(store);
  pw_found found = PW_STORE_FAILED;
  sqlite3_stmt *statement = pw_store_prepare(store, sql);
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_step(statement);
    if (pw_store_done(store, statement)) found = sqlite3_changes(store->db) > 0 ? PW_FOUND : PW_NOT_FOUND;
  }
  if (found == PW_NOT_FOUND) {
    sqlite3_str *nowhere = sqlite3_str_new(store->db);
    if (get_locked(store, id, &plain, nowhere) == PW_FOUND) found = PW_CONFLICT;
    sqlite3_free(sqlite3_str_finish(nowhere));
  }
  pw_store_unlock(store);
  return found;
}
