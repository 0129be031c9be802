-- Somebody else at the same script: what theirs became is told, whichever way ours goes.
local cjson = require "cjson"
local sandbox = require "patchworks.sandbox"

local server, client, versions
local fast = 0.02

local function open(options)
  options = options or {}
  options.deploy_seconds = options.deploy_seconds or 0
  server = assert(sandbox.start(options))
  client = server:client()
  versions = client.script_versions
end

after_each(function()
  client:close()
  server:close()
end)

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

-- Untested where it isn't told: a test starts an interpreter.
local function publish(word, more)
  local given = { content = source(word), interval = fast }
  for name, value in pairs(more or {}) do given[name] = value end
  return versions:publish(1, given)
end

local function draft(word) return assert(versions:create(1, { content = source(word or "theirs") })) end

local function make_live(version)
  server:advance(5)
  return assert(version:deploy_and_wait { interval = fast })
end

-- A `record` that does something right before the nth deployment goes out.
local function before_deployment(nth, act)
  local count = 0
  return function(progress)
    if progress.step ~= "deploy" and progress.step ~= "rollback" then return end
    count = count + 1
    if count == nth then act() end
  end
end

-- A listener that does something once, after the nth request of an operation.
local function after_request(operation, nth, act)
  local count = 0
  return function(event)
    if event.type ~= "attempt" or event.operation ~= operation then return end
    count = count + 1
    if count == nth then act() end
  end
end

describe("a version of somebody else's that came live right before ours", function()
  it("is told when the test of ours fails and the way back succeeds", function()
    open()
    assert(publish "one")
    local theirs = draft()
    local _, err = publish("mine", {
      test = { payload = "x", expect = "another" },
      record = before_deployment(1, function() make_live(theirs) end),
    })
    assert.same({ "test_failed", true, "none", 1, theirs.id },
      { err.kind, err.rolled_back, err.outcome, err.live.id, err.overwrote.id })
  end)

  it("is the one that was live last, whatever its number", function()
    open()
    assert(publish "one")
    local low, high = draft "low", draft "high"
    local done = assert(publish("mine", { record = before_deployment(1, function()
      make_live(high)
      make_live(low)
      server:advance(5)
    end) }))
    assert.equal(low.id, done.overwrote.id)
  end)

  it("is told by apply, in its report and on the command line", function()
    open()
    assert(publish "one")
    local theirs = draft()
    local plan = assert(client:plan { scripts = { { id = 1, name = "orders", content = source "mine" } } })
    local report = client:apply(plan, { interval = fast, record = before_deployment(1, function() make_live(theirs) end) })
    assert.equal(theirs.id, report.scripts[1].overwrote.id)
    assert.matches("overwritten: somebody else's script version " .. theirs.id, tostring(report), 1, true)
  end)
end)

describe("a version of somebody else's that took the place of ours between two looks", function()
  local function supersede()
    local theirs = draft()
    return theirs, after_request("deploy", 1, function() make_live(theirs) end)
  end

  it("is told at once by publish", function()
    open { habits = { one_deployed = true } }
    assert(publish "one")
    local theirs, listener = supersede()
    local _, err = publish("mine", { on_event = listener, deploy_timeout = 3, test = { payload = "x", expect = "mine" } })
    assert.same({ "conflict", true, "unknown", theirs.id },
      { err.kind, err.overtaken, err.outcome, err.live and err.live.id })
    assert.matches("[it was deployed]", tostring(err), 1, true)
    assert.equal(0, server:count "invoke") -- what is not live is not tested
  end)

  it("is told at once by deploy_and_wait", function()
    open { habits = { one_deployed = true } }
    local mine = draft "mine"
    local _, listener = supersede()
    local _, err = mine:deploy_and_wait { on_event = listener, interval = fast, timeout = 3 }
    assert.same({ "conflict", true, "unknown", mine.id }, { err.kind, err.overtaken, err.outcome, err.version.id })
  end)
end)

describe("a deployment of somebody else's that is under way in the last look", function()
  -- The next look sees version 1 live, and theirs on its way.
  local function show_under_way(theirs)
    server:fail { operation = "list", how = "status", status = 200, body = cjson.encode {
      data = {
        { id = 1, version = 1, script_id = 1, status = "Deployed", deployed_at = "2100-01-01T00:00:00Z" },
        { id = theirs.id, version = theirs.version, script_id = 1, status = "Draft", deploying = "deploying" },
      },
      meta = { current_page = 1, last_page = 1, total = 2 },
    } }
  end

  it("is told by rollback", function()
    open()
    assert(publish "one")
    assert(publish "two")
    local theirs = draft()
    local seen = false
    local done = assert(versions:rollback(1, { interval = fast, on_event = function(event)
      if event.type ~= "attempt" or event.operation ~= "get" or seen then return end
      seen = true
      show_under_way(theirs)
    end }))
    assert.same({ "rolled back", 1, theirs.id }, { done.action, done.version.id, done.under_way and done.under_way.id })
  end)

  it("is told by publish's way back", function()
    open()
    assert(publish "one")
    local theirs, deploys = draft(), 0
    local _, err = publish("mine", { test = { payload = "x", expect = "another" }, on_event = function(event)
      if event.type ~= "attempt" then return end
      if event.operation == "deploy" then deploys = deploys + 1 end
      if event.operation ~= "get" or deploys ~= 2 then return end
      deploys = 3
      show_under_way(theirs)
    end })
    assert.same({ "test_failed", true, theirs.id }, { err.kind, err.rolled_back, err.under_way and err.under_way.id })
  end)
end)
