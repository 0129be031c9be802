--- Something that many jobs wait for, each until his own deadline, and that one announces.
-- @module patchworks.time.condition
local queue = require "patchworks.time.queue"
local scheduler = require "patchworks.time.scheduler"

local Condition = { __name = "patchworks.condition" }
Condition.__index = Condition

local condition = {}

local Waiter = { __name = "patchworks.condition.waiter", __close = function(wait) wait.line:remove(wait) end }

--- Makes one.
function condition.new() return setmetatable({ line = queue.new() }, Condition) end

--- For jobs: waits until somebody announces it, or until the monotonic time `due`.
-- @treturn boolean false when the time came first
function Condition:wait(due)
  local wait = scheduler.new_wait(due)
  wait.line = self.line
  local waiter <close> = setmetatable(wait, Waiter)
  self.line:push(waiter)
  return scheduler.park(waiter)
end

--- Wakes all who wait, in the order in which they came.
function Condition:announce()
  local first = self.line:pop()
  while first do
    scheduler.wake(first)
    first = self.line:pop()
  end
end

return condition
