--- Hosts patchworks in a cqueues loop.
--
--     local client = patchworks.new { loop = require "patchworks.loop.cqueues" }
--     local controller = cqueues.new()
--     controller:wrap(function() print(client.script_versions:get(7)) end)
--     assert(controller:loop())
--
-- A call in a coroutine of cqueues suspends that one alone; elsewhere it waits where it is.
--
-- @module patchworks.loop.cqueues
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local scheduler = require "patchworks.time.scheduler"

local loop = {}

local engines = {} -- a list
local waiting = 0 -- coroutines that wait here
local pumping = false
local changed = condition.new()

-- Drives the engines for as long as anybody waits: one coroutine for all, so that a descriptor is polled once.
local function pump_while_needed()
  pumping = true
  while waiting > 0 do
    local seconds = scheduler.pump(table.unpack(engines))
    if waiting == 0 then break end
    local objects = { changed }
    for _, engine in ipairs(engines) do objects[#objects + 1] = { pollfd = engine:fd(), events = "r" } end
    if seconds then objects[#objects + 1] = seconds end
    cqueues.poll(table.unpack(objects))
  end
  pumping = false
end

--- Called by the scheduler: what is to be done has changed.
function loop.schedule() changed:signal() end

--- Called by the scheduler. A coroutine that waits keeps the loop running by itself.
function loop.watch() end

--- Called by the scheduler: waits in the way of cqueues; false outside of its coroutines.
function loop.wait(waiter)
  local controller = cqueues.running()
  if not controller or (waiter.engine and not waiter.engine:fd()) then return false end
  local over = condition.new()
  function waiter.notify() over:signal() end
  waiting = waiting + 1
  local _ <close> = setmetatable({}, { __close = function()
    waiting = waiting - 1
    changed:signal()
  end })
  if pumping then
    changed:signal()
  else
    controller:wrap(pump_while_needed)
  end
  while not (waiter.over or waiter.events) do cqueues.poll(over) end
  return true
end

--- Called by a client when it is made.
function loop.attach(engine)
  engines[#engines + 1] = engine
  scheduler.set_host(loop)
end

--- Called by a client when it is closed.
function loop.detach(engine)
  for i, each in ipairs(engines) do
    if each == engine then table.remove(engines, i) end
  end
  cqueues.cancel(engine:fd())
  changed:signal()
end

return loop
