--- One gate per client, through which every request passes.
--
-- A 429 closes it for all of the client's calls until the time that the service named; then one goes first, and the
-- others follow when it got through. `rate_limit` paces the client by itself. An `X-RateLimit-Remaining` bounds how
-- many requests are under way at once, so that a crowd doesn't run into a limit that the service has announced.
--
-- @module patchworks.call.gate
local async = require "patchworks.async"

local Gate = { __name = "patchworks.gate" }
Gate.__index = Gate

local window = 60 -- seconds, of `rate_limit`

local gate = {}

--- Makes a gate.
-- @tparam table clock see async.clock
-- @tparam ?integer rate_limit the most requests in any 60 s
-- @tparam ?function on_wait called before a wait, with what `enter` was given and the seconds
function gate.new(clock, rate_limit, on_wait)
  return setmetatable({
    clock = clock,
    rate_limit = rate_limit,
    on_wait = on_wait,
    sent = {}, -- a ring of the times of the last `rate_limit` requests
    oldest = 1,
    closed_until = nil,
    probing = false,
    remaining = nil,
    told = 0, -- how often `remaining` was set
    under_way = 0,
    changed = async.condition(),
  }, Gate)
end

-- Seconds until `rate_limit` allows another request; 0 when it does now.
local function pace(self, now)
  local earliest = self.rate_limit and self.sent[self.oldest]
  return earliest and math.max(0, earliest + window - now) or 0
end

local function note_sent(self, now)
  if not self.rate_limit then return end
  self.sent[self.oldest] = now
  self.oldest = self.oldest % self.rate_limit + 1
end

-- What holds a request back: seconds to wait, or true for "until something changes"; nil when it may go.
local function obstacle(self, now)
  if self.closed_until and now < self.closed_until then return self.closed_until - now end
  if self.closed_until and self.probing then return true end
  if self.remaining and self.under_way >= math.max(1, self.remaining) then return true end
  local seconds = pace(self, now)
  return seconds > 0 and seconds or nil
end

--- Passes the gate, or finds out that the call's deadline comes first.
-- @tparam number deadline monotonic
-- @param call told to `on_wait`
-- @tparam ?number now the time, from a caller who has just looked
-- @treturn boolean passed
-- @return when it passed: whether it is the one that goes first after a 429; when not: the seconds that it would have
-- had to wait
-- @treturn ?number when it passed: the time
-- @treturn ?integer when it passed: what `leave` takes, to tell which answers are newer
function Gate:enter(deadline, call, now)
  local clock = self.clock
  while true do
    now = now or clock.now()
    local hold = obstacle(self, now)
    if not hold then
      local probe = self.closed_until ~= nil
      self.probing = probe
      note_sent(self, now)
      self.under_way = self.under_way + 1
      return true, probe, now, self.told
    elseif hold == true then
      if not self.changed:wait(deadline) then return false, 0 end
    elseif now + hold > deadline then
      return false, hold
    else
      if self.on_wait then self.on_wait(call, hold) end
      clock.sleep(hold)
    end
    now = nil
  end
end

-- Takes in what an answer says remains. Answers overtake each other: only that of a request which went out after the
-- known number came can raise it.
local function note_remaining(self, remaining, entered)
  local known = self.remaining
  if known and remaining and remaining > known and entered < self.told then return end
  self.remaining = remaining
  self.told = self.told + 1
end

--- Leaves the gate: every `enter` that passed is followed by one `leave`.
-- @tparam ?integer status of the answer; nil when none came
-- @tparam ?number retry_after seconds that a 429 asked for
-- @tparam ?integer remaining what X-RateLimit-Remaining said
-- @tparam ?boolean probe what `enter` gave
-- @tparam ?integer entered the last that `enter` gave
function Gate:leave(status, retry_after, remaining, probe, entered)
  self.under_way = self.under_way - 1
  if probe then self.probing = false end
  if status == 429 then
    local until_then = self.clock.now() + (retry_after or 1)
    if not self.closed_until or until_then > self.closed_until then self.closed_until = until_then end
    self.remaining = nil
  elseif status then
    if probe then self.closed_until = nil end
    note_remaining(self, remaining, entered or self.told)
  end
  if next(self.changed.waiters) then self.changed:announce() end
end

--- Whether the gate is closed, and for how many more seconds.
function Gate:closed_for()
  return self.closed_until and math.max(0, self.closed_until - self.clock.now()) or nil
end

--- The failure of a call that the gate holds back past its deadline.
-- @tparam ?table failure the call's last one
-- @tparam number hold seconds
function gate.held_back(failure, hold)
  failure = failure or { sent = false }
  if failure.status ~= 429 and hold <= 0 then
    return { kind = "timeout", message = "the call's time was up while it waited for the rate limit", sent = false }
  end
  return {
    kind = "rate_limited",
    status = failure.status == 429 and 429 or nil,
    sent = false,
    response = failure.response,
    retry_after = hold > 0 and hold or failure.retry_after,
    message = ("requests are held back for %.3g s more, which is past the call's timeout"):format(hold),
    hint = "raise `timeout`, or send fewer requests",
  }
end

return gate
