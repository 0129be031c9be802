--- Whether to send a request again, and after how long: two pure functions, and the bucket that stops a storm.
-- @module patchworks.call.retry
local retry = {}

local retried_statuses = { [429] = true, [500] = true, [502] = true, [503] = true, [504] = true }

-- Failures that surely did nothing: the request never left, or the service says that it refused it before work.
local function did_nothing(failure)
  if failure.unsent then return true end -- the login failed before
  if failure.status then return failure.status == 429 or (failure.status == 503 and failure.retry_after ~= nil) end
  return not failure.sent
end

--- Whether a failed attempt may be followed by another.
-- @tparam string delivery "read", "repeatable" or "once"; see call/endpoints.lua
-- @tparam table failure `kind`; `status` of an answer, or `sent` where none came; `retry_after`, seconds or nil
-- @treturn boolean
function retry.whether(delivery, failure)
  if failure.status then
    if not retried_statuses[failure.status] then return false end
    return delivery ~= "once" or did_nothing(failure)
  end
  if failure.kind ~= "network" and failure.kind ~= "timeout" then return false end
  return delivery ~= "once" or did_nothing(failure)
end

--- What is known of a failed attempt: "none" when the service did nothing, else "unknown".
-- @tparam string delivery
-- @tparam table failure as for `whether`
-- @treturn string
function retry.outcome(delivery, failure)
  if delivery == "read" or did_nothing(failure) then return "none" end
  local status = failure.status
  -- A refusal (4xx) did nothing, but for the two with which a proxy gives up waiting for work that may be done, as by
  -- a 5xx. A redirect is what a web application gives after work, and a success that can't be read was one.
  if status and status >= 400 and status < 500 and status ~= 408 and status ~= 499 then return "none" end
  return "unknown"
end

local most_backoff = 20

--- How long to wait before the next attempt, in seconds: what the service asked for, else full jitter over a range
-- that doubles from 0.2 s (1 s after a 429) to 20 s.
-- @tparam integer attempt the number of the one that failed, from 1
-- @tparam table failure as for `whether`
-- @tparam function random gives a float in [0, 1)
-- @treturn number
function retry.delay(attempt, failure, random)
  if failure.retry_after then return failure.retry_after end
  local base = failure.status == 429 and 1 or 0.2
  return random() * math.min(most_backoff, base * 2.0 ^ (attempt - 1))
end

--- Reads a Retry-After header: seconds, or a date.
-- @tparam ?string text
-- @tparam function date gives seconds since 1970 of an HTTP date, or nil
-- @tparam function wall gives the seconds since 1970 now
-- @treturn ?number seconds from now, never negative; nil when there is none or it can't be read
function retry.parse_after(text, date, wall)
  if not text then return nil end
  if text:find("^%d+$") then
    return #text <= 9 and tonumber(text) or 1e9
  end
  local when = text:find("%a") and date(text)
  return when and math.max(0, when - wall()) or nil
end

local capacity, refill = 500, 1
local retry_cost, refused_cost = 14, 5

local Bucket = { __name = "patchworks.retry.bucket" }
Bucket.__index = Bucket

--- A bucket of 500 that retries draw from (14 each, 5 after a 429): when the service is down, all of a client's calls
-- together stop asking again. A success gives back what the retry before it took, and 1 where there was none.
function retry.bucket()
  return setmetatable({ level = capacity }, Bucket)
end

--- Draws for one retry.
-- @treturn ?integer what it took; nil when the bucket has too little left
function Bucket:take(failure)
  local cost = failure.status == 429 and refused_cost or retry_cost
  if self.level < cost then return nil end
  self.level = self.level - cost
  return cost
end

--- Gives back for one success.
-- @tparam ?integer taken what the retry that succeeded had taken
function Bucket:give(taken)
  local level = self.level
  if level < capacity then self.level = math.min(capacity, level + (taken or refill)) end
end

return retry
