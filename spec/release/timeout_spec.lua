-- A release's time is the whole's: what it is made of ends with it.
local deadline = require "patchworks.time.deadline"
local sandbox = require "patchworks.sandbox"

local server, client, versions

local function open(count)
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client { max_attempts = 1 }
  versions = client.script_versions
  server:populate { script = 1, versions = count }
end

describe("a release's time", function()
  after_each(function()
    client:close()
    server:close()
  end)

  it("is that of all pages of a listing in it, and not each page's", function()
    open(250)
    server:latency(0.3)
    local result, err = versions:rollback(1, { timeout = 0.5, dry_run = true })
    assert.is_nil(result)
    assert.equal("timeout", err.kind)
  end)

  it("is the prune's too, which says so and takes nothing away", function()
    open(6)
    assert(versions:publish(1, { content = "x = 1", interval = 0.01 }))
    server:latency(0.25)
    local done = assert(versions:publish(1, { content = "x = 1", keep = 1, timeout = 0.4 }))
    assert.same({ "unchanged", "timeout" }, { done.action, done.prune_error and done.prune_error.kind })
    assert.equal(0, server:count "delete")
  end)

  it("is that of all scripts of a plan", function()
    open(1)
    server:latency(0.2)
    local scripts = {}
    for id = 1, 4 do scripts[id] = { id = id, content = "x = 1" } end
    local plan, err = client:plan({ scripts = scripts }, { timeout = 0.5, concurrency = 1 })
    assert.is_nil(plan)
    assert.same({ "timeout", 2 }, { err.kind, #err.failures })
    assert.equal(3, server:count "list") -- the last one is not begun
  end)
end)

describe("a deadline", function()
  local function near(expected, seconds) assert.is_true(math.abs(expected - seconds) < 0.1, seconds) end

  it("is the nearer of its own time and that of the whole", function()
    local whole = deadline.of(5)
    near(5, whole:left())
    near(2, deadline.of(2, whole):left())
    near(5, deadline.of(9, whole):left())
    near(5, deadline.of(nil, whole):left())
    near(5, deadline.of(whole):left())
    assert.equal(math.huge, deadline.of():left())
    assert.equal(3, deadline.of():cap(3))
    assert.equal(0, deadline.of(0):left())
  end)

  it("gives each of several calls its own time, or what is left by then", function()
    assert.equal(2, deadline.of(5):each(2):left())
    near(5, deadline.of(5):each(9):left())
    near(1, deadline.of(deadline.of(5):each(1)):left())
  end)

  it("is no time-out that a caller may give", function()
    assert.has_error(function() versions:get(1, { timeout = { at = 1 } }) end)
  end)
end)
