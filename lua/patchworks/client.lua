--- The client: what it is made of, and how a call is prepared, sent (see call/send.lua) and unwrapped.
-- @module patchworks.client
local arguments = require "patchworks.call.arguments"
local auth = require "patchworks.call.auth"
local clock = require "patchworks.time.clock"
local core = require "patchworks.core"
local deadline = require "patchworks.time.deadline"
local engines = require "patchworks.time.engines"
local errors = require "patchworks.errors"
local gate = require "patchworks.call.gate"
local methods = require "patchworks.call.methods"
local options = require "patchworks.call.options"
local pending = require "patchworks.call.pending"
local requests = require "patchworks.call.request"
local retry = require "patchworks.call.retry"
local scheduler = require "patchworks.time.scheduler"
local script_versions = require "patchworks.script_versions"
local send = require "patchworks.call.send"
require "patchworks.time.task" -- the clock's sleep

local Client = { __name = "patchworks.client" }
Client.__index = Client

local client = { Client = Client }

local default_timeout, default_attempt_timeout = 60, 30

local function open_engine(settings)
  local engine, problem = core.engine {
    max_connections = settings.max_connections,
    max_response_bytes = settings.max_response_bytes,
    hosted = settings.loop ~= nil,
    user_agent = auth.user_agent, -- for a proxy
    ca_file = settings.ca_file,
    ca_pem = settings.ca_pem,
    ca_path = settings.ca_path,
    proxy = settings.proxy,
    client_cert = settings.client_cert,
    client_key = settings.client_key,
  }
  if not engine then error("patchworks.new: " .. problem, 0) end
  return engine
end

--- Makes a client. See patchworks.new.
-- @tparam ?table given
-- @tparam ?userdata engine in the place of libcurl's: what is started, waited for and closed, with the same methods
function client.new(given, engine)
  local settings = options.resolve(given)
  local loop = settings.loop
  if loop ~= nil and not (type(loop) == "table" and loop.attach and loop.detach) then
    errors.misuse "loop: expected a host's loop, such as require \"patchworks.loop.luv\""
  end
  local credential = settings.credential
  settings.credential = nil
  local record_file = settings.record_file
  local recorder = record_file and require("patchworks.recording.file").open(record_file, settings.base_url)
  engine = engine or open_engine(settings)
  local self = setmetatable({
    base_url = settings.base_url,
    _root = settings.base_url .. "/api/v1",
    _settings = settings,
    _engine = engine,
    _clock = clock,
    _auth = auth.new(credential),
    _bucket = retry.bucket(),
    _gate = gate.new(engine, settings, send.on_wait),
    _defaults = {}, -- endpoint -> the metatable of its calls
    _flights = setmetatable({}, { __mode = "k" }), -- the calls under way
    _holders = setmetatable({}, { __mode = "v" }), -- a flight's pending, as long as somebody holds it
    _recorder = recorder or false,
    _counts = { calls = 0, retries = 0, waits = 0, logins = 0, unrecorded = 0 },
  }, Client)
  self.script_versions = script_versions.new(self)
  if settings.loop then settings.loop.attach(engine) end
  return self
end

local credential_names = { key = "an API key", token = "a token", login = "a login" }

function Client:__tostring()
  return ("patchworks client (%s, %s)"):format(self.base_url, credential_names[self._auth.kind])
end

local none = {}

-- Fills in what the caller may set for one call; it is checked.
local function add_call_options(call, given, what)
  if given.timeout then call.timeout = deadline.seconds(given.timeout) end
  call.attempt_timeout = given.attempt_timeout or call.attempt_timeout
  call.max_attempts = given.max_attempts or call.max_attempts
  call.on_event = given.on_event or call.on_event
  if given.headers ~= nil then call.header_lines = requests.header_lines(given.headers, what .. ": headers") end
  return call
end

-- What all calls of an operation have in common, behind each of them: a table a call is small then.
local function defaults_for(self, endpoint)
  local settings = self._settings
  local common = {
    client = self,
    operation = endpoint.operation,
    method = endpoint.method,
    delivery = endpoint.delivery,
    gone_is_done = endpoint.operation == "delete",
    timeout = settings.timeout or endpoint.timeout or default_timeout,
    attempt_timeout = settings.attempt_timeout or endpoint.attempt_timeout or default_attempt_timeout,
    max_attempts = settings.max_attempts,
    on_event = settings.on_event or false,
    anonymous = false,
    header_lines = false,
  }
  local class = { __index = common }
  self._defaults[endpoint] = class
  return class
end

--- Raises where the client is closed: for a method before it begins.
-- @tparam string what the method's name
function Client:_check_open(what)
  if self._closed then errors.misuse("%s: the client is closed; make another with patchworks.new", what) end
end

--- Prepares the call of an operation: checks everything, sends nothing.
-- @tparam table endpoint see call/endpoints.lua
-- @param id the subject
-- @tparam ?table given the caller's options
-- @tparam ?boolean goes_on it is one more of a method that has begun: where the client is closed, it is cut off
-- @treturn table call, for `send`
function Client:_prepare(endpoint, id, given, goes_on)
  local what = endpoint.operation
  if not goes_on then self:_check_open(what) end
  local segment = arguments.check_id(id, endpoint.label)
  local url = self._root .. endpoint.path .. segment .. (endpoint.suffix or "")
  local call = setmetatable({ url = url }, self._defaults[endpoint] or defaults_for(self, endpoint))
  if given ~= nil then
    methods.check(endpoint, given)
    local query = endpoint.query and requests.query(given, what) or ""
    if query ~= "" then call.url = url .. "?" .. query end
  end
  if endpoint.body then call.body = requests.bodies[endpoint.body](given or none, what) end
  return given and add_call_options(call, given, what) or call
