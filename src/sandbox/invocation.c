/* Invoking: the handler contract, from a request's body to the handler's data, and from its result to an answer. */
#include <stdlib.h>
#include <string.h>

#include "../runner/text.h"
#include "../runner/tools.h"
#include "input.h"
#include "operations.h"

enum { MOST_LINES = 1000 };

/* A text that must hold a JSON object; PHP writes an empty one as []. */
#define OBJECT_IN(text)                                                                                          \
  "CASE WHEN " text " IS NULL OR " text " IN ('', '[]') THEN '{}' WHEN json_valid(" text ") AND json_type(" text \
  ") = 'object' THEN " text " END"

/* What is wrong with a body's field; NULL for nothing. `?1` is the body. */
static const char *const find_fault =
    "WITH b(payload, variables, flow) AS (SELECT json_type(?1, '$.payload'), json_type(?1, '$.variables'),"
    " json_type(?1, '$.flow')), f(flow) AS (SELECT iif(b.flow = 'text', ?1 ->> '$.flow', coalesce(?1 -> '$.flow', '{}')) FROM b)"
    "SELECT CASE WHEN b.payload NOT IN ('text', 'null') THEN 'payload must be a string'"
    " WHEN b.variables NOT IN ('text', 'null') THEN 'variables must be a string'"
    " WHEN b.variables = 'text' AND (" OBJECT_IN("(?1 ->> '$.variables')") ") IS NULL"
    "  THEN 'variables must hold a JSON object'"
    " WHEN b.flow NOT IN ('text', 'object', 'null') THEN 'flow must be a string or an object'"
    " WHEN b.flow IN ('text', 'object') AND (" OBJECT_IN("f.flow") ") IS NULL THEN 'flow must hold a JSON object'"
    " WHEN b.flow = 'object' AND json_type(f.flow, '$.variables') NOT IN ('text', 'null')"
    "  THEN 'flow.variables must be a string'"
    " WHEN b.flow IN ('text', 'object') AND json_type(f.flow, '$.variables') = 'text'"
    "  AND (" OBJECT_IN("(f.flow ->> '$.variables')") ") IS NULL THEN 'flow.variables must hold a JSON object' END FROM b, f";

/* The handler's data. ?1 is a good body, ?2 the version's id, ?3 its script's. */
static const char *const make_data =
    "WITH f(flow) AS (SELECT CASE json_type(?1, '$.flow') WHEN 'text' THEN " OBJECT_IN("(?1 ->> '$.flow')")
    " WHEN 'object' THEN ?1 -> '$.flow' ELSE '{}' END),"
    " v(variables) AS (SELECT CASE json_type(f.flow, '$.variables') WHEN 'text' THEN "
    OBJECT_IN("(f.flow ->> '$.variables')") " WHEN 'object' THEN f.flow -> '$.variables' ELSE '{}' END FROM f)"
    "SELECT '{\"payload\":' || coalesce(?1 -> '$.payload', 'null') || ',\"variables\":' || "
    OBJECT_IN("(?1 ->> '$.variables')") " || ',\"meta\":' || json_object('script_version_id', ?2, 'script_id', ?3)"
    " || ',\"flow\":' || json_set(f.flow, '$.variables', json(v.variables)) || '}' FROM f, v";

static char *data_of(pw_exchange *exchange, int64_t script) {
  pw_store *store = &exchange->server->store;
  if (!pw_input_fields(exchange, "[\"payload\",\"variables\",\"flow\"]")) return NULL;
  char *fault = pw_store_evaluate(store, find_fault, exchange->body, PW_END);
  if (fault != NULL) {
    char field[32];
    size_t size = strcspn(fault, " ");
    memcpy(field, fault, size);
    field[size] = '\0';
    pw_exchange_invalid(exchange, field, "The %s field%s.", field, fault + size);
    sqlite3_free(fault);
    return NULL;
  }
  char version_text[24], script_text[24];
  sqlite3_snprintf(sizeof version_text, version_text, "%lld", (long long)exchange->subject);
  sqlite3_snprintf(sizeof script_text, script_text, "%lld", (long long)script);
  return pw_store_evaluate(store, make_data, exchange->body, version_text, script_text, PW_END);
}

