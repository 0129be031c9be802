-- Every call ends by its deadline; no more requests a minute than a limit allows; at rest nothing is counted.
local timed = { create = true, get = true, deploy = true, delete = true, invoke = true, upload = true, wait = true, deploy_and_wait = true, tail = true }
local usual = { invoke = 150, wait = 300, deploy_and_wait = 300 }

-- Seconds that a wait may end late: libcurl counts in milliseconds.
local grain = 0.002

-- Seconds that go by while others that may go in the same moment are started, at most.
local starting = 8 * 0.0005

local function end_of(evidence, call)
  if not evidence:is_held(call) then return call.ended end
  if call.batch or call.args.reconcile or not evidence.single[call.op] then return call.began end
  local last = call.began
  for _, request in ipairs(evidence:requests_of(call)) do
    if request.operation then last = math.max(last, request.ended or math.huge) end -- a login outlives who asked first
  end
  return last
end

local function check_deadlines(evidence)
  for _, call in ipairs(evidence.world.calls) do
    if timed[call.op] and not call.killed then
      local most, seconds = call.timeout or usual[call.op] or 60, end_of(evidence, call) - call.began
      if seconds > most + grain + starting then
        evidence:lie("every call ends by its deadline", call, "it took %.3f s of %.3f", seconds, most)
      end
    end
  end
end

-- No more requests of one client than its limit, in any minute.
local function check_pace(evidence)
  local limits, times = {}, {}
  for _, actor in ipairs(evidence.world.plan.actors) do limits[actor.name] = actor.rate_limit end
  for number = 1, evidence.world.requests_made or 0 do
    local request = evidence.world.requests[number]
    local limit = request and limits[request.actor]
    if limit then
      local list = times[request.client] or {}
      times[request.client] = list
      list[#list + 1] = request.started
      local first = list[#list - limit]
      if first and request.started - first < 60 - 1e-6 then
        evidence:lie("a rate limit is kept", nil, "%s: request #%d is one more than %d within %.3f s", request.actor, number, limit,
          request.started - first)
        return
      end
    end
  end
end

local minute = 60 -- seconds that what remains is good for

local function new_gate() return { under_way = 0, told = 0, refused = {}, pause = 1 } end

-- The longest pause that a client makes by itself after a 429 which names none: a second, and twice as much each time.
local function pause_after(gate, request)
  local key = ("%s/%s/%s"):format(request.step, request.attempt, request.operation)
  gate.refused[key] = (gate.refused[key] or 0) + 1
  return math.min(20, 2 ^ (gate.refused[key] - 1))
end

local function started(evidence, gate, request, order)
  local now = request.started
  if gate.closed and now < gate.closed - grain then
    evidence:lie("after a 429 everybody waits", nil, "%s: request #%d went out %.3f s too early", request.actor, request.number,
      gate.closed - now)
    return false
  elseif gate.closed and gate.probe then
    evidence:lie("after a 429 one goes first", nil, "%s: request #%d went out beside #%d", request.actor, request.number,
      gate.probe.number)
    return false
  elseif gate.remaining and now < gate.until_then and gate.under_way >= math.max(1, gate.remaining) then
    evidence:lie("no more under way than remain", nil, "%s: request #%d went out while %d of %d were under way", request.actor,
      request.number, gate.under_way, gate.remaining)
    return false
  end
  if gate.closed then gate.probe = request end
  gate.under_way = gate.under_way + 1
  request.order = order
  return true
end

-- Answers overtake each other: only that of a request which went out after the known number came can raise it.
local function note_remaining(gate, request, order)
  local remaining = tonumber((request.given or ""):match "X%-RateLimit%-Remaining: (%d+)")
  if gate.remaining and remaining and remaining > gate.remaining and request.order < gate.told then return end
  gate.remaining, gate.told, gate.until_then = remaining, order, request.ended + minute
end

local function ended(evidence, gate, request, order)
  gate.under_way = gate.under_way - 1
  local probed = gate.probe == request
  if probed then gate.probe = nil end
  if request.answered == 429 then
    local asked = evidence:asked_by(request)
    gate.closed = math.max(gate.closed or 0, request.ended + asked)
    -- Of a date nobody knows the part of its second.
    gate.pause = request.asks_until and 2 or math.max(1, asked > 0 and 1 or pause_after(gate, request))
    gate.remaining = nil
  elseif request.answered then
    -- An older request's answer says nothing of now; a newer refusal outweighs the one that went first.
    if probed and request.ended >= gate.closed - grain then gate.closed = nil end
    note_remaining(gate, request, order)
  end
end

-- A call whose time ran out had a reason to wait.
local function check_patience(evidence, gate, call)
  local kind = call.err and call.err.kind
  local plain = evidence.single[call.op] or call.op == "list" or call.op == "logs"
  if not plain or (kind ~= "timeout" and kind ~= "rate_limited") then return end
  -- A login has waits of its own, and so have the client's own limit and a search beside a plain create.
  local has_own = call.plan.credential == "login" or call.plan.rate_limit or call.args.reconcile
  if has_own or evidence:is_held(call) then return end
  local free = call.ended - math.max(gate.last or 0, gate.closed or 0, call.began)
  if gate.under_way == 0 and free > gate.pause then
    evidence:lie("who may go goes", call, "it waited for nothing, %.3f s long", free)
  end
end

-- Whether an event is a request's end as its client knows of it: an answer is news when it is taken in, and not while it
-- lies there.
local function tells_end(event)
  return event.kind == "taken" or (event.kind == "ended" and not event.request.taken)
end

-- A client's gate, told again from what went over the wire.
local function check_gate(evidence)
  local gates = {}
  for order, event in ipairs(evidence.world.events) do
    local request = event.request
    if event.kind == "said" and gates[request.engine] then
      check_patience(evidence, gates[request.engine], request)
    elseif event.kind == "started" or tells_end(event) then
      local gate = gates[request.client] or new_gate()
      gates[request.client], gate.last = gate, event.time
      if event.kind == "started" then
        if not started(evidence, gate, request, order) then return end
      elseif request.order then
        ended(evidence, gate, request, order)
      end
    end
  end
end

local function check_rest(evidence)
  for _, left in ipairs(evidence.world.left or {}) do evidence:lie("at rest nothing is counted", nil, left) end
end

return function(evidence)
  check_deadlines(evidence)
  check_pace(evidence)
  check_gate(evidence)
  check_rest(evidence)
end
