--- Script versions: the eight operations of the Core API, and what is made of them.
--
-- Every method also takes, in the table of its parameters, `timeout` and `attempt_timeout` (seconds), `max_attempts`,
-- `headers` and `on_event` for that call alone. Every method gives its value and the response (`status`, `headers`,
-- `body`, `attempts`, `timing`, `bytes`), or nil and an error (see patchworks.errors).
--
-- @module patchworks.script_versions
local endpoints = require "patchworks.call.endpoints"
local methods = require "patchworks.call.methods"
local requests = require "patchworks.call.request"
local send = require "patchworks.call.send"
local version = require "patchworks.version"

local ScriptVersions = { __name = "patchworks.script_versions" }
ScriptVersions.__index = ScriptVersions

local script_versions = {}

local function as_version(self, value, response)
  if value == nil then return nil, response end
  return setmetatable(value, self._version_class), response
end

-- An answer that names another version is none to what was asked: a cache, a proxy or the service has mixed them up.
local function mixed_up(call, id, named, response)
  return nil, send.error_of(call, {
    kind = "protocol",
    message = ("asked for script version %s, and got %s"):format(id, tostring(named)),
    status = response.status,
    response = response,
  }, response.attempts)
end

local function is_other(named, id)
  return named ~= id and named ~= tonumber(id) and tostring(named) ~= tostring(id)
end

--- Reads a version. 1 request.
-- @tparam integer|string id of the version
-- @tparam ?table given `include` ("content", "script", or a list), `filter` (`is_deployed`, `deployed_at`), `page`,
-- `per_page` (1 to 100)
-- @treturn ?table version; or nil and an error
-- @usage local v, err = versions:get(7, { include = { "content", "script" } })
function ScriptVersions:get(id, given)
  local client = self._client
  local call = client:_prepare(endpoints.get, id, given)
  local found, response = client:_perform(call, "version")
  if not found then return nil, response end
  if is_other(found.id, id) then return mixed_up(call, id, found.id, response) end
  return setmetatable(found, self._version_class), response
end

--- Makes a version. 1 request, which is never sent twice unless the service surely did nothing.
-- @tparam integer|string script id
-- @tparam table given `content` (the source) or `file` (a path to read it from); `reconcile`: after an unknown
-- outcome, look whether the version is there before creating it again (costs 1 more request, 2 after a failure)
-- @treturn ?table version; or nil and an error
-- @usage local v, err = versions:create(42, { file = "orders.py" })
function ScriptVersions:create(script, given)
  if type(given) == "table" and given.reconcile then
    methods.check(endpoints.create, given)
    return require("patchworks.release.reconcile").create(self, script, given)
  end
  if type(given) == "table" and given.file ~= nil then
    local content, problem = requests.content(given, "create")
    if not content then return nil, problem end
    local with_content = { content = content }
    for name, value in pairs(given) do
      if name ~= "file" then with_content[name] = value end
    end
    given = with_content
  end
  local claim <close> = require("patchworks.release.claims").enter(self._client, script, false)
  local made, response = as_version(self, self._client:_call(endpoints.create, script, given))
  if made and made.id then claim:take(made) end
  return made, response
end

--- Deletes a version for good. 1 request, repeated when an answer is lost; a 404 after such a repeat is a success.
-- @tparam integer|string id
-- @tparam ?table given the options of every call
-- @treturn ?table `message`; or nil and an error
function ScriptVersions:delete(id, given)
  return self._client:_call(endpoints.delete, id, given)
end

--- Begins to deploy a version; it goes on after the answer: see `wait` and `deploy_and_wait`. 1 request, repeated
-- when an answer is lost.
-- @tparam integer|string id
-- @tparam ?table given the options of every call
-- @treturn ?table the answer, which the contract does not type; or nil and an error
function ScriptVersions:deploy(id, given)
  local client = self._client
  local call = client:_prepare(endpoints.deploy, id, given)
  local answer, response = client:_perform(call, endpoints.deploy.answer)
  -- The contract does not type it: what has no script is taken for something else than a version.
  local data = answer and type(answer.data) == "table" and answer.data
  if data and data.id ~= nil and data.script_id ~= nil and is_other(data.id, id) then
    return mixed_up(call, id, data.id, response)
  end
  return answer, response
end

--- Runs a version. 1 request, never sent twice. A script may run for 120 s: `timeout` is 150 s unless set.
-- @tparam integer|string id
-- @tparam ?table given `payload` and `variables` (a string goes out as it is, a table as its JSON), `flow` (a
-- string, or a table whose `variables` may be a table too)
-- @treturn ?table what the script returned; or nil and an error
-- @usage local answer, err = versions:invoke(7, { payload = order, variables = { region = "eu" } })
function ScriptVersions:invoke(id, given)
  return self._client:_call(endpoints.invoke, id, given)
