--- A point in time that is made once, from a time-out, and handed down.
--
-- What takes a `timeout` takes one of these in its place: a call, or a method that is made of calls, then ends when the
-- whole does that it is part of.
--
-- @module patchworks.time.deadline
local clock = require "patchworks.time.clock"

local Deadline = { __name = "patchworks.deadline" }
Deadline.__index = Deadline

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

--- Makes one.
-- @tparam ?number|table timeout seconds from now, or a deadline; nil for none
-- @tparam ?table outer a deadline that comes first where it is the nearer one
-- @treturn table `at`, the monotonic time, which is `math.huge` where there is no end
function deadline.of(timeout, outer)
  local at = math.huge
  if timeout then at = clock.now() + deadline.seconds(timeout) end
  if outer and outer.at < at then at = outer.at end
  return setmetatable({ at = at, most = math.huge }, Deadline)
end

--- The seconds that a `timeout` leaves.
-- @tparam number|table timeout seconds, or a deadline
-- @treturn number
function deadline.seconds(timeout) return type(timeout) == "number" and timeout or timeout:left() end

--- The seconds that are left, never negative.
function Deadline:left() return self:cap(self.most) end

local least = 1e-6 -- seconds in which nothing can be done

--- The smaller of the given seconds and those that are left; 0 for less than a microsecond.
function Deadline:cap(seconds)
  local left = self.at - clock.now()
  return left < seconds and (left > least and left or 0) or seconds
end

--- A `timeout` for each of several calls: the given seconds, or what is left by then.
function Deadline:each(seconds) return setmetatable({ at = self.at, most = seconds }, Deadline) end

return deadline