static void log_lines(pw_exchange *exchange, const char *text) {
  for (int lines = 0; text != NULL && *text != '\0' && lines < MOST_LINES; lines++) {
    size_t size = strcspn(text, "\n");
    if (size > 0) pw_store_log(&exchange->server->store, exchange->subject, "info", text, (int)size);
    text += size + (text[size] == '\n');
  }
}

static void fail(pw_exchange *exchange, const char *message) {
  pw_store_log(&exchange->server->store, exchange->subject, "error", message, -1);
  pw_exchange_invalid(exchange, "script", "%s", message);
}

static void fail_with(pw_exchange *exchange, char *message) {
  fail(exchange, message != NULL ? message : "The script failed.");
  sqlite3_free(message);
}

/* The last line that isn't empty, cut off behind; "" for none. */
static const char *last_line(char *text) {
  if (text == NULL) return "";
  size_t size = strlen(text);
  while (size > 0 && text[size - 1] == '\n') text[--size] = '\0';
  const char *start = strrchr(text, '\n');
  return start != NULL ? start + 1 : text;
}

/* Answers with what the handler returned, or says what it raised. */
static void answer_result(pw_exchange *exchange, const pw_run *run) {
  pw_store *store = &exchange->server->store;
  static const char *const object = "SELECT iif(json_valid(?1) AND json_type(?1) = 'object', ?1, NULL)";
  static const char *const logs = "SELECT iif(json_type(?1, '$.logs') = 'array', ?1 -> '$.logs', NULL)";
  if (run->raised != NULL) {
    fail_with(exchange, sqlite3_mprintf("The script failed: %s", run->raised));
    return;
  }
  if (run->answer == NULL) {
    const char *said = last_line(run->error.bytes);
    fail_with(exchange, sqlite3_mprintf("The script ended without an answer (exit code %d)%s%s.", run->exit_code,
                                        said[0] != '\0' ? ": " : "", said));
    return;
  }
  char *answer = pw_store_evaluate(store, object, run->answer, PW_END);
  if (answer == NULL) {
    fail(exchange, "The handler returned no object.");
    return;
  }
  char *list = pw_store_evaluate(store, logs, answer, PW_END);
  if (list != NULL) pw_store_log_list(store, exchange->subject, list);
  sqlite3_free(list);
  sqlite3_str_appendall(pw_exchange_answer(exchange, 200), answer);
  sqlite3_free(answer);
}

static char *missing_program(const pw_run *run, const pw_language *language) {
  char *missing = pw_tools_missing(language, run->version);
  char *text = sqlite3_mprintf("The sandbox can't run it: %s.", missing != NULL ? missing : "out of memory");
  free(missing);
  return text;
}

/* What there is to say of a script that was stopped; NULL for one that wasn't. */
static char *reason_of(const pw_run *run, const pw_language *language, double seconds) {
  const pw_limits *limits = &pw_limits_usual;
  if (run->building && run->ran != PW_RAN_NO_PROGRAM) {
    return sqlite3_mprintf("Building the script took more time or memory than it may, and was stopped.");
  }
  switch (run->ran) {
    case PW_RAN_TIMED_OUT: return sqlite3_mprintf("The script ran longer than %g seconds and was stopped.", seconds);
    case PW_RAN_TOO_MUCH:
      return sqlite3_mprintf("The script wrote more than %d MB and was stopped.", (int)(limits->output >> 20));
    case PW_RAN_MEMORY:
      return sqlite3_mprintf("The script used more than %d MB of memory and was stopped.", (int)(limits->memory >> 20));
    case PW_RAN_PROCESSES:
      return sqlite3_mprintf("The script started more than %d processes and was stopped.", limits->processes);
    case PW_RAN_FILES:
      return sqlite3_mprintf("The script wrote more than %d MB of files and was stopped.", (int)(limits->files >> 20));
    case PW_RAN_NO_PROGRAM: return missing_program(run, language);
    default: return NULL;
  }
}

