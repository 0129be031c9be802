/*** Runs scripts by the handler contract on this machine, with no service: each in a tree of processes that is bounded
as a whole, and of which nothing is left.

    local runner = require "patchworks.runner"
    local run <close> = assert(runner.start { file = "orders.py", payload = '{"id": 1}' })
    if run:wait(10) then print(run:result().answer) end

Many runs go on at once: start them all, then wait for each, or poll `run:fd()`.

@module patchworks.runner
*/
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "lua_data.h"
#include "lua_languages.h"
#include "tools.h"

#define RUN "patchworks.runner.run"

enum { CHECK_SECONDS = 30 };

static pw_run *push_run(lua_State *L) {
  pw_run *run = lua_newuserdatauv(L, sizeof *run, 0);
  memset(run, 0, sizeof *run);
  run->fd = -1;
  run->over = true;
  luaL_setmetatable(L, RUN);
  return run;
}

static pw_run *check(lua_State *L) { return luaL_checkudata(L, 1, RUN); }

static int run_close(lua_State *L) {
  pw_run_free(check(L));
  return 0;
}

static void push_missing(lua_State *L, const pw_run *run) {
  char *text = pw_tools_missing(run->language, run->version);
  lua_pushstring(L, text != NULL ? text : "out of memory");
  free(text);
}

/* A sentence for what the script is not to blame for, and for what it is. */
static void push_message(lua_State *L, const pw_run *run) {
  const char *who = run->building ? "what builds the script" : "the script";
  const pw_limits *limits = run->building ? &pw_limits_build : &run->limits;
  switch (run->ran) {
    case PW_RAN:
      if (run->raised != NULL) {
        lua_pushstring(L, run->raised);
      } else if (run->exit_code >= 0) {
        lua_pushfstring(L, "the script ended without an answer (exit code %d)", run->exit_code);
      } else {
        lua_pushliteral(L, "the script was ended by a signal");
      }
      return;
    case PW_RAN_TIMED_OUT:
      lua_pushfstring(L, "%s ran longer than %f seconds and was stopped", who, limits->seconds);
      return;
    case PW_RAN_TOO_MUCH: lua_pushfstring(L, "%s wrote more than %d MB", who, (int)(limits->output >> 20)); return;
    case PW_RAN_MEMORY:
      lua_pushfstring(L, "%s used more than %d MB of memory", who, (int)(limits->memory >> 20));
      return;
    case PW_RAN_PROCESSES: lua_pushfstring(L, "%s started more than %d processes", who, limits->processes); return;
    case PW_RAN_FILES: lua_pushfstring(L, "%s wrote more than %d MB of files", who, (int)(limits->files >> 20)); return;
    case PW_RAN_CANCELLED: lua_pushliteral(L, "cancelled"); return;
    case PW_RAN_NO_PROGRAM: push_missing(L, run); return;
    default:
      lua_pushfstring(L, "%s could not be run: this machine is short of memory, processes or disk",
                      run->language->interpreter);
  }
}

static const char *kind_of(const pw_run *run) {
  static const char *const kinds[] = {"exit",  "timeout",   "output",  "memory", "processes",
                                      "files", "cancelled", "missing", "system"};
  return run->ran == PW_RAN && run->raised != NULL ? "raised" : kinds[run->ran];
}

static void push_logs(lua_State *L, const pw_run *run) {
  lua_createtable(L, run->log_count, 0);
  const char *entry = run->logs;
  for (int i = 1; i <= run->log_count; i++, entry += strlen(entry) + 1) {
    lua_pushstring(L, entry);
    lua_rawseti(L, -2, i);
  }
}

/* {message, kind, line} of a run that has no answer. */
static void push_error(lua_State *L, const pw_run *run) {
  lua_createtable(L, 0, 3);
  pw_lua_set_text(L, "kind", kind_of(run));
  push_message(L, run);
  lua_setfield(L, -2, "message");
  if (run->line > 0) {
    lua_pushinteger(L, run->line);
    lua_setfield(L, -2, "line");
  }
}

