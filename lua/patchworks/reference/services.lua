--- The public objects beside the client: the sandbox and the project. The sandbox knows nothing of the client's
-- modules, so
-- that what it takes stands here; a spec holds it to what the sandbox says.
-- @module patchworks.reference.services
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
  },
  order = {
    "client", "create_script", "scripts", "populate", "log", "fail", "faults_left", "clear_faults", "latency",
    "advance",
    "now", "requests", "count", "forget_requests", "token", "expire_tokens", "close",
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
        { "language", "choice", "what it is written in", values = { "python", "javascript", "php", "ruby" },
          required = true },
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

local projects = {
  name = "projects",
  class = "patchworks.project_module",
  dotted = true,
  says = "Projects: scripts by name, and the environments that they are published to, as `patchworks.project.lua` "
    .. "says.",
  example = [[local projects = require "patchworks.project"]],
  order = { "load", "none" },
  methods = {
    method {
      name = "load",
      says = "Reads a project. Without a path its file is looked for in the working directory, and above it up to the "
        .. "repository's root.",
      takes = { { "path", "any", "of its file", type = "string?" } },
      gives = "patchworks.project",
      given = "the project; or nil and an error of kind `file`",
      example = [[local project, err = projects.load "patchworks.project.lua"]],
    },
    method {
      name = "none",
      says = "What stands in for a project where there is none: nothing has a name.",
      gives = "patchworks.project",
      never_nil = true,
      example = [[print(#projects.none():scripts())]],
    },
  },
}

local an_environment = { "env", "any", "the environment's name; by default PATCHWORKS_ENV, the one at "
  .. "PATCHWORKS_BASE_URL, or the file's choice", type = "string?" }
local one = { "environment", "table", "what `environment` gave" }
local a_name = { "name", "string", "of the script" }
local another_url = { "base_url", "string", "the owner's word for another service, like PATCHWORKS_BASE_URL" }

local project = {
  name = "project",
  class = "patchworks.project",
  says = "A project: what `projects.load` gives. What goes wrong with its files is an error of kind `file`.",
  fields = {
    { "root?", "string", "its folder" },
    { "path?", "string", "its file" },
    { "notice?", "string", "a sentence about a file of old" },
  },
  order = {
    "scripts", "script", "source", "environments", "environment", "id", "settings", "client", "manifest", "plan",
    "sandbox",
    "close",
  },
  methods = {
    method {
      name = "scripts",
      says = "The scripts, sorted by name.",
      gives = "table[]",
      given = "each `name`, `file`, `cases`, `keep`, `smoke`",
      never_nil = true,
      example = [[for _, script in ipairs(project:scripts()) do print(script.name, script.file) end]],
    },
    method {
      name = "script",
      says = "A script by its name.",
      takes = { a_name },
      gives = "table",
      given = "as `scripts` gives it; or nil and an error",
      example = [[local script, err = project:script "orders"]],
    },
    method {
      name = "source",
      says = "The source of a script, from its file.",
      takes = { a_name },
      gives = "string",
      given = "the source; or nil and an error",
      example = [[local source, err = project:source "orders"]],
    },
    method {
      name = "environments",
      says = "The names of the environments, sorted; `sandbox` comes last and is always there.",
      gives = "string[]",
      never_nil = true,
      example = [[print(table.concat(project:environments(), ", "))]],
    },
    method {
      name = "environment",
      says = "Which service an environment is. The sandbox is started for it.",
      takes = { an_environment },
      options = { another_url },
      gives = "table",
      given = "`name`, `base_url`, `origin`, `scripts` (ids by name), `settings`; or nil and an error",
      example = [[local environment, err = project:environment "sandbox"]],
    },
    method {
      name = "id",
      says = "The id of a script in an environment.",
      takes = { { "name", "id", "of the script, or its id, which is given back" }, one },
      gives = "string",
      given = "the id; or nil and an error",
      example = [[print(project:id("orders", assert(project:environment "sandbox")))]],
    },
    method {
      name = "settings",
      says = "What the file says about an environment's service, as options of patchworks.new; without a credential.",
      takes = { one },
      gives = "patchworks.new_options",
      never_nil = true,
      example = [[print(project:settings(assert(project:environment "sandbox")).base_url)]],
    },
    method {
      name = "client",
      says = "A client of an environment, with the credential that may go there.",
      takes = { an_environment },
      options = {
        another_url,
        { "on_event", "function", "as for patchworks.new", type = "fun(event: patchworks.event)" },
        { "loop", "any", "as for patchworks.new", type = "table" },
      },
      gives = "patchworks.client",
      given = "the client, and its environment; or nil and an error",
      more = "table|patchworks.error",
      example = [[local client <close> = assert(project:client "sandbox")]],
    },
    method {
      name = "manifest",
      says = "What `client:plan` takes: scripts with their ids in an environment, and the sources in their files.",
      takes = { one, { "only", "any", "names of scripts; all by default", type = "string[]?" } },
      gives = "patchworks.manifest",
      given = "the manifest; or nil and an error",
      example = [[local manifest, err = project:manifest(assert(project:environment "sandbox"))]],
    },
    method {
      name = "plan",
      says = "What publishing the project would change. Takes what `client:plan` takes, too.",
      takes = { an_environment },
      options = { { "only", "table", "names of scripts; all by default", type = "string[]" }, another_url },
      gives = "patchworks.plan",
      given = "the plan, and the client to apply it with; or nil and an error",
      more = "patchworks.client|patchworks.error",
      requests = "1 a script",
      example = [[local plan, client = project:plan "sandbox"]],
    },
    method {
      name = "sandbox",
      says = "The project's sandbox, started when it isn't yet. `close` ends it; what was done there stays.",
      gives = "patchworks.sandbox",
      given = "the server; or nil and an error",
      example = [[local server, err = project:sandbox()]],
    },
    method {
      name = "close",
      says = "Ends what was started for the project.",
      example = [[project:close()]],
    },
  },
}

return { sandbox, server, projects, project }
