-- Publishing when the service loses sight of a deployment; what is said then must be what is true.
local sandbox = require "patchworks.sandbox"

local server, client, versions
local fast = 0.02

local function open(options, client_options)
  server = assert(sandbox.start(options))
  client = server:client(client_options)
  versions = client.script_versions
end

after_each(function()
  client:close()
  server:close()
end)

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

local function make_live(word)
  local version = assert(versions:create(1, { content = source(word) }))
  assert(version:deploy())
  server:advance(3600)
  return assert(version:wait { interval = fast })
end

describe("a deployment that outlasts the wait", function()
  it("is told as unknown: not rolled back, and what is live now", function()
    open { deploy_seconds = 1000 }
    local before = make_live "one"
    local _, err = versions:publish(1, { content = source "two", interval = fast, timeout = 0.2 })
    assert.same({ "timeout", "deploy", "unknown", false }, { err.kind, err.stage, err.outcome, err.rolled_back })
    assert.equal(before.id, err.live.id)
    assert.equal(1, server:count "deploy" - 1) -- deploying the old one would only be overtaken
    server:advance(2000)
    assert(versions:wait(err.version.id, { interval = fast }))
    assert.equal("unchanged", assert(versions:publish(1, { content = source "two" })).action)
  end)

  it("is taken up by the next run", function()
    open { deploy_seconds = 1000 }
    make_live "one"
    local _, err = versions:publish(1, { content = source "two", interval = fast, timeout = 0.2 })
    local done = assert(versions:publish(1, { content = source "two", interval = fast, on_event = function(event)
      if event.step == "wait" then server:advance(2000) end
    end }))
    assert.same({ "published", err.version.id, 2 }, { done.action, done.version.id, server:count "create" })
    assert.equal(2, server:count "deploy")
  end)
end)

describe("looks that fail", function()
  it("don't end the wait once the version is known", function()
    open({ deploy_seconds = 0.3 }, { max_attempts = 1 })
    local version = assert(versions:create(1, { content = source "one" }))
    server:fail { operation = "get", how = "status", status = 503, every = 2, times = math.huge }
    assert.equal("Deployed", assert(version:deploy_and_wait { interval = fast }).status)
    assert.is_true(server:count "get" > 3)
  end)

  it("leave the outcome unknown when they last", function()
    open({ deploy_seconds = 1000 }, { max_attempts = 1 })
    local before = make_live "one"
    server:fail { operation = "get", how = "status", status = 503, times = math.huge }
    local _, err = versions:publish(1, { content = source "two", interval = fast, timeout = 0.2 })
    assert.same({ "timeout", "deploy", "unknown", false }, { err.kind, err.stage, err.outcome, err.rolled_back })
    assert.equal(before.id, err.live.id)
    assert.truthy(err.hint:find "503")
    assert.equal("server", select(2, versions:wait(before.id)).kind)
  end)

  it("leave it unknown too when nobody can say what is live", function()
    open({ deploy_seconds = 0 }, { max_attempts = 1 })
    make_live "one"
    local _, err = versions:publish(1, { content = "def (", interval = fast, on_event = function(event)
      if event.step == "deploy" then server:fail { operation = "list", how = "status", status = 503 } end
    end })
    assert.same({ "deployment_failed", "unknown", false }, { err.kind, err.outcome, err.rolled_back })
    assert.is_nil(err.live)
  end)
end)

describe("a refused deployment", function()
  it("leaves live what was, and says so", function()
    open { deploy_seconds = 0 }
    local before = make_live "one"
    server:fail { operation = "deploy", how = "status", status = 403 }
    local _, err = versions:publish(1, { content = source "two", interval = fast })
    assert.same({ "forbidden", "deploy", "none", true }, { err.kind, err.stage, err.outcome, err.rolled_back })
    assert.equal(before.id, err.live.id)
  end)

  it("of a script's first version leaves nothing live", function()
    open { deploy_seconds = 0 }
    local _, err = versions:publish(1, { content = "def (", interval = fast })
    assert.same({ "deployment_failed", "deploy", false }, { err.kind, err.stage, err.rolled_back })
    assert.is_nil(err.live)
  end)

  it("brings the old version back when that was deleted from under it", function()
    open { deploy_seconds = 0 }
    local before = make_live "one"
    local _, err = versions:publish(1, { content = "def (", interval = fast, on_event = function(event)
      if event.step == "deploy" then assert(before:delete()) end
    end })
    assert.same({ "deployment_failed", false, "not_found" }, { err.kind, err.rolled_back, err.rollback_error.kind })
  end)
end)

