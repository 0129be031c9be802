--- Running scripts on this machine, as the reference shows it: its code is in C, and knows nothing of this.
-- @module patchworks.reference.runner
local method = require("patchworks.call.methods").method

local language = "python, javascript, php, ruby, csharp, go or rust; php8.1 and the like ask for a version"

local runner = {
  name = "runner",
  class = "patchworks.runner_module",
  dotted = true,
  says = "Runs scripts by the handler contract on this machine, with no service: each in a tree of processes that is "
    .. "bounded as a whole, and of which nothing is left.",
  example = [[local runner = require "patchworks.runner"]],
  order = { "start", "check", "languages", "find", "isolated", "sweep" },
  methods = {
    method {
      name = "start",
      says = "Starts a script's handler. C#, Go and Rust are built first, once for each source in this process.",
      options = {
        { "file", "string", "the script; its name tells the language" },
        { "source", "string", "or its text, with `language`" },
        { "language", "string", language },
        { "payload", "string", "what the handler is given; null without" },
        { "variables", "any", "what it is given, or JSON", type = "table|string" },
        { "meta", "any", "what it is given, or JSON", type = "table|string" },
        { "flow", "any", "with `variables`; or JSON", type = "table|string" },
        { "timeout", "seconds", "how long it may run; building takes time of its own", default = 120 },
        { "isolated", "boolean", "in namespaces of its own, where the system allows them", default = true },
      },
      required = true,
      gives = "patchworks.run",
      given = "the run; or nil and a sentence when the file can't be read. A missing interpreter is the run's error",
      more = "string",
      example = [[local run <close> = assert(runner.start { language = "python", source = source })]],
    },
    method {
      name = "check",
      says = "Checks a script with its language's own checker, or builds it, and waits for that.",
      takes = { { "language", "string", language }, { "source", "string", "the script" } },
      gives = "boolean",
      given = "true; or nil and the error, as in a run's result, of kind `syntax` for what is wrong in the script",
      more = "patchworks.run_error",
      example = [[print(runner.check("python", source))]],
    },
    method {
      name = "languages",
      says = "What can be run here.",
      gives = "table[]",
      given = "each `name`, `title`, `ending`, `needs` (what has to be installed), `program` and `version` (what is "
        .. "taken where no version is asked for; nil where there is none), `all` (each a `program` and its `version`)",
      never_nil = true,
      example = [[for _, each in ipairs(runner.languages()) do print(each.name, each.version) end]],
    },
    method {
      name = "find",
      says = "Which program runs, or builds, scripts in a language.",
      takes = { { "language", "string", language } },
      gives = "string",
      given = "its path; or nil and a sentence that says what isn't here, and what is",
      more = "string",
      example = [[print(runner.find "python3")]],
    },
    method {
      name = "isolated",
      says = "Whether scripts see their own folder and their interpreter alone here.",
      gives = "boolean?",
      given = "nil where no interpreter is installed",
      never_nil = true,
      example = [[print(runner.isolated())]],
    },
    method {
      name = "sweep",
      says = "Removes what runs have left that nobody watches any more, which takes a `kill -9` of their watchers.",
      takes = { { "age", "any", "seconds; what is younger stays (60)", type = "integer?" } },
      example = [[runner.sweep(3600)]],
    },
  },
}

local run = {
  name = "run",
  class = "patchworks.run",
  says = "A script that runs: what `runner.start` gives. Closed by `close`, by `<close>`, or when it is collected.",
  order = { "wait", "result", "fd", "done", "cancel", "close" },
  methods = {
    method {
      name = "wait",
      says = "Waits for its end.",
      takes = { { "seconds", "any", "at most; without, as long as it takes", type = "number?" } },
      gives = "boolean",
      given = "whether it is over",
      example = [[print(run:wait(10))]],
    },
    method {
      name = "result",
      says = "What came of it.",
      gives = "patchworks.run_result",
      given = "nil while it goes on",
      example = [[print(run:result() and run:result().answer)]],
    },
    method {
      name = "fd",
      says = "The descriptor to wait for in a loop: when it is readable, call `done`.",
      gives = "integer",
      given = "nil when the run never began, or is closed",
      example = [[print(run:fd())]],
    },
    method {
      name = "done",
      says = "Takes in what has come, without waiting.",
      gives = "boolean",
      given = "whether it is over",
      example = [[print(run:done())]],
    },
    method {
      name = "cancel",
      says = "Ends it, with all its processes. One that is over stays as it is.",
      example = [[run:cancel()]],
    },
    method {
      name = "close",
      says = "Ends it, and lets its result go.",
      example = [[run:close()]],
    },
  },
}

local result = {
  name = "run_result",
  class = "patchworks.run_result",
  says = "What came of a run.",
  fields = {
    { "answer?", "string", "what the handler returned, in JSON" },
    { "logs", "string[]", "from the answer's `logs`" },
    { "error?", "patchworks.run_error", "why there is no answer" },
    { "output", "string", "what it printed" },
    { "errors", "string", "what it printed as errors" },
    { "exit_code", "integer", "-1 for a signal" },
    { "seconds", "number", "how long it took" },
    { "memory_bytes", "integer", "the most that was seen at once" },
    { "isolated", "boolean", "whether it saw its own folder and its interpreter alone" },
  },
}

local problem = {
  name = "run_error",
  class = "patchworks.run_error",
  says = "Why a run has no answer.",
  fields = {
    { "kind", "string", "`raised` (also what can't be built), `exit`, `timeout`, `output`, `memory`, `processes`, "
      .. "`files`, `cancelled`, `missing`, `system`; of `check`, `syntax`" },
    { "message", "string", "a sentence" },
    { "line?", "integer", "the script's, where it is known" },
  },
}

return { runner, run, result, problem }
