-- Plays a history: every person is a task with a client of their own, all in one process and on one virtual clock. Gives
-- what was said (calls), what was done (the service's journal) and what went over the wire, for checker.lua.
local clock = require "spec.simulation.clock"
local engine = require "spec.simulation.engine"
local library = require "spec.simulation.library"
local operations = require "spec.simulation.operations"
local random = require "spec.simulation.random"
local service = require "spec.simulation.service"

local play = {}

local base_url = "https://simulated.example"

local function new_world(universe, plan)
  local world = { clock = clock.new(plan.start), events = {}, calls = {}, plan = plan }
  -- By number; one that was killed before it went out leaves a hole.
  world.requests = {}
  world.service = service.new(plan.habits, world.clock, plan.limit)
  function world.service.on_note() return #world.events end
  world.service.token_life, world.service.dates = plan.token_life or 86400, plan.dates
  world.service.build_seconds = plan.build_seconds
  world.random = random.new(plan.seed).fraction
  function world.number()
    world.requests_made = (world.requests_made or 0) + 1
    return world.requests_made
  end
  function world.log(kind, request, ...)
    world.events[#world.events + 1] = { time = world.clock.time, kind = kind, request = request, ... }
    if kind == "started" then world.requests[request.number] = request end
  end
  function world.credential_of(headers) return library.credential(universe, headers) end
  function world.new_engine(options)
    local made = engine.new(world, world.opening, options.max_connections)
    return made
  end
  for _, script in ipairs(plan.scripts) do
    world.service:seed(script.id, script.contents, script.deployed, script.failed, script.days, script.ran)
  end
  universe.world = world
  return world
end

-- What happens to the requests of a step, one after the other. Times come from the step's own seed, so that leaving
-- another step out changes nothing here.
local function fault_source(step, attempt, slow)
  local draw = random.new(step.seed + 7919 * (attempt - 1))
  slow = slow or 1
  return function()
    step.sent = (step.sent or 0) + 1
    local times = { connect = draw.between(0.001, 0.03), there = slow * draw.between(0.005, 0.05), back = slow * draw.between(0.005, 0.05) }
    local kill = step.kills and step.kills[attempt]
    step.sent_now = step.sent_now + 1
    if kill and step.sent_now >= kill.request then return { kind = kill.kind, there = times.there } end
    local fault = step.faults and step.faults[step.sent]
    if not fault then return times end
    for name, value in pairs(fault) do times[name] = value end
    return times
  end
end

local function open(world, universe, actor)
  actor.killed, actor.closed = false, false
  local given = {
    base_url = base_url,
    max_connections = actor.plan.max_connections,
    max_attempts = actor.plan.max_attempts,
    rate_limit = actor.plan.rate_limit,
  }
  local credential = actor.plan.credential
  if credential == "login" then
    given.username, given.password = actor.name, "password"
  elseif credential == "token" then
    given.token = "token-" .. actor.name
    world.service.tokens[given.token] = math.huge
  else
    given.api_key = "key-" .. actor.name
  end
  world.opening = actor
  actor.client = universe.patchworks.new(given)
  actor.versions = actor.client.script_versions
end

-- The version that a person who looks at the service would choose.
local function pick(world, fraction, script)
  local list = {}
  if script then
    local found = world.service.scripts[script]
    list = found and found.versions or list
  else
    for _, each in ipairs(world.plan.scripts) do
      table.move(world.service.scripts[each.id].versions, 1, #world.service.scripts[each.id].versions, #list + 1, list)
    end
  end
  local version = list[1 + math.floor(fraction * #list)]
  return version and version.id or 999999
end

-- Ways to make a call: plainly; in a generator of the caller's own; where nothing can yield.
local modes = {}

function modes.plain(fn) return fn() end

function modes.generator(fn)
  local made = coroutine.wrap(function() coroutine.yield(fn()) end)
  return made()
end

function modes.sort(fn)
  local results
  table.sort({ 1, 2 }, function(left, right)
    results = results or table.pack(fn())
    return left < right
  end)
  return table.unpack(results, 1, results.n)
end

local function new_call(world, actor, step, attempt, of)
  local call = { actor = actor.name, step = step.number, op = step.op, args = step, began = world.clock.time, attempt = attempt,
    timeout = step.call_timeout, steps = {}, accounts = {}, plan = actor.plan, engine = actor.client._engine, batch = of }
  if step.pick then call.subject = pick(world, step.pick) end
  if step.to then call.subject = pick(world, step.to, step.script) end
  if step.expects then
    call.expects = true
    local live = step.expects == "live" and world.service.scripts[step.script].live
    call.expected = live or type(step.expects) == "number" and pick(world, step.expects, step.script) or nil
  end
  if step.op == "rollback" then call.back = world.service:way_back(step.script) end
  world.calls[#world.calls + 1] = call
  world.log("call", call)
  return call
end

local function end_call(world, universe, call, ok, value, problem)
  call.ended = world.clock.time
  if not ok then
    call.err = value
    if not universe.patchworks.is_error(value) then call.raised = value end
  else
    call.value, call.err = value, value == nil and problem or nil
  end
  world.log("said", call)
end

local batch

local function perform(world, universe, actor, step, attempt, of)
  local call = new_call(world, actor, step, attempt, of)
  -- A call that is cancelled is told how it ended by nobody.
  local _ <close> = setmetatable({}, { __close = function()
    if not call.ended then
      call.ended, call.cancelled = world.clock.time, true
      world.log("said", call)
    end
  end })
  local operation = operations[step.op] or batch
  local results = table.pack(pcall(modes[of and "plain" or step.mode or "plain"], function()
    return operation(actor, step, call)
  end))
  call.killed, call.closed = actor.killed, actor.closed
  end_call(world, universe, call, table.unpack(results, 1, 3))
  return call
end

-- Performs a step in a task of its own, which is cancelled after a time unless it has ended.
local function perform_until(world, universe, tasks, seconds, ...)
  local count = #world.calls
  local task = tasks:spawn(perform, world, universe, ...)
  local call = world.calls[count + 1]
  local watch = tasks:spawn(function()
    universe.patchworks.sleep(seconds)
    tasks:cancel(task)
  end)
  local _, told = task:join()
  tasks:cancel(watch)
  if call.cancelled and universe.patchworks.is_error(told) then call.told = told end
  return call
end

function batch(actor, step, call)
  local world, universe = actor.world, actor.universe
  for _, item in ipairs(step.items) do item.number, item.call_timeout = step.number, item.call_timeout or step.call_timeout end
  universe.patchworks.map(step.items, function(item)
    if actor.closed then return nil end
    if not item.cancel then
      local made = perform(world, universe, actor, item, call.attempt, call)
      return made.value, step.stop_on_error and made.err or nil
    end
    universe.patchworks.run(function(tasks)
      perform_until(world, universe, tasks, item.cancel, actor, item, call.attempt, call)
    end)
  end, { concurrency = step.concurrency, stop_on_error = step.stop_on_error })
  return true
end

-- Somebody whose process was killed, or whose client is closed, makes another client. Says whether it was killed.
local function begin_anew(world, universe, actor)
  local killed = actor.killed
  if not (killed or actor.closed) then return false end
  actor.client:close()
  world.clients[#world.clients + 1] = actor.client
  open(world, universe, actor)
  return killed
end

-- Performs a step whose client is closed after a time.
local function perform_with_end(world, universe, tasks, actor, step, attempt)
  local watch = tasks:spawn(function()
    universe.patchworks.sleep(step.closes)
    actor.client:close()
    actor.closed = true
    world.log("closed", { actor = actor.name })
  end)
  perform(world, universe, actor, step, attempt)
  tasks:cancel(watch)
end

local function run_step(world, universe, tasks, actor, step)
  step.sent = 0
  local attempt = 0
  repeat
    attempt = attempt + 1
    step.sent_now = 0
    actor.step, actor.attempt, actor.fault = step.number, attempt, fault_source(step, attempt, not world.calm and world.plan.slow)
    if step.cancel and attempt == 1 then
      perform_until(world, universe, tasks, step.cancel, actor, step, attempt)
    elseif step.closes and attempt == 1 then
      perform_with_end(world, universe, tasks, actor, step, attempt)
    else
      perform(world, universe, actor, step, attempt)
    end
    local killed = begin_anew(world, universe, actor)
    local call = world.calls[#world.calls]
    local again = killed or (step.until_done and attempt < 50 and not (call.value and call.value.failed == 0))
  until not again
end

local function run_actor(world, universe, tasks, actor)
  for _, step in ipairs(actor.plan.steps) do
    universe.patchworks.sleep(step.pause or 0)
    begin_anew(world, universe, actor) -- a login goes on when the call that began it was cancelled
    run_step(world, universe, tasks, actor, step)
  end
end

local function new_actor(world, universe, plan)
  local actor = { name = plan.name, plan = plan, world = world, universe = universe }
  open(world, universe, actor)
  return actor
end

-- Whoever is left makes as many calls at once as may go: what an earlier call left behind would hold them back.
local function last_calls(world, universe)
  universe.patchworks.sleep(200)
  for _, actor in ipairs(world.actors) do
    begin_anew(world, universe, actor)
    -- Each may find that the token has expired, and be sent twice.
    local count = math.max(1, math.min(8, (actor.plan.rate_limit or 18) // 2 - 1, actor.plan.max_connections or 8))
    local began = world.clock.time
    world.service.token_life = 1e6
    actor.step, actor.attempt, actor.fault = 2000, 1, fault_source({ seed = 1, sent_now = 0 }, 1)
    local _, failures = universe.patchworks.map({ table.unpack({ 1, 2, 3, 4, 5, 6, 7, 8 }, 1, count) }, function()
      return actor.versions:list(world.plan.scripts[1].id, { per_page = 1, limit = 1 }):all()
    end)
    local seconds = world.clock.time - began
    if failures then
      world.left[#world.left + 1] = ("%s: a call after the last fails: %s"):format(actor.name, tostring(failures[1].error))
    elseif seconds > 1 then
      world.left[#world.left + 1] = ("%s: calls after the last took %.3f s"):format(actor.name, seconds)
    end
    if actor.client._engine:active() > 0 then
      world.left[#world.left + 1] = actor.name .. ": something is still under way"
    end
  end
end

-- What each script was last asked to be, once more and without trouble: twice, since the second must find it done.
local function epilogue(world, universe, tasks)
  world.calm = world.clock.time
  local wanted = {}
  for _, actor in ipairs(world.plan.actors) do
    for _, step in ipairs(actor.steps) do
      if step.op == "publish" then wanted[step.script] = step.content end
      for _, script in ipairs(step.op == "apply" and step.scripts or {}) do wanted[script.id] = script.content end
    end
  end
  if next(wanted) == nil then return end
  local actor = new_actor(world, universe, { name = "omega", credential = "key" })
  for _, script in ipairs(world.plan.scripts) do
    local content = wanted[script.id]
    for round = 1, content and 2 or 0 do
      local step = { op = "publish", script = script.id, content = content, number = 1000 + 2 * script.id + round, seed = 1, epilogue = round }
      run_step(world, universe, tasks, actor, step)
    end
  end
  actor.client:close()
end

--- Plays a history.
-- @tparam table universe from library.load
-- @tparam table plan from history.new
-- @treturn table world: `calls`, `requests`, `events`, `service` with its `journal`; `hung`, when it did not end
function play.run(universe, plan)
  local world = new_world(universe, plan)
  universe.patchworks = universe.require "patchworks"
  world.clients, world.actors, world.left = {}, {}, {}
  local ok, problem = pcall(universe.patchworks.run, function(tasks)
    local running = {}
    for i, each in ipairs(plan.actors) do
      local actor = new_actor(world, universe, each)
      world.actors[i] = actor
      running[i] = tasks:spawn(run_actor, world, universe, tasks, actor)
    end
    for _, task in ipairs(running) do
      local went, failure = task:join()
      if not went then error(failure, 0) end
    end
    world.clock:drain()
    world.service.limit = nil
    if plan.last_calls then last_calls(world, universe) end
    if plan.epilogue then epilogue(world, universe, tasks) end
  end)
  if not ok then world.hung = problem end
  world.clock:drain()
  return world
end

return play
