--- The sandbox as the reference shows it. It knows nothing of the client's modules, so that what it takes stands here;
-- a spec holds it to what the sandbox says.
-- @module patchworks.reference.sandbox
local method = require("patchworks.call.methods").method

local function number(name, sentence, default, unit)
  return { name, "any", sentence, default = default, unit = unit, type = "number" }
end

local sandbox = {
  name = "sandbox",
  class = "patchworks.sandbox_module",
  dotted = true,
  says = "The whole service on one machine, for trying things out and for tests. Its rock is its own.",
  example = [[local sandbox = require "patchworks.sandbox"]],
  order = { "start", "run" },
  methods = {
    method {
      name = "start",
      says = "Starts the service in a thread of this process, on 127.0.0.1.",
      options = {
        { "data", "string", "an SQLite file; made when it isn't there", default = ":memory:" },
        { "port", "integer", "0 for any", least = 0, most = 65535, default = 0 },
        { "key", "string", "the API key that it lets in", default = "sandbox-key" },
        { "username", "string", "who may log in", default = "admin@example.com" },
        { "password", "string", "with it", default = "sandbox-password" },
        number("deploy_seconds", "how long a deployment takes, on its clock", 0.2, "s"),
        { "rate_limit", "integer", "0 for none; the service has 240", least = 0, most = 1000000, default = 0,
          unit = "requests a minute" },
        number("token_seconds", "how long a token lives, on its clock", 86400, "s"),
        number("invoke_seconds", "how long a script may run", 120, "s"),
        number("idle_seconds", "how long a connection may stay without a whole request", 60, "s"),
        { "habits", "any", "what it does where the service's own way isn't known; docs/sandbox.md names them",
          type = "table|string" },
        { "seed", "any", "fixtures for a fresh database: scripts and versions with their ids", type = "table|string" },
      },
      gives = "patchworks.sandbox",
      given = "the server; or nil and a sentence",
      example = [[local server <close> = assert(sandbox.start { deploy_seconds = 0 })]],
    },
    method {
      name = "run",
      says = "Runs the service as a command does: prints how to reach it, and comes back at SIGINT or SIGTERM. "
        .. "Takes what "
        .. "`start` takes; the port is 8787 unless given.",
      takes = { { "options", "table", "as for `start`" } },
      gives = "boolean",
      given = "true; or nil and a sentence",
      example = [[sandbox.run { data = "dev.db" }]],
    },
  },
}

