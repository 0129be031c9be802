-- Watching deployments: when one looks, and what a look that fails means.
local sandbox = require "patchworks.sandbox"
local wait = require "patchworks.release.wait"

local server, client, versions

-- Sleeping moves both clocks, and takes no time.
local function shared_clock()
  local time, real = 0, client._clock
  client._clock = setmetatable({
    now = function() return time end,
    sleep = function(seconds)
      time = time + seconds
      server:advance(seconds)
    end,
  }, { __index = real })
end

local function open(options, client_options)
  server = assert(sandbox.start(options))
  client = server:client(client_options)
  versions = client.script_versions
end

after_each(function()
  if not client then return end
  client:close()
  server:close()
  client, server = nil, nil
end)

describe("the pauses between looks", function()
  it("see a deployment at most a third of its time late, or half a second, with 18 looks in the first minute", function()
    local looks, at = { 0 }, 0
    while at < 600 do
      at = at + wait.pause(at)
      looks[#looks + 1] = at
    end
    local early = 0
    for i, time in ipairs(looks) do
      if time <= 60 then early = early + 1 end
      local late = (looks[i + 1] or time) - time
      assert.is_true(late <= math.max(0.5, time / 3), ("%g s late after %g s"):format(late, time))
    end
    assert.is_true(early <= 18, early .. " looks")
  end)
end)

describe("deploy_and_wait", function()
  it("looks once more as its time ends", function()
    for _, case in ipairs { { 1.4, 2 }, { 1.9, 2 }, { 28, 30 } } do
      open { deploy_seconds = case[1] }
      local version = assert(versions:create(1, { content = "x = 1" }))
      assert(version:deploy())
      server:advance(100)
      assert(version:wait { interval = 0.02 }) -- the code is checked by then
      version = assert(versions:create(1, { content = "x = 1" }))
      shared_clock()
      assert.equal("Deployed", assert(version:deploy_and_wait { timeout = case[2] }).status)
      client:close()
      server:close()
    end
    client = nil
  end)

  it("doesn't end for a look that fails once the service has accepted", function()
    for _, fault in ipairs {
      { how = "status", status = 408 },
      { how = "status", status = 422 },
      { how = "status", status = 200, body = "<html>busy</html>" },
      { how = "status", status = 200, body = '{"data":[]}' },
      { how = "drop_after" },
    } do
      open({ deploy_seconds = 0 }, { max_attempts = 1 })
      local version = assert(versions:create(1, { content = "x = 1" }))
      local deployed, err = version:deploy_and_wait { interval = 0.02, on_event = function(event)
        if event.operation ~= "deploy" then return end
        fault.operation, fault.times = "get", 2
        server:fail(fault)
      end }
      assert.equal("Deployed", deployed and deployed.status, tostring(err))
      client:close()
      server:close()
    end
    client = nil
  end)

  it("tells what was begun as begun, whatever ends the watching", function()
    for _, status in ipairs { 401, 403, 404 } do
      open({ deploy_seconds = 0 }, { max_attempts = 1 })
      local version = assert(versions:create(1, { content = "x = 1" }))
      local _, err = version:deploy_and_wait { on_event = function(event)
        if event.operation == "deploy" then server:fail { operation = "get", how = "status", status = status } end
      end }
      assert.same({ "unknown", status, status }, { err.outcome, err.status, err.cause.status })
      assert.equal("none", err.cause.outcome)
      client:close()
      server:close()
    end
    client = nil
  end)

  it("goes on when the answer to its request is lost", function()
    open({ deploy_seconds = 0 }, { max_attempts = 1 })
    local version = assert(versions:create(1, { content = "x = 1" }))
    server:fail { operation = "deploy", how = "drop_after" }
    assert.equal("Deployed", assert(version:deploy_and_wait { interval = 0.02 }).status)
    local other = assert(versions:create(1, { content = "x = 2" }))
    server:fail { operation = "deploy", how = "drop_before" }
    local _, err = other:deploy_and_wait()
    assert.same({ "network", "unknown" }, { err.kind, err.outcome })
  end)

  it("takes what every call takes", function()
    open { deploy_seconds = 0 }
    local version = assert(versions:create(1, { content = "x = 1" }))
    server:forget_requests()
    assert(version:deploy_and_wait { headers = { ["X-Trace"] = "7" }, attempt_timeout = 5, max_attempts = 2, interval = 0.02 })
    for _, request in ipairs(server:requests()) do assert.equal("7", request.headers["x-trace"]) end
  end)
end)

describe("a release whose time is up", function()
  it("changes nothing more", function()
    local service <close> = assert(sandbox.start { deploy_seconds = 0 })
    local own <close> = service:client()
    local done, err = own.script_versions:publish(1, {
      content = "def handle(data): return {}",
      timeout = 0.3,
      on_event = function(event)
        if event.type == "step" and event.step == "create" then require("patchworks").sleep(0.5) end
      end,
    })
    assert.is_nil(done)
    assert.equal("timeout", err.kind)
    assert.equal(0, service:count "deploy")
  end)
end)

describe("two versions with one date", function()
  it("are told apart by one more deployment, not by deploying for ever", function()
    local at = "2026-01-01T00:00:00.000000Z"
    local service <close> = assert(sandbox.start {
      habits = { redeploy_nothing = true },
      seed = { scripts = { { id = 42, name = "s", language = "python", versions = {
        { id = 1, content = "x = 1", status = "Deployed", deployed_at = at },
        { id = 2, content = "x = 2", status = "Deployed", deployed_at = at },
      } } } },
    })
    local own <close> = service:client()
    local began = own._clock.now()
    own.script_versions:rollback(42, { timeout = 30, interval = 0.05, max_interval = 0.05 })
    assert.is_true(own._clock.now() - began < 15)
    assert.is_true(service:count "deploy" <= 2)
  end)
end)
