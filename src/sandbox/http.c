#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../runner/text.h"
#include "admin.h"
#include "routes.h"

enum { CONNECTIONS = 4096, BACKLOG = 1024, THREADS = 2, CONNECTION_MEMORY = 24 * 1024, BODIES = 256 * 1024 * 1024 };

/* What a step says when it isn't "again after so many seconds". */
enum { DONE = -1, SCRIPT = -2 };

/* libmicrohttpd calls this first for each request; what it returns is the request's context. */
static void *begin(void *context, const char *uri, struct MHD_Connection *connection) {
  pw_exchange *exchange = calloc(1, sizeof *exchange);
  if (exchange == NULL) return NULL;
  exchange->server = context;
  exchange->connection = connection;
  exchange->operation = "none";
  exchange->authorization = "none";
  exchange->query = "";
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  exchange->held = info != NULL ? info->socket_context : NULL;
  exchange->uri = pw_text_copy(uri, strlen(uri));
  if (exchange->uri == NULL) return exchange;
  exchange->path = exchange->uri;
  char *question = strchr(exchange->uri, '?');
  if (question != NULL) {
    *question = '\0';
    exchange->query = question + 1;
  }
  return exchange;
}

static void end(void *context, struct MHD_Connection *connection, void **request,
                enum MHD_RequestTerminationCode code) {
  (void)context, (void)connection, (void)code;
  pw_exchange *exchange = *request;
  if (exchange == NULL) return;
  pw_connections_set_busy(&exchange->server->connections, exchange->held, false);
  pw_journal_release(&exchange->server->journal, exchange->entry);
  exchange->server->bodies -= (int64_t)exchange->capacity;
  pw_exchange_close(exchange);
  free(exchange);
  *request = NULL;
}

/* Takes a piece of the body in; what is over the limit is read and forgotten, so that the refusal gets through. */
static bool take_body(pw_exchange *exchange, const char *bytes, size_t size) {
  if (exchange->too_large || exchange->crowded || exchange->size + size > PW_BODY_LIMIT) {
    exchange->too_large = !exchange->crowded;
    return true;
  }
  size_t needed = exchange->size + size + 1;
  if (needed > exchange->capacity) {
    size_t capacity = needed < 1024 ? 1024 : needed * 2;
    if (exchange->server->bodies > BODIES) {
      exchange->crowded = true;
      return true;
    }
    char *grown = realloc(exchange->body, capacity);
    if (grown == NULL) return false;
    exchange->body = grown;
    exchange->server->bodies += (int64_t)(capacity - exchange->capacity);
    exchange->capacity = capacity;
  }
  memcpy(exchange->body + exchange->size, bytes, size);
  exchange->size += size;
  exchange->body[exchange->size] = '\0';
  return true;
}

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind;
  sqlite3_str *headers = context;
  for (const char *c = name; *c != '\0'; c++) {
    sqlite3_str_appendchar(headers, 1, *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c);
  }
  sqlite3_str_appendchar(headers, 1, '\0');
  sqlite3_str_appendall(headers, value != NULL ? value : "");
  sqlite3_str_appendchar(headers, 1, '\0');
  return MHD_YES;
}

static pw_entry *note(pw_exchange *exchange) {
  sqlite3_str *headers = sqlite3_str_new(NULL);
  MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, add_header, headers);
  pw_request_note made = {.at = pw_clock_now(&exchange->server->clock),
                          .operation = exchange->operation,
                          .authorization = exchange->authorization,
                          .method = exchange->method,
                          .path = exchange->path,
                          .query = exchange->query,
                          .headers_size = (size_t)sqlite3_str_length(headers),
                          .body = exchange->body,
                          .body_size = exchange->size};
  char *lines = sqlite3_str_finish(headers);
  made.headers = lines != NULL ? lines : "";
  if (lines == NULL) made.headers_size = 0;
  pw_entry *entry = pw_journal_add(&exchange->server->journal, &made);
  sqlite3_free(lines);
  return entry;
}

/* An answer that is cut in the middle, with headers that promise the whole. */
typedef struct cut {
  size_t size;
  char bytes[];
} cut;

static ssize_t read_cut(void *context, uint64_t position, char *to, size_t most) {
  const cut *whole = context;
  size_t half = whole->size / 2;
  if (position >= half) return MHD_CONTENT_READER_END_WITH_ERROR;
  size_t size = half - (size_t)position < most ? half - (size_t)position : most;
  memcpy(to, whole->bytes + position, size);
  return (ssize_t)size;
}

