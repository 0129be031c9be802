--- Who goes on when: jobs, tasks, and those who wait for them.
--
-- A *job* is a call of this library's own, in a coroutine of ours: it runs no code of a user's, no hook reaches it, and
-- it yields only here. A *task* is a user's function in a coroutine that `spawn` made. The rules:
--
-- 1. A wait in a task suspends that task. A wait anywhere else (the main program, a generator, a comparator of
--    table.sort, a hook, a finalizer) can't: it drives engines, timers and jobs until what it waits for has come.
-- 2. Such a wait resumes jobs, at any depth: a job never waits for a user, so whatever a call needs of another call (a
--    login, the answer of the one that goes first after a 429) comes without that call's user. It resumes users' tasks
--    only where it is inside of none (the main program sleeps, and they go on), or waits for one (`join`, `run`,
--    `map`), at most `most_depth` deep: nesting has a bound. Waits inside of waits end from the inside out.
-- 3. Who was woken first goes on first. A task that gets ready in a turn goes on in the next one, so that engines and
--    timers have theirs between.
-- 4. All of this is written in functions behind a shield (see lua_shield.c): a hook that raises or yields can't leave
--    it half done. Whether something is ready, due or under way is read off what is stored; nothing is counted.
-- 5. A task that yields of its own, or by a hook, goes on in the next turn. Nobody else yields.
--
-- @module patchworks.time.scheduler
local clock = require "patchworks.time.clock"
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local queue = require "patchworks.time.queue"
local timers = require "patchworks.time.timers"

local scheduler = {}

local resume, yield, running_coroutine = coroutine.resume, coroutine.yield, coroutine.running

local running -- the job or task that was resumed last and has not come back
local ready_jobs, ready_tasks = queue.new(), queue.new()
local waiting = setmetatable({}, { __mode = "k" }) -- transfer -> wait
local busy = {} -- engines that somebody waits for
local host -- see set_host
local depth, most_depth = 0, 12 -- tasks that are being resumed inside of each other
local parked = {} -- what our own yields give
local spare = false -- a wait that has ended, for the next transfer: calls one after the other need one
local longest_wait = 60 -- seconds; a wait that nothing ends is only looked at again

--- Makes something to wait for, for a job.
-- @tparam ?number due the monotonic time at which the wait ends by itself
-- @treturn table wait: `over`; `expired` when its time had come first
function scheduler.new_wait(due)
  return {
    over = false, expired = false, owner = false, due = due or false, place = false, number = 0, _queue = false,
    _before = false, _after = false,
  }
end

-- Lets the one who waits look again.
local function stir(wait)
  local owner = wait.owner
  if owner then
    (owner._is_task and ready_tasks or ready_jobs):push(owner)
  elseif wait.notify then
    wait.notify()
  end
end

--- For jobs: lets the one who waits look at what came meanwhile.
scheduler.stir = stir

-- Ends a wait. A second call does nothing.
local function wake(wait)
  if wait.over then return end
  wait.over = true
  timers.remove(wait)
  stir(wait)
end

--- For jobs: ends a wait.
scheduler.wake = wake

-- Ends the waits whose time has come.
local function fire()
  local first = timers.first()
  if not first then return end
  local now = clock.now()
  while first and first.due <= now do
    first.expired = true
    wake(first)
    first = timers.first()
  end
end

-- Closes the coroutine of a job or a task, whose closers then find it as the one that runs.
local function close(owner)
  local before = running
  running = owner
  local ok, problem = coroutine.close(owner._thread)
  running = before
  if not ok then return problem end
end

--- For tasks: closes the coroutine of one; gives the error that this met, if any.
scheduler.close = close

local function end_job(job)
  local thread = job._thread
  job.finished, job._thread = true, false
  core.retire(thread)
  wake(job)
end

local function run_job(job)
  local thread = job._thread
  if not thread then return end
  local before = running
  running = job
  local ok, problem = resume(thread, job)
  running = before
  if ok and problem == parked then return end
  if not ok then
    -- In a finalizer, inside of the very job: it goes on when that is over.
    if coroutine.status(thread) ~= "dead" then return end
    close(job)
    job.raised = problem
  end
  end_job(job)
end

