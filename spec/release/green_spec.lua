-- Green means live and tested, and what is said of a release is what is, whoever else is at it.
local codes = require "patchworks.cli.codes"
local sandbox = require "patchworks.sandbox"

local server, client, versions
local fast = 0.02

local function open(options, client_options)
  server = assert(sandbox.start(options or { deploy_seconds = 0 }))
  client = server:client(client_options)
  versions = client.script_versions
end

after_each(function()
  client:close()
  server:close()
end)

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

-- A test starts an interpreter.
local function publish_untested(word, more)
  local given = { content = source(word), interval = fast }
  for name, value in pairs(more or {}) do given[name] = value end
  return versions:publish(1, given)
end

-- What is live before a spec begins.
local function make_live(word) return assert(publish_untested(word)) end

local function publish(word, more)
  local given = { test = { payload = "x", expect = word } }
  for name, value in pairs(more or {}) do given[name] = value end
  return publish_untested(word, given)
end

local function failing(word, more)
  more = more or {}
  more.test = { payload = "x", expect = "something else" }
  return publish(word, more)
end

-- Somebody else makes a version, and makes it live.
local function theirs(word)
  local version = assert(versions:create(1, { content = source(word or "theirs") }))
  return assert(version:deploy_and_wait { interval = fast })
end

