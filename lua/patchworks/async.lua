--- Waiting: the one place where a call blocks, suspends its task, or lets a host's loop go on.
--
-- Everything above waits through `await`, `sleep`, and the conditions and jobs made of `park`. In a task (a coroutine
-- that this file started) they yield; on a host's loop that offers it they wait there; anywhere else they drive the
-- engines until what they wait for has come. This is the only file that yields.
--
-- @module patchworks.async
local core = require "patchworks.core"
local errors = require "patchworks.errors"

local async = {}

local tasks = setmetatable({}, { __mode = "k" }) -- coroutine -> task
local ready, ready_first, ready_last = {}, 1, 0 -- tasks to resume, in order
local timers = {} -- a heap of waiters by `due`
local waiting = {} -- transfer -> waiter
local busy = {} -- engine -> how many waiters it has
local host -- what a host's loop set: see set_host
local turning = false -- in a turn or a pump: what gets ready is seen to

-- A binary heap by `due`. A waiter that was woken stays until its time, or until half of the heap is such.
local sleeping, stale = 0, 0

local function sift_up(index)
  local item = timers[index]
  while index > 1 do
    local parent = index // 2
    if timers[parent].due <= item.due then break end
    timers[index], index = timers[parent], parent
  end
  timers[index] = item
end

local function sift_down(index)
  local item = timers[index]
  while true do
    local child = index * 2
    if child > sleeping then break end
    if child < sleeping and timers[child + 1].due < timers[child].due then child = child + 1 end
    if item.due <= timers[child].due then break end
    timers[index], index = timers[child], child
  end
  timers[index] = item
end

local function push_timer(waiter)
  sleeping = sleeping + 1
  timers[sleeping] = waiter
  sift_up(sleeping)
  if host and not turning and timers[1] == waiter then host.schedule(math.max(0, waiter.due - core.now())) end
end

local function pop_timer()
  local first = timers[1]
  timers[1] = timers[sleeping]
  timers[sleeping] = nil
  sleeping = sleeping - 1
  if sleeping > 0 then sift_down(1) end
  return first
end

