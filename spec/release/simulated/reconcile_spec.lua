-- A create that is looked for when its answer is lost: which version is taken, how often it looks, and when it stops.
local simulated = require "spec.support.simulated"

local world

local function open(given) world = simulated(given) end

local function create(content, more)
  local given = { content = content, reconcile = true }
  for name, value in pairs(more or {}) do given[name] = value end
  return world.versions:create(1, given)
end

local function sources(count)
  local list = {}
  for i = 1, count do list[i] = "old " .. i end
  return list
end

local function version(number, content, more)
  local fields = { id = number, version = number, script_id = 1, status = "Draft", content = content and { content = content } }
  for name, value in pairs(more or {}) do fields[name] = value end
  return fields
end

local function page(versions, number, last)
  return { data = versions, meta = { current_page = number or 1, last_page = last or 1, total = 1000 } }
end

local function queries()
  local list = {}
  for _, request in ipairs(world.requests) do
    if request.operation == "list" then
      list[#list + 1] = ("%s/%s%s"):format(request.query.page or 1, request.query.per_page, request.query.include and " content" or "")
    end
  end
  return list
end

-- When each request of an operation began, in seconds.
local function times(operation)
  local list = {}
  for _, request in ipairs(world.requests) do
    if request.operation == operation then list[#list + 1] = math.floor((request.started - world.start) * 100 + 0.5) / 100 end
  end
  return list
end

describe("a reconciled create", function()
  it("looks for the newest number, and creates", function()
    open { contents = { "a", "b", "c" } }
    local made, response = create "d"
    assert.same({ 4, 201, "list create" }, { made.version, response.status, world:sent() })
    assert.same({ "1/2" }, queries())
  end)

  it("passes on what a create takes, and its own options to every request", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, "lost after")
    local heard = {}
    assert(create("d", { on_event = function(event)
      if event.type == "attempt" then heard[#heard + 1] = event.operation end
    end }))
    assert.equal("list create list", table.concat(heard, " "))
  end)

  it("gives what was made, without its source, and the response that it came in", function()
    open { contents = { "a", "mine" }, client = { max_attempts = 1 } }
    world:fault("create", 1, "lost after")
    local made, response = create "mine"
    assert.same({ 3, 200, "list create list" }, { made.version, response.status, world:sent() })
    assert.is_nil(made.content)
    assert.same({ "1/2", "1/100 content" }, queries())
  end)

  it("takes the oldest that is new and has the content", function()
    open { contents = { "mine" }, client = { max_attempts = 1 } }
    world:fault("create", 1, "lost after")
    world:before("list", 2, function()
      world:theirs("POST", "/scripts/1/script-versions", { content = "mine" })
      world:theirs("POST", "/scripts/1/script-versions", { content = "other" })
    end)
    assert.equal(2, assert(create "mine").version)
  end)

  it("reads on while a page has any that is new, and no further", function()
    open { contents = sources(150), client = { max_attempts = 1 } }
    world:fault("create", 1, "lost after")
    world:before("list", 2, function()
      for i = 1, 120 do world:theirs("POST", "/scripts/1/script-versions", { content = "their " .. i }) end
    end)
    assert.equal(151, assert(create "mine").version)
    assert.same({ "1/2", "1/100 content", "2/100 content" }, queries())
  end)

  it("reads all pages where the service lists the oldest first", function()
    open { contents = sources(150), client = { max_attempts = 1 }, habits = { order = "rising" } }
    world:fault("create", 1, "lost after")
    assert.equal(151, assert(create "mine").version)
    assert.same({ "1/2", "75/2", "1/100 content", "2/100 content" }, queries())
  end)

  it("reads no page twice, and none that holds nothing new", function()
    open { contents = { "a", "b" }, habits = { order = "rising" } }
    assert(create "mine")
    assert.same({ "1/2" }, queries())
    open { contents = sources(150), client = { max_attempts = 1 } }
    world:fault("create", 1, "lost before")
    world:before("list", 2, function()
      for i = 1, 99 do world:theirs("POST", "/scripts/1/script-versions", { content = "their " .. i }) end
    end)
    create("mine", { max_attempts = 1 })
    assert.same({ "1/2", "1/100 content", "1/100 content" }, queries())
    open {}
    world:answer("list", 1, 200, page({ version(1), version(2) }, 1, 9))
    world:answer("list", 2, 200, page({ version(13) }, 9, 7))
    assert(create "mine")
    assert.same({ "1/2", "9/2" }, queries())
  end)

  it("ends by its deadline where both pages of a rising list are slow", function()
    open { contents = { "a", "b", "c" }, habits = { order = "rising" } }
    world:fault("list", 1, "slow", { seconds = 3 })
    world:fault("list", 2, "slow", { seconds = 4 })
    local _, err = create("mine", { timeout = 5 })
    assert.same({ "timeout", "none", 0 }, { err.kind, err.outcome, world:count "create" })
    assert.is_true(world.clock.time - world.start <= 5.002)
  end)

  it("finds the newest number of a rising list though its last page is gone by then", function()
    open { client = { max_attempts = 1 } }
    world:answer("list", 1, 200, page({ version(1), version(2) }, 1, 9))
    world:answer("list", 2, 200, page({}, 9, 7))
    world:answer("list", 3, 200, page({ version(13) }, 7, 7))
    world:answer("create", 1, 200, { data = version(14) })
    assert.equal(14, assert(create "mine").version)
    assert.same({ "1/2", "9/2", "7/2" }, queries())
    for _, broken in ipairs { 1, 2, 3 } do
      open { client = { max_attempts = 1 } }
      world:answer("list", 1, 200, page({ version(1), version(2) }, 1, 9))
      world:answer("list", 2, 200, page({}, 9, 7))
      world:answer("list", broken, 403, { message = "no" })
      local _, err = create "mine"
      assert.same({ "forbidden", "none", 0 }, { err.kind, err.outcome, world:count "create" })
    end
  end)

  it("takes nothing of a rising list that is not newer than its last page", function()
    open { client = { max_attempts = 1 } }
    world:answer("list", 1, 200, page({ version(1), version(2) }, 1, 2))
    world:answer("list", 2, 200, page({ version(3) }, 2, 2))
    world:fault("create", 1, "lost before")
    world:answer("list", 3, 200, page { version(1, "a"), version(2, "b"), version(3, "mine"), version(4, "mine") })
    assert.equal(4, assert(create "mine").id)
  end)

  it("reads the last page of one that is empty and says that there are none before", function()
    open { client = { max_attempts = 1 } }
    world:answer("list", 1, 200, page({ version(1), version(2) }, 1, 3))
    world:answer("list", 2, 200, page({}, 3, 3))
    assert.equal("list list create", (create "mine") and world:sent())
  end)

  it("gives what a falling first page tells, however many pages there are", function()
    open { contents = sources(9), client = { max_attempts = 1 } }
    assert(create "mine")
    assert.same({ "1/2" }, queries())
  end)

  it("looks again a second later, and creates again where there is none", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, "lost before")
    assert.equal(1, assert(create("mine", { max_attempts = 2 })).version)
    assert.equal("list create list list create", world:sent())
    local at, made = times "list", times "create"
    assert.is_true(at[2] - made[1] < 0.1, at[2] - made[1])
    assert.equal(1.05, math.floor((at[3] - at[2]) * 100 + 0.5) / 100)
  end)

  it("looks once more, three seconds later, where the answer did not come in time", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, "late", { seconds = 8, gives_up = 60 })
    local made = assert(create("mine", { attempt_timeout = 5, max_attempts = 2 }))
    assert.equal(1, made.version)
    local at, count = times "list", world:count "list"
    assert.same({ 4, 1 }, { count, world:count "create" })
    for k, wanted in ipairs { 5.05, 1.05, 3.05 } do
      assert.equal(wanted, math.floor((at[k + 1] - at[k]) * 100 + 0.5) / 100)
    end
  end)

  it("creates no more often than max_attempts says", function()
    for _, most in ipairs { 1, 3 } do
      open {}
      world:fault("create", nil, "lost before")
      local made, err = create("mine", { max_attempts = most, timeout = 100 })
      assert.is_nil(made)
      assert.same({ "network", "unknown", most }, { err.kind, err.outcome, world:count "create" })
    end
  end)

  it("does not create again where it had no time to look", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", nil, "lost before")
    local _, err = create("mine", { timeout = 0.9, max_attempts = 5 })
    assert.same({ "network", "unknown", 1 }, { err.kind, err.outcome, world:count "create" })
    assert.is_true(world:seconds() <= 0.9, world:seconds())
  end)

  it("creates again as long as there is time", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", nil, "lost before")
    create("mine", { timeout = 2, max_attempts = 5 })
    assert.equal(2, world:count "create")
    open { client = { max_attempts = 1 } }
    world:fault("list", 1, nil, { there = 2 })
    world:fault("create", 1, nil, { there = 50 })
    local _, err = create("mine", { timeout = 5, attempt_timeout = 60 })
    assert.same({ "timeout", 5 }, { err.kind, world:seconds() })
  end)

  it("reads its source from a file", function()
    local name = os.tmpname()
    local file <close> = assert(io.open(name, "w"))
    file:write "from a file"
    file:flush()
    open {}
    assert(world.versions:create(1, { file = name, reconcile = true }))
    os.remove(name)
    assert.equal("from a file", world:version(1).content)
  end)

  it("raises what its listener raises, and creates once", function()
    open {}
    local ok, err = pcall(create, "mine", { on_event = function(event)
      if event.operation == "create" then error "broken" end
    end })
    assert.is_false(ok)
    assert.matches("broken", tostring(err))
    assert.equal(1, world:count "create")
  end)

  it("is left open where the client is closed while it looks", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, "lost before")
    local err
    world.patchworks.run(function(tasks)
      local task = tasks:spawn(function() err = select(2, create "mine") end)
      world.patchworks.sleep(0.5)
      world.client:close()
      task:join()
    end)
    assert.same({ "cancelled", "unknown", true }, { err.kind, err.outcome, err.progress.creating })
  end)

  it("goes by the look that a release has taken", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, "lost after")
    assert.equal(1, assert(world.versions:publish(1, { content = "mine" })).version.version)
    assert.equal(1, world:count "create")
    open { contents = { "two", "one" }, deployed = { 2 }, client = { max_attempts = 1 } }
    world:fault("create", 1, "lost before")
    assert.equal(3, assert(world.versions:publish(1, { content = "two", max_attempts = 2 })).version.version)
  end)

  it("creates nothing once its time is up", function()
    open {}
    local _, err = create("mine", { timeout = 0.5, on_event = function(event)
      if event.operation == "list" and event.type == "attempt" then world.patchworks.sleep(1) end
    end })
    assert.same({ "timeout", "none", "the time was up before the version was created", "create", 0 },
      { err.kind, err.outcome, err.message, err.operation, world:count "create" })
  end)

  it("gives a refusal as it is; after a lost answer it leaves the outcome open", function()
    open {}
    world:answer("create", 1, 422, { message = "no" })
    local _, err = create "mine"
    assert.same({ "invalid", "none", "list create" }, { err.kind, err.outcome, world:sent() })
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, "lost before")
    world:answer("create", 2, 422, { message = "no" })
    _, err = create("mine", { max_attempts = 3 })
    assert.same({ "invalid", "unknown", 2 }, { err.kind, err.outcome, world:count "create" })
    assert.equal("none", err.cause.outcome)
  end)

  it("says that looking for it failed too", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, "lost after")
    world:answer("list", 2, 403, { message = "no" })
    local _, err = create "mine"
    assert.same({ "network", "unknown" }, { err.kind, err.outcome })
    assert.matches("^looking for it failed too: .*forbidden", err.hint)
  end)

  it("takes no list for one that has another script's versions in it", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, "lost after")
    world:answer("list", 2, 200, page { version(1, "mine", { script_id = 2 }) })
    local _, err = create "mine"
    assert.same({ "network", "unknown" }, { err.kind, err.outcome })
    assert.matches("which is of script 2, for script 1", err.hint)
  end)

  it("takes no answer for one that names no version of this script, but looks for it", function()
    for _, data in ipairs { {}, version(7, nil, { script_id = 2 }) } do
      open { client = { max_attempts = 1 } }
      world:before("create", 1, function() world:theirs("POST", "/scripts/1/script-versions", { content = "mine" }) end)
      world:answer("create", 1, 201, { data = data })
      assert.equal(1, assert(create "mine").id)
      assert.equal(1, world:count "create")
    end
    open { client = { max_attempts = 1 } }
    world:answer("create", nil, 201, { data = version(7, nil, { script_id = 2 }) })
    local _, err = create("mine", { max_attempts = 1 })
    assert.same({ "protocol", "unknown", 201 }, { err.kind, err.outcome, err.status })
  end)

  it("takes no version for made that was there before, where it has looked", function()
    open { contents = { "one" }, deployed = { 1 }, client = { max_attempts = 1 } }
    world:answer("create", nil, 201, { data = version(1) })
    local _, err = world.versions:publish(1, { content = "two", max_attempts = 1 })
    assert.same({ "protocol", "unknown", 0 }, { err.kind, err.outcome, world:count "deploy" })
    assert.matches("says that it made .*v1.*, which was there before$", err.message)
  end)

  it("is not told of what cancels it later as done, nor as not done", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, "lost before")
    local ok, err
    world.patchworks.run(function(tasks)
      local task = tasks:spawn(create, "mine", { max_attempts = 5 })
      world.patchworks.sleep(0.5)
      task:cancel()
      ok, err = task:join()
    end)
    assert.is_falsy(ok)
    assert.same({ "cancelled", "unknown", "network" }, { err.kind, err.outcome, err.cause.kind })
  end)

  it("is cancelled as not done before anything has gone out, and after a refusal", function()
    open { client = { max_attempts = 1 } }
    local err
    world.patchworks.run(function(tasks)
      local task = tasks:spawn(create, "mine")
      world.patchworks.sleep(0.02)
      task:cancel()
      err = select(2, task:join())
    end)
    assert.same({ "cancelled", "none" }, { err.kind, err.outcome })
  end)

  it("checks what it is given, before it looks", function()
    open {}
    assert.has_error(function() create "" end)
    assert.has_error(function() create("x", { cnotent = 1 }) end)
    local made, err = world.versions:create(1, { file = "/nowhere/at/all.py", reconcile = true })
    assert.is_nil(made)
    assert.same({ "file", "create" }, { err.kind, err.operation })
    assert.equal("", world:sent())
  end)
