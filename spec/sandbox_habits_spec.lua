-- What isn't known of the service: under each habit the sandbox does what it says, and the client holds.
local sandbox = require "patchworks.sandbox"

local good = "def handle(data):\n  return {'payload': data['payload'], 'logs': ['one', 'two']}\n"
local bad = "def handle(:"

local opened = {}

local function start(habits)
  local server = assert(sandbox.start { deploy_seconds = 0, habits = habits })
  local client = server:client()
  table.move({ client, server }, 1, 2, #opened + 1, opened)
  return client.script_versions, server
end

describe("a habit", function()
  after_each(function()
    for _, each in ipairs(opened) do each:close() end
    opened = {}
  end)

  it("invoke_deploys: what isn't deployed is built, deployed and run; what can't be says why", function()
    local versions = start { invoke_deploys = true }
    local version = versions:create(1, { content = good })
    assert.equal("x", assert(versions:invoke(version.id, { payload = "x" })).payload)
    assert.equal("Deployed", versions:get(version.id).status)
    local broken = versions:create(1, { content = bad })
    local answer, err = versions:invoke(broken.id, { payload = "x" })
    assert.is_nil(answer)
    assert.equal("invalid", err.kind)
    assert.matches("could not be deployed: .*SyntaxError", err.message)
    assert.is_string(versions:get(broken.id).deployment_failed_at)
  end)

  it("one_deployed: what is deployed makes the others Inactive, a failure none", function()
    local versions = start { one_deployed = true }
    local first = assert(versions:publish(1, { content = good, interval = 0.02 }))
    local second = assert(versions:publish(1, { content = good .. "# 2\n", interval = 0.02 }))
    assert.equal("Inactive", versions:get(first.version.id).status)
    assert.equal("Deployed", versions:get(second.version.id).status)
    assert.is_nil(versions:publish(1, { content = bad, interval = 0.02 }))
    assert.equal("Deployed", versions:get(second.version.id).status)
    assert(versions:rollback(1))
    assert.equal("Deployed", versions:get(first.version.id).status)
    assert.equal("Inactive", versions:get(second.version.id).status)
    assert.equal("unchanged", assert(versions:publish(1, { content = good, interval = 0.02 })).action)
  end)

  it("redeploy_nothing: deploying what is deployed changes nothing, and ends", function()
    local versions = start { redeploy_nothing = true }
    local version = versions:create(1, { content = good })
    local deployed = assert(versions:deploy_and_wait(version.id, { timeout = 20, interval = 0.02 }))
    local again = assert(versions:deploy_and_wait(version.id, { timeout = 20, interval = 0.02 }))
    assert.equal(deployed.deployed_at, again.deployed_at)
  end)

  it("crlf and trim: a source that comes back otherwise is still the same", function()
    for _, habits in ipairs { { crlf = true }, { trim = true }, { crlf = true, trim = true } } do
      local versions = start(habits)
      local version = assert(versions:publish(1, { content = good, interval = 0.02 })).version
      local content = versions:get(version.id, { include = { "content" } }).content.content
      assert.equal(habits.crlf or false, content:find("\r\n", 1, true) ~= nil)
      assert.equal(not habits.trim, content:find("%s$") ~= nil)
      assert.equal("unchanged", assert(versions:publish(1, { content = good, interval = 0.02 })).action)
    end
  end)

  it("logs_newest_first", function()
    local versions = start { logs_newest_first = true }
    local version = assert(versions:publish(1, { content = good, interval = 0.02 })).version
    assert(versions:invoke(version.id, { payload = "x" }))
    local messages = {}
    for entry in versions:logs(version.id) do messages[#messages + 1] = entry.message end
    assert.same({ "two", "one" }, messages)
  end)

  it("create_status: 200 is a success as 201 is", function()
    for _, status in ipairs { 200, 201, 202 } do
      local versions = start { create_status = status }
      local version, response = versions:create(1, { content = good })
      assert.equal(status, response.status)
      assert.is_true(version.id > 0)
    end
  end)

  for _, words in ipairs { { "deploying", "" }, { "true", "false" }, { "2026-11-24T00:00:00Z", "" }, { "1", "0" } } do
    it(("deploying and idle: %q and %q"):format(words[1], words[2]), function()
      local versions = start { deploying = words[1], idle = words[2] }
      local version = versions:create(1, { content = good })
      assert.equal(words[2] ~= "" and words[2] or nil, versions:get(version.id).deploying)
      assert.equal("Deployed", assert(versions:deploy_and_wait(version.id, { timeout = 20, interval = 0.02 })).status)
    end)
  end

  it("is refused when it isn't known, or isn't of its kind", function()
    assert.error_matches(function() sandbox.start { habits = { polite = true } } end, "polite")
    assert.error_matches(function() sandbox.start { habits = { crlf = "yes" } } end, "crlf: expected a boolean")
    assert.error_matches(function() sandbox.start { habits = { create_status = 500 } } end, "create_status")
  end)

  it("is told by the admin's interface", function()
    local _, server = start { one_deployed = true }
    assert.matches('"one_deployed":true', server:admin("GET", "status"))
  end)
end)
