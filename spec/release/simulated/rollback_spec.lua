-- Going back, on the simulated service: where to, what it says, and what it costs.
local simulated = require "spec.support.simulated"

local world

local function open(given) world = simulated(given) end

-- Three versions that were live, the last is.
local function open_three(more)
  local given = { contents = { "one", "two", "three" }, deployed = { 1, 2, 3 } }
  for name, value in pairs(more or {}) do given[name] = value end
  open(given)
end

local function id(version) return version and version.id end

local function at(day) return ("2026-01-%02dT00:00:00.000000Z"):format(day) end

describe("the version to go back to", function()
  local target = require("patchworks.release.rollback").target

  local function version(number, day, status)
    return { id = number, version = number, deployed_at = day and at(day), status = status or "Inactive" }
  end

  it("is of those older than the live one the one that was deployed last", function()
    local live = version(4, 4, "Deployed")
    assert.equal(1, target({ version(5, 9), live, version(3), version(2, 2), version(1, 3) }, live).version)
    assert.equal(2, target({ live, version(2, 3), version(1, 3) }, live).version)
  end)

  it("is none where nothing is live, or nothing older ever was", function()
    assert.is_nil(target({ version(1, 1) }, nil))
    local live = version(2, 4, "Deployed")
    assert.is_nil(target({ version(3, 3), live, version(1) }, live))
  end)
end)

