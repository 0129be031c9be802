-- A simulated engine, with the face of the real one: a request goes out, has its effect, and its answer comes back, each
-- at a time of the virtual clock; or one of the faults happens to it.
local service = require "spec.simulation.service"

local Engine, Transfer = {}, {}
Engine.__index, Transfer.__index = Engine, Transfer

local engine = {}

--- What can happen to a request. `effect`: whether it gets to the service.
engine.faults = {
  "not connected", -- nothing was sent
  "connecting times out",
  "lost before", -- sent; the service never saw it
  "lost after", -- done; no answer came
  "slow", -- done at once, answered late
  "late", -- no answer; done long after everybody gave up
  "unauthorised", -- a 401 of a proxy, nothing done
  "refused", -- 429
  "unavailable", -- 503 with Retry-After, nothing done
  "broken before", -- 500, nothing done
  "broken after", -- 502, and done
  "truncated", -- done; the answer is cut
  "garbage", -- done; the answer is no JSON
}

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function parse_query(text)
  local query = {}
  for name, value in (text or ""):gmatch "([^&=]+)=([^&]*)" do query[unescape(name)] = unescape(value) end
  return query
end

--- Makes an engine.
-- @tparam table world `clock`, `service`, `log(kind, ..)`, `number()` of requests
-- @tparam table actor `name`; `step`, what it does now; `fault(k)` gives what happens to the step's k-th request
-- @tparam integer max_connections
function engine.new(world, actor, max_connections)
  return setmetatable({
    world = world,
    actor = actor,
    most = max_connections,
    under_way = {}, -- set of transfers
    active_count = 0,
    running = 0, -- those that have a connection
    queue = {},
    finished = {}, -- those that `next` has not given yet
    finished_first = 1,
    finished_last = 0,
    started = 0,
  }, Engine)
end

local passing = 0.0005 -- seconds that go by while a request is started
local start_transfer

-- Takes the transfer off the engine, and lets one that waits for a connection have it.
local function release(transfer)
  local self = transfer.engine
  if not self.under_way[transfer] then return end
  self.under_way[transfer] = nil
  self.active_count = self.active_count - 1
  if not transfer.running then return end
  transfer.running = false
  self.running = self.running - 1
  while self.queue[1] and self.running < self.most do
    local waiting = table.remove(self.queue, 1)
    if self.under_way[waiting] then start_transfer(waiting) end
  end
end

-- Ends a transfer: with an answer, or with a failure.
local function finish(transfer, ...)
  if transfer.ended then return end
  transfer.ended = table.pack(...)
  transfer.request.over, transfer.request.ended = true, transfer.engine.world.clock.time
  transfer.request.answered, transfer.request.given = ..., select(3, ...)
  transfer.engine.world.log("ended", transfer.request, ...)
  release(transfer)
  local self = transfer.engine
  self.finished_last = self.finished_last + 1
  self.finished[self.finished_last] = transfer
end

local function fail(transfer, kind, message, sent) finish(transfer, nil, kind, message, sent) end

local function answer(transfer, status, body, headers)
  finish(transfer, status, body, ("HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%s\r\n"):format(status, headers or ""))
end

-- The effect: what the service does, at the moment when the request gets there.
local function arrive(transfer)
  local request, world = transfer.request, transfer.engine.world
  request.late = request.over
  request.arrived = world.clock.time
  request.status, request.answer, request.headers = world.service:handle(request)
  world.log("arrived", request)
end

local function later(transfer, seconds, fn)
  local clock = transfer.engine.world.clock
  clock:at(clock.time + seconds, fn, transfer)
end

local function reply(transfer)
  local request = transfer.request
  answer(transfer, request.status, request.answer, request.headers)
end

-- The request has gone out: from here on closing the transfer doesn't keep the service from doing it.
local function depart(transfer)
  if transfer.ended then return end
  transfer.sent = true
  local plan = transfer.plan
  if plan.effect then later(transfer, plan.effect, arrive) end
  later(transfer, plan.back, plan.finish)
end

local plans = {}

local function lost(transfer) fail(transfer, "network", "the connection was lost", true) end

plans["lost before"] = function() return { back = 0.02, finish = lost } end
plans["lost after"] = function(fault) return { effect = fault.there, back = fault.there + 0.01, finish = lost } end
plans.slow = function(fault) return { effect = fault.there, back = fault.seconds, finish = reply } end
plans.late = function(fault) return { effect = fault.seconds, back = fault.gives_up, finish = lost } end
plans.truncated = plans["lost after"]