describe("a test that fails", function()
  it("fails again when the content is live already: never unchanged", function()
    open()
    for run = 1, 2 do
      local result, err = failing "one"
      assert.is_nil(result)
      assert.same({ "test_failed", "test", false, 1 }, { err.kind, err.stage, err.rolled_back, err.live.id })
      assert.same({ 4, run }, { codes.of(err), server:count "invoke" })
    end
    assert.same({ 1, 1 }, { server:count "create", server:count "deploy" })
    assert.equal("unchanged", assert(publish "one").action)
  end)

  it("says that it was deployed where it stays live, and that nothing was done where it is taken back", function()
    open()
    assert.equal("unknown", select(2, failing "one").outcome) -- nothing was live before
    local _, err = failing("two", { rollback = false })
    assert.same({ "test_failed", "unknown", 2 }, { err.kind, err.outcome, err.live.id })
    assert.matches("[it was deployed] (look at what is live", tostring(err), 1, true)
    assert.equal("none", select(2, failing "three").outcome)
  end)

  it("makes no more versions of the same content, however often it is run", function()
    open()
    make_live "one"
    for _ = 1, 2 do assert.is_true(select(2, failing "two").rolled_back) end
    assert.equal(2, make_live("two").version.version)
    assert.equal(2, server:count "create")
  end)

  it("shows the difference, the script's own error, and what was logged meanwhile", function()
    open()
    local content = "def handle(data):\n  print('halfway with', data['payload'])\n  if data['payload'] is None: raise ValueError('no such order')\n"
      .. "  return {'payload': data['payload']}\n"
    local _, err = publish("x", { content = content, test = { payload = '{"a": [1, 2], "b": 3}', expect = '{"b": 3, "a": [1, 7]}' } })
    assert.matches("the test failed: payload.a[2]: expected 7, got 2", err.message, 1, true)
    assert.matches("^payload%.a%[2%]: expected 7, got 2\n%-%-%- expected\n%+%+%+ came\n.*\n%-    7\n%+    2\n", err.difference)
    _, err = publish("x", { content = content, test = {} })
    assert.matches("the test failed: .*no such order", err.message)
    assert.matches("no such order", err.cause.message)
    local messages = {}
    for i, entry in ipairs(err.logs) do messages[i] = entry.message end
    assert.matches("halfway with None", table.concat(messages, "\n"))
  end)

  it("compares as it is told: see expected_spec.lua", function()
    open()
    local content = "def handle(data): return {'payload': data['payload']}"
    assert(versions:publish(1, { content = content, interval = fast, test = { payload = '{"a": 1.0}', expect = { a = 1 } } }))
    local _, err = versions:publish(1, { content = content, test = { payload = '{"a": 1.0}', expect = '{"a":1}', compare = "bytes" } })
    assert.equal("test_failed", err.kind)
  end)

  it("compares a payload that is no text as it was returned", function()
    open()
    local _, err = versions:publish(1, { content = "def handle(data): return {'payload': {'a': None, 'n': 9007199254740993}}",
      interval = fast, test = { expect = '{"n":9007199254740992}' } })
    assert.matches("payload.n: expected 9007199254740992, got 9007199254740993", err.difference, 1, true)
    assert.matches("payload.a: expected nothing, got null", err.difference, 1, true)
  end)

  it("refuses at once to expect what no payload can be", function()
    open()
    for _, test in ipairs { { expect = { 1, nil, 3 } }, { expect = { n = 0 / 0 } }, { expect = "{", compare = "json" } } do
      local ok, message = pcall(versions.publish, versions, 1, { content = "x", test = test })
      assert.is_false(ok)
      assert.matches("publish: test: expect: ", message)
    end
    assert.equal(0, #server:requests())
  end)

  it("shows the difference that a function tells", function()
    open()
    local _, err = publish("one", { test = { expect = function(_, response)
      return false, "not so", "line 1\nline 2: " .. response.body
    end } })
    assert.same({ "the test failed: not so", 'line 1\nline 2: {"payload": "one"}' }, { err.message, err.difference })
  end)
end)

describe("what somebody else has begun to deploy", function()
  it("is waited for, so that it doesn't come live over what was published", function()
    open { deploy_seconds = 1000 }
    local other = assert(versions:create(1, { content = source "theirs" }))
    assert(other:deploy())
    local steps = {}
    local done = assert(publish("mine", { on_event = function(event)
      if event.step == "wait" or event.operation == "deploy" then server:advance(2000) end
      if event.type == "step" then steps[#steps + 1] = event.step end
    end }))
    assert.same({ "published", 2, other.id }, { done.action, done.version.id, done.previous.id })
    assert.same({ "look", "wait", "create", "deploy", "test" }, steps)
  end)

  it("is a conflict when it doesn't end, and nothing is made", function()
    open { deploy_seconds = 1000 }
    local other = assert(versions:create(1, { content = source "theirs" }))
    assert(other:deploy())
    local _, err = publish("mine", { deploy_timeout = 0.1 })
    assert.same({ "conflict", "none", other.id }, { err.kind, err.outcome, err.under_way.id })
    assert.same({ 1, 1 }, { server:count "create", server:count "deploy" })
  end)

  it("is left alone by the way back", function()
    open { deploy_seconds = 0 }
    make_live "one"
    local other
    local _, err = publish("mine", { test = { expect = function()
      server:fail { operation = "get", how = "slow", seconds = 0 }
      other = assert(versions:create(1, { content = source "theirs" }))
      assert(other:deploy())
      assert(other:wait { interval = fast })
      return false
    end } })
    assert.same({ "test", false, other.id }, { err.stage, err.rolled_back, err.live.id })
  end)

  it("is told when it was overwritten between our last look and our request", function()
    open()
    make_live "one"
    local other
    local done = assert(publish_untested("mine", { record = function(progress)
      if progress.step == "deploy" and not other then other = theirs() end
    end }))
    assert.same({ "published", 1, other.id }, { done.action, done.previous.id, done.overwrote.id })
  end)

  it("is told when it came after ours", function()
    open()
    make_live "one"
    local other
    local result, err = publish_untested("mine", { on_event = function(event)
      if event.operation == "get" and not other then other = theirs() end
    end })
    assert.is_nil(result)
    assert.same({ "conflict", true, "unknown", other.id, 2 },
      { err.kind, err.overtaken, err.outcome, err.live.id, err.version.id })
  end)
end)

describe("a publish that goes on from an earlier run", function()
  it("waits for that run's way back, and publishes again", function()
    open { deploy_seconds = 1000 }
    for id, word in ipairs { "one", "two" } do
      assert(versions:create(1, { content = source(word) }))
      assert(versions:deploy(id))
      server:advance(2000)
      assert(versions:wait(id, { interval = fast }))
    end
    assert(versions:deploy(1)) -- and here it was killed
    local done = assert(publish_untested("two", { on_event = function(event)
      if event.step == "wait" or event.operation == "deploy" then server:advance(2000) end
    end }))
    assert.same({ "published", 2, 1 }, { done.action, done.version.id, done.previous.id })
    assert.equal(2, server:count "create")
  end)

  it("names the draft that was made when the look after that fails", function()
    open({ deploy_seconds = 0 }, { max_attempts = 1 })
    make_live "one"
    local _, err = publish("two", { record = function(progress)
      if progress.creating then server:fail { operation = "list", how = "status", status = 503, times = 2 } end
    end })
    assert.same({ "server", 2 }, { err.kind, err.version.id })
    assert.same({ "published", 2 }, { make_live("two").action, server:count "create" })
  end)
end)

describe("a deployment that is lost from sight", function()
  local function lost(deploys, expect)
    open { deploy_seconds = 1000 }
    assert(versions:create(1, { content = source "one" }))
    assert(versions:deploy(1))
    server:advance(2000)
    assert(versions:wait(1, { interval = fast }))
    local count = 0
    return publish("two", { deploy_timeout = 1, test = { expect = expect }, on_event = function(event)
      if event.operation ~= "deploy" or event.type ~= "attempt" then return end
      count = count + 1
      if count > deploys then return end
      server:advance(2000)
      assert(versions:wait(2, { interval = fast })) -- what a deployment runs takes the time that it takes
    end })
  end

  it("is told as one that may still come live, and nothing is undone", function()
    local _, err = lost(0, "two")
    assert.same({ "timeout", "deploy", "unknown", 2, 1 },
      { err.kind, err.stage, err.outcome, err.may_come_live.id, err.live.id })
    assert.equal(2, server:count "deploy")
  end)

  it("so is the way back", function()
    local _, err = lost(1, "other")
    assert.same({ "test_failed", false, "unknown", 1 },
      { err.kind, err.rolled_back, err.rollback_error.outcome, err.may_come_live.id })
    server:advance(2000)
    assert.equal(1, assert(versions:rollback(1, { to = 1, dry_run = true })).version.id)
  end)
end)

describe("a dry run", function()
  it("names what would be made or taken up, and holds no source", function()
    open()
    make_live "one"
    local would = assert(publish("two", { dry_run = true }))
    assert.same({ "would publish", true, 2, 1 }, { would.action, would.made, would.version.version, would.previous.id })
    local draft = assert(versions:create(1, { content = source "two" }))
    would = assert(publish("two", { dry_run = true }))
    assert.same({ false, draft.id }, { would.made, would.version.id })
    assert.is_nil(would.version.content or would.previous.content)
    assert.equal("unchanged", assert(publish("one", { dry_run = true })).action)
    assert.same({ 2, 1, 0 }, { server:count "create", server:count "deploy", server:count "invoke" })
  end)
end)

describe("the critical path", function()
  -- How many times something is asked while nothing is: what is asked at once counts once.
  local function rounds()
    local under_way, count = 0, 0
    local function begins()
      if under_way == 0 then count = count + 1 end
      under_way = under_way + 1
    end
    local function ends(...)
      under_way = under_way - 1
      return ...
    end
    client._perform = function(...)
      begins()
      return ends(getmetatable(client).__index._perform(...))
    end
    client._begin = function(...)
      begins()
      local pending = getmetatable(client).__index._begin(...)
      return setmetatable({ wait = function() return ends(pending:wait()) end }, { __index = pending })
    end
    return function()
      client._perform, client._begin = nil, nil
      return count
    end
  end

  it("asks at once what can be asked at once: docs/releases.md has the table", function()
    open()
    make_live "one"
    for _, case in ipairs {
      { "unchanged", "one", 3, 2 },
      { "published", "two", 7, 4 },
    } do
      server:forget_requests()
      local stop = rounds()
      assert.equal(case[1], assert(publish(case[2])).action)
      local looks = server:count "get"
      assert.same({ case[3], case[4] }, { server:count() - looks, stop() - looks })
    end
  end)
end)

describe("answers of the wrong shape", function()
  it("are no version when they hold an empty list", function()
    open()
    make_live "one"
    for operation, call in pairs {
      get = function() return versions:get(1) end,
      create = function() return versions:create(1, { content = "x" }) end,
    } do
      server:fail { operation = operation, how = "status", status = 200, body = '{"data":[]}' }
      local version, err = call()
      assert.is_nil(version)
      assert.same({ "protocol", operation == "get" and "none" or "unknown" }, { err.kind, err.outcome })
    end
  end)

  it("are protocol errors, whoever asked", function()
    open()
    make_live "one"
    local meta = '"meta":{"current_page":1,"last_page":1,"total":2}'
    for _, items in ipairs { "[1,null]", "[{}]", '[{"id":"x"}]', '[{"version":3,"status":"Deployed"}]' } do
      local body = ('{"data":%s,%s}'):format(items, meta)
      local calls = {
        function() return publish "two" end,
        function() return versions:rollback(1) end,
        function() return versions:prune(1, { keep = 1 }) end,
        function() return client:plan { scripts = { { id = 1, content = "x" } } } end,
      }
      for i, call in ipairs(calls) do
        server:fail { operation = "list", how = "status", status = 200, body = body, times = 3 }
        local ok, value, err = pcall(call)
        assert.is_true(ok, tostring(value))
        assert.is_nil(value)
        assert.equal("protocol", err.kind, i .. " " .. body)
        server:clear_faults()
      end
    end
  end)
end)
