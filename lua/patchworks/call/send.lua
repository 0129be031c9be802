--- One call's way to the service and back: authorised, through the gate, and again where its delivery class allows.
-- @module patchworks.call.send
local answers = require "patchworks.call.answer"
local async = require "patchworks.async"
local auth = require "patchworks.call.auth"
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local gate = require "patchworks.call.gate"
local retry = require "patchworks.call.retry"

local send = {}

--- Tells a call's listener, if it has one, what happens to it.
function send.emit(call, event)
  local listener = call.on_event
  if not listener then return end
  event.operation, event.method, event.url = call.operation, call.method, call.url
  listener(event)
end

-- What is known of a call under way, besides: `began`, the time; `tried`, the attempts so far; `attempts`, the failed
-- ones as errors show them; `failure`, the last one; and of the attempt under way `entered` and `probe`, for the gate,
-- `transfer`, `status`, `remaining` and `pause`.
local Flight = {
  __name = "patchworks.flight",
  renewals = 0, -- of the login
  unknown = false, -- whether an attempt may have done something
}
Flight.__index = Flight

-- Leaves the gate, also when the task is cancelled in the middle of an exchange, which then ends too.
function Flight.__close(flight)
  local transfer, entered = flight.transfer, flight.entered
  if transfer then
    flight.transfer = nil
    transfer:close()
  end
  if entered then
    flight.entered = nil
    flight.gate:leave(flight.status, flight.pause, flight.remaining, flight.probe, entered)
  end
end

--- Makes the error that a call ends with. A service that echoes the credential must not bring it into a log.
-- @tparam table client
-- @tparam table call
-- @tparam table failure its fields
-- @tparam table attempts
-- @tparam ?boolean unknown whether an attempt before the last may have done something
-- @return nil and the error
function send.fail(client, call, failure, attempts, unknown)
  client.auth:redact(failure)
  return nil,
    errors.new {
      kind = failure.kind,
      status = failure.status,
      message = failure.message,
      errors = failure.errors,
      retry_after = failure.retry_after,
      response = failure.response,
      hint = failure.hint or client.auth:hint(failure.kind, call.operation),
      operation = call.operation,
      url = call.url,
      attempts = attempts,
      outcome = (unknown or retry.outcome(call.delivery, failure) == "unknown") and "unknown" or "none",
    }
end

local function fail(client, call, failure, flight)
  return send.fail(client, call, failure, flight.attempts or {}, flight.unknown)
end

-- One exchange over the engine: status, body and header block; or nil and the fields of a failure.
local function exchange(client, call, headers, seconds, flight)
  local engine = client.engine
  local connect = client.settings.connect_timeout
  local transfer, problem = engine:start(
    call.method,
    call.url,
    headers,
    call.body,
    -- libcurl's own second sending would hide that there was a first one: a deleted version would be "not found".
    call.delivery ~= "read",
    seconds,
    connect < seconds and connect or seconds
  )
  if not transfer then return nil, { kind = "protocol", message = problem, sent = false } end
  flight.transfer = transfer
  async.await(engine, transfer)
  flight.transfer = nil
  local status, body, header_block, sent = transfer:answer()
  if status then return status, body, header_block, transfer end
  return nil, { kind = body, message = header_block or "the client was closed", sent = sent }
end