local function run_task(task)
  if task._finished or coroutine.status(task._thread) ~= "suspended" then return end
  local before = running
  depth, running, task._inside = depth + 1, task, before
  local ok, what = resume(task._thread)
  depth, running, task._inside = depth - 1, before, false
  if coroutine.status(task._thread) ~= "dead" then
    -- A hook may have suspended it between its look and its own yield: what came then has woken nobody.
    local wait = task._wait
    if what ~= parked or not wait or wait.over or wait.events then ready_tasks:push(task) end
    return
  end
  if not ok then
    local closing = close(task)
    what = closing == nil and what or closing
  end
  task:_finish(ok, what)
end

-- Resumes the jobs that are ready, until none is: each soon waits for an engine or for a time.
local function run_jobs()
  local job = ready_jobs:pop()
  while job do
    run_job(job)
    job = ready_jobs:pop()
  end
end

-- Resumes the tasks that are ready now; those that get ready meanwhile go on in the next turn.
local function run_tasks()
  local last = ready_tasks.last
  local task = ready_tasks:pop()
  while task do
    run_task(task)
    task = task ~= last and ready_tasks:pop()
  end
end

local function check(ok, problem)
  if ok then return end
  error(errors.new { kind = "network", message = problem, outcome = "unknown" }, 0)
end

local function settle(engine)
  if busy[engine] and engine:active() == 0 then
    busy[engine] = nil
    if host then host.watch(engine, false) end
  end
end

--- For jobs: looks whether anything is still under way on an engine, one of whose transfers was ended early.
scheduler.settle = settle

-- Takes what an engine has finished and wakes those who wait for it; says whether there was anything.
local function dispatch(engine)
  local transfer = engine:next()
  local any = transfer ~= nil
  while transfer do
    local wait = waiting[transfer]
    if wait then wake(wait) end
    transfer = engine:next()
  end
  settle(engine)
  return any
end

-- Moves engines on without waiting; says whether anything was finished.
local function advance(engines)
  local any = false
  for _, engine in ipairs(engines) do
    check(engine:step(0))
    any = dispatch(engine) or any
  end
  return any
end

local one = {} -- a list for the common case

