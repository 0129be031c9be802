#include "connections.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "works.h"

enum { MANY = 2048 };

void pw_connections_open(pw_connections *connections, double idle_seconds) {
  pthread_mutex_init(&connections->lock, NULL);
  connections->idle_seconds = idle_seconds;
  connections->opened = true;
}

void pw_connections_close(pw_connections *connections) {
  if (!connections->opened) return;
  pthread_mutex_destroy(&connections->lock);
  connections->opened = false;
}

/* Its owner sees the end, and closes it. */
static void end(pw_connection *connection) {
  connection->closed = true;
  shutdown(connection->fd, SHUT_RDWR);
}

static void end_longest_idle(pw_connections *connections) {
  pw_connection *longest = NULL;
  for (pw_connection *one = connections->first; one != NULL; one = one->next) {
    if (!one->busy && !one->closed && (longest == NULL || one->since < longest->since)) longest = one;
  }
  if (longest != NULL) end(longest);
}

pw_connection *pw_connections_add(pw_connections *connections, int fd) {
  pw_connection *connection = malloc(sizeof *connection);
  if (connection == NULL) return NULL;
  *connection = (pw_connection){.fd = fd, .since = pw_works_now(), .place = &connections->first};
  pthread_mutex_lock(&connections->lock);
  if (connections->count >= MANY) end_longest_idle(connections);
  connection->next = connections->first;
  if (connection->next != NULL) connection->next->place = &connection->next;
  connections->first = connection;
  connections->count++;
  pthread_mutex_unlock(&connections->lock);
  return connection;
}

void pw_connections_remove(pw_connections *connections, pw_connection *connection) {
  if (connection == NULL) return;
  pthread_mutex_lock(&connections->lock);
  *connection->place = connection->next;
  if (connection->next != NULL) connection->next->place = connection->place;
  connections->count--;
  pthread_mutex_unlock(&connections->lock);
  free(connection);
}

void pw_connections_set_busy(pw_connections *connections, pw_connection *connection, bool busy) {
  if (connection == NULL) return;
  pthread_mutex_lock(&connections->lock);
  connection->busy = busy;
  connection->since = pw_works_now();
  pthread_mutex_unlock(&connections->lock);
}

void pw_connections_look(pw_connections *connections) {
  int64_t before = pw_works_now() - (int64_t)(connections->idle_seconds * 1e6);
  pthread_mutex_lock(&connections->lock);
  for (pw_connection *one = connections->first; one != NULL; one = one->next) {
    if (!one->busy && !one->closed && one->since < before) end(one);
  }
  pthread_mutex_unlock(&connections->lock);
}
