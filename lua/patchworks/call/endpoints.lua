--- The operations of the Core API on script versions, as data.
--
-- `method` and `path` are the contract's. `query` and `body` say what goes there (see call/request.lua). `delivery`
-- says when a request may be sent again (see call/retry.lua): "read" changes nothing, "repeatable" does the same when
-- done twice, "once" must never be done twice. `answer` says how a success is unwrapped (see call/answer.lua).
-- `timeout` and `attempt_timeout` are seconds, where the operation needs others than the client's. The rest says what
-- the method takes, gives and costs (see call/methods.lua).
--
-- @module patchworks.call.endpoints
local methods = require "patchworks.call.methods"

local include = {
  "include",
  "any",
  "what else comes with a version: its source, its script",
  values = { "content", "script" },
  type = '"content"|"script"|("content"|"script")[]',
}
local filter = {
  "filter",
  "table",
  "which versions; a list means any of its values",
  fields = {
    { "is_deployed", "any", "whether it is deployed", type = "boolean|string|(boolean|string)[]" },
    { "deployed_at", "any", "when it was deployed, as the service writes dates", type = "string|string[]" },
  },
}
local page = { "page", "integer", "the page to read, or to begin with", default = 1 }
local per_page = { "per_page", "integer", "how many a page holds", most = 100, default = 100 }

--- What every listing takes.
local limit = { "limit", "integer", "stop after so many" }
local read_ahead = {
  "read_ahead",
  "integer",
  "pages that are fetched while earlier ones are used",
  least = 0,
  most = 100,
  default = 4,
}
local page_timeout = {
  "timeout",
  "seconds",
  "for each page: every attempt and every wait between them",
  default = "the client's: 60",
}

local a_version = { "id", "id", "script version id" }
local a_script = { "script", "id", "script id" }

local endpoints = {
  get = {
    says = "Reads a version.",
    takes = { a_version },
    options = { include, filter, page, per_page },
    gives = "patchworks.version",
    requests = "1",
    fails = { "not_found", "invalid" },
    example = [[local version, err = versions:get(7, { include = { "content", "script" } })]],
    operation = "get",
    method = "GET",
    path = "/script-versions/",
    query = true,
    delivery = "read",
    answer = "version",
  },
  list = {
    says = "The versions of a script, newest first as the service gives them. Nothing is sent before items are used.",
    takes = { a_script },
    options = { filter, include, limit, per_page, page, read_ahead, page_timeout },
    gives = "patchworks.listing",
    of_what = "patchworks.version",
    requests = "1 for each 100 versions",
    fails = { "not_found", "invalid" },
    example = [[for version in versions:list(42, { filter = { is_deployed = true } }) do print(version) end]],
    operation = "list",
    method = "GET",
    path = "/scripts/",
    suffix = "/script-versions",
    query = true,
    delivery = "read",
    answer = "page",
  },
  logs = {
    says = "The log entries of a version.",
    takes = { a_version },
    options = { limit, read_ahead, page_timeout },
    gives = "patchworks.listing",
    of_what = "patchworks.log_entry",
    requests = "1 a page",
    fails = { "not_found" },
    example = [[for entry in versions:logs(7) do print(entry.message) end]],
    operation = "logs",
    method = "GET",
    path = "/script-versions/",
    suffix = "/logs",
    -- The contract declares no parameters, and still answers in pages: see listing.lua.
    delivery = "read",
    answer = "page",
  },
  create = {
    says = "Makes a version. Never sent twice unless the service surely did nothing.",
    takes = { a_script },
    options = {
      { "content", "string", "the source; this or `file`" },
      { "file", "string", "the path of a file to read the source from; this or `content`" },
      { "reconcile", "boolean", "after an unknown outcome, look whether the version is there before creating it again",
        default = false },
    },
    gives = "patchworks.version",
    needs = true,
    requests = "1; with `reconcile` 1 or 2 more, and 1 for each 100 versions after a lost answer",
    fails = { "not_found", "invalid", "too_large", "file" },
    example = [[local version, err = versions:create(42, { file = "orders.py", reconcile = true })]],
    operation = "create",
    method = "POST",
    path = "/scripts/",
    suffix = "/script-versions",
    body = "create",
    delivery = "once",
    answer = "version",
  },
  deploy = {
    says = "Begins to deploy a version, which goes on after the answer. Repeated when an answer is lost.",
    takes = { a_version },
    gives = "table",
    given = "the answer, which the contract does not type",
    requests = "1",
    fails = { "not_found", "conflict", "invalid" },
    example = [[local answer, err = versions:deploy(7)]],
    operation = "deploy",
    method = "POST",
    path = "/script-versions/",
    suffix = "/deploy",
    delivery = "repeatable",
    answer = "object",
  },
  invoke = {
    says = "Runs a version. Never sent twice. The service may deploy it first where it isn't deployed.",
    takes = { a_version },
    options = {
      { "payload", "text", "what the script gets: a string goes out as it is, a table as its JSON" },
      { "variables", "text", "likewise, the script's variables" },
      { "flow", "text", "a string, or a table whose `variables` may be a table too" },
      { "timeout", "seconds", "for the whole call; a script may run 120 s", default = 150 },
      { "attempt_timeout", "seconds", "for one attempt", default = 150 },
    },
    gives = "patchworks.answer",
    given = "what the script returned",
    requests = "1",
    fails = { "not_found", "conflict", "invalid", "too_large" },
    example = [[local answer, err = versions:invoke(7, { payload = order, variables = { region = "eu" } })]],
    operation = "invoke",
    method = "POST",
    path = "/script-versions/",
    suffix = "/invoke",
    body = "invoke",
    delivery = "once",
    answer = "object",
    -- A script may run for 120 s.
    timeout = 150,
    attempt_timeout = 150,
  },
  upload = {
    says = "Uploads a version to the company's private marketplace. Needs an administrator's token or login. "
      .. "Never sent twice.",
    takes = { a_version },
    options = {
      { "private", "any", 'whether only the company sees it; the contract\'s "true" and "false" are taken too',
        type = 'boolean|"true"|"false"' },
    },
    gives = "table",
    given = "the answer, which the contract does not type",
    requests = "1",
    fails = { "not_found", "conflict", "invalid" },
    example = [[local answer, err = versions:upload(7, { private = true })]],
    operation = "upload",
    method = "POST",
    path = "/script-versions/",
    suffix = "/upload",
    body = "upload",
    delivery = "once",
    answer = "object",
  },
  delete = {
    says = "Deletes a version for good. Repeated when an answer is lost; gone after such a repeat is done.",
    takes = { a_version },
    gives = "table",
    given = "`message`, what the service says",
    requests = "1",
    fails = { "not_found", "conflict" },
    example = [[local answer, err = versions:delete(7)]],
    operation = "delete",
    method = "DELETE",
    path = "/script-versions/",
    delivery = "repeatable",
    answer = "message",
  },
}

for name, endpoint in pairs(endpoints) do
  endpoint.name, endpoint.of, endpoint.call = name, "script_versions", true
  endpoint.response = endpoint.gives ~= "patchworks.listing"
  -- How messages call the id.
  endpoint.label = name .. ": " .. endpoint.takes[1][3]
  methods.method(endpoint)
end

return endpoints