-- Waits for engines and timers up to `seconds`.
local function poll(seconds)
  local first = next(busy)
  if first and next(busy, first) == nil then
    one[1] = first
    check(clock.wait(one, seconds))
    return dispatch(first)
  end
  local engines = {}
  for engine in pairs(busy) do engines[#engines + 1] = engine end
  if advance(engines) or (seconds <= 0 and first) then return end
  check(clock.wait(engines, seconds))
  advance(engines)
end

-- The seconds until something is due, for a wait that may resume tasks or not.
local function patience(resumes)
  if ready_jobs.first or (resumes and ready_tasks.first) then return 0 end
  local first = timers.first()
  return first and math.min(longest_wait, math.max(0, first.due - clock.now())) or longest_wait
end

local unhosted_wait = 0.005 -- seconds between looks at engines that a host's loop has no descriptor of

local function unhosted()
  local engines = {}
  for engine in pairs(busy) do
    if not engine:fd() then engines[#engines + 1] = engine end
  end
  return engines
end

-- The seconds after which a host's loop is to come back; nil for never.
local function due_in()
  if ready_jobs.first or ready_tasks.first then return 0 end
  local first = timers.first()
  local seconds = first and math.max(0, first.due - clock.now()) or nil
  return #unhosted() > 0 and math.min(seconds or unhosted_wait, unhosted_wait) or seconds
end

-- Tells a host's loop when to come back; gives its arguments.
local function tell_host() host.schedule(due_in()) end

--- Makes a function that keeps the books: no hook interrupts it, and a host's loop learns what came of it.
function scheduler.shield(fn)
  return core.shield(function(first, second)
    local value = fn(first, second)
    if host then tell_host() end
    return value
  end)
end
local shield = scheduler.shield

-- One turn of a wait that can't yield.
local turn = core.shield(function(wait)
  local resumes = wait.joins or depth == 0
  if wait.joins and coroutine.status(wait.joins._thread) == "dead" then wait.joins:_closed() end
  if ready_jobs.first then run_jobs() end
  if resumes and ready_tasks.first then run_tasks() end
  if wait.over or wait.events then return end
  poll(patience(resumes))
  fire()
  if ready_jobs.first then run_jobs() end
  if host then tell_host() end
end)

-- The task whose coroutine runs now, when it can be suspended; or the job.
local function current()
  local owner = running
  return owner and running_coroutine() == owner._thread and coroutine.isyieldable() and owner or nil
end

--- The task that runs now and can be suspended, or nil.
function scheduler.current()
  local owner = current()
  return owner and owner._is_task and owner or nil
end

--- Waits until something is over, or has events. `joins` in it says that a task is waited for.
function scheduler.wait(wait)
  if wait.over or wait.events then return end
  local owner = current()
  if owner then
    wait.owner, owner._wait = owner, wait
    while not (wait.over or wait.events) do yield(parked) end
    return
  end
  if host and host.wait and host.wait(wait) then return end
  if wait.joins and depth >= most_depth then
    errors.misuse("tasks wait for tasks in coroutines that can't be suspended, %d inside of each other", depth)
  end
  while not (wait.over or wait.events) do turn(wait) end
end

--- For jobs: waits until `wait` is over.
-- @treturn boolean false when its time had come first
function scheduler.park(wait)
  local job = running
  wait.owner, job._wait = job, wait
  if wait.due then timers.add(wait) end
  while not wait.over do yield(parked) end
  job._wait = false
  return not wait.expired
end

--- For jobs: waits until a transfer is done.
-- @tparam userdata engine
-- @tparam userdata transfer
-- @tparam number due the monotonic time at which the wait ends
-- @treturn boolean false when its time had come first
function scheduler.await(engine, transfer, due)
  if transfer:done() then return true end
  local wait = spare or scheduler.new_wait()
  spare = false
  wait.over, wait.expired, wait.due = false, false, due
  waiting[transfer] = wait
  if not busy[engine] then
    busy[engine] = true
    if host then host.watch(engine, true) end
  end
  local in_time = scheduler.park(wait)
  waiting[transfer] = nil -- a key with a finalizer keeps its value for a cycle more
  wait.owner = false
  spare = wait
  return in_time
end

--- Starts a job: it runs at once, up to its first wait.
-- @tparam table job has the fields `over`, `owner`, `_queue`, `_before` and `_after`, false; gets `finished`, and
-- `raised`, what its function raised
-- @tparam function fn called with the job
scheduler.start = core.shield(function(job, fn)
  job._thread = core.thread(fn)
  run_job(job)
  if host then tell_host() end
end)

--- Ends a job where it waits. One that has ended is left alone.
-- @tparam table job its `cut`, if it has one, is called at the end
scheduler.cancel = shield(function(job)
  local thread = job._thread
  if not thread or coroutine.status(thread) ~= "suspended" then return end
  close(job)
  ready_jobs:remove(job)
  if job._wait then timers.remove(job._wait) end
  if job.cut then job:cut() end
  end_job(job)
end)

--- For tasks: resumes one now, or in the next turn where too many are inside of each other.
function scheduler.begin(task)
  if depth < most_depth then return run_task(task) end
  ready_tasks:push(task)
end

--- For tasks: forgets one that has ended.
function scheduler.retire(task) ready_tasks:remove(task) end

--- The task or the job inside of which this runs, in whichever coroutine; nil outside of all.
function scheduler.current_owner() return running end

--- Whether this task, or this job, runs now.
function scheduler.runs(owner) return owner._thread == running_coroutine() end

--- For a client that is closed: nobody waits for its engine any more.
function scheduler.forget(engine)
  if not busy[engine] then return end
  busy[engine] = nil
  if host then host.watch(engine, false) end
end

--- For a host's loop: takes in what engines have to say, without waiting, and resumes what can go on.
-- @param ... engines, hosted ones
-- @treturn ?number seconds after which to call again at the latest, or nil for never
scheduler.pump = core.shield(function(...)
  advance { ... }
  advance(unhosted())
  fire()
  repeat
    run_jobs()
    run_tasks()
  until not ready_jobs.first
  if host then tell_host() end
  return due_in()
end)

--- Hands the waiting over to a host's loop.
-- @tparam ?table given nil for none:
--
-- - `schedule(seconds)`: call `pump` after that time at the latest; a later call replaces an earlier one, and nil
--   means that nothing is due
-- - `wait(wait)`, optional: wait until `wait.over` or `wait.events` in the host's own way, with `wait.notify` set to
--   what says that either may have come; false when the running coroutine isn't the loop's
-- - `watch(engine, active)`: whether anybody waits for the engine
function scheduler.set_host(given)
  if host and given and host ~= given then
    errors.misuse "another loop hosts this Lua state's clients already; one at a time can"
  end
  host = given
end

return scheduler