describe("a smoke test whose answer is lost", function()
  it("has failed: what was live is live again, and a command's exit code says so", function()
    open { deploy_seconds = 0 }
    local before = make_live "one"
    server:fail { operation = "invoke", how = "drop_after" }
    local _, err = versions:publish(1, { content = source "two", interval = fast, test = { payload = "x" } })
    assert.same({ "test_failed", "network", "test", true }, { err.kind, err.cause.kind, err.stage, err.rolled_back })
    assert.equal(before.id, err.live.id)
    assert.equal(3, require("patchworks.cli.codes").of(err))
  end)
end)

describe("prune", function()
  it("keeps what the service has un-deployed for want of use, and what was live before that", function()
    local data = os.tmpname()
    open { deploy_seconds = 0, data = data }
    server:populate { script = 1, versions = 5 }
    for id = 1, 3 do assert(versions:deploy_and_wait(id, { interval = fast })) end
    client:close()
    server:close()
    local change = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], 10)\n"
      .. "c.execute(\"UPDATE versions SET status = 'Inactive' WHERE status = 'Deployed'\"); c.commit()"
    assert(os.execute(("/usr/bin/python3 -c '%s' %s"):format(change:gsub("'", "'\\''"), data)))
    open { deploy_seconds = 0, data = data }
    local function numbers(list)
      local set = {}
      for i, version in ipairs(list) do set[i] = version.version end
      table.sort(set)
      return set
    end
    local function pruned(given)
      given.keep, given.dry_run = 1, true
      return numbers(assert(versions:prune(1, given)).would_delete)
    end
    assert.same({ 4 }, pruned { ever_deployed = true }) -- the others were in use lately
    server:advance(40 * 86400)
    assert(versions:create(1, { content = "later" })) -- the service's date is known by what it has
    assert.same({ 4, 5 }, pruned {}) -- what was ever live goes only when that is asked for
    assert.same({ 1, 4, 5 }, pruned { ever_deployed = true }) -- not 3, which was last, nor 2, which was before
    client:close()
    server:close()
    os.remove(data)
  end)

  it("tells of its steps and its requests", function()
    open { deploy_seconds = 0 }
    server:populate { script = 1, versions = 3 }
    local heard = {}
    assert(versions:prune(1, { keep = 2, on_event = function(event)
      local name = event.type == "step" and event.step or event.type == "attempt" and event.operation
      if name then heard[#heard + 1] = name end
    end }))
    assert.truthy(table.concat(heard, " "):find "list get delete delete")
  end)
end)

describe("a misspelt option", function()
  it("raises before anything is sent", function()
    open()
    local plan = assert(client:plan { scripts = { { id = 1, content = "x" } } })
    server:forget_requests()
    local calls = {
      function() versions:publish(1, { content = "x", interval = "1" }) end,
      function() versions:publish(1, { content = "x", test = { timeout = {} } }) end,
      function() versions:publish(1, { content = "x", test = "x" }) end,
      function() versions:deploy_and_wait(1, { timeout = -1 }) end,
      function() versions:rollback(1, { max_interval = "x" }) end,
      function() versions:rollback(1, { to = "v3" }) end,
      function() versions:rollback("../1") end,
      function() client:apply(plan, { timeout = "x" }) end,
    }
    for i, call in ipairs(calls) do
      local ok, message = pcall(call)
      assert.is_false(ok, "call " .. i)
      assert.truthy(message:find "^spec/release/publish_spec.lua:", message)
    end
    assert.equal(0, server:count())
  end)
end)