plans.garbage = function(fault)
  -- What came is cut, and still called whole.
  local function finish_it(transfer)
    local request = transfer.request
    answer(transfer, request.status, request.answer:sub(1, math.max(1, #request.answer - 3)), request.headers)
  end
  return { effect = fault.there, back = fault.there + 0.01, finish = finish_it }
end

local function status_plan(status, effect, headers, slow)
  return function(fault)
    local function finish_it(transfer)
      local served = transfer.engine.world.service
      answer(transfer, status, served:refuse(transfer.request), headers and headers(served, transfer.request, fault))
    end
    return { effect = effect and fault.there, back = fault.there + (slow and fault[slow] or 0.01), finish = finish_it }
  end
end

plans.unauthorised = status_plan(401, false)
plans.refused = status_plan(429, false, function(served, request, fault) return served:refusal_headers(request, fault.asks) end, "after")
plans.unavailable = status_plan(503, false, function(served, request, fault) return served:retry_after(request, fault.asks) end)
plans["broken before"] = status_plan(500, false)
plans["broken after"] = status_plan(502, true)

local function plan_of(fault)
  if fault and plans[fault.kind] then return plans[fault.kind](fault) end
  return { effect = fault.there, back = fault.there + fault.back, finish = reply }
end

local function not_connected(transfer) fail(transfer, "network", "not connected", false) end

local function never_connected(transfer) fail(transfer, "timeout", "no connection in time", false) end

local function timed_out(transfer) fail(transfer, "timeout", "no answer in time", transfer.sent == true) end

function start_transfer(transfer)
  local self, fault = transfer.engine, transfer.fault
  transfer.running = true
  self.running = self.running + 1
  if fault.kind == "not connected" then return later(transfer, 0.01, not_connected) end
  if fault.kind == "connecting times out" then return later(transfer, transfer.connect_timeout, never_connected) end
  transfer.plan = plan_of(fault)
  later(transfer, fault.connect, depart)
  later(transfer, transfer.attempt_timeout, timed_out)
end

--- Starts a request. See src/core/lua_engine.c for what each is.
function Engine:start(method, url, headers, body, once, attempt_timeout, connect_timeout)
  local world, actor = self.world, self.actor
  if self.closed then return nil, "the client was closed" end
  if actor.killed then return nil, "the process was killed" end
  local path, query = url:match "^https?://[^/]+([^?]*)%??(.*)$"
  path = path:gsub("^/api/v1", "")
  local request = {
    number = world.number(),
    actor = actor.name,
    step = actor.step,
    attempt = actor.attempt,
    client = self,
    method = method,
    path = path,
    query = parse_query(query),
    query_text = query,
    body = body,
    once = once,
    authorization = world.credential_of(headers),
    started = world.clock.time,
  }
  request.operation, request.subject = service.route(method, path)
  local transfer = setmetatable({
    engine = self,
    request = request,
    attempt_timeout = attempt_timeout,
    connect_timeout = connect_timeout,
  }, Transfer)
  transfer.fault = actor.fault(request)
  request.fault = transfer.fault.kind
  if transfer.fault.kind == "killed before" then
    self:kill()
    return nil, "the process was killed"
  end
  world.log("started", request, transfer.fault)
  world.clock:pass(passing) -- in which other requests may end, as they may while the real one starts
  self.started = self.started + 1
  self.under_way[transfer] = true
  self.active_count = self.active_count + 1
  if transfer.fault.kind == "killed after" then
    transfer.sent = true
    later(transfer, transfer.fault.there, arrive)
    self:kill()
  elseif self.running < self.most then
    start_transfer(transfer)
  else
    self.queue[#self.queue + 1] = transfer
  end
  return transfer
end

--- The process ends here: nothing more goes out, and nothing more is heard.
function Engine:kill()
  self.actor.killed = true
  self.world.log("killed", { actor = self.actor.name, step = self.actor.step })
  local all = {}
  for transfer in pairs(self.under_way) do all[#all + 1] = transfer end
  table.sort(all, function(left, right) return left.request.number < right.request.number end)
  for _, transfer in ipairs(all) do fail(transfer, "network", "the process was killed", true) end
end

function Engine:has_finished() return self.finished[self.finished_first] ~= nil end

function Engine:step(seconds)
  self.world.clock:wait({ self }, seconds)
  return true
end

function Engine:next()
  local transfer = self.finished[self.finished_first]
  if not transfer then return nil end
  self.finished[self.finished_first] = nil
  self.finished_first = self.finished_first + 1
  transfer.taken, transfer.request.taken = true, true
  self.world.log("taken", transfer.request)
  return transfer, self:has_finished()
end

function Engine:active() return self.active_count + self.finished_last - self.finished_first + 1 end

function Engine:fd() end -- luacheck: no self

function Engine:counts()
  return { started = self.started, finished = self.started - self.active_count, active = self.active_count, connections = 1,
    multiplexed = 0, sent_bytes = 0, received_bytes = 0 }
end

function Engine:close()
  self.closed = true
  local all = {}
  for transfer in pairs(self.under_way) do all[#all + 1] = transfer end
  table.move(self.finished, self.finished_first, self.finished_last, #all + 1, all)
  for _, transfer in ipairs(all) do transfer:close() end
end

function Transfer:done() return self.taken == true end

function Transfer:answer()
  if not self.taken then error("the transfer is not done", 2) end
  return table.unpack(self.ended, 1, self.ended.n)
end

-- One that has ended, and whose answer nobody has taken, goes with its answer.
local function drop(transfer)
  local self = transfer.engine
  for i = self.finished_first, self.finished_last do
    if self.finished[i] == transfer then
      table.move(self.finished, i + 1, self.finished_last + 1, i)
      self.finished_last = self.finished_last - 1
      return
    end
  end
end

function Transfer:close()
  if self.taken then return end
  self.taken = true
  if self.ended then
    drop(self)
    self.request.answered, self.request.given = nil, "cancelled"
  end
  self.ended = table.pack(nil, "cancelled", "the transfer was cancelled", self.sent == true)
  self.request.over, self.request.ended = true, self.engine.world.clock.time
  self.engine.world.log("ended", self.request, nil, "cancelled", "cancelled by the client", self.sent == true)
  release(self)
end

function Transfer:facts() -- luacheck: no self
  return { total = 0 }, { sent = 0, received = 0 }, 1.1, false
end

Transfer.__close = Transfer.close

return engine
