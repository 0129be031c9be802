--- The one request path: authorise, wait for the gate, send, retry, unwrap.
-- @module patchworks.client
local answers = require "patchworks.answers"
local arguments = require "patchworks.arguments"
local async = require "patchworks.async"
local auth = require "patchworks.auth"
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local gate = require "patchworks.gate"
local login = require "patchworks.login"
local options = require "patchworks.options"
local requests = require "patchworks.requests"
local retry = require "patchworks.retry"

local Client = { __name = "patchworks.client" }
Client.__index = Client

local client = { Client = Client }

local default_timeout, default_attempt_timeout = 60, 30

local function listens(self, call) return call.on_event or self.settings.on_event end

local function emit(self, call, event)
  local listener = listens(self, call)
  if not listener then return end
  event.operation, event.method, event.url = call.operation, call.method, call.url
  listener(event)
end

--- Makes a client. See patchworks.new.
function client.new(given)
  local settings = options.resolve(given)
  local engine, problem = core.engine {
    max_connections = settings.max_connections,
    max_response_bytes = settings.max_response_bytes,
    hosted = settings.loop ~= nil,
    user_agent = "patchworks-lua/0.1.0",
    ca_file = settings.ca_file,
    ca_path = settings.ca_path,
    proxy = settings.proxy,
    client_cert = settings.client_cert,
    client_key = settings.client_key,
  }
  if not engine then error("patchworks.new: " .. problem, 0) end
  local credential = settings.credential
  settings.credential = nil
  local clock = settings.clock or async.clock
  local self = setmetatable({
    base_url = settings.base_url,
    root = settings.base_url .. "/api/v1",
    settings = settings,
    engine = engine,
    clock = clock,
    auth = auth.new(credential),
    bucket = retry.bucket(),
    defaults = {}, -- endpoint -> the metatable of its calls
    counts = { calls = 0, retries = 0, waits = 0, logins = 0 },
  }, Client)
  self.gate = gate.new(clock, settings.rate_limit, function(call, seconds)
    self.counts.waits = self.counts.waits + 1
    emit(self, call, { type = "wait", seconds = seconds })
  end)
  if settings.loop then settings.loop.attach(engine) end
  return self
end

local credential_names = { key = "an API key", token = "a token", login = "a login" }

function Client:__tostring()
  return ("patchworks client (%s, %s)"):format(self.base_url, credential_names[self.auth.kind])
end

-- Makes the error that a call ends with. A service that echoes the credential must not bring it into a log.
local function fail(self, call, failure, story)
  self.auth:redact(failure)
  return nil,
    errors.new {
      kind = failure.kind,
      status = failure.status,
      message = failure.message,
      errors = failure.errors,
      retry_after = failure.retry_after,
      response = failure.response,
      hint = failure.hint or self.auth:hint(failure.kind, call.operation),
      operation = call.operation,
      url = call.url,
      attempts = story.attempts,
      outcome = (story.unknown or retry.outcome(call.delivery, failure) == "unknown") and "unknown" or "none",
    }
end

-- One exchange over the engine: a response, or nil and the fields of a failure.
local function exchange(self, call, headers, seconds, passage)
  local engine = self.engine
  local transfer, problem = engine:start(
    call.method,
    call.url,
    headers,
    call.body,
    -- libcurl's own second sending would hide that there was a first one: a deleted version would be "not found".
    call.delivery ~= "read",
    seconds,
    math.min(seconds, self.settings.connect_timeout)
  )
  if not transfer then return nil, { kind = "protocol", message = problem, sent = false } end
  passage.transfer = transfer
  async.await(engine, transfer)
  passage.transfer = nil
  local status, body, header_block, sent = transfer:answer()
  if status then return answers.response(status, body, header_block, transfer) end
  return nil, { kind = body, message = header_block or "the client was closed", sent = sent }
end

local Passage = { __name = "patchworks.passage" }

-- Leaves the gate, also when the task is cancelled in the middle of an exchange, which then ends too.
function Passage.__close(passage)
  if passage.transfer then passage.transfer:close() end
  if not passage.passed then return end
  passage.gate:leave(passage.status, passage.pause, passage.remaining, passage.probe, passage.entered)
end

