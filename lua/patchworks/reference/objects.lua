--- The public objects: what they are for, their fields, and the methods that take no options of their own. Those
-- that do
-- have their table beside them (see patchworks.call.methods).
--
-- A field is `{ name, type, sentence }`; a name that ends in "?" may be missing.
--
-- @module patchworks.reference.objects
local methods = require "patchworks.call.methods"

local method = methods.method

local patchworks = {
  name = "patchworks",
  class = "patchworks",
  dotted = true,
  says = "The module: makes clients, and runs many calls at once.",
  example = [[local patchworks = require "patchworks"]],
  fields = {
    { "_VERSION", "string", "the version of this module" },
    { "null", "lightuserdata", "what stands for JSON's null in lists" },
  },
  order = { "new", "map", "run", "spawn", "sleep", "progress", "is_error" },
  methods = {
    method {
      name = "sleep",
      says = "Waits: suspends the task it is called in, and blocks elsewhere.",
      takes = { { "seconds", "any", "how long", type = "number", unit = "s" } },
      example = [[patchworks.sleep(0.1)]],
    },
    method {
      name = "progress",
      says = "Takes up the account of a release as it was kept: what `record` of `publish` was given.",
      takes = { { "kept", "table", "its fields" } },
      gives = "patchworks.progress",
      never_nil = true,
      example = [[local kept = { operation = "publish", script = "42", pending = { { id = 7, version = 3 } } }
print(patchworks.progress(kept))]],
    },
    method {
      name = "is_error",
      says = "Whether a value is an error of this module.",
      takes = { { "value", "any", "anything" } },
      gives = "boolean",
      example = [[if patchworks.is_error(value) then print(value.kind) end]],
    },
  },
}

local client = {
  name = "client",
  class = "patchworks.client",
  says = "One connection pool, one credential, one rate limit. Made by `patchworks.new`; closed by `close`, by "
    .. "`<close>`, "
    .. "or when it is collected; one on a host's loop, which the loop holds, by the first two alone.",
  fields = {
    { "base_url", "string", "the service" },
    { "script_versions", "patchworks.script_versions", "the eight operations, and what is made of them" },
  },
  order = { "request", "paginate", "plan", "load_plan", "apply", "stats", "close" },
  methods = {
    method {
      name = "stats",
      says = "What the client did so far.",
      gives = "table<string, integer>",
      given = "`calls`, `retries`, `waits` (for the gate), `logins`, `unrecorded` (attempts that `record_file` "
        .. "could not take); `started`, `finished`, `active` (transfers), "
        .. "`connections` (opened), `multiplexed` (transfers over HTTP/2), `sent_bytes`, `received_bytes`, "
        .. "`held_bytes` (of answers, counted as Lua's memory)",
      example = [[print(client:stats().retries)]],
    },
    method {
      name = "close",
      says = "Closes the client: what is under way is cancelled, connections are closed. Safe to call twice.",
      example = [[client:close()]],
    },
  },
}

local script_versions = {
  name = "script_versions",
  class = "patchworks.script_versions",
  variable = "versions",
  says = "The operations on script versions, as `client.script_versions`. Ids are positive integers or their decimal "
    .. "strings.",
  order = {
    "get", "list", "logs", "create", "deploy", "invoke", "upload", "delete",
    "wait", "deploy_and_wait", "publish", "rollback", "prune", "tail",
  },
  methods = {},
}

local version = {
  name = "version",
  class = "patchworks.version",
  says = "A version: a plain table of the service's fields, with the operations as methods behind it. `tostring` "
    .. "says it "
    .. "in a line.",
  fields = {
    { "id", "integer", "the version's" },
    { "script_id", "integer", "the script's" },
    { "version?", "integer", "its number among the script's versions" },
    { "name?", "string", "the script's name, as the service gives it" },
    { "status?", '"Draft"|"Inactive"|"Deployed"', "several may be Deployed at once: the one deployed last is live" },
    { "created_at?", "string", "a date, as the service writes it" },
    { "updated_at?", "string", "likewise" },
    { "deployed_at?", "string", "when it was last deployed" },
    { "deploying?", "string", "there while it is being deployed" },
    { "deployment_failed_at?", "string", "when it last failed to be deployed; stays until the next try" },
    { "deployment_failure_reason?", "string", "why" },
    { "last_invoked_on?", "string", "when it last ran" },
    { "content?", "table", 'the source, somewhere in an object; there with `include = "content"`' },
    { "script?", "table", 'the script; there with `include = "script"`' },
  },
  order = { "refresh" },
  methods = {
    method {
      name = "refresh",
      says = "Reads the version again and takes its fields over. Takes what `get` takes.",
      as = "get",
      call = true,
      gives = "patchworks.version",
      given = "the version itself",
      response = true,
      requests = "1",
      fails = { "not_found", "invalid" },
      example = [[version:refresh()]],
    },
  },
}

