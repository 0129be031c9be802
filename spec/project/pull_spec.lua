-- From the account into the folder and back: pull, status, diff, history, publish and rollback, with two people's folders.
local history = require "patchworks.project.history"
local live = require "patchworks.project.live"
local publish = require "patchworks.project.publish"
local pull = require "patchworks.project.pull"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local state = require "patchworks.project.state"

local server, client, folders

local function place_of(name, client_of)
  local root = folders .. "/" .. name
  scratch.make(root)
  return {
    root = root, name = "orders", file = "orders.py", path = root .. "/orders.py", id = "1", origin = server.url,
    versions = (client_of or client).script_versions,
  }
end

local function write(place, text)
  local file <close> = assert(io.open(place.path, "wb"))
  file:write(text)
end

local function read(place)
  local file = io.open(place.path, "rb")
  local text = file and file:read "a"
  if file then file:close() end
  return text
end

local function source(word) return ("def handle(data):\n    return {'payload': %q}\n"):format(word) end

local function put(place, given)
  given = given or {}
  given.interval = 0.02
  return publish.publish(place, given)
end

local function state_of(place) return assert(pull.status(place)).state end

local anna, ben

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client()
  folders = os.tmpname()
  os.remove(folders)
  anna, ben = place_of "anna", place_of "ben"
end)
after_each(function()
  client:close()
  server:close()
  scratch.remove(folders)
end)