end)

describe("creates of one process", function()
  -- Two creates of the same content at once, by their answers' faults.
  local function two(first, second)
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, first)
    world:fault("create", 2, second)
    return world:all({ 1, 2 }, function() return create "twins" end)
  end

  it("are given two versions, whoever's answer is lost", function()
    for _, faults in ipairs { { "lost after", "lost after" }, { "lost after", nil }, { nil, "lost after" } } do
      local results = two(faults[1], faults[2])
      assert.same({ 3, 2 }, { results[1].id + results[2].id, world:count "create" })
    end
  end)

  it("are given two versions though both find one while they read further pages", function()
    open { contents = sources(150), client = { max_attempts = 1 } }
    world:before("create", 1, function()
      for i = 1, 120 do world:theirs("POST", "/scripts/1/script-versions", { content = "their " .. i }) end
    end)
    world:fault("create", nil, "lost after")
    local results = world:all({ 1, 2 }, function() return create "twins" end)
    table.sort(results, function(left, right) return left.id < right.id end)
    assert.same({ 271, 272, 2 }, { results[1].id, results[2].id, world:count "create" })
  end)

  it("wait for a plain one of the same script, which may have made what is found", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, nil, { back = 3 })
    world:fault("create", 2, "lost before")
    local results = world:all({ true, false }, function(plain)
      if plain then return world.versions:create(1, { content = "twins" }) end
      world.patchworks.sleep(0.01)
      return create("twins", { max_attempts = 3 })
    end)
    assert.same({ 1, 2, 3 }, { results[1].id, results[2].id, world:count "create" })
    local lists = times "list"
    assert.is_true(lists[2] >= 3 and lists[2] < 3.3, lists[2])
  end)

  it("wait for none of another script, nor of another service", function()
    open { client = { max_attempts = 1 }, scripts = { { id = 2 } } }
    world:fault("create", 1, nil, { back = 9 })
    world:fault("create", 2, "lost after")
    world:all({ 2, 1 }, function(script)
      if script == 2 then return world.versions:create(2, { content = "x" }) end
      world.patchworks.sleep(0.01)
      assert(create "x")
      assert.is_true(world:seconds() < 2, world:seconds())
      return true
    end)
  end)

  it("give up waiting for a plain one at the end of their time", function()
    open { client = { max_attempts = 1 } }
    world:fault("create", 1, nil, { back = 9 })
    world:fault("create", 2, "lost after")
    world:all({ true, false }, function(plain)
      if plain then return world.versions:create(1, { content = "twins" }) end
      world.patchworks.sleep(0.01)
      local made, err = create("twins", { timeout = 3, max_attempts = 3 })
      assert.is_nil(made)
      assert.same({ "network", "unknown" }, { err.kind, err.outcome })
      assert.is_true(world:seconds() > 2.5 and world:seconds() <= 3.02, world:seconds())
      return made
    end)
    assert.equal(2, world:count "create")
  end)

  it("are told when another has taken what they were said to have made", function()
    open { client = { max_attempts = 1 } }
    world:answer("create", nil, 201, { data = version(1) })
    local errs = {}
    world:all({ 1, 2 }, function()
      local made, err = create("twins", { max_attempts = 1 })
      if not made then errs[#errs + 1] = err end
      return true
    end)
    assert.same({ 1, "conflict", "another call of this process has taken the version that this one made" },
      { #errs, errs[1].kind, errs[1].message })
  end)

  it("take what is free again once all have ended", function()
    open { client = { max_attempts = 1 } }
    assert.equal(1, assert(create "x").id)
    world:answer("create", 2, 201, { data = version(1) })
    assert.equal(1, assert(create "x").id)
  end)
end)

describe("the claims of creates", function()
  local claims = require "patchworks.release.claims"
  local here, elsewhere = { base_url = "https://here" }, { base_url = "https://elsewhere" }

  it("are shared by the creates of one script of one service, while any is under way", function()
    local first, second = claims.enter(here, 1, true), claims.enter(here, "1", true)
    first:take { id = 7 }
    assert.is_true(second.ids[7])
    for _, other in ipairs { claims.enter(here, 2, true), claims.enter(elsewhere, 1, true) } do
      assert.is_nil(other.ids[7])
      other:__close()
    end
    first:__close()
    local third = claims.enter(here, 1, true)
    assert.is_true(third.ids[7])
    second:__close()
    third:__close()
    local fourth = claims.enter(here, 1, true)
    assert.is_nil(fourth.ids[7])
    fourth:__close()
  end)

  it("are kept while a plain one is under way, and closing an old one again takes nothing away", function()
    local first, plain = claims.enter(here, 1, true), claims.enter(here, 1, false)
    first:take { id = 7 }
    first:__close()
    local second = claims.enter(here, 1, true)
    assert.is_true(second.ids[7])
    second:__close()
    plain:__close()
    local third = claims.enter(here, 1, true)
    third:take { id = 8 }
    first:__close()
    local fourth = claims.enter(here, 1, true)
    assert.is_true(fourth.ids[8])
    third:__close()
    fourth:__close()
  end)

  it("are open while a plain create is under way, and not for reconciled ones", function()
    local claim = claims.enter(here, 1, true)
    assert.is_false(claim:is_open())
    do
      local plain <close> = claims.enter(here, 1, false)
      assert.is_true(claim:is_open() and plain:is_open())
    end
    assert.is_false(claim:is_open())
    claims.enter(here, 1, false)
    collectgarbage()
    collectgarbage()
    assert.is_false(claim:is_open(), "one that was abandoned in the middle is forgotten")
    claim:__close()
  end)
end)
