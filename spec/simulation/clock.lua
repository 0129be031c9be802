-- Virtual time: a heap of what is to happen. Nothing sleeps; a wait goes straight to what comes next.
local Clock = {}
Clock.__index = Clock

local clock = {}

-- No history lasts so long: one that does has lost a task.
local horizon = 86400 * 2

--- Makes a clock.
-- @tparam number start seconds of the monotonic clock
function clock.new(start)
  return setmetatable({ time = start, start = start, heap = {}, count = 0, sequence = 0 }, Clock)
end

local function before(left, right)
  return left.due < right.due or (left.due == right.due and left.sequence < right.sequence)
end

--- Calls `fn(argument)` at a time.
-- @tparam number due seconds, on this clock; what lies in the past happens next
function Clock:at(due, fn, argument)
  self.sequence = self.sequence + 1
  local event = { due = due, sequence = self.sequence, fn = fn, argument = argument }
  local heap, index = self.heap, self.count + 1
  self.count = index
  while index > 1 and before(event, heap[index // 2]) do
    heap[index], index = heap[index // 2], index // 2
  end
  heap[index] = event
end

local function pop(self)
  local heap, count = self.heap, self.count
  local first, last = heap[1], heap[count]
  heap[count] = nil
  count = count - 1
  self.count = count
  if count == 0 then return first end
  local index = 1
  while true do
    local child = index * 2
    if child > count then break end
    if child < count and before(heap[child + 1], heap[child]) then child = child + 1 end
    if before(last, heap[child]) then break end
    heap[index], index = heap[child], child
  end
  heap[index] = last
  return first
end

local function any_finished(engines)
  for _, engine in ipairs(engines) do
    if engine:has_finished() then return true end
  end
  return false
end

--- Lets time go on until one of the engines has finished something, or the time is up.
-- @tparam table engines
-- @tparam number seconds
function Clock:wait(engines, seconds)
  local limit = self.time + math.max(0, seconds)
  if limit - self.start > horizon then error("the simulation: nothing ends this wait", 0) end
  while not any_finished(engines) do
    local event = self.heap[1]
    if not event or event.due > limit then
      self.time = limit
      return
    end
    pop(self)
    self.time = math.max(self.time, event.due)
    event.fn(event.argument)
  end
end

--- Lets a moment go by, in which things happen.
-- @tparam number seconds
function Clock:pass(seconds)
  local limit = self.time + seconds
  while self.count > 0 and self.heap[1].due <= limit do
    local event = pop(self)
    self.time = math.max(self.time, event.due)
    event.fn(event.argument)
  end
  self.time = limit
end

--- Lets everything happen that is still to happen.
function Clock:drain()
  while self.count > 0 do
    local event = pop(self)
    self.time = math.max(self.time, event.due)
    event.fn(event.argument)
  end
end

return clock
