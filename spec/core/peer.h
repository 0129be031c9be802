/* An engine, and a service on a plain socket in the same thread: each test says what it hears and answers. */
#ifndef PEER_H
#define PEER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/core/clock.h"
#include "../../src/core/engine.h"
#include "checks.h"

typedef struct peer {
  int listener, connection; /* -1 while there is none */
  int connections;          /* accepted so far */
  int port;
  char url[64];
  char heard[8192];
  size_t size;
  size_t said;
} peer;

static inline void listen_as(peer *self) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  *self = (peer){.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .connection = -1};
  if (bind(self->listener, (struct sockaddr *)&address, size) != 0 || listen(self->listener, 8) != 0) abort();
  getsockname(self->listener, (struct sockaddr *)&address, &size);
  self->port = ntohs(address.sin_port);
  snprintf(self->url, sizeof self->url, "http://127.0.0.1:%d/x", self->port);
}

static inline void hang_up(peer *self) {
  if (self->connection >= 0) close(self->connection);
  self->connection = -1;
  self->size = 0;
}

static inline void leave(peer *self) {
  hang_up(self);
  close(self->listener);
}

/* Reads what is there; whether a whole request is. */
static inline bool hears(peer *self) {
  if (self->connection < 0) {
    self->connection = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK);
    if (self->connection < 0) return false;
    self->connections++;
  }
  ssize_t size = recv(self->connection, self->heard + self->size, sizeof self->heard - 1 - self->size, MSG_DONTWAIT);
  if (size > 0) self->size += (size_t)size;
  self->heard[self->size] = 0;
  const char *end = strstr(self->heard, "\r\n\r\n"), *length = strstr(self->heard, "Content-Length: ");
  if (end == NULL) return false;
  return self->size >= (size_t)(end + 4 - self->heard) + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
}

static inline void say(peer *self, const char *bytes, size_t size) {
  self->said = size;
  self->size = 0;
  while (size > 0) {
    ssize_t sent = send(self->connection, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    bytes += sent;
    size -= (size_t)sent;
  }
}

static inline void open_engine(pw_engine *engine, bool hosted) {
  pw_engine_options options = {.transfer = {.max_response_bytes = 1000, .user_agent = "spec"}, .max_connections = 2};
  options.hosted = hosted;
  const char *reason = NULL;
  memset(engine, 0, sizeof *engine);
  if (!pw_engine_open(engine, &options, &reason)) abort();
}

static inline pw_transfer *begin(pw_engine *engine, const pw_request *request) {
  pw_request whole = *request;
  if (whole.attempt_timeout == 0) whole.attempt_timeout = 20000;
  if (whole.connect_timeout == 0) whole.connect_timeout = 20000;
  const char *reason = NULL;
  pw_transfer *transfer = pw_engine_reserve(engine, &reason);
  return transfer != NULL && pw_engine_start(engine, &whole, &reason) ? transfer : NULL;
}

static inline pw_transfer *get(pw_engine *engine, const peer *service) {
  return begin(engine, &(pw_request){.method = "GET", .url = service->url});
}

static inline void step(pw_engine *engine, int milliseconds) {
  const char *reason = NULL;
  CHECK(pw_engine_step(engine, milliseconds, &reason) && reason == NULL);
}

/* Steps until a request was heard whole. */
static inline void await_request(pw_engine *engine, peer *self) {
  for (int i = 0; i < 4000 && !hears(self); i++) step(engine, 5);
}

/* Steps until one has ended, and takes it. */
static inline pw_transfer *await_end(pw_engine *engine) {
  int64_t began = pw_clock_now();
  while (engine->done.first == NULL && pw_clock_now() - began < 25000000) step(engine, 1000);
  return pw_engine_take(engine);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

/* One exchange from start to end; give it back with pw_engine_release. */
static inline pw_transfer *exchange(pw_engine *engine, peer *self, const pw_request *request, const char *answer) {
  if (begin(engine, request) == NULL) return NULL;
  await_request(engine, self);
  say(self, answer, strlen(answer));
  return await_end(engine);
}

#endif
