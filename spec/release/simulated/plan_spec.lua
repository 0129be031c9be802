-- Plans and what applying them says, on the simulated service: counts, texts, and what is passed on.
local cjson = require "cjson"
local simulated = require "spec.support.simulated"

local world

local function open(given) world = simulated(given) end

-- Scripts 1 to 3: nothing live, "old" live, "same" live.
local function open_three(more)
  local given = {
    scripts = { { id = 2, contents = { "old\n" }, deployed = { 1 } }, { id = 3, contents = { "same" }, deployed = { 1 } } },
  }
  for name, value in pairs(more or {}) do given[name] = value end
  open(given)
end

local manifest = {
  scripts = {
    { id = 1, name = "first", content = "new\n", test = { payload = "x", expect = "ran new\n" } },
    { id = 2, content = "changed\nmore\n", keep = 5 },
    { id = "3", name = "third", content = "same", test = { payload = "x" } },
  },
}

local function actions(list)
  local found = {}
  for i, each in ipairs(list) do found[i] = each.action end
  return found
end

describe("a plan", function()
  it("says for each script what publishing would do, with one request each", function()
    open_three()
    local plan = assert(world.client:plan(manifest))
    assert.equal("list list list", world:sent())
    assert.same({ { "create", "publish", "unchanged" }, 2, 2 }, { actions(plan.steps), plan.changes, plan.tests })
    assert.same({ { id = 1, script_id = 2, version = 1 }, 2, 1 }, { plan.steps[2].live, plan.steps[2].added, plan.steps[2].removed })
    assert.is_nil(plan.steps[1].live)
    assert.same({ "1", "first", "new\n" }, { plan.steps[1].id, plan.steps[1].name, plan.steps[1].content })
  end)

  it("is shown with a diff for each change", function()
    open_three()
    assert.equal(table.concat({
      "+ script 1 (first): nothing is deployed yet, +1 -0 (with a test)",
      "--- /dev/null\n+++ content\n@@ -0,0 +1 @@\n+new\n",
      "~ script 2: change of v1, +2 -1",
      "--- script 2 v1 (live)\n+++ content\n@@ -1 +1,2 @@\n-old\n+changed\n+more\n",
      "  script 3 (third): unchanged (with a test)",
      "2 to publish, 1 unchanged, 2 tests",
    }, "\n"), tostring(assert(world.client:plan(manifest))))
  end)

  it("gives the first error, with all that failed and whose they are", function()
    open_three()
    local plan, err = world.client:plan { scripts = {
      { id = 2, content = "x" },
      { id = 8, name = "eight", content = "x" },
      { id = 9, content = "x" },
    } }
    assert.is_nil(plan)
    assert.same({ "not_found", "plan", 404, 2 }, { err.kind, err.operation, err.status, #err.failures })
    assert.matches("^script 8 %(eight%): ", err.message)
    assert.same({ { id = "8", name = "eight" }, { id = "9" } }, { err.failures[1].item, err.failures[2].item })
    assert.equal("not_found", err.cause.kind)
    assert.matches("^script 9: ", err.failures[2].error.message)
    assert.equal("plan", err.failures[2].error.operation)
  end)

  it("gives the error of a source that it can't read", function()
    open_three()
    world:answer("list", nil, 200, { data = { { id = 1, version = 1, script_id = 2, status = "Deployed" } },
      meta = { current_page = 1, last_page = 1, total = 1 } })
    world:answer("get", 1, 403, { message = "no" })
    local plan, err = world.client:plan { scripts = { { id = 2, content = "x" } } }
    assert.same({ "nil", "forbidden" }, { type(plan), err.kind })
  end)

  it("asks 8 at a time where nothing is said, and tells its listener of each", function()
    for _, case in ipairs { { nil, 8 }, { 2, 2 } } do
      local seeds, scripts, heard = {}, {}, 0
      for i = 1, 12 do seeds[i], scripts[i] = { id = 10 + i }, { id = 10 + i, content = "x" } end
      open { scripts = seeds, client = { max_connections = 20 } }
      assert(world.client:plan({ scripts = scripts }, { concurrency = case[1], on_event = function(event)
        if event.type == "attempt" then heard = heard + 1 end
      end }))
      local at_once = 0
      for _, request in ipairs(world.requests) do
        if request.started < world.start + 0.05 then at_once = at_once + 1 end
      end
      assert.same({ 12, case[2] }, { heard, at_once })
    end
  end)

  it("keeps to its time, which is one for all", function()
    open_three()
    world:fault("list", 2, nil, { there = 60 })
    local plan, err = world.client:plan(manifest, { timeout = 3 })
    assert.same({ "nil", "timeout" }, { type(plan), err.kind })
    assert.equal(3, world:seconds())
    open_three()
    world:fault("list", 1, nil, { there = 2 })
    plan, err = world.client:plan(manifest, { timeout = 3, concurrency = 1 })
    assert(plan, tostring(err))
    open_three()
    world:fault("list", nil, nil, { there = 2 })
    plan, err = world.client:plan(manifest, { timeout = 3, concurrency = 1 })
    assert.same({ "nil", "timeout" }, { type(plan), err.kind })
    assert.is_true(world:seconds() < 3.1, world:seconds())
  end)

  it("raises what its listener raises, and what it isn't given", function()
    open_three()
    local ok, err = pcall(world.client.plan, world.client, manifest, { on_event = function() error "broken" end })
    assert.same({ false, "listener", "plan" }, { ok, err.kind, err.operation })
    assert.has_error(function() world.client:plan(manifest, { concurency = 1 }) end)
    assert.has_error(function() world.client:plan(7) end)
  end)
end)

describe("a plan that is kept", function()
  local function kept_of(change)
    local kept = cjson.decode(assert(world.client:plan(manifest)):save())
    change(kept)
    return cjson.encode(kept)
  end

  it("is the same when it is taken up", function()
    open_three()
    local plan = assert(world.client:plan(manifest))
    local kept = assert(world.client:load_plan(plan:save()))
    assert.same({ tostring(plan), plan.changes, plan.tests }, { tostring(kept), kept.changes, kept.tests })
    assert.equal(1, cjson.decode(plan:save()).patchworks_plan)
    plan = assert(world.client:plan { scripts = { { id = 1, content = "x", test = { payload = { a = 1 }, expect = {} } } } })
    local test = assert(world.client:load_plan(plan:save())).steps[1].test
    assert.same({ '{"a":1}', "table" }, { test.payload, test.compare })
  end)

  it("is no plan once anything of it is amiss", function()
    open_three()
    for name, change in pairs {
      format = function(kept) kept.patchworks_plan = 2 end,
      ["no steps"] = function(kept) kept.steps = nil end,
      ["steps are no list"] = function(kept) kept.steps = 7 end,
      ["a step is no table"] = function(kept) kept.steps[2] = "x" end,
      ["an id is a number"] = function(kept) kept.steps[1].id = 1 end,
      ["an id is no id"] = function(kept) kept.steps[1].id = "01" end,
      ["an id has more in it"] = function(kept) kept.steps[1].id = "1/2" end,
      ["no content"] = function(kept) kept.steps[1].content = nil end,
      ["another action"] = function(kept) kept.steps[1].action = "drop" end,
      ["created, with a live version"] = function(kept) kept.steps[1].live = { id = 1 } end,
      ["changed, with none"] = function(kept) kept.steps[2].live = nil end,
      ["live is no version"] = function(kept) kept.steps[2].live = { id = "x" } end,
      ["no diff"] = function(kept) kept.steps[2].diff = nil end,
      ["no count of what is added"] = function(kept) kept.steps[2].added = nil end,
      ["no count of what is removed"] = function(kept) kept.steps[2].removed = nil end,
      ["a test that is none"] = function(kept) kept.steps[3].test = "x" end,
    } do
      local plan, err = world.client:load_plan(kept_of(change))
      assert.is_nil(plan, name)
      assert.same({ "file", "load_plan", "make the plan again" }, { err.kind, err.operation, err.hint }, name)
    end
    assert.equal("step 2 of the plan is not what `save` gave", select(2, world.client:load_plan(kept_of(function(kept)
      kept.steps[2].content = 7
    end))).message)
    for _, text in ipairs { "", "7", "{}", "no JSON" } do
      assert.equal("this is no plan that `save` gave", select(2, world.client:load_plan(text)).message)
    end
    assert.matches("load_plan: text", tostring(select(2, pcall(world.client.load_plan, world.client, 7))))
  end)

  it("is a conflict for another service", function()
    open_three()
    local text = kept_of(function(kept) kept.base_url = "https://other.example" end)
    local plan, err = world.client:load_plan(text)
    assert.is_nil(plan)
    assert.same({ "conflict", "load_plan" }, { err.kind, err.operation })
    assert.matches("the plan was made for https://other.example, and this client calls https://simulated%-%d+.example", err.message)
  end)

  it("holds no function, and says whose it would be", function()
    open_three()
    local plan = assert(world.client:plan { scripts = {
      { id = 1, content = "x", test = { expect = "x" } },
      { id = 2, name = "second", content = "x", test = { expect = print } },
    } })
    local ok, message = pcall(plan.save, plan)
    assert.is_false(ok)
    assert.matches("save: script 2 %(second%): a function as `expect` can't be kept: use a text, a table or `expect_file`",
      tostring(message))
  end)
end)

describe("applying a plan", function()
  it("publishes, tests what is unchanged, and counts", function()
    open_three()
    local plan, events = assert(world.client:plan(manifest)), {}
    world:forget()
    local report = world.client:apply(plan, { on_event = function(event)
      if event.type == "script" then events[#events + 1] = ("%s %s of %d"):format(event.result.id, event.result.action, event.of) end
    end })
    assert.same({ 2, 1, 0, 2 }, { report.published, report.unchanged, report.failed, world:count "invoke" })
    assert.same({ "published", "published", "unchanged" }, actions(report.scripts))
    assert.same({ "1", "first", 1 }, { report.scripts[1].id, report.scripts[1].name, report.scripts[2].previous.id })
    table.sort(events)
    assert.same({ "1 published of 3", "2 published of 3", "3 unchanged of 3" }, events)
    assert.equal(table.concat({
      "published    script 1 (first)",
      "published    script 2",
      "unchanged    script 3 (third)",
      "2 published, 1 unchanged, 0 failed",
    }, "\n"), tostring(report))
  end)

  it("refuses what has moved, and goes on with the others", function()
    open_three()
    local plan = assert(world.client:plan(manifest))
    world:theirs("POST", "/scripts/2/script-versions", { content = "theirs" })
    world:theirs("POST", "/script-versions/3/invoke")
    world:theirs("POST", "/scripts/1/script-versions", { content = "theirs" })
    world:theirs("POST", "/script-versions/4/invoke")
    local report = world.client:apply(plan)
    assert.same({ { "failed", "failed", "unchanged" }, 0, 1, 2 },
      { actions(report.scripts), report.published, report.unchanged, report.failed })
    assert.same({ "conflict", "conflict" }, { report.scripts[1].error.kind, report.scripts[2].error.kind })
    assert.matches("failed       script 1 %(first%): .*somebody else has published", tostring(report))
    assert.matches("0 published, 1 unchanged, 2 failed$", tostring(report))
  end)

  it("tells whom it has overwritten, beside what went well and what failed", function()
    for _, test in ipairs { "ran changed\nmore\n", "something else" } do
      open_three()
      local plan = assert(world.client:plan { scripts = { { id = 2, content = "changed\nmore\n", test = { payload = "x", expect = test } } } })
      local theirs
      world:before("deploy", 1, function()
        theirs = world:theirs("POST", "/scripts/2/script-versions", { content = "theirs" })
        world:theirs("POST", ("/script-versions/%d/invoke"):format(theirs.id))
      end)
      local report = world.client:apply(plan)
      assert.equal(test == "something else" and 1 or 0, report.failed)
      assert.matches("\n             overwritten: somebody else's .*v3", tostring(report))
    end
  end)

  it("shows all that differs below what failed, each line once", function()
    open_three()
    world:answer("invoke", nil, 200, { payload = { a = 3, b = 4 } })
    local plan = assert(world.client:plan { scripts = { { id = 3, content = "same", test = { expect = { a = 1, b = 2 } } } } })
    local told = tostring(world.client:apply(plan))
    assert.matches("^failed       script 3: .*payload.a: expected 1, got 3", told)
    assert.matches("\n             payload.b: expected 2, got 4\n", told)
    assert.matches("\n             %-  \"a\": 1,\n", told)
    open_three()
    world:answer("invoke", nil, 200, { payload = { 5 } })
    plan = assert(world.client:plan { scripts = { { id = 3, content = "same", test = { expect = { 4 } } } } })
    told = tostring(world.client:apply(plan))
    assert.equal(1, (select(2, told:gsub("payload%[1%]: expected 4, got 5", ""))))
  end)

  it("keeps an error that was raised for its script", function()
    open_three()
    local plan = assert(world.client:plan { scripts = { { id = 1, name = "first", content = "new" }, { id = 2, content = "new" } } })
    local report = world.client:apply(plan, { record = function(account)
      error(account.script == "1" and "no disk" or 7, 0)
    end })
    assert.same({ { "failed", "failed" }, "no disk", 7, 2 },
      { actions(report.scripts), report.scripts[1].error, report.scripts[2].error, report.failed })
    assert.matches("^failed       script 1 %(first%): no disk\nfailed       script 2: 7\n", tostring(report))
  end)

  it("passes on what a publish takes, and each script's keep", function()
    open_three()
    local plan = assert(world.client:plan(manifest))
    world:forget()
    world:fault("deploy", nil, nil, {})
    local steps = 0
    local report = world.client:apply(plan, { interval = 0.5, max_interval = 0.5, headers = { ["X-Trace"] = "7" }, on_event = function(event)
      if event.type == "step" and event.step == "deploy" then steps = steps + 1 end
    end })
    assert.equal(2, steps)
    for _, request in ipairs(world.requests) do assert.matches("X%-Trace: 7", table.concat(request.header_lines, "\n")) end
    assert.same({}, report.scripts[2].pruned)
    assert.is_nil(report.scripts[1].pruned)
    local gets = 0
    for _, request in ipairs(world.requests) do
      if request.operation == "get" then gets = gets + 1 end
    end
    assert.equal(10, gets) -- two deployments of 2 s, each looked at every 0.55 s
    open_three()
    world.service.build_seconds = 1000
    report = world.client:apply(assert(world.client:plan(manifest)), { deploy_timeout = 5 })
    assert.same({ "timeout", 2 }, { report.scripts[1].error.kind, report.failed })
    assert.is_true(world:seconds() < 6, world:seconds())
    open_three()
    world:fault("list", nil, nil, { there = 3 })
    plan = assert(world.client:plan(manifest))
    report = world.client:apply(plan, { attempt_timeout = 2, max_attempts = 1 })
    assert.same({ 3, "timeout" }, { report.failed, report.scripts[1].error.kind })
    open_three()
    world.service.build_seconds = 60
    plan = assert(world.client:plan { scripts = { { id = 2, content = "changed" } } })
    world:forget()
    world.client:apply(plan, { interval = 0.5, max_interval = 2 })
    assert.is_true(world:count "get" > 30, world:count "get")
    open_three()
    world:fault("create", nil, "not connected")
    report = world.client:apply(assert(world.client:plan(manifest)), { max_attempts = 2 })
    assert.same({ 2, 4 }, { report.failed, world:count "create" })
  end)

  it("has one time for all, 8 at a time where nothing is said", function()
    open_three()
    world.service.build_seconds = 1000
    local report = world.client:apply(assert(world.client:plan(manifest)), { timeout = 4, concurrency = 1 })
    assert.same({ 3, "timeout", "timeout" }, { report.failed, report.scripts[1].error.kind, report.scripts[3].error.kind })
    assert.is_true(world:seconds() > 3.8 and world:seconds() < 4.6, world:seconds())
  end)

  it("takes nothing but a plan, and options that it knows", function()
    open_three()
    local plan = assert(world.client:plan(manifest))
    local ok, message = pcall(world.client.apply, world.client, { steps = {} })
    assert.is_false(ok)
    assert.matches("apply: expected what `plan` gave, got", tostring(message))
    assert.has_error(function() world.client:apply(plan, { concurency = 1 }) end)
    assert.has_error(function() world.client:apply(plan, { on_event = function() error "broken" end }) end)
  end)
end)