static struct MHD_Response *cut_response(const char *bytes, size_t size) {
  cut *whole = malloc(sizeof *whole + size);
  if (whole == NULL) return NULL;
  whole->size = size;
  if (size > 0) memcpy(whole->bytes, bytes, size);
  struct MHD_Response *response = MHD_create_response_from_callback(size, 1024, read_cut, whole, free);
  if (response == NULL) free(whole);
  return response;
}

static enum MHD_Result respond(pw_exchange *exchange, pw_fault_how how) {
  size_t size = (size_t)sqlite3_str_length(exchange->answer);
  const char *text = sqlite3_str_value(exchange->answer);
  if (sqlite3_str_errcode(exchange->answer) != SQLITE_OK || text == NULL) text = "", size = 0;
  if (how == PW_FAULT_GARBAGE) text = "<<<this is no JSON>>>", size = strlen(text);
  struct MHD_Response *response = how == PW_FAULT_TRUNCATE
                                      ? cut_response(text, size)
                                      : MHD_create_response_from_buffer(size, (void *)text, MHD_RESPMEM_MUST_COPY);
  if (response == NULL) return MHD_NO;
  MHD_add_response_header(response, "Content-Type",
                          exchange->type != NULL ? exchange->type
                          : exchange->html       ? "text/html; charset=UTF-8"
                                                 : "application/json");
  for (int i = 0; i < PW_EXCHANGE_HEADERS && exchange->header_names[i] != NULL; i++) {
    MHD_add_response_header(response, exchange->header_names[i], exchange->header_values[i]);
  }
  unsigned int status = how == PW_FAULT_GARBAGE ? 200 : (unsigned int)exchange->status;
  enum MHD_Result result = MHD_queue_response(exchange->connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static void answer_fault(pw_exchange *exchange, const pw_fault *fault) {
  if (fault->body != NULL) {
    sqlite3_str_appendall(pw_exchange_answer(exchange, fault->status), fault->body);
    exchange->html = fault->body[0] != '{' && fault->body[0] != '[';
  } else {
    pw_exchange_refuse(exchange, fault->status, "%s", fault->status == 429 ? "Too Many Attempts." : "Server Error");
  }
  if (fault->retry_after[0] != '\0') pw_exchange_add(exchange, "Retry-After", "%s", fault->retry_after);
}

/* Goes on with a request: gives DONE, SCRIPT, or after how many seconds to go on. */
static double step(pw_exchange *exchange) {
  pw_faults *faults = &exchange->server->faults;
  if (exchange->stage == PW_STAGE_ADMIT) {
    if (!pw_admin_owns(exchange->path)) exchange->fault = pw_faults_take(faults, exchange->operation);
    pw_fault_how how = exchange->fault.how;
    exchange->stage = PW_STAGE_HANDLE;
    if (how == PW_FAULT_STATUS) answer_fault(exchange, &exchange->fault);
    if (how == PW_FAULT_DROP_BEFORE || how == PW_FAULT_STATUS || !pw_routes_admit(exchange)) {
      exchange->stage = PW_STAGE_LATE;
    } else if (exchange->slow) {
      return SCRIPT;
    }
  }
  if (exchange->stage == PW_STAGE_HANDLE) {
    exchange->again = 0;
    exchange->handler(exchange);
    if (exchange->status == 0 && exchange->again > 0) return exchange->again;
    if (exchange->status == 0) pw_exchange_fail(exchange);
    exchange->stage = PW_STAGE_LATE;
  }
  bool late = exchange->stage == PW_STAGE_LATE && exchange->fault.how == PW_FAULT_SLOW;
  exchange->stage = PW_STAGE_DONE;
  return late ? exchange->fault.seconds : DONE;
}

/* Has it go on. False when the sandbox closes. */
static bool put_off(pw_exchange *exchange, double next) {
  pw_works *works = &exchange->server->works;
  return next == SCRIPT ? pw_works_script(works, &exchange->work) : pw_works_later(works, &exchange->work, next);
}

void pw_http_work(pw_work *work) {
  pw_exchange *exchange = (pw_exchange *)work;
  double next = exchange->stage == PW_STAGE_DONE ? DONE : step(exchange);
  if (next != DONE && put_off(exchange, next)) return;
  if (next != DONE) exchange->fault.how = PW_FAULT_DROP_BEFORE; /* the sandbox closes */
  exchange->stage = PW_STAGE_DONE;
  exchange->answered = true;
  MHD_resume_connection(exchange->connection);
}

static enum MHD_Result finish(pw_exchange *exchange) {
  pw_fault_how how = exchange->fault.how;
  if (how == PW_FAULT_DROP_BEFORE || how == PW_FAULT_DROP_AFTER) return MHD_NO;
  pw_journal_answer(&exchange->server->journal, exchange->entry, exchange->status, sqlite3_str_value(exchange->answer),
                    (size_t)sqlite3_str_length(exchange->answer), pw_works_now() - exchange->began);
  return respond(exchange, how);
}

/* The whole request is here. What doesn't wait is answered at once. */
static enum MHD_Result serve(pw_exchange *exchange) {
  exchange->began = pw_works_now();
  pw_connections_set_busy(&exchange->server->connections, exchange->held, true);
  double latency = 0;
  if (!pw_admin_owns(exchange->path)) {
    pw_routes_identify(exchange);
    exchange->entry = note(exchange);
    latency = pw_faults_latency(&exchange->server->faults);
  }
  double next = latency > 0 ? latency : step(exchange);
  if (next == DONE) return finish(exchange);
  MHD_suspend_connection(exchange->connection);
  if (put_off(exchange, next)) return MHD_YES;
  MHD_resume_connection(exchange->connection);
  return MHD_NO;
}

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind, (void)value;
  int *counts = context;
  if (strcasecmp(name, "Content-Length") == 0) counts[0]++;
  if (strcasecmp(name, "Transfer-Encoding") == 0) counts[1]++;
  return MHD_YES;
}

/* Two peers that read its length differently would see two requests in one. */
static bool is_ambiguous(struct MHD_Connection *connection) {
  int counts[2] = {0};
  MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, counts);
  return counts[0] + counts[1] > 1;
}

