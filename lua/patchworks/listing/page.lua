--- One page of a listing: fetched, and checked before anybody sees it.
--
-- Everybody who reads pages comes through here: loops, `all`, `first`, `count`, `page(n)`, and with it following logs
-- and looking for a version after a lost answer.
--
-- A *source* says where pages come from:
--
-- - `fetch(number, per_page)` gives a page and its response, or nil and an error
-- - `check_item(item)`, optional: a sentence about what is wrong with an item, or nil
-- - `wrap(item)`, optional: what is done to each item
-- - `on_page(event)`, optional: told of each page that is used
-- - `operation` and `url`, for errors; `per_page`, nil where the endpoint takes none; `from`, `limit`, `read_ahead`
--
-- @module patchworks.listing.page
local async = require "patchworks.async"
local errors = require "patchworks.errors"

local page = {}

--- An error of the kind `protocol` about a page.
-- @return nil and the error
function page.protocol(source, message, which)
  return nil,
    errors.new {
      kind = "protocol",
      message = message,
      operation = source.operation,
      url = source.url,
      response = which and which.response,
      status = which and which.response and which.response.status,
    }
end

-- What is wrong with a page, or nil. A proxy's cache or a parameter that the service ignores can break what the
-- contract says of pages: without this a loop would not end.
local function flaw(source, which, number)
  local meta = which.meta
  if type(meta) ~= "table" then return "the answer is no page: it has no meta" end
  if math.type(meta.last_page) ~= "integer" or meta.last_page < 0 then
    return "meta.last_page is no page number: " .. tostring(meta.last_page)
  end
  -- The contract allows a current_page of 0, which is no page's number and so tells nothing.
  if meta.current_page ~= nil and meta.current_page ~= 0 and meta.current_page ~= number then
    return ("asked for page %d, and page %s came again"):format(number, tostring(meta.current_page))
  end
  for i, item in ipairs(source.check_item and which.data or {}) do
    local what = source.check_item(item)
    if what then return ("item %d of page %d %s"):format(i, number, what) end
  end
  return nil
end

local moments = 0

--- The next moment: a number that only grows, whatever the clock says.
function page.moment()
  moments = moments + 1
  return moments
end

--- Reads one page.
-- @tparam table source
-- @tparam integer number from 1
-- @tparam ?integer per_page
-- @tparam ?function note told of the page and its times when it comes
-- @treturn ?table the page: `data`, `meta`, `links`, `response`; or nil and an error
-- @treturn table the moments between which it was under way, `sent` and `answered`. One that was tried again counts as
-- sent when it was answered
function page.get(source, number, per_page, note)
  local sent = page.moment()
  local which, response = source.fetch(number, per_page)
  if not which then return nil, response end
  which.response = response
  local wrong = flaw(source, which, number)
  if wrong then return page.protocol(source, wrong, which) end
  if source.wrap then
    for _, item in ipairs(which.data) do source.wrap(item) end
  end
  local answered = page.moment()
  local times = { sent = #response.attempts > 1 and answered or sent, answered = answered }
  if note then note(which, times) end
  return which, times
end

--- Tells the source's listener that a page is used.
function page.tell(source, which, number)
  if source.on_page then
    source.on_page { type = "page", operation = source.operation, number = number, of = which.meta.last_page }
  end
end

local Pending = { __name = "patchworks.listing.pending" }
Pending.__index = Pending

-- As `page.get`.
function Pending:wait()
  local ok, which, times = self.task:join()
  if not ok then error(which, 0) end
  return which, times
end

function Pending:cancel() self.task:cancel() end

--- Begins to read pages, in this order.
-- @tparam table source
-- @tparam {integer,...} numbers
-- @tparam function note as for `get`
-- @treturn table number -> what has `wait()`, which gives what `get` gives, and `cancel()`
function page.begin(source, numbers, note)
  if source.begin then return source.begin(numbers, note) end
  local begun = {}
  for _, number in ipairs(numbers) do
    local task = async.spawn(function() return page.get(source, number, source.per_page, note) end)
    begun[number] = setmetatable({ task = task }, Pending)
  end
  return begun
end

return page