local listing = {
  name = "listing",
  class = "patchworks.listing",
  says = "What `list`, `logs` and `paginate` give. A listing describes; each generic for over it walks by itself, page "
    .. "after page, 100 items a page, pages ahead while earlier ones are used; `break` frees everything. What was "
    .. "there all the time comes once, in order, though others change the list meanwhile. An iterator has no second "
    .. "value for an "
    .. "error: it raises it.",
  example = [[for version in versions:list(42) do print(version) end]],
  calls = "fun(): any",
  order = { "items", "all", "first", "count", "page", "pages", "close" },
  methods = {
    method {
      name = "items",
      says = "An iterator over items, for a generic for over a listing that is kept: freed at a `break`. Raises "
        .. "what goes wrong.",
      gives = "fun(): any",
      raises = true,
      requests = "1 a page",
      example = [[for version in versions:list(42):items() do print(version) end]],
    },
    method {
      name = "all",
      says = "All items, up to `limit`.",
      gives = "any[]",
      requests = "1 a page",
      example = [[local list, err = versions:list(42):all()]],
    },
    method {
      name = "first",
      says = "The first item, nil when there is none.",
      gives = "any",
      may_be_nil = true,
      requests = "1",
      example = [[local newest, err = versions:list(42):first()]],
    },
    method {
      name = "count",
      says = "How many items there are, whatever `limit` says.",
      gives = "integer",
      requests = "1",
      example = [[local count, err = versions:list(42):count()]],
    },
    method {
      name = "page",
      says = "One page.",
      takes = { { "number", "integer", "from 1" } },
      gives = "patchworks.page",
      requests = "1",
      example = [[local page, err = versions:list(42):page(2)]],
    },
    method {
      name = "pages",
      says = "An iterator over pages, for a generic for. Raises what goes wrong.",
      gives = "fun(): patchworks.page?",
      raises = true,
      requests = "1 a page",
      example = [[for page in versions:list(42):pages() do print(#page.data) end]],
    },
    method {
      name = "close",
      says = "Ends the loops over it: what is under way for them is cancelled.",
      example = [[versions:list(42):close()]],
    },
  },
}

local page = {
  name = "page",
  class = "patchworks.page",
  says = "One page of a listing, as `listing:page` and `listing:pages` give it.",
  fields = {
    { "data", "any[]", "its items" },
    { "meta", "table", "`current_page`, `from`, `last_page`, `path`, `per_page`, `to`, `total`" },
    { "links?", "table", "`first`, `last`, `prev`, `next`; never followed" },
    { "response", "patchworks.response", "of its request" },
  },
}

local log_entry = {
  name = "log_entry",
  class = "patchworks.log_entry",
  says = "A log entry, as `logs` and `tail` give it: the service's fields, of which the contract types none.",
  fields = {
    { "message?", "string", "what was logged" },
    { "created_at?", "string", "when" },
    { "level?", "string", 'such as "info" or "error"' },
    { "id?", "integer", "the entry's" },
  },
}

local answer = {
  name = "answer",
  class = "patchworks.answer",
  says = "What a script returned: `invoke` gives it as it came.",
  fields = {
    { "payload?", "any", "usually a string" },
    { "variables?", "table", "names to strings" },
    { "flow?", "table", "with `variables`" },
    { "logs?", "string[]", "what it logged" },
  },
}

local response = {
  name = "response",
  class = "patchworks.response",
  says = "The second value of every method that makes a request. What it knows of timing is worked out when it is "
    .. "asked.",
  fields = {
    { "status", "integer", "of HTTP" },
    { "headers", "table<string, string>", "lower-case names" },
    { "body", "string", "raw, decompressed" },
    { "attempts", "patchworks.attempt[]", "every attempt, the failed ones first" },
    { "timing", "table<string, number>", "seconds of libcurl's phases" },
    { "bytes", "table<string, integer>", "sent and received" },
    { "http_version?", "number", "1.1, or 2" },
  },
}

local attempt = {
  name = "attempt",
  class = "patchworks.attempt",
  says = "One attempt of a call: an item of `response.attempts` and `err.attempts`.",
  fields = {
    { "started", "number", "seconds from the call's beginning" },
    { "seconds", "number", "how long it took" },
    { "status?", "integer", "of HTTP" },
    { "kind?", "string", "what it failed with" },
    { "message?", "string", "what was said" },
    { "sent?", "boolean", "whether the request's first byte was out" },
  },
}

return { patchworks, client, script_versions, version, listing, page, log_entry, answer, response, attempt }
