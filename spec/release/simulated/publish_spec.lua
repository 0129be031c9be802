-- Publishing on the simulated service: what each turn says, costs and leaves behind, to the request.
local simulated = require "spec.support.simulated"

local world

local function open(given) world = simulated(given) end

-- Script 1 with "one" live; a test passes for a source that is not "wrong".
local function publish(content, more)
  local given = { content = content }
  for name, value in pairs(more or {}) do given[name] = value end
  return world.versions:publish(1, given)
end

local function test_of(content) return { payload = "x", expect = "ran " .. content } end

local failing = { payload = "x", expect = "something else" }

local function id(version) return version and version.id end

describe("publish", function()
  it("looks, creates while it looks again, deploys, and tests while it looks what is live", function()
    open { contents = { "one" }, deployed = { 1 } }
    local steps, from = {}, nil
    local done = assert(publish("two", { test = test_of "two", on_event = function(event)
      if event.type ~= "step" then return end
      steps[#steps + 1] = event.step
      if event.step == "look" then assert.equal("1", event.script) end
      if event.step == "create" or event.step == "test" then assert.equal(2, event.version.version) end
      if event.step == "deploy" then from = event.from.version end
    end }))
    assert.equal("look create deploy test", table.concat(steps, " "))
    assert.equal("list list create list deploy get get get get get get list invoke", world:sent())
    assert.same({ "published", 2, 1, 1 }, { done.action, done.version.version, done.previous.version, from })
    assert.same({}, { done.overwrote, done.under_way, done.pruned, done.prune_error })
  end)

  it("has nothing to do but the test where the content is live", function()
    open { contents = { "one" }, deployed = { 1 } }
    local heard = 0
    local done = assert(publish("one", { test = test_of "one", on_event = function(event)
      if event.step == "test" and event.version.version == 1 then heard = heard + 1 end
    end }))
    assert.same({ "unchanged", 1, 1 }, { done.action, done.version.version, heard })
    assert.is_nil(done.previous)
    assert.equal("list list invoke", world:sent())
    world:forget()
    assert.equal("unchanged", assert(publish("one", { test = failing, dry_run = true })).action)
    assert.equal("list list", world:sent())
  end)

  it("says what is live when the test of what was live already fails, and goes nowhere", function()
    open { contents = { "zero", "one" }, deployed = { 1, 2 } }
    local done, err = publish("one", { test = failing })
    assert.is_nil(done)
    assert.same({ "test_failed", "publish", "test", false, 2, 2 },
      { err.kind, err.operation, err.stage, err.rolled_back, err.version.version, err.live.version })
    assert.equal(0, world:count "deploy")
  end)

  it("takes up what an earlier run has made", function()
    open { contents = { "one", "two" }, deployed = { 1 } }
    local reused
    local done = assert(publish("two", { on_event = function(event)
      if event.step == "reuse" then reused = event.version.version end
    end }))
    assert.same({ "published", 2, 2, 0 }, { done.action, done.version.version, reused, world:count "create" })
  end)

  it("says what it would publish: the next number of the script, or what is there", function()
    open { contents = { "one", "two" }, deployed = { 1 } }
    local done = assert(publish("three", { dry_run = true }))
    assert.same({ "would publish", true, 1, 3, 1, "Draft" },
      { done.action, done.made, id(done.previous), done.version.version, done.version.script_id, done.version.status })
    assert.matches("v3", tostring(done.version))
    done = assert(publish("two", { dry_run = true }))
    assert.same({ "would publish", false, 2 }, { done.action, done.made, done.version.version })
    assert.equal(0, world:count "create" + world:count "deploy")
    open {}
    done = assert(publish("first", { dry_run = true }))
    assert.same({ 1, true }, { done.version.version, done.previous == nil })
  end)

  it("gives the error of a look, of the sources and of the create", function()
    for _, case in ipairs { { "list", 1, "list" }, { "get", 1, "list list get" }, { "create", 1, "list list get create list" } } do
      open { contents = { "one", "two" }, deployed = { 1 } }
      world:answer(case[1], case[2], 403, { message = "no" })
      local done, err = publish "three"
      assert.is_nil(done)
      assert.same({ "forbidden", 0 }, { err.kind, world:count "deploy" })
      assert.equal(case[3], world:sent():sub(1, #case[3]))
    end
  end)
end)

describe("publish, when somebody else is at it", function()
  it("waits for what is under way, and then replaces it", function()
    open { contents = { "one" }, deployed = { 1 } }
    local before, waited = world:begins "theirs", nil
    local done = assert(publish("mine", { on_event = function(event)
      if event.step == "wait" then waited = event.version.id end
    end }))
    assert.same({ "published", before.id, before.id }, { done.action, id(done.previous), waited })
    assert.is_true(world:seconds() > 4)
  end)

  it("doesn't wait where the caller says that it isn't", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:begins "slow 1000"
    assert.equal(3, assert(publish("mine", { while_deploying = true })).version.version)
    assert.is_true(world:seconds() < 10)
  end)

  it("waits though little is left of deploy_timeout", function()
    open { contents = { "one" }, deployed = { 1 }, build_seconds = 0.5 }
    local before = world:begins "theirs"
    world.service.build_seconds = 0.1
    local done = assert(publish("mine", { deploy_timeout = 0.95 }))
    assert.same({ "published", before.id }, { done.action, id(done.previous) })
  end)

  it("goes on when what it has waited for has failed, or is gone", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:begins "theirs breaks"
    assert.equal(3, assert(publish "mine").version.version)
    open { contents = { "one" }, deployed = { 1 } }
    local before = world:begins "theirs"
    world:before("get", 2, function() world:theirs("DELETE", "/script-versions/" .. math.tointeger(before.id)) end)
    assert.equal(3, assert(publish "mine").version.version)
  end)

  it("calls it published when what it has waited for is the content", function()
    open { contents = { "one" }, deployed = { 1 } }
    local before = world:begins "mine"
    local done = assert(publish "mine")
    assert.same({ "published", before.id, 1, 0 }, { done.action, id(done.version), id(done.previous), world:count "create" })
  end)

  it("gives up after deploy_timeout, 300 s where nothing is said, and has changed nothing", function()
    for _, case in ipairs { { nil, 300 }, { 7, 7 } } do
      open { contents = { "one" }, deployed = { 1 } }
      local before = world:begins "slow 1000"
      local done, err = publish("mine", { deploy_timeout = case[1] })
      assert.is_nil(done)
      assert.same({ "conflict", before.id, 1 }, { err.kind, id(err.under_way), id(err.live) })
      assert.equal(("it had not ended after %d s; nothing was changed; if it isn't being deployed (`deploying` says "
        .. "\"true\"), set `while_deploying`"):format(case[2]), err.hint)
      assert.matches("is under way, and not by this run", err.message)
      assert.is_true(world:seconds() >= case[2] and world:seconds() < case[2] + 1, world:seconds())
      assert.equal(0, world:count "create")
    end
  end)

  it("gives up at the end of its own time", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:begins "slow 1000"
    local _, err = publish("mine", { timeout = 5 })
    assert.is_truthy(err)
    assert.is_true(world:seconds() >= 4.8 and world:seconds() <= 5.2, world:seconds())
  end)

  it("gives the error that keeps it from seeing when that ends", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:begins "slow 1000"
    world:answer("get", 1, 403, { message = "no" })
    local _, err = publish "mine"
    assert.same({ "forbidden", 1 }, { err.kind, world:count "get" })
    open { contents = { "one" }, deployed = { 1 } }
    world:begins "theirs"
    world:answer("list", 3, 403, { message = "no" })
    assert.equal("forbidden", select(2, publish "mine").kind)
  end)

  it("overwrites nothing that came live while it made its version", function()
    open { contents = { "one" }, deployed = { 1 } }
    local came
    world:before("create", 1, function() came = world:goes_live "theirs" end)
    local _, err = publish "mine"
    assert.same({ "conflict", came.id, "mine" }, { err.kind, id(err.live), world.service.versions[id(err.version)].content })
    assert.matches("^somebody else has published script 1 meanwhile: .*v2.* is live$", err.message)
    assert.equal("nothing was overwritten: look at what is live, and publish again", err.hint)
    assert.equal(0, world:count "deploy")
  end)

  it("nor what is on its way by then", function()
    open { contents = { "one" }, deployed = { 1 } }
    local came
    world:before("create", 1, function() came = world:begins "theirs" end)
    local _, err = publish "mine"
    assert.same({ "conflict", came.id, 1 }, { err.kind, id(err.under_way), id(err.live) })
    assert.equal("mine", world.service.versions[id(err.version)].content)
    assert.equal(0, world:count "deploy")
  end)

  it("nor what may be on its way by a word that nobody knows", function()
    open { contents = { "one" }, deployed = { 1 } }
    local function version(number, more)
      local all = { id = number, script_id = 1, version = number, status = "Draft" }
      for name, value in pairs(more or {}) do all[name] = value end
      return all
    end
    local live = version(1, { status = "Deployed", deployed_at = "2023-11-14T22:00:00Z" })
    local meta = { current_page = 1, last_page = 1, total = 3 }
    world:answer("list", 3, 200, { meta = meta, data = { version(3, { deploying = "odd" }), version(2), live } })
    local _, err = publish "two"
    assert.same({ "conflict", 3, 0 }, { err.kind, id(err.under_way), world:count "deploy" })
    -- What it says of our own draft is no deployment.
    open { contents = { "one" }, deployed = { 1 } }
    world:answer("list", 3, 200, { meta = meta, data = { version(2, { deploying = "odd" }), live } })
    assert.equal(2, assert(publish "two").version.version)
  end)

  it("looks once more where the create took more than a second", function()
    for _, case in ipairs { { 0.5, 3 }, { 1.5, 4 } } do
      open { contents = { "one" }, deployed = { 1 } }
      world:fault("create", 1, nil, { there = case[1] })
      assert(publish "mine")
      assert.equal(case[2] + 1, world:count "list")
    end
  end)

  it("gives the error of the look before the deployment, with what it has made", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:answer("list", 3, 403, { message = "no" })
    world:answer("list", 4, 403, { message = "no" })
    local _, err = publish "mine"
    assert.same({ "forbidden", 2, 1, 0 }, { err.kind, id(err.version), id(err.live), world:count "deploy" })
  end)

  it("does nothing unless what is live is what is expected", function()
    open { contents = { "one" }, deployed = { 1 } }
    local one = assert(world.versions:get(1))
    local _, err = publish("two", { expected_live = false })
    assert.same({ "conflict", 1 }, { err.kind, id(err.live) })
    _, err = publish("two", { expected_live = { id = 7 } })
    assert.equal("conflict", err.kind)
    assert.equal("published", assert(publish("two", { expected_live = one })).action)
    open {}
    _, err = publish("two", { expected_live = one })
    assert.equal("conflict", err.kind)
    assert.matches("nothing is live$", err.message)
    assert.equal("published", assert(publish("two", { expected_live = false })).action)
  end)

  it("says whose version it has overwritten between its look and its deployment", function()
    open { contents = { "one" }, deployed = { 1 } }
    local came
    world:before("deploy", 1, function() came = world:goes_live "theirs" end)
    local done = assert(publish "mine")
    assert.same({ "published", came.id }, { done.action, id(done.overwrote) })
  end)

  it("says what they have begun meanwhile", function()
    open { contents = { "one" }, deployed = { 1 } }
    local came
    world:before("list", 4, function() came = world:begins "theirs" end)
    local done = assert(publish "mine")
    assert.same({ "published", came.id }, { done.action, id(done.under_way) })
  end)

  it("is a conflict when theirs came after ours", function()
    open { contents = { "one" }, deployed = { 1 } }
    local came, next_one
    world:before("list", 4, function()
      came = world:goes_live "theirs"
      next_one = world:begins "later"
    end)
    local done, err = publish "mine"
    assert.is_nil(done)
    assert.same({ "conflict", true, came.id, 2, 1, next_one.id },
      { err.kind, err.overtaken, id(err.live), id(err.version), id(err.previous), id(err.under_way) })
    assert.same({ "publish again to replace it", "unknown" }, { err.hint, err.outcome })
    assert.matches("was deployed, and somebody else's came after it: .* is live$", err.message)
  end)

  it("says that nothing is live where what it has deployed was taken away", function()
    open {}
    world:before("list", 4, function() world:theirs("DELETE", "/script-versions/1") end)
    local _, err = publish "mine"
    assert.same({ "conflict", true, 1 }, { err.kind, err.overtaken, id(err.version) })
    assert.matches("came after it: nothing is live$", err.message)
    assert.is_nil(err.live)
  end)
end)

describe("publish, when it fails", function()
  it("goes back when the test fails, and says what is live", function()
    open { contents = { "one" }, deployed = { 1 } }
    local steps = {}
    local done, err = publish("two", { test = failing, on_event = function(event)
      if event.type == "step" then steps[#steps + 1] = event.step end
    end })
    assert.is_nil(done)
    assert.same({ "test_failed", "test", true, 1, 2, 1, "payload: expected \"something else\", got \"ran two\"" },
      { err.kind, err.stage, err.rolled_back, id(err.live), id(err.version), id(err.previous), err.difference })
    assert.is_nil(err.rollback_error)
    assert.is_nil(err.under_way)
    assert.equal("look create deploy test rollback", table.concat(steps, " "))
    assert.equal(1, world.service.scripts[1].live)
  end)

  it("stays where it is told to, or where nothing was live before", function()
    open { contents = { "one" }, deployed = { 1 } }
    local _, err = publish("two", { test = failing, rollback = false })
    assert.same({ "test_failed", false, 2, 1 }, { err.kind, err.rolled_back, id(err.live), world:count "deploy" })
    assert.equal("look at what is live, then publish again or roll back", err.hint)
    -- Nobody saw what is live then: what was deployed is, as far as anybody knows.
    open { contents = { "one" }, deployed = { 1 } }
    world:answer("list", 4, 403, { message = "no" })
    _, err = publish("two", { test = failing, rollback = false })
    assert.same({ "test_failed", false, 2 }, { err.kind, err.rolled_back, id(err.live) })
    open {}
    _, err = publish("two", { test = failing })
    assert.same({ "test_failed", false, 1, 1 }, { err.kind, err.rolled_back, id(err.live), world:count "deploy" })
    assert.equal("unknown", err.outcome) -- it is live
  end)

  it("has its own time for the way back", function()
    open { contents = { "one" }, deployed = { 1 } }
    local _, err = publish("two", { timeout = 3, test = { payload = "x", expect = function()
      world.patchworks.sleep(1)
      return false
    end } })
    assert.same({ "test_failed", true, 1 }, { err.kind, err.rolled_back, id(err.live) })
    assert.is_true(world:seconds() > 3)
  end)

  it("says that what was live may come live, where the answer to that was lost", function()
    open { contents = { "one" }, deployed = { 1 }, client = { max_attempts = 1 } }
    world:fault("deploy", 2, "lost before")
    local _, err = publish("two", { test = failing })
    assert.same({ "test_failed", false, 1 }, { err.kind, err.rolled_back, id(err.may_come_live) })
    assert.same({ "network", "unknown" }, { err.rollback_error.kind, err.rollback_error.outcome })
  end)

  it("says why it could not go back", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:answer("deploy", 2, 403, { message = "no" })
    local _, err = publish("two", { test = failing })
    assert.same({ "test_failed", false, 2, "forbidden" }, { err.kind, err.rolled_back, id(err.live), err.rollback_error.kind })
    assert.is_nil(err.may_come_live)
  end)

  it("says that it could not see what is live after the way back", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:answer("list", 6, 403, { message = "no" })
    local _, err = publish("two", { test = failing })
    assert.same({ "test_failed", false, "forbidden", "unknown" },
      { err.kind, err.rolled_back, err.rollback_error.kind, err.rollback_error.outcome })
    assert.is_nil(err.live)
    assert.equal(2, world:count "deploy")
  end)

  it("leaves alone what it can't see after a failed test", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:answer("list", 5, 403, { message = "no" })
    local _, err = publish("two", { test = failing })
    assert.same({ "test_failed", false, 2, "forbidden", 1 },
      { err.kind, err.rolled_back, id(err.live), err.rollback_error.kind, world:count "deploy" })
    assert.equal("unknown", err.outcome)
  end)

  it("leaves alone what somebody else has begun, or has made live, by then", function()
    open { contents = { "one" }, deployed = { 1 } }
    local came
    world:before("list", 5, function() came = world:begins "theirs" end)
    local _, err = publish("two", { test = failing })
    assert.same({ "test_failed", false, came.id, 2, 1 },
      { err.kind, err.rolled_back, id(err.under_way), id(err.live), world:count "deploy" })
    open { contents = { "one" }, deployed = { 1 } }
    world:before("list", 5, function() came = world:goes_live "theirs" end)
    _, err = publish("two", { test = failing })
    assert.same({ "test_failed", false, came.id, 1 }, { err.kind, err.rolled_back, id(err.live), world:count "deploy" })
  end)

  it("tells whom the way back has overwritten, and what is on its way after it", function()
    open { contents = { "one" }, deployed = { 1 } }
    local came, next_one
    world:before("deploy", 2, function() came = world:goes_live "theirs" end)
    world:before("list", 6, function() next_one = world:begins "later" end)
    local _, err = publish("two", { test = failing })
    assert.same({ true, came.id, next_one.id }, { err.rolled_back, id(err.overwrote), id(err.under_way) })
  end)

  it("keeps telling whom the publishing itself has overwritten", function()
    open { contents = { "one" }, deployed = { 1 } }
    local came
    world:before("deploy", 1, function() came = world:goes_live "theirs" end)
    local _, err = publish("two", { test = failing })
    assert.same({ true, came.id }, { err.rolled_back, id(err.overwrote) })
  end)

  it("has what was live again where the version could not be deployed", function()
    open { contents = { "one" }, deployed = { 1 } }
    local _, err = publish "breaks"
    assert.same({ "deployment_failed", "deploy", true, 1, 2, 1, 1 },
      { err.kind, err.stage, err.rolled_back, id(err.live), id(err.version), id(err.previous), world:count "deploy" })
    assert.is_nil(err.may_come_live)
    assert.matches("SyntaxError", err.message)
  end)

  it("is not told by what somebody else's deployment of the same version came to right before", function()
    open { contents = { "one", "breaks" }, deployed = { 1 }, habits = { deploying = "2026-11-24T06:00:00.000000Z" } }
    world:before("list", 3, function()
      world:version(2).failed_text, world:version(2).reason = "2026-01-01T00:00:00.000000Z", "SyntaxError: theirs"
    end)
    local _, err = publish "breaks"
    assert.same({ "deployment_failed", "none", 1 }, { err.kind, err.outcome, id(err.live) })
    assert.matches("line 1", err.message)
  end)

  it("has live what was where the service refuses to deploy, and may not come live itself", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:answer("deploy", 1, 409, { message = "no" })
    local _, err = publish "two"
    assert.same({ "conflict", "none", true, 1, 2 }, { err.kind, err.outcome, err.rolled_back, id(err.live), id(err.version) })
    assert.is_nil(err.may_come_live)
  end)

  it("has nothing live where the first version could not be deployed", function()
    open {}
    local _, err = publish "breaks"
    assert.same({ "deployment_failed", false, 1 }, { err.kind, err.rolled_back, id(err.version) })
    assert.is_nil(err.live)
  end)

  it("says what may come live, where a deployment was lost from sight", function()
    open { contents = { "one" }, deployed = { 1 } }
    local accounts = {}
    local _, err = publish("slow 1000", { deploy_timeout = 5, record = function(progress) accounts[#accounts + 1] = progress.finished or false end })
    assert.same({ "timeout", "deploy", "unknown", 2, 1, false },
      { err.kind, err.stage, err.outcome, id(err.may_come_live), id(err.live), err.rolled_back })
    assert.equal("the service goes on with it: wait again, or raise the time", err.hint)
    assert.is_false(accounts[#accounts])
    assert.equal(1, world:count "deploy")
  end)

  it("leaves the outcome open where nobody can say what is live", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:answer("list", 4, 403, { message = "no" })
    local _, err = publish "breaks"
    assert.same({ "deployment_failed", "unknown", false, 1 }, { err.kind, err.outcome, err.rolled_back, world:count "deploy" })
    assert.is_nil(err.live)
    assert.is_nil(err.may_come_live)
  end)

  it("brings back what was live when nothing is after a failed deployment, unless it is told not to", function()
    for _, rollback in ipairs { true, false } do
      open { contents = { "one" }, deployed = { 1 }, habits = { deployed_together = false } }
      world:before("deploy", 1, function() world:version(1).status = "Inactive" end)
      local _, err = publish("breaks", { rollback = rollback })
      assert.same({ "deployment_failed", rollback, rollback and 2 or 1, rollback and 1 or nil },
        { err.kind, err.rolled_back, world:count "deploy", id(err.live) })
    end
  end)

  it("leaves the outcome open where the way back from a failed deployment was lost from sight", function()
    open { contents = { "one" }, deployed = { 1 }, habits = { deployed_together = false }, client = { max_attempts = 1 } }
    world:before("deploy", 1, function() world:version(1).status = "Inactive" end)
    world:fault("deploy", 2, "lost before")
    local _, err = publish "breaks"
    assert.same({ "deployment_failed", "deploy", "unknown", false, 1 },
      { err.kind, err.stage, err.outcome, err.rolled_back, id(err.may_come_live) })
    assert.equal("look at what is live, then publish again or roll back", err.hint)
  end)

  it("knows not what is live where the look after the deployment fails", function()
    open { contents = { "one" }, deployed = { 1 } }
    world:answer("list", 4, 403, { message = "no" })
    local _, err = publish "two"
    assert.same({ "forbidden", "unknown", 2, 1 }, { err.kind, err.outcome, id(err.version), id(err.previous) })
    assert.equal("it was deployed, but what is live then could not be seen: publish again to know", err.hint)
  end)
end)

describe("publish with keep", function()
  local old = { contents = { "a", "b", "c", "d" }, deployed = { 4 } }

  it("prunes afterwards, says what went and what stays", function()
    open(old)
    local saved = {}
    local done = assert(publish("e", { keep = 1, save = function(version) saved[#saved + 1] = version.version end }))
    table.sort(saved)
    assert.same({ 3, 1, "rollback would go back to it" }, { #done.pruned, #done.stays, done.stays[1].reason })
    assert.same({ 1, 2, 3 }, saved)
    assert.is_nil(done.prune_error)
  end)

  it("passes on what is said about versions that were live, and ends that with its own time", function()
    open { contents = { "a", "b", "c" }, deployed = { 1, 2, 3 }, days = 40, habits = { deployed_together = false } }
    world:fault("delete", nil, nil, { there = 9 })
    local done = assert(publish("d", { keep = 1, timeout = 60, ever_deployed = true }))
    assert.same({ 2, 1 }, { #done.pruned, #done.stays })
    open { contents = { "a", "b", "c" }, deployed = { 1, 2, 3 }, days = 40, habits = { deployed_together = false } }
    world:fault("delete", nil, nil, { there = 9 })
    done = assert(publish("d", { keep = 1, timeout = 6, ever_deployed = true }))
    assert.same({ "published", "timeout" }, { done.action, done.prune_error and done.prune_error.kind })
  end)

  it("takes as long as that does where nobody has said a time", function()
    local contents = {}
    for i = 1, 13 do contents[i] = "draft " .. i end
    open { contents = contents }
    world:fault("delete", nil, nil, { there = 25 })
    assert.equal(13, #assert(publish("live", { keep = 1 })).pruned)
    assert.is_true(world:seconds() > 75, world:seconds())
  end)

  it("is published though the pruning fails, and says why that did", function()
    open(old)
    world:answer("delete", nil, 409, { message = "in use" })
    local done = assert(publish("e", { keep = 1 }))
    assert.same({ "published", "conflict" }, { done.action, done.prune_error.kind })
    assert.is_nil(done.pruned)
  end)

  it("does not when there is only to say what would be done, nor when it failed", function()
    open(old)
    assert.is_nil(assert(publish("e", { keep = 1, dry_run = true })).pruned)
    publish("breaks", { keep = 1 })
    assert.equal(0, world:count "delete")
  end)
end)

describe("the account of a publish", function()
  it("is kept before each change, and is over at the end", function()
    open { contents = { "one" }, deployed = { 1 } }
    local kept = {}
    assert(publish("two", { record = function(progress)
      kept[#kept + 1] = ("%s%s%s%s"):format(progress.step, progress.creating and " creating" or "",
        progress.pending[1] and " pending " .. progress.pending[1].version or "", progress.finished and " finished" or "")
    end }))
    assert.same({ "look", "look creating", "create", "deploy pending 2", "deploy finished" }, kept)
  end)

  it("says what was made, and what was taken up", function()
    open { contents = { "one", "two" }, deployed = { 1 } }
    local last
    assert(publish("two", { record = function(progress) last = progress end }))
    assert.same({ 2, false, 2 }, { last.version.version, last.made, last.live.version })
    assert(publish("three", { record = function(progress) last = progress end }))
    assert.same({ 3, true }, { last.version.version, last.made })
  end)

  it("is not over while what was begun may still come live", function()
    open { contents = { "one" }, deployed = { 1 } }
    local last
    publish("slow 1000", { deploy_timeout = 5, record = function(progress) last = progress end })
    assert.is_nil(last.finished)
    assert.equal(2, last.pending[1].version)
  end)
end)

describe("the log entries that a failed test gives", function()
  it("are all of a version that was made just now, and those since then of another", function()
    open { contents = { "one" }, deployed = { 1 } }
    local _, err = publish("two", { test = failing })
    assert.equal(1, #err.logs)
  end)
end)

describe("what publish is given", function()
  it("is checked before anything is sent", function()
    open {}
    assert.matches("publish: script id", tostring(select(2, pcall(world.versions.publish, world.versions, "x", { content = "x" }))))
    assert.matches("publish: expected", tostring(select(2, pcall(world.versions.publish, world.versions, 1, {}))))
    assert.matches("publish: ", tostring(select(2, pcall(world.versions.publish, world.versions, 1))))
    assert.matches("tset", tostring(select(2, pcall(world.versions.publish, world.versions, 1, { content = "x", tset = {} }))))
    local done, err = world.versions:publish(1, { file = "/nowhere/at/all.py" })
    assert.is_nil(done)
    assert.same({ "file", "publish" }, { err.kind, err.operation })
    assert.equal("", world:sent())
  end)
end)
