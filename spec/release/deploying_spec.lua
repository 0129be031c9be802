-- A service whose `deploying` says something that isn't known, before and after a deployment as well.
local sandbox = require "patchworks.sandbox"
local service = require "patchworks.service"
local shell = require "spec.support.shell"

local server, client, versions
local fast = 0.02

local function open(habits)
  server = assert(sandbox.start { deploy_seconds = 0, habits = habits })
  client = server:client()
  versions = client.script_versions
end

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

local function publish(word, more)
  local given = { content = source(word), interval = fast, deploy_timeout = 20 }
  for name, value in pairs(more or {}) do given[name] = value end
  return versions:publish(1, given)
end

describe("a service that says something unknown in `deploying` for ever", function()
  after_each(function()
    client:close()
    server:close()
  end)

  it("is understood by the dates of a version that is watched", function()
    open { idle = "complete" }
    local made = assert(versions:create(1, { content = source "one" }))
    assert.equal("Deployed", assert(made:deploy_and_wait { interval = fast, timeout = 20 }).status)
    assert.equal("Deployed", assert(made:deploy_and_wait { interval = fast, timeout = 20 }).status)
    local bad = assert(versions:create(1, { content = "def (" }))
    local _, err = bad:deploy_and_wait { interval = fast, timeout = 20 }
    assert.equal("deployment_failed", err.kind)
    _, err = bad:deploy_and_wait { interval = fast, timeout = 20 }
    assert.equal("deployment_failed", err.kind)
  end)

  it("holds a publish up for its deploy_timeout, and no longer where the caller says so", function()
    open { idle = "complete" }
    local done = assert(publish "one")
    assert.same({ "published", nil }, { done.action, done.under_way })
    local _, err = publish("two", { deploy_timeout = 0.3 })
    assert.same({ "conflict", "none" }, { err.kind, err.outcome })
    assert.matches('`deploying` says "complete"), set `while_deploying`', err.hint, 1, true)
    done = assert(publish("two", { while_deploying = true }))
    assert.same({ "published", 2, nil }, { done.action, done.version.version, done.under_way })
    _, err = publish("three", { while_deploying = true, test = { payload = "x", expect = "no" } })
    assert.same({ "test_failed", true, 2 }, { err.kind, err.rolled_back, err.live.version })
  end)

  it("lets a rollback and an apply through where the caller says so", function()
    open { idle = "complete" }
    assert(publish "one")
    assert(publish("two", { while_deploying = true }))
    local _, err = versions:rollback(1, { interval = fast })
    assert.matches("set `while_deploying`", err.hint, 1, true)
    local back = assert(versions:rollback(1, { interval = fast, while_deploying = true }))
    assert.same({ "rolled back", 1, nil }, { back.action, back.version.version, back.under_way })
    local plan = assert(client:plan { scripts = { { id = 1, content = source "three" } } })
    local report = client:apply(plan, { interval = fast, while_deploying = true })
    assert.equal(1, report.published)
  end)

  it("says on the command line what to say there", function()
    open { idle = "complete" }
    assert(publish "one")
    assert(publish("two", { while_deploying = true }))
    local code, _, err = shell(server, "rollback 1 --yes --interval 0.02")
    assert.equal(1, code)
    assert.matches("say --while-deploying", err, 1, true)
    assert.equal(0, (shell(server, "rollback 1 --yes --interval 0.02 --while-deploying")))
  end)

  it("does not keep a known word from being waited for", function()
    open { deploying = "building" }
    assert(publish("one", { deploy_timeout = 20 }))
    local made = assert(versions:create(1, { content = source "two" }))
    server:advance(1)
    assert(made:deploy())
    local done = assert(publish("three", { deploy_timeout = 20 }))
    assert.same({ "published", 3 }, { done.action, done.version.version })
  end)
end)

describe("an unknown word", function()
  local day = 86400

  it("keeps a version from being pruned for a day", function()
    local now = service.time "2026-11-23T10:00:00Z"
    for word, stale in pairs { complete = true, deploying = false, [""] = false } do
      local version = { deploying = word, updated_at = "2026-11-21T10:00:00Z" }
      assert.equal(stale, service.is_stale(version, now), word)
    end
    local version = { deploying = "complete", updated_at = "2026-11-23T09:00:00Z" }
    assert.is_false(service.is_stale(version, now))
    assert.is_true(service.is_stale(version, now + day))
    assert.is_false(service.is_stale({ deploying = "complete" }, now))
  end)
end)
