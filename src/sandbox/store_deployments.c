/* Deploying, and what is remembered of an invocation.
 *
 * A deployment is a row's `ready_at`: it ends when that time has come and the code was checked, which the deployer does
 * meanwhile (see deployer.h). Both are in the database, so a restart in between goes on where it was. */
#include "store.h"

/* The other versions of its script, when it is deployed. */
static void retire_others(pw_store *store, int64_t id) {
  sqlite3_stmt *statement =
      pw_store_prepare(store,
                       "UPDATE versions SET status = 'Inactive', updated_at = ?2 WHERE status = 'Deployed' AND id <> ?1"
                       " AND script_id = (SELECT script_id FROM versions WHERE id = ?1 AND status = 'Deployed'"
                       "  AND deployment_failed_at IS NULL)");
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, id);
  pw_store_bind_date(statement, 2, pw_clock_stamp(store->clock));
  sqlite3_step(statement);
  pw_store_done(store, statement);
}

static void settle_one(pw_store *store, int64_t id) {
  /* An old failure stays to be seen until the next try has ended. */
  sqlite3_stmt *statement = pw_store_prepare(
      store,
      "UPDATE versions SET ready_at = NULL, checked = 0, check_reason = NULL, updated_at = ?2,"
      " status = iif(check_reason IS NULL, 'Deployed', status),"
      " deployed_at = iif(check_reason IS NULL, ?2, deployed_at),"
      " deployment_failed_at = iif(check_reason IS NULL, NULL, ?2), deployment_failure_reason = check_reason"
      " WHERE id = ?1");
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, id);
  pw_store_bind_date(statement, 2, pw_clock_stamp(store->clock));
  sqlite3_step(statement);
  if (!pw_store_done(store, statement)) return;
  store->deploying--;
  pw_store_note_deployment(store, id);
  if (store->one_deployed) retire_others(store, id);
}

void pw_store_settle(pw_store *store) {
  for (;;) {
    sqlite3_stmt *statement =
        pw_store_prepare(store, "SELECT id FROM versions WHERE ready_at <= ?1 AND checked ORDER BY ready_at LIMIT 1");
    if (statement == NULL) return;
    sqlite3_bind_int64(statement, 1, pw_clock_now(store->clock));
    int64_t id = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    pw_store_done(store, statement);
    if (id == 0) return;
    int before = store->deploying;
    settle_one(store, id);
    if (store->deploying == before) return; /* the disk says no: later, perhaps */
  }
}

/* Code of a language that was checked before has the same check now. */
static const char *const begin_deployment =
    "UPDATE versions AS v SET ready_at = ?2,"
    " checked = EXISTS(SELECT 1 FROM checks c JOIN scripts s ON s.language = c.language"
    "  WHERE s.id = v.script_id AND c.content = v.content),"
    " check_reason = (SELECT c.reason FROM checks c JOIN scripts s ON s.language = c.language"
    "  WHERE s.id = v.script_id AND c.content = v.content)"
    " WHERE id = ?1 AND ready_at IS NULL AND NOT (?3 AND status = 'Deployed')";

pw_found pw_store_deploy(pw_store *store, int64_t id, int64_t microseconds, const pw_habits *habits, sqlite3_str *out) {
  static const pw_selection plain = {.is_deployed = -1};
  pw_store_lock(store);
  bool ok = false;
  sqlite3_stmt *statement = pw_store_prepare(store, begin_deployment);
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_int64(statement, 2, pw_clock_now(store->clock) + microseconds);
    sqlite3_bind_int(statement, 3, habits->redeploy_nothing);
    store->one_deployed = habits->one_deployed;
    sqlite3_step(statement);
    ok = pw_store_done(store, statement);
    if (ok && sqlite3_changes(store->db) > 0) store->deploying++;
  }
  pw_store_unlock(store);
  return ok ? pw_store_get(store, id, &plain, out) : PW_STORE_FAILED;
}

