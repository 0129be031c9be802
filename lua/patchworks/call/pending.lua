--- A call that was begun: waiting for it, ending it, and telling its listener.
--
-- The call goes on as a job; this is what its owner holds. A listener (`on_event`) runs here, in the owner's own
-- coroutine, so that what it raises, yields or costs is the owner's (see listener.lua).
--
-- @module patchworks.call.pending
local answers = require "patchworks.call.answer"
local core = require "patchworks.core"
local listeners = require "patchworks.call.listener"
local scheduler = require "patchworks.time.scheduler"
local send = require "patchworks.call.send"

local Pending = { __name = "patchworks.pending" }
Pending.__index = Pending

local pending = {}

--- Makes one, which is not under way yet.
-- @tparam table call see send.lua
-- @tparam string shape how a success is unwrapped, see answer.lua
function pending.new(call, shape)
  return setmetatable({ call = call, flight = false, shape = shape, listener = false, lent = false }, Pending)
end

-- A lent one that was closed. A host's hook may yield, or begin calls, between any two statements: it is taken by one.
local spares = {}

--- Makes one that nobody has once it was closed: it serves the next call then.
function pending.lend(call, shape)
  local self = table.remove(spares)
  if not self then
    self = pending.new(call, shape)
    self.lent = true
    return self
  end
  self.call, self.shape, self.listener = call, shape, false
  return self
end

local function begin(self)
  local flight = send.flight(self.call)
  self.call, self.flight = false, flight
  local client = flight.client
  if client._closed then -- by a hook, since the call was prepared
    flight.finished, flight.over, flight.reason = true, true, "the client was closed"
    return flight:cut()
  end
  client._holders[flight] = self
  client._flights[flight] = true
  scheduler.start(flight, send.run)
end

local start = scheduler.shield(begin)

--- Sends it.
function Pending:start()
  start(self)
  return self
end

local start_and_turn = core.shield(function(self)
  begin(self)
  scheduler.turn(self.flight)
end)

--- Sends it and waits until it has ended.
-- @return the value and the response; or nil and an error
function Pending:perform()
  if scheduler.takes_turns() then
    start_and_turn(self) -- the first of its turns, which is the only one of most calls
  else
    start(self)
  end
  return self:wait()
end

local cut = scheduler.shield(function(flight, reason)
  flight.reason = reason
  scheduler.cancel(flight)
  local owner = flight.owner
  if owner and owner._is_task then owner._cut_off = flight.problem end
end)

--- Ends the call where it is; one that has ended is left alone.
-- @tparam ?string reason for the error
function Pending:cancel(reason)
  local flight = self.flight
  if flight and not flight.finished then cut(flight, reason) end
end

-- Whether a call may have changed something at the service.
local function has_done(flight)
  if flight.call.delivery == "read" then return false end
  return flight.value ~= false or (flight.problem and flight.problem.outcome == "unknown")
end

function Pending.__close(self)
  local flight = self.flight
  if not flight then
    if self.lent then spares[1] = self end
    return
  end
  if not flight.finished then
    -- First what needs no memory: whatever becomes of the rest, the request goes no further.
    local transfer = flight.transfer
    if transfer then transfer:close() end
    return cut(flight)
  end
  -- It had ended, and its owner was cut off before it was told.
  local owner = scheduler.current_owner()
  if owner and has_done(flight) then owner._did = true end
end

--- Ends the calls of a client that nobody holds any more: their coroutines were dropped in the middle of them.
-- @tparam table client
pending.sweep = scheduler.shield(function(client)
  local dropped = {}
  for flight in pairs(client._flights) do
    if not client._holders[flight] then dropped[#dropped + 1] = flight end
  end
  for _, flight in ipairs(dropped) do cut(flight) end
end)

local function tell(self, flight)
  local events = flight.events
  flight.events = false
  self.listener = self.listener or listeners.new(flight.call.on_event)
  for _, event in ipairs(events) do self.listener(event) end
end

local function unwrap(self, flight)
  local response = flight.value
  if not response then return nil, flight.problem end
  if response.status == 404 then return { message = "it was gone already: an earlier attempt deleted it" }, response end
  local value, failure = answers.unwrap(self.shape, response)
  if value == nil then return nil, send.error_of(flight.call, failure, response.attempts) end
  return value, response
end

--- Whether the call has ended.
function Pending:done() return not self.flight or self.flight.finished end

--- Waits until the call has ended. Once for each call.
-- @return the value and the response; or nil and an error
function Pending:wait()
  local flight = self.flight
  while true do
    if flight.events then tell(self, flight) end
    if flight.finished then break end
    scheduler.wait(flight)
  end
  self.flight = false
  local owner = scheduler.current_owner()
  if owner and has_done(flight) then owner._did = true end
  if flight.raised then error(flight.raised, 0) end
  if not self.listener then
    local value, response = unwrap(self, flight)
    send.drop(flight)
    return value, response
  end
  return listeners.settle(self.listener, flight.call.operation, unwrap(self, flight))
end

return pending
