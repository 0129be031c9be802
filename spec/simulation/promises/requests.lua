-- A job takes no more requests than the docs say.
local budgets = require "spec.simulation.budgets"
local failures = require "spec.simulation.failures"

local function check_call(evidence, scripts, call)
  local most, taken = budgets.of(evidence, scripts, call), {}
  for _, request in ipairs(evidence:requests_of(call)) do
    local operation = request.operation
    if operation then taken[operation] = (taken[operation] or 0) + 1 end
  end
  for operation, count in pairs(taken) do
    if count > (most[operation] or 0) then
      evidence:lie("a job takes no more requests than the docs say", call, "%d of %s, and it may take %d", count, operation,
        most[operation] or 0)
    end
  end
end

-- One login before a client's first request, one for each token that was refused, one for each login that failed.
local function check_logins(evidence)
  local clients = {}
  for _, event in ipairs(evidence.world.events) do
    local request = event.request
    if event.kind == "ended" and request.answered == 401 and request.operation and clients[request.client] then
      local tokens = clients[request.client].refused
      if not tokens[request.authorization] then
        tokens[request.authorization] = true
        clients[request.client].most = clients[request.client].most + 1
      end
    elseif request.path == "/fabric/api/login" then
      local client = clients[request.client] or { most = 1, count = 0, refused = {} }
      clients[request.client] = client
      if event.kind == "started" then client.count = client.count + 1 end
      if event.kind == "ended" and (request.answered ~= 200 or failures.has_failed(request)) then client.most = client.most + 1 end
      if client.count > client.most then
        return evidence:lie("a job takes no more requests than the docs say", nil, "%s: #%d is login %d, and %d are due",
          request.actor, request.number, client.count, client.most)
      end
    end
  end
end

return function(evidence)
  check_logins(evidence)
  local scripts = budgets.histories(evidence)
  for _, call in ipairs(evidence.world.calls) do
    if not call.batch then check_call(evidence, scripts, call) end
  end
end
