--- A point in time that is made once, from a time-out, and handed down.
-- @module patchworks.time.deadline
local clock = require "patchworks.time.clock"

local Deadline = {}

local deadline = {}

--- Makes a class whose objects are deadlines too: they have `at`, the monotonic time.
-- @tparam table class
function deadline.extend(class)
  for name, method in pairs(Deadline) do
    if type(method) == "function" then class[name] = method end
  end
  class.__index = class
  return class
end

--- The seconds that are left, never negative.
function Deadline:left()
  local left = self.at - clock.now()
  return left > 0 and left or 0
end

--- Whether the time is up.
function Deadline:over() return clock.now() >= self.at end

--- The smaller of the given seconds and those that are left.
function Deadline:cap(seconds)
  local left = self.at - clock.now()
  return left < seconds and (left > 0 and left or 0) or seconds
end

return deadline
