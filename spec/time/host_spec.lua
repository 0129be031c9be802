-- A host's loop, played by hand: what the scheduler tells it, and what its pump does, on a clock that stands still.
local patchworks = require "patchworks"
local scheduler = require "patchworks.time.scheduler"
local scripted = require "spec.support.scripted"

local service, client, versions, told, descriptor

-- What the host was told last: the seconds after which to come back (nil for never), and which engines are watched.
local function new_host(fields)
  local host = { schedule = function(seconds) told.due, told.times = seconds, (told.times or 0) + 1 end }
  function host.watch(engine, active)
    assert.equal(client._engine, engine)
    told[#told + 1] = active
  end
  for name, value in pairs(fields or {}) do host[name] = value end
  scheduler.set_host(host)
  return host
end

before_each(function()
  told, descriptor = {}, 7
  service = scripted()
  client = service:client { max_attempts = 1 }
  versions = client.script_versions
  client._engine.fd = function() return descriptor end
  new_host()
end)
after_each(function()
  scheduler.set_host(nil)
  client:close()
  service:__close()
end)

local version = { body = '{"data":{"id":7}}' }

local function spawn(fn)
  local seen = {}
  local task = patchworks.spawn(function() seen.value, seen.err = fn() end)
  return seen, task
end

-- Lets time pass as the host does, who waits himself.
local function pass(seconds)
  service.clock.time = service.clock.time + seconds
end

local function near(expected, value) assert.is_true(math.abs(expected - value) < 1e-6, tostring(value)) end

describe("a host's loop", function()
  it("is told which engine is waited for, when to come back, and when no more", function()
    service:will(version)
    local seen = spawn(function() return versions:get(7) end)
    assert.same({ true }, { told[1] })
    near(30, told.due)
    near(30, scheduler.pump(client._engine))
    assert.is_nil(seen.value)
    pass(0.01)
    assert.is_nil(scheduler.pump(client._engine))
    assert.equal(7, seen.value.id)
    assert.same({ true, false }, { told[1], told[2] })
    assert.is_nil(told.due)
    assert.equal(2, #told)
  end)

  it("is told of a call that was under way before it came", function()
    scheduler.set_host(nil)
    service:will(version)
    local got
    patchworks.run(function(tasks)
      tasks:spawn(function() got = versions:get(7).id end)
      new_host()
      assert.same({ true }, told)
      scheduler.set_host(nil)
    end)
    assert.equal(7, got)
  end)

  it("is told once for several calls", function()
    service:will(version, version)
    local one, two = spawn(function() return versions:get(7) end), spawn(function() return versions:get(7) end)
    assert.equal(1, #told)
    for _ = 1, 2 do
      pass(0.01)
      scheduler.pump(client._engine)
    end
    assert.same({ 7, 7 }, { one.value.id, two.value.id })
    assert.same({ true, false }, { told[1], told[2] })
  end)

  it("comes back for a sleep, and no later", function()
    local done = 0
    local function sleeper(seconds)
      return function()
        patchworks.sleep(seconds)
        done = done + 1
      end
    end
    spawn(sleeper(5))
    near(5, told.due)
    spawn(sleeper(2))
    near(2, told.due)
    pass(2)
    near(3, scheduler.pump())
    assert.equal(1, done)
    pass(4)
    assert.is_nil(scheduler.pump())
    assert.equal(2, done)
    assert.equal(0, #told)
  end)

  it("comes back at once for tasks that go on in the next turn", function()
    local turns = 0
    spawn(function()
      for _ = 1, 3 do
        coroutine.yield()
        turns = turns + 1
      end
    end)
    local due = {}
    for i = 1, 3 do due[i] = scheduler.pump() or "never" end
    assert.same({ 3, { 0, 0, "never" } }, { turns, due })
  end)

  it("comes back every 5 ms where an engine has no descriptor, and then looks at that, too", function()
    descriptor = nil
    service:will(version)
    local seen = spawn(function() return versions:get(7) end)
    near(0.005, told.due)
    spawn(function() patchworks.sleep(0.002) end)
    near(0.002, told.due)
    pass(0.01)
    scheduler.pump()
    assert.equal(7, seen.value.id)
  end)

  it("waits itself where it can, and is told when what it waits for has come", function()
    local waited = {}
    scheduler.set_host(nil)
    new_host { wait = function(wait)
      waited[#waited + 1] = wait
      local notified = 0
      wait.notify = function() notified = notified + 1 end
      pass(0.01)
      scheduler.pump(client._engine)
      assert.equal(1, notified)
      return true
    end }
    service:will(version)
    assert.equal(7, versions:get(7).id)
    assert.equal(1, #waited)
    -- Where it can't, the library does.
    scheduler.set_host(nil)
    new_host { wait = function() return false end }
    service:will(version)
    assert.equal(7, versions:get(7).id)
  end)

  it("sees a call that its time ends, or somebody, leave nothing behind", function()
    service:will({ never = true }, { never = true })
    local seen = spawn(function() return versions:get(7, { attempt_timeout = 3 }) end)
    near(3, told.due)
    pass(3)
    scheduler.pump(client._engine)
    assert.equal("timeout", seen.err.kind)
    assert.same({ true, false }, { told[1], told[2] })
    local _, task = spawn(function() return versions:get(8) end)
    assert.is_true(task:cancel())
    assert.same({ true, false }, { told[3], told[4] })
    assert.is_nil(told.due)
  end)

  it("sees the engine of a client that is closed no more", function()
    service:will { never = true }
    local seen = spawn(function() return versions:get(7) end)
    client:close()
    scheduler.pump()
    assert.equal("cancelled", seen.err.kind)
    assert.same({ true, false, nil }, { told[1], told[2], told[3] })
  end)

  it("is one at a time", function()
    local ok, problem = pcall(scheduler.set_host, { schedule = function() end })
    assert.is_false(ok)
    assert.matches("another loop hosts this Lua state's clients already; one at a time can", problem)
    scheduler.set_host(nil)
    new_host()
  end)
end)
