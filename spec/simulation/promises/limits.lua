-- Every call ends by its deadline; no more requests a minute than a limit allows; at rest nothing is counted.
local timed = { create = true, get = true, deploy = true, delete = true, invoke = true, upload = true, deploy_and_wait = true, tail = true }
local usual = { invoke = 150, deploy_and_wait = 300 }

-- Seconds that a wait may end late: libcurl counts in milliseconds.
local grain = 0.002

local function check_deadlines(evidence)
  for _, call in ipairs(evidence.world.calls) do
    if timed[call.op] and not call.killed then
      local most = call.timeout or usual[call.op] or 60
      if call.ended - call.began > most + grain then
        evidence:lie("every call ends by its deadline", call, "it took %.3f s of %.3f", call.ended - call.began, most)
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

local function check_rest(evidence)
  for _, left in ipairs(evidence.world.left or {}) do evidence:lie("at rest nothing is counted", nil, left) end
end

return function(evidence)
  check_deadlines(evidence)
  check_pace(evidence)
  check_rest(evidence)
end