static void note(pw_exchange *exchange, const pw_run *run) {
  pw_store *store = &exchange->server->store;
  char *payload = pw_store_evaluate(store, "SELECT ?1 ->> '$.payload'", exchange->body, PW_END);
  const char *text = sqlite3_str_value(exchange->answer);
  bool good = exchange->status == 200;
  pw_invocation made = {.version = exchange->subject,
                        .payload = payload,
                        .answer = good ? text : NULL,
                        .error = good ? NULL : text,
                        .output = run->out.bytes,
                        .seconds = run->seconds,
                        .memory = run->memory,
                        .isolated = run->isolated};
  pw_store_note_invocation(store, &made);
  sqlite3_free(payload);
}

static void run_script(pw_exchange *exchange, const pw_code *code, const char *data) {
  pw_server *server = exchange->server;
  double seconds = server->settings.invoke_seconds;
  pw_run run;
  pw_scripts_run(&server->scripts, &run, code, data, seconds);
  log_lines(exchange, run.out.bytes);
  if (run.error.size > 0) pw_store_log(&server->store, exchange->subject, "warning", run.error.bytes, -1);
  if (run.ran == PW_RAN) {
    answer_result(exchange, &run);
  } else if (run.ran == PW_RAN_FAILED || run.ran == PW_RAN_CANCELLED) {
    pw_exchange_refuse(exchange, 500, "The sandbox could not run %s.", code->language->interpreter);
  } else {
    fail_with(exchange, reason_of(&run, code->language, seconds));
  }
  note(exchange, &run);
  if (run.ran == PW_RAN) server->isolated = run.isolated;
  pw_run_free(&run);
}

/* Deploys what is to be invoked, and waits for that: as the service may do. Gives what `pw_store_invoked` gives then,
 * and answers when it could not be deployed. */
static pw_found deploy_first(pw_exchange *exchange, int64_t *script, char **name, char **content) {
  pw_server *server = exchange->server;
  sqlite3_str *nowhere = sqlite3_str_new(NULL);
  int64_t time = (int64_t)(server->settings.deploy_seconds * 1e6);
  pw_found found = pw_store_deploy(&server->store, exchange->subject, time, &server->settings.habits, nowhere);
  sqlite3_free(sqlite3_str_finish(nowhere));
  pw_deployer_notify(&server->deployer);
  static const char *const state =
      "SELECT iif(ready_at IS NOT NULL, '', coalesce(deployment_failure_reason, '-')) FROM versions WHERE id = ?1";
  char id[24];
  sqlite3_snprintf(sizeof id, id, "%lld", (long long)exchange->subject);
  char *reason = NULL;
  while (found == PW_FOUND && pw_scripts_sleep(&server->scripts, 0.01)) {
    sqlite3_free(reason);
    reason = pw_store_evaluate(&server->store, state, id, PW_END);
    if (reason == NULL || reason[0] != '\0') break;
  }
  bool failed = reason != NULL && reason[0] != '\0' && strcmp(reason, "-") != 0;
  if (failed) pw_exchange_invalid(exchange, "script", "The script could not be deployed: %s", reason);
  sqlite3_free(reason);
  free(*name);
  free(*content);
  *name = *content = NULL;
  return failed ? PW_STORE_FAILED : pw_store_invoked(&server->store, exchange->subject, script, name, content);
}

void pw_operation_invoke(pw_exchange *exchange) {
  pw_query query;
  if (!pw_input_query(exchange, PW_QUERY_NONE, &query)) return;
  int64_t script = 0;
  char *name = NULL, *content = NULL, *data = NULL, *source = NULL;
  pw_code code = {.language = NULL};
  pw_found found = pw_store_invoked(&exchange->server->store, exchange->subject, &script, &name, &content);
  if (found == PW_CONFLICT && exchange->server->settings.habits.invoke_deploys) {
    found = deploy_first(exchange, &script, &name, &content);
  }
  if (found == PW_FOUND) code.language = pw_language_find(name, code.version);
  if (found == PW_NOT_FOUND) {
    pw_exchange_refuse(exchange, 404, "No query results for model [ScriptVersion] %lld", (long long)exchange->subject);
  } else if (found == PW_CONFLICT) {
    pw_exchange_refuse(exchange, 409, "The script version is not deployed.");
  } else if (code.language != NULL && (data = data_of(exchange, script)) != NULL &&
             (source = pw_text_from_json(content, &code.size)) != NULL) {
    code.source = source;
    run_script(exchange, &code, data);
  }
  sqlite3_free(data);
  free(name);
  free(content);
  free(source);
}
