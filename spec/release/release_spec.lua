-- Releases against the sandbox, which really runs the scripts; and what each costs in requests.
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"

local server, client, versions
local fast = 0.02

local function restart(options)
  if server then server:close() end
  options = options or {}
  options.deploy_seconds = options.deploy_seconds or 0
  server = assert(sandbox.start(options))
  client = server:client()
  versions = client.script_versions
end

before_each(function() restart() end)
after_each(function()
  client:close()
  server:close()
  server = nil
end)

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

-- Where a test isn't what matters there is none: each starts an interpreter.
local function publish(word, more)
  local given = { content = source(word), interval = fast }
  for name, value in pairs(more or {}) do given[name] = value end
  return versions:publish(1, given)
end

local function test_that_expects(expect) return { test = { payload = "x", expect = expect } } end

-- What is live before a spec begins.
local function make_live(word) return assert(publish(word)) end

-- The word that a caller of the script gets now: the service's flows take the version that was deployed last.
local function live_word()
  local live
  for version in versions:list(1, { filter = { is_deployed = true }, include = "content" }) do
    if not live or version.deployed_at > live.deployed_at then live = version end
  end
  return live and live.content.content:match "'payload': '(%w+)'"
end

local function operations()
  local list = {}
  for i, request in ipairs(server:requests()) do list[i] = request.operation end
  return table.concat(list, " ")
end

