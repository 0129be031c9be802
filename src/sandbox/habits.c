#include "habits.h"

#include <string.h>

#include "exchange.h"

static void append_flag(sqlite3_str *out, const char *name, bool value) {
  sqlite3_str_appendf(out, "\"%s\":%s,", name, value ? "true" : "false");
}

void pw_habits_append(const pw_habits *habits, sqlite3_str *out) {
  sqlite3_str_appendchar(out, 1, '{');
  append_flag(out, "invoke_deploys", habits->invoke_deploys);
  append_flag(out, "one_deployed", habits->one_deployed);
  append_flag(out, "redeploy_nothing", habits->redeploy_nothing);
  append_flag(out, "crlf", habits->crlf);
  append_flag(out, "trim", habits->trim);
  append_flag(out, "logs_newest_first", habits->logs_newest_first);
  sqlite3_str_appendf(out, "\"create_status\":%d,\"deploying\":", habits->create_status);
  pw_exchange_string(out, habits->deploying, strlen(habits->deploying));
  sqlite3_str_appendall(out, ",\"idle\":");
  pw_exchange_string(out, habits->idle, strlen(habits->idle));
  sqlite3_str_appendchar(out, 1, '}');
}

static void habit(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  const pw_habits *habits = sqlite3_user_data(context);
  bool idle = strcmp((const char *)sqlite3_value_text(values[0]), "idle") == 0;
  const char *text = idle ? habits->idle : habits->deploying;
  if (text[0] != '\0') sqlite3_result_text(context, text, -1, SQLITE_STATIC);
}

bool pw_habits_register(const pw_habits *habits, sqlite3 *db) {
  int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
  return sqlite3_create_function_v2(db, "habit", 1, flags, (void *)habits, habit, NULL, NULL, NULL) == SQLITE_OK;
}