describe("rollback", function()
  it("looks at all versions, deploys, and looks what is live", function()
    open_three()
    local steps, from, script = {}, nil, nil
    local done = assert(world.versions:rollback(1, { on_event = function(event)
      if event.type ~= "step" then return end
      steps[#steps + 1] = event.step
      from, script = event.from or from, event.script or script
      if event.step == "rollback" then assert.equal(2, event.version.version) end
    end }))
    assert.same({ "rolled back", 2, 3, 3, "1" }, { done.action, done.version.version, id(done.previous), id(from), script })
    assert.equal("look rollback", table.concat(steps, " "))
    assert.matches("^list deploy get .*get list$", world:sent())
    assert.is_nil(done.overwrote)
    assert.is_nil(done.under_way)
  end)

  it("goes to a version by its id, with the newest 100 read alone", function()
    local contents = {}
    for i = 1, 250 do contents[i] = "s" .. i end
    open { contents = contents, deployed = { 3, 250 }, scripts = { { id = 2, contents = { "other" } } } }
    assert.same({ "would roll back", 3, 250, 2 }, (function()
      local done = assert(world.versions:rollback(1, { to = 3, dry_run = true }))
      return { done.action, id(done.version), id(done.previous), world:count "list" }
    end)())
    world:forget()
    assert.equal(100, assert(world.versions:rollback(1, { to = "100", dry_run = true })).version.id)
    assert.equal("list list get", world:sent())
    world:forget()
    assert.equal(200, assert(world.versions:rollback(1, { to = 200, dry_run = true })).version.id)
    assert.equal("list list", world:sent())
    local _, err = world.versions:rollback(1, { to = 251 })
    assert.same({ "not_found", "script 1 has no version with the id 251" }, { err.kind, err.message })
    assert.equal("ids are not version numbers: `list` shows both", err.hint)
    _, err = world.versions:rollback(1, { to = 999 })
    assert.equal("script 1 has no version with the id 999", err.message)
    world:answer("get", nil, 403, { message = "no" })
    assert.equal("forbidden", select(2, world.versions:rollback(1, { to = 100 })).kind)
    assert.equal(0, world:count "deploy")
  end)

  it("has nothing to do where that is live, even with nothing to go back to", function()
    open { contents = { "one" }, deployed = { 1 } }
    local done = assert(world.versions:rollback(1, { to = 1 }))
    assert.same({ "unchanged", 1, 0 }, { done.action, id(done.version), world:count "deploy" })
  end)

  it("says what there is not", function()
    open { contents = { "one", "two" }, deployed = { 1 } }
    local _, err = world.versions:rollback(1)
    assert.same({ "not_found", "rollback" }, { err.kind, err.operation })
    assert.equal("script 1 has no earlier deployed version to go back to", err.message)
    assert.equal("a newer version than the live one is deployed by name, with `to`", err.hint)
    open { contents = { "one" } }
    assert.equal("nothing is live", select(2, world.versions:rollback(1)).hint)
    assert.equal("rolled back", assert(world.versions:rollback(1, { to = 1 })).action)
  end)

  it("gives the error of its look", function()
    open_three()
    world:answer("list", 1, 403, { message = "no" })
    assert.equal("forbidden", select(2, world.versions:rollback(1)).kind)
  end)

  it("refuses while something is under way", function()
    open_three()
    local theirs = world:begins "theirs"
    local _, err = world.versions:rollback(1)
    assert.same({ "conflict", theirs.id, 3, 0 }, { err.kind, id(err.under_way), id(err.live), world:count "deploy" })
    assert.matches("v4.* is under way: it would come live afterwards$", err.message)
    assert.equal("nothing was changed: `wait` for it, and roll back then; if it isn't being deployed (`deploying` says "
      .. "\"true\"), set `while_deploying`", err.hint)
  end)

  it("says what may come live where the answer to its deployment is lost", function()
    open_three { client = { max_attempts = 1 } }
    world:fault("deploy", 1, "lost before")
    local _, err = world.versions:rollback(1)
    assert.same({ "network", "unknown", "deploy", 2, 3, 2 },
      { err.kind, err.outcome, err.stage, id(err.version), id(err.live), id(err.may_come_live) })
    open_three()
    world:answer("deploy", 1, 409, { message = "no" })
    _, err = world.versions:rollback(1)
    assert.same({ "conflict", "none", "deploy", 2, 3 }, { err.kind, err.outcome, err.stage, id(err.version), id(err.live) })
    assert.is_nil(err.may_come_live)
  end)

  it("doesn't know what is live where the look afterwards fails", function()
    open_three()
    world:answer("list", 2, 403, { message = "no" })
    local _, err = world.versions:rollback(1)
    assert.same({ "forbidden", "unknown", 2 }, { err.kind, err.outcome, id(err.version) })
  end)

  it("tells whom it has overwritten, and what is on its way", function()
    open_three()
    local came, next_one
    world:before("deploy", 1, function() came = world:goes_live "theirs" end)
    world:before("list", 2, function() next_one = world:begins "later" end)
    local done = assert(world.versions:rollback(1))
    assert.same({ "rolled back", came.id, next_one.id }, { done.action, id(done.overwrote), id(done.under_way) })
  end)

  it("is a conflict where somebody else's came after it", function()
    open_three()
    local overwritten, came, next_one
    world:before("deploy", 1, function() overwritten = world:goes_live "theirs" end)
    world:before("list", 2, function()
      came = world:goes_live "after"
      next_one = world:begins "later"
    end)
    local _, err = world.versions:rollback(1)
    assert.same({ "conflict", true, 2, came.id, overwritten.id, next_one.id },
      { err.kind, err.overtaken, id(err.version), id(err.live), id(err.overwrote), id(err.under_way) })
    assert.matches("v2.* was deployed, and somebody else's came after it: .*v5.* is live$", err.message)
    assert.same({ "unknown", "it was deployed: look at what is live, then decide again" }, { err.outcome, err.hint })
  end)

  it("says that nothing is live where it was taken away", function()
    open_three { habits = { deployed_together = false } }
    world:before("list", 2, function() world:theirs("DELETE", "/script-versions/2") end)
    local _, err = world.versions:rollback(1)
    assert.same({ "conflict", 2 }, { err.kind, id(err.version) })
    assert.matches("nothing is live$", err.message)
  end)

  it("keeps to its time, and to that of its deployment", function()
    for _, given in ipairs { { timeout = 4 }, { deploy_timeout = 4 } } do
      open { contents = { "slow 1000", "two" }, deployed = { 1, 2 } }
      local _, err = world.versions:rollback(1, given)
      assert.same({ "timeout", "unknown", 1 }, { err.kind, err.outcome, id(err.may_come_live) })
      assert.is_true(world:seconds() > 3.5 and world:seconds() < 4.5, world:seconds())
    end
  end)

  it("keeps an account, which is over once nothing may come live", function()
    open_three()
    local kept = {}
    local function record(progress)
      kept[#kept + 1] = ("%s%s%s"):format(progress.step, progress.version and " v" .. progress.version.version or "",
        progress.finished and " finished" or "")
      assert.is_true(not progress.made)
    end
    assert(world.versions:rollback(1, { record = record }))
    assert.same({ "look", "rollback v2", "rollback v2 finished" }, kept)
    open { contents = { "slow 1000", "two" }, deployed = { 1, 2 } }
    kept = {}
    world.versions:rollback(1, { record = record, timeout = 4 })
    assert.same({ "look", "rollback v1" }, kept)
  end)

  it("checks what it is given before it sends anything", function()
    open_three()
    for _, given in ipairs { { to = "v1" }, { to = 1, tp = 2 }, { timeout = -1 } } do
      local ok, message = pcall(world.versions.rollback, world.versions, 1, given)
      assert.is_false(ok)
      assert.matches("rollback", message)
    end
    assert.matches("rollback: script id", tostring(select(2, pcall(world.versions.rollback, world.versions, "x"))))
    assert.equal("", world:sent())
  end)
end)