/***
What came of it; nil while it goes on.

- `answer`: what the handler returned, in JSON; nil when there is none
- `logs`: a list of strings, from the answer's `logs`
- `error`: nil, or `{message, kind, line}`: `kind` is "raised", "exit" (it ended without an answer), "timeout",
"output", "memory", "processes", "files" (over a limit), "cancelled", "missing" (no interpreter) or "system"; `line` is
the script's, or nil where that isn't known
- `output`, `errors`: what it printed, as strings
- `exit_code` (-1 for a signal), `seconds`, `memory_bytes` (the most that was seen at once)
- `isolated`: whether it saw its own folder and its interpreter alone; where the system doesn't allow that, it could
read this machine's files

@function run:result
@treturn ?table
*/
static int run_result(lua_State *L) {
  pw_run *run = check(L);
  if (run->language == NULL) return luaL_error(L, "the run is closed");
  if (!pw_run_step(run)) return 0;
  lua_createtable(L, 0, 8);
  if (run->answer != NULL) {
    pw_lua_set_text(L, "answer", run->answer);
  } else {
    push_error(L, run);
    lua_setfield(L, -2, "error");
  }
  push_logs(L, run);
  lua_setfield(L, -2, "logs");
  pw_lua_set_text(L, "output", run->out.bytes);
  pw_lua_set_text(L, "errors", run->error.bytes);
  lua_pushinteger(L, run->exit_code);
  lua_setfield(L, -2, "exit_code");
  lua_pushnumber(L, run->seconds);
  lua_setfield(L, -2, "seconds");
  lua_pushinteger(L, (lua_Integer)run->memory);
  lua_setfield(L, -2, "memory_bytes");
  lua_pushboolean(L, run->isolated);
  lua_setfield(L, -2, "isolated");
  return 1;
}

/***
The descriptor to wait for: when it is readable, call `done`. It stays open until the run is closed.
@function run:fd
@treturn ?integer nil when the run never began (its interpreter is missing) or is closed
*/
static int run_fd(lua_State *L) {
  const pw_run *run = check(L);
  if (run->fd < 0) return 0;
  lua_pushinteger(L, run->fd);
  return 1;
}

/***
Takes in what has come, without waiting.
@function run:done
@treturn boolean whether it is over
*/
static int run_done(lua_State *L) {
  lua_pushboolean(L, pw_run_step(check(L)));
  return 1;
}

/***
Waits for its end.
@function run:wait
@tparam ?number seconds without, as long as it takes
@treturn boolean whether it is over
*/
static int run_wait(lua_State *L) {
  pw_run *run = check(L);
  lua_pushboolean(L, pw_run_wait(run, luaL_optnumber(L, 2, 1e9), -1));
  return 1;
}

/***
Ends it, with all its processes. One that is over stays as it is. `run:close()`, or leaving a `<close>` variable's
block, does so too, and lets its result go.
@function run:cancel
*/
static int run_cancel(lua_State *L) {
  pw_run_cancel(check(L));
  return 0;
}

/* By its name, else by the file's. */
static void read_language(lua_State *L, const char *name, const char *file, pw_code *code) {
  if (name != NULL) {
    code->language = pw_language_find(name, code->version);
    if (code->language == NULL) {
      luaL_error(L,
                 "language: no language is called %s; one is python, and python3.11 asks for a version: see "
                 "runner.languages()",
                 name);
    }
  } else {
    code->language = file != NULL ? pw_language_of_file(file) : NULL;
    if (code->language == NULL) {
      luaL_error(L, "give a language, or a file whose name tells it (.py, .js, .php, .rb, .cs, .go, .rs)");
    }
  }
}

/* Pushes the file's content; or nil and a sentence, and returns false. */
static int read_source(lua_State *L, const char *path) {
  char piece[4096];
  luaL_Buffer content;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = -1;
  luaL_buffinit(L, &content);
  if (fd >= 0) {
    while ((got = read(fd, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR)) {
      if (got > 0) luaL_addlstring(&content, piece, (size_t)got);
    }
  }
  int problem = errno;
  if (fd >= 0) close(fd);
  luaL_pushresult(&content);
  if (got == 0) return 1;
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path, strerror(problem));
  return 0;
}

static const char *field(lua_State *L, const char *name, size_t *size) {
  int type = lua_getfield(L, 1, name); /* stays on the stack, and so stays alive */
  if (type != LUA_TNIL && type != LUA_TSTRING) {
    luaL_error(L, "%s: expected a string, got a %s", name, lua_typename(L, type));
  }
  return lua_tolstring(L, -1, size);
}