-- Notes a failed attempt, and whether and when another may go: `delay`.
local function note_failure(client, call, failure, flight, record)
  client.auth:redact(failure)
  record.kind, record.message, record.sent = failure.kind, failure.message, failure.status ~= nil or failure.sent
  flight.attempts = flight.attempts or {}
  flight.attempts[#flight.attempts + 1] = record
  if retry.whether(call.delivery, failure) then
    failure.delay = retry.delay(flight.tried, failure, client.clock.random)
  end
  if failure.status == 429 then flight.pause = failure.retry_after or failure.delay end
  return nil, failure
end

-- One attempt: through the gate, out and back. Gives a response, or nil and a failure; the failure has `delay`, the
-- seconds before another attempt may go, when one may.
local function attempt(client, call, headers, flight, now, deadline)
  local clock = client.clock
  flight.status, flight.remaining, flight.pause = nil, nil, nil
  local _ <close> = flight
  local passed, hold, began, entered = flight.gate:enter(deadline, call, now)
  if not passed then return nil, { held = hold } end
  flight.probe, flight.entered = hold, entered
  local left, most = deadline - began, call.attempt_timeout
  if left <= 0 then
    return nil, { kind = "timeout", message = "the call's time was up before it was sent", sent = false }
  end
  local status, body, header_block, transfer = exchange(client, call, headers, left < most and left or most, flight)
  local started, seconds = began - flight.began, clock.now() - began
  flight.tried = flight.tried + 1
  if not status then
    return note_failure(client, call, body, flight, { started = started, seconds = seconds })
  end
  flight.status = status
  local remaining = core.header(header_block, "x-ratelimit-remaining")
  if remaining then flight.remaining = tonumber(remaining) end
  local response = answers.response(status, body, header_block, transfer, started, seconds, flight.attempts)
  if status >= 200 and status < 300 then return response end
  local record = { started = started, seconds = seconds, status = status }
  local _, failure = note_failure(client, call, answers.failure(response, clock), flight, record)
  response.attempts = flight.attempts
  return nil, failure
end

-- The headers to send, after a login where one is needed; or nil and an error.
local function authorise(client, call, flight, deadline)
  if call.anonymous then return auth.anonymous() end
  local credential = client.auth
  if credential.headers_alone then return credential.headers(call.header_lines) end
  local login = require "patchworks.call.login"
  local ok, problem = credential:ready(function() return login.send(client, deadline, send.call) end, deadline)
  if ok then return credential.headers(call.header_lines) end
  if problem then return login.refused(call, problem) end
  local failure = { kind = "timeout", message = "the call's time was up during the login", sent = false }
  return fail(client, call, failure, flight)
end

-- Whether, and when, to go on after a failed attempt: true to try again, else nil.
local function may_retry(client, call, failure, flight, deadline)
  if not failure.delay or flight.tried >= call.max_attempts + flight.renewals then return nil end
  if client.clock.now() + failure.delay >= deadline then
    if failure.retry_after then
      failure.message = ("%s; the service asks to wait %.3g s, which is past the call's timeout"):format(
        failure.message,
        failure.retry_after
      )
    end
    return nil
  end
  if not client.bucket:take(failure) then
    failure.hint = "too many of this client's requests failed lately: it does not retry until some succeed"
    return nil
  end
  client.counts.retries = client.counts.retries + 1
  if call.on_event then
    send.emit(call, { type = "retry", number = flight.tried + 1, seconds = failure.delay, kind = failure.kind,
      status = failure.status })
  end
  -- After a 429 the gate does the waiting, for all of the client's calls.
  if failure.status ~= 429 then client.clock.sleep(failure.delay) end
  return true
end

local function tell_attempt(call, flight, response)
  local record = response or flight.attempts[#flight.attempts]
  send.emit(call, {
    type = "attempt",
    number = flight.tried,
    status = record.status,
    kind = record.kind,
    message = record.message,
    seconds = record.seconds,
  })
end

local function succeed(client, response)
  client.bucket:give()
  return response
end

--- Sends one call, as often as its delivery class allows, within its timeout.
-- @tparam table client
-- @tparam table call `operation`, `method`, `url`, `body`, `delivery`, `timeout`, `attempt_timeout`, `max_attempts`,
-- `header_lines`, `on_event`
-- @treturn ?table response of a success; or nil and an error
function send.call(client, call)
  local began = client.clock.now()
  -- Fields that come later are named here: a table that grows is made twice. And no attempt must be begun, and then
  -- fail, for want of memory for what it has to note.
  local flight = setmetatable(
    { gate = client.gate, began = began, tried = 0, entered = nil, probe = nil, transfer = nil, status = nil,
      remaining = nil },
    Flight
  )
  local deadline = began + call.timeout
  local now = began
  client.counts.calls = client.counts.calls + 1
  while true do
    if not client.auth.headers_alone then now = nil end -- a login takes its time
    local headers, problem = authorise(client, call, flight, deadline)
    if not headers then return nil, problem end
    local generation, tried = client.auth.generation, flight.tried
    local response, failure = attempt(client, call, headers, flight, now, deadline)
    now = nil
    if call.on_event and flight.tried > tried then tell_attempt(call, flight, response) end
    if response then return succeed(client, response) end
    if failure.held then return fail(client, call, gate.held_back(flight.failure, failure.held), flight) end
    if call.gone_is_done and failure.status == 404 and flight.unknown then return succeed(client, failure.response) end
    flight.failure = failure
    flight.unknown = flight.unknown or retry.outcome(call.delivery, failure) == "unknown"
    if failure.status == 401 and not call.anonymous and flight.renewals == 0 and client.auth:refused(generation) then
      flight.renewals = 1
    elseif not may_retry(client, call, failure, flight, deadline) then
      return fail(client, call, failure, flight)
    end
  end
end

return send
