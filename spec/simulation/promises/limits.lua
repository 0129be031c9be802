-- Every call ends by its deadline; no more requests a minute than a limit allows; at rest nothing is counted.
local timed = { create = true, get = true, deploy = true, delete = true, invoke = true, upload = true, deploy_and_wait = true, tail = true }
local usual = { invoke = 150, deploy_and_wait = 300 }

-- Seconds that a wait may end late: libcurl counts in milliseconds.
local grain = 0.002

-- Whether somebody else waits where nothing can yield: then the calls of others go on, and they themselves when that ends.
local function is_held(evidence, call)
  for _, actor in ipairs(evidence.world.plan.actors) do
    for _, step in ipairs(actor.steps) do
      if actor.name ~= call.actor and step.mode and step.mode ~= "plain" then return true end
    end
  end
  return false
end

local function end_of(evidence, call)
  if not is_held(evidence, call) then return call.ended end
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
      if seconds > most + grain then
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

-- What a 429 asks for, in seconds.
local function asked(request)
  return request.answered == 429 and tonumber((request.given or ""):match "Retry%-After: (%d+)")
end

-- After a 429 nobody of the same client asks before the time that it named.
local function check_gate(evidence)
  local closed = {}
  local by_time = {}
  for number = 1, evidence.world.requests_made or 0 do
    local request = evidence.world.requests[number]
    if request then
      by_time[#by_time + 1] = { request.started, request, true }
      if asked(request) and request.ended then by_time[#by_time + 1] = { request.ended, request, false } end
    end
  end
  table.sort(by_time, function(left, right)
    if left[1] ~= right[1] then return left[1] < right[1] end
    return left[3] and not right[3] -- what started in the same moment didn't know yet
  end)
  for _, event in ipairs(by_time) do
    local request, client = event[2], event[2].client
    if not event[3] then
      closed[client] = math.max(closed[client] or 0, event[1] + asked(request))
    elseif closed[client] and event[1] < closed[client] - grain and event[1] > 0 then
      evidence:lie("after a 429 everybody waits", nil, "%s: request #%d went out %.3f s too early", request.actor, request.number,
        closed[client] - event[1])
      return
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
