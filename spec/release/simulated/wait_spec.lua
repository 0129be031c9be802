-- Watching a deployment: what each look tells, when the next one comes, and what is said when it is over.
local simulated = require "spec.support.simulated"
local pause = require("patchworks.release.wait").pause

local world

local function open(given)
  given = given or {}
  given.contents = given.contents or { "one" }
  world = simulated(given)
end

local function at(second) return ("2026-01-01T00:00:%02d.000000Z"):format(second) end

-- What the service shows of version 1, from the k-th get on.
local function shows(first, fields)
  fields.id, fields.version, fields.script_id = 1, 1, 1
  for k = first, first + 40 do world:answer("get", k, 200, { data = fields }) end
end

local function deploy(given) return world.versions:deploy_and_wait(1, given) end
local function wait(given) return world.versions:wait(1, given) end

-- When each look began, in seconds since the request to deploy was answered.
local function looks()
  local times, began = {}, nil
  for _, request in ipairs(world.requests) do
    if request.operation == "deploy" then began = request.ended end
    if request.operation == "get" and began then times[#times + 1] = math.floor((request.started - began) * 100 + 0.5) / 100 end
  end
  return times
end

describe("the pause before the next look", function()
  it("grows with the age of the deployment, from 0.25 s to 20 s", function()
    local got = {}
    for i, age in ipairs { 0, 0.19, 0.2, 1.4, 2, 10, 66, 600 } do got[i] = pause(age) end
    assert.same({ 0.25, 0.25, 0.45, 0.45, 0.6, 3, 19.8, 20 }, got)
  end)

  it("has the caller's bounds, the first before the last", function()
    assert.same({ 1, 3, 2, 5 }, { pause(0, 1), pause(10, 1), pause(10, 1, 2), pause(10, 5, 2) })
    assert.same({ 0.1, 0.45 }, { pause(0.1, 0.1, 0.1), pause(1, nil, 0.1) })
  end)
end)

describe("deploy_and_wait", function()
  it("reads the version, deploys it, and looks until it is live", function()
    open()
    local steps = {}
    local version, response = assert(deploy { on_event = function(event) steps[#steps + 1] = event.step end })
    assert.same({ "Deployed", 200, { "deploy" } }, { version.status, response.status, steps })
    assert.matches("^get deploy get", world:sent())
    assert.same({ 0, 0.3, 0.8, 1.3, 1.8, 2.41 }, looks())
    world:forget()
    assert(world.versions:deploy_and_wait(1, { failed_before = "never" }))
    assert.matches("^deploy get", world:sent())
  end)

  it("looks as the caller says", function()
    open { build_seconds = 9 }
    assert(deploy { interval = 1, max_interval = 1.5 })
    assert.same({ 0, 1.05, 2.1, 3.15, 4.2, 5.53 }, table.move(looks(), 1, 6, 1, {}))
  end)

  it("gives up after 300 s where nothing is said, and else after its time", function()
    for _, case in ipairs { { nil, 300 }, { 7, 7 } } do
      open { contents = { "slow 1000" } }
      local version, err = deploy { timeout = case[1] }
      assert.is_nil(version)
      assert.same({ "timeout", "unknown", 1 }, { err.kind, err.outcome, err.version.id })
      assert.matches("^the version was not deployed within [%d.]+ s %(it is Draft, deploying%)$", err.message)
      assert.equal("the service goes on with it: wait again, or raise the time", err.hint)
      assert.is_nil(err.cause)
      assert.is_true(world:seconds() > case[2] - 0.2 and world:seconds() <= case[2], world:seconds())
    end
  end)

  it("says how long it has waited, and what kept it from seeing", function()
    open { contents = { "slow 1000" }, client = { max_attempts = 1 } }
    world:answer("get", nil, 503, { message = "busy" })
    shows(1, { status = "Draft" })
    for k = 3, 60 do world:answer("get", k, 503, { message = "busy" }) end
    local _, err = deploy { timeout = 5.1 }
    assert.same({ "timeout", "unknown", "server" }, { err.kind, err.outcome, err.cause.kind })
    assert.matches("^the version was not deployed within 5 s %(it is Draft%)$", err.message)
    assert.matches("^the last look failed: .*busy", err.hint)
  end)

  it("takes its last look so that the answer is there in time", function()
    for tenths = 8, 99 do
      local seconds = tenths / 10
      open { contents = { "slow 1000" } }
      deploy { timeout = seconds }
      local last = world.requests[#world.requests]
      local left = world.start + seconds - last.started
      assert.is_true(left >= 0.05 and left <= 0.11, ("%g s left of %g"):format(left, seconds))
    end
  end)

  it("looks no more often when its time ends", function()
    for _, case in ipairs { { 2.3, { 1.3, 1.8, 2.1 } }, { 5, { 3.2, 4.22, 4.8 } } } do
      open { contents = { "slow 1000" } }
      deploy { timeout = case[1] }
      local list = looks()
      assert.same(case[2], table.move(list, #list - 2, #list, 1, {}))
    end
  end)

  it("is late with less than nothing left", function()
    open()
    local version, err = deploy { timeout = 0.5, on_event = function(event)
      if event.type == "attempt" and event.operation == "get" then world.patchworks.sleep(1) end
    end }
    assert.is_nil(version)
    assert.same({ "timeout", "none", "the time was up before the deployment was begun", 0 },
      { err.kind, err.outcome, err.message, world:count "deploy" })
  end)

  it("gives the error of its first look, and of a refused request", function()
    open()
    world:answer("get", 1, 404, { message = "Not Found" })
    assert.equal("not_found", select(2, deploy()).kind)
    open()
    world:answer("deploy", 1, 409, { message = "no" })
    local _, err = deploy()
    assert.same({ "conflict", "none", "get deploy" }, { err.kind, err.outcome, world:sent() })
  end)

  it("goes on after a lost answer where a look shows that it was begun", function()
    for _, shown in ipairs {
      { deploying = "true", status = "Draft" },
      { status = "Deployed", deployed_at = at(2) },
    } do
      open { client = { max_attempts = 1 } }
      world:fault("deploy", 1, "lost before")
      shows(3, { status = "Deployed", deployed_at = at(2) })
      shown.id, shown.version, shown.script_id = 1, 1, 1
      world:answer("get", 2, 200, { data = shown })
      assert.equal("Deployed", assert(deploy()).status)
    end
    open { client = { max_attempts = 1 } }
    world:fault("deploy", 1, "lost before")
    shows(2, { status = "Draft", deployment_failed_at = at(2), deployment_failure_reason = "no such module" })
    local _, err = deploy()
    assert.same({ "deployment_failed", "no such module" }, { err.kind, err.message })
  end)

  it("leaves the outcome open where a look shows nothing, or fails", function()
    for _, status in ipairs { 200, 403 } do
      open { client = { max_attempts = 1 } }
      world:fault("deploy", 1, "lost before")
      world:answer("get", 2, status, { data = { id = 1, version = 1, status = "Draft" } })
      local _, err = deploy()
      assert.same({ "network", "unknown", "get deploy get" }, { err.kind, err.outcome, world:sent() })
    end
  end)

  it("is a conflict when somebody else's came after it, which leaves open what is live", function()
    open()
    shows(2, { status = "Inactive", deployed_at = at(2) })
    local version, err = deploy()
    assert.is_nil(version)
    assert.same({ "conflict", "unknown", true, 1, 200 }, { err.kind, err.outcome, err.overtaken, err.version.id, err.response.status })
    assert.matches("was deployed, and somebody else's came after it$", err.message)
    assert.equal("look at what is live; deploy it again to replace that", err.hint)
  end)

  it("tells that it may be done when its task is cancelled", function()
    open { contents = { "slow 1000" } }
    local ok, err
    world.patchworks.run(function(tasks)
      local task = tasks:spawn(deploy)
      world.patchworks.sleep(5)
      task:cancel()
      ok, err = task:join()
    end)
    assert.is_falsy(ok)
    assert.same({ "cancelled", "unknown", 1 }, { err.kind, err.outcome, err.cause and err.cause.version.id })
    assert.same({ "cancelled", "the service goes on with the deployment" }, { err.cause.kind, err.cause.message })
  end)
end)

describe("a look at a deployment", function()
  local failure = { status = "Draft", deployment_failed_at = at(5), deployment_failure_reason = "SyntaxError" }

  it("takes no failure from before for its own", function()
    open { failed = { 1 } }
    assert.equal("Deployed", assert(deploy()).status)
    for _, case in ipairs { { 5, nil }, { 4, "deployment_failed" } } do
      open()
      shows(1, failure)
      shows(4, { status = "Deployed", deployed_at = at(7), deployment_failed_at = at(5) })
      local version, err = wait { failed_before = at(case[1]) }
      assert.equal(case[2], not version and err.kind or nil)
    end
  end)

  it("gives the reason of a failure, the version and the response", function()
    open()
    shows(1, failure)
    local version, err = wait()
    assert.is_nil(version)
    assert.same({ "deployment_failed", "none", "SyntaxError", 1, 200, "wait" },
      { err.kind, err.outcome, err.message, err.version.id, err.response.status, err.operation })
  end)

  it("takes the same time for a new failure once it was seen to be deploying", function()
    open()
    shows(1, failure)
    shows(2, { status = "Draft", deploying = "true", deployment_failed_at = at(5) })
    shows(3, failure)
    local _, err = deploy()
    assert.same({ "deployment_failed", 3 }, { err.kind, world:count "get" })
  end)

  it("takes what was deployed after it failed for deployed, and not what failed after that", function()
    for _, case in ipairs { { 6, true }, { 5, false }, { 4, false } } do
      open()
      shows(1, { status = "Deployed", deployed_at = at(case[1]), deployment_failed_at = at(5) })
      assert.equal(case[2], wait() ~= nil)
    end
  end)

  it("takes a failure whose date it can't read for one, unless it is deployed", function()
    open()
    shows(1, { status = "Inactive", deployed_at = at(4), deployment_failed_at = "yesterday" })
    assert.equal("deployment_failed", select(2, wait()).kind)
    open()
    shows(1, { status = "Deployed", deployed_at = at(4), deployment_failed_at = "yesterday" })
    assert.equal("Deployed", assert(wait()).status)
    open()
    shows(1, { status = "Deployed", deployment_failed_at = "yesterday" })
    assert.equal("deployment_failed", select(2, wait()).kind)
  end)

  it("knows a version that was deployed already by its new date", function()
    open()
    shows(1, { status = "Deployed", deployed_at = at(1) })
    shows(5, { status = "Deployed", deployed_at = at(9) })
    assert.equal(at(9), assert(deploy()).deployed_at)
    assert.equal(5, world:count "get")
  end)

  it("knows it by having seen it on its way, whatever its date", function()
    open()
    shows(1, { status = "Deployed", deployed_at = at(1) })
    shows(2, { status = "Deployed", deployed_at = at(1), deploying = "true" })
    shows(3, { status = "Deployed", deployed_at = at(1) })
    assert(deploy())
    assert.equal(3, world:count "get")
  end)

  it("takes 6 looks that show nothing new for an end, and 3 where there is no date", function()
    open()
    shows(1, { status = "Deployed", deployed_at = at(1) })
    assert(deploy())
    assert.equal(1 + 6, world:count "get")
    for _, dates in ipairs { {}, { nil, at(1) } } do
      open()
      shows(1, { status = "Deployed", deployed_at = dates[1] })
      shows(2, { status = "Deployed", deployed_at = dates[2] })
      assert(deploy())
      assert.equal(1 + 3, world:count "get")
    end
  end)

  it("takes a date that is not before that of what it replaces for new", function()
    for _, case in ipairs { { 1, 2 }, { 2, 6 } } do -- the date of the live one, and the looks (a tie has one more deployment)
      open { contents = { "one", "two" } }
      local function version(id, day)
        return { id = id, version = id, script_id = 1, status = "Deployed", deployed_at = at(day) }
      end
      local list = { data = { version(2, case[1]), version(1, 1) }, meta = { current_page = 1, last_page = 1, total = 2 } }
      world:answer("list", nil, 200, list)
      world:answer("get", nil, 200, { data = version(1, 1) })
      world.versions:rollback(1, { timeout = 60, to = 1 })
      local deploys = {}
      for _, request in ipairs(world.requests) do
        if request.operation == "get" then deploys[#deploys + 1] = request end
      end
      assert.equal(case[2], #deploys)
    end
  end)

  it("sees that somebody else's took the place of one that was deployed before", function()
    open()
    shows(1, { status = "Inactive", deployed_at = at(1) })
    shows(4, { status = "Inactive", deployed_at = at(3) })
    local _, err = wait()
    assert.same({ "conflict", "none", 4 }, { err.kind, err.outcome, world:count "get" })
  end)

  it("goes by the dates where `deploying` says what isn't known", function()
    for _, case in ipairs {
      { { status = "Deployed", deployed_at = at(3) }, true },
      { { status = "Draft", deployment_failed_at = at(3) }, "deployment_failed" },
      { { status = "Draft" }, "timeout" },
    } do
      open()
      local before, after = { status = "Draft", deploying = "pondering" }, case[1]
      shows(1, before)
      after.deploying = "pondering"
      shows(3, after)
      local version, err = wait { timeout = 9 }
      assert.equal(case[2], version and true or err.kind)
    end
    open()
    shows(1, { status = "Deployed", deployed_at = at(1), deployment_failed_at = at(0), deploying = "pondering" })
    assert.equal("timeout", select(2, wait { timeout = 9 }).kind)
  end)

  it("tells at its end who deploys, and that a wait has done nothing", function()
    for _, case in ipairs {
      { {}, "nobody deploys it: deploy it, or call `deploy_and_wait`" },
      { { deploying = true }, "the service goes on with it: wait again, or raise the time" },
    } do
      open()
      local shown = case[1]
      shown.status = "Draft"
      shows(1, shown)
      local version, err = wait { timeout = 9 }
      assert.same({ nil, "timeout", "none", case[2] }, { version, err.kind, err.outcome, err.hint })
    end
  end)

  it("waits on where nothing was begun yet that it can see", function()
    open()
    shows(1, { status = "Draft" })
    shows(4, { status = "Deployed", deployed_at = at(3) })
    assert.equal("Deployed", assert(wait()).status)
    assert.equal(4, world:count "get")
  end)
end)

describe("a look that fails", function()
  it("ends a wait for what nobody has begun, unless it may be over by the next", function()
    for status, goes_on in pairs { [401] = false, [403] = false, [404] = false, [422] = false, [429] = true, [503] = true } do
      open { client = { max_attempts = 1 } }
      shows(1, { status = "Draft" })
      world:answer("get", 2, status, { message = "no" })
      shows(3, { status = "Deployed", deployed_at = at(3) })
      local version, err = wait()
      assert.equal(goes_on, version ~= nil, status)
      if err and not version then assert.same({ status, "none" }, { err.status, err.outcome }) end
    end
    for _, kind in ipairs { "lost before", "not connected" } do
      open { client = { max_attempts = 1 } }
      shows(1, { status = "Draft" })
      world:fault("get", 2, kind)
      shows(3, { status = "Deployed", deployed_at = at(3) })
      assert(wait())
    end
  end)

  it("is taken again where it was too slow, and ends everything where the client is closed", function()
    open { client = { max_attempts = 1 } }
    shows(1, { status = "Draft" })
    world:fault("get", 2, nil, { there = 50 })
    shows(3, { status = "Deployed", deployed_at = at(3) })
    assert(wait { attempt_timeout = 2 })
    for call, moment in pairs { [wait] = 1.1, [deploy] = 0.7 } do -- when a look is under way
      open { contents = { "slow 1000" } }
      world:fault("get", nil, nil, { there = 0.4 })
      local version, err
      world.patchworks.run(function(tasks)
        local task = tasks:spawn(function() version, err = call() end)
        world.patchworks.sleep(moment)
        world.client:close()
        task:join()
      end)
      assert.is_nil(version)
      assert.same({ "cancelled", call == wait and "none" or "unknown" }, { err.kind, err.outcome })
      assert.is_true(world:seconds() < moment + 0.01, world:seconds())
    end
  end)

  it("ends it at once where it is the first", function()
    open { client = { max_attempts = 1 } }
    world:answer("get", 1, 503, { message = "busy" })
    assert.same({ "server", 1 }, { select(2, wait()).kind, world:count "get" })
  end)

  it("ends the watching of what was begun only where it lasts, and leaves that open", function()
    for status, goes_on in pairs { [401] = false, [403] = false, [404] = false, [422] = true, [503] = true } do
      open { client = { max_attempts = 1 } }
      shows(1, { status = "Draft", name = "first" })
      world:answer("get", 2, status, { message = "no" })
      shows(3, { status = "Deployed", deployed_at = at(3) })
      local version, err = deploy()
      assert.equal(goes_on, version ~= nil, status)
      if not goes_on then assert.same({ status, "unknown", "first" }, { err.status, err.outcome, err.version.name }) end
    end
  end)

  it("has all the time that is left, and no more", function()
    open { contents = { "slow 1000" } }
    world:fault("get", 3, nil, { there = 50 })
    local _, err = deploy { timeout = 10, attempt_timeout = 60 }
    assert.equal("timeout", err.kind)
    assert.is_true(world:seconds() <= 10.01, world:seconds())
  end)
end)

describe("wait", function()
  it("asks for nothing but the version, for 300 s where nothing is said", function()
    for _, case in ipairs { { nil, 300 }, { 3, 3 } } do
      open()
      local _, err = wait { timeout = case[1] }
      assert.same({ "timeout", "wait" }, { err.kind, err.operation })
      assert.is_true(world:seconds() > case[2] - 0.2 and world:seconds() <= case[2], world:seconds())
      assert.is_nil(world:sent():find "[^get ]")
    end
  end)

  it("checks what it is given", function()
    open()
    assert.matches("wait: script version id", tostring(select(2, pcall(world.versions.wait, world.versions, "x"))))
    assert.has_error(function() world.versions:wait(1, { tiemout = 1 }) end)
    assert.matches("deploy_and_wait: script version id",
      tostring(select(2, pcall(world.versions.deploy_and_wait, world.versions, "x"))))
    assert.has_error(function() world.versions:deploy_and_wait(1, { tiemout = 1 }) end)
    assert.equal("", world:sent())
  end)
end)

describe("the account of a deployment", function()
  local function account_of(given, prepare)
    open { contents = { "one", given } , deployed = { 1 }, client = { max_attempts = 1 } }
    if prepare then prepare() end
    local last
    local done, err = world.versions:rollback(1, { to = 2, deploy_timeout = 5, record = function(progress) last = progress end })
    return last, done, err
  end

  it("has it pending until it has ended, well or not, or was refused", function()
    local account = account_of "two"
    assert.same({ {}, true, 2 }, { account.pending, account.finished, account.live.version })
    account = account_of "breaks"
    assert.same({ {}, true, 1, true }, { account.pending, account.finished, account.live.version, account.changed })
    account = account_of("two", function() world:answer("deploy", 1, 409, { message = "no" }) end)
    assert.same({ {}, true, false }, { account.pending, account.finished, account:may_have_changed() })
    account = account_of("two", function() world:fault("deploy", 1, "lost before") end)
    assert.equal(2, account.pending[1].version)
    account = account_of "slow 1000"
    assert.same({ 2, 1 }, { account.pending[1].version, account.live.version })
    assert.is_nil(account.finished)
  end)

  it("has live what was deployed, though the look afterwards fails", function()
    local account = account_of("two", function() world:answer("list", 3, 403, { message = "no" }) end)
    assert.same({ 2, {} }, { account.live.version, account.pending })
  end)
end)
