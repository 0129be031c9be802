--- Listings: what `list`, `logs` and `paginate` give.
--
--     for version in versions:list(42) do .. end     items, page after page; `break` frees everything
--     listing:items()     -> the same for a listing that is kept: `for item in listing:items() do`
--     listing:all()       -> a table of all items; or nil and an error
--     listing:first()     -> the first item, nil when there is none; or nil and an error
--     listing:count()     -> how many there are; or nil and an error
--     listing:page(n)     -> one page: `data`, `meta`, `links`, `response`; or nil and an error
--     for page in listing:pages() do .. end
--
-- A listing describes; each loop over it walks by itself. Nothing is fetched before it is asked for. An iterator has no
-- second value for an error: it raises it. `timeout` is each page's, since a loop takes as long as its reader. What was
-- there all the time comes once, in order, though others change the list meanwhile: see patchworks.listing.walk.
--
-- @module patchworks.listing
local arguments = require "patchworks.call.arguments"
local endpoints = require "patchworks.call.endpoints"
local errors = require "patchworks.errors"
local methods = require "patchworks.call.methods"
local options = require "patchworks.call.options"
local pages = require "patchworks.listing.page"
local walk = require "patchworks.listing.walk"

local listing = {}

local Listing = {}

local function start_walk(self)
  local steps = walk.new(self._source)
  self._walks[steps] = true
  return steps
end

-- One loop over items: begins when it is first asked, and again whenever a generic for begins with it.
local Loop = { __name = "patchworks.listing.loop" }

local function new_loop(of) return setmetatable({ of = of, walk = nil, page = nil, index = 0 }, Loop) end

local function close_loop(loop)
  if loop.walk then loop.walk:close() end
end

Loop.__close = close_loop

local function start_loop(loop)
  close_loop(loop)
  loop.walk, loop.page = start_walk(loop.of), nil
end

-- The next item, nil after the last; or nil and an error.
local function next_item(loop)
  while not loop.walk.closed do
    loop.index = loop.index + 1
    local item = loop.page and loop.page.data[loop.index]
    if item ~= nil then return item end
    local page, problem = loop.walk:next()
    if not page then return nil, problem end
    loop.page, loop.index = page, 0
  end
  return nil
end

local function step(loop, previous)
  if previous == nil or not loop.walk then start_loop(loop) end
  local item, problem = next_item(loop)
  if problem then error(problem, 0) end
  return item
end

-- A generic for hands back what `list` gave besides the listing, its loop, and the last item. Where the listing was
-- kept in a variable there is no such loop: then the last item tells which loop it came from.
local function call(self, loop, previous)
  local loops = self._loops
  if getmetatable(loop) == Loop then return step(loop, previous) end
  loop = previous ~= nil and loops[previous] or nil
  if not loop and previous ~= nil then
    errors.misuse "a listing is the iterator of a generic for: write `for item in listing do`"
  end
  if loop then loops[previous] = nil end
  loop = loop or new_loop(self)
  local item = step(loop, previous)
  if item == nil then return nil end
  if type(item) ~= "table" then
    close_loop(loop)
    errors.misuse "the items of this listing are no tables: write `for item in listing:items() do`"
  end
  loops[item] = loop
  return item
end

local function no_table(what)
  return function()
    errors.misuse("a listing is read page by page, and is no table; for %s", what)
  end
end

local Class = {
  __name = "patchworks.listing",
  __index = Listing,
  __call = call,
  __len = no_table "its length write listing:count(), or #listing:all()",
  __pairs = no_table "its items write `for item in listing do`, or pairs(listing:all())",
  __tostring = function(self) return ("listing of %s"):format(self._source.operation) end,
}

local by_number = no_table "an item by its place write listing:all()[n], and for all `for item in listing do`"
setmetatable(Listing, {
  __index = function(_, key)
    if math.type(key) == "integer" then by_number() end
    return nil
  end,
})

--- Ends the loops over this listing that are under way: what they fetch is cancelled, and they give nothing more.
function Listing:close()
  for steps in pairs(self._walks) do
    steps.closed = true
    steps:close()
  end
end

Class.__close = Listing.close

--- An iterator over items, for a generic for.
-- @usage for version in listing:items() do print(version) end
function Listing:items()
  local loop = new_loop(self)
  return step, loop, nil, loop
