--- First come, first served: a list through its own members.
--
-- Joining and leaving need no memory, so that neither can fail. A member has the fields `_queue`, `_before` and
-- `_after`, false while it is in none; it is in one queue at a time.
--
-- @module patchworks.time.queue
local Queue = { __name = "patchworks.queue" }
Queue.__index = Queue

local queue = {}

--- Makes an empty queue: `first` and `last` are its ends, false when there is none.
function queue.new() return setmetatable({ first = false, last = false }, Queue) end

--- Puts a member at the end; one that is in a queue already stays where it is.
function Queue:push(member)
  if member._queue then return end
  local last = self.last
  member._queue, member._before, member._after = self, last, false
  if last then
    last._after = member
  else
    self.first = member
  end
  self.last = member
end

--- Takes a member out; one that is elsewhere stays there.
function Queue:remove(member)
  if member._queue ~= self then return end
  local before, after = member._before, member._after
  if before then
    before._after = after
  else
    self.first = after
  end
  if after then
    after._before = before
  else
    self.last = before
  end
  member._queue, member._before, member._after = false, false, false
end

--- Takes the first out, and gives it; nil when there is none.
function Queue:pop()
  local first = self.first
  if not first then return nil end
  self:remove(first)
  return first
end

return queue