end

--- Uploads a version to the company's private marketplace. Needs an administrator: a token or a login. 1 request,
-- never sent twice.
-- @tparam integer|string id
-- @tparam ?table given `private` (a boolean, or the contract's "true" or "false")
-- @treturn ?table the answer, which the contract does not type; or nil and an error
function ScriptVersions:upload(id, given)
  return self._client:_call(endpoints.upload, id, given)
end

-- A listing's options as they were: the caller may change the table before the next page is asked for.
local function copy_of(given)
  local copy = {}
  for name, value in pairs(given) do copy[name] = value end
  return copy
end

local function is_object(item) return type(item) == "table" and item[1] == nil end

local function check_version(item)
  if not is_object(item) then return "is no version (an object is due)" end
  return item.id == nil and "is a version without an id" or nil
end

local function check_entry(item) return not is_object(item) and "is no log entry (an object is due)" or nil end

--- The versions of a script, newest first as the service gives them. Nothing is sent before items are asked for; 1
-- request for each 100 versions.
-- @tparam integer|string script id
-- @tparam ?table given `include`, `filter` (`is_deployed`, `deployed_at`), `per_page` (1 to 100, 100), `page` (the
-- first to read), `limit` (stop after that many), `read_ahead` (pages fetched ahead, 4)
-- @treturn table listing; see patchworks.listing
-- @usage for v in versions:list(42, { filter = { is_deployed = true } }) do print(v) end
function ScriptVersions:list(script, given)
  local listing = require "patchworks.listing"
  methods.check(endpoints.list, given)
  given = given or {}
  local limit, per_page, read_ahead = listing.portions(given)
  local base, from = copy_of(given), given.page or 1
  base.page, base.per_page = nil, per_page
  local call = self._client:_prepare(endpoints.list, script, base) -- checks everything now, at the caller's line
  local function begin(number, size, goes_on)
    base.page, base.per_page = number, size
    return self._client:_begin(self._client:_prepare(endpoints.list, script, base, goes_on), "page")
  end
  return listing.new {
    operation = "list",
    url = call.url,
    begin = begin,
    per_page = per_page,
    from = from,
    limit = limit,
    read_ahead = read_ahead,
    check_item = check_version,
    wrap = function(item) setmetatable(item, self._version_class) end,
    on_page = given.on_event or self._client._settings.on_event,
  }
end

--- The log entries of a version. The contract declares no parameters here, though the answer comes in pages: page 1 is
-- asked for bare, further ones by `page` when the first says that there are some.
-- @tparam integer|string id
-- @tparam ?table given `limit`, `read_ahead`
-- @treturn table listing; see patchworks.listing
-- @usage for entry in versions:logs(7) do print(entry.message) end
function ScriptVersions:logs(id, given)
  local listing = require "patchworks.listing"
  methods.check(endpoints.logs, given)
  given = given or {}
  local limit, _, read_ahead = listing.portions(given)
  local base = copy_of(given)
  local url = self._client:_prepare(endpoints.logs, id, base).url
  local function begin(number, _, goes_on)
    local call = self._client:_prepare(endpoints.logs, id, base, goes_on)
    if number > 1 then call.url = url .. "?page=" .. number end
    return self._client:_begin(call, "page")
  end
  return listing.new {
    operation = "logs",
    url = url,
    begin = begin,
    check_item = check_entry,
    from = 1,
    limit = limit,
    read_ahead = read_ahead,
    on_page = given.on_event or self._client._settings.on_event,
  }
end

-- What is made of the operations is loaded when it is first used: a script that lists versions starts without it.
local later = {
  wait = "patchworks.release.wait",
  deploy_and_wait = "patchworks.release.wait",
  rollback = "patchworks.release.rollback",
  prune = "patchworks.release.prune",
  publish = "patchworks.release.publish",
  tail = "patchworks.release.tail",
}
local loaded = {}
for name, module in pairs(later) do
  ScriptVersions[name] = function(self, ...)
    if not loaded[name] then require(module).extend(loaded) end
    return loaded[name](self, ...)
  end
end
methods.guard(ScriptVersions, "versions")

--- Makes the resource of a client.
function script_versions.new(client)
  local self = setmetatable({ _client = client }, ScriptVersions)
  self._version_class = version.class(self)
  return self
end

return script_versions