describe("a project's folder", function()
  it("is published, pulled elsewhere, and known to be the same", function()
    assert.equal("nothing", state_of(anna))
    write(anna, source "one")
    assert.equal("new", state_of(anna))
    assert.equal("published", assert(put(anna)).action)
    assert.same({ "same", "missing" }, { state_of(anna), state_of(ben) })
    assert.equal("pulled", assert(pull.pull(ben)).action)
    assert.equal(source("one"), read(ben))
    assert.same({ "unchanged", "unchanged" }, { assert(pull.pull(ben)).action, assert(put(ben)).action })
  end)

  it("refuses to publish over somebody else's version, unless it is named", function()
    write(anna, source "one")
    assert(put(anna))
    assert(pull.pull(ben))
    write(ben, source "ben's")
    assert(put(ben))
    assert.equal("behind", state_of(anna))
    write(anna, source "anna's")
    assert.equal("both", state_of(anna))
    local result, problem = put(anna)
    assert.is_nil(result)
    assert.same({ "conflict", "none", 2 }, { problem.kind, problem.outcome, problem.live.id })
    assert.truthy(tostring(problem):find "version 1 was the last" and tostring(problem):find "--over 2")
    assert.equal("conflict", select(2, put(anna, { over = 1 })).kind)
    assert.equal(2, server:count "create")
    assert.equal("published", assert(put(anna, { over = 2 })).action)
    assert.same({ "same", "behind" }, { state_of(anna), state_of(ben) })
    local did = live.entry(anna).did
    assert.same({ "published", "overwrote" }, { did[1].what, did[2].what })
  end)

  it("publishes where nothing is remembered, as in a fresh checkout", function()
    write(anna, source "one")
    assert(put(anna))
    write(ben, source "two")
    assert.equal("unknown", state_of(ben))
    assert.equal("published", assert(put(ben)).action)
  end)

  it("pulls what others did, but nothing over what was changed here: it shows both", function()
    write(anna, source "one")
    assert(put(anna))
    assert(pull.pull(ben))
    write(ben, source "two")
    assert.equal("changed", state_of(ben))
    assert.equal("kept", assert(pull.pull(ben)).action)
    assert(put(ben))
    assert.equal("pulled", assert(pull.pull(anna)).action)
    assert.equal(source("two"), read(anna))
    write(ben, source "three")
    assert(put(ben))
    write(anna, source "mine")
    local result, problem = pull.pull(anna)
    assert.is_nil(result)
    assert.equal("conflict", problem.kind)
    assert.truthy(problem.ours:find '+    return {\'payload\': "mine"}', 1, true)
    assert.truthy(problem.theirs:find '+    return {\'payload\': "three"}', 1, true)
    assert.equal(source("mine"), read(anna))
    result = assert(pull.pull(anna, { theirs = true }))
    assert.equal(source("three"), read(anna))
    local kept <close> = assert(io.open(result.replaced, "rb"))
    assert.equal(source("mine"), kept:read "a")
    assert.equal("same", state_of(anna))
  end)

  it("does not pull over a file of which nothing is known", function()
    write(anna, source "one")
    assert(put(anna))
    write(ben, source "older than anybody knows")
    local _, problem = pull.pull(ben)
    assert.same({ "conflict", nil }, { problem.kind, problem.ours })
    assert.truthy(problem.theirs:find "older than" and tostring(problem):find "not known which version")
  end)

  it("knows its own rollback from somebody else's", function()
    write(anna, source "one")
    assert(put(anna))
    write(anna, source "two")
    assert(put(anna))
    assert(pull.pull(ben))
    assert.equal(1, assert(publish.rollback(anna, { interval = 0.02 })).version.id)
    assert.same({ "changed", "behind" }, { state_of(anna), state_of(ben) })
    write(ben, source "three")
    assert.equal("conflict", select(2, put(ben)).kind)
    write(anna, source "three")
    assert(put(anna))
    assert.equal("conflict", select(2, publish.rollback(ben, { interval = 0.02 })).kind)
    assert.equal(3, assert(pull.status(ben)).live.id)
  end)

  it("takes what was cut off on the way for its own when it comes live, and forgets it when it surely failed", function()
    write(anna, source "one")
    assert(put(anna))
    write(anna, source "two")
    server:fail { operation = "deploy", how = "drop_after", times = 4 }
    local result, problem = put(anna, { timeout = 0.5 })
    if not result then assert.equal("unknown", problem.outcome) end
    server:clear_faults()
    assert.equal("same", state_of(anna))
    write(anna, source "three")
    assert.equal("published", assert(put(anna)).action)
    write(anna, "def (")
    assert.equal("deployment_failed", select(2, put(anna)).kind)
    assert.is_nil(live.entry(anna).pending)
    local status = assert(pull.status(anna))
    assert.equal("changed", status.state)
    assert.truthy(status.failure.reason:find "SyntaxError")
    write(anna, source "four")
    assert.equal("published", assert(put(anna)).action)
    assert.is_nil(assert(pull.status(anna)).failure)
  end)

  it("asks the service about what it remembers, whatever that says", function()
    write(anna, source "one")
    assert(put(anna))
    assert(client.script_versions:create(2, { content = source "another script's" }))
    write(ben, source "another script's")
    assert(state.note(ben.root, ben.origin, ben.id, { from = 2 }))
    assert.equal("both", state_of(ben))
    assert(state.note(ben.root, ben.origin, ben.id, { from = 999 }))
    assert.equal("both", state_of(ben))
    assert.equal("conflict", select(2, put(ben)).kind)
    assert.equal("conflict", select(2, pull.pull(ben)).kind)
  end)

  it("shows what publishing would change, and what changed between two versions", function()
    write(anna, source "one")
    local _, added, removed = pull.diff(anna)
    assert.same({ 2, 0 }, { added, removed })
    assert(put(anna))
    assert.equal("", (pull.diff(anna)))
    write(anna, source "two")
    local text
    text, added, removed = pull.diff(anna)
    assert.same({ 1, 1 }, { added, removed })
    assert.truthy(text:find "^%-%-%- version 1 %(v1%) %(live%)\n%+%+%+ orders%.py\n")
    assert(put(anna))
    text = pull.between(client.script_versions, 2, 1)
    assert.truthy(text:find '-    return {\'payload\': "two"}', 1, true)
    assert.equal("not_found", select(2, pull.between(client.script_versions, 2, 99)).kind)
  end)

  it("has a history of versions, failures and what was done from here", function()
    write(anna, source "one")
    assert(put(anna))
    write(anna, "def (")
    put(anna)
    write(anna, source "two")
    assert(put(anna))
    assert(client.script_versions:invoke(3, {}))
    assert(publish.rollback(anna, { interval = 0.02 }))
    local seen, here = {}, {}
    local last = 0
    for _, event in ipairs(assert(history.read(anna))) do
      if event.here then
        here[#here + 1] = event.what .. " " .. event.version.id
      else
        seen[event.what .. " " .. event.version.id] = event.detail or true
      end
      assert.is_true(math.floor(event.at) >= last)
      last = math.floor(event.at)
    end
    assert.same({ "published 1", "failed 2", "published 3", "rolled back 1" }, here)
    assert.truthy(seen["created 1"] and seen["deployed 3"] and seen["last invoked 3"] and seen["failed 2"]:find "SyntaxError")
  end)

  it("keeps the sources of what is pruned", function()
    for i = 1, 3 do assert(client.script_versions:create(1, { content = source("number " .. i) })) end
    write(anna, source "number 4")
    assert(put(anna, { keep = 1 }))
    local kept = {}
    for name in io.popen("ls " .. anna.root .. "/.patchworks/pruned 2>/dev/null"):lines() do kept[#kept + 1] = name end
    assert.equal(3, #kept)
    local number = kept[1]:match "^orders%-v(%d+)%-%d+%.py$"
    local file <close> = assert(io.open(anna.root .. "/.patchworks/pruned/" .. kept[1], "rb"))
    assert.equal(source("number " .. number), file:read "a")
  end)

  it("says which file can't be read or written, and changes nothing then", function()
    local _, problem = put(anna)
    assert.same({ "file", 0 }, { problem.kind, server:count "create" })
    write(anna, source "one")
    assert(put(anna))
    scratch.make(ben.path)
    assert.equal("file", select(2, pull.pull(ben)).kind)
    local folder = folders .. "/anna/.patchworks/state.json"
    local file = assert(io.open(folder, "w"))
    file:write "{"
    file:close()
    write(anna, source "two")
    assert.equal("file", select(2, put(anna)).kind)
    assert.equal(1, server:count "create")
  end)
end)
