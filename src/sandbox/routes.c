#include "routes.h"

#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "operations.h"

enum { WINDOW = 60 }; /* seconds of the rate limit */

typedef struct route {
  const char *operation, *method, *prefix, *suffix;
  void (*handler)(pw_exchange *exchange);
  bool takes_body, subject, open, slow;
} route;

static const route routes[] = {
    {"get", "GET", "/api/v1/script-versions/", "", pw_operation_get, false, true, false, false},
    {"delete", "DELETE", "/api/v1/script-versions/", "", pw_operation_delete, false, true, false, false},
    {"upload", "POST", "/api/v1/script-versions/", "/upload", pw_operation_upload, true, true, false, false},
    {"deploy", "POST", "/api/v1/script-versions/", "/deploy", pw_operation_deploy, false, true, false, false},
    {"invoke", "POST", "/api/v1/script-versions/", "/invoke", pw_operation_invoke, true, true, false, true},
    {"logs", "GET", "/api/v1/script-versions/", "/logs", pw_operation_logs, false, true, false, false},
    {"list", "GET", "/api/v1/scripts/", "/script-versions", pw_operation_list, false, true, false, false},
    {"create", "POST", "/api/v1/scripts/", "/script-versions", pw_operation_create, true, true, false, false},
    {"login", "POST", "/fabric/api/login", "", pw_operation_login, true, false, true, false},
};
enum { COUNT = sizeof routes / sizeof *routes };

/* An id as the contract's paths have it: a plain positive decimal. */
static bool read_subject(const char **path, int64_t *subject) {
  const char *digits = *path;
  size_t size = strspn(digits, "0123456789");
  if (size == 0 || size > 18 || digits[0] == '0') return false;
  *subject = strtoll(digits, NULL, 10);
  *path = digits + size;
  return true;
}

static bool matches(const route *candidate, const char *path, int64_t *subject) {
  size_t size = strlen(candidate->prefix);
  if (strncmp(path, candidate->prefix, size) != 0) return false;
  path += size;
  if (candidate->subject && !read_subject(&path, subject)) return false;
  return strcmp(path, candidate->suffix) == 0;
}

static const route *find(const pw_exchange *exchange, int64_t *subject, char allow[64]) {
  allow[0] = '\0';
  for (int i = 0; i < COUNT; i++) {
    if (!matches(&routes[i], exchange->path, subject)) continue;
    if (strcmp(routes[i].method, exchange->method) == 0) return &routes[i];
    if (allow[0] != '\0') strcat(allow, ", ");
    strcat(allow, routes[i].method);
  }
  return NULL;
}

void pw_routes_identify(pw_exchange *exchange) {
  char allow[64];
  const route *found = find(exchange, &exchange->subject, allow);
  if (found != NULL) exchange->operation = found->operation;
  const char *credential = pw_exchange_header(exchange, "Authorization");
  if (credential == NULL) return;
  exchange->authorization = strncmp(credential, "Bearer ", 7) == 0 ? "bearer" : "key";
}

static bool authorised(pw_exchange *exchange) {
  const char *credential = pw_exchange_header(exchange, "Authorization");
  if (credential != NULL && strncmp(credential, "Bearer ", 7) == 0) {
    exchange->administrator = pw_store_has_token(&exchange->server->store, credential + 7);
    if (exchange->administrator) return true;
  } else if (credential != NULL && pw_exchange_same(credential, exchange->server->settings.key)) {
    return true;
  }
  pw_exchange_refuse(exchange, 401, "Unauthenticated.");
  return false;
}

/* Counts the request; false when it was one too many. */
static bool within_rate(pw_exchange *exchange) {
  pw_server *server = exchange->server;
  int64_t limit = server->settings.rate_limit, now = pw_clock_now(&server->clock);
  if (limit == 0) return true;
  pthread_mutex_lock(&server->rate.lock);
  if (now - server->rate.began >= (int64_t)WINDOW * 1000000) {
    server->rate.began = now;
    server->rate.used = 0;
  }
  bool within = server->rate.used < limit;
  if (within) server->rate.used++;
  int64_t left = limit - server->rate.used;
  int64_t ends = server->rate.began + (int64_t)WINDOW * 1000000;
  pthread_mutex_unlock(&server->rate.lock);
  if (!within) {
    pw_exchange_refuse(exchange, 429, "Too Many Attempts.");
    pw_exchange_add(exchange, "Retry-After", "%lld", (long long)((ends - now + 999999) / 1000000));
    pw_exchange_add(exchange, "X-RateLimit-Reset", "%lld", (long long)(ends / 1000000));
  }
  pw_exchange_add(exchange, "X-RateLimit-Limit", "%lld", (long long)limit);
  pw_exchange_add(exchange, "X-RateLimit-Remaining", "%lld", (long long)left);
  return within;
}

/* A body where one is due, in JSON, and none where none is. */
static bool body_fits(pw_exchange *exchange, const route *found) {
  if (!found->takes_body) {
    if (exchange->size > 0) pw_exchange_refuse(exchange, 422, "%s takes no body.", found->operation);
    return exchange->size == 0;
  }
  const char *type = pw_exchange_header(exchange, "Content-Type");
  if (type == NULL || strncasecmp(type, "application/json", 16) != 0) {
    pw_exchange_refuse(exchange, 415, "Send application/json.");
    return false;
  }
  if (exchange->size == 0 || memchr(exchange->body, 0, exchange->size) != NULL) {
    pw_exchange_refuse(exchange, 400, "The body is not JSON.");
    return false;
  }
  char *kind = pw_store_evaluate(&exchange->server->store, "SELECT iif(json_valid(?1), json_type(?1), 'invalid')",
                                 exchange->body, PW_END);
  bool object = kind != NULL && strcmp(kind, "object") == 0;
  bool invalid = kind == NULL || strcmp(kind, "invalid") == 0;
  sqlite3_free(kind);
  if (!object) pw_exchange_refuse(exchange, 400, "The body is %s.", invalid ? "not JSON" : "no JSON object");
  return object;
}

bool pw_routes_admit(pw_exchange *exchange) {
  char allow[64];
  const route *found = find(exchange, &exchange->subject, allow);
  if (exchange->crowded) {
    pw_exchange_refuse(exchange, 503, "Too many bodies at once.");
    pw_exchange_add(exchange, "Retry-After", "1");
  } else if (!pw_admin_trusts(exchange)) {
    pw_exchange_refuse(exchange, 403, "The sandbox serves browsers under http://127.0.0.1:%d alone.",
                       exchange->server->port);
  } else if (exchange->too_large) {
    pw_exchange_refuse(exchange, 413, "The body is over 8 MB.");
  } else if (pw_admin_owns(exchange->path)) {
    return pw_admin_admit(exchange);
  } else if (found == NULL && allow[0] == '\0') {
    pw_exchange_refuse(exchange, 404, "The route %s could not be found.", exchange->path);
  } else if (found == NULL) {
    pw_exchange_refuse(exchange, 405, "The %s method is not supported here. Supported: %s.", exchange->method, allow);
    pw_exchange_add(exchange, "Allow", "%s", allow);
  } else if ((found->open || (authorised(exchange) && within_rate(exchange))) && body_fits(exchange, found)) {
    exchange->handler = found->handler;
    exchange->slow = found->slow;
    return true;
  }
  return false;
}