-- One attempt: through the gate, out and back. Gives a response, or nil and a failure; the failure has `delay`, the
-- seconds before another attempt may go, when one may.
local function attempt(self, call, headers, story, deadline)
  local clock = self.clock
  local gate_of_all = self.gate
  -- Fields that come later are named in the constructors here and below: a table that grows is made twice.
  -- And it is made before the gate is passed: nothing may fail between passing and what leaves it again.
  local passage <close> = setmetatable(
    { gate = gate_of_all, passed = false, probe = nil, entered = nil, transfer = nil, status = nil, remaining = nil,
      pause = nil },
    Passage
  )
  local passed, hold, began, entered = gate_of_all:enter(deadline, call)
  if not passed then return nil, { held = hold } end
  passage.passed, passage.probe, passage.entered = true, hold, entered
  local left = deadline - began
  if left <= 0 then
    return nil, { kind = "timeout", message = "the call's time was up before it was sent", sent = false }
  end
  local most = call.attempt_timeout
  local response, failure = exchange(self, call, headers, left < most and left or most, passage)
  local status = response and response.status
  local record = { started = began - story.began, seconds = clock.now() - began, status = status }
  story.attempts[#story.attempts + 1] = record
  if response then
    passage.status = status
    local remaining = core.header(response.header_block, "x-ratelimit-remaining")
    passage.remaining = remaining and tonumber(remaining)
    if status >= 200 and status < 300 then return response end
    failure = answers.failure(response, clock)
  end
  self.auth:redact(failure)
  record.kind, record.message, record.sent = failure.kind, failure.message, failure.status ~= nil or failure.sent
  if retry.whether(call.delivery, failure) then failure.delay = retry.delay(#story.attempts, failure, clock.random) end
  if failure.status == 429 then passage.pause = failure.retry_after or failure.delay end
  return nil, failure
end

-- The headers to send, after a login where one is needed; or nil and an error.
local function authorise(self, call, story, deadline)
  if call.anonymous then return auth.anonymous() end
  local credential = self.auth
  if credential.headers_alone then return credential.headers(call.header_lines) end
  local ok, problem = credential:ready(function() return login.send(self, deadline) end, deadline)
  if ok then return credential.headers(call.header_lines) end
  if problem then return login.refused(call, problem) end
  local failure = { kind = "timeout", message = "the call's time was up during the login", sent = false }
  return fail(self, call, failure, story)
end

-- Whether, and when, to go on after a failed attempt: true to try again, else nil.
local function may_retry(self, call, failure, story, deadline)
  if not failure.delay or #story.attempts >= call.max_attempts + story.renewals then return nil end
  if self.clock.now() + failure.delay >= deadline then
    if failure.retry_after then
      failure.message = ("%s; the service asks to wait %.3g s, which is past the call's timeout"):format(
        failure.message,
        failure.retry_after
      )
    end
    return nil
  end
  if not self.bucket:take(failure) then
    failure.hint = "too many of this client's requests failed lately: it does not retry until some succeed"
    return nil
  end
  self.counts.retries = self.counts.retries + 1
  if listens(self, call) then
    emit(self, call, { type = "retry", number = #story.attempts + 1, seconds = failure.delay, kind = failure.kind,
      status = failure.status })
  end
  -- After a 429 the gate does the waiting, for all of the client's calls.
  if failure.status ~= 429 then self.clock.sleep(failure.delay) end
  return true
end

local function succeed(self, response, story)
  self.bucket:give()
  response.attempts = story.attempts
  return response
end

local function tell_attempt(self, call, story)
  local record = story.attempts[#story.attempts]
  emit(self, call, {
    type = "attempt",
    number = #story.attempts,
    status = record.status,
    kind = record.kind,
    message = record.message,
    seconds = record.seconds,
  })
end

--- Sends one call, as often as its delivery class allows, within its timeout.
-- @tparam table call `operation`, `method`, `url`, `body`, `delivery`, `timeout`, `attempt_timeout`, `max_attempts`,
-- `header_lines`, `on_event`
-- @treturn ?table response of a success; or nil and an error
function Client:send(call)
  local story = { began = self.clock.now(), attempts = {}, unknown = false, renewals = 0 }
  local deadline = story.began + call.timeout
  self.counts.calls = self.counts.calls + 1
  while true do
    local headers, problem = authorise(self, call, story, deadline)
    if not headers then return nil, problem end
    local generation = self.auth.generation
    local tried = #story.attempts
    local response, failure = attempt(self, call, headers, story, deadline)
    if #story.attempts > tried and listens(self, call) then tell_attempt(self, call, story) end
    if response then return succeed(self, response, story) end
    if failure.held then return fail(self, call, gate.held_back(story.failure, failure.held), story) end
    if call.gone_is_done and failure.status == 404 and story.unknown then
      return succeed(self, failure.response, story)
    end
    story.failure = failure
    story.unknown = story.unknown or retry.outcome(call.delivery, failure) == "unknown"
    if failure.status == 401 and not call.anonymous and story.renewals == 0 and self.auth:refused(generation) then
      story.renewals = 1
    elseif not may_retry(self, call, failure, story, deadline) then
      return fail(self, call, failure, story)
    end
  end
end

-- The names that an endpoint's method takes, made once.
local allowed_names = setmetatable({}, { __mode = "k" })

local function allowed_for(endpoint)
  local allowed = allowed_names[endpoint]
  if not allowed then
    allowed = {}
    for name in pairs(endpoint.parameters) do allowed[name] = true end
    for name in pairs(options.per_call) do allowed[name] = true end
    allowed_names[endpoint] = allowed
  end
  return allowed
end

local none = {}

-- Fills in what the caller may set for one call.
local function add_call_options(call, given, what)
  call.timeout = arguments.check_seconds(given.timeout, what .. ": timeout") or call.timeout
  call.attempt_timeout = arguments.check_seconds(given.attempt_timeout, what .. ": attempt_timeout")
    or call.attempt_timeout
  call.max_attempts = arguments.check_integer(given.max_attempts, 1, 100, what .. ": max_attempts")
    or call.max_attempts
  call.on_event = arguments.check_callable(given.on_event, what .. ": on_event")
  if given.headers ~= nil then call.header_lines = requests.header_lines(given.headers, what .. ": headers") end
  return call
end

-- What all calls of an operation have in common, behind each of them: a table a call is small then.
local function defaults_for(self, endpoint)
  local settings = self.settings
  local common = {
    operation = endpoint.operation,
    method = endpoint.method,
    delivery = endpoint.delivery,
    gone_is_done = endpoint.operation == "delete",
    timeout = settings.timeout or endpoint.timeout or default_timeout,
    attempt_timeout = settings.attempt_timeout or endpoint.attempt_timeout or default_attempt_timeout,
    max_attempts = settings.max_attempts,
  }
  local class = { __index = common }
  self.defaults[endpoint] = class
  return class
end

--- Prepares the call of an operation: checks everything, sends nothing.
-- @tparam table endpoint see endpoints.lua
-- @param id the subject
-- @tparam ?table given the caller's options
-- @treturn table call, for `send`
function Client:prepare(endpoint, id, given)
  local what = endpoint.operation
  local segment = arguments.check_id(id, endpoint.label)
  local url = self.root .. endpoint.path .. segment .. (endpoint.suffix or "")
  local call = setmetatable({ url = url, body = nil }, self.defaults[endpoint] or defaults_for(self, endpoint))
  if given ~= nil then
    arguments.check_names(given, allowed_for(endpoint), what)
    local query = endpoint.parameters.include and requests.query(given, what) or ""
    if query ~= "" then call.url = url .. "?" .. query end
  end
  if endpoint.body then call.body = requests.bodies[endpoint.body](given or none, what) end
  return given and add_call_options(call, given, what) or call
end

--- Sends a prepared call and unwraps its answer.
-- @return the value and the response; or nil and an error
function Client:perform(call, shape)
  local response, problem = self:send(call)
  if not response then return nil, problem end
  if response.status == 404 then return { message = "it was gone already: an earlier attempt deleted it" }, response end
  local value, failure = answers.unwrap(shape, response)
  if value == nil then return fail(self, call, failure, { attempts = response.attempts }) end
  return value, response
end

--- Calls an operation.
function Client:call(endpoint, id, given)
  return self:perform(self:prepare(endpoint, id, given), endpoint.answer)
end

local methods = { GET = "read", POST = "once", PUT = "once", PATCH = "once", DELETE = "once" }
local request_names = { query = true, body = true, repeatable = true }
for name in pairs(options.per_call) do request_names[name] = true end

--- Prepares a call of any other part of the Core API.
function Client:prepare_request(method, path, given, allowed)
  if not methods[method] then
    errors.misuse("request: expected GET, POST, PUT, PATCH or DELETE as the method, got %s", arguments.show(method))
  end
  path = requests.check_path(path, "request: path")
  arguments.check_names(given, allowed or request_names, "request")
  given = given or none
  arguments.check_type(given.repeatable, "boolean", "request: repeatable")
  local query = requests.free_query(given.query, "request: query")
  local call = {
    operation = method .. " " .. path,
    method = method,
    url = self.root .. path .. (query ~= "" and "?" .. query or ""),
    body = requests.free_body(given.body, "request: body"),
    delivery = given.repeatable and method ~= "GET" and "repeatable" or methods[method],
    timeout = self.settings.timeout or default_timeout,
    attempt_timeout = self.settings.attempt_timeout or default_attempt_timeout,
    max_attempts = self.settings.max_attempts,
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
  return self:perform(self:prepare_request(method, path, given), "any")
end

--- What the client did so far.
-- @treturn table `calls`, `retries`, `waits` (for the gate), `logins`; `started`, `finished`, `active` (transfers),
-- `connections` (opened), `multiplexed` (transfers over HTTP/2), `sent_bytes`, `received_bytes`
function Client:stats()
  local stats = self.engine:counts()
  for name, value in pairs(self.counts) do stats[name] = value end
  return stats
end

--- Closes the client: what is under way is cancelled, connections are closed. Safe to call twice.
function Client:close()
  if self.settings.loop and not self.closed then self.settings.loop.detach(self.engine) end
  self.closed = true
  self.engine:close()
  async.forget(self.engine)
end

Client.__close = Client.close

return client
