--- The Patchworks service on one machine: for trying things out and for testing, with no account.
--
--     local server <close> = require("patchworks.sandbox").start { data = "dev.db" }
--     local client = server:client()
--
-- It listens on loopback only, keeps its state in SQLite, really checks and runs the scripts, and fails on demand.
-- docs/sandbox.md says what it does and what it does not. It requires nothing of the client but in `server:client`, so
-- that it stays an independent witness of what went over the wire.
--
-- @module patchworks.sandbox
local core = require "patchworks.sandbox.server"
local fixtures = require "patchworks.sandbox.fixtures"
local habits_of = require "patchworks.sandbox.habits"

local sandbox = {}

local Server = { __name = "patchworks.sandbox" }
Server.__index = Server

local own_file = debug.getinfo(1, "S").source

-- Raises at the first frame outside of this file.
local function misuse(format, ...)
  local level = 2
  while true do
    local info = debug.getinfo(level, "S")
    if not info or (info.what ~= "C" and info.source ~= own_file) then break end
    level = level + 1
  end
  error(format:format(...), level)
end

local function show(value)
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

local function check_names(given, defaults, what)
  if type(given) ~= "table" then misuse("%s: expected a table of options, got %s", what, show(given)) end
  for name in pairs(given) do
    if defaults[name] == nil then
      local names = {}
      for known in pairs(defaults) do names[#names + 1] = known end
      table.sort(names)
      misuse("%s: unknown option `%s`; it takes %s", what, tostring(name), table.concat(names, ", "))
    end
  end
end

local function check_text(value, what)
  if type(value) ~= "string" or value == "" then misuse("%s: expected a string, got %s", what, show(value)) end
  return value
end

local function check_number(value, least, most, what)
  if type(value) ~= "number" or not (value >= least and value <= most) then
    misuse("%s: expected a number from %s to %s, got %s", what, least, most, show(value))
  end
  return value
end

local function check_integer(value, least, most, what)
  check_number(value, least, most, what)
  return math.tointeger(value) or misuse("%s: expected an integer, got %s", what, show(value))
end

local a_year = 366 * 86400

local defaults = {
  data = ":memory:",
  port = 0,
  key = "sandbox-key",
  username = "admin@example.com",
  password = "sandbox-password",
  deploy_seconds = 0.2,
  rate_limit = 0,
  token_seconds = 86400,
  invoke_seconds = 120,
  idle_seconds = 60,
  habits = {},
  seed = false,
}

--- Starts the service in a thread of this process.
-- @tparam ?table given
--
-- - `data` (":memory:"): an SQLite file; made when it isn't there. Whatever was answered is in it, also after a kill
-- - `port` (0, any): on 127.0.0.1
-- - `key` ("sandbox-key"), `username` ("admin@example.com"), `password` ("sandbox-password"): what it lets in
-- - `deploy_seconds` (0.2): how long a deployment takes, on the sandbox's clock
-- - `rate_limit` (0, none): requests a minute, on the sandbox's clock; the service has 240
-- - `token_seconds` (86400): how long a token lives, on the sandbox's clock
-- - `invoke_seconds` (120): how long a script may run
-- - `idle_seconds` (60): how long a connection may stay without a whole request
-- - `habits` (a table, or a text as "one_deployed,create_status=200"): what the service does in a way that isn't known,
--   each off by default: `invoke_deploys`, `one_deployed`, `redeploy_nothing`, `crlf`, `trim`, `logs_newest_first`
--   (booleans), `create_status` (201), `deploying` (a string, "deploying"), `idle` (a string, "" for null);
--   docs/sandbox.md says what they are
-- - `seed`: fixtures for a fresh database, a table `{scripts = {{id, name, language, versions = {{id, content, status,
--   logs}}}}}`, the same in JSON, or the path of such a file (".json")
-- @treturn ?table server: `url`, `port`, `key`, `username`, `password`, `login_url`, `admin_token`,
-- `page` (its address, for a browser); or nil and a sentence
function sandbox.start(given)
  given = given or {}
  check_names(given, defaults, "sandbox.start")
  local settings = {}
  for name, value in pairs(defaults) do
    settings[name] = value
    if given[name] ~= nil then settings[name] = given[name] end
  end
  for _, name in ipairs { "data", "key", "username", "password" } do check_text(settings[name], name) end
  check_integer(settings.port, 0, 65535, "port")
  check_integer(settings.rate_limit, 0, 1000000, "rate_limit")
  for _, name in ipairs { "deploy_seconds", "token_seconds" } do check_number(settings[name], 0, a_year, name) end
  check_number(settings.invoke_seconds, 0.01, 3600, "invoke_seconds")
  check_number(settings.idle_seconds, 0.1, 86400, "idle_seconds")
  local habits, unknown = habits_of.read(settings.habits)
  if not habits then misuse("sandbox.start: %s", unknown) end
  settings.habits = habits
  local seed, unreadable = fixtures.read(settings.seed)
  if unreadable then return nil, "sandbox: " .. unreadable end
  settings.seed = seed
  local handle, problem = core.start(settings)
  if not handle then return nil, "sandbox: " .. problem end
  local port = handle:port()
  local url = "http://127.0.0.1:" .. port
  return setmetatable({
    _handle = handle,
    port = port,
    url = url,
    key = settings.key,
    username = settings.username,
    password = settings.password,
    login_url = url .. "/fabric/api/login",
    admin_token = handle:admin_token(),
    page = ("%s/#%s"):format(url, handle:admin_token()),
  }, Server)
end

--- Stops the service; scripts that run are killed. A second call does nothing.
function Server:close() self._handle:close() end

Server.__close = Server.close
Server.__gc = Server.close

function Server:__tostring() return ("patchworks sandbox (%s)"):format(self.url) end

--- A client of this service, by its key unless the options name another credential. Needs the client's rock.
-- @tparam ?table options as for patchworks.new
-- @treturn table client
function Server:client(options)
  local given = { base_url = self.url }
  for name, value in pairs(options or {}) do given[name] = value end
  if not (given.api_key or given.token or given.username or given.password) then given.api_key = self.key end
  return require("patchworks").new(given)
end

local languages = { "python", "javascript", "php", "ruby", "csharp", "go", "rust" }
local language_names = { node = true }
for _, name in ipairs(languages) do language_names[name] = true end

-- A version may stand behind the name.
local function is_language(name)
  local base, version = tostring(name):match "^(%a+)([%d.]*)$"
  return language_names[base] and not version:find "^%." and not version:find "%.$" and #version < 16
end

--- Makes a script, which the service itself has people do in its dashboard.
-- @tparam table given `name` (string), `language`: "python", "javascript", "php", "ruby", "csharp", "go" or "rust"; a
-- version may stand behind it ("php8.1"), and must be on this machine then
-- @treturn table script: `id` (integer), `name`, `language`
function Server:create_script(given)
  check_names(given, { name = true, language = true }, "create_script")
  check_text(given.name, "create_script: name")
  if not is_language(given.language) then
    misuse("create_script: language: expected %s, perhaps with a version behind it (php8.1), got %s",
      table.concat(languages, ", "), show(given.language))
  end
  local id = self._handle:create_script(given.name, given.language)
  return { id = id, name = given.name, language = given.language }
end

--- The scripts, by id. A fresh database has one for each language.
-- @treturn table a list of `{id, name, language}`
function Server:scripts()
  local list = {}
  local id, name, language = self._handle:next_script(0)
  while id do
    list[#list + 1] = { id = id, name = name, language = language }
    id, name, language = self._handle:next_script(id)
  end
  return list
end

--- Makes many versions at once, without requests.
-- @tparam table given `script` (id), `versions` (how many, 1), `content` (a string)
function Server:populate(given)
  check_names(given, { script = true, versions = true, content = true }, "populate")
  local script = check_integer(given.script, 1, math.maxinteger, "populate: script")
  local versions = check_integer(given.versions or 1, 1, 10000000, "populate: versions")
  local content = check_text(given.content or "def handle(data): return data", "populate: content")
  if not self._handle:populate(script, versions, content) then misuse("populate: there is no script %d", script) end
end

--- Adds a log entry to a version, as if its script had written it.
-- @tparam integer version id
-- @tparam string message
function Server:log(version, message)
  check_integer(version, 1, math.maxinteger, "log: version")
  if not self._handle:log(version, check_text(message, "log: message")) then
    misuse("log: there is no version %d", version)
  end
end

--- A new token, as a login would give it.
-- @treturn string
function Server:token() return self._handle:token() end

--- Makes all tokens expire now.
function Server:expire_tokens() self._handle:expire_tokens() end

--- Makes every request wait before it is served.
-- @tparam number seconds 0 for none
function Server:latency(seconds) self._handle:latency(check_number(seconds, 0, 3600, "latency")) end

local operations = { ["*"] = true, login = true }
for name in ("get delete upload deploy invoke logs list create"):gmatch "%a+" do operations[name] = true end

local fault_names = {
  operation = true,
  how = true,
  times = true,
  every = true,
  status = true,
  retry_after = true,
  seconds = true,
  body = true,
}

--- Makes requests fail.
-- @tparam table given
--
-- - `operation`: which, such as "create" or "login"; "*" for any
-- - `how`: "status" (nothing is done, `status` is answered), "drop_before" (nothing is done, the connection closes),
--   "drop_after" (done, then the connection closes without an answer), "truncate" (done, half of the answer),
--   "garbage" (done, 200 with a body that is no JSON), "slow" (done, answered after `seconds`)
-- - `times` (1): how often; math.huge for always. `every` (1): only each nth such request
-- - `status` (500), `retry_after` (seconds, or a string that goes out as it is), `body` (a string), for "status"
-- - `seconds` (1), for "slow"
function Server:fail(given)
  check_names(given, fault_names, "fail")
  local operation = given.operation or "*"
  if not operations[operation] then misuse("fail: operation: no operation is called %s", show(operation)) end
  local times = given.times or 1
  if times ~= math.huge then check_integer(times, 1, 1 << 52, "fail: times") end
  local known = self._handle:fail {
    operation = operation,
    how = check_text(given.how, "fail: how"),
    times = times,
    every = check_integer(given.every or 1, 1, 1 << 52, "fail: every"),
    status = check_integer(given.status or 500, 200, 599, "fail: status"),
    retry_after = given.retry_after and tostring(given.retry_after),
    seconds = check_number(given.seconds or 1, 0, 3600, "fail: seconds"),
    body = given.body,
  }
  if not known then
    misuse("fail: how: expected status, drop_before, drop_after, truncate, garbage or slow, got %s", show(given.how))
  end
end

--- How many of the failures asked for have not come yet; those that come always are not counted.
-- @treturn integer
function Server:faults_left() return self._handle:faults_left() end

--- Takes all failures back.
function Server:clear_faults() self._handle:clear_faults() end

--- Moves the service's clock forward: deployments end, tokens expire, the rate limit's minute passes.
-- @tparam number seconds
function Server:advance(seconds) self._handle:advance(check_number(seconds, 0, 100 * a_year, "advance")) end

--- The service's clock.
-- @treturn number seconds since 1970
function Server:now() return self._handle:now() end

--- What it received, oldest first: the last 100,000 requests.
-- @treturn table a list of `{method, path, query, operation, status, headers, body, at, authorization}`: `query` is
-- raw; `operation` is "none" where no operation fits; `status` is 0 while, or when, there is no answer; `headers` has
-- lower-case names; `body` holds the first 64 KiB; `at` is in seconds since 1970; `authorization` is "key", "bearer" or
-- "none"
function Server:requests() return self._handle:requests() end

-- What the admin's interface answers; raises what it refuses.
function Server:admin(method, path, query, body)
  local status, text = self._handle:admin(method, "/_sandbox/" .. path, query or "", body and fixtures.encode(body))
  if status >= 300 then misuse("%s: %s", path, text:match '"message":"([^"]*)"' or text) end
  return text
end

--- Adds scripts and versions with the ids that are wanted.
-- @tparam table|string given as `seed` of `start`
function Server:seed(given)
  local text, problem = fixtures.read(given)
  if not text then misuse("seed: %s", problem or "expected fixtures") end
  local status, answer = self._handle:admin("POST", "/_sandbox/seed", "", text)
  if status >= 300 then misuse("seed: %s", answer:match '"message":"([^"]*)"' or answer) end
end

--- Makes all as it was at the start: the state (with its seed), faults, latency, what was received.
function Server:reset() self:admin("POST", "reset") end

--- Keeps the state under a name, as long as the sandbox runs.
-- @tparam string name letters, digits, `.`, `_` and `-`
function Server:snapshot(name) self:admin("PUT", "snapshots/" .. check_text(name, "snapshot")) end

--- Makes the state what it was when it was kept under that name.
-- @tparam string name
function Server:restore(name) self:admin("POST", "snapshots/" .. check_text(name, "restore") .. "/restore") end

--- Waits until so many requests have come.
-- @tparam table given `operation` (any), `count` (1), `timeout` (30 seconds)
-- @treturn boolean whether they have
function Server:wait_for_requests(given)
  check_names(given, { operation = true, count = true, timeout = true }, "wait_for_requests")
  local query = {}
  for name, value in pairs(given) do query[#query + 1] = name .. "=" .. tostring(value) end
  return (self._handle:admin("GET", "/_sandbox/requests/wait", table.concat(query, "&"))) == 200
end

--- How many requests it received.
-- @tparam ?string operation only those for it
-- @treturn integer
function Server:count(operation) return self._handle:count(operation) end

--- Forgets what it received.
function Server:forget_requests() self._handle:forget_requests() end

local function announce(server, data)
  local lines = {
    ("patchworks sandbox: %s"):format(server.url),
    ("data: %s"):format(data == ":memory:" and "in memory, gone at the end (keep it with --data FILE)" or data),
    "",
    "In another shell:",
    ("  export PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s"):format(server.url, server.key),
    ("Look at it in a browser: %s"):format(server.page),
    ("Tokens: log in as %s with %s"):format(server.username, server.password),
    "Scripts:",
  }
  for _, script in ipairs(server:scripts()) do
    lines[#lines + 1] = ("  %d  %s  (%s)"):format(script.id, script.name, script.language)
  end
  lines[#lines + 1] = "Ctrl-C stops it."
  io.stderr:write(table.concat(lines, "\n"), "\n")
end

--- Runs the service as a command does: prints how to reach it, and comes back when SIGINT or SIGTERM arrives.
-- @tparam ?table given as for `start`, but with port 8787
-- @tparam ?function prepare called with the server before it is announced; may give nil and a sentence
-- @treturn ?boolean true; or nil and a sentence when it can't start
function sandbox.run(given, prepare)
  local options = { port = 8787 }
  for name, value in pairs(given or {}) do options[name] = value end
  local server <close>, problem = sandbox.start(options)
  if not server then return nil, problem end
  if prepare then
    local fine, fault = prepare(server)
    if not fine then return nil, tostring(fault) end
  end
  announce(server, options.data or defaults.data)
  core.wait_for_signal()
  return true
end

return sandbox
