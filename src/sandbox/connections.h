/* The connections that are open, so that none stays for nothing: one that has sent no whole request for long is closed,
 * however slowly it goes on sending, and the longest idle one when there are too many. */
#ifndef PW_CONNECTIONS_H
#define PW_CONNECTIONS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct pw_connection {
  int fd;
  bool busy;     /* a whole request is here, and is being answered */
  bool closed;   /* told to end */
  int64_t since; /* when it was opened, or answered last; monotonic microseconds */
  struct pw_connection *next, **place;
} pw_connection;

typedef struct pw_connections {
  pthread_mutex_t lock;
  pw_connection *first;
  int count;
  double idle_seconds;
  bool opened;
} pw_connections;

void pw_connections_open(pw_connections *connections, double idle_seconds);
void pw_connections_close(pw_connections *connections);

pw_connection *pw_connections_add(pw_connections *connections, int fd); /* NULL when memory is out */
void pw_connections_remove(pw_connections *connections, pw_connection *connection);
void pw_connections_set_busy(pw_connections *connections, pw_connection *connection, bool busy);

/* Ends those that have been idle for too long. */
void pw_connections_look(pw_connections *connections);

#endif
