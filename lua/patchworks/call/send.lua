--- One call's way to the service and back: authorised, through the gate, and again where its delivery class allows.
--
-- A *flight* is a call under way: a job (see time/scheduler.lua), with all that is known of it. Its `value` is the
-- response, or its `problem` the error, made here and nowhere else.
--
-- @module patchworks.call.send
local answers = require "patchworks.call.answer"
local auth = require "patchworks.call.auth"
local clock = require "patchworks.time.clock"
local core = require "patchworks.core"
local deadline = require "patchworks.time.deadline"
local engines = require "patchworks.time.engines"
local errors = require "patchworks.errors"
local gate = require "patchworks.call.gate"
local retry = require "patchworks.call.retry"
local scheduler = require "patchworks.time.scheduler"

local send = {}

-- `tried`: the attempts so far; `sent_at`, `status`, `remaining`, `pause`, `transfer`: of the one under way; `seen`:
-- what the gate knew when it passed; `attempts`, those that failed; `failure`, the last one; `taken`, what its retry
-- drew; `renewals` of the login; `unknown`, whether an attempt may have done something; `events`, what its owner's
-- listener is still to be told; `teller`, the flight that this one was sent for. Fields that come later are named here,
-- so that an attempt can't be made and then fail for want of memory for what it has to note.
local Flight = deadline.extend { __name = "patchworks.flight" }

local function new_flight()
  return setmetatable({
    call = false, client = false, began = 0, at = 0, tried = 0, transfer = false, status = false, remaining = false,
    pause = false, seen = 0, attempts = false, failure = false, taken = false, renewals = 0, unknown = false,
    events = false, teller = false, value = false, problem = false, finished = false, raised = false, sent_at = false,
    over = false, owner = false, notify = false, joins = false, place = false, _thread = false, _wait = false,
    _queue = false, _before = false, _after = false,
  }, Flight)
end

local spare = false -- one that has ended well, at once: calls one after the other need one

--- Makes a flight, from behind a shield.
-- @tparam table call `client`, `operation`, `method`, `url`, `body`, `delivery`, `timeout`, `attempt_timeout`,
-- `max_attempts`, `header_lines`, `on_event`
function send.flight(call)
  local flight = spare or new_flight()
  spare = false
  local began = clock.now()
  flight.call, flight.client, flight.began, flight.at, flight.tried = call, call.client, began, began + call.timeout, 0
  flight.finished, flight.over, flight.owner = false, false, false
  return flight
end

--- Gives one back that has ended and that nobody looks at any more.
function send.drop(flight)
  if flight.tried ~= 1 or not flight.value or flight.events then return end
  flight.call, flight.client, flight.value = false, false, false
  spare = flight
end