static enum MHD_Result refuse_ambiguous(pw_exchange *exchange) {
  pw_routes_identify(exchange);
  exchange->entry = note(exchange);
  pw_exchange_refuse(exchange, 400, "Send a Content-Length or a Transfer-Encoding, and one of it.");
  pw_exchange_add(exchange, "Connection", "close");
  return finish(exchange);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **request) {
  (void)context, (void)url, (void)version;
  pw_exchange *exchange = *request;
  if (exchange == NULL || exchange->uri == NULL) return MHD_NO;
  if (!exchange->started) {
    exchange->started = true;
    exchange->method = method;
    return is_ambiguous(connection) ? refuse_ambiguous(exchange) : MHD_YES;
  }
  if (*size > 0) {
    bool taken = take_body(exchange, data, *size);
    *size = 0;
    return taken ? MHD_YES : MHD_NO;
  }
  return exchange->answered ? finish(exchange) : serve(exchange);
}

static void follow(void *context, struct MHD_Connection *connection, void **held,
                   enum MHD_ConnectionNotificationCode code) {
  pw_server *server = context;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    pw_connections_remove(&server->connections, *held);
    *held = NULL;
    return;
  }
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  *held = info != NULL ? pw_connections_add(&server->connections, info->connect_fd) : NULL;
}

/* A socket of our own rather than libmicrohttpd's: its failures can be told, and it is closed on exec for certain. */
static int listen_on(int port, int *chosen) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
      bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, BACKLOG) == 0 &&
      getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
    *chosen = ntohs(address.sin_port);
    return fd;
  }
  int problem = errno;
  close(fd);
  errno = problem;
  return -1;
}

bool pw_http_open(pw_server *server, char **problem) {
  int fd = listen_on(server->settings.port, &server->port);
  if (fd < 0) {
    *problem = sqlite3_mprintf("can't listen on 127.0.0.1:%d: %s", server->settings.port, strerror(errno));
    return false;
  }
  server->listening = fd;
  server->daemon = MHD_start_daemon(
      MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle,
      server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned int)THREADS,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, begin, server, MHD_OPTION_NOTIFY_COMPLETED, end, server,
      MHD_OPTION_NOTIFY_CONNECTION, follow, server, MHD_OPTION_END);
  if (server->daemon != NULL) return true;
  *problem = sqlite3_mprintf("can't start the HTTP server: %s", strerror(errno));
  close(fd);
  return false;
}

void pw_http_close(pw_server *server) {
  if (server->daemon != NULL) MHD_stop_daemon(server->daemon);
  server->daemon = NULL;
}
