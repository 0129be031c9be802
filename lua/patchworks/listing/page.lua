--- One page of a listing: fetched, and checked before anybody sees it.
--
-- Everybody who reads pages comes through here: loops, `all`, `first`, `count`, `page(n)`, and with it following logs
-- and looking for a version after a lost answer.
--
-- A *source* says where pages come from:
--
-- - `begin(number, per_page)` sends for a page and gives a pending call (see patchworks.call.pending): `wait()` gives
--   the page and its response, or nil and an error; `done()`, `cancel()`
-- - `check_item(item)`, optional: a sentence about what is wrong with an item, or nil
-- - `wrap(item)`, optional: what is done to each item
-- - `on_page(event)`, optional: told of each page that is used
-- - `operation` and `url`, for errors; `per_page`, nil where the endpoint takes none; `from`, `limit`, `read_ahead`
--
-- @module patchworks.listing.page
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
  local check = source.check_item
  for i, item in ipairs(check and which.data or {}) do
    local what = check(item)
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

local Pending = { __name = "patchworks.listing.pending" }
Pending.__index = Pending

-- What came: the page and when it was under way; or nil and an error.
local function complete(pending)
  local source, number = pending.source, pending.number
  local which, response = pending.call:wait()
  if not which then return nil, response end
  which.response = response
  local wrong = flaw(source, which, number)
  if wrong then return page.protocol(source, wrong, which) end
  if source.wrap then
    for _, item in ipairs(which.data) do source.wrap(item) end
  end
  local answered = page.moment()
  local sent = #response.attempts > 1 and answered or pending.sent
  local times = { begun = pending.sent, sent = sent, answered = answered }
  if pending.note then pending.note(which, times) end
  return which, times
end

-- Takes in what came, which waits for it where it hasn't yet.
local function settle(pending)
  if not pending.result then pending.result = table.pack(pcall(complete, pending)) end
end

--- Takes in what came, if it did: when it came tells something of other pages.
function Pending:look()
  if not self.result and self.call:done() then settle(self) end
end

--- What was taken in: the page and its times, or nil where none came, or what came is an error.
function Pending:came()
  if self.result and self.result[1] then return self.result[2], self.result[3] end
end

--- Waits for the page. Once.
-- @treturn ?table the page: `data`, `meta`, `links`, `response`; or nil and an error
-- @treturn table the moments between which it was under way, `begun` and `answered`; and `sent`, which is `begun`, but
-- `answered` for one that was tried again
function Pending:wait()
  settle(self)
  if not self.result[1] then error(self.result[2], 0) end
  return self.result[2], self.result[3]
end

--- Cancels it.
function Pending:cancel() self.call:cancel() end

--- Begins to read a page.
-- @tparam table source
-- @tparam integer number from 1
-- @tparam ?integer per_page
-- @tparam ?function note told of the page and its times when it came
-- @tparam ?boolean goes_on whether another was read before it
-- @treturn table pending
function page.begin(source, number, per_page, note, goes_on)
  local pending = { source = source, number = number, note = note, sent = page.moment(), call = false, result = false }
  pending.call = source.begin(number, per_page, goes_on)
  return setmetatable(pending, Pending)
end

Pending.__close = Pending.cancel

--- Reads a page: as `begin` and `wait`.
function page.get(source, number, per_page)
  local pending <close> = page.begin(source, number, per_page)
  return pending:wait()
end

--- Tells the source's listener that a page is used.
function page.tell(source, which, number)
  if source.on_page then
    source.on_page { type = "page", operation = source.operation, number = number, of = which.meta.last_page }
  end
end

return page
