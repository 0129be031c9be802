#include "admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../runner/text.h"
#include "static.h"

static const char *const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri "
    "'none';"
    " form-action 'none'; frame-ancestors 'none'";

static void serve_file(pw_exchange *exchange, const pw_static *file, const char *type) {
  sqlite3_str_append(pw_exchange_answer(exchange, 200), (const char *)file->bytes, (int)file->size);
  exchange->type = type;
  pw_exchange_add(exchange, "Content-Security-Policy", "%s", policy);
  pw_exchange_add(exchange, "X-Content-Type-Options", "nosniff");
  pw_exchange_add(exchange, "Referrer-Policy", "no-referrer");
  pw_exchange_add(exchange, "Cache-Control", "no-store");
}

static void serve_page(pw_exchange *exchange) { serve_file(exchange, &pw_static_page, "text/html; charset=UTF-8"); }
static void serve_program(pw_exchange *exchange) { serve_file(exchange, &pw_static_program, "text/javascript"); }
static void serve_style(pw_exchange *exchange) { serve_file(exchange, &pw_static_style, "text/css"); }
static void serve_openapi(pw_exchange *exchange) { serve_file(exchange, &pw_static_openapi, "application/json"); }

typedef struct admin_route {
  const char *method, *path; /* a star stands for a part: a number, or a name */
  void (*handler)(pw_exchange *exchange);
  bool open; /* asks for no token */
} admin_route;

static const admin_route routes[] = {
    {"GET", "/", serve_page, true},
    {"GET", "/_sandbox/page.js", serve_program, true},
    {"GET", "/_sandbox/page.css", serve_style, true},
    {"GET", "/_sandbox/openapi.json", serve_openapi, true},
    {"GET", "/_sandbox/status", pw_admin_status, false},
    {"GET", "/_sandbox/scripts", pw_admin_scripts, false},
    {"POST", "/_sandbox/scripts", pw_admin_add_script, false},
    {"POST", "/_sandbox/populate", pw_admin_populate, false},
    {"POST", "/_sandbox/logs", pw_admin_add_log, false},
    {"GET", "/_sandbox/versions", pw_admin_versions, false},
    {"GET", "/_sandbox/versions/*", pw_admin_version, false},
    {"GET", "/_sandbox/deployments", pw_admin_deployments, false},
    {"GET", "/_sandbox/invocations", pw_admin_invocations, false},
    {"POST", "/_sandbox/seed", pw_admin_seed, false},
    {"POST", "/_sandbox/reset", pw_admin_reset, false},
    {"GET", "/_sandbox/snapshots", pw_admin_snapshots, false},
    {"PUT", "/_sandbox/snapshots/*", pw_admin_save, false},
    {"POST", "/_sandbox/snapshots/*/restore", pw_admin_restore, false},
    {"GET", "/_sandbox/faults", pw_admin_faults, false},
    {"POST", "/_sandbox/faults", pw_admin_add_fault, false},
    {"DELETE", "/_sandbox/faults", pw_admin_clear_faults, false},
    {"PUT", "/_sandbox/latency", pw_admin_latency, false},
    {"POST", "/_sandbox/clock", pw_admin_advance, false},
    {"POST", "/_sandbox/tokens", pw_admin_add_token, false},
    {"DELETE", "/_sandbox/tokens", pw_admin_expire_tokens, false},
    {"GET", "/_sandbox/requests", pw_admin_requests, false},
    {"DELETE", "/_sandbox/requests", pw_admin_forget_requests, false},
    {"GET", "/_sandbox/requests/wait", pw_admin_wait, false},
    {"GET", "/_sandbox/events", pw_admin_events, false},
};
enum { COUNT = sizeof routes / sizeof *routes };

bool pw_admin_owns(const char *path) { return strcmp(path, "/") == 0 || strncmp(path, "/_sandbox/", 10) == 0; }

/* The part of the path in place of the star goes to `name`. */
static bool matches(const char *pattern, const char *path, char name[64]) {
  const char *star = strchr(pattern, '*');
  if (star == NULL) return strcmp(pattern, path) == 0;
  size_t size = (size_t)(star - pattern);
  if (strncmp(pattern, path, size) != 0) return false;
  size_t part = strcspn(path + size, "/");
  if (part == 0 || part >= 64 || strcmp(path + size + part, star + 1) != 0) return false;
  memcpy(name, path + size, part);
  name[part] = '\0';
  return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == part;
}

/* A host as browsers write this machine's own, with any port. */
static bool is_loopback(const char *host) {
  static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
  for (int i = 0; i < 3; i++) {
    size_t size = strlen(names[i]);
    if (strncasecmp(host, names[i], size) != 0) continue;
    const char *rest = host + size;
    if (*rest == '\0' || (*rest == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1))) return true;
  }
  return false;
}