end

--- Begins a prepared call.
-- @treturn table pending: see call/pending.lua
function Client:_begin(call, shape) -- luacheck: no self
  return pending.new(call, shape):start()
end

--- Sends a prepared call and unwraps its answer.
-- @return the value and the response; or nil and an error
function Client:_perform(call, shape) -- luacheck: no self
  local call_under_way <close> = pending.lend(call, shape)
  return call_under_way:perform()
end

--- Calls an operation.
function Client:_call(endpoint, id, given)
  return self:_perform(self:_prepare(endpoint, id, given), endpoint.answer)
end

local deliveries = { GET = "read", POST = "once", PUT = "once", PATCH = "once", DELETE = "once" }
client.request = methods.method {
  name = "request",
  of = "client",
  says = "Reaches the rest of the Core API through the same machinery. A GET is repeated after any passing failure; "
    .. "the others only when the service surely did nothing.",
  takes = {
    { "method", "choice", "of HTTP", values = { "GET", "POST", "PUT", "PATCH", "DELETE" } },
    { "path", "string", 'below `/api/v1`, percent-encoded, such as "/scripts/42"' },
  },
  options = {
    { "query", "table", "names to strings, numbers, booleans or lists of them" },
    { "body", "text", "a table is sent as JSON, a string as it is" },
    { "repeatable", "boolean", "whether doing it twice does the same, so that it may be repeated", default = false },
  },
  call = true,
  gives = "any",
  given = "the decoded answer",
  response = true,
  requests = "1",
  fails = { "not_found", "conflict", "invalid", "too_large" },
  example = [[local scripts, err = client:request("GET", "/scripts", { query = { per_page = 10 } })]],
}

--- Prepares a call of any other part of the Core API.
-- @tparam string method
-- @tparam string path
-- @tparam ?table given the caller's options
-- @tparam ?table takes the method's table, where it isn't `request`
-- @tparam ?boolean goes_on as for `_prepare`
function Client:_prepare_request(method, path, given, takes, goes_on)
  if not goes_on then self:_check_open "request" end
  if not deliveries[method] then
    errors.misuse("request: expected GET, POST, PUT, PATCH or DELETE as the method, got %s", arguments.show(method))
  end
  path = requests.check_path(path, "request: path")
  methods.check(takes or client.request, given)
  given = given or none
  local query = requests.free_query(given.query, "request: query")
  local call = {
    client = self,
    operation = method .. " " .. path,
    method = method,
    url = self._root .. path .. (query ~= "" and "?" .. query or ""),
    body = requests.free_body(given.body, "request: body"),
    delivery = given.repeatable and method ~= "GET" and "repeatable" or deliveries[method],
    timeout = self._settings.timeout or default_timeout,
    attempt_timeout = self._settings.attempt_timeout or default_attempt_timeout,
    max_attempts = self._settings.max_attempts,
    on_event = self._settings.on_event,
  }
  if call.body and method == "GET" then errors.misuse("request: a GET has no body") end
  return add_call_options(call, given, "request")
end

--- Reaches the rest of the Core API through the same machinery.
-- @tparam string method GET, POST, PUT, PATCH or DELETE. A GET is repeated after any passing failure; the others only
-- when the service surely did nothing, unless `repeatable` is set
-- @tparam string path below `/api/v1`, percent-encoded, such as "/scripts/42"
-- @tparam ?table given `query` (names to strings, numbers, booleans or lists), `body` (a table, sent as JSON, or a
-- string, sent as it is), `headers`, `repeatable`, `timeout`, `attempt_timeout`, `max_attempts`, `on_event`
-- @return the decoded answer and the response; or nil and an error
-- @usage local scripts, err = client:request("GET", "/scripts", { query = { per_page = 10 } })
function Client:request(method, path, given)
  return self:_perform(self:_prepare_request(method, path, given), "any")
end

--- What the client did so far.
-- @treturn table `calls`, `retries`, `waits` (for the gate), `logins`, `unrecorded`; `started`, `finished`, `active`
-- (transfers), `connections` (opened), `multiplexed` (transfers over HTTP/2), `sent_bytes`, `received_bytes`,
-- `held_bytes` (of answers, counted as Lua's memory)
function Client:stats()
  self:_check_open "stats"
  pending.sweep(self)
  local stats = self._engine:counts()
  for name, value in pairs(self._counts) do stats[name] = value end
  return stats
end

-- Ends what is under way, each with its true outcome, and lets the engine go.
local close = scheduler.shield(function(self)
  if self._closed then return end
  self._closed = true
  if self._settings.loop then self._settings.loop.detach(self._engine) end
  local flights = {}
  for flight in pairs(self._flights) do flights[#flights + 1] = flight end
  for _, flight in ipairs(flights) do
    flight.reason = "the client was closed"
    scheduler.cancel(flight)
  end
  self._auth:close()
  engines.forget(self._engine)
  self._engine:close()
  if self._recorder then self._recorder:close() end
end)

--- Closes the client: what is under way is cancelled, connections are closed. Safe to call twice.
function Client:close() close(self) end

Client.__close = Client.close

return client
