#include "server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../runner/folder.h"
#include "../runner/text.h"
#include "http.h"
#include "operations.h"

enum { SCRIPTS_AT_ONCE = 8 };

static const char *const script_name = "Example (%s)";

static bool is_empty(pw_store *store) {
  pw_script first = {0};
  pw_found found = pw_store_next_script(store, 0, &first);
  free(first.name);
  free(first.language);
  return found == PW_NOT_FOUND;
}

bool pw_server_fill(pw_server *server) {
  pw_store *store = &server->store;
  char *problem = NULL;
  bool ok = server->seed == NULL || pw_store_seed(store, server->seed, &problem);
  sqlite3_free(problem);
  for (int i = 0; ok && server->seed == NULL && pw_language_at(i) != NULL; i++) {
    char *name = sqlite3_mprintf(script_name, pw_language_at(i)->title);
    ok = name != NULL && pw_store_add_script(store, name, pw_language_at(i)->name) != 0;
    sqlite3_free(name);
  }
  return ok;
}

/* A fresh database is filled; what can't be is said before anything is served. */
static bool fill(pw_server *server, const char *data, char **problem) {
  if (!is_empty(&server->store)) return true;
  char *fault = NULL;
  if (server->seed != NULL && !pw_store_seed(&server->store, server->seed, &fault)) {
    *problem = sqlite3_mprintf("the fixtures can't be used: %s", fault != NULL ? fault : "the disk says no");
    sqlite3_free(fault);
    return false;
  }
  if (server->seed != NULL || pw_server_fill(server)) return true;
  *problem = sqlite3_mprintf("can't write to %s: %s", data, sqlite3_errmsg(server->store.db));
  return false;
}

static void each_second(void *context) {
  pw_server *server = context;
  pw_connections_look(&server->connections);
}

static bool open_parts(pw_server *server, const char *data, char **problem) {
  if (!pw_scripts_open(&server->scripts, SCRIPTS_AT_ONCE)) {
    *problem = sqlite3_mprintf("can't make a pipe");
    return false;
  }
  if (!pw_store_open(&server->store, data, &server->clock, problem)) return false;
  if (!pw_habits_register(&server->settings.habits, server->store.db)) {
    *problem = sqlite3_mprintf("not enough memory");
    return false;
  }
  if (!fill(server, data, problem)) return false;
  if (!pw_deployer_open(&server->deployer, &server->store, &server->scripts)) {
    *problem = sqlite3_mprintf("can't start a thread");
    return false;
  }
  if (!pw_works_open(&server->works, pw_http_work, each_second, server)) {
    *problem = sqlite3_mprintf("can't start a thread");
    return false;
  }
  return pw_http_open(server, problem);
}

bool pw_server_open(pw_server *server, const pw_settings *settings, const char *data, const char *seed,
                    char **problem) {
  server->settings = *settings;
  server->opened = true;
  server->isolated = true;
  pthread_mutex_init(&server->snapshots_lock, NULL);
  pw_token_random(server->admin_token);
  if (seed != NULL) server->seed = pw_text_copy(seed, strlen(seed));
  server->owner = getpid();
  pw_folder_sweep(PW_FOLDER_YOUNG);
  pw_clock_open(&server->clock);
  pw_faults_open(&server->faults);
  pw_connections_open(&server->connections, settings->idle_seconds);
  pw_journal_open(&server->journal);
  pthread_mutex_init(&server->rate.lock, NULL);
  /* Signals are for the program's own threads: Ctrl-C must end a wait there, not here. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool ok = open_parts(server, data, problem);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!ok) pw_server_close(server);
  return ok;
}

void pw_server_close(pw_server *server) {
  if (!server->opened) return;
  server->opened = false;
  if (server->owner != getpid()) {
    close(server->listening);
    return;
  }
  pw_scripts_stop(&server->scripts);
  pw_works_stop(&server->works); /* before the connections that wait for it */
  pw_http_close(server);
  pw_works_close(&server->works);
  pw_connections_close(&server->connections);
  pw_deployer_close(&server->deployer);
  pw_store_close(&server->store);
  pw_journal_close(&server->journal);
  pw_faults_close(&server->faults);
  pw_scripts_close(&server->scripts);
  pw_clock_close(&server->clock);
  pthread_mutex_destroy(&server->rate.lock);
  while (server->snapshots != NULL) {
    pw_snapshot *snapshot = server->snapshots;
    server->snapshots = snapshot->next;
    sqlite3_close(snapshot->state);
    free(snapshot);
  }
  pthread_mutex_destroy(&server->snapshots_lock);
  free(server->seed);
  server->seed = NULL;
}