local function drop_stale()
  if stale < 64 or stale * 2 < sleeping then return end
  local kept = {}
  for i = 1, sleeping do
    if not timers[i].over then kept[#kept + 1] = timers[i] end
  end
  timers, sleeping, stale = kept, #kept, 0
  for i = sleeping // 2, 1, -1 do sift_down(i) end
end

--- Ends a wait: the waiter's task goes on in the next turn. A second call does nothing.
-- @tparam table waiter from `waiter`
function async.wake(waiter)
  if waiter.over then return end
  waiter.over = true
  if waiter.due then stale = stale + 1 end
  if waiter.task then
    ready_last = ready_last + 1
    ready[ready_last] = waiter.task
    if host and not turning then host.schedule(0) end
  elseif waiter.notify then
    waiter.notify()
  end
end

-- Ends the waits whose time has come; says whether there were any.
local function fire_timers()
  local now, fired = core.now(), false
  while sleeping > 0 and (timers[1].over or timers[1].due <= now) do
    local waiter = pop_timer()
    if waiter.over then
      stale = stale - 1
    else
      waiter.due = nil
      waiter.expired, fired = true, true
      async.wake(waiter)
    end
  end
  drop_stale()
  return fired
end

-- Takes what an engine has finished and wakes those who wait for it; says whether there was anything.
local function dispatch(engine)
  local transfer = engine:next()
  local any = transfer ~= nil
  while transfer do
    local waiter = waiting[transfer]
    if waiter then async.wake(waiter) end
    transfer = engine:next()
  end
  return any
end

local function resume(task)
  if task.finished then return end
  local ok, problem = coroutine.resume(task.coroutine)
  if coroutine.status(task.coroutine) == "dead" then
    if not ok then problem = select(2, coroutine.close(task.coroutine)) or problem end
    task.finish(ok, problem)
  end
end

-- Resumes what is ready now; what gets ready meanwhile waits for the next turn, so that engines get theirs.
local function run_ready()
  local last = ready_last
  -- A task that blocks (in a coroutine of its own, in a sort) runs turns in here, which may empty the queue.
  while ready_first <= last and ready_first <= ready_last do
    local task = ready[ready_first]
    ready[ready_first] = nil
    ready_first = ready_first + 1
    resume(task)
  end
  if ready_first > ready_last then
    ready_first, ready_last = 1, 0
  end
end

local longest_wait = 60 -- seconds; a wait that nothing ends is only looked at again

local function check(ok, problem)
  if ok then return end
  error(errors.new { kind = "network", message = problem, outcome = "unknown" }, 0)
end

local function step(engine, seconds) check(engine:step(seconds)) end

-- Moves engines on without waiting; says whether anything was finished.
local function advance(engines)
  local any = false
  for _, engine in ipairs(engines) do
    step(engine, 0)
    any = dispatch(engine) or any
  end
  return any
end

-- Waits for engines and timers up to `seconds`.
local function poll(seconds)
  local first = next(busy)
  if not first then
    if seconds > 0 then core.sleep(seconds) end
  elseif next(busy, first) == nil then
    step(first, seconds)
    dispatch(first)
  else
    local engines = {}
    for engine in pairs(busy) do engines[#engines + 1] = engine end
    if advance(engines) or seconds <= 0 then return end
    check(core.wait(engines, seconds))
    advance(engines)
  end
end

-- Marks that a turn or a pump is under way, until the block ends.
local function enter()
  local before = turning
  turning = true
  return setmetatable({}, { __close = function() turning = before end })
end

--- One turn: wait for something to happen, up to `seconds`, and resume the tasks that can go on.
-- @tparam number seconds
function async.turn(seconds)
  local _ <close> = enter()
  -- A wait that has just ended may be that of the caller, who is no task and so not among the ready.
  if fire_timers() or ready_first <= ready_last then seconds = 0 end
  if sleeping > 0 then seconds = math.min(seconds, math.max(0, timers[1].due - core.now())) end
  poll(seconds)
  fire_timers()
  run_ready()
end

local unhosted_wait = 0.005 -- seconds between looks at engines that a host's loop has no descriptor of

-- Those at work for tasks on a host's loop whose client was made without it: there they are polled.
local function unhosted()
  local engines = {}
  for engine in pairs(busy) do
    if not engine:fd() then engines[#engines + 1] = engine end
  end
  return engines
end

--- For a host's loop: takes in what engines have to say, without waiting, and resumes what can go on.
-- @param ... engines, hosted ones
-- @treturn ?number seconds after which to call again at the latest, or nil for never
function async.pump(...)
  local _ <close> = enter()
  advance { ... }
  advance(unhosted())
  fire_timers()
  repeat run_ready() until ready_first > ready_last
  local seconds = sleeping > 0 and math.max(0, timers[1].due - core.now()) or nil
  return #unhosted() > 0 and math.min(seconds or unhosted_wait, unhosted_wait) or seconds
end

--- The task that runs now and can be suspended, or nil.
function async.current()
  local running = coroutine.running()
  local task = tasks[running]
  return task and coroutine.isyieldable() and task or nil
end

--- Hands the waiting over to a host's loop.
-- @tparam ?table given nil for none:
--
-- - `schedule(seconds)`: call `pump` at the latest after that time; a later call replaces an earlier one
-- - `wait(waiter)`, optional: wait until `waiter.over` in the host's own way, with `waiter.notify` set to what ends it;
--   false when the running coroutine isn't the loop's
-- - `watch(engine, active)`: whether anybody waits for the engine
function async.set_host(given) host = given end

--- Makes something to wait for.
-- @tparam ?number due the monotonic time at which the wait ends by itself
function async.waiter(due)
  local waiter = { task = async.current(), due = due }
  if due then push_timer(waiter) end
  return waiter
end

--- Waits until the waiter is woken or its time has come.
-- @treturn boolean false when its time had come first
function async.park(waiter)
  if waiter.task then
    if not waiter.over then coroutine.yield() end
  elseif not (host and host.wait and host.wait(waiter)) then
    while not waiter.over do async.turn(longest_wait) end
  end
  return not waiter.expired
end

--- Wakes all who wait for transfers of an engine that was closed: those are done, and cancelled.
function async.forget(engine)
  for _, waiter in pairs(waiting) do
    if waiter.engine == engine then async.wake(waiter) end
  end
  busy[engine] = nil
end

local Held = { __name = "patchworks.held" }

function Held.__close(held)
  local engine = held.engine
  waiting[held.transfer] = nil
  local left = (busy[engine] or 0) - 1
  busy[engine] = left > 0 and left or nil
  if host and left == 0 then host.watch(engine, false) end
  if not held.waiter.over then async.wake(held.waiter) end
end

-- The common case, a call with nothing else going on: no tables, no turns. Comes back to Lua after each step, so that
-- Ctrl-C finds its way.
local function await_alone(engine, transfer)
  repeat
    local done, problem = engine:await(transfer, longest_wait)
    if done == nil then check(done, problem) end
  until done
end

--- Waits until a transfer is done. Cancelling the task ends the wait; the transfer is its owner's to close.
-- @tparam userdata engine
-- @tparam userdata transfer
function async.await(engine, transfer)
  local task = async.current()
  if not task and not host and next(busy) == nil and sleeping == 0 and ready_first > ready_last then
    return await_alone(engine, transfer)
  end
  if transfer:done() then return end
  local waiter = { task = task, engine = engine }
  waiting[transfer] = waiter
  busy[engine] = (busy[engine] or 0) + 1
  if host and busy[engine] == 1 then
    host.watch(engine, true)
    if not turning and not engine:fd() then host.schedule(0) end
  end
  local _ <close> = setmetatable({ engine = engine, transfer = transfer, waiter = waiter }, Held)
  async.park(waiter)
end

--- The real clock, and what a spec injects in its place.
-- @table clock
-- @field now seconds of the monotonic clock
-- @field wall seconds since 1970
-- @field random a float in [0, 1)
-- @field sleep waits for seconds
async.clock = {
  now = core.now,
  wall = os.time,
  random = core.random,
}

--- Waits for a time.
-- @tparam number seconds
function async.clock.sleep(seconds)
  if seconds > 0 then
    local waiter <close> = setmetatable(async.waiter(core.now() + seconds), { __close = async.wake })
    async.park(waiter)
  end
end

local Condition = { __name = "patchworks.condition" }
Condition.__index = Condition

--- Something that many can wait for, and that one can announce.
function async.condition()
  return setmetatable({ waiters = {} }, Condition)
end

--- Waits until somebody announces it, or until the monotonic time `due`.
-- @treturn boolean false when the time came first
function Condition:wait(due)
  local waiters = self.waiters
  local waiter <close> = setmetatable(async.waiter(due), {
    __close = function(waiter)
      waiters[waiter] = nil
      async.wake(waiter)
    end,
  })
  waiters[waiter] = true
  return async.park(waiter)
end

--- Wakes all who wait.
function Condition:announce()
  for waiter in pairs(self.waiters) do async.wake(waiter) end
end

local Task = { __name = "patchworks.task" }
Task.__index = Task

local function finish(task, ok, ...)
  task.finished = true
  task.ok = ok
  task.results = table.pack(...)
  task.ended:announce()
  if task.on_end then task.on_end(task) end
end

--- Starts a function as a task: it runs at once, up to its first wait.
-- @tparam function fn
-- @tparam ?function on_end called with the task when it has ended
-- @param ... the function's arguments
-- @treturn table task
function async.spawn(fn, on_end, ...)
  local task = setmetatable({ ended = async.condition(), on_end = on_end }, Task)
  local arguments = table.pack(...)
  task.coroutine = coroutine.create(function() finish(task, true, fn(table.unpack(arguments, 1, arguments.n))) end)
  task.finish = function(ok, problem)
    if not ok then finish(task, false, problem) end
  end
  tasks[task.coroutine] = task
  resume(task)
  return task
end

--- Waits until the task has ended.
-- @treturn boolean true when its function returned, with what it returned; false and what it raised
function Task:join()
  self.joined = true
  while not self.finished do self.ended:wait() end
  return self.ok, table.unpack(self.results, 1, self.results.n)
end

--- Ends the task where it waits: its transfers are closed. One that has ended, or that runs now, is left alone.
-- @treturn boolean whether it was ended
function Task:cancel()
  if self.finished or coroutine.status(self.coroutine) ~= "suspended" then return false end
  self.cancelled = true
  self.finished = true -- a wake-up on the way finds it over
  coroutine.close(self.coroutine)
  finish(self, false, errors.new { kind = "cancelled", message = "the task was cancelled" })
  return true
end

Task.__close = Task.cancel

return async
