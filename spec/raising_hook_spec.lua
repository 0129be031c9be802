-- A host's hook that raises at any one instruction of a call: the client works afterwards, and holds nothing.
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"
local simulated = require "spec.support.simulated"
local timers = require "patchworks.time.timers"

local operations = {
  get = function(versions) return versions:get(1) end,
  list = function(versions)
    for version in versions:list(1, { per_page = 2, limit = 5 }) do
      if version.id == 1 then break end
    end
    return true
  end,
  logs = function(versions) return versions:logs(1):all() end,
  create = function(versions) return versions:create(2, { content = "x = 1" }) end,
  deploy = function(versions) return versions:deploy(1) end,
  invoke = function(versions) return versions:invoke(1, { payload = "x", on_event = function() end }) end,
  upload = function(versions) return versions:upload(1, { private = true }) end,
  delete = function(versions) return versions:delete(999) end,
  ["a retry"] = function(versions, server)
    server:fail { operation = "get", how = "status", status = 503, retry_after = 0 }
    return versions:get(1)
  end,
  ["a wait"] = function() patchworks.sleep(0.0001) end,
  ["a map"] = function() patchworks.map({ 1, 2 }, function(item) return item end) end,
}

-- Runs `fn` with a hook that raises at its n-th instruction; says whether it came to that. What it raises comes out: Ctrl-C
-- at a prompt, and a budget, are such hooks. In a listener it is the listener's error.
local function interrupted(n, fn)
  local raised = false
  local ok, problem = pcall(function()
    debug.sethook(function()
      debug.sethook()
      raised = debug.getinfo(2, "Sl")
      error("budget", 0)
    end, "", n)
    fn()
    debug.sethook()
  end)
  local told = type(problem) == "table" and problem.kind == "listener" and problem.cause or problem
  if raised and (ok or told ~= "budget") then
    error(("%s:%d: what was raised here came to %s"):format(raised.short_src, raised.currentline, tostring(problem)))
  end
  return raised
end

local function in_a_task(n, fn, library)
  local raised
  library.run(function(tasks) tasks:spawn(function() raised = interrupted(n, fn) end) end)
  return raised
end

-- What is still held of a call that was cut short, or nil.
local function held_by(client, heap)
  local gate = client._gate
  return client:stats().active > 0 and "a request is under way"
    or next(client._flights) and "a call is under way"
    or (next(gate.inside) or gate.line.first or gate.probe) and "the gate counts somebody"
    or heap[1] and "a timer is set"
    or nil
end

local function full_collection()
  collectgarbage()
  collectgarbage() -- what the first one found, once it was finalized
end

-- The client works, and holds nothing; or nothing any more after the collector.
local function check(client, heap, n)
  local version, err = client.script_versions:get(1)
  if not version or version.id ~= 1 then error(("at instruction %d: %s"):format(n, tostring(err or version.id)), 0) end
  if not held_by(client, heap) then return end
  full_collection()
  local held = held_by(client, heap)
  if held then error(("at instruction %d: %s"):format(n, held), 0) end
end

local places = { ["outside of a task"] = interrupted, ["in a task"] = in_a_task }

local given_first = math.tointeger(tonumber(os.getenv "PATCHWORKS_FROM"))
local most_apart = math.tointeger(tonumber(os.getenv "PATCHWORKS_EACH")) or math.huge

-- Where to begin: at another instruction in each run, so that runs together come to all.
local function first_of(step) return given_first or math.random(step) end

