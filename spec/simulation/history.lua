-- A history: what several people do with the service, and what goes wrong meanwhile, as data made from one seed. Nothing
-- is decided while it is played, so that a shorter one can be cut out of it.
local engine = require "spec.simulation.engine"
local random = require "spec.simulation.random"
local service = require "spec.simulation.service"

local history = {}

local names = { "anna", "ben", "cleo" }

-- Sources. What the service makes of one is written in it: see service.lua.
local function contents_of(draw)
  local list = {}
  for i = 1, draw.integer(3, 7) do
    local marks = { "", "", "", "", " breaks", " wrong", " slow " .. draw.integer(5, 40) }
    list[i] = ("def handle(data): # %d%s"):format(i, draw.pick(marks))
    if draw.chance(0.1) then list[i] = list[i] .. "\r\n  return data\r\n" end
  end
  return list
end

local function fault_of(draw, kinds)
  return {
    kind = draw.pick(kinds),
    connect = draw.between(0.001, 0.05),
    there = draw.between(0.01, 0.2),
    back = draw.between(0.01, 0.2),
    seconds = draw.chance(0.5) and draw.between(0.5, 10) or draw.between(10, 60), -- slow, late
    gives_up = draw.between(0.1, 5), -- late
    after = draw.chance(0.5) and 0.01 or draw.between(0.1, 8), -- until a 429 comes
    asks = draw.chance(0.8) and draw.between(0, 5) or draw.between(5, 90), -- Retry-After
  }
end

-- Which requests of a step go wrong, by their number in the step.
local function faults_of(draw, profile)
  local faults = {}
  if not draw.chance(profile.troubled) then return faults end
  for k = 1, 12 do
    if draw.chance(profile.fault) then faults[k] = fault_of(draw, profile.kinds) end
  end
  return faults
end

local steps = {}

local function script_of(draw, plan) return draw.pick(plan.scripts).id end

function steps.create(draw, plan)
  return { script = script_of(draw, plan), content = draw.pick(plan.contents), reconcile = draw.chance(0.6) or nil }
end

function steps.get(draw) return { pick = draw.fraction() } end
function steps.deploy(draw) return { pick = draw.fraction() } end
function steps.delete(draw) return { pick = draw.fraction() } end
function steps.invoke(draw) return { pick = draw.fraction() } end
function steps.upload(draw) return { pick = draw.fraction() } end

function steps.list(draw, plan)
  return {
    script = script_of(draw, plan),
    per_page = draw.integer(1, 6),
    read_ahead = draw.pick { 0, 1, 2, 4 },
    limit = draw.chance(0.2) and draw.integer(1, 12) or nil,
    filter = draw.chance(0.2) or nil,
    how = draw.pick { "loop", "all", "all", "pages", "break", "first", "count" },
  }
end

function steps.logs(draw) return { pick = draw.fraction(), read_ahead = draw.pick { 0, 4 } } end
function steps.tail(draw) return { pick = draw.fraction(), seconds = draw.between(1, 20) } end
function steps.deploy_and_wait(draw) return { pick = draw.fraction(), timeout = draw.pick { nil, 3, 60 } } end

-- What is on unless it is said to be off.
local function off(draw, probability)
  if draw.chance(probability) then return false end
end

function steps.publish(draw, plan)
  return {
    script = script_of(draw, plan),
    content = draw.pick(plan.contents),
    test = draw.chance(0.6) or nil,
    rollback = off(draw, 0.15),
    keep = draw.chance(0.2) and draw.integer(0, 4) or nil,
    ever_deployed = draw.chance(0.4) or nil,
    timeout = draw.chance(0.15) and draw.between(2, 20) or nil,
  }
end

function steps.rollback(draw, plan)
  return { script = script_of(draw, plan), to = draw.chance(0.2) and draw.fraction() or nil }
end

function steps.prune(draw, plan)
  return { script = script_of(draw, plan), keep = draw.integer(0, 4), ever_deployed = draw.chance(0.4) or nil }
end

