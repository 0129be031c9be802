-- Going back: never forward, and never over what is under way.
local sandbox = require "patchworks.sandbox"

local server, client, versions
local fast = 0.02

local function open(options)
  server = assert(sandbox.start(options or { deploy_seconds = 0 }))
  client = server:client()
  versions = client.script_versions
end

after_each(function()
  client:close()
  server:close()
end)

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

-- Untested where nothing is told to expect: a test starts an interpreter.
local function publish(word, expect)
  local test = expect and { payload = "x", expect = expect } or nil
  return versions:publish(1, { content = source(word), interval = fast, test = test })
end

describe("rollback", function()
  it("goes back twice when it is called twice, and not further", function()
    open()
    for _, word in ipairs { "one", "two", "three" } do assert(publish(word)) end
    assert.equal(2, assert(versions:rollback(1, { interval = fast })).version.version)
    assert.equal(1, assert(versions:rollback(1, { interval = fast })).version.version)
    local _, err = versions:rollback(1, { interval = fast })
    assert.same({ "not_found", "none" }, { err.kind, err.outcome })
    assert.equal(3, assert(versions:rollback(1, { to = 3, interval = fast })).version.version)
  end)

  it("never goes to the version whose test has just failed", function()
    open()
    assert(publish "one")
    local _, err = publish("two", "something else")
    assert.is_true(err.rolled_back)
    assert.equal("not_found", select(2, versions:rollback(1)).kind)
  end)

  it("names where it would go", function()
    open()
    assert(publish "one")
    assert(publish "two")
    local plan = assert(versions:rollback(1, { dry_run = true }))
    assert.same({ "would roll back", 1, 2 }, { plan.action, plan.version.version, plan.previous.version })
    assert.equal(2, server:count "deploy")
  end)

  it("refuses while something is under way, which would come live afterwards", function()
    open { deploy_seconds = 1000 }
    for word = 1, 2 do
      assert(versions:create(1, { content = source(word) }))
      assert(versions:deploy(word))
      server:advance(2000)
      assert(versions:wait(word, { interval = fast }))
    end
    local theirs = assert(versions:create(1, { content = source "theirs" }))
    assert(theirs:deploy())
    local _, err = versions:rollback(1)
    assert.same({ "conflict", theirs.id, 2 }, { err.kind, err.under_way.id, err.live.id })
    assert.equal(3, server:count "deploy")
  end)

  it("says when somebody else's came after it", function()
    open()
    assert(publish "one")
    assert(publish "two")
    local theirs
    local _, err = versions:rollback(1, { interval = fast, on_event = function(event)
      if theirs or event.operation ~= "get" then return end
      theirs = assert(versions:create(1, { content = source "theirs" }))
      assert(theirs:deploy_and_wait { interval = fast })
    end })
    assert.same({ "conflict", true, "unknown", theirs.id, 1 },
      { err.kind, err.overtaken, err.outcome, err.live.id, err.version.id })
  end)
end)
