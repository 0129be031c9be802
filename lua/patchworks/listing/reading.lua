--- What a page showed, when; and whether two pages stood side by side in the list.
-- @module patchworks.listing.reading
local readings = {}

-- The ids of a page's items, or nil where one has none.
local function ids_of(page)
  local ids = {}
  for i, item in ipairs(page.data) do
    local id = type(item) == "table" and item.id or nil
    if id == nil then return nil end
    ids[i] = id
  end
  return ids
end

-- Where a service names no total, the number of pages shows a move, if a coarse one.
local function total_of(page)
  local meta = page.meta
  return math.type(meta.total) == "integer" and meta.total or meta.last_page
end

--- A page as it was at a moment. Read again and the same, it was so from `first` to `latest`.
-- @tparam table page
-- @tparam integer number
-- @tparam table times `begun`, `sent` and `answered`; see patchworks.listing.page
function readings.new(page, number, times)
  return {
    page = page,
    number = number,
    ids = ids_of(page),
    last = page.meta.last_page,
    total = total_of(page),
    first = times,
    latest = times,
    times = 1,
  }
end

--- Whether two pages hold the same items.
function readings.same(one, other)
  if not one.ids or not other.ids or #one.ids ~= #other.ids then return false end
  for i, id in ipairs(one.ids) do
    if id ~= other.ids[i] then return false end
  end
  return true
end

--- Adds to a reading what an earlier one of the same page showed.
-- @tparam table reading
-- @tparam ?table earlier
-- @treturn table the reading
function readings.join(reading, earlier)
  if not earlier or earlier.number ~= reading.number or not readings.same(earlier, reading) then return reading end
  if earlier.first.sent < reading.first.sent then reading.first = earlier.first end
  if earlier.latest.sent > reading.latest.sent then reading.latest = earlier.latest end
  reading.times = reading.times + earlier.times
  return reading
end

--- Whether a page is of the list as it was before a reading showed that it had moved.
function readings.is_outdated(page, times, reading)
  return times.answered < reading.latest.begun and total_of(page) ~= reading.total
end

--- Notes the total that a page showed.
-- @tparam table shown list of `{sent, answered, total}`, in the order they were sent
-- @tparam table page
-- @tparam table times
function readings.note(shown, page, times)
  local place = #shown + 1
  while place > 1 and shown[place - 1].sent > times.sent do place = place - 1 end
  table.insert(shown, place, { sent = times.sent, answered = times.answered, total = total_of(page) })
end

--- Forgets what was shown before a moment.
function readings.forget(shown, moment)
  local kept = 0
  for i, each in ipairs(shown) do
    shown[i] = nil
    if each.answered >= moment then
      kept = kept + 1
      shown[kept] = each
    end
  end
end

-- How often the total rose and fell while two requests, and what was between them, were under way.
local function moves(shown, from, to)
  local rises, falls, last = 0, 0, nil
  local stop = math.max(from.answered, to.answered)
  for _, each in ipairs(shown) do
    if each.answered >= from.sent and each.sent <= stop then
      if last and each.total > last then rises = rises + 1 end
      if last and each.total < last then falls = falls + 1 end
      last = each.total
    end
  end
  return rises, falls
end

-- Whether the service surely handled one request before the other.
local function before(one, other) return one.answered < other.begun end

-- Whether one page was read between two readings of the other that were the same, while the list only grew. (Where it
-- shrank, something made since may have put the other page back in its place.)
local function between(shown, outer, times)
  if not (before(outer.first, times) and before(times, outer.latest)) then return false end
  local _, falls = moves(shown, outer.first, outer.latest)
  return falls == 0
end

-- Whether both were read twice, in turn, and were the same, while the list only shrank.
local function in_turn(shown, page, following)
  local first, second = page, following
  if before(following.first, page.first) then first, second = following, page end
  if not (before(first.first, second.first) and before(second.first, first.latest)) then return false end
  if not before(first.latest, second.latest) then return false end
  local rises = moves(shown, first.first, second.latest)
  return rises == 0
end

-- A service whose totals are not to be relied upon: both pages stay as they are, however often they are read in turn.
local enough = 4

--- Whether nothing shows that the list moved between a page and the one after it.
-- @tparam table shown
-- @tparam table page
-- @tparam table following
-- @tparam integer moved when a page last showed that the list had moved. Requests that were under way then may have
-- been handled before it moved, in any order
-- @treturn boolean
function readings.fit(shown, page, following, moved)
  for _, times in ipairs { following.first, following.latest } do
    for _, earlier in ipairs { page.first, page.latest } do
      if earlier.sent <= times.sent and (times.begun > moved or before(earlier, times)) then
        local rises, falls = moves(shown, earlier, times)
        if rises + falls == 0 then return true end
      end
      if between(shown, following, earlier) then return true end
    end
    if between(shown, page, times) then return true end
  end
  if in_turn(shown, page, following) then return true end
  return page.times >= enough and following.times >= enough
end

return readings
