-- What the steps of a release have in common: who is told, what a closed client means, and whose error it is.
local errors = require "patchworks.errors"
local simulated = require "spec.support.simulated"

local world

local function open(given)
  given = given or {}
  given.contents, given.deployed = given.contents or { "one" }, given.deployed or { 1 }
  world = simulated(given)
end

-- Calls a function, and closes the client after a time; gives what the function came to.
local function closed_after(seconds, fn)
  local results
  world.patchworks.run(function(tasks)
    local task = tasks:spawn(function() results = table.pack(pcall(fn)) end)
    world.patchworks.sleep(seconds)
    world.client:close()
    task:join()
  end)
  return table.unpack(results, 1, results.n)
end

describe("a release", function()
  it("tells the client's listener where the call has none, with the account", function()
    local heard = {}
    open { client = { on_event = function(event)
      if event.type == "step" then heard[#heard + 1] = event.step .. " " .. event.progress.script .. " " .. event.progress.step end
    end } }
    assert(world.versions:publish(1, { content = "one" }))
    assert.same({ "look 1 look" }, heard)
  end)

  it("raises what its listener has raised, and what `record` has", function()
    open()
    local ok, err = pcall(world.versions.publish, world.versions, 1, { content = "two", on_event = function(event)
      if event.step == "create" then error "broken listener" end
    end })
    assert.is_false(ok)
    assert.matches("broken listener", tostring(err))
    open()
    ok, err = pcall(world.versions.publish, world.versions, 1, { content = "two", record = function() error("no disk", 0) end })
    assert.same({ false, "no disk" }, { ok, err })
    assert.equal("", world:sent())
  end)

  it("is misuse of a client that is closed, and says whose", function()
    open()
    world.client:close()
    for _, name in ipairs { "publish", "rollback", "wait" } do
      local ok, message = pcall(world.versions[name], world.versions, 1, name == "publish" and { content = "x" } or nil)
      assert.is_false(ok)
      assert.matches(name .. ": the client is closed", tostring(message))
    end
  end)

  it("is cancelled where the client is closed between two of its requests, and says what may have been done", function()
    for _, case in ipairs { { "look", "none" }, { "deploy", "unknown" }, { "test", "unknown" } } do
      open()
      local done, err = world.versions:publish(1, { content = "two", test = {}, on_event = function(event)
        if event.step == case[1] then world.client:close() end
      end })
      assert.is_nil(done)
      assert.same({ "cancelled", case[2], "publish" }, { err.kind, err.outcome, err.operation }, case[1])
      if case[1] ~= "test" then assert.same({ "the client was closed", case[1] }, { err.message, err.progress.step }) end
    end
    open()
    local _, err = world.versions:publish(1, { content = "two", record = function(progress)
      if progress.creating then world.client:close() end
    end })
    assert.same({ "cancelled", "unknown" }, { err.kind, err.outcome })
  end)

  it("is cancelled where the client is closed in a pause of a tail", function()
    open()
    local ok, err = closed_after(0.5, function()
      for _ in world.versions:tail(1) do error "there is no entry" end
    end)
    assert.is_false(ok)
    assert.same({ "cancelled", "tail", "the client was closed", "none" }, { err.kind, err.operation, err.message, err.outcome })
  end)

  it("is cancelled where the client is closed between two scripts of a plan, or of what applies it", function()
    local manifest = { scripts = { { id = 1, content = "two" }, { id = 2, content = "two" } } }
    local both = { scripts = { { id = 2, contents = { "one" }, deployed = { 1 } } } }
    open(both)
    world:fault("list", 1, nil, { there = 1 })
    local ok, plan, err = closed_after(0.5, function() return world.client:plan(manifest, { concurrency = 1 }) end)
    assert.is_true(ok, tostring(plan))
    assert.same({ nil, "cancelled", "plan", 2 }, { plan, err.kind, err.operation, #err.failures })
    assert.matches("script 2: the client was closed", tostring(err.failures[2].error))
    open(both)
    local made = assert(world.client:plan(manifest))
    local report
    ok, report = closed_after(1, function() return world.client:apply(made, { concurrency = 1 }) end)
    assert.is_true(ok, tostring(report))
    for i, outcome in ipairs { "unknown", "none" } do
      local each = report.scripts[i].error
      assert.same({ "cancelled", outcome, "the client was closed" }, { each.kind, each.outcome, each.message })
    end
    assert.matches("apply: the client is closed", tostring(select(2, pcall(world.client.apply, world.client, made))))
    assert.matches("plan: the client is closed", tostring(select(2, pcall(world.client.plan, world.client, manifest))))
  end)

  it("keeps what is known of a failed step in its own error", function()
    open { contents = { "one", "two" }, deployed = { 1, 2 }, client = { max_attempts = 1 } }
    world:before("deploy", 1, function(request) request.headers_with = "Retry-After: 7\r\n" end)
    world:answer("deploy", 1, 429, { message = "slow down", errors = { content = { "no" } } })
    local _, err = world.versions:rollback(1)
    local cause = err.cause
    assert.same({ "rollback", "deploy", "rate_limited", 429, 7, { content = { "no" } }, "none" },
      { err.operation, cause.operation, err.kind, err.status, err.retry_after, err.errors, err.outcome })
    for _, name in ipairs { "kind", "message", "status", "errors", "hint", "response", "retry_after", "attempts", "outcome" } do
      assert.is_not_nil(err[name], name)
      assert.equal(cause[name], err[name], name)
    end
  end)
end)

describe("an account that can't be kept", function()
  local test = { payload = "x", expect = "something else" }
  local account, refusals

  -- A `record` that refuses what `when` names, as a full disk does it.
  local function refusing(when)
    refusals = 0
    return function(progress)
      account = progress
      if not when(progress) then return end
      refusals = refusals + 1
      return nil, "disk full"
    end
  end

  local function id(version) return version and version.id end

  local function release(name, given, when)
    given.record = refusing(when)
    local done, err = world.versions[name](world.versions, 1, given)
    return done, err
  end

  it("keeps no failed test from being taken back", function()
    for _, step in ipairs { "test", "rollback" } do
      open()
      local full, heard = false, {}
      local _, err = release("publish", { content = "two", test = test, on_event = function(event)
        if event.type == "step" then heard[#heard + 1] = event.step end
      end }, function(progress)
        full = full or progress.step == step
        return full
      end)
      assert.same({ "test_failed", true, 1, 2 }, { err.kind, err.rolled_back, id(err.live), world:count "deploy" })
      assert.is_nil(err.rollback_error)
      assert.equal("look create deploy test rollback", table.concat(heard, " "))
      assert.same({ {}, true, 1 }, { account.pending, account.changed, account.live.version })
      assert.is_true(refusals >= 2) -- at the way back, and at the end
    end
  end)

  it("says nothing was changed where that is so", function()
    open { contents = { "one", "two" }, deployed = { 1 } }
    local _, err = release("publish", { content = "two" }, function(progress) return progress.pending[1] end)
    assert.same({ "file", "deploy", "none", 1, 1 }, { err.kind, err.stage, err.outcome, id(err.live), refusals })
    assert.same({ 0, false, true }, { world:count "deploy", account:may_have_changed(), account.finished })
    assert.equal("nothing was changed", account:sentences()[1])

    open { contents = { "one", "two" }, deployed = { 1, 2 } }
    _, err = release("rollback", {}, function(progress) return progress.pending[1] end)
    assert.same({ "file", "none", 0, 1 }, { err.kind, err.outcome, world:count "deploy", refusals })
    assert.same({ {}, false, "look" }, { account.pending, account:may_have_changed(), account.step })
    assert.equal("nothing was changed", account:sentences()[1])

    open()
    _, err = release("publish", { content = "two" }, function(progress) return progress.creating end)
    assert.same({ "file", "none", 0, 1 }, { err.kind, err.outcome, world:count "create", refusals })
    assert.equal("nothing was changed", account:sentences()[1])
  end)

  it("says what was made, and not that it was deployed", function()
    open()
    local _, err = release("publish", { content = "two" }, function(progress) return progress.pending[1] end)
    assert.same({ "file", 2, true, 1 }, { err.kind, id(err.version), err.rolled_back, refusals })
    assert.same({ true, {}, "create" }, { account.made, account.pending, account.step })
    assert.is_nil(account.changed)
  end)

  it("says nothing of old versions that were not to be deleted", function()
    open { contents = { "zero", "draft", "one" }, deployed = { 1, 3 } }
    local done = assert(release("publish", { content = "one", keep = 1 }, function(progress) return progress.deleting end))
    assert.same({ "unchanged", "file", 0, 1 }, { done.action, done.prune_error.kind, world:count "delete", refusals })
    assert.same({ "nothing was changed", false }, { account:sentences()[1], account:may_have_changed() })
  end)
end)

describe("an account of what the service refused", function()
  local account
  local function record(progress) account = progress end

  it("says nothing was changed", function()
    open()
    world:answer("create", 1, 422, { message = "no", errors = { content = { "no" } } })
    local _, err = world.versions:publish(1, { content = "two", record = record })
    assert.same({ "invalid", "none" }, { err.kind, err.outcome })
    assert.equal("nothing was changed", account:sentences()[1])

    open { contents = { "one", "two" }, deployed = { 1, 2 } }
    world:answer("deploy", 1, 403, { message = "no" })
    _, err = world.versions:rollback(1, { record = record })
    assert.same({ "forbidden", "none", {} }, { err.kind, err.outcome, account.pending })
    assert.equal("nothing was changed", account:sentences()[1])
  end)

  it("says that a version may have been made where the answer was lost", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", nil, "lost after")
    world:before("create", 1, function() world:fault("list", nil, "lost before") end)
    local _, err = world.versions:publish(1, { content = "two", record = record })
    assert.same({ "unknown", true }, { err.outcome, account.creating })
  end)

  it("says nothing of old versions where there were none to delete", function()
    open()
    assert(world.versions:publish(1, { content = "one", keep = 1, record = record }))
    assert.equal("nothing was changed", account:sentences()[1])
    open { contents = { "zero", "draft", "one" }, deployed = { 1, 3 } }
    assert(world.versions:publish(1, { content = "one", keep = 1, record = record }))
    assert.same({ 1, true }, { world:count "delete", account.deleting })
  end)
end)

describe("several questions at once", function()
  local function ask(questions)
    open()
    local job = world.require("patchworks.release.job").new(world.versions, "publish", "1")
    return job:ask(questions)
  end

  local function fails(kind)
    return function() return nil, world.require("patchworks.errors").new { kind = kind, message = "no" } end
  end

  it("give their values by index, or the first error", function()
    assert.same({ 1, 2 }, (ask { function() return 1 end, function() return 2 end }))
    assert.same({ 7 }, (ask { function() return 7 end }))
    assert.same({}, (ask { function() return nil end }))
    assert.equal("forbidden", select(2, ask { fails "forbidden" }).kind)
    local values, err = ask { function() return 1 end, fails "forbidden", fails "server" }
    assert.same({ "nil", "forbidden" }, { type(values), err.kind })
    assert.same({ true }, (ask { function() return true, errors.new { kind = "server", message = "no matter" } end }))
  end)

  it("raise what is nobody's answer, whichever comes first", function()
    for _, raised in ipairs { "broken", errors.new { kind = "listener", message = "broken listener" } } do
      local ok, problem = pcall(ask, { fails "forbidden", function() error(raised, 0) end })
      assert.same({ false, raised }, { ok, problem })
    end
  end)
end)

describe("a job's requests", function()
  local function job_of(given)
    return world.require("patchworks.release.job").new(world.versions, "publish", "1", given, given and given.timeout)
  end

  -- The seconds that a request would have, `wanted` being its own.
  local function seconds(given, wanted)
    return world.require("patchworks.time.deadline").seconds(job_of(given):options({ timeout = wanted }).timeout)
  end

  it("have what the caller gave for every call, and the time that is left of the whole", function()
    open { client = { max_attempts = 1 } }
    local given = { headers = { ["X-Trace"] = "7" }, attempt_timeout = 5, max_attempts = 2, on_event = function() end }
    local options = job_of(given):options { per_page = 3 }
    assert.same({ "7", 5, 2, 3 },
      { options.headers["X-Trace"], options.attempt_timeout, options.max_attempts, options.per_page })
    assert.is_truthy(options.on_event)
    assert.same({ 60, 9, 60, 7, 9 },
      { seconds {}, seconds { timeout = 9 }, seconds { timeout = 90 }, seconds({}, 7), seconds({ timeout = 9 }, 70) })
    open { client = { timeout = 200 } }
    assert.same({ 200, 199, 200 }, { seconds {}, seconds { timeout = 199 }, seconds { timeout = 300 } })
    local each = job_of { timeout = 5 }
    options = each:options()
    world.patchworks.sleep(3)
    assert.equal(2, options.timeout:left())
    world.patchworks.sleep(3)
    assert.equal(0, options.timeout:left())
  end)
end)

describe("a listing", function()
  it("is cancelled where the client is closed between two of its pages, and misuse after that", function()
    open { contents = { "one", "two", "three" } }
    local two = world.versions:list(1, { per_page = 1, read_ahead = 0 })
    local ok, err = closed_after(0.12, function()
      for _ in two do world.patchworks.sleep(0.1) end
    end)
    assert.is_false(ok)
    assert.same({ "cancelled", "list", "the client was closed", "none" }, { err.kind, err.operation, err.message, err.outcome })
    assert.matches("list: the client is closed", tostring(select(2, pcall(two.all, two))))
  end)
end)