function steps.apply(draw, plan)
  local scripts = {}
  for _, script in ipairs(plan.scripts) do
    scripts[#scripts + 1] = { id = script.id, content = draw.pick(plan.contents), test = draw.chance(0.5) or nil }
  end
  return { scripts = scripts, concurrency = draw.integer(1, 4) }
end

-- Many calls at once, some of the same kind.
function steps.batch(draw, plan)
  local items, twins = {}, draw.chance(0.2)
  for i = 1, draw.integer(2, 8) do
    local op = draw.pick { "create", "create", "get", "deploy", "delete", "invoke", "list" }
    items[i] = steps[op](draw, plan)
    items[i].op = op
    if draw.chance(0.15) then items[i].cancel = draw.between(0.01, 3) end
    -- So that what was made tells whose it is.
    if op == "create" and twins then
      items[i].content, items[i].reconcile, items[i].script = plan.contents[1], true, plan.scripts[1].id
    elseif op == "create" and draw.chance(0.8) then
      items[i].content = items[i].content .. " batch " .. i
    end
  end
  return { items = items, concurrency = draw.integer(1, 8) }
end

local every_fault = engine.faults

local profiles = {
  delivery = {
    troubled = 0.8, fault = 0.4, kinds = every_fault, actors = 2, steps = 5, versions = 8, cancel = 0.1,
    operations = { "create", "create", "create", "get", "deploy", "delete", "invoke", "upload", "list", "logs", "batch" },
  },
  pages = {
    troubled = 0.3, fault = 0.2, kinds = { "slow", "lost before", "broken before", "refused", "truncated" }, actors = 3,
    steps = 6, versions = 25, cancel = 0.05,
    operations = { "list", "list", "list", "create", "delete", "logs", "tail", "invoke" },
  },
  release = {
    troubled = 0.5, fault = 0.25, kinds = every_fault, actors = 2, steps = 3, versions = 6, cancel = 0.1, kill = 0.25,
    many = 0.02,
    operations = { "publish", "publish", "publish", "rollback", "prune", "deploy_and_wait", "deploy", "create" },
  },
  -- Everybody at once, on one script.
  crossing = {
    troubled = 0.6, fault = 0.3, plain = true, kinds = { "lost after", "lost before", "late", "slow", "broken after" }, actors = 3, steps = 6,
    versions = 6, failed = 0.5, scripts = 1, cancel = 0.02, pause = 0.3, attempts = 2, same = 0.7, slow = 0.4,
    rises = 0.5,
    operations = { "create", "create", "create", "delete", "delete", "delete", "deploy_and_wait", "deploy_and_wait", "deploy", "publish", "rollback", "batch" },
  },
  limits = {
    troubled = 0.3, fault = 0.2, kinds = { "refused", "refused", "unavailable", "slow", "unauthorised" }, actors = 2, steps = 3,
    versions = 10, cancel = 0.15, limited = true, operations = { "batch", "batch", "list", "get", "create" },
  },
  fleet = {
    troubled = 0.5, fault = 0.15, kinds = every_fault, actors = 1, steps = 2, versions = 3, scripts = 6, cancel = 0.05, kill = 0.5,
    operations = { "apply" },
  },
}

--- The kinds of histories.
history.profiles = { "delivery", "pages", "release", "crossing", "limits", "fleet" }

local function habits_of(draw)
  local habits = {}
  local listed = {}
  for name in pairs(service.habits) do listed[#listed + 1] = name end
  table.sort(listed)
  for _, name in ipairs(listed) do
    local choices = service.habits[name]
    habits[name] = choices[1]
    local choice = draw.integer(1, #choices)
    if draw.chance(0.5) then habits[name] = choices[choice] end
  end
  return habits
end

local function scripts_of(draw, profile, plan)
  local scripts = {}
  for i = 1, draw.integer(1, profile.scripts or 2) do
    local contents, deployed = {}, {}
    -- Now and then more than fit on a page.
    local most = profile.many and draw.chance(profile.many) and draw.integer(90, 130) or draw.integer(0, profile.versions)
    for number = 1, most do
      contents[number] = draw.chance(profile.same or 0.2) and draw.pick(plan.contents) or ("old source %d.%d"):format(i, number)
    end
    for _ = 1, #contents > 0 and draw.integer(0, 3) or 0 do
      local number = draw.integer(1, #contents)
      for at, other in ipairs(deployed) do
        if other == number then table.remove(deployed, at) end
      end
      deployed[#deployed + 1] = number
    end
    local failed = {}
    for number = 1, #contents do
      if draw.chance(profile.failed or 0.1) then failed[#failed + 1] = number end
    end
    scripts[i] = { id = 40 + i, contents = contents, deployed = deployed, failed = failed, days = draw.pick { 0, 40 } }
  end
  return scripts
end

local modes = { "plain", "plain", "plain", "plain", "plain", "generator", "sort" }

local function step_of(draw, profile, plan, number)
  local op = draw.pick(profile.operations)
  local step = steps[op](draw, plan)
  step.op, step.number, step.seed = op, number, draw.integer(0, 1 << 30)
  step.pause = draw.between(0, profile.pause or draw.chance(0.6) and 0.5 or 10)
  step.faults = faults_of(draw, profile)
  step.call_timeout = draw.chance(0.25) and draw.between(0.3, 15) or nil
  if draw.chance(profile.cancel) then step.cancel = draw.between(0.01, 3) end
  if draw.chance(profile.kill or 0) then
    step.kills = {}
    for i = 1, draw.integer(1, 2) do
      step.kills[i] = { request = draw.integer(1, 12), kind = draw.pick { "killed before", "killed after" } }
    end
  end
  step.mode = profile.plain and "plain" or draw.pick(modes)
  return step
end

local function actor_of(draw, profile, plan, index)
  local actor = { name = names[index], steps = {}, seed = draw.integer(0, 1 << 30) }
  actor.credential = draw.pick { "key", "key", "key", "token", "login" }
  actor.max_connections = draw.chance(0.3) and draw.integer(1, 3) or nil
  actor.max_attempts = draw.chance(0.3) and draw.integer(1, profile.attempts or 6) or nil
  if profile.limited and draw.chance(0.5) then actor.rate_limit = draw.integer(3, 20) end
  for i = 1, draw.integer(1, profile.steps) do
    plan.steps = plan.steps + 1
    actor.steps[i] = step_of(draw, profile, plan, plan.steps)
  end
  return actor
end

local options = {}

function options.publish(draw, step)
  step.dry_run = draw.chance(0.05) or nil
  if draw.chance(0.25) then step.expects = draw.pick { "live", "live", "nothing", draw.fraction() } end
  step.refuses = draw.chance(0.1) and draw.integer(1, 8) or nil
end

function options.rollback(draw, step)
  step.dry_run = draw.chance(0.15) or nil
  step.refuses = draw.chance(0.1) and draw.integer(1, 4) or nil
end

function options.prune(draw, step) step.dry_run = draw.chance(0.15) or nil end
function options.tail(draw, step) step.from = draw.chance(0.3) and "now" or nil end

-- What else steps are given: drawn apart, so that what comes here leaves the histories of all seeds as they were.
local function add_options(draw, plan)
  for _, actor in ipairs(plan.actors) do
    for _, step in ipairs(actor.steps) do
      if options[step.op] then options[step.op](draw, step) end
    end
  end
  for _, script in ipairs(plan.kind == "pages" and plan.scripts or {}) do
    script.ran = {}
    for number = 1, #script.contents do script.ran[number] = draw.chance(0.3) and draw.integer(1, 16) or 0 end
  end
end

-- And what came after that, drawn apart from both.
local more = {}

function more.deploy_and_wait(draw, step)
  if draw.chance(0.3) then step.op = "wait" end
end

function more.prune(draw, step) step.saves = draw.chance(0.5) and draw.integer(0, 3) or nil end
function more.batch(draw, step) step.stop_on_error = draw.chance(0.2) or nil end

local function may_begin_at_once(draw, step) step.while_deploying = draw.chance(0.15) or nil end

more.publish, more.rollback, more.apply = may_begin_at_once, may_begin_at_once, may_begin_at_once

local function add_more(draw, plan)
  plan.dates = draw.chance(0.25) and draw.pick { "alone", "with Date" } or nil
  for _, actor in ipairs(plan.actors) do
    for _, step in ipairs(actor.steps) do
      if more[step.op] then more[step.op](draw, step) end
      local closes = draw.chance(0.05) and draw.between(0.01, 3)
      if closes and not (step.cancel or step.kills) then step.closes = closes end
    end
  end
end

--- Makes the history of a seed.
-- @tparam integer seed
-- @treturn table history
function history.new(seed)
  local draw = random.new(seed)
  local kind = draw.pick(history.profiles)
  local profile = profiles[kind]
  local plan = { seed = seed, kind = kind, steps = 0, habits = habits_of(draw), contents = contents_of(draw), actors = {}, epilogue = true, last_calls = true }
  plan.start = draw.pick { 0, 1000, 65535.9, 2097151.5, draw.between(0, 1e7) }
  plan.limit = profile.limited and draw.chance(0.5) and draw.integer(5, 30) or nil
  if draw.chance(profile.rises or 0) then plan.habits.order = "rising" end
  plan.slow = draw.chance(profile.slow or 0.1) and draw.integer(5, 50) or nil -- times as slow as usual
  plan.token_life = draw.chance(0.3) and draw.between(1, 20) or nil
  plan.build_seconds = draw.pick { 0, 0.4, 1.4, 2, 5 }
  plan.scripts = scripts_of(draw, profile, plan)
  for i = 1, draw.integer(1, profile.actors) do plan.actors[i] = actor_of(draw, profile, plan, i) end
  add_options(random.new(~seed), plan)
  add_more(random.new(~seed ~ 0x1F123BB5), plan)
  return plan
end

return history
