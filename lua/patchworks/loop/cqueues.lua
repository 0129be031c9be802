--- Hosts patchworks in a cqueues loop.
--
--     local client = patchworks.new { loop = require "patchworks.loop.cqueues" }
--     local controller = cqueues.new()
--     controller:wrap(function() print(client.script_versions:get(7)) end)
--     assert(controller:loop())
--
-- A call in a coroutine of cqueues suspends that one alone. Elsewhere (the main program, a generator, a comparator, a
-- finalizer) it waits where it is, and holds the controller up.
--
-- @module patchworks.loop.cqueues
local condition = require "cqueues.condition"
local core = require "patchworks.core"
local cqueues = require "cqueues"
local scheduler = require "patchworks.time.scheduler"

local loop = {}

local engines = {} -- a list
local watched = {} -- engines that somebody waits for
local due = false -- whether anything is, at some time
-- Stands for all engines, and for the time when something is due. cqueues never learns an engine's own descriptor: its
-- controllers fail when one is closed that they have not let go of yet.
local descriptor
local pumps = setmetatable({}, { __mode = "k" }) -- controller -> its pump
local changed = condition.new() -- a pump may be needed no more

local function under_way() return due or next(watched) ~= nil end

local function drive(pump)
  while pump.waiting > 0 or under_way() do
    descriptor:drain()
    scheduler.pump(table.unpack(engines))
    if pump.waiting > 0 or under_way() then
      cqueues.poll({ pollfd = descriptor:fd(), events = "r" }, changed)
    end
  end
end

-- The pump of a controller, running: one coroutine for all that wait there, so that the descriptor is polled once.
local function pump_of(controller)
  local pump = pumps[controller]
  if not pump then
    pump = { waiting = 0, running = false }
    pumps[controller] = pump
  end
  if not pump.running then
    pump.running = true
    controller:wrap(function()
      local ok, problem = pcall(drive, pump)
      pump.running = false
      if not ok then error(problem, 0) end
    end)
  end
  return pump
end

-- What is under way has changed: the controller that runs now goes on until it is over, whoever waits for it.
local function follow(before)
  if under_way() then
    local controller = cqueues.running()
    if controller then pump_of(controller) end
  elseif before then
    changed:signal()
  end
end

--- Called by the scheduler: pump after that many seconds at the latest; nil for nothing due.
function loop.schedule(seconds)
  local before = under_way()
  due = seconds ~= nil
  descriptor:arm(seconds)
  follow(before)
end

--- Called by the scheduler: whether anybody waits for the engine.
function loop.watch(engine, active)
  local before = under_way()
  watched[engine] = active or nil
  follow(before)
end

--- Called by the scheduler: waits in the way of cqueues; false where that can't be done.
function loop.wait(waiter)
  local controller, resumed = cqueues.running()
  if not (resumed and coroutine.isyieldable()) then return false end
  local over = condition.new()
  function waiter.notify() over:signal() end
  local pump = pump_of(controller)
  pump.waiting = pump.waiting + 1
  local _ <close> = setmetatable({}, { __close = function()
    pump.waiting = pump.waiting - 1
    changed:signal()
  end })
  while not (waiter.over or waiter.events) do cqueues.poll(over) end
  return true
end

--- Called by a client when it is made.
function loop.attach(engine)
  descriptor = descriptor or assert(core.descriptor())
  assert(descriptor:watch(engine:fd(), true), "the system can't watch another descriptor")
  engines[#engines + 1] = engine
  scheduler.set_host(loop)
end

--- Called by a client when it is closed.
function loop.detach(engine)
  for i = #engines, 1, -1 do
    if engines[i] == engine then
      descriptor:watch(engine:fd(), false)
      table.remove(engines, i)
    end
  end
end

return loop
