--- One gate per client, through which every attempt passes, first come, first served.
--
-- What holds it shut: a 429, until the time that the service named (`max_pause` at most), and then until the one that
-- goes first is answered; `rate_limit`, by which the client paces itself; an `X-RateLimit-Remaining`, which bounds how
-- many may be under way, for as long as the service's minute may last; and as many transfers as there may be
-- connections, so that whoever waits for one waits here, where his own deadline ends it.
--
-- Those who wait stand in a line. Only the first looks whether it may pass; it calls the next one when it leaves. Who
-- is inside, and who goes first, is stored, never counted: nothing here can be left behind by a call that ends anyhow.
--
-- @module patchworks.call.gate
local clock = require "patchworks.time.clock"
local queue = require "patchworks.time.queue"
local scheduler = require "patchworks.time.scheduler"

local Gate = { __name = "patchworks.gate" }
Gate.__index = Gate

local window = 60 -- seconds, of `rate_limit` and of what the service says remains
local streams = 100 -- of one HTTP/2 connection

local gate = {}

--- Makes a gate.
-- @tparam table engine says how many are under way
-- @tparam table settings `max_connections`, `rate_limit` (the most requests in any 60 s, or nil) and `max_pause`
-- (seconds)
-- @tparam function on_wait called before a wait of known length, with the flight and the seconds
function gate.new(engine, settings, on_wait)
  return setmetatable({
    engine = engine,
    most = settings.max_connections,
    rate_limit = settings.rate_limit or false,
    max_pause = settings.max_pause,
    on_wait = on_wait,
    sent = {}, -- a ring of the times of the last `rate_limit` requests
    oldest = 1,
    closed_until = false,
    probe = false, -- the flight that goes first after a 429
    remaining = false,
    remaining_until = false,
    news = 0, -- what was learned from answers, counted, so that a flight knows what is newer than its request
    closed_at = 0, -- the number of the last 429's
    inside = setmetatable({}, { __mode = "k" }), -- flights that have passed and not left
    line = queue.new(),
  }, Gate)
end

-- Whether as many are under way as may be: `most`, or more where they share connections.
local function crowded(self, active)
  return active >= self.most * streams or self.engine:counts().multiplexed == 0
end

-- Whether as many have passed as the service has left for us. Those whose answers came and wait to be taken in count,
-- so that this is no question for the engine.
local function exhausted(self)
  local left = math.max(1, self.remaining)
  if left > self.most then return false end
  for _ in pairs(self.inside) do
    left = left - 1
    if left <= 0 then return true end
  end
  return false
end

-- What holds a request back: seconds, and whether it surely lasts that long; nil when it may go.
local function obstacle(self, now)
  local closed_until = self.closed_until
  if closed_until then
    if now < closed_until then return closed_until - now, true end
    if self.probe then return math.huge, false end
  end
  if self.rate_limit then
    local earliest = self.sent[self.oldest]
    if earliest and earliest + window > now then return earliest + window - now, true end
  end
  local active = self.engine:active()
  if active >= self.most and crowded(self, active) then return math.huge, false end
  if self.remaining then
    if now >= self.remaining_until then
      self.remaining = false
    elseif exhausted(self) then
      return self.remaining_until - now, false
    end
  end
end

-- Lets the first in the line look again.
local function call_first(self)
  local first = self.line.first
  if first then scheduler.wake(first) end
end

local Place = { __name = "patchworks.gate.place" }

function Place.__close(place)
  local self = place.gate
  self.line:remove(place)
  call_first(self)
end

-- A place in the line, as something to wait for; after a wait it is taken again at the front.
local function place_in(self)
  local place = scheduler.new_wait()
  place.gate = self
  self.line:push(place)
  return setmetatable(place, Place)
end

-- Waits in the line until nothing holds this one back; or gives false and the seconds that it would have to wait.
local function stand(self, flight)
  local place <close> = place_in(self)
  local told
  while true do
    local now = clock.now()
    local hold, surely = obstacle(self, now)
    local first = self.line.first == place
    if not hold and first then return true end
    if now >= flight.at then return false, surely and hold or 0 end
    if surely and now + hold > flight.at then return false, hold end
    if surely and told ~= now + hold then
      told = now + hold
      self.on_wait(flight, hold)
    end
    place.due = first and hold and math.min(flight.at, now + hold) or flight.at
    place.over, place.expired = false, false
    scheduler.park(place)
  end
end

--- Passes the gate, or finds out that the call's deadline comes first.
-- @tparam table flight see call/send.lua
-- @treturn boolean passed
-- @treturn number the time when it did; else the seconds that it would have had to wait
function Gate:enter(flight)
  local now = clock.now()
  local hold, surely = obstacle(self, now)
  if surely and now + hold > flight.at then return false, hold end
  if hold or self.line.first then
    local passed, seconds = stand(self, flight)
    if not passed then return false, seconds end
    now = clock.now()
  end
  if self.closed_until then self.probe = flight end
  if self.rate_limit then
    self.sent[self.oldest] = now
    self.oldest = self.oldest % self.rate_limit + 1
  end
  flight.seen = self.news
  self.inside[flight] = true
  return true, now
end

-- Takes in what an answer says remains. Answers overtake each other: only that of a request which went out after the
-- known number came can raise it.
local function note_remaining(self, remaining, seen)
  local known = self.remaining
  if known and remaining and remaining > known and seen < self.news then return end
  self.news = self.news + 1
  self.remaining, self.remaining_until = remaining, clock.now() + window
end

--- Takes in what became of an attempt that had passed, and lets the next one look.
-- @tparam table flight
-- @tparam ?integer status of the answer; nil when none came
-- @tparam ?number pause seconds that a 429 asked for
-- @tparam ?integer remaining what X-RateLimit-Remaining said
function Gate:leave(flight, status, pause, remaining)
  self.inside[flight] = nil
  local first = self.probe == flight
  if first then self.probe = false end
  if status == 429 then
    local until_then = clock.now() + math.min(pause or 1, self.max_pause)
    if not self.closed_until or until_then > self.closed_until then self.closed_until = until_then end
    self.news = self.news + 1
    self.closed_at = self.news
    self.remaining = false
  elseif status then
    -- One that went first opens the gate, unless a newer 429 has closed it since.
    if first and flight.seen >= self.closed_at then self.closed_until = false end
    if remaining or self.remaining then note_remaining(self, remaining, flight.seen) end
  end
  if self.line.first then call_first(self) end
end

--- Whether the gate is closed, and for how many more seconds.
function Gate:closed_for()
  return self.closed_until and math.max(0, self.closed_until - clock.now()) or nil
end

--- The failure of a call that the gate holds back past its deadline.
-- @tparam ?table failure the call's last one
-- @tparam number hold seconds
function gate.held_back(failure, hold)
  failure = failure or {}
  if failure.status ~= 429 and hold <= 0 then
    return { kind = "timeout", message = "the call's time was up while it waited for its turn", sent = false }
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
