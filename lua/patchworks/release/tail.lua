--- Following a version's logs: entries as they come.
--
-- The contract gives no way to ask for what is new, and doesn't say in which order entries come. The page that holds
-- the newest ones is read again and again, at intervals that grow while nothing comes; what was seen is remembered, the
-- last 2,000 entries of it.
--
-- @module patchworks.release.tail
local arguments = require "patchworks.call.arguments"
local deadline = require "patchworks.time.deadline"
local errors = require "patchworks.errors"
local jobs = require "patchworks.release.job"
local methods = require "patchworks.call.methods"
local takes = require "patchworks.release.methods"

local tail = {}

local remembered = 2000

-- A set that forgets the oldest.
local function memory()
  local set, ring, next_place = {}, {}, 1
  local function has(key) return set[key] end
  local function add(key)
    local oldest = ring[next_place]
    if oldest ~= nil then set[oldest] = nil end
    set[key], ring[next_place] = true, key
    next_place = next_place % remembered + 1
  end
  return { has = has, add = add }
end

local function key_of(entry)
  if entry.id ~= nil then return entry.id end
  return tostring(entry.created_at) .. "\0" .. tostring(entry.message)
end

-- Whether a page lists its oldest entry first; nil where it can't be told.
local function rises(page)
  local first, last = page.data[1], page.data[#page.data]
  if not first or first == last then return nil end
  if math.type(first.id) == "integer" and math.type(last.id) == "integer" then return first.id < last.id end
  local began, ended = first.created_at, last.created_at
  if type(began) == "string" and type(ended) == "string" and began ~= ended then return began < ended end
  return nil
end

-- The pages' entries, oldest first.
local function in_order(pages, rising)
  local entries = {}
  for _, page in ipairs(pages) do table.move(page.data, 1, #page.data, #entries + 1, entries) end
  if rising == false then
    for i = 1, #entries // 2 do entries[i], entries[#entries - i + 1] = entries[#entries - i + 1], entries[i] end
  end
  return entries
end

local function meets_known(state, page)
  for _, entry in ipairs(page.data) do
    if state.seen.has(key_of(entry)) then return true end
  end
  return false
end

-- The page to read after this one, or nil. Where the newest come first, what is new ends where something known comes.
-- Entries that were there before we came need not be read, but for those of the page with the newest.
local function page_after(state, page, number)
  if number >= page.meta.last_page then return nil end
  local skip = state.fresh and not state.all
  if state.rising ~= false then return skip and page.meta.last_page or number + 1 end
  return not skip and not meets_known(state, page) and number + 1 or nil
end

-- Reads what may be new, oldest first: the pages from the last known one on, or from the first, where the newest come
-- first; or nil and an error.
local function read_new(state)
  local pages, number = {}, state.page
  while number do
    local page, problem = state.job.resource:logs(state.id, state.job:options()):page(number)
    if not page then return nil, problem end
    pages[#pages + 1] = page
    local rising = rises(page)
    if rising ~= nil then state.rising = rising end
    state.page = state.rising ~= false and math.max(1, page.meta.last_page) or 1
    number = page_after(state, page, number)
  end
  return in_order(pages, state.rising)
end

local function wanted(state, entry)
  local key = key_of(entry)
  if state.seen.has(key) then return false end
  state.seen.add(key)
  if state.since then return tostring(entry.created_at or "") >= state.since end
  return not (state.fresh and not state.all)
end

-- Looks once: true, or nil and an error. A look that the end of the time cuts off is none.
local function take_new(_, state)
  local entries, problem = read_new(state)
  if not entries then
    if problem.kind == "timeout" and state.job.deadline:left() <= 0 then return true end
    return nil, problem
  end
  for _, each in ipairs(entries) do
    if wanted(state, each) then state.queue[#state.queue + 1] = each end
  end
  state.fresh = false
  return true
end

local function next_entry(state)
  local job = state.job
  while true do
    local entry = table.remove(state.queue, 1)
    if entry then return entry end
    job.clock.sleep(state.due:left())
    if job.deadline:left() <= 0 then return nil end
    local ok, problem = job:run(take_new, state)
    if not ok then error(problem, 0) end
    state.pause = #state.queue > 0 and state.interval or math.min(state.most, state.pause * 1.5)
    state.due = deadline.of(state.pause, job.deadline)
  end
end

--- Adds the method to the resource's class.
-- @tparam table class ScriptVersions
function tail.extend(class)
  --- Follows a version's logs: an iterator that waits for the next entry. 1 request a look. Raises an error that lasts.
  -- @tparam integer|string id
  -- @tparam ?table given `from`: "now" (the default: only what comes), "start", or a date as the service writes it;
  -- `interval` (1 s) and `max_interval` (10 s) between looks; `timeout` (s): the loop ends then
  -- @treturn function iterator
  -- @usage for entry in versions:tail(7) do print(entry.created_at, entry.message) end
  function class:tail(id, given)
    methods.check(takes.tail, given)
    given = given or {}
    local from = given.from or "now"
    if from ~= "now" and from ~= "start" and not from:find "^%d%d%d%d%-%d%d" then
      errors.misuse('tail: from: expected "now", "start" or a date such as "2026-11-23", got %s', arguments.show(from))
    end
    id = arguments.check_id(id, "tail: script version id")
    local interval = given.interval or 1
    local state = {
      due = deadline.of(0),
      job = jobs.new(self, "tail", id, given, given.timeout),
      id = id,
      interval = interval,
      pause = interval,
      most = math.max(interval, given.max_interval or 10),
      all = from ~= "now",
      since = from ~= "now" and from ~= "start" and from or nil,
      page = 1,
      fresh = true, -- nothing was read yet
      queue = {},
      seen = memory(),
    }
    return function() return next_entry(state) end
  end
end

return tail
