--- What the methods of releases take, give and cost: see patchworks.call.methods.
-- @module patchworks.release.methods
local methods = require "patchworks.call.methods"

local method = methods.method

local function seconds(name, sentence, default)
  return { name, "seconds", sentence, default = default }
end

local a_version = { "id", "id", "script version id" }
local a_script = { "script", "id", "script id" }
local dry_run = { "dry_run", "boolean", "say what would be done, and do nothing", default = false }
local interval = seconds("interval", "the first pause between two looks at a deployment", "0.25, then 0.45")
local max_interval = seconds("max_interval", "the longest one: they grow with the deployment's age", 20)
local whole = seconds("timeout", "for all of it", 300)
local whole_release = seconds("timeout", "for all of it, but for the way back", "none")
local deploy_timeout = seconds("deploy_timeout", "for each deployment, and for what is under way at first", 300)
local record = { "record", "function", "called with the account of the release before each change, to be kept; "
  .. "the change is not made when that gives nil and a reason, unless it takes back what failed its test",
  type = "fun(progress: patchworks.progress): any?, any?" }
local while_deploying = { "while_deploying", "boolean", "begin at once, though the service says that a version is "
  .. "being deployed: for a service that goes on saying so", default = false }
local ever_deployed = { "ever_deployed", "boolean", "delete those too that were live once", default = false }
local save = { "save", "function", "called with a version and its source before it is deleted; it stays when that "
  .. "gives nil and a reason", type = "fun(version: patchworks.version, source: string): any, any" }
local failed_before = {
  "failed_before",
  "string",
  "the deployment_failed_at from before the deployment, so that an old failure is not taken for a new one",
}
local concurrency = { "concurrency", "integer", "how many at a time", most = 100000, default = 8 }

local test = {
  "test",
  "table",
  "a call of the version that was deployed, and what must come of it",
  type = "patchworks.test",
  fields = {
    { "payload", "text", "as for `invoke`" },
    { "variables", "text", "as for `invoke`" },
    { "flow", "text", "as for `invoke`" },
    { "expect", "any", "the payload, a string or a table, JSON as JSON; or a function that is given the answer and the "
      .. "response, and gives true, or false, a reason and the difference",
      type = "string|table|fun(answer: patchworks.answer, response: patchworks.response): boolean, string?, string?" },
    { "compare", "choice", "how a string is compared: as JSON, byte by byte, or as JSON in which `{}` is also `[]`",
      values = { "json", "bytes", "table" }, default = "an object or an array as JSON; else but for a last newline" },
    seconds("timeout", "for the call", 150),
  },
}

local takes = {}

takes.wait = method {
  name = "wait",
  of = "script_versions",
  says = "Waits until a version that is being deployed is live. Looks come at growing intervals.",
  takes = { a_version },
  options = { whole, interval, max_interval, failed_before },
  call = true,
  gives = "patchworks.version",
  response = true,
  requests = "1 a look, at most 18 in the first minute",
  fails = { "not_found", "deployment_failed" },
  example = [[local version, err = versions:wait(7)]],
}

takes.deploy_and_wait = method {
  name = "deploy_and_wait",
  of = "script_versions",
  says = "Deploys a version and waits until it is live. Tells an old failure from a new one.",
  takes = { a_version },
  options = { whole, interval, max_interval, failed_before },
  call = true,
  gives = "patchworks.version",
  response = true,
  requests = "2 (1 with `failed_before`), and 1 a look",
  fails = { "not_found", "conflict", "invalid", "deployment_failed" },
  example = [[local version, err = versions:deploy_and_wait(7, { timeout = 600 })]],
}

takes.publish = method {
  name = "publish",
  of = "script_versions",
  says = "Makes a source the live version of a script, tests it, and goes back to what was live when the test "
    .. "fails. What is live already is only tested. May be run again after anything.",
  takes = { a_script },
  options = {
    { "content", "string", "the source; this or `file`" },
    { "file", "string", "the path of a file to read it from; this or `content`" },
    test,
    { "rollback", "boolean", "whether to go back after a failed test", default = true },
    { "keep", "integer", "prune to so many afterwards", least = 0 },
    ever_deployed,
    save,
    whole_release,
    deploy_timeout,
    while_deploying,
    interval,
    max_interval,
    dry_run,
    record,
    { "expected_live", "any", "what must be live for it to begin: a version, or false for nothing",
      type = "table|false" },
  },
  call = true,
  gives = "patchworks.release",
  needs = true,
  requests = "2 when it is live already; else 6, and 1 a look; 1 for the test, and those of `prune`",
  fails = { "not_found", "conflict", "invalid", "too_large", "deployment_failed", "test_failed", "file" },
  example = [[local done, err = versions:publish(42, {
  file = "orders.py",
  test = { payload = order, expect = result },
})]],
}

