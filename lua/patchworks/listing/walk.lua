--- A walk over the pages of a list that others change meanwhile.
--
-- Pages are cut by number: when something is made or deleted, what was on a page's border is on the next page, or on
-- the one before. What was there all the time must come once, in order. So a page is taken as the next one only when it
-- is known to go on where the last one ended:
--
-- - It holds something that was given already. What keeps its order, and stood behind that, stands behind it still: on
--   this page or later. This is a proof, whatever moved.
-- - Or nothing shows a move: both pages name the same total, and the later page was not sent before the earlier one,
--   as it is when a page ahead came at once and this one was tried again; nor were both under way when a page showed
--   a move, for the service handles what is under way in any order.
--
-- Otherwise the pages are read again: the one before, when the total moved; this one, when it is the older. One that
-- holds nothing known any more sends the walk further back. A page that comes again as it was stood still in between,
-- so that what was read meanwhile fits to it. What no page shows, such as one made and one deleted between two
-- requests where new ones come last, is not seen.
--
-- Where even the first page holds nothing known, either whole pages were made above, or all that was given is deleted.
-- Items are withheld until one comes that was given: they stand above it, and are left out. At the end of the list
-- they are due.
--
-- Items without an `id` can't be recognised: they are given as they come.
--
-- @module patchworks.listing.walk
local pages = require "patchworks.listing.page"
local readings = require "patchworks.listing.reading"

local walk = {}

-- A set of integers, 48 to a number: 100,000 ids in a row take a hundredth of a table's room.
local Seen = {}
Seen.__index = Seen