local server = {
  name = "server",
  class = "patchworks.sandbox",
  says = "A sandbox that runs: what `sandbox.start` gives. Closed by `close`, by `<close>`, or when it is collected.",
  fields = {
    { "url", "string", "where it is" },
    { "port", "integer", "on 127.0.0.1" },
    { "key", "string", "its API key" },
    { "username", "string", "who may log in" },
    { "password", "string", "with it" },
    { "login_url", "string", "where" },
    { "admin_token", "string", "what its admin's interface asks for" },
    { "page", "string", "its page's address, for a browser" },
  },
  order = {
    "client", "create_script", "scripts", "populate", "log", "fail", "faults_left", "clear_faults", "latency",
    "advance", "now", "requests", "count", "forget_requests", "wait_for_requests", "token", "expire_tokens", "seed",
    "snapshot", "restore", "reset", "admin", "close",
  },
  methods = {
    method {
      name = "client",
      says = "A client of this service, by its key unless the options name another credential.",
      takes = { { "options", "table", "as for patchworks.new", type = "patchworks.new_options?" } },
      gives = "patchworks.client",
      never_nil = true,
      example = [[local client <close> = server:client { max_attempts = 1 }]],
    },
    method {
      name = "create_script",
      says = "Makes a script, which the service itself has people do in its dashboard.",
      options = {
        { "name", "string", "what it is called", required = true },
        { "language", "string", "what it is written in: python, javascript, php, ruby, csharp, go or rust; php8.1 and "
          .. "the like ask for a version", required = true },
      },
      gives = "table",
      given = "`id`, `name`, `language`",
      never_nil = true,
      example = [[local script = server:create_script { name = "Stock", language = "ruby" }]],
    },
    method {
      name = "scripts",
      says = "The scripts, by id. A fresh database has one for each language.",
      gives = "table[]",
      given = "each `id`, `name`, `language`",
      never_nil = true,
      example = [[print(#server:scripts())]],
    },
    method {
      name = "populate",
      says = "Makes many versions at once, without requests.",
      options = {
        { "script", "integer", "its id", required = true },
        { "versions", "integer", "how many", most = 10000000, default = 1 },
        { "content", "string", "their source", default = "def handle(data): return data" },
      },
      example = [[server:populate { script = 1, versions = 250 }]],
    },
    method {
      name = "log",
      says = "Adds a log entry to a version, as if its script had written it.",
      takes = { { "version", "integer", "its id" }, { "message", "string", "what is logged" } },
      example = [[server:log(1, "from a spec")]],
    },
    method {
      name = "fail",
      says = "Makes requests fail.",
      options = {
        { "operation", "string", 'which, such as "create" or "login"', default = "*" },
        { "how", "choice", "what happens", required = true,
          values = { "status", "drop_before", "drop_after", "truncate", "garbage", "slow" } },
        number("times", "how often; math.huge for always", 1),
        { "every", "integer", "only each so-manieth such request", default = 1 },
        { "status", "integer", 'what "status" answers', least = 200, most = 599, default = 500 },
        { "retry_after", "any", 'what "status" sends with it, in seconds', type = "number|string" },
        number("seconds", 'how late "slow" is', 1, "s"),
        { "body", "string", 'what "status" answers with' },
      },
      example = [[server:fail { operation = "create", how = "drop_after" }]],
    },
    method {
      name = "faults_left",
      says = "How many of the failures that were asked for have not come yet.",
      gives = "integer",
      never_nil = true,
      example = [[print(server:faults_left())]],
    },
    method {
      name = "clear_faults",
      says = "Takes all failures back.",
      example = [[server:clear_faults()]],
    },
    method {
      name = "latency",
      says = "Makes every request wait before it is served; 0 for none.",
      takes = { { "seconds", "any", "how long", type = "number" } },
      example = [[server:latency(0)]],
    },
    method {
      name = "advance",
      says = "Moves the service's clock forward: deployments end, tokens expire, the rate limit's minute passes.",
      takes = { { "seconds", "any", "how far", type = "number" } },
      example = [[server:advance(60)]],
    },
    method {
      name = "now",
      says = "The service's clock.",
      gives = "number",
      given = "seconds since 1970",
      never_nil = true,
      example = [[print(server:now())]],
    },
    method {
      name = "requests",
      says = "What it received, oldest first: the last 100,000 requests.",
      gives = "table[]",
      given = "each `method`, `path`, `query`, `operation`, `status`, `headers`, `body`, `at`, `authorization`",
      never_nil = true,
      example = [[for _, request in ipairs(server:requests()) do print(request.method, request.path) end]],
    },
    method {
      name = "count",
      says = "How many requests it received.",
      takes = { { "operation", "any", "only those for it; all by default", type = "string?" } },
      gives = "integer",
      never_nil = true,
      example = [[print(server:count "create")]],
    },
    method {
      name = "forget_requests",
      says = "Forgets what it received.",
      example = [[server:forget_requests()]],
    },
    method {
      name = "wait_for_requests",
      says = "Waits until so many requests have come.",
      options = {
        { "operation", "string", "only those for it; any by default" },
        { "count", "integer", "how many", default = 1 },
        number("timeout", "how long at most", 30, "s"),
      },
      gives = "boolean",
      given = "whether they have",
      example = [[print(server:wait_for_requests { operation = "create", timeout = 0.1 })]],
    },
    method {
      name = "seed",
      says = "Adds scripts and versions with the ids that are wanted.",
      takes = { { "fixtures", "text", "as `seed` of `start`" } },
      example = [[server:seed { scripts = { { id = 900, name = "Orders", language = "python" } } }]],
    },
    method {
      name = "snapshot",
      says = "Keeps the state under a name, as long as the sandbox runs.",
      takes = { { "name", "string", "letters, digits, `.`, `_` and `-`" } },
      example = [[server:snapshot "before"]],
    },
    method {
      name = "restore",
      says = "Makes the state what it was when it was kept under that name.",
      takes = { { "name", "string", "of a snapshot" } },
      example = [[server:snapshot "before"
server:restore "before"]],
    },
    method {
      name = "reset",
      says = "Makes all as it was at the start: the state (with its seed), faults, latency, what was received.",
      example = [[server:reset()]],
    },
    method {
      name = "admin",
      says = "What the admin's interface answers, as docs/sandbox.md has it. Raises what it refuses.",
      takes = {
        { "method", "string", "of HTTP" },
        { "path", "string", "below /_sandbox/" },
        { "query", "any", "the query string", type = "string?" },
        { "body", "any", "sent as JSON", type = "table?" },
      },
      gives = "string",
      given = "the answer's body",
      never_nil = true,
      example = [[server:admin("POST", "reset")]],
    },
    method {
      name = "token",
      says = "A new token, as a login would give it.",
      gives = "string",
      never_nil = true,
      example = [[local client <close> = server:client { token = server:token() }]],
    },
    method {
      name = "expire_tokens",
      says = "Makes all tokens expire now.",
      example = [[server:expire_tokens()]],
    },
    method {
      name = "close",
      says = "Stops the service; scripts that run are killed. Safe to call twice.",
      example = [[server:close()]],
    },
  },
}

return { sandbox, server }
