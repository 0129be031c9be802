-- A run of one's own that is killed is no somebody else's: what it had begun, and what was live then, is known.
local live = require "patchworks.project.live"
local lua = require "spec.support.lua"
local publish = require "patchworks.project.publish"
local pull = require "patchworks.project.pull"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local state = require "patchworks.project.state"

local server, client, place

local function write(name, text)
  local path = place.root .. "/" .. name
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
  return path
end

local function source(word) return ("def handle(data):\n    return {'payload': %q}\n"):format(word) end

local function put(word, given)
  if word then write("orders.py", source(word)) end
  given = given or {}
  given.interval = 0.02
  return publish.publish(place, given)
end

-- What nobody here knows of: as from the dashboard.
local function elsewhere(word)
  local versions = client.script_versions
  local version = assert(versions:create(1, { content = source(word) }))
  return assert(versions:deploy_and_wait(version.id, { interval = 0.02 })).id
end

-- Has another process do it, which is killed when it is about to begin a step.
local function killed(method, step, test)
  local code = ([[
    local client = require("patchworks").new { base_url = %q, api_key = %q }
    local root = %q
    require("patchworks.project.publish").%s({
      root = root, name = "orders", file = "orders.py", path = root .. "/orders.py", id = "1", origin = %q,
      versions = client.script_versions,
    }, { interval = 0.02, test = %s, on_event = function(event)
      if event.step == %q then require("luv").kill(require("luv").os_getpid(), "sigkill") end
    end })
    os.exit(0)
  ]]):format(server.url, server.key, place.root, method, server.url, test or "nil", step)
  assert.is_nil((os.execute(("%s %s 2>/dev/null"):format(lua, write("killed.lua", code)))))
end

local function begin(given)
  server = assert(sandbox.start(given))
  client = server:client()
  local root = scratch.folder()
  place = {
    root = root, name = "orders", file = "orders.py", path = root .. "/orders.py", id = "1", origin = server.url,
    versions = client.script_versions,
  }
end

before_each(function() begin { deploy_seconds = 0 } end)
after_each(function()
  client:close()
  server:close()
  scratch.remove(place.root)
end)

describe("a run of this folder that was cut off", function()
  it("may have rolled back", function()
    assert(put "one")
    assert(put "two")
    killed("rollback", "rollback")
    assert(client.script_versions:deploy_and_wait(1, { interval = 0.02 }))
    assert.equal("changed", assert(pull.status(place)).state)
    assert.equal("published", assert(put "three").action)
    assert.same({ nil, nil, 3 }, { live.entry(place).pending, live.entry(place).known, live.entry(place).live })
  end)

  it("may have come to nothing, in a fresh checkout", function()
    elsewhere "theirs"
    write("orders.py", source "mine")
    killed("publish", "deploy")
    assert.equal("published", assert(put()).action)
  end)

  it("may come back while the next one waits", function()
    client:close()
    server:close()
    scratch.remove(place.root)
    begin { deploy_seconds = 0.3 }
    assert(put "one")
    write("orders.py", source "two")
    killed("publish", "rollback", "{ expect = 'something else' }")
    assert(client.script_versions:deploy(1))
    assert.equal("published", assert(put "three").action)
  end)

  it("is still told from somebody else's", function()
    assert(put "one")
    write("orders.py", source "two")
    killed("publish", "deploy")
    local id = elsewhere "theirs"
    local _, problem = put "three"
    assert.same({ "conflict", id }, { problem.kind, problem.live.id })
  end)
end)

it("what a failed run went back to is known afterwards, in a fresh checkout too", function()
  local id = elsewhere "theirs"
  local _, problem = put("two", { test = { expect = "something else" } })
  assert.same({ "test_failed", true }, { problem.kind, problem.rolled_back })
  local entry = live.entry(place)
  assert.same({ id, nil, nil }, { entry.live, entry.pending, entry.known })
end)

it("another source is ours when it is published in the place of the file's", function()
  assert(put "one")
  assert.equal("published", assert(put(nil, { content = source "from elsewhere" })).action)
  assert.equal("changed", assert(pull.status(place)).state)
  assert.equal("published", assert(put "two").action)
end)

-- As a full disk does it: what is to be remembered next can't be.
local function fill()
  scratch.remove(place.root .. "/.patchworks/lock")
  scratch.make(place.root .. "/.patchworks/lock")
end

it("nothing is sent when what is begun can't be remembered", function()
  assert(put "one")
  assert(put "two")
  fill()
  for _, act in ipairs { function() return put "three" end, function() return publish.rollback(place) end } do
    local created, deployed = server:count "create", server:count "deploy"
    local _, problem = act()
    assert.equal("file", problem.kind)
    assert.same({ created, deployed }, { server:count "create", server:count "deploy" })
  end
end)

describe("a folder that can't be written to any more", function()
  -- In the middle of a run.
  local function at(step)
    return function(event)
      if event.step == step then fill() end
    end
  end

  it("keeps a version that was made from being deployed, and the error says so", function()
    assert(put "one")
    local _, problem = put("two", { on_event = at "create" })
    assert.same({ "file", "publish", "none", "deploy", true, 2, 1 }, { problem.kind, problem.operation, problem.outcome, problem.stage,
      problem.rolled_back, problem.version.id, problem.live.id })
    assert.truthy(problem.message:find("script version 2 (script 1, v2, Draft) was not deployed: ", 1, true), problem.message)
    assert.is_nil(tostring(problem):find "nothing was changed")
    assert.truthy(problem.state_error.message:find(".patchworks/lock", 1, true))
    assert.same({ 2, 1 }, { server:count "create", server:count "deploy" })
    scratch.remove(place.root .. "/.patchworks/lock")
    assert.equal(2, assert(put()).version.id) -- what was made is taken up
  end)

  it("keeps a rollback from being begun", function()
    assert(put "one")
    assert(put "two")
    local _, problem = publish.rollback(place, { on_event = at "look" })
    assert.same({ "file", "rollback", "none", 1, 2 }, { problem.kind, problem.operation, problem.outcome, problem.version.id, problem.live.id })
    assert.equal(2, server:count "deploy")
  end)

  it("keeps no failed test from being taken back", function()
    assert(put "one")
    local begun = {}
    local _, problem = put("two", { on_event = at "test", test = { expect = "something else" }, record = function(account)
      for _, version in ipairs(account.pending) do begun[#begun + 1] = version.id end
    end })
    assert.same({ "test_failed", true, 1 }, { problem.kind, problem.rolled_back, problem.live.id })
    assert.same({ 2, 1 }, begun) -- the caller's own `record` is told all the same
    assert.equal("file", problem.state_error.kind)
  end)

  it("is told beside what was done", function()
    assert(put "one")
    local done = assert(put("two", { on_event = at "deploy" }))
    assert.same({ "published", 2, "file" }, { done.action, done.version.id, done.state_error.kind })
  end)
end)

it("the sandbox is one service, whatever its port", function()
  assert.equal("sandbox", state.place { name = "sandbox", origin = "http://127.0.0.1:1234" })
  assert.equal("https://x.example", state.place { name = "production", origin = "https://x.example" })
end)