pw_found pw_store_next_check(pw_store *store, int64_t *id, char **language, char **content) {
  pw_found found = PW_STORE_FAILED;
  pw_store_lock(store);
  sqlite3_stmt *statement =
      pw_store_prepare(store,
                       "SELECT v.id, s.language, v.content FROM versions v JOIN scripts s ON s.id = v.script_id"
                       " WHERE v.ready_at IS NOT NULL AND NOT v.checked ORDER BY v.ready_at LIMIT 1");
  if (statement != NULL) {
    found = PW_NOT_FOUND;
    if (sqlite3_step(statement) == SQLITE_ROW) {
      *id = sqlite3_column_int64(statement, 0);
      *language = pw_store_column(statement, 1);
      *content = pw_store_column(statement, 2);
      found = *language != NULL && *content != NULL ? PW_FOUND : PW_STORE_FAILED;
    }
    pw_store_done(store, statement);
  }
  pw_store_unlock(store);
  return found;
}

bool pw_store_checked(pw_store *store, int64_t id, const char *reason, bool remember) {
  static const char *const keep =
      "INSERT OR REPLACE INTO checks SELECT s.language, v.content, ?2 FROM versions v"
      " JOIN scripts s ON s.id = v.script_id WHERE v.id = ?1";
  /* What waits with the same code in the same language has the same check. */
  static const char *const tell =
      "UPDATE versions AS v SET checked = 1, check_reason = ?2 WHERE ready_at IS NOT NULL AND (id = ?1 OR (?3 AND "
      "EXISTS("
      "SELECT 1 FROM versions o JOIN scripts p ON p.id = o.script_id JOIN scripts s ON s.id = v.script_id"
      " WHERE o.id = ?1 AND o.content = v.content AND p.language = s.language)))";
  pw_store_lock(store);
  const char *steps[] = {tell, remember ? keep : NULL};
  bool told = false;
  for (int i = 0; i < 2; i++) {
    sqlite3_stmt *statement = steps[i] != NULL ? pw_store_prepare(store, steps[i]) : NULL;
    if (statement == NULL) continue;
    sqlite3_bind_int64(statement, 1, id);
    if (reason != NULL) sqlite3_bind_text(statement, 2, reason, -1, SQLITE_STATIC);
    if (i == 0) sqlite3_bind_int(statement, 3, remember);
    sqlite3_step(statement);
    bool done = pw_store_done(store, statement);
    if (i == 0) told = done;
  }
  pw_store_unlock(store);
  return told;
}

pw_found pw_store_invoked(pw_store *store, int64_t id, int64_t *script, char **language, char **content) {
  static const char *const code =
      "SELECT v.status = 'Deployed', v.script_id, s.language, v.content FROM versions v"
      " JOIN scripts s ON s.id = v.script_id WHERE v.id = ?1";
  static const char *const note = "UPDATE versions SET last_invoked_on = ?2 WHERE id = ?1";
  pw_found found = PW_STORE_FAILED;
  pw_store_lock(store);
  sqlite3_stmt *statement = pw_store_prepare(store, code);
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, id);
    found = PW_NOT_FOUND;
    if (sqlite3_step(statement) == SQLITE_ROW) {
      found = sqlite3_column_int(statement, 0) ? PW_FOUND : PW_CONFLICT;
      *script = sqlite3_column_int64(statement, 1);
      *language = pw_store_column(statement, 2);
      *content = pw_store_column(statement, 3);
    }
    pw_store_done(store, statement);
  }
  statement = found == PW_FOUND ? pw_store_prepare(store, note) : NULL;
  if (statement != NULL) {
    sqlite3_bind_int64(statement, 1, id);
    pw_store_bind_date(statement, 2, pw_clock_stamp(store->clock));
    sqlite3_step(statement);
    if (!pw_store_done(store, statement)) found = PW_STORE_FAILED;
  }
  if (found == PW_FOUND && (*language == NULL || *content == NULL)) found = PW_STORE_FAILED;
  pw_store_unlock(store);
  return found;
}
