/* What the sandbox received: read, waited for, followed. */
#include <stdlib.h>
#include <string.h>

#include "admin.h"

enum { PAGE = 100, MOST = 1000 };

/* Seconds: how often it is looked, and how long one waits. */
static const double look = 0.02, patience = 30, hold = 15;

typedef struct criteria {
  pw_journal_filter filter;
  char operation[32], method[16], path[512];
} criteria;

static void read_criteria(const pw_exchange *exchange, criteria *made) {
  memset(made, 0, sizeof *made);
  pw_journal_filter *filter = &made->filter;
  if (pw_admin_parameter(exchange, "operation", made->operation, sizeof made->operation)) {
    filter->operation = made->operation;
  }
  if (pw_admin_parameter(exchange, "method", made->method, sizeof made->method)) filter->method = made->method;
  if (pw_admin_parameter(exchange, "path", made->path, sizeof made->path)) filter->path = made->path;
  filter->status = (int)pw_admin_number(exchange, "status", 0);
  filter->after = (int64_t)pw_admin_number(exchange, "after", 0);
}

static void append_field(sqlite3_str *out, const char *name, const char *bytes, size_t size) {
  sqlite3_str_appendf(out, ",\"%s\":", name);
  pw_exchange_string(out, bytes, size);
}

static void append_headers(sqlite3_str *out, const pw_entry *entry) {
  const char *end = entry->headers + entry->headers_size;
  sqlite3_str_appendall(out, ",\"headers\":{");
  for (const char *name = entry->headers; name < end;) {
    const char *value = name + strlen(name) + 1;
    if (name != entry->headers) sqlite3_str_appendchar(out, 1, ',');
    pw_exchange_string(out, name, strlen(name));
    sqlite3_str_appendchar(out, 1, ':');
    pw_exchange_string(out, value, strlen(value));
    name = value + strlen(value) + 1;
  }
  sqlite3_str_appendchar(out, 1, '}');
}

static void append_entry(sqlite3_str *out, const pw_entry *entry) {
  char at[PW_CLOCK_TEXT];
  pw_clock_format(entry->at, at);
  int status = entry->status;
  sqlite3_str_appendf(out, "{\"number\":%lld,\"at\":\"%s\",\"operation\":\"%s\",\"authorization\":\"%s\",\"status\":%d",
                      (long long)entry->number, at, entry->operation, entry->authorization, status);
  append_field(out, "method", entry->method, strlen(entry->method));
  append_field(out, "path", entry->path, strlen(entry->path));
  append_field(out, "query", entry->query, strlen(entry->query));
  append_headers(out, entry);
  append_field(out, "body", entry->body, entry->body_size);
  if (status != 0) { /* what follows is there only then */
    sqlite3_str_appendf(out, ",\"seconds\":%.6f", (double)entry->microseconds / 1e6);
    append_field(out, "answer", entry->answer != NULL ? entry->answer : "", entry->answer_size);
  }
  sqlite3_str_appendchar(out, 1, '}');
}

/* Gives how many there are, or -1 when memory is out; appends those that fit, up to `most` of the newest. */
static int64_t append_entries(pw_exchange *exchange, const criteria *asked, size_t most, sqlite3_str *out,
                              int64_t *changes) {
  pw_journal *journal = &exchange->server->journal;
  pw_entry **entries = (pw_entry **)calloc(most, sizeof(pw_entry *));
  if (entries == NULL) return -1;
  size_t count = pw_journal_select(journal, &asked->filter, entries, most, changes);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) sqlite3_str_appendchar(out, 1, ',');
    append_entry(out, entries[i]);
    pw_journal_release(journal, entries[i]);
  }
  free((void *)entries);
  return (int64_t)count;
}

void pw_admin_requests(pw_exchange *exchange) {
  criteria asked;
  int64_t changes = 0;
  double limit = pw_admin_number(exchange, "limit", PAGE);
  read_criteria(exchange, &asked);
  size_t total = pw_journal_select(&exchange->server->journal, &asked.filter, NULL, 0, &changes);
  sqlite3_str *out = pw_exchange_answer(exchange, 200);
  sqlite3_str_appendall(out, "{\"data\":[");
  bool ok = append_entries(exchange, &asked, limit >= 1 && limit <= MOST ? (size_t)limit : PAGE, out, &changes) >= 0;
  sqlite3_str_appendf(out, "],\"total\":%lld,\"changes\":%lld}", (long long)total, (long long)changes);
  if (!ok) pw_exchange_fail(exchange);
}

void pw_admin_forget_requests(pw_exchange *exchange) {
  pw_journal_forget(&exchange->server->journal);
  sqlite3_str_appendall(pw_exchange_answer(exchange, 200), "{\"message\":\"Done.\"}");
}

static double waited(pw_exchange *exchange) {
  if (exchange->began == 0) exchange->began = pw_works_now();
  return (double)(pw_works_now() - exchange->began) / 1e6;
}

void pw_admin_wait(pw_exchange *exchange) {
  criteria asked;
  int64_t changes;
  read_criteria(exchange, &asked);
  double wanted = pw_admin_number(exchange, "count", 1), timeout = pw_admin_number(exchange, "timeout", patience);
  size_t count = pw_journal_select(&exchange->server->journal, &asked.filter, NULL, 0, &changes);
  if ((double)count >= wanted) {
    sqlite3_str_appendf(pw_exchange_answer(exchange, 200), "{\"count\":%lld}", (long long)count);
  } else if (waited(exchange) >= timeout) {
    pw_exchange_refuse(exchange, 408, "There were %lld such requests in %g seconds, not %g.", (long long)count, timeout,
                       wanted);
  } else {
    exchange->again = look;
  }
}

/* Server-sent events: those that came or were answered since the last one that the browser names; it asks again by
 * itself. */
void pw_admin_events(pw_exchange *exchange) {
  criteria asked;
  int64_t changes = 0;
  const char *last = pw_exchange_header(exchange, "Last-Event-ID");
  read_criteria(exchange, &asked);
  asked.filter.changed = last != NULL ? strtoll(last, NULL, 10) : (int64_t)pw_admin_number(exchange, "since", 0);
  sqlite3_str *out = sqlite3_str_new(NULL);
  int64_t count = append_entries(exchange, &asked, PAGE, out, &changes);
  if (count == 0 && waited(exchange) < hold && changes >= asked.filter.changed) {
    exchange->again = look;
  } else {
    const char *text = sqlite3_str_value(out);
    sqlite3_str_appendf(pw_exchange_answer(exchange, 200), "retry: 200\nid: %lld\ndata: [%s]\n\n", (long long)changes,
                        text != NULL ? text : "");
    exchange->type = "text/event-stream";
    pw_exchange_add(exchange, "Cache-Control", "no-store");
  }
  sqlite3_free(sqlite3_str_finish(out));
}
