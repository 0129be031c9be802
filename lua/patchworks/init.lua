--- Deploy, invoke and watch script versions on the Patchworks integration platform.
--
--     local patchworks = require "patchworks"
--     local client = patchworks.new { api_key = "..." }
--     for version in client.script_versions:list(42) do print(version) end
--
-- @module patchworks
local client = require "patchworks.client"
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local methods = require "patchworks.call.methods"
local task = require "patchworks.time.task"

local patchworks = {
  --- The version of this module.
  _VERSION = "0.1.0",
  --- What stands for JSON's null in lists.
  null = core.null,
}

--- Makes a client: one connection pool, one credential, one rate limit.
--
-- Raises for misuse: no credential or two kinds of it, a credential with a newline, http:// to a host that isn't this
-- machine, an unknown option.
--
-- @tparam ?table given
--
-- - `api_key`, `token`, or `username` and `password`: exactly one kind; by default from PATCHWORKS_API_KEY,
--   PATCHWORKS_TOKEN, or PATCHWORKS_USERNAME and PATCHWORKS_PASSWORD. `login_url` and `login_field` ("username") say
--   where and how a password is turned into a token
-- - `base_url`: PATCHWORKS_BASE_URL, or `https://core.wearepatchworks.com`; a trailing `/api/v1` is accepted
-- - `timeout`: seconds for a whole call, with every attempt and every wait; 60, invoke 150
-- - `attempt_timeout`, `connect_timeout`: seconds, 30 and 10; invoke 150 and 10
-- - `max_attempts`: 4
-- - `max_response_bytes`: 64 MiB, before and after decompression
-- - `max_connections`: 8
-- - `rate_limit`: requests a minute that the client keeps to by itself; none
-- - `allow_insecure`: allow http:// to other machines; `ca_file` (PATCHWORKS_CA_FILE), `ca_path`, `client_cert`,
--   `client_key`: PEM files; `ca_pem`: what stands in a `ca_file`; `proxy`: a URL
-- - `on_event`: called with a table for each attempt, retry, wait and page
-- - `loop`: a host's loop, such as `require "patchworks.loop.luv"`
-- @treturn table client: `script_versions`, `request`, `paginate`, `stats`, `close`
function patchworks.new(given)
  return client.new(given)
end

--- Whether a value is an error of this module.
patchworks.is_error = errors.is_error

-- What a script may do without is loaded when it is first used.
--- Many calls at once: see patchworks.tasks.
for _, name in ipairs { "run", "map", "spawn" } do
  patchworks[name] = function(...) return require("patchworks.time.tasks")[name](...) end
end

--- Waits: suspends the task it is called in, and blocks elsewhere.
-- @tparam number seconds
function patchworks.sleep(seconds)
  if type(seconds) ~= "number" or not (seconds >= 0) then
    errors.misuse("sleep: expected a number of seconds, got %s", tostring(seconds))
  end
  task.sleep(seconds)
end

--- Takes up the account of a release as it was kept: what `record` of `publish` was given, before its process ended.
-- @tparam table kept the fields of one
-- @treturn table account: see patchworks.release.progress
-- @usage print(patchworks.progress(kept))
function patchworks.progress(kept)
  if type(kept) ~= "table" then
    errors.misuse("progress: expected the account as it was kept, a table, got %s", tostring(kept))
  end
  return require("patchworks.release.progress").of(kept)
end

for method, place in pairs {
  paginate = { "patchworks.listing", "paginate" },
  plan = { "patchworks.release.plan", "make" },
  load_plan = { "patchworks.release.plan", "load" },
  apply = { "patchworks.release.plan", "apply" },
} do
  client.Client[method] = function(self, ...) return require(place[1])[place[2]](self, ...) end
end

methods.guard(client.Client, "client", nil, {
  request = true,
  paginate = true,
  plan = true,
  load_plan = true,
  apply = true,
  stats = true,
  close = true,
})

return patchworks
