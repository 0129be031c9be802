/* What requests meet: faults, latency, the clock, credentials. */
#include <math.h>
#include <string.h>

#include "admin.h"
#include "operations.h"

static void say_done(pw_exchange *exchange) {
  sqlite3_str_appendall(pw_exchange_answer(exchange, 200), "{\"message\":\"Done.\"}");
}

static void append_fault(void *context, const pw_fault *fault) {
  sqlite3_str *out = context;
  const char *text = sqlite3_str_value(out);
  bool first = text != NULL && text[sqlite3_str_length(out) - 1] == '[';
  sqlite3_str_appendf(out, "%s{\"operation\":", first ? "" : ",");
  pw_exchange_string(out, fault->operation, strlen(fault->operation));
  sqlite3_str_appendf(out, ",\"how\":\"%s\",\"times\":", pw_fault_how_name(fault->how));
  if (fault->times == INT64_MAX) {
    sqlite3_str_appendall(out, "\"always\"");
  } else {
    sqlite3_str_appendf(out, "%lld", (long long)fault->times);
  }
  sqlite3_str_appendf(out, ",\"every\":%lld,\"status\":%d,\"seconds\":%!.15g}", (long long)fault->every, fault->status,
                      fault->seconds);
}

void pw_admin_faults(pw_exchange *exchange) {
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":[");
  pw_faults_each(&exchange->server->faults, append_fault, out);
  sqlite3_str_appendall(out, "]}");
}

static bool is_operation(const char *name) {
  static const char *const names[] = {"*",      "get",  "delete", "upload", "deploy",
                                      "invoke", "logs", "list",   "create", "login"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

/* What is to happen, and to which operation. */
static bool read_kind(pw_exchange *exchange, pw_fault *fault) {
  char *how = pw_admin_text(exchange, "how"), *operation = pw_admin_text(exchange, "operation");
  fault->how = how != NULL ? pw_fault_how_of(how) : PW_FAULT_NONE;
  sqlite3_snprintf(sizeof fault->operation, fault->operation, "%s", operation != NULL ? operation : "*");
  bool known = is_operation(fault->operation);
  sqlite3_free(how);
  sqlite3_free(operation);
  if (fault->how == PW_FAULT_NONE) {
    pw_exchange_invalid(exchange, "how",
                        "The how field must be status, drop_before, drop_after, truncate, garbage or slow.");
  } else if (!known) {
    pw_exchange_invalid(exchange, "operation", "The operation field must name one of the operations, login or *.");
  }
  return fault->how != PW_FAULT_NONE && known;
}

static bool read_numbers(pw_exchange *exchange, pw_fault *fault) {
  double times = 1, every, status;
  char *always = pw_admin_text(exchange, "times");
  bool endless = always != NULL && strcmp(always, "always") == 0;
  sqlite3_free(always);
  if (!endless && !pw_admin_field(exchange, "times", 1, 1e15, 1, &times)) return false;
  if (!pw_admin_field(exchange, "every", 1, 1e15, 1, &every)) return false;
  if (!pw_admin_field(exchange, "status", 200, 599, 500, &status)) return false;
  if (!pw_admin_field(exchange, "seconds", 0, 3600, 1, &fault->seconds)) return false;
  fault->times = endless ? INT64_MAX : (int64_t)times;
  fault->every = (int64_t)every;
  fault->status = (int)status;
  return true;
}

void pw_admin_add_fault(pw_exchange *exchange) {
  pw_fault fault = {0};
  if (!read_kind(exchange, &fault) || !read_numbers(exchange, &fault)) return;
  static const char *const read = "SELECT ?1 ->> '$.retry_after'";
  char *retry_after = pw_store_evaluate(&exchange->server->store, read, exchange->body, PW_END);
  sqlite3_snprintf(sizeof fault.retry_after, fault.retry_after, "%s", retry_after != NULL ? retry_after : "");
  fault.body = pw_admin_text(exchange, "body");
  if (pw_faults_add(&exchange->server->faults, &fault)) say_done(exchange);
  sqlite3_free(retry_after);
  sqlite3_free(fault.body);
}

void pw_admin_clear_faults(pw_exchange *exchange) {
  pw_faults_clear(&exchange->server->faults);
  say_done(exchange);
}

void pw_admin_latency(pw_exchange *exchange) {
  double seconds;
  if (!pw_admin_field(exchange, "seconds", 0, 3600, 0, &seconds)) return;
  pw_faults_set_latency(&exchange->server->faults, seconds);
  say_done(exchange);
}

void pw_admin_advance(pw_exchange *exchange) {
  double seconds;
  if (!pw_admin_field(exchange, "advance", 0, 3.2e9, 0, &seconds)) return;
  if (pw_store_advance(&exchange->server->store, (int64_t)(seconds * 1e6))) pw_admin_status(exchange);
}

void pw_admin_add_token(pw_exchange *exchange) {
  char token[41];
  if (!pw_token_make(exchange->server, token)) return;
  sqlite3_str_appendf(pw_exchange_answer(exchange, 201), "{\"token\":\"%s\",\"expires_in\":%lld}", token,
                      (long long)exchange->server->settings.token_seconds);
}

void pw_admin_expire_tokens(pw_exchange *exchange) {
  if (pw_store_expire_tokens(&exchange->server->store)) say_done(exchange);
}
