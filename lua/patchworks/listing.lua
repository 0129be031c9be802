--- Listings: what `list`, `logs` and `paginate` give.
--
--     for version in versions:list(42) do .. end     items, page after page; `break` frees everything
--     listing:all()       -> a table of all items; or nil and an error
--     listing:first()     -> the first item, nil when there is none; or nil and an error
--     listing:count()     -> how many there are; or nil and an error
--     listing:page(n)     -> one page: `data`, `meta`, `links`, `response`; or nil and an error
--     for page in listing:pages() do .. end
--
-- Nothing is fetched before it is asked for. An iterator has no second value for an error: it raises it.
--
-- @module patchworks.listing
local async = require "patchworks.async"
local endpoints = require "patchworks.call.endpoints"
local errors = require "patchworks.errors"
local methods = require "patchworks.call.methods"
local options = require "patchworks.call.options"

local pages = {}

local Listing = { __name = "patchworks.listing" }
Listing.__index = Listing

local function protocol(self, message, page)
  return nil,
    errors.new {
      kind = "protocol",
      message = message,
      operation = self.operation,
      url = self.url,
      response = page and page.response,
      status = page and page.response and page.response.status,
    }
end

-- A page that tells how many there are, and is the one that was asked for. A contract that says so can be broken by a
-- proxy's cache, or by a parameter that the service ignores: without this a loop would not end.
local function check(self, page, number)
  local meta = page.meta
  if type(meta) ~= "table" then return protocol(self, "the answer is no page: it has no meta", page) end
  if math.type(meta.last_page) ~= "integer" or meta.last_page < 0 then
    return protocol(self, "meta.last_page is no page number: " .. tostring(meta.last_page), page)
  end
  -- The contract allows a current_page of 0, which is no page's number and so tells nothing.
  if meta.current_page ~= nil and meta.current_page ~= 0 and meta.current_page ~= number then
    local came = tostring(meta.current_page)
    return protocol(self, ("asked for page %d, and page %s came again"):format(number, came), page)
  end
  return page
end

local function get_page(self, number, per_page)
  local page, response = self.fetch(number, per_page)
  if not page then return nil, response end
  page.response = response
  local ok, problem = check(self, page, number)
  if not ok then return nil, problem end
  if self.wrap then
    for _, item in ipairs(page.data) do self.wrap(item) end
  end
  if self.on_page then
    self.on_page { type = "page", operation = self.operation, number = number, of = page.meta.last_page }
  end
  return page
end

--- One page.
-- @tparam integer number from 1
-- @treturn ?table page; or nil and an error
function Listing:page(number)
  if math.type(number) ~= "integer" or number < 1 then
    errors.misuse("page: expected an integer of at least 1, got %s", tostring(number))
  end
  return get_page(self, number, self.per_page)
end

local Walk = { __name = "patchworks.walk" }
Walk.__index = Walk

-- A walk over all pages, with those after the current one under way as tasks.
local function walk(listing)
  return setmetatable({
    listing = listing,
    number = listing.from,
    last = nil, -- the last page's number, once a page told it
    ahead = {}, -- number -> task
    furthest = listing.from,
  }, Walk)
end

-- Cancels the pages that are under way; nothing comes after it.
function Walk:close()
  for number, task in pairs(self.ahead) do
    self.ahead[number] = nil
    task:cancel()
  end
  self.number = math.huge
end

Walk.__close = Walk.close