/***
Starts a script's handler.
@function start
@tparam table given

- `file` (path), or `source` (string) and `language` ("python", "javascript", "php", "ruby", "csharp", "go", "rust"); a
  file's name tells its language. A version may stand behind it ("php8.1"): then that is taken, or the error says which
  are here
- `payload` (string; null without), `variables`, `meta`, `flow`: tables, or strings that are JSON already
- `timeout` (120): seconds
- `isolated` (true): false for no namespaces of its own, as where the system doesn't allow them

C#, Go and Rust are built first, once for each source in this process; one that can't be built has raised what the
compiler says.

@treturn ?table run; or nil and a sentence when the file can't be read. A missing interpreter is the run's error
*/
static int start(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  pw_code code = {.size = 0};
  const char *file = field(L, "file", NULL), *name = field(L, "language", NULL);
  code.source = field(L, "source", &code.size);
  read_language(L, name, file, &code);
  if (code.source == NULL && file == NULL) return luaL_error(L, "give a source, or a file");
  pw_limits limits = pw_limits_usual;
  lua_getfield(L, 1, "timeout");
  limits.seconds = luaL_optnumber(L, -1, limits.seconds);
  if (!(limits.seconds > 0 && limits.seconds <= 86400)) return luaL_error(L, "timeout: expected seconds above 0");
  limits.isolated = lua_getfield(L, 1, "isolated") == LUA_TNIL || lua_toboolean(L, -1);
  if (code.source == NULL) {
    if (!read_source(L, file)) return 2;
    code.source = lua_tolstring(L, -1, &code.size);
  }
  pw_lua_data(L, 1);
  const char *data = lua_tostring(L, -1);
  pw_run_start(push_run(L), &code, data, &limits);
  return 1;
}

/***
Checks a script's syntax with its language's own checker, or builds it, and waits for it.
@function check
@tparam string language
@tparam string source
@treturn ?boolean true; or nil and `{message, line, kind}`, as in a run's result, with "syntax" for what is wrong in the
script
*/
static int check_syntax(lua_State *L) {
  pw_code code = {.size = 0};
  read_language(L, luaL_checkstring(L, 1), NULL, &code);
  code.source = luaL_checklstring(L, 2, &code.size);
  pw_limits limits = pw_limits_usual;
  limits.seconds = CHECK_SECONDS;
  pw_run *run = push_run(L);
  if (pw_run_start(run, &code, NULL, &limits)) pw_run_wait(run, 2 * pw_run_longest(code.language, CHECK_SECONDS), -1);
  bool good = run->ran == PW_RAN && run->exit_code == 0;
  if (good) {
    lua_pushboolean(L, 1);
  } else {
    const char *said = pw_run_said(run);
    run->line = pw_run_line(code.language, said);
    lua_pushnil(L);
    push_error(L, run);
    if (run->ran == PW_RAN && *said != '\0') {
      pw_lua_set_text(L, "message", said);
      pw_lua_set_text(L, "kind", "syntax");
    }
  }
  pw_run_free(run);
  return good ? 1 : 2;
}

/***
Removes what runs have left on this machine that nobody watches any more, which takes a `kill -9` of their watchers.
@function sweep
@tparam ?integer age seconds; what is younger stays, since its watcher may be about to come (60)
*/
static int sweep(lua_State *L) {
  pw_folder_sweep((int)luaL_optinteger(L, 1, PW_FOLDER_YOUNG));
  return 0;
}

/***
What can be run.
@function languages
@treturn table a list of `{name, title, ending, program, version, needs, all}`: `program` is the one that is taken where
no version is asked for, nil where there is none; `version` what it says that it is; `needs` what has to be installed;
`all` a list of `{program, version}`
*/

/***
Which program would run, or build, scripts in a language.
@function find
@tparam string language such as "php", or "php8.1" for a version
@treturn ?string its path; or nil and a sentence that says what isn't here, and what is
*/

/***
Whether scripts run in namespaces of their own here, and so see their folder and their interpreter alone. Starts one of
the interpreters to find out.
@function isolated
@treturn ?boolean nil where no interpreter is installed
*/

__attribute__((visibility("default"))) int luaopen_patchworks_runner(lua_State *L);

int luaopen_patchworks_runner(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"fd", run_fd},         {"done", run_done},   {"wait", run_wait}, {"cancel", run_cancel},
      {"result", run_result}, {"close", run_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"start", start}, {"check", check_syntax},       {"languages", pw_lua_languages},
                                       {"sweep", sweep}, {"isolated", pw_lua_isolated}, {"find", pw_lua_find},
                                       {NULL, NULL}};
  luaL_newmetatable(L, RUN);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, run_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, run_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
