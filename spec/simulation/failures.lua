-- What requests that failed, and versions that others took, may add to the budget of a call.
local sizes = require "spec.simulation.sizes"

local failures = {}

local function pages_of(job, script) return sizes.pages(sizes.of(job, job.scripts[script]), 100) end

--- Whether a request came to an end that another may follow.
function failures.has_failed(request)
  local answered = request.answered
  if answered then return answered == 401 or answered == 429 or answered >= 500 or request.fault == "garbage" end
  if request.given ~= nil and request.given ~= "cancelled" then return true end
  return request.ended ~= nil and request.ended - request.started > 29.9 -- the attempt's time was up
end

-- Looks for what a create may have made: two, three after a time-out, and none after the one that has it before its eyes,
-- unless a plain create of this process, which may have made it too, was begun meanwhile.
local function search_of(job, create)
  local pages = pages_of(job, create.subject)
  local most = 3 * pages
  local made
  for _, entry in ipairs(job.evidence:effects_of(job.call, "created")) do
    if entry.request == create.number and not job.evidence:was_taken(entry.version, job.call) then made = entry end
  end
  if not made or job.evidence:was_deleted(made.version, job.to) then return most end
  local before = 0
  for _, request in ipairs(job.evidence:requests_of(job.call)) do
    local looks = request.operation == "list" and request.subject == create.subject and request.number > create.number
    if looks and (request.arrived or math.huge) < made.time then before = before + 1 end
  end
  local meanwhile = 0
  for _, other in pairs(job.evidence.world.requests) do
    local is_create = other.operation == "create" and other.subject == create.subject and other ~= create
    if is_create and other.started >= create.started and other.started <= job.to then meanwhile = meanwhile + 1 end
  end
  return math.min(most, before + pages) + meanwhile * pages
end

-- What each request that failed may add.
local function add_failures(job, budget)
  for _, request in ipairs(job.evidence:requests_of(job.call)) do
    local operation = request.operation
    if operation and failures.has_failed(request) then
      budget:add(operation, 1)
      if operation == "list" or operation == "logs" then budget:add(operation, 2) end
      if operation == "create" and request.answered ~= 429 then budget:add("list", search_of(job, request)) end
      if operation == "deploy" then budget:add("get", 1) end
    end
  end
end

-- What was made, and taken by another call, is looked for and made once more.
local function add_taken(job, budget)
  for _, entry in ipairs(job.evidence:effects_of(job.call, "created")) do
    if job.evidence:was_taken(entry.version, job.call) then
      budget:add("create", 1)
      budget:add("list", 3 * pages_of(job, entry.script))
    end
  end
end

--- Adds all of it.
function failures.add(job, budget)
  add_failures(job, budget)
  add_taken(job, budget)
end

return failures