-- The last page worth fetching: a `limit` may end the walk before the last page.
local function last_needed(self)
  local listing = self.listing
  if not listing.limit then return self.last end
  return math.min(self.last, listing.from + (listing.limit - 1) // math.max(1, self.size))
end

local function fetch_ahead(self)
  local listing = self.listing
  local last = math.min(last_needed(self), self.number + listing.read_ahead)
  local before = self.furthest
  for number = math.max(self.furthest, self.number) + 1, last do
    self.furthest = number
    self.ahead[number] = async.spawn(function() return get_page(listing, number, listing.per_page) end)
  end
  -- In a task the scheduler sends them at the next wait; elsewhere they would sit there until the next page is due.
  if self.furthest > before and not async.current() then async.turn(0) end
end

local function take(self, number)
  local task = self.ahead[number]
  if not task then
    self.furthest = math.max(self.furthest, number)
    return get_page(self.listing, number, self.listing.per_page)
  end
  local ok, page, problem = task:join()
  self.ahead[number] = nil
  if not ok then error(page, 0) end
  return page, problem
end

-- Whether a page holds just what the one before it held: a service that ignores `page` would be read for ever.
local function repeats(page, previous)
  if not previous or #page.data == 0 or #page.data ~= #previous then return false end
  for i, item in ipairs(page.data) do
    local id = type(item) == "table" and item.id
    if not id or id ~= previous[i] then return false end
  end
  return true
end

local function ids_of(page)
  local ids = {}
  for i, item in ipairs(page.data) do ids[i] = type(item) == "table" and item.id or false end
  return ids
end

--- The next page, nil after the last one; or nil and an error.
function Walk:next()
  if self.last and self.number > self.last then return nil end
  if self.number == math.huge then return nil end
  local page, problem = take(self, self.number)
  if not page then
    self:close()
    return nil, problem
  end
  if repeats(page, self.previous) then
    local message = ("page %d holds what the page before it held"):format(self.number)
    self:close()
    return protocol(self.listing, message, page)
  end
  self.previous = ids_of(page)
  self.size = self.size or #page.data
  self.last = page.meta.last_page
  if self.listing.read_ahead > 0 and self.number < self.last then fetch_ahead(self) end
  self.number = self.number + 1
  return page
end

-- A set of integers, 48 to a number: 100,000 ids in a row take a hundredth of a table's room.
local function seen_set()
  local blocks, others = {}, {}
  return function(id)
    if math.type(id) ~= "integer" then
      if id == nil then return false end
      local known = others[id]
      others[id] = true
      return known
    end
    local block, bit = id // 48, 1 << (id % 48)
    local bits = blocks[block] or 0
    blocks[block] = bits | bit
    return bits & bit ~= 0
  end
end

-- A walk over items: none twice (a version made meanwhile moves the others to the next page), none past the limit.
local function items(listing)
  local self = { walk = walk(listing), seen = seen_set(), given = 0, index = 0 }
  -- The next item, nil after the last; or nil and an error.
  function self.next()
    if listing.limit and self.given >= listing.limit then
      self.walk:close()
      return nil
    end
    while true do
      self.index = self.index + 1
      local item = self.page and self.page.data[self.index]
      if item == nil then
        local page, problem = self.walk:next()
        if problem then return nil, problem end
        if not page then return nil end
        self.page, self.index = page, 0
      elseif not self.seen(type(item) == "table" and item.id or nil) then
        self.given = self.given + 1
        return item
      end
    end
  end
  return self
end

-- What a generic for calls; it hands the last item back, and nil when it starts.
function Listing:__call(_, previous)
  if previous == nil or not self.iteration then
    self:close()
    self.iteration = items(self)
  end
  local item, problem = self.iteration.next()
  if problem then error(problem, 0) end
  return item
end

--- Cancels what is under way for the iteration in progress.
function Listing:close()
  if self.iteration then self.iteration.walk:close() end
  self.iteration = nil
end

function Listing:__close() self:close() end

function Listing:__tostring() return ("listing of %s"):format(self.operation) end

--- All items, up to the limit.
-- @treturn ?table list; or nil and an error
function Listing:all()
  local iteration = items(self)
  local _ <close> = iteration.walk
  local list = {}
  while true do
    local item, problem = iteration.next()
    if problem then return nil, problem end
    if item == nil then return list end
    list[#list + 1] = item
  end
end

--- The first item.
-- @return the item, or nil when there is none; or nil and an error
function Listing:first()
  local page, problem = get_page(self, self.from, self.per_page and (self.from == 1 and 1 or self.per_page))
  if not page then return nil, problem end
  return page.data[1]
end

--- How many items there are, whatever `limit` says. One request.
-- @treturn ?integer the count; or nil and an error
function Listing:count()
  local page, problem = get_page(self, 1, self.per_page and 1)
  if not page then return nil, problem end
  if math.type(page.meta.total) ~= "integer" then
    return protocol(self, "meta.total is no count: " .. tostring(page.meta.total), page)
  end
  return page.meta.total
end

--- An iterator over pages, for a generic for.
function Listing:pages()
  local steps = walk(self)
  local function next_page()
    local page, problem = steps:next()
    if problem then error(problem, 0) end
    return page
  end
  return next_page, nil, nil, steps
end

--- Makes a listing.
-- @tparam table fields `fetch(number, per_page)` gives a page and its response, or nil and an error; `per_page` (nil
-- when the endpoint takes none); `from`, the first page; `limit`; `read_ahead`; `wrap(item)`; `on_page(event)`;
-- `operation` and `url` for errors
-- @return the four values of a generic for: the listing is the iterator, and what closes it
function pages.listing(fields)
  local self = setmetatable(fields, Listing)
  return self, nil, nil, self
end

local most_per_page, default_read_ahead = 100, 4

--- What every listing takes, completed: how much, in what portions, and how far ahead.
-- @tparam table given the caller's options, checked
-- @treturn ?integer limit
-- @treturn integer per_page
-- @treturn integer read_ahead
function pages.portions(given)
  local limit, per_page = given.limit, given.per_page
  return limit, per_page or math.min(most_per_page, limit or most_per_page), given.read_ahead or default_read_ahead
end

pages.paginate_method = methods.method {
  name = "paginate",
  of = "client",
  says = "A listing of any other paged part of the Core API.",
  takes = { { "path", "string", 'below `/api/v1`, such as "/scripts"' } },
  options = {
    { "query", "table", "names to strings, numbers, booleans or lists of them" },
    endpoints.list.known.limit,
    endpoints.list.known.per_page,
    endpoints.list.known.read_ahead,
  },
  call = true,
  gives = "patchworks.listing",
  requests = "1 for each 100 items",
  fails = { "not_found", "invalid" },
  example = [[for script in client:paginate("/scripts") do print(script.name) end]],
}

--- A listing of any other paged part of the Core API.
-- @tparam table client
-- @tparam string path below `/api/v1`, such as "/scripts"
-- @tparam ?table given `query`, `per_page` (100), `limit`, `read_ahead` (4), and the options of every call
-- @treturn table listing
-- @usage for script in client:paginate("/scripts") do print(script.name) end
function pages.paginate(client, path, given)
  local first = client:prepare_request("GET", path, given, pages.paginate_method)
  given = given or {}
  local limit, per_page, read_ahead = pages.portions(given)
  local base, query = {}, {}
  for name in pairs(options.per_call) do base[name] = given[name] end
  for name, value in pairs(given.query or {}) do query[name] = value end
  base.query = query
  local function fetch(number, size)
    query.page, query.per_page = number, size
    return client:perform(client:prepare_request("GET", path, base), "page")
  end
  return pages.listing {
    operation = first.operation,
    url = first.url,
    fetch = fetch,
    per_page = per_page,
    from = 1,
    limit = limit,
    read_ahead = read_ahead,
    on_page = base.on_event or client.settings.on_event,
  }
end

return pages
