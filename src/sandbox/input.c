#include "input.h"

#include <stdlib.h>
#include <string.h>

#include "../runner/text.h"

static bool read_number(pw_exchange *exchange, const char *name, const char *text, int64_t most, int64_t *number) {
  size_t size = strlen(text);
  bool digits = size > 0 && size <= 15 && strspn(text, "0123456789") == size;
  *number = digits ? strtoll(text, NULL, 10) : 0;
  if (*number >= 1 && *number <= most) return true;
  if (most == INT64_MAX) {
    pw_exchange_invalid(exchange, name, "The %s field must be at least 1.", name);
  } else {
    pw_exchange_invalid(exchange, name, "The %s field must be between 1 and %lld.", name, (long long)most);
  }
  return false;
}

static bool read_include(pw_exchange *exchange, char *list, pw_selection *selection) {
  for (char *name = strsep(&list, ","); name != NULL; name = strsep(&list, ",")) {
    if (strcmp(name, "content") == 0) {
      selection->content = true;
    } else if (strcmp(name, "script") == 0) {
      selection->script = true;
    } else {
      pw_exchange_invalid(exchange, "include", "Requested include `%s` is not allowed. Allowed: `content, script`.",
                          name);
      return false;
    }
  }
  return true;
}

static bool read_is_deployed(pw_exchange *exchange, char *list, pw_selection *selection) {
  bool yes = false, no = false;
  for (char *value = strsep(&list, ","); value != NULL; value = strsep(&list, ",")) {
    if (strcmp(value, "true") == 0 || strcmp(value, "1") == 0) {
      yes = true;
    } else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0) {
      no = true;
    } else {
      pw_exchange_invalid(exchange, "filter.is_deployed", "The is_deployed filter must be true or false.");
      return false;
    }
  }
  selection->is_deployed = yes == no ? -1 : yes;
  return true;
}

/* Turns "2026-11-23,2026-11-24" into a JSON list. */
static bool read_deployed_at(pw_exchange *exchange, char *list, pw_query *query) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  bool good = strlen(list) < sizeof query->deployed_at / 2;
  int count = 0;
  for (char *value = strsep(&list, ","); good && value != NULL; value = strsep(&list, ",")) {
    good = *value != '\0' && value[strspn(value, "0123456789-:.TZ+ ")] == '\0';
    sqlite3_str_appendf(out, "%s\"%s\"", count++ > 0 ? "," : "[", value);
  }
  sqlite3_str_appendchar(out, 1, ']');
  const char *text = sqlite3_str_value(out);
  good = good && text != NULL && strlen(text) < sizeof query->deployed_at;
  if (good) {
    strcpy(query->deployed_at, text);
    query->selection.deployed_at = query->deployed_at;
  } else {
    pw_exchange_invalid(exchange, "filter.deployed_at", "The deployed_at filter must be a date, or a list of dates.");
  }
  sqlite3_free(sqlite3_str_finish(out));
  return good;
}

static bool read_parameter(pw_exchange *exchange, int takes, const char *name, char *value, pw_query *query) {
  pw_selection *selection = &query->selection;
  if (takes != PW_QUERY_NONE && strcmp(name, "page") == 0) {
    return read_number(exchange, name, value, INT64_MAX, &selection->page);
  }
  if (takes == PW_QUERY_ALL) {
    if (strcmp(name, "per_page") == 0) return read_number(exchange, name, value, 100, &selection->per_page);
    if (strcmp(name, "include") == 0) return read_include(exchange, value, selection);
    if (strcmp(name, "filter[is_deployed]") == 0) return read_is_deployed(exchange, value, selection);
    if (strcmp(name, "filter[deployed_at]") == 0) return read_deployed_at(exchange, value, query);
  }
  pw_exchange_invalid(exchange, name, "The parameter %s is not known here.", name);
  return false;
}

/* Reads `text`, which it takes apart. */
static bool read_all(pw_exchange *exchange, int takes, char *text, pw_query *query) {
  while (text != NULL && *text != '\0') {
    char *name = strsep(&text, "&");
    char *value = name;
    strsep(&value, "=");
    if (value == NULL || !pw_text_decode_query(name) || !pw_text_decode_query(value)) {
      pw_exchange_invalid(exchange, "query", "The query string can't be read.");
      return false;
    }
    if (!read_parameter(exchange, takes, name, value, query)) return false;
  }
  return true;
}

bool pw_input_query(pw_exchange *exchange, int takes, pw_query *query) {
  *query = (pw_query){.selection = {.is_deployed = -1, .page = 1, .per_page = 15}};
  char *text = pw_text_copy(exchange->query, strlen(exchange->query));
  bool ok = text != NULL && read_all(exchange, takes, text, query);
  free(text);
  return ok;
}

bool pw_input_fields(pw_exchange *exchange, const char *json_list) {
  char *unknown =
      pw_store_evaluate(&exchange->server->store,
                        "SELECT key FROM json_each(?1) WHERE key NOT IN (SELECT value FROM json_each(?2)) LIMIT 1",
                        exchange->body, json_list, PW_END);
  if (unknown == NULL) return true;
  pw_exchange_invalid(exchange, unknown, "The %s field is not known here.", unknown);
  sqlite3_free(unknown);
  return false;
}

char *pw_input_type(pw_exchange *exchange, const char *path) {
  return pw_store_evaluate(&exchange->server->store, "SELECT json_type(?1, ?2)", exchange->body, path, PW_END);
}