describe("a hook that raises at any instruction", function()
  local server, client

  setup(function()
    server = assert(sandbox.start { deploy_seconds = 0 })
    server:populate { script = 1, versions = 6 }
    client = server:client { token = server:token() }
    assert(client.script_versions:deploy_and_wait(1, { interval = 0.01 }))
  end)
  teardown(function()
    client:close()
    server:close()
  end)

  -- Invoking starts an interpreter each time, and below it is interrupted at each instruction; a list takes three
  -- requests. PATCHWORKS_EACH says how far apart at most, 3 in scripts/check.
  local steps = { invoke = 97, list = 11 }
  local function step_of(name)
    if os.getenv "PATCHWORKS_INSTRUMENTED" then return 23 end
    return name == "invoke" and steps.invoke or math.min(most_apart, steps[name] or 1)
  end

  for name, call in pairs(operations) do
    for where, run in pairs(places) do
      it("of " .. name .. " " .. where .. " leaves nothing behind", function()
        local versions = client.script_versions
        local step = step_of(name)
        local n = first_of(step)
        while run(n, function() return call(versions, server) end, patchworks) do
          server:clear_faults()
          check(client, timers.heap, n)
          n = n + step
        end
        assert.is_true(n > 20)
        server:forget_requests()
        full_collection()
        check(client, timers.heap, n)
      end)
    end
  end
end)

describe("a hook that begins a call of its own at any instruction", function()
  it("gets its own answer, and so does the call that it came into", function()
    local server <close> = assert(sandbox.start())
    server:populate { script = 1, versions = 3 }
    local client <close> = server:client()
    client.script_versions:get(1)
    local n, theirs = 0
    repeat
      n, theirs = n + 1, nil
      debug.sethook(function()
        debug.sethook()
        theirs = patchworks.spawn(function() return client.script_versions:get(3) end)
      end, "", n)
      local own = client.script_versions:get(2)
      debug.sethook()
      local _, other
      if theirs then
        _, other = theirs:join()
      end
      assert.equal(2, own and own.id, ("at instruction %d"):format(n))
      assert.equal(theirs and 3, other and other.id, ("at instruction %d"):format(n))
    until not theirs
    assert.is_true(n > 80)
  end)
end)

-- What takes many requests is played on the simulated service, where a publish takes a millisecond. The numbers are how
-- far apart the instructions are that are interrupted: `invoke`, `wait` and `map` at each, a publish, which has 8,000, at
-- each forty-seventh. `PATCHWORKS_EACH=1` takes each of all, in some minutes.
local simulations = {
  invoke = { 1, function(world) return world.versions:invoke(1, { payload = "x", on_event = function() end }) end },
  wait = { 1, function(world) return world.versions:wait(1, { interval = 0.5 }) end },
  map = { 1, function(world)
    return world.patchworks.map({ 1, 2, 1, 2, 1 }, function(id) return world.versions:get(id) end, { concurrency = 2 })
  end },
  deploy_and_wait = { 13, function(world) return world.versions:deploy_and_wait(2, { interval = 0.5 }) end },
  ["a reconciled create"] = { 23, function(world)
    world:fault("create", 1, "lost after")
    return world.versions:create(1, { content = "three", reconcile = true })
  end },
  publish = { 47, function(world)
    return world.versions:publish(1, { content = "two", interval = 1, test = { payload = "x", expect = "ran two" } })
  end },
  ["a publish that goes back"] = { 97, function(world)
    return world.versions:publish(1, { content = "three", interval = 1, test = { payload = "x", expect = "another" } })
  end },
}

describe("a hook that raises, on the simulated service,", function()
  for name, case in pairs(simulations) do
    for where, run in pairs(places) do
      it("in " .. name .. " " .. where .. " leaves nothing behind, and the next run does it", function()
        local step = math.min(most_apart, case[1] * (os.getenv "PATCHWORKS_INSTRUMENTED" and 23 or 1))
        local n, count, cut = first_of(step), 0, true
        while cut do
          local world = simulated { contents = { "one", "two" }, deployed = { 1 } }
          cut = run(n, function() return case[2](world) end, world.patchworks)
          if count % 150 == 100 then full_collection() end
          check(world.client, world.require("patchworks.time.timers").heap, n)
          local done, problem = case[2](world)
          if done == nil and problem.kind ~= "test_failed" then error(("at instruction %d: %s"):format(n, tostring(problem)), 0) end
          world.client:close()
          n, count = n + step, count + 1
        end
        assert.is_true(count > (os.getenv "PATCHWORKS_INSTRUMENTED" and 4 or 20))
      end)
    end
  end
end)
