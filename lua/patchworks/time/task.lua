--- Tasks: functions of users that can be suspended, joined and cancelled. See scheduler.lua for who goes on when.
-- @module patchworks.time.task
local clock = require "patchworks.time.clock"
local errors = require "patchworks.errors"
local queue = require "patchworks.time.queue"
local scheduler = require "patchworks.time.scheduler"
local timers = require "patchworks.time.timers"

local task = {}

local shield = scheduler.shield

local arm = shield(function(wait) timers.add(wait) end)
local Sleep = { __name = "patchworks.sleep", __close = shield(function(wait) timers.remove(wait) end) }

--- Waits for a time: suspends a task or a job, and blocks elsewhere.
-- @tparam number seconds
function task.sleep(seconds)
  if not (seconds > 0) then return end
  local wait <close> = setmetatable(scheduler.new_wait(clock.now() + seconds), Sleep)
  arm(wait)
  scheduler.wait(wait)
end

-- Whoever has a clock can wait by it.
clock.sleep = task.sleep

-- All of a task's fields are ours: users hold it by its methods.
local Task = { __name = "patchworks.task", _is_task = true }
Task.__index = Task

-- Behind the shield: notes how it ended, and wakes those who wait for that.
function Task:_finish(ok, problem)
  self._finished, self._ok = true, ok
  if not ok then self._results = { n = 1, problem } end
  scheduler.retire(self)
  local wait = self._joiners:pop()
  while wait do
    scheduler.wake(wait)
    wait = self._joiners:pop()
  end
  if self._on_end then self:_on_end() end
end

-- Behind the shield: it was ended where it waited. The cause is the error of the call that it waited for; or it had
-- done something, of which nobody is told any more.
local function end_early(self, message)
  local cut = self._cut_off
  local unknown = self._did or (cut and cut.outcome == "unknown")
  self._cancelled = true
  self:_finish(false, errors.new { kind = "cancelled", message = message,
    outcome = unknown and "unknown" or "none", cause = cut })
end

--- Whether a value is a task.
function task.is(value) return getmetatable(value) == Task end

-- What lies at the bottom of a task's coroutine: its function's arguments.
local Base = { __name = "patchworks.task.base" }

local function end_elsewhere(self, problem)
  local returned = self._results ~= nil
  if returned or problem ~= nil then return self:_finish(returned, problem) end
  end_early(self, "the task's coroutine was closed")
end

local end_shielded = shield(end_elsewhere)

-- Behind the shield: an error of a coroutine that somebody else has resumed closes nothing in it.
function Task:_closed()
  if not self._finished then end_elsewhere(self, scheduler.close(self)) end
end

local look_at = shield(Task._closed)

-- Somebody else than the scheduler may have ended the coroutine: closed it, or resumed it to its end.
function Base.__close(base, problem)
  local self = base.task
  if scheduler.current_owner() ~= self and not self._finished then end_shielded(self, problem) end
end

--- Makes a task of a function, which `begin` starts.
-- @tparam function fn
-- @tparam ?function on_end called with the task when it has ended; runs nothing of a user's
-- @param ... the function's arguments
-- @treturn table task
function task.make(fn, on_end, ...)
  local self = setmetatable({ _joiners = queue.new(), _on_end = on_end or false, _finished = false, _queue = false,
    _before = false, _after = false, _inside = false, _join = false }, Task)
  local arguments = table.pack(...)
  arguments.task = self
  setmetatable(arguments, Base)
  self._thread = coroutine.create(function()
    local base <close> = arguments
    self._results = table.pack(fn(table.unpack(base, 1, base.n)))
  end)
  return self
end

local begin = shield(scheduler.begin)

--- Starts the task: it runs at once, up to its first wait.
function Task:_begin()
  begin(self)
  return self
end

-- A wait for the end of `joins`, in the task `by`, which may be inside of another one of its waits, `outer`.
local Join = { __name = "patchworks.join" }

local line_up = shield(function(wait)
  if wait.by then wait.by._join = wait end
  if wait.joins._finished then return scheduler.wake(wait) end
  wait.joins._joiners:push(wait)
end)

Join.__close = shield(function(wait)
  wait.joins._joiners:remove(wait)
  if wait.by and wait.by._join == wait then wait.by._join = wait.outer end
end)

local function joined_by(each)
  local wait = each._join
  return wait and not wait.over and wait.joins or nil
end

-- Whether a task can't end before `owner`, the one that runs, goes on: it waits for it, by way of others, or it is held
-- up by a wait on top of it that can't yield and that does.
local function needs(each, owner)
  while each and not each._finished do
    if each == owner then return true end
    if coroutine.status(each._thread) == "normal" then
      if scheduler.current() ~= owner then return true end
      local above = owner._inside
      while above and above ~= each do
        if needs(joined_by(above), owner) then return true end
        above = above._inside
      end
    end
    each = joined_by(each)
  end
  return false
end

--- Waits until the task has ended. Raises where that could never be.
function Task:_until_ended()
  local owner = scheduler.current_owner()
  if not (owner and owner._is_task) then owner = nil end
  if owner == self then errors.misuse "join: a task can't wait for itself" end
  if coroutine.status(self._thread) == "dead" then look_at(self) end
  while not self._finished do
    if owner and needs(self, owner) then
      errors.misuse "join: that task waits for this one, itself or by way of others: neither would ever end"
    end
    local made = scheduler.new_wait()
    made.joins, made.by, made.outer = self, owner, owner and owner._join
    local wait <close> = setmetatable(made, Join)
    line_up(wait)
    scheduler.wait(wait)
  end
end

--- Waits until the task has ended. A join that could never end, of two tasks that wait for each other, raises.
-- @treturn boolean true when its function returned, with what it returned; false and what it raised
function Task:join()
  self._joined = true
  self:_until_ended()
  return self._ok, table.unpack(self._results, 1, self._results.n)
end

--- Ends the task where it waits: what it has under way is closed. One that has ended, or that runs now, is left alone.
-- @treturn boolean whether it was ended
Task.cancel = shield(function(self)
  if self._finished or coroutine.status(self._thread) ~= "suspended" then return false end
  self._cut_off = nil
  scheduler.close(self)
  end_early(self, "the task was cancelled")
  return true
end)

Task.__close = Task.cancel

--- The same, of a task.
task.cancel = Task.cancel

local Uncertain = { __name = "patchworks.uncertain" }

function Uncertain.__close(mark)
  local owner = scheduler.current_owner()
  if mark.problem and owner then owner._cut_off = mark.problem end
end

--- For what is made of several calls: as long as `mark.problem` is set, a task that is cancelled inside of the block
-- ends with that as its cause and outcome, whatever it waits for then.
--
--     local mark <close> = task.uncertain()
--     .. mark.problem = problem .. mark.problem = nil
--
-- @treturn table mark
function task.uncertain() return setmetatable({ problem = nil }, Uncertain) end

return task