function Seen:has(id)
  if math.type(id) ~= "integer" then return self.others[id] == true end
  local bits = self.blocks[id // 48]
  return bits ~= nil and bits & (1 << (id % 48)) ~= 0
end

function Seen:add(id)
  if math.type(id) == "integer" then
    local block = id // 48
    self.blocks[block] = (self.blocks[block] or 0) | (1 << (id % 48))
  else
    self.others[id] = true
  end
end

local function new_seen() return setmetatable({ blocks = {}, others = {} }, Seen) end

local Walk = { __name = "patchworks.listing.walk" }
Walk.__index = Walk

--- Makes a walk; nothing is sent before `next`.
-- @tparam table source see patchworks.listing.page
function walk.new(source)
  local shown = {}
  return setmetatable({
    source = source,
    number = source.from, -- the page to look at next
    held = nil, -- the reading that was taken last
    doubted = nil, -- a reading that waits for the page before it
    shown = shown, -- the totals that pages showed since `held`
    note = function(page, times) readings.note(shown, page, times) end,
    ahead = {}, -- number -> page under way
    since = {}, -- number -> when it was begun
    moved = 0, -- when a page last showed that the list had moved
    seen = new_seen(), -- what was given, or left out
    withheld = nil, -- `items`, and the `seen` of them, while nobody knows whether they are due
    falling = nil, -- whether the ids that were given fall, as where new ones come first; nil before there are two
    lowest = nil, -- the last of them
    left = source.limit or math.huge, -- items
    size = nil, -- items on the first page
    furthest = source.from, -- the page that brought something
    idle = 0, -- readings that brought nothing
  }, Walk)
end

--- Ends the walk: what is under way is cancelled. Safe to call twice.
function Walk:close()
  self.over = true
  self.held, self.doubted = nil, nil
  for number, pending in pairs(self.ahead) do
    self.ahead[number] = nil
    pending:cancel()
  end
end

Walk.__close = Walk.close -- one that is left is collected, with its pending calls, which cancels them

local function begin(self, number)
  self.since[number] = pages.moment()
  self.ahead[number] = pages.begin(self.source, number, self.source.per_page, self.note, self.size ~= nil)
  return self.ahead[number]
end

local function read(self, number)
  local pending = self.ahead[number] or begin(self, number)
  local page, times = pending:wait()
  self.ahead[number] = nil
  if not page then return nil, times end
  for _, other in pairs(self.ahead) do other:look() end
  pages.tell(self.source, page, number)
  local reading = readings.new(page, number, times)
  return readings.join(readings.join(reading, self.held), self.doubted)
end

-- The place of the last item that is in a set. What stands above it and was there all the time is in the set as well.
local function meeting(reading, seen)
  local ids = reading.ids or {}
  for i = #ids, 1, -1 do
    if seen:has(ids[i]) then return i end
  end
  return nil
end

local TAKE, AGAIN, BEFORE, REPEATED = 1, 2, 3, 4

-- What to do with the page after the one that was taken.
local function judge_next(self, held, reading)
  local asked_since = held.latest.sent > reading.latest.sent or reading.latest.begun < self.moved
  if #reading.ids > 0 and held.total == reading.total and readings.same(held, reading) then
    return asked_since and REPEATED or BEFORE
  end
  if reading.met or readings.fit(self.shown, held, reading, self.moved) then return TAKE end
  return (asked_since or reading.latest.sent < held.first.sent) and AGAIN or BEFORE
end

local function judge(self, reading)
  local held = self.held
  if not held then return TAKE end
  if not (held.ids and reading.ids) then
    return reading.number > held.number and reading.latest.sent < held.first.sent and AGAIN or TAKE
  end
  reading.met = meeting(reading, self.seen) or self.withheld and meeting(reading, self.withheld.seen)
  if reading.number > held.number then return judge_next(self, held, reading) end
  return (reading.met or reading.number == 1) and TAKE or BEFORE
end

local function id_of(item) return type(item) == "table" and item.id or nil end

-- Whether a first page without anything known may hold what was made above what was given.
local function may_be_above(self, reading)
  if not self.held or reading.number > 1 or reading.met or not reading.ids then return false end
  local id = reading.ids[1]
  return not (self.falling and math.type(id) == "integer" and id < self.lowest)
end

-- Takes from a page what may be due; gives what is, at the end of the list.
local function withhold(self, reading)
  local withheld = self.withheld
  for i, item in ipairs(reading.page.data) do
    local id = id_of(item)
    if i > (reading.met or 0) then withheld.items[#withheld.items + 1] = item end
    if id ~= nil then withheld.seen:add(id) end
  end
  if reading.number > self.furthest then
    self.idle, self.furthest = 0, reading.number
  end
  return reading.number >= reading.last and withheld.items or {}
end

-- What of a page may be due, and the place of the last item before that.
local function candidates(self, reading)
  if may_be_above(self, reading) then self.withheld = { items = {}, seen = new_seen() } end
  local withheld = self.withheld
  if not withheld then return reading.page.data, reading.met or 0 end
  local known = meeting(reading, self.seen)
  if not known then return withhold(self, reading), 0 end
  for _, item in ipairs(withheld.items) do
    local id = id_of(item)
    if id ~= nil then self.seen:add(id) end
  end
  self.withheld = nil
  return reading.page.data, known
end

local function note_order(self, id)
  if self.falling == false then return end
  if self.lowest or math.type(id) ~= "integer" then self.falling = math.type(id) == "integer" and id < self.lowest end
  self.lowest = id
end

-- Leaves in a page what is due: nothing twice, nothing past the limit; and nothing that was put in before what is
-- known, which is none of what was there all the time.
local function trim(self, reading)
  local data, known = candidates(self, reading)
  local due = {}
  for i, item in ipairs(data) do
    local id = id_of(item)
    local twice = id ~= nil and self.seen:has(id)
    if not twice and i > known then
      if #due >= self.left then break end
      due[#due + 1] = item
      note_order(self, id)
    end
    if id ~= nil then self.seen:add(id) end
  end
  reading.page.data = due
  self.left = self.left - #due
  return #due
end

-- Whether a page that is taken shows that the list moved since the one taken before.
local function shows_move(held, reading)
  if not held then return false end
  if reading.number > held.number then return reading.met ~= nil end
  return not (reading.number == held.number and readings.same(held, reading))
end

local function fetch_ahead(self, last)
  if self.left < math.huge then last = math.min(last, self.number + (self.left - 1) // math.max(1, self.size)) end
  last = math.min(last, self.number + self.source.read_ahead - 1)
  for number = self.number, last do
    local doubted = self.doubted and self.doubted.number == number
    if not self.ahead[number] and not doubted then begin(self, number) end
  end
end

-- Forgets totals that nothing can be held against any more.
local function forget(self)
  local oldest = self.held.first.sent
  if self.doubted then oldest = math.min(oldest, self.doubted.first.sent) end
  for number in pairs(self.ahead) do oldest = math.min(oldest, self.since[number]) end
  readings.forget(self.shown, oldest)
end

-- Takes a page; gives how many of its items are due.
local function take(self, reading)
  if shows_move(self.held, reading) then self.moved = math.max(self.moved, reading.latest.answered) end
  local due = trim(self, reading)
  self.held = reading
  if self.doubted and self.doubted.number ~= reading.number + 1 then self.doubted = nil end
  self.size = self.size or #reading.page.data
  self.number = reading.number + 1
  if self.left <= 0 or reading.number >= reading.last then
    self:close()
  else
    forget(self)
    fetch_ahead(self, reading.last)
  end
  return due
end

-- What makes it no use to go on, or nil.
local function hopeless(self, reading, verdict)
  local message
  if verdict == REPEATED then
    message = ("page %d holds what the page before it held"):format(reading.number)
  else
    self.idle = self.idle + 1
    -- Every page that brought something may be read again, backwards and forwards.
    if self.idle <= 2 * self.furthest + 16 then return nil end
    message = "the list changes faster than it can be read, or the service repeats its pages"
  end
  return select(2, pages.protocol(self.source, message, reading.page))
end

local function fail(self, problem)
  self:close()
  return nil, problem
end

local function look(self)
  local doubted = self.doubted
  if doubted and doubted.number == self.number and not doubted.stale then return doubted end
  return read(self, self.number)
end

-- What came ahead before the list moved would send the walk back once more.
local function drop_outdated(self, reading)
  for number, pending in pairs(self.ahead) do
    local page, times = pending:came()
    if page and readings.is_outdated(page, times, reading) then self.ahead[number] = nil end
  end
end

local function turn_back(self, reading, verdict)
  self.doubted = reading
  reading.stale = verdict == AGAIN
  if verdict == AGAIN then return end
  drop_outdated(self, reading)
  local before = reading.number - 1
  -- A page behind the last one has nothing to go by.
  if reading.number <= self.held.number then before = math.min(before, reading.last) end
  self.number = math.max(1, before)
end

--- The next page, nil after the last one; or nil and an error. Its `data` has what is due of it.
function Walk:next()
  while not self.over do
    local first = not self.held
    local reading, problem = look(self)
    if self.over then return nil end
    if not reading then return fail(self, problem) end
    local verdict = judge(self, reading)
    if verdict == TAKE and (take(self, reading) > 0 or first) then
      self.idle, self.furthest = 0, math.max(self.furthest, reading.number)
      return reading.page
    end
    problem = hopeless(self, reading, verdict)
    if problem then return fail(self, problem) end
    if verdict ~= TAKE then turn_back(self, reading, verdict) end
  end
  return nil
end

return walk
