/* The whole service in one place: what its parts share. */
#ifndef PW_SERVER_H
#define PW_SERVER_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "connections.h"
#include "deployer.h"
#include "faults.h"
#include "habits.h"
#include "journal.h"
#include "works.h"

enum { PW_SERVER_TEXT = 256 };

typedef struct pw_settings {
  char key[PW_SERVER_TEXT], username[PW_SERVER_TEXT], password[PW_SERVER_TEXT];
  int port;              /* 0 for any */
  double deploy_seconds; /* of the sandbox's clock */
  double token_seconds;  /* of the sandbox's clock */
  double invoke_seconds; /* real */
  double idle_seconds;   /* real: how long a connection may be without a whole request */
  pw_habits habits;
  int64_t rate_limit; /* requests a minute; 0 for none */
} pw_settings;

/* Laravel's limiter: so many requests in the minute that the first of them began. */
typedef struct pw_rate {
  pthread_mutex_t lock;
  int64_t began, used;
} pw_rate;

/* The state under a name; kept as long as the sandbox runs. */
typedef struct pw_snapshot {
  struct pw_snapshot *next;
  char name[64];
  sqlite3 *state;
} pw_snapshot;

typedef struct pw_server {
  pw_settings settings;
  pw_clock clock;
  pw_store store;
  pw_scripts scripts;
  pw_deployer deployer;
  pw_faults faults;
  pw_journal journal;
  pw_rate rate;
  pw_works works;
  pw_connections connections;
  _Atomic int64_t bodies; /* bytes of requests, held now */
  char admin_token[41];
  char *seed; /* fixtures that it was started with; owned, or NULL */
  pthread_mutex_t snapshots_lock;
  pw_snapshot *snapshots;
  atomic_bool isolated; /* whether the last script ran in namespaces of its own */
  struct MHD_Daemon *daemon;
  int port;
  pid_t owner;   /* after a fork a child has none of the threads */
  int listening; /* the socket; it is the HTTP server's */
  bool opened;
} pw_server;

/* Starts the service in zeroed memory; `seed` (JSON, or NULL) fills a fresh database. On failure returns false with a
 * sentence in `*problem` (sqlite3_free it), and leaves nothing open. */
bool pw_server_open(pw_server *server, const pw_settings *settings, const char *data, const char *seed, char **problem);

/* Fills an empty database: with the seed, or a script for each language. False when that failed. */
bool pw_server_fill(pw_server *server);

/* Stops everything: scripts that run are killed. Safe to call twice. In a child process, after a fork, it closes the
 * child's own end of the socket and nothing else. */
void pw_server_close(pw_server *server);

#endif