-- Notes an event for the call's listener, which runs with its owner.
local function emit(flight, event)
  local call = flight.call
  if not call.on_event then return end
  event.operation, event.method, event.url = call.operation, call.method, call.url
  local told = flight.teller or flight
  local events = told.events or {}
  events[#events + 1] = event
  told.events = events
  scheduler.stir(told)
end

--- Called by the gate before a wait.
function send.on_wait(flight, seconds)
  local counts = flight.client._counts
  counts.waits = counts.waits + 1
  emit(flight, { type = "wait", seconds = seconds })
end

--- Makes the error that a call ends with. A service that echoes the credential must not bring it into a log.
-- @tparam table call
-- @tparam table failure its fields
-- @tparam ?table attempts
-- @tparam ?boolean unknown whether an attempt before the last may have done something
-- @treturn table error
function send.error_of(call, failure, attempts, unknown)
  local credential = call.client._auth
  credential:redact(failure)
  local message = failure.message
  return errors.new {
    kind = failure.kind,
    status = failure.status,
    message = type(message) == "function" and message() or message,
    errors = failure.errors,
    retry_after = failure.retry_after,
    response = failure.response,
    hint = failure.hint or credential:hint(failure.kind, call.operation),
    cause = failure.cause,
    login_url = failure.login_url,
    operation = call.operation,
    url = call.url,
    attempts = attempts or {},
    outcome = (unknown or retry.outcome(call.delivery, failure) == "unknown") and "unknown" or "none",
  }
end

local function fail(flight, failure)
  flight.problem = send.error_of(flight.call, failure, flight.attempts, flight.unknown)
end

-- Keeps an attempt in the client's recording: the answer, or the failure that came in its place.
-- @treturn ?string why it can't be kept any more, once
local function keep(flight, status, answer, header_block)
  local failure = not status and answer or nil
  local client = flight.client
  local kept, problem = client._recorder:note(flight.call, {
    number = flight.tried,
    seconds = clock.now() - flight.sent_at,
    status = status,
    body = status and answer,
    header_block = header_block,
    failure = failure,
  })
  if not kept then client._counts.unrecorded = client._counts.unrecorded + 1 end
  return problem
end

local function add_attempt(flight, record)
  local attempts = flight.attempts or {}
  attempts[#attempts + 1] = record
  flight.attempts = attempts
end

-- Ends the exchange, and leaves the gate, also when the flight is cut off in the middle.
function Flight.__close(flight)
  local transfer = flight.transfer
  if transfer then
    flight.transfer, flight.cut_sent = false, true
    transfer:close()
    local status, _, _, sent = transfer:answer()
    flight.cut_sent = status ~= nil or sent
    engines.settle(flight.client._engine)
    flight.tried = flight.tried + 1
    local cut = { kind = "cancelled", message = "it was cut off", sent = flight.cut_sent,
      started = flight.sent_at - flight.began, seconds = clock.now() - flight.sent_at }
    add_attempt(flight, cut)
    if flight.client._recorder then keep(flight, nil, cut) end
  end
  flight.client._gate:leave(flight, flight.status, flight.pause, flight.remaining)
end

-- The failure where the engine can't be used: `kind`, unless it is another process's.
local function refused(kind, problem, sent)
  local hint = problem:find "fork" and "make a client of its own in each process"
  return nil, { kind = hint and "protocol" or kind, message = problem, hint = hint, sent = sent }
end

-- One exchange over the engine: status, body, header block, transfer; or nil and the fields of a failure.
local function exchange(flight, headers, began, seconds)
  local call = flight.call
  local client = flight.client
  local engine, connect = client._engine, client._settings.connect_timeout
  -- The engine's own time-out comes a second later: ours is kept by the clock that all waits have.
  local transfer, problem = engine:start(call.method, call.url, headers, call.body,
    -- libcurl's own second sending would hide that there was a first one: a deleted version would be "not found".
    call.delivery ~= "read", seconds + 1, connect < seconds and connect or seconds + 1)
  if not transfer then
    if client._closed then return nil, { kind = "cancelled", message = problem, sent = false } end
    return refused("protocol", problem, false)
  end
  flight.transfer = transfer
  local in_time = scheduler.await(engine, transfer, began + seconds)
  if not in_time then
    transfer:close()
    engines.settle(engine)
  end
  flight.transfer = false
  local status, body, header_block, sent = transfer:answer()
  if status then return status, body, header_block, transfer end
  if not in_time then
    return nil, { kind = "timeout", message = ("no answer within %.3g s"):format(seconds), sent = sent }
  end
  problem = not client._closed and engines.problem_of(engine)
  if problem then return refused("network", problem, sent) end
  return nil, { kind = body, message = header_block or "the client was closed", sent = sent }
end

-- Notes a failed attempt, and whether and when another may go: `delay`.
local function note_failure(flight, failure, record)
  local call = flight.call
  flight.client._auth:redact(failure)
  record.kind, record.message, record.sent = failure.kind, failure.message, failure.status ~= nil or failure.sent
  add_attempt(flight, record)
  flight.unknown = flight.unknown or retry.outcome(call.delivery, failure) == "unknown"
  if retry.whether(call.delivery, failure) then
    failure.delay = retry.delay(flight.tried, failure, clock.random)
  end
  if failure.status == 429 then flight.pause = failure.retry_after or failure.delay end
  return nil, failure
end

-- One attempt, inside of the gate. Gives a response, or nil and a failure; the failure has `delay`, the seconds before
-- another attempt may go, when one may.
local function attempt(flight, headers, began)
  local call = flight.call
  flight.status, flight.remaining, flight.pause = false, false, false
  local _ <close> = flight
  local left, most = flight.at - began, call.attempt_timeout
  if left <= 0 then
    return nil, { kind = "timeout", message = "the call's time was up before it was sent", sent = false }
  end
  flight.sent_at = began
  local status, body, header_block, transfer = exchange(flight, headers, began, left < most and left or most)
  local started, seconds = began - flight.began, clock.now() - began
  flight.tried = flight.tried + 1
  local unrecorded = flight.client._recorder and keep(flight, status, body, header_block)
  if unrecorded then emit(flight, { type = "record", message = unrecorded }) end
  if not status then return note_failure(flight, body, { started = started, seconds = seconds }) end
  flight.status = status
  local remaining = core.header(header_block, "x-ratelimit-remaining")
  if remaining then flight.remaining = tonumber(remaining) or false end
  local response = answers.response(status, body, header_block, transfer, started, seconds, flight.attempts)
  if status >= 200 and status < 300 then return response end
  local failure = answers.failure(response)
  note_failure(flight, failure, { started = started, seconds = seconds, status = status })
  response.attempts = flight.attempts
  return nil, failure
end

-- The headers to send, after a login where one is needed; or nil.
local function authorise(flight)
  local call, credential = flight.call, flight.client._auth
  if call.anonymous then return auth.anonymous() end
  if not credential.headers_alone then
    local ok, problem = credential:ready(function()
      return require("patchworks.call.login").send(flight.client, function(login)
        return send.inside(flight, login)
      end)
    end, flight)
    if not ok then
      fail(flight, problem and {
        kind = problem.kind, status = problem.status, message = "the login failed: " .. problem.message,
        retry_after = problem.retry_after, hint = problem.hint, response = problem.response, cause = problem,
        login_url = problem.url, unsent = true,
      } or { kind = "timeout", message = "the call's time was up during the login", sent = false })
      return nil
    end
  end
  return credential.headers(call.header_lines or nil, call.body)
end

-- Whether, and when, to go on after a failed attempt: true to try again, else nil.
local function may_retry(flight, failure)
  local client = flight.client
  if not failure.delay or flight.tried >= flight.call.max_attempts + flight.renewals then return nil end
  if clock.now() + failure.delay >= flight.at then
    if failure.retry_after then
      failure.message = ("%s; the service asks to wait %.3g s, which is past the call's timeout"):format(
        failure.message:match "^(.-)%.?$",
        failure.retry_after
      )
    end
    return nil
  end
  flight.taken = client._bucket:take(failure)
  if not flight.taken then
    failure.hint = "too many of this client's requests failed lately: it does not retry until some succeed"
    return nil
  end
  client._counts.retries = client._counts.retries + 1
  emit(flight, { type = "retry", number = flight.tried + 1, seconds = failure.delay, kind = failure.kind,
    status = failure.status })
  -- After a 429 the gate does the waiting, for all of the client's calls.
  if failure.status ~= 429 then clock.sleep(failure.delay) end
  return true
end

local function tell_attempt(flight, response)
  local record = response or flight.attempts[#flight.attempts]
  emit(flight, {
    type = "attempt",
    number = flight.tried,
    status = record.status,
    kind = record.kind,
    message = record.message,
    seconds = record.seconds,
  })
end

local function succeed(flight, response)
  flight.client._bucket:give(flight.taken)
  flight.value = response
end

-- Goes on after a failed attempt where that makes sense; otherwise the flight has its end.
local function go_on(flight, failure, generation)
  local call = flight.call
  if call.gone_is_done and failure.status == 404 and flight.unknown then
    return succeed(flight, failure.response)
  end
  flight.failure = failure
  if failure.status == 401 and not call.anonymous and flight.renewals == 0
    and flight.client._auth:refused(generation) then
    flight.renewals = 1
    return true
  end
  if may_retry(flight, failure) then return true end
  fail(flight, failure)
end

--- A flight's job: as many attempts as its delivery class allows, within its deadline.
function send.run(flight)
  local call, client = flight.call, flight.client
  local counts = client._counts
  counts.calls = counts.calls + 1
  repeat
    local headers = authorise(flight)
    if not headers then break end
    local generation, tried = client._auth.generation, flight.tried
    local passed, now_or_hold = client._gate:enter(flight)
    if not passed then
      fail(flight, gate.held_back(flight.failure, now_or_hold))
      break
    end
    if client._flights[flight] and not client._holders[flight] then
      -- Nobody holds it any more: what was not sent yet never is.
      client._gate:leave(flight)
      break
    end
    local response, failure = attempt(flight, headers, now_or_hold)
    if call.on_event and flight.tried > tried then tell_attempt(flight, response) end
    if response then succeed(flight, response) end
  until response or not go_on(flight, failure, generation)
  client._flights[flight], client._holders[flight] = nil, nil
end

--- Makes the end of a flight that was cut off: its task was cancelled, or its client closed.
function Flight:cut()
  self.client._flights[self] = nil
  fail(self, { kind = "cancelled", message = self.reason or "the call was cancelled", sent = self.cut_sent or false })
end

--- For jobs: sends a call for a flight, whose owner's listener hears of it.
-- @treturn ?table response; or nil and an error
function send.inside(flight, call)
  local inner = send.flight(call)
  inner.teller = flight
  send.run(inner)
  return inner.value or nil, inner.problem or nil
end

return send
