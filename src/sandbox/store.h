/* What the service remembers, in SQLite: scripts, versions, logs, tokens and the clock's offset.
 *
 * One connection under one lock, which is never held while a script runs. What is answered is on the disk: the journal
 * is a write-ahead log, synchronous in full, so a kill at any moment loses nothing that was answered. JSON is built
 * and taken apart by SQLite. Every function may be called from any thread. */
#ifndef PW_STORE_H
#define PW_STORE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "clock.h"
#include "habits.h"

enum { PW_STORE_STATEMENTS = 160 };

typedef struct pw_store {
  sqlite3 *db;
  pthread_mutex_t lock;
  pw_clock *clock;
  int problem;       /* SQLite's code for what went wrong last */
  bool one_deployed; /* the habit */
  int deploying;     /* versions with a deployment under way */
  int count;         /* of the prepared statements */
  const char *texts[PW_STORE_STATEMENTS];
  sqlite3_stmt *statements[PW_STORE_STATEMENTS];
} pw_store;

typedef enum pw_found { PW_FOUND, PW_NOT_FOUND, PW_CONFLICT, PW_STORE_FAILED } pw_found;

typedef struct pw_script {
  int64_t id;
  char *name, *language; /* the caller's to free */
} pw_script;

/* What `get` and `list` were asked for. */
typedef struct pw_selection {
  bool content, script;    /* include */
  int is_deployed;         /* filter: 0, 1, or -1 for any */
  const char *deployed_at; /* filter: a JSON list of beginnings of dates, or NULL */
  int64_t page, per_page;
} pw_selection;

/* Opens or makes the database. False with a sentence in `*problem` (sqlite3_free it). */
bool pw_store_open(pw_store *store, const char *path, pw_clock *clock, char **problem);
void pw_store_close(pw_store *store);

/* For the files of the store alone: a statement, made once, ready to be bound; NULL when that failed. Call it with the
 * lock held, and reset what it gives with pw_store_done. */
sqlite3_stmt *pw_store_prepare(pw_store *store, const char *sql);
bool pw_store_done(pw_store *store, sqlite3_stmt *statement); /* false when the last step failed */
bool pw_store_run(pw_store *store, const char *sql);
char *pw_store_column(sqlite3_stmt *statement, int column); /* a copy to free; NULL when memory is out */
void pw_store_bind_date(sqlite3_stmt *statement, int index, int64_t microseconds);

/* Takes the lock and ends deployments whose time has come. */
void pw_store_lock(pw_store *store);
void pw_store_unlock(pw_store *store);

/* What to tell people of the last failure, and of what to do; the caller's to sqlite3_free. */
char *pw_store_problem(pw_store *store);

/* Scripts. An id of 0 means failure. */
int64_t pw_store_add_script(pw_store *store, const char *name, const char *language);
pw_found pw_store_next_script(pw_store *store, int64_t after, pw_script *script);
bool pw_store_has_script(pw_store *store, int64_t script);

/* Versions; each appends JSON to `out`. store_versions.c */
pw_found pw_store_get(pw_store *store, int64_t id, const pw_selection *selection, sqlite3_str *out);
pw_found pw_store_list(pw_store *store, int64_t script, const pw_selection *selection, sqlite3_str *out, int64_t *total,
                       int64_t *rows);
pw_found pw_store_create(pw_store *store, int64_t script, const char *content, sqlite3_str *out);
pw_found pw_store_delete(pw_store *store, int64_t id);
bool pw_store_populate(pw_store *store, int64_t script, int64_t versions, const char *content);

/* Deployments and invocations. store_deployments.c */
pw_found pw_store_deploy(pw_store *store, int64_t id, int64_t microseconds, const pw_habits *habits, sqlite3_str *out);
pw_found pw_store_next_check(pw_store *store, int64_t *id, char **language, char **content);
/* Keeps what a check said; false when the disk says no. */
bool pw_store_checked(pw_store *store, int64_t id, const char *reason, bool remember);
pw_found pw_store_invoked(pw_store *store, int64_t id, int64_t *script, char **language, char **content);
void pw_store_settle(pw_store *store); /* with the lock held */

/* Logs and tokens. store_logs.c */
bool pw_store_log(pw_store *store, int64_t version, const char *level, const char *message, int size);
bool pw_store_log_list(pw_store *store, int64_t version, const char *json_list);
pw_found pw_store_logs(pw_store *store, int64_t version, int64_t page, int64_t per_page, bool newest_first,
                       sqlite3_str *out, int64_t *total, int64_t *rows);
bool pw_store_add_token(pw_store *store, const char *token, int64_t expires);
bool pw_store_has_token(pw_store *store, const char *token);
bool pw_store_expire_tokens(pw_store *store);
bool pw_store_advance(pw_store *store, int64_t microseconds);

/* What happened to a version, newest last, as JSON lists. store_history.c */
typedef struct pw_invocation {
  int64_t version;
  const char *payload, *answer, *error, *output; /* texts, or NULL */
  double seconds;
  int64_t memory;
  bool isolated;
} pw_invocation;

void pw_store_note_deployment(pw_store *store, int64_t version); /* with the lock held, when it has just ended */
void pw_store_note_invocation(pw_store *store, const pw_invocation *invocation);
bool pw_store_scripts(pw_store *store, sqlite3_str *out);
bool pw_store_deployments(pw_store *store, int64_t version, sqlite3_str *out); /* 0 for those of all */
bool pw_store_invocations(pw_store *store, int64_t version, sqlite3_str *out);

/* The whole state. store_fixtures.c */
void pw_store_reload(pw_store *store); /* what is kept beside the tables; with the lock held */
bool pw_store_empty(pw_store *store);
/* Adds `{"scripts": [..]}` (docs/sandbox.md). False with a sentence in `*problem` (sqlite3_free it): then nothing is.
 */
bool pw_store_seed(pw_store *store, const char *json, char **problem);
sqlite3 *pw_store_save(pw_store *store); /* a copy in memory; NULL when that failed */
bool pw_store_restore(pw_store *store, sqlite3 *snapshot);

/* Evaluates one SQL expression over text parameters (PW_END ends them): the way to take JSON apart. The result is the
 * caller's to free with sqlite3_free; NULL for SQL's NULL or a failure. */
#define PW_END ((const char *)NULL)
char *pw_store_evaluate(pw_store *store, const char *sql, ...);

#endif