end

--- An iterator over pages, for a generic for. What was given before, or is past the limit, is not in their `data`.
-- @usage for page in listing:pages() do print(page.meta.current_page, #page.data) end
function Listing:pages()
  local steps = start_walk(self)
  local function next_page()
    local page, problem = steps:next()
    if problem then error(problem, 0) end
    return page
  end
  return next_page, nil, nil, steps
end

--- All items, up to the limit.
-- @treturn ?table list; or nil and an error
function Listing:all()
  local loop <close> = new_loop(self)
  start_loop(loop)
  local list = {}
  while true do
    local item, problem = next_item(loop)
    if problem then return nil, problem end
    if item == nil then return list end
    list[#list + 1] = item
  end
end

local function get_page(self, number, per_page)
  local page, problem = pages.get(self._source, number, per_page)
  if not page then return nil, problem end
  pages.tell(self._source, page, number)
  return page
end

--- One page, as the service gives it now.
-- @tparam integer number from 1
-- @treturn ?table page; or nil and an error
function Listing:page(number)
  if math.type(number) ~= "integer" or number < 1 then
    errors.misuse("page: expected an integer of at least 1, got %s", arguments.show(number))
  end
  return get_page(self, number, self._source.per_page)
end

--- The first item. One request.
-- @return the item, or nil when there is none; or nil and an error
function Listing:first()
  local source = self._source
  local page, problem = get_page(self, source.from, source.from == 1 and source.per_page and 1 or source.per_page)
  if not page then return nil, problem end
  return page.data[1]
end

--- How many items there are, whatever `limit` says. One request.
-- @treturn ?integer the count; or nil and an error
function Listing:count()
  local source = self._source
  local page, problem = get_page(self, 1, source.per_page and 1)
  if not page then return nil, problem end
  if math.type(page.meta.total) ~= "integer" then
    return pages.protocol(source, "meta.total is no count: " .. tostring(page.meta.total), page)
  end
  return page.meta.total
end

--- Makes a listing.
-- @tparam table source see patchworks.listing.page
-- @return the four values of a generic for: the listing is the iterator, and the loop what closes it
function listing.new(source)
  local self = setmetatable({
    _source = source,
    _walks = setmetatable({}, { __mode = "k" }), -- those that may be under way
    _loops = setmetatable({}, { __mode = "k" }), -- the item given last -> its loop
  }, Class)
  local loop = new_loop(self)
  return self, loop, nil, loop
end

local most_per_page, default_read_ahead = 100, 4

--- What every listing takes, completed: how much, in what portions, and how far ahead.
-- @tparam table given the caller's options, checked
-- @treturn ?integer limit
-- @treturn integer per_page
-- @treturn integer read_ahead
function listing.portions(given)
  local limit, per_page = given.limit, given.per_page
  return limit, per_page or math.min(most_per_page, limit or most_per_page), given.read_ahead or default_read_ahead
end

listing.paginate_method = methods.method {
  name = "paginate",
  of = "client",
  says = "A listing of any other paged part of the Core API.",
  takes = { { "path", "string", 'below `/api/v1`, such as "/scripts"' } },
  options = {
    { "query", "table", "names to strings, numbers, booleans or lists of them" },
    endpoints.list.known.limit,
    endpoints.list.known.per_page,
    endpoints.list.known.read_ahead,
    endpoints.list.known.timeout,
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
function listing.paginate(client, path, given)
  local first = client:_prepare_request("GET", path, given, listing.paginate_method)
  given = given or {}
  local limit, per_page, read_ahead = listing.portions(given)
  local base, query = {}, {}
  for name in pairs(options.per_call) do base[name] = given[name] end
  for name, value in pairs(given.query or {}) do query[name] = value end
  base.query = query
  local function begin(number, size, goes_on)
    query.page, query.per_page = number, size
    return client:_begin(client:_prepare_request("GET", path, base, nil, goes_on), "page")
  end
  return listing.new {
    operation = first.operation,
    url = first.url,
    begin = begin,
    per_page = per_page,
    from = 1,
    limit = limit,
    read_ahead = read_ahead,
    on_page = base.on_event or client._settings.on_event,
  }
end

return listing
