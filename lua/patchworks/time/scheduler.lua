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
local engines = require "patchworks.time.engines"
local errors = require "patchworks.errors"
local queue = require "patchworks.time.queue"
local timers = require "patchworks.time.timers"

local scheduler = {}

local resume, yield, running_coroutine = coroutine.resume, coroutine.yield, coroutine.running

local running -- the job or task that was resumed last and has not come back
local ready_jobs, ready_tasks = queue.new(), queue.new()
local host -- see set_host
local depth, most_depth = 0, 12 -- tasks that are being resumed inside of each other
local parked = {} -- what our own yields give
local longest_wait = 60 -- seconds; a wait that nothing ends is only looked at again

--- Makes something to wait for, for a job: see timers.lua.
scheduler.new_wait = timers.new_wait

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
  if wait.place then timers.remove(wait) end
  stir(wait)
end

--- For jobs: ends a wait.
scheduler.wake = wake

-- Ends the waits whose time has come.
local function fire()
  local first = engines.first_due()
  if not first then return end
  local now = clock.now()
  while first and first.due <= now do
    first.expired = true
    engines.cut(first)
    wake(first)
    first = engines.first_due()
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
    -- Its own closing may have failed for want of memory; this needs none.
    if job.transfer then job.transfer:close() end
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

-- A transfer has come to its end: its job goes on at once, unless it is one of several. What all of those bring is
-- taken in before anybody goes on who was waiting for one of them.
local function woken(wait, more)
  if wait.over then return end
  if more or ready_jobs.first then return wake(wait) end
  wait.over = true
  if wait.place then timers.remove(wait) end
  run_job(wait.owner)
end

-- The seconds until something is due, for a wait that may resume tasks or not.
local function patience(resumes)
  if ready_jobs.first or (resumes and ready_tasks.first) then return 0 end
  local first = engines.first_due()
  if not first then return longest_wait end
  local left = first.due - clock.now()
  return left > longest_wait and longest_wait or left > 0 and left or 0
end

local unhosted_wait = 0.005 -- seconds between looks at engines that a host's loop has no descriptor of

-- The seconds after which a host's loop is to come back; nil for never.
local function due_in()
  if ready_jobs.first or ready_tasks.first then return 0 end
  local first = engines.first_due()
  local seconds = first and math.max(0, first.due - clock.now()) or nil
  return #engines.unhosted() > 0 and math.min(seconds or unhosted_wait, unhosted_wait) or seconds
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

--- From behind a shield: one turn of a wait that can't yield.
function scheduler.turn(wait)
  local joins = wait.joins
  local resumes = joins or depth == 0
  if joins and coroutine.status(joins._thread) == "dead" then joins:_closed() end
  if ready_jobs.first then run_jobs() end
  if resumes and ready_tasks.first then run_tasks() end
  if wait.over or wait.events then return end
  engines.poll(patience(resumes), woken)
  fire()
  if ready_jobs.first then run_jobs() end
  if host then tell_host() end
end

local turn = core.shield(scheduler.turn)

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

--- Whether a wait that begins here will take its turns by itself: nobody else can.
function scheduler.takes_turns() return not host and not (running and current()) end

--- Waits until something is over, or has events. `joins` in it says that a task is waited for.
function scheduler.wait(wait)
  if wait.over or wait.events then return end
  local owner = running and current()
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
  local job = running
  local wait = engines.enter(engine, transfer, due, job)
  -- Asked last: up to here the collector may run, and in it somebody's finalizer, which closes the client.
  if not transfer:done() then
    while not wait.over do yield(parked) end
  end
  job._wait = false
  engines.leave(wait)
  return not wait.expired
end

--- Starts a job, from behind a shield: it runs at once, up to its first wait.
-- @tparam table job has the fields `over`, `owner`, `_queue`, `_before` and `_after`, false; gets `finished`, and
-- `raised`, what its function raised
-- @tparam function fn called with the job
function scheduler.start(job, fn)
  job._thread = core.thread(fn)
  run_job(job)
end

--- Ends a job where it waits. One that has ended is left alone.
-- @tparam table job its `cut`, if it has one, is called at the end
scheduler.cancel = shield(function(job)
  local thread = job._thread
  if not thread or coroutine.status(thread) ~= "suspended" then return end
  close(job)
  ready_jobs:remove(job)
  if job._wait then engines.cut(job._wait) end
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

--- For a host's loop: takes in what engines have to say, without waiting, and resumes what can go on.
-- @param ... engines, hosted ones
-- @treturn ?number seconds after which to call again at the latest, or nil for never
scheduler.pump = core.shield(function(...)
  engines.advance({ ... }, woken)
  engines.advance(engines.unhosted(), woken)
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
  engines.set_watch(given and given.watch or false)
end

return scheduler
