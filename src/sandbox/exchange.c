#include "exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../runner/text.h"
#include "admin.h"

void pw_exchange_close(pw_exchange *exchange) {
  free(exchange->fault.body);
  free(exchange->uri);
  free(exchange->body);
  if (exchange->answer != NULL) sqlite3_free(sqlite3_str_finish(exchange->answer));
}

bool pw_exchange_same(const char *given, const char *secret) {
  size_t size = strlen(secret);
  unsigned int difference = strlen(given) != size;
  for (size_t i = 0; given[i] != '\0'; i++) difference |= (unsigned int)(given[i] ^ secret[i % size]);
  return difference == 0;
}

const char *pw_exchange_header(const pw_exchange *exchange, const char *name) {
  if (exchange->connection == NULL) return NULL; /* asked from inside of the program */
  return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

void pw_exchange_add(pw_exchange *exchange, const char *name, const char *format, ...) {
  for (int i = 0; i < PW_EXCHANGE_HEADERS; i++) {
    if (exchange->header_names[i] != NULL) continue;
    exchange->header_names[i] = name;
    va_list values;
    va_start(values, format);
    vsnprintf(exchange->header_values[i], sizeof exchange->header_values[i], format, values);
    va_end(values);
    return;
  }
}

sqlite3_str *pw_exchange_answer(pw_exchange *exchange, int status) {
  if (exchange->answer != NULL) sqlite3_free(sqlite3_str_finish(exchange->answer));
  exchange->answer = sqlite3_str_new(NULL);
  exchange->status = status;
  return exchange->answer;
}

/* Laravel answers errors in JSON to those who ask for it, and with a page to all others. */
static bool wants_json(const pw_exchange *exchange) {
  if (exchange->connection == NULL || pw_admin_owns(exchange->path)) return true;
  const char *accept = pw_exchange_header(exchange, "Accept");
  return accept != NULL && (strstr(accept, "/json") != NULL || strstr(accept, "+json") != NULL);
}

void pw_exchange_string(sqlite3_str *out, const char *bytes, size_t size) {
  char *text = pw_text_copy(bytes, size);
  if (text != NULL) pw_text_make_utf8(text, size);
  sqlite3_str_appendchar(out, 1, '"');
  for (const char *c = text; c != NULL && *c != '\0'; c++) {
    if (*c == '"' || *c == '\\') {
      sqlite3_str_appendf(out, "\\%c", *c);
    } else if ((unsigned char)*c < 0x20 || *c == 0x7F) {
      sqlite3_str_appendf(out, "\\u%04x", (unsigned char)*c);
    } else {
      sqlite3_str_appendchar(out, 1, *c);
    }
  }
  sqlite3_str_appendchar(out, 1, '"');
  free(text);
}

static void append_html(sqlite3_str *out, const char *text) {
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '<') {
      sqlite3_str_appendall(out, "&lt;");
    } else if (*c == '&') {
      sqlite3_str_appendall(out, "&amp;");
    } else {
      sqlite3_str_appendchar(out, 1, *c);
    }
  }
}

static void refuse(pw_exchange *exchange, int status, const char *field, const char *message) {
  sqlite3_str *out = pw_exchange_answer(exchange, status);
  exchange->html = !wants_json(exchange);
  if (exchange->html) {
    sqlite3_str_appendf(out, "<!DOCTYPE html>\n<html><head><title>%d</title></head><body><h1>", status);
    append_html(out, message);
    sqlite3_str_appendall(out, "</h1></body></html>\n");
    return;
  }
  sqlite3_str_appendall(out, "{\"message\":");
  pw_exchange_string(out, message, strlen(message));
  if (field != NULL) {
    sqlite3_str_appendall(out, ",\"errors\":{");
    pw_exchange_string(out, field, strlen(field));
    sqlite3_str_appendall(out, ":[");
    pw_exchange_string(out, message, strlen(message));
    sqlite3_str_appendall(out, "]}");
  }
  sqlite3_str_appendchar(out, 1, '}');
}

static void refuse_with(pw_exchange *exchange, int status, const char *field, const char *format, va_list values) {
  char *message = sqlite3_vmprintf(format, values);
  refuse(exchange, status, field, message != NULL ? message : "Server Error");
  sqlite3_free(message);
}

void pw_exchange_refuse(pw_exchange *exchange, int status, const char *format, ...) {
  va_list values;
  va_start(values, format);
  refuse_with(exchange, status, NULL, format, values);
  va_end(values);
}

void pw_exchange_invalid(pw_exchange *exchange, const char *field, const char *format, ...) {
  va_list values;
  va_start(values, format);
  refuse_with(exchange, 422, field, format, values);
  va_end(values);
}

void pw_exchange_fail(pw_exchange *exchange) {
  char *problem = pw_store_problem(&exchange->server->store);
  pw_exchange_refuse(exchange, 500, "%s", problem != NULL ? problem : "Server Error");
  sqlite3_free(problem);
}
