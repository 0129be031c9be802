#include "server.h"

#include <signal.h>
#include <stdlib.h>

#include "../runner/folder.h"
#include "http.h"

enum { SCRIPTS_AT_ONCE = 8 };

static const char *const script_name = "Example (%s)";

/* A fresh database has a script for each language. */
static bool add_examples(pw_store *store) {
  pw_script first = {0};
  pw_found found = pw_store_next_script(store, 0, &first);
  free(first.name);
  free(first.language);
  if (found != PW_NOT_FOUND) return found == PW_FOUND;
  for (int i = 0; pw_language_at(i) != NULL; i++) {
    char *name = sqlite3_mprintf(script_name, pw_language_at(i)->title);
    int64_t id = name != NULL ? pw_store_add_script(store, name, pw_language_at(i)->name) : 0;
    sqlite3_free(name);
    if (id == 0) return false;
  }
  return true;
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
  if (!add_examples(&server->store)) {
    *problem = sqlite3_mprintf("can't write to %s: %s", data, sqlite3_errmsg(server->store.db));
    return false;
  }
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

bool pw_server_open(pw_server *server, const pw_settings *settings, const char *data, char **problem) {
  server->settings = *settings;
  server->opened = true;
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
}
