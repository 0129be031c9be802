/* The whole service in one place: what its parts share. */
#ifndef PW_SERVER_H
#define PW_SERVER_H

#include <microhttpd.h>

#include "connections.h"
#include "deployer.h"
#include "faults.h"
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
  int64_t rate_limit;    /* requests a minute; 0 for none */
} pw_settings;

/* Laravel's limiter: so many requests in the minute that the first of them began. */
typedef struct pw_rate {
  pthread_mutex_t lock;
  int64_t began, used;
} pw_rate;

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
  struct MHD_Daemon *daemon;
  int port;
  bool opened;
} pw_server;

/* Starts the service in zeroed memory. On failure returns false with a sentence in `*problem` (sqlite3_free it), and
 * leaves nothing open. */
bool pw_server_open(pw_server *server, const pw_settings *settings, const char *data, char **problem);

/* Stops everything: scripts that run are killed. Safe to call twice. */
void pw_server_close(pw_server *server);

#endif