bool pw_admin_trusts(const pw_exchange *exchange) {
  const char *host = pw_exchange_header(exchange, "Host"), *origin = pw_exchange_header(exchange, "Origin");
  const char *site = pw_exchange_header(exchange, "Sec-Fetch-Site");
  bool of_browser = origin != NULL || site != NULL;
  if (!of_browser && !pw_admin_owns(exchange->path)) return true;
  if (host == NULL || !is_loopback(host)) return false;
  if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) return false;
  return origin == NULL || (strncmp(origin, "http://", 7) == 0 && strcmp(origin + 7, host) == 0);
}

static const char *token_of(const pw_exchange *exchange) {
  const char *given = pw_exchange_header(exchange, "Authorization");
  return given != NULL && strncmp(given, "Bearer ", 7) == 0 ? given + 7 : "";
}

bool pw_admin_admit(pw_exchange *exchange) {
  bool known = false;
  for (int i = 0; i < COUNT; i++) {
    const admin_route *route = &routes[i];
    if (!matches(route->path, exchange->path, exchange->name)) continue;
    known = true;
    if (strcmp(route->method, exchange->method) != 0) continue;
    if (!route->open && !pw_exchange_same(token_of(exchange), exchange->server->admin_token)) {
      pw_exchange_refuse(exchange, 401, "Send the admin's token: Authorization: Bearer TOKEN.");
      return false;
    }
    exchange->handler = route->handler;
    return true;
  }
  pw_exchange_refuse(exchange, known ? 405 : 404, "%s %s is not known here: see /_sandbox/openapi.json.",
                     exchange->method, exchange->path);
  return false;
}

void pw_admin_perform(pw_exchange *exchange) {
  for (int i = 0; i < COUNT; i++) {
    const admin_route *route = &routes[i];
    if (strcmp(route->method, exchange->method) != 0 || !matches(route->path, exchange->path, exchange->name)) continue;
    do {
      exchange->again = 0;
      route->handler(exchange);
      if (exchange->again > 0) nanosleep(&(struct timespec){.tv_nsec = (long)(exchange->again * 1e9)}, NULL);
    } while (exchange->status == 0 && exchange->again > 0);
    break;
  }
  if (exchange->status == 0) pw_exchange_fail(exchange);
}

bool pw_admin_parameter(const pw_exchange *exchange, const char *name, char *text, size_t size) {
  char *copy = pw_text_copy(exchange->query, strlen(exchange->query));
  char *rest = copy;
  bool found = false;
  for (char *value = strsep(&rest, "&"); value != NULL && !found; value = strsep(&rest, "&")) {
    const char *given = strsep(&value, "=");
    if (value == NULL || strcmp(given, name) != 0 || !pw_text_decode_query(value)) continue;
    found = strlen(value) < size && *value != '\0';
    if (found) strcpy(text, value);
  }
  free(copy);
  return found;
}

double pw_admin_number(const pw_exchange *exchange, const char *name, double otherwise) {
  char text[32];
  return pw_admin_parameter(exchange, name, text, sizeof text) ? strtod(text, NULL) : otherwise;
}

char *pw_admin_text(pw_exchange *exchange, const char *field) {
  static const char *const read =
      "SELECT iif(json_valid(?1) AND json_type(?1, '$.' || ?2) = 'text', ?1 ->> ('$.' || ?2), NULL)";
  const char *body = exchange->body != NULL ? exchange->body : "{}";
  return pw_store_evaluate(&exchange->server->store, read, body, field, PW_END);
}

bool pw_admin_field(pw_exchange *exchange, const char *field, double least, double most, double otherwise,
                    double *number) {
  static const char *const read =
      "SELECT CASE WHEN NOT json_valid(?1) THEN 'bad' WHEN json_type(?1, '$.' || ?2) IN ('integer', 'real')"
      " THEN ?1 ->> ('$.' || ?2) WHEN json_type(?1, '$.' || ?2) IS NULL THEN '' ELSE 'bad' END";
  const char *body = exchange->body != NULL ? exchange->body : "{}";
  char *text = pw_store_evaluate(&exchange->server->store, read, body, field, PW_END);
  char *end = text;
  *number = text == NULL || *text == '\0' ? otherwise : strtod(text, &end);
  bool good = text != NULL && *end == '\0' && *number >= least && *number <= most;
  sqlite3_free(text);
  if (!good) pw_exchange_invalid(exchange, field, "The %s field must be a number from %g to %g.", field, least, most);
  return good;
}
