-- How many requests a call may take: docs/releases.md has a number for each release, docs/delivery.md for a create that is
-- looked for, docs/tasks.md for listings; everything else is one request. What goes wrong may add what the docs say of it,
-- and what others do meanwhile too.
local failures = require "spec.simulation.failures"
local sizes = require "spec.simulation.sizes"

local budgets = {}

local pages_of, size_of, moves_of = sizes.pages, sizes.of, sizes.moves

local fraction_of_a_look = 0.45 -- seconds between the first looks at a deployment

-- How many looks at a deployment are made in some seconds: at most 18 in the first minute, then one in 18 seconds.
local function looks_in(seconds)
  return math.min(18, 2 + seconds // fraction_of_a_look) + math.max(0, (seconds - 60) // 18 + 1)
end

--- The versions of each script that came and went, and what was done with them.
function budgets.histories(evidence)
  local scripts = setmetatable({}, { __index = function(all, id) -- one that the service doesn't have, too
    all[id] = { created = {}, deleted = {}, accepted = {}, live = {}, failed = {}, ran = {} }
    return all[id]
  end })
  for _, entry in ipairs(evidence.world.service.journal) do
    local script = entry.script or evidence.scripts[entry.version]
    local list = script and scripts[script][entry.what]
    if list then list[#list + 1] = entry end
  end
  return scripts
end

local Budget = {}
Budget.__index = Budget

function Budget:add(operation, count) self[operation] = (self[operation] or 0) + count end

local longest = 45 -- seconds that a deployment lasts at most

-- Somebody else's deployments, or an earlier run's, that may be under way in a call.
local function others_of(job, script)
  local count = 0
  for _, entry in ipairs(script.accepted) do
    local own = entry.step == job.call.step and entry.attempt == job.call.attempt
    if not own and entry.time > job.from - longest and entry.time <= job.to then count = count + 1 end
  end
  return count
end

-- Requests for the newest versions; `again` where it isn't the first look.
local function look_of(job, script, again)
  local pages = pages_of(size_of(job, script), 100)
  local count = 1
  if pages > 1 and job.rises then count = math.min(3, pages) end
  return count + ((not again or pages > 1) and 1 or 0)
end

-- What moves while it is read is read again, up to four requests, and what was under way with it.
local function again(moves, read_ahead) return moves * (4 + read_ahead) end

-- All versions of a script.
local function listing_of(job, script)
  local moves = moves_of(job, script.created) + moves_of(job, script.deleted)
  local pages = pages_of(size_of(job, script), 100)
  return pages + (pages > 1 and again(moves, 4) or 0)
end

-- Versions whose source a publish reads: of those that the look before showed the live one and, of the newest 10, those
-- that are newer, as far as the look brought no source.
local function sources_of(job, id)
  local live, shown, brought = math.huge, {}, {}
  for _, request in ipairs(job.evidence:requests_of(job.call, id)) do
    local operation = request.operation
    if operation == "create" or operation == "deploy" or operation == "get" and request.query.include then break end
    if operation == "list" and request.answered == 200 then
      live = math.min(live, job.evidence:live_at(id, request.arrived) or 0)
      if request.query.include then brought = {} end
      for _, version in ipairs(request.ids) do
        shown[version] = true
        if request.query.include then brought[version] = true end
      end
    end
  end
  local newest = {}
  for version in pairs(shown) do
    if version >= live then newest[#newest + 1] = version end
  end
  table.sort(newest, function(left, right) return left > right end)
  local count = 0
  for i, version in ipairs(newest) do
    if (i <= 10 or version == live) and not brought[version] then count = count + 1 end
  end
  return count
end

-- When a deployment was over, well or not, or somebody else's took its place; nil where it is still under way.
local function end_of(script, accepted)
  for _, name in ipairs { "live", "failed" } do
    for _, entry in ipairs(script[name]) do
      local id = entry.version
      if name == "live" then id = entry.deployed end -- nil where it is live since another was deleted
      if id == accepted.version and entry.time >= accepted.time then return entry.time end
    end
  end
end

-- Whether a version had been deployed, or had failed, before: then what a look shows may be of that time.
local function had_ended(script, accepted)
  for _, name in ipairs { "live", "failed" } do
    for _, entry in ipairs(script[name]) do
      local is_it = entry.version == accepted.version or entry.deployed == accepted.version
      if is_it and entry.time < accepted.time then return true end
    end
  end
  return false
end

-- Whether somebody else has begun to deploy the same version, in a call: then it goes on.
local function goes_on(job, script, accepted)
  for _, other in ipairs(script.accepted) do
    local own = other.step == job.call.step and other.attempt == job.call.attempt
    if not own and other.version == accepted.version and other.time > accepted.time and other.time < job.to then return true end
  end
  return false
end

-- Whether an answer to a request to deploy a version was lost: then somebody else's deployment of it is watched.
local function was_lost(job, version)
  for _, request in ipairs(job.evidence:requests_of(job.call)) do
    if request.operation == "deploy" and request.subject == version and failures.has_failed(request) then return true end
  end
  return false
end

-- One deployment: the request; looks at it at their pace as long as it lasts, and one that sees its end.
local function deploy(job, budget, script, count)
  budget:add("deploy", count)
  for _, accepted in ipairs(script.accepted) do
    local own = accepted.step == job.call.step and accepted.attempt == job.call.attempt and accepted.time < job.to
    local ended = own and end_of(script, accepted)
    if own and (not ended or had_ended(script, accepted) or goes_on(job, script, accepted)) then
      budget:add("get", looks_in(job.to - accepted.time))
    elseif not own and accepted.time > job.from - longest and accepted.time < job.to and was_lost(job, accepted.version) then
      budget:add("get", looks_in(job.to - job.from))
    elseif own then
      local looks = 0
      for _, request in ipairs(job.evidence:requests_of(job.call, accepted.script)) do
        local looked = request.operation == "get" and request.subject == accepted.version and request.arrived
        if looked and looked >= accepted.time and looked < ended then looks = looks + 1 end
      end
      budget:add("get", math.min(looks, looks_in(ended - accepted.time)) + 1)
    end
  end
end

-- Each version that goes is read and deleted, each that others meddle with is read.
local function prune(job, budget, script)
  local empty = size_of(job, script) - moves_of(job, script.created) <= moves_of(job, script.deleted)
  budget:add("list", listing_of(job, script) + (empty and 1 or 0))
  local asked, touched = { get = {}, deploy = {}, delete = {} }, {} -- versions
  for _, request in ipairs(job.evidence:requests_of(job.call)) do
    local operation = request.operation
    if asked[operation] and (job.call.saved or not request.query.include) then asked[operation][request.subject] = true end
  end
  for _, name in ipairs { "accepted", "ran", "deleted" } do
    for _, entry in ipairs(script[name]) do
      local foreign = entry.step ~= job.call.step or entry.attempt ~= job.call.attempt
      local meanwhile = entry.time > job.from - longest and entry.time <= job.to
      if foreign and meanwhile then touched[entry.version] = true end
    end
  end
  for id in pairs(asked.delete) do
    budget:add("get", 1)
    budget:add("delete", 1)
    touched[id] = nil
  end
  for _ in pairs(touched) do budget:add("get", 1) end
  for _, each in pairs(job.call.saved or {}) do
    if each.refused then budget:add("get", 1) end
  end
  if job.call.value and not job.call.value.prune_error then return end
  -- It ended between reading a version and what follows, for each of those that go at once.
  local count = 0
  for id in pairs(asked.get) do
    if not (asked.delete[id] or asked.deploy[id] or touched[id]) then count = count + 1 end
  end
  budget:add("get", math.min(4, count))
end

local kinds = {}

for _, name in ipairs { "create", "get", "deploy", "delete", "invoke", "upload" } do
  kinds[name] = function(_, budget) budget:add(name, 1) end
end

function kinds.create(job, budget, args)
  budget:add("create", 1)
  if not args.reconcile then return end
  local script = job.scripts[args.script]
  budget:add("list", 1)
  if job.rises and size_of(job, script) > 2 then budget:add("list", 1 + moves_of(job, script.deleted)) end
end

local once = { first = true, count = true }

function kinds.list(job, budget, args)
  if once[args.how] then return budget:add("list", 1) end
  local script = job.scripts[args.script]
  local pages = pages_of(size_of(job, script), args.per_page)
  local moves = moves_of(job, script.created) + moves_of(job, script.deleted)
  if args.filter then moves = moves + moves_of(job, script.live) + others_of(job, script) end
  if args.limit then pages = math.min(pages, pages_of(args.limit, args.per_page)) end
  if args.how == "break" then pages = math.min(pages, pages_of(3, args.per_page) + args.read_ahead) end
  budget:add("list", pages + again(moves, args.read_ahead))
end

local function entries_of(job, id)
  local before, during = 0, 0
  for _, entry in ipairs(job.scripts[job.evidence.scripts[id] or 0].ran) do
    if entry.version == id and entry.time <= job.to then
      if entry.time <= job.from then before = before + 1 else during = during + 1 end
    end
  end
  return before, during
end

function kinds.logs(job, budget, args)
  local before, during = entries_of(job, job.call.subject)
  budget:add("logs", pages_of(before + during, 5) + again(during, args.read_ahead))
end

function kinds.tail(job, budget)
  local before, during = entries_of(job, job.call.subject)
  -- Pauses grow from one second to ten while nothing comes.
  local looks, at, pause = 1, 0, 1
  while at < job.to - job.from do
    pause = math.min(10, pause * 1.5)
    looks, at = looks + 1, at + pause
  end
  budget:add("logs", looks + pages_of(before, 5) + 6 * during)
end

function kinds.deploy_and_wait(job, budget)
  budget:add("get", 1)
  deploy(job, budget, job.scripts[job.evidence.scripts[job.call.subject] or 0], 1)
end

function kinds.wait(job, budget) budget:add("get", looks_in(job.to - job.from)) end

function kinds.rollback(job, budget, args)
  local script = job.scripts[args.script]
  local tries = job.ties and 2 or 1
  budget:add("list", (args.to and look_of(job, script) or listing_of(job, script) + 1) + tries * look_of(job, script, true))
  if args.to then budget:add("get", 1) end
  deploy(job, budget, script, tries)
end

-- Whether making a version, and the look that goes with it, took more than a second: then it looks again.
local function is_slow(job, script)
  local settled, began, ended = job.from, nil, nil
  for _, request in ipairs(job.evidence:requests_of(job.call, script)) do
    local operation = request.operation
    if operation == "deploy" then break end
    if operation == "create" or operation == "list" or operation == "get" then
      if operation == "create" then began = began or settled end
      settled = request.ended or job.to
      ended = settled
    end
  end
  return began ~= nil and ended - began > 1
end

-- What was said of a publish.
local function publish(job, budget, args, said)
  local script = job.scripts[args.script or args.id]
  local others = others_of(job, script)
  budget:add("list", (1 + others) * look_of(job, script))
  budget:add("get", others * looks_in(job.to - job.from))
  local action, tries = said and said.action, job.ties and 2 or 1
  if args.test then
    budget:add("invoke", tries)
    if not action or action == "failed" then budget:add("logs", 2) end
  end
  if args.keep then prune(job, budget, script) end
  if action == "unchanged" then return end
  local back = (not action or action == "failed") and args.rollback ~= false
  budget:add("create", 1)
  budget:add("get", sources_of(job, args.script or args.id))
  budget:add("list", (1 + tries + (is_slow(job, args.script or args.id) and 1 or 0)) * look_of(job, script, true))
  if not action or action == "failed" then budget:add("list", look_of(job, script, true)) end
  if back then budget:add("list", tries * look_of(job, script, true)) end
  deploy(job, budget, script, back and 2 * tries or tries)
end

function kinds.publish(job, budget, args) publish(job, budget, args, job.call.value) end

function kinds.apply(job, budget, args)
  budget:add("list", #args.scripts)
  for i, each in ipairs(args.scripts) do publish(job, budget, each, job.call.value and job.call.value.scripts[i]) end
end

function kinds.prune(job, budget, args) prune(job, budget, job.scripts[args.script]) end

-- Creates of one content side by side may take each other's versions: then one looks for its own once more.
function kinds.batch(job, budget, args)
  local made = {}
  for _, item in ipairs(args.items) do
    kinds[item.op](job, budget, item)
    local what = item.op == "create" and item.reconcile and ("%s/%s"):format(item.script, item.content)
    if what and made[what] then
      budget:add("create", 1)
      budget:add("list", 3 * pages_of(size_of(job, job.scripts[item.script]), 100))
    end
    if what then made[what] = true end
  end
end

--- What a call may take.
-- @tparam table evidence
-- @tparam table scripts what `histories` gave
-- @tparam table call
-- @treturn table operation -> the most requests
function budgets.of(evidence, scripts, call)
  local habits = evidence.world.plan.habits
  local job = {
    evidence = evidence, call = call, scripts = scripts, from = call.began, to = call.ended,
    rises = habits.order == "rising", ties = habits.fraction == 0,
  }
  local most = setmetatable({}, Budget)
  kinds[call.op](job, most, call.args)
  failures.add(job, most)
  return most
end

return budgets
