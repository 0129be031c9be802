--- What is done with a project, as the reference shows it: its methods beside those that say what is in it.
-- @module patchworks.reference.workbench
local method = require("patchworks.call.methods").method

local name = { "name", "string", "of the script" }
local names = { "names", "any", "of scripts, or `NAME/CASE`; all by default", type = "string[]?" }
local env = { "env", "string", "the environment's name, as for `client`" }
local base_url = { "base_url", "string", "as for `client`" }
local client = { "client", "table", "one that is open already, with `environment`", type = "patchworks.client" }
local environment = { "environment", "table", "the environment of `client`" }
local over = { "over", "id", "the live version that may be replaced though somebody else published it" }
local timeout = { "timeout", "seconds", "for each run", default = 120 }

-- What asks a service about one script.
local function asking(fields)
  fields.takes = { name }
  fields.options = fields.options or {}
  for _, option in ipairs { env, base_url, client, environment } do table.insert(fields.options, option) end
  return method(fields)
end

return {
  method {
    name = "run",
    says = "Runs a script here and now, with no account.",
    takes = { { "word", "any", "its name, or a file; the only one there is by default", type = "string?" } },
    options = {
      { "payload", "string", "what the script is given" },
      { "variables", "table", "names to strings" },
      { "flow", "table", "with `variables`" },
      timeout,
    },
    gives = "table",
    given = "`payload`, `logs`, `failure`, `seconds`, ..; and the script; or nil and an error of kind `file`",
    more = "table|patchworks.error",
    example = [[local outcome, err = project:run("orders", { payload = order })]],
  },
  method {
    name = "test",
    says = "Runs cases: here, on every core; or, with `env`, what is deployed there. A case that fails is no error.",
    takes = { names },
    options = {
      { "on_result", "function", "called with each as it comes", type = "fun(result: table)" },
      { "concurrency", "integer", "how many at a time", default = "one for each core" },
      timeout,
      { "update", "boolean", "what came becomes what is expected", default = false },
      env, base_url, client, environment,
    },
    gives = "table[]",
    given = "each `name`, `script`, `case`, `ok`, `problem`, `diff`, `seconds`, `path`; and how many failed; or nil "
      .. "and an error",
    more = "integer|patchworks.error",
    example = [[local results, failed = project:test { "orders" }]],
  },
  method {
    name = "watch",
    says = "Watches the project in luv's loop, and runs what changed.",
    takes = {
      names,
      { "on", "table", "functions: `start(list)`, `results(list, results)`, `problem(sentence)`" },
    },
    options = { timeout, { "update", "boolean", "what came becomes what is expected", default = false } },
    gives = "table",
    given = "the session: `rerun`, `close`; or nil and an error of kind `file`",
    example = [[local session = project:watch(nil, {
  start = function(list) print(#list .. " scripts") end,
  results = function(_, results) print(#results .. " cases") end,
  problem = print,
})
if session then session:close() end]],
  },
  method {
    name = "keep",
    says = "Keeps an invocation as a case of a script, without what looks like a secret.",
    takes = { name, { "case", "string", "the case's name, which must be new" } },
    options = {
      { "payload", "string", "what went in" },
      { "variables", "table", "what went in" },
      { "flow", "table", "what went in" },
      { "answer", "string", "the payload that came" },
      { "known", "table", "texts that are secrets; the credential in the environment is one", type = "string[]" },
    },
    gives = "string",
    given = "the case's folder, and what was left out; or nil and an error of kind `file`",
    more = "string[]|patchworks.error",
    example = [[local folder, left_out = project:keep("orders", "gb", { payload = "{}" })]],
  },
  asking {
    name = "pull",
    says = "Brings what is live into the script's file, unless what was changed here would be lost.",
    options = { { "theirs", "boolean", "take it all the same; what was here is kept below `.patchworks/replaced`",
      default = false } },
    gives = "table",
    given = "`action`: pulled, unchanged, or kept (it was changed here since it was taken from there)",
    requests = "1 or 2",
    example = [[local done, err = project:pull("orders", { env = "sandbox" })]],
  },
  asking {
    name = "status",
    says = "How a script stands: here and there the same, changed here, behind, or both.",
    gives = "table",
    given = "`name`, `id`, `file`, `state`, `live`, `deployed_at`, ..; or nil and an error",
    requests = "2, 1 more where somebody else has published",
    example = [[local how, err = project:status("orders", { env = "sandbox" })]],
  },
  asking {
    name = "diff",
    says = "What publishing the script's file would change.",
    gives = "string",
    given = 'a unified diff, "" for nothing; or nil and an error',
    requests = "1",
    example = [[print(project:diff("orders", { env = "sandbox" }))]],
  },
  asking {
    name = "history",
    says = "What happened to a script, oldest first: what the service tells of its versions, and what was done from "
      .. "here.",
    options = { { "limit", "integer", "so many of the newest versions", default = 100 } },
    gives = "table[]",
    given = "each `at` (seconds since 1970), `what`, `version`, `detail`, `here`; or nil and an error",
    requests = "1 for each 100 versions",
    example = [[for _, each in ipairs(project:history("orders", { env = "sandbox" }) or {}) do print(each.what) end]],
  },
  asking {
    name = "logs",
    says = "A script's newest log entries, oldest first, across versions when one took over.",
    options = {
      { "since", "seconds", "as far back" },
      { "tail", "integer", "so many", default = 100 },
      { "level", "string", "this or a graver one" },
      { "grep", "string", "a text that the message holds" },
    },
    gives = "table[]",
    given = "each `entry`, `version`, `at`; or nil and an error",
    requests = "2, 1 for each further version or page",
    example = [[local entries = project:logs("orders", { env = "sandbox" })
for _, each in ipairs(entries or {}) do print(each.entry.message) end]],
  },
  asking {
    name = "publish",
    says = "Makes the script's file the live version, never over somebody else's unseen. Takes what `versions:publish` "
      .. "takes, too.",
    options = { over },
    gives = "table",
    given = "as `versions:publish`; or nil and an error: kind `conflict` when what is live is not what the file came "
      .. "from",
    requests = "those of `versions:publish`, and 1",
    fails = { "conflict", "deployment_failed", "test_failed", "file" },
    example = [[local done, err = project:publish("orders", { env = "sandbox" })]],
  },
  asking {
    name = "rollback",
    says = "Makes the version live again that was live before. Takes what `versions:rollback` takes, too.",
    options = { over },
    gives = "table",
    given = "as `versions:rollback`; or nil and an error: kind `conflict` when what is live is somebody else's",
    requests = "those of `versions:rollback`, and 1",
    fails = { "conflict", "not_found", "deployment_failed" },
    example = [[local done = project:rollback("orders", { env = "sandbox" })]],
  },
}
