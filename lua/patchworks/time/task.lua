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

local Task = { __name = "patchworks.task", is_task = true }
Task.__index = Task

-- Behind the shield: notes how it ended, and wakes those who wait for that.
function Task:_finish(ok, problem)
  self.finished, self.ok = true, ok
  if not ok then self.results = { n = 1, problem } end
  scheduler.retire(self)
  local wait = self.joiners:pop()
  while wait do
    scheduler.wake(wait)
    wait = self.joiners:pop()
  end
  if self.on_end then self:on_end() end
end

--- Whether a value is a task.
function task.is(value) return getmetatable(value) == Task end

--- Makes a task of a function, which `begin` starts.
-- @tparam function fn
-- @tparam ?function on_end called with the task when it has ended; runs nothing of a user's
-- @param ... the function's arguments
-- @treturn table task
function task.make(fn, on_end, ...)
  local self = setmetatable({ joiners = queue.new(), on_end = on_end or false, finished = false, queue = false,
    before = false, after = false }, Task)
  local arguments = table.pack(...)
  self.thread = coroutine.create(function() self.results = table.pack(fn(table.unpack(arguments, 1, arguments.n))) end)
  return self
end

local begin = shield(scheduler.begin)

--- Starts the task: it runs at once, up to its first wait.
function Task:_begin()
  begin(self)
  return self
end

local line_up = shield(function(self, wait)
  if self.finished then return scheduler.wake(wait) end
  self.joiners:push(wait)
end)

--- Waits until the task has ended.
function Task:_wait()
  if scheduler.runs(self) then errors.misuse "join: a task can't wait for itself" end
  while not self.finished do
    local wait = scheduler.new_wait()
    wait.joins = self
    line_up(self, wait)
    scheduler.wait(wait)
  end
end

--- Waits until the task has ended.
-- @treturn boolean true when its function returned, with what it returned; false and what it raised
function Task:join()
  self.joined = true
  self:_wait()
  return self.ok, table.unpack(self.results, 1, self.results.n)
end

-- Behind the shield: somebody has closed the task's coroutine.
function Task:_closed()
  if self.finished then return end
  self.cancelled = true
  self:_finish(false, errors.new { kind = "cancelled", message = "the task's coroutine was closed",
    outcome = self.did and "unknown" or "none" })
end

--- Ends the task where it waits: what it has under way is closed. One that has ended, or that runs now, is left alone.
-- @treturn boolean whether it was ended
Task.cancel = shield(function(self)
  if self.finished or coroutine.status(self.thread) ~= "suspended" then return false end
  self.cancelled, self.cut_off = true, nil
  scheduler.close(self)
  -- The error of the call that it waited for; or what it had done, of which nobody is told any more.
  local cut, done = self.cut_off, self.did
  local unknown = done or (cut and cut.outcome == "unknown")
  self:_finish(false, errors.new { kind = "cancelled", message = "the task was cancelled",
    outcome = unknown and "unknown" or "none", cause = cut })
  return true
end)

Task.__close = Task.cancel

local Uncertain = { __name = "patchworks.uncertain" }

function Uncertain.__close(mark)
  local owner = scheduler.current_owner()
  if mark.problem and owner then owner.cut_off = mark.problem end
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