describe("deploy_and_wait", function()
  it("gives the deployed version", function()
    restart { deploy_seconds = 0.1 }
    local version = assert(versions:create(1, { content = "x = 1" }))
    assert.equal("Deployed", version:deploy_and_wait({ interval = fast }).status)
  end)

  it("tells a fresh failure from an old one", function()
    restart { deploy_seconds = 0.1 }
    local version = assert(versions:create(1, { content = "def (" }))
    local _, first = version:deploy_and_wait { interval = fast }
    local _, second = version:deploy_and_wait { interval = fast }
    assert.same({ "deployment_failed", "deployment_failed" }, { first.kind, second.kind })
    assert.is_true(second.version.deployment_failed_at > first.version.deployment_failed_at)
  end)

  it("reads once, deploys once, and looks at growing intervals", function()
    restart { deploy_seconds = 1000 }
    local version = assert(versions:create(1, { content = "x = 1" }))
    server:forget_requests()
    local slept = {}
    client._clock = setmetatable({ sleep = function(seconds)
      slept[#slept + 1] = seconds
      if #slept == 4 then server:advance(1001) end
      patchworks.sleep(0.03)
    end }, { __index = client._clock })
    assert(version:deploy_and_wait { interval = 1, max_interval = 2 })
    assert.same({ 1, 1, 1, 1 }, table.move(slept, 1, 4, 1, {})) -- more looks come where the build takes its time
    assert.equal("get deploy" .. (" get"):rep(#slept + 1), operations())
  end)
end)

describe("publish", function()
  it("makes a source live, and does nothing when it is", function()
    local done = make_live "one"
    assert.same({ "published", 1, nil }, { done.action, done.version.version, done.previous })
    server:forget_requests()
    local again = assert(publish("one", test_that_expects "one"))
    assert.same({ "unchanged", 1 }, { again.action, again.version.version })
    assert.equal("list list invoke", operations())
    assert.equal("one", live_word())
  end)

  it("costs six requests, the looks at the deployment, and the test", function()
    make_live "one"
    server:forget_requests()
    local done = assert(publish("two", test_that_expects "two"))
    assert.same({ "published", 1 }, { done.action, done.previous.version })
    local looks = server:count "get"
    assert.is_true(looks >= 1)
    assert.same({ 4, 1, 1, 1 }, { server:count "list", server:count "create", server:count "deploy", server:count "invoke" })
    assert.equal(6 + looks + 1, server:count())
  end)

  it("leaves what was live when the deployment fails, with the service's reason", function()
    make_live "one"
    local _, err = versions:publish(1, { content = "def (", interval = fast })
    assert.same({ "deployment_failed", "deploy", true, 1 }, { err.kind, err.stage, err.rolled_back, err.live.version })
    assert.truthy(err.message:find "SyntaxError")
    assert.equal("one", live_word())
  end)

  it("makes live again what was, when the smoke test fails", function()
    make_live "one"
    for _, expect in ipairs { "three", function() error "judge" end } do
      local _, err = publish("two", test_that_expects(expect))
      assert.same({ "test_failed", "test", true, 1 }, { err.kind, err.stage, err.rolled_back, err.live.version })
      assert.is_nil(err.rollback_error)
      assert.equal("one", live_word())
    end
  end)

  it("does so when the test raises or can't be run", function()
    make_live "one"
    local _, err = versions:publish(1, { content = "def handle(data): raise ValueError('no')", interval = fast, test = { payload = "x" } })
    assert.same({ "test", true }, { err.stage, err.rolled_back })
    assert.equal("one", live_word())
  end)

  it("says apart that the way back failed too", function()
    make_live "one"
    server:fail { operation = "deploy", how = "status", status = 409, every = 2, times = math.huge }
    local _, err = publish("two", test_that_expects "three")
    assert.same({ "test", false, "conflict", 2 }, { err.stage, err.rolled_back, err.rollback_error.kind, err.live.version })
  end)

  it("leaves a version whose test failed when asked, or when there is none to go back to", function()
    local _, err = publish("one", test_that_expects "two")
    assert.same({ "test", false }, { err.stage, err.rolled_back })
    assert.is_nil(err.rollback_error)
    make_live "three"
    _, err = publish("four", { test = { expect = "five" }, rollback = false })
    assert.same({ "test", false, "four" }, { err.stage, err.rolled_back, live_word() })
    assert.is_nil(err.rollback_error)
  end)

  it("takes up a draft that a run before it left", function()
    make_live "one"
    local draft = assert(versions:create(1, { content = source "two" }))
    server:forget_requests()
    local done = assert(publish "two")
    assert.equal(draft.id, done.version.id)
    assert.equal(0, server:count "create")
  end)

  it("finds a create again whose answer was lost", function()
    make_live "one"
    server:fail { operation = "create", how = "drop_after" }
    local done = assert(publish "two")
    assert.same({ "published", 2, 1 }, { done.action, done.version.version, server:count "create" - 1 })
    assert.equal(2, versions:list(1):count())
  end)

  it("is finished by another run after it was cut off anywhere", function()
    for _, operation in ipairs { "list", "create", "deploy", "get", "invoke" } do
      restart()
      make_live "one"
      server:fail { operation = operation, how = "status", status = 403, times = 1 }
      local tested = operation == "invoke" and test_that_expects "two" or nil
      local _, err = publish("two", tested)
      assert.truthy(err, operation)
      server:clear_faults()
      local done = assert(publish("two", tested))
      assert.is_true(done.action == "published" or done.action == "unchanged")
      assert.equal("two", live_word())
      assert.is_true(versions:list(1):count() <= 3, operation)
    end
  end)

  it("notices somebody else's publish in between, and doesn't overwrite it", function()
    make_live "one"
    local theirs
    local _, err = publish("mine", { record = function(progress)
      if not progress.creating then return end
      theirs = assert(versions:create(1, { content = source "theirs" }))
      assert(theirs:deploy())
      assert(theirs:wait { interval = fast })
    end })
    assert.equal("conflict", err.kind)
    assert.equal(theirs.id, err.live.id)
    assert.equal("theirs", live_word())
  end)

  it("doesn't take somebody else's version back when its own test fails", function()
    make_live "one"
    local _, err = publish("mine", { test = { expect = function()
      local theirs = assert(versions:create(1, { content = source "theirs" }))
      assert(theirs:deploy())
      assert(theirs:wait { interval = fast })
      return false
    end } })
    assert.same({ "test", false, 3 }, { err.stage, err.rolled_back, err.live.version })
    assert.equal("theirs", live_word())
  end)

  it("prunes with keep, and tells its steps", function()
    server:populate { script = 1, versions = 5 }
    for id = 1, 5 do assert(versions:deploy_and_wait(id, { interval = fast })) end
    local steps = {}
    local done = assert(publish("one", { keep = 2, test = { expect = "one" }, on_event = function(event)
      if event.type == "step" then steps[#steps + 1] = event.step end
    end }))
    assert.same({ "look", "create", "deploy", "test" }, { steps[1], steps[2], steps[3], steps[4] })
    assert.same({}, done.pruned)
    assert.same({ 4, "it is deployed" }, { #done.stays, done.stays[2].reason })
  end)

  it("changes nothing with dry_run", function()
    make_live "one"
    server:forget_requests()
    local done = assert(publish("two", { dry_run = true }))
    assert.same({ "would publish", 2, 1 }, { done.action, done.version.version, done.previous.version })
    assert.is_nil(done.version.id)
    assert.equal("list list", operations())
  end)

  it("checks what it is given, and sends nothing", function()
    for _, given in ipairs { {}, { content = "" }, { content = "x", tset = {} }, { content = "x", test = { expcet = 1 } },
      { content = "x", keep = -1 }, { content = "x", file = "y" } } do
      assert.has_error(function() versions:publish(1, given) end)
    end
    assert.equal(0, server:count())
  end)
end)

describe("rollback", function()
  it("goes back to what was live before, and to a version that is named", function()
    make_live "one"
    assert(publish "two")
    server:forget_requests()
    local done = assert(versions:rollback(1, { interval = fast }))
    assert.same({ "rolled back", 1, 2 }, { done.action, done.version.version, done.previous.version })
    assert.truthy(operations():find "^list deploy get")
    assert.truthy(operations():find " list$")
    assert.equal("one", live_word())
    done = assert(versions:rollback(1, { to = 2, interval = fast }))
    assert.equal(2, done.version.version)
    server:populate { script = 1, versions = 300 }
    server:populate { script = 2, versions = 1 }
    server:forget_requests()
    assert(versions:rollback(1, { dry_run = true }))
    assert.equal("list list list list", operations())
    local others = versions:list(2):first()
    assert.equal("not_found", select(2, versions:rollback(1, { to = others.id })).kind)
    assert.equal("unchanged", assert(versions:rollback(1, { to = 2 })).action)
    assert.equal("would roll back", assert(versions:rollback(1, { dry_run = true })).action)
    assert.equal("two", live_word())
  end)

  it("says when there is nothing to go back to", function()
    assert.equal("not_found", select(2, versions:rollback(1)).kind)
    make_live "one"
    assert.equal("not_found", select(2, versions:rollback(1)).kind)
    assert.equal("not_found", select(2, versions:rollback(1, { to = 999 })).kind)
  end)
end)

describe("prune", function()
  it("deletes what nobody needs: never a deployed one, nor the newest", function()
    server:populate { script = 1, versions = 10 }
    assert(versions:deploy_and_wait(2, { interval = fast }))
    assert(versions:deploy_and_wait(4, { interval = fast }))
    local plan = assert(versions:prune(1, { keep = 3, dry_run = true }))
    assert.same({ 5, 5, 0 }, { #plan.would_delete, plan.kept, server:count "delete" })
    server:forget_requests()
    local done = assert(versions:prune(1, { keep = 3 }))
    assert.same({ 5, 5, 5, 5 }, { #done.deleted, done.kept, server:count "delete", server:count "get" })
    local left = {}
    for version in versions:list(1) do left[#left + 1] = version.version end
    assert.same({ 10, 9, 8, 4, 2 }, left)
    assert.same({}, assert(versions:prune(1, { keep = 3 })).deleted)
  end)

  it("goes on past a failure, and tells of it", function()
    server:populate { script = 1, versions = 6 }
    server:fail { operation = "delete", how = "status", status = 409 }
    local _, err = versions:prune(1, { keep = 1 })
    assert.same({ "conflict", 4, 1 }, { err.kind, #err.deleted, #err.failures })
    assert.equal(2, versions:list(1):count())
  end)

  it("wants to be told how many to keep", function() assert.has_error(function() versions:prune(1, {}) end) end)
end)

describe("tail", function()
  local id
  before_each(function()
    server:populate { script = 1, versions = 1 }
    id = 1
  end)

  it("gives what comes after it began, each once", function()
    for i = 1, 150 do server:log(id, "old " .. i) end
    local seen = {}
    for entry in versions:tail(id, { interval = fast, timeout = 3, on_event = function(event)
      if event.type == "attempt" and #seen < 5 then server:log(id, "new " .. event.operation) end
    end }) do
      seen[#seen + 1] = entry
      if #seen == 5 then break end
    end
    assert.equal(5, #seen)
    local ids = {}
    for _, entry in ipairs(seen) do
      assert.truthy(entry.message:find "^new")
      assert.is_nil(ids[entry.id])
      ids[entry.id] = true
    end
  end)

  it("gives all from the start, in order, over pages that grow", function()
    for i = 1, 205 do server:log(id, "entry " .. i) end
    local count = 0
    for entry in versions:tail(id, { from = "start", interval = fast, timeout = 5 }) do
      count = count + 1
      assert.equal("entry " .. count, entry.message)
      if count == 205 then
        for i = 206, 320 do server:log(id, "entry " .. i) end
      end
      if count == 320 then break end
    end
    assert.equal(320, count)
  end)

  it("gives what is not older than a date", function()
    server:log(id, "old")
    server:advance(86400)
    server:log(id, "new")
    local date = os.date("!%Y-%m-%d", math.floor(server:now()))
    assert.equal("new", versions:tail(id, { from = date, timeout = 1, interval = fast })().message)
  end)

  it("asks one page a look, ends at its time, and raises what lasts", function()
    for i = 1, 250 do server:log(id, "x" .. i) end
    server:forget_requests()
    for _ in versions:tail(id, { interval = 0.1, timeout = 0.35 }) do error "nothing is due" end
    assert.is_true(server:count "logs" <= 5, server:count "logs")
    local queries = server:requests()
    assert.equal("page=3", queries[#queries].query)
    local ok, err = pcall(versions:tail(99, { timeout = 1 }))
    assert.same({ false, "not_found" }, { ok, err.kind })
  end)

  it("checks its options", function()
    assert.has_error(function() versions:tail(1, { from = "yesterday" }) end)
    assert.has_error(function() versions:tail "x" end)
    assert.has_error(function() versions:tail(1, { form = "start" }) end)
  end)
end)

describe("plan and apply", function()
  local function manifest(words)
    local scripts = {}
    for i, word in ipairs(words) do scripts[i] = { id = i == 1 and 1 or i + 6, content = source(word), name = word } end
    return { scripts = scripts }
  end

  it("show a diff, do it, and have nothing to do then", function()
    server:create_script { name = "second", language = "python" }
    make_live "one"
    server:forget_requests()
    local plan = assert(client:plan(manifest { "two", "three" }))
    assert.equal("list list", operations())
    assert.same({ 2, "publish", "create" }, { plan.changes, plan.steps[1].action, plan.steps[2].action })
    assert.truthy(plan.steps[1].diff:find("-def handle(data): return {'payload': 'one'}\n+def handle(data): return {'payload': 'two'}", 1, true))
    local report = client:apply(plan, { interval = fast })
    assert.same({ 2, 0, 0 }, { report.published, report.unchanged, report.failed })
    assert.equal("two", live_word())
    local again = client:apply(plan, { interval = fast })
    assert.same({ 0, 2, 0 }, { again.published, again.unchanged, again.failed })
    assert.equal(0, assert(client:plan(manifest { "two", "three" })).changes)
  end)

  it("refuse what moved on the service since the plan", function()
    make_live "one"
    local plan = assert(client:plan(manifest { "two" }))
    assert(publish "theirs")
    local report = client:apply(plan, { interval = fast })
    assert.same({ 1, "conflict" }, { report.failed, report.scripts[1].error.kind })
    assert.equal("theirs", live_word())
  end)

  it("read a manifest's file, with paths relative to it and nothing in its reach", function()
    local folder = scratch.folder()
    local function write(name, text) scratch.write(folder .. "/" .. name, text) end
    write("orders.py", source "file")
    write("manifest.lua", 'return { scripts = { { id = 1, file = "orders.py" } } }')
    assert.equal(1, assert(client:plan(folder .. "/manifest.lua")).changes)
    for _, text in ipairs { "os.exit(3)", "return 7", "return { scripts = {} }", "syntax error(", "return { scirpts = {} }",
 'return { scripts = { { id = "x", content = "y" } } }',
      'return { scripts = { { id = 1, content = "y", test = { expcet = 1 } } } }', 'return { scripts = { { id = 1, content = "y", keep = -1 } } }',
      'return { scripts = { { id = 1, content = "y" }, { id = "1", content = "z" } } }' } do
      write("manifest.lua", text)
      local ok, plan, problem = pcall(client.plan, client, folder .. "/manifest.lua")
      assert.is_false(ok and plan ~= nil, text)
      assert.is_string(ok and problem.message or plan)
    end
    scratch.remove(folder)
  end)

  it("100 scripts at concurrency 16 with a twentieth of the answers failing: all end published; again: no change", function()
    local scripts = {}
    for i = 1, 100 do
      local made = server:create_script { name = "script " .. i, language = "python" }
      scripts[i] = { id = made.id, content = source "one", test = i == 100 and { payload = "x", expect = "one" } or nil }
    end
    client:close()
    client = server:client { max_connections = 16, max_attempts = 6 }
    server:fail { how = "status", status = 502, every = 20, times = math.huge }
    local rounds, report = 0
    repeat
      rounds = rounds + 1
      local plan = assert(client:plan({ scripts = scripts }, { concurrency = 16 }))
      report = client:apply(plan, { concurrency = 16, interval = fast })
    until report.failed == 0 or rounds == 5
    assert.equal(0, report.failed, tostring(report))
    server:clear_faults()
    for _, script in ipairs(scripts) do
      local made = client.script_versions:list(script.id):all()
      assert.same({ 1, "Deployed" }, { #made, made[1].status })
    end
    server:forget_requests()
    local plan = assert(client:plan({ scripts = scripts }, { concurrency = 16 }))
    local again = client:apply(plan)
    -- A look at each, which is 1 request, to plan; another, which is 2, to apply; and the test.
    assert.same({ 0, 100, 100 + 200 + 1 }, { again.published, again.unchanged, server:count() })
  end)
end)

describe("diff", function()
  local diff = require "patchworks.release.diff"

  -- The judge is patch(1)'s cousin in Python: what it says must bring the old text to the new.
  it("is what diff says, on many random texts", function()
    math.randomseed(7)
    for _ = 1, 60 do
      local function text()
        local lines = {}
        for i = 1, math.random(0, 30) do lines[i] = string.char(96 + math.random(5)) end
        return #lines > 0 and table.concat(lines, "\n") .. "\n" or ""
      end
      local old, new = text(), text()
      local unified, added, removed = diff.unified(old, new, "old", "new")
      -- Applied by hand: kept and removed lines must be the old text's, in place.
      local old_lines, out, at = {}, {}, 1
      for line in old:gmatch "([^\n]*)\n" do old_lines[#old_lines + 1] = line end
      local plus, minus = 0, 0
      for line in unified:gmatch "([^\n]*)\n" do
        local first, count = line:match "^@@ %-(%d+),?(%d*) %+"
        if first then
          local stop = tonumber(first) + (count == "0" and 1 or 0)
          while at < stop do
            out[#out + 1], at = old_lines[at], at + 1
          end
        elseif not line:find "^%-%-%- " and not line:find "^%+%+%+ " then
          local mark, rest = line:sub(1, 1), line:sub(2)
          if mark == "+" then
            out[#out + 1], plus = rest, plus + 1
          else
            assert.equal(old_lines[at], rest)
            at = at + 1
            if mark == " " then out[#out + 1] = rest else minus = minus + 1 end
          end
        end
      end
      while at <= #old_lines do
        out[#out + 1], at = old_lines[at], at + 1
      end
      assert.equal(new, #out > 0 and table.concat(out, "\n") .. "\n" or "")
      assert.same({ added, removed }, { plus, minus })
    end
  end)

  it("is empty for the same text, and ends for texts that have nothing in common", function()
    assert.equal("", (diff.unified("a\n", "a\n", "x", "y")))
    local left, right = {}, {}
    for i = 1, 3000 do left[i], right[i] = "l" .. i, "r" .. i end
    local _, added, removed = diff.unified(table.concat(left, "\n"), table.concat(right, "\n"), "x", "y")
    assert.same({ 3000, 3000 }, { added, removed })
  end)
end)