takes.rollback = method {
  name = "rollback",
  of = "script_versions",
  says = "Goes back: of the versions that are older than the live one, the one that was deployed last is deployed "
    .. "again.",
  takes = { a_script },
  options = {
    { "to", "id", "the id of the version to go to, be it older or newer", default = "the one that was live before" },
    dry_run,
    whole_release,
    deploy_timeout,
    while_deploying,
    interval,
    max_interval,
    record,
  },
  call = true,
  gives = "patchworks.release",
  requests = "1 for each 100 versions (2 with `to`), 1 to deploy, 1 a look, 1 afterwards",
  fails = { "not_found", "conflict", "deployment_failed" },
  example = [[local done, err = versions:rollback(42)]],
}

takes.prune = method {
  name = "prune",
  of = "script_versions",
  says = "Deletes old versions: never one that is or was lately in use, nor one that a rollback would take.",
  takes = { a_script },
  options = {
    { "keep", "integer", "how many of the newest stay whatever they are", least = 0, required = true },
    ever_deployed,
    save,
    dry_run,
    { "concurrency", "integer", "how many at a time", most = 100000, default = 4 },
    seconds("timeout", "for all of it", "none"),
  },
  call = true,
  gives = "patchworks.pruned",
  requests = "1 for each 100 versions, 2 for each that is deleted",
  fails = { "not_found", "conflict" },
  example = [[local done, err = versions:prune(42, { keep = 10, dry_run = true })]],
}

takes.tail = method {
  name = "tail",
  of = "script_versions",
  says = "Follows a version's logs: an iterator that waits for the next entry. Raises an error that lasts.",
  takes = { a_version },
  options = {
    { "from", "string", '"now" (only what comes), "start", or a date as the service writes it', default = "now" },
    seconds("interval", "the first pause between two looks", 1),
    seconds("max_interval", "the longest one", 10),
    seconds("timeout", "the loop ends then", "none"),
  },
  call = true,
  gives = "fun(): patchworks.log_entry?",
  raises = true,
  requests = "1 a look",
  fails = { "not_found" },
  example = [[for entry in versions:tail(7, { timeout = 0.1 }) do print(entry.message) end]],
}

takes.plan = method {
  name = "plan",
  of = "client",
  says = "Says what publishing a manifest would change, and changes nothing.",
  takes = {
    { "manifest", "text", "`{ scripts = { { id = 42, file = \"orders.py\", .. } } }`, or the path of a Lua file "
      .. "that returns "
      .. "it; `file` is relative to that path", type = "patchworks.manifest|string" },
  },
  options = { concurrency, seconds("timeout", "for all of it", "none") },
  call = true,
  gives = "patchworks.plan",
  requests = "1 a script",
  fails = { "not_found", "file" },
  example = [[local plan, err = client:plan { scripts = { { id = 42, content = source } } }]],
}

takes.load_plan = method {
  name = "load_plan",
  of = "client",
  says = "Takes up a plan that was kept: what its `save` gave. Sends nothing.",
  takes = { { "text", "any", "what `plan:save()` gave", type = "string" } },
  gives = "patchworks.plan",
  fails = { "file", "conflict" },
  example = [[local kept, err = client:load_plan(plan:save())]],
}

takes.apply = method {
  name = "apply",
  of = "client",
  says = "Does what a plan says, many scripts at once, and runs its tests. A script that fails doesn't keep the others "
    .. "back; one whose live version is not what the plan saw is refused (conflict).",
  takes = { { "plan", "table", "what `plan` gave", type = "patchworks.plan" } },
  options = {
    concurrency,
    seconds("timeout", "for all of it, but for the ways back", "none"),
    deploy_timeout,
    while_deploying,
    interval,
    max_interval,
    record,
  },
  call = true,
  gives = "patchworks.report",
  requests = "those of `publish` for each script",
  example = [[print(client:apply(plan, { concurrency = 8 }))]],
}

return takes
