--- What is due when: a binary heap of waits by their `due`.
--
-- Each knows its place, so that one whose wait has ended leaves at once, and what is left is what somebody waits for.
-- Only putting one in needs memory, and it asks for that before anything has changed.
--
-- @module patchworks.time.timers
local timers = {}

local heap, count = {}, 0 -- the wait that is due first is at 1
local added = 0 -- ever: of two that are due at once, the one that came first is first

--- Makes something to wait for, for a job.
-- @tparam ?number due the monotonic time at which the wait ends by itself
-- @treturn table wait: `over`; `expired` when its time had come first
function timers.new_wait(due)
  return {
    over = false, expired = false, owner = false, notify = false, due = due or false, place = false, number = 0,
    transfer = false, engine = false, _queue = false, _before = false, _after = false,
  }
end

local function before(left, right)
  return left.due < right.due or (left.due == right.due and left.number < right.number)
end

local function put(wait, place)
  heap[place] = wait
  wait.place = place
end

local function sift_up(wait, place)
  while place > 1 do
    local parent = heap[place // 2]
    if not before(wait, parent) then break end
    put(parent, place)
    place = place // 2
  end
  put(wait, place)
end

local function sift_down(wait, place)
  while true do
    local child = place * 2
    if child > count then break end
    if child < count and before(heap[child + 1], heap[child]) then child = child + 1 end
    if not before(heap[child], wait) then break end
    put(heap[child], place)
    place = child
  end
  put(wait, place)
end

--- Puts a wait in, which has `due`, a monotonic time, and the fields `place` and `number`.
function timers.add(wait)
  if wait.place then return end
  heap[count + 1] = wait
  count, added = count + 1, added + 1
  wait.number, wait.place = added, count
  if count > 1 then sift_up(wait, count) end
end

--- Takes a wait out; one that isn't in is left alone.
function timers.remove(wait)
  local place = wait.place
  if not place then return end
  local last = heap[count]
  heap[count] = nil
  count = count - 1
  wait.place = false
  if last == wait then return end
  sift_up(last, place)
  sift_down(last, last.place)
end

--- The heap, to be read: at 1 is the wait that is due first, or nil.
timers.heap = heap

return timers
