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
#include "routes.h"

enum { CONNECTIONS = 4096, BACKLOG = 1024 };

/* libmicrohttpd calls this first for each request; what it returns is the request's context. */
static void *begin(void *context, const char *uri, struct MHD_Connection *connection) {
  pw_exchange *exchange = calloc(1, sizeof *exchange);
  if (exchange == NULL) return NULL;
  exchange->server = context;
  exchange->connection = connection;
  exchange->operation = "none";
  exchange->authorization = "none";
  exchange->query = "";
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
  free(exchange->uri);
  free(exchange->body);
  if (exchange->answer != NULL) sqlite3_free(sqlite3_str_finish(exchange->answer));
  free(exchange);
  *request = NULL;
}

/* Takes a piece of the body in; what is over the limit is read and forgotten, so that the refusal gets through. */
static bool take_body(pw_exchange *exchange, const char *bytes, size_t size) {
  if (exchange->too_large || exchange->size + size > PW_BODY_LIMIT) {
    exchange->too_large = true;
    return true;
  }
  size_t needed = exchange->size + size + 1;
  if (needed > exchange->capacity) {
    size_t capacity = needed < 1024 ? 1024 : needed * 2;
    char *grown = realloc(exchange->body, capacity);
    if (grown == NULL) return false;
    exchange->body = grown;
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
  MHD_add_response_header(response, "Content-Type", exchange->html ? "text/html; charset=UTF-8" : "application/json");
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

/* The whole request is here. */
static enum MHD_Result serve(pw_exchange *exchange) {
  pw_faults *faults = &exchange->server->faults;
  pw_routes_identify(exchange);
  pw_entry *entry = note(exchange);
  pw_faults_sleep(faults, pw_faults_latency(faults));
  pw_fault fault = pw_faults_take(faults, exchange->operation);
  if (fault.how == PW_FAULT_STATUS) {
    answer_fault(exchange, &fault);
  } else if (fault.how != PW_FAULT_DROP_BEFORE) {
    pw_routes_serve(exchange);
  }
  if (fault.how == PW_FAULT_SLOW) pw_faults_sleep(faults, fault.seconds);
  free(fault.body);
  bool drop = fault.how == PW_FAULT_DROP_BEFORE || fault.how == PW_FAULT_DROP_AFTER;
  if (entry != NULL && !drop) entry->status = exchange->status;
  pw_journal_release(&exchange->server->journal, entry);
  return drop ? MHD_NO : respond(exchange, fault.how);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **request) {
  (void)context, (void)connection, (void)url, (void)version;
  pw_exchange *exchange = *request;
  if (exchange == NULL || exchange->uri == NULL) return MHD_NO;
  if (!exchange->started) {
    exchange->started = true;
    exchange->method = method;
    return MHD_YES;
  }
  if (*size > 0) {
    bool taken = take_body(exchange, data, *size);
    *size = 0;
    return taken ? MHD_YES : MHD_NO;
  }
  return serve(exchange);
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
  server->daemon = MHD_start_daemon(
      MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC, 0, NULL, NULL,
      handle, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
      MHD_OPTION_URI_LOG_CALLBACK, begin, server, MHD_OPTION_NOTIFY_COMPLETED, end, server, MHD_OPTION_END);
  if (server->daemon != NULL) return true;
  *problem = sqlite3_mprintf("can't start the HTTP server: %s", strerror(errno));
  close(fd);
  return false;
}

void pw_http_close(pw_server *server) {
  if (server->daemon != NULL) MHD_stop_daemon(server->daemon);
  server->daemon = NULL;
}
