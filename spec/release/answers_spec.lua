-- Answers that can't be to what was asked, and looks that crossed somebody else's deployment.
local cjson = require "cjson"
local sandbox = require "patchworks.sandbox"

local server, client, versions
local fast = 0.02

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client { max_attempts = 1 }
  versions = client.script_versions
end)
after_each(function()
  client:close()
  server:close()
end)

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

local function publish(word, more)
  local given = { content = source(word), interval = fast, deploy_timeout = 2 }
  for name, value in pairs(more or {}) do given[name] = value end
  return versions:publish(1, given)
end

local function draft(word) return assert(versions:create(1, { content = source(word) })) end

local function answer(operation, value, times)
  server:fail { operation = operation, how = "status", status = 200, body = cjson.encode(value), times = times }
end

describe("another version than the one that was asked for", function()
  local other = { data = { id = 77, version = 77, script_id = 1, status = "Deployed" } }

  it("is a protocol error for whoever waits", function()
    assert(publish "one")
    answer("get", other, 2)
    for _, method in ipairs { "wait", "deploy_and_wait" } do
      local version, err = versions[method](versions, 1, { interval = fast, timeout = 2 })
      assert.is_nil(version)
      assert.same({ "protocol", "none" }, { err.kind, err.outcome })
    end
    assert.equal(1, server:count "deploy")
  end)

  it("makes nobody's deployment end", function()
    local version = draft "one"
    local deployed, err = version:deploy_and_wait { interval = fast, timeout = 0.3, on_event = function(event)
      if event.operation == "deploy" then answer("get", other, 1000) end
    end }
    assert.is_nil(deployed)
    assert.same({ "timeout", "unknown", "protocol" }, { err.kind, err.outcome, err.cause.kind })
  end)

  it("is no reason to delete one", function()
    server:populate { script = 1, versions = 3 }
    answer("get", { data = { id = 77, version = 77, script_id = 1, status = "Draft" } }, 1000)
    local pruned, err = versions:prune(1, { keep = 1 })
    assert.is_nil(pruned)
    assert.same({ "protocol", 0 }, { err.kind, server:count "delete" })
  end)

  it("is not taken for the source of one", function()
    assert(publish "one")
    draft "two"
    answer("get", { data = { id = 77, script_id = 1, content = { content = source "three" } } })
    local done, err = publish "three"
    assert.is_nil(done)
    assert.same({ "protocol", 1 }, { err.kind, server:count "deploy" })
  end)
end)

describe("a version of another script", function()
  local function no_pauses()
    client._clock = setmetatable({ sleep = function() end }, { __index = client._clock })
  end

  it("is not deployed for ours when it is said to be made", function()
    no_pauses()
    answer("create", { data = { id = 77, version = 77, script_id = 2, status = "Draft" } })
    local done, err = publish "one"
    assert.is_nil(done)
    assert.same({ "protocol", "unknown", 0 }, { err.kind, err.outcome, server:count "deploy" })
  end)

  it("nor is one that was there before", function()
    no_pauses()
    local old = assert(publish "one").version
    answer("create", { data = { id = old.id, version = 9, script_id = 1, status = "Draft" } })
    local done, err = publish "two"
    assert.is_nil(done)
    assert.same({ "protocol", "unknown", 1 }, { err.kind, err.outcome, server:count "deploy" })
  end)

  it("is a protocol error in a list", function()
    answer("list", {
      data = { { id = 77, version = 77, script_id = 2, status = "Deployed", deployed_at = "2026-01-01T00:00:00Z" } },
      meta = { current_page = 1, last_page = 1, total = 1 },
    }, 1000)
    for _, call in ipairs {
      function() return publish "one" end,
      function() return versions:rollback(1) end,
      function() return versions:prune(1, { keep = 0 }) end,
      function() return client:plan { scripts = { { id = 1, content = "x" } } } end,
    } do
      local value, err = call()
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
    end
  end)
end)

describe("an empty first page of several versions", function()
  it("does not say that nothing is live", function()
    server:fail { operation = "list", how = "status", status = 200, times = 1000,
      body = '{"data":[],"meta":{"current_page":1,"last_page":1,"total":5}}' }
    for _, call in ipairs {
      function() return publish "one" end,
      function() return versions:rollback(1) end,
      function() return versions:prune(1, { keep = 0 }) end,
      function() return client:plan { scripts = { { id = 1, content = "x" } } } end,
    } do
      local value, err = call()
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
    end
    assert.equal(0, server:count "create")
  end)
end)

describe("a look whose requests crossed somebody else's deployment", function()
  -- The two lists of the first look, one wholly before the deployment and one wholly after it.
  local function cross(late, deploy)
    local list, early, looks = versions.list, nil, 0
    versions.list = function(self, script, given)
      looks = looks + 1
      if looks > 2 then return list(self, script, given) end
      local is_late = (given.filter ~= nil) == (late == "deployed")
      return { page = function(_, number)
        while is_late and not early do client._clock.sleep(0.005) end
        if is_late then deploy() end
        local page, problem = list(self, script, given):page(number)
        early = early or page
        return page, problem
      end }
    end
  end

  for _, late in ipairs { "deployed", "newest" } do
    it("goes by the later one: the " .. late .. " ones", function()
      local theirs, mine = draft "theirs", draft "mine"
      assert(mine:deploy_and_wait { interval = fast })
      server:advance(5)
      cross(late, function() assert(theirs:deploy_and_wait { interval = fast }) end)
      local done = assert(publish "mine")
      assert.same({ "published", mine.id, theirs.id }, { done.action, done.version.id, done.previous.id })
    end)
  end
end)
