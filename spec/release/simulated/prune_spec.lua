-- What pruning spares, and why, to the day; and what it says when it fails.
local simulated = require "spec.support.simulated"
local service = require "spec.simulation.service"

local world
local day = 86400

local function open(given) world = simulated(given) end

local function date_of(seconds) return os.date("!%Y-%m-%dT%H:%M:%S.000000Z", math.floor(service.wall(world.clock.time) + seconds)) end

local function show(number, fields)
  for name, value in pairs(fields) do world.service.versions[number][name] = value end
end

local function numbers(list)
  local found = {}
  for i, version in ipairs(list) do found[i] = version.version end
  return found
end

local function reasons(stays)
  local found = {}
  for _, each in ipairs(stays) do found[each.version.version] = each.reason end
  return found
end

local function prune(given) return world.versions:prune(1, given) end

describe("prune", function()
  it("deletes the oldest first, each after one more look, and 4 at a time", function()
    open { contents = { "a", "b", "c", "d", "e", "f", "g" }, deployed = { 7 } }
    local steps, most, running = {}, 0, 0
    for k = 1, 6 do
      world:before("get", k, function()
        running = running + 1
        most = math.max(most, running)
      end)
      world:before("delete", k, function() running = running - 1 end)
    end
    local done = assert(prune { keep = 1, on_event = function(event)
      if event.type == "step" then steps[#steps + 1] = event.step .. " " .. event.version.version end
    end })
    assert.same({ 1, 2, 3, 4, 5, 6 }, numbers(done.deleted))
    assert.same({ 1, {}, 4 }, { done.kept, done.stays, most })
    assert.equal("delete 1", steps[1])
    assert.equal(6, #steps)
    assert.same({ 1, 6, 6 }, { world:count "list", world:count "get", world:count "delete" })
    for _, request in ipairs(world.requests) do assert.is_nil(request.query.include) end
  end)

  it("takes one at a time where that is asked for", function()
    open { contents = { "a", "b", "c" } }
    assert(prune { keep = 1, concurrency = 1 })
    assert.equal("list get delete get delete", world:sent())
  end)

  it("keeps so many of the newest whatever they are", function()
    open { contents = { "a", "b", "c", "d" } }
    local plan = assert(prune { keep = 2, dry_run = true })
    assert.same({ { 1, 2 }, { 4, 3 } }, { numbers(plan.would_delete), numbers(plan.newest) })
    local done = assert(prune { keep = 0, dry_run = true })
    assert.same({ { 1, 2, 3, 4 }, 0, {} }, { numbers(done.would_delete), done.kept, done.deleted })
    assert.equal(0, world:count "delete")
    done = assert(prune { keep = 3 })
    assert.same({ { 1 }, 3 }, { numbers(done.deleted), done.kept })
  end)

  it("spares what is deployed, what is being deployed, and what rollback would take", function()
    open { contents = { "a", "b", "c", "d", "e" }, deployed = { 1, 2, 3 }, days = 40 }
    world:theirs("POST", "/script-versions/4/deploy")
    local done = assert(prune { keep = 0, ever_deployed = true, dry_run = true })
    assert.same({ "it is deployed", "rollback would go back to it", "it is deployed", "it is being deployed" },
      reasons(done.stays))
    assert.same({ 5 }, numbers(done.would_delete))
  end)

  it("spares what was in use within 30 days, and takes the day before that", function()
    for _, case in ipairs { { -30 * day + 5, false }, { -30 * day - 5, true } } do
      open { contents = { "a", "b", "c" }, deployed = { 3 } }
      show(1, { invoked_text = date_of(case[1]) })
      local done = assert(prune { keep = 1, dry_run = true })
      assert.same(case[2] and { 1, 2 } or { 2 }, numbers(done.would_delete))
      assert.same(case[2] and {} or { "it was in use within 30 days" }, reasons(done.stays))
    end
  end)

  it("spares what was ever live, unless that is asked for", function()
    open { contents = { "a", "b", "c", "d" }, deployed = { 1, 2, 3, 4 }, days = 40, habits = { deployed_together = false } }
    local done = assert(prune { keep = 1, dry_run = true })
    assert.same({ "it was live once", "it was live once", "rollback would go back to it" }, reasons(done.stays))
    done = assert(prune { keep = 1, ever_deployed = true })
    assert.same({ 1, 2 }, numbers(done.deleted))
  end)

  it("spares what was deployed last where nothing is deployed any more", function()
    open { contents = { "a", "b", "c", "d" }, deployed = { 1, 2, 3 }, days = 40 }
    for number = 1, 3 do show(number, { status = "Inactive" }) end
    local done = assert(prune { keep = 1, ever_deployed = true, dry_run = true })
    assert.same({ [2] = "rollback would go back to it", [3] = "it was deployed last" }, reasons(done.stays))
    assert.same({ 1 }, numbers(done.would_delete))
  end)

  it("goes by the service's time where this machine's clock is behind", function()
    open { contents = { "a", "b", "c" }, deployed = { 3 } }
    show(1, { invoked_text = date_of(0) })
    show(2, { created = date_of(40 * day) })
    assert.same({ 1, 2 }, numbers(assert(prune { keep = 1, dry_run = true }).would_delete))
    show(2, { created = date_of(0) })
    show(3, { invoked_text = date_of(40 * day) })
    assert.same({ 1, 2 }, numbers(assert(prune { keep = 1, dry_run = true }).would_delete))
  end)

  it("goes by the date of the answer right before it deletes, where this machine's clock is ahead", function()
    open { contents = { "a", "b" }, deployed = { 2 } }
    show(1, { invoked_text = date_of(-40 * day) })
    world:before("get", 1, function(request) request.headers_with = "Date: " .. os.date("!%a, %d %b %Y %H:%M:%S GMT",
      math.floor(service.wall(world.clock.time) - 20 * day)) .. "\r\n" end)
    local done = assert(prune { keep = 1 })
    assert.same({ 0, "it was in use within 30 days" }, { #done.deleted, reasons(done.stays)[1] })
  end)

  it("spares what was deployed since its first look", function()
    open { contents = { "a", "b", "c" }, deployed = { 3 } }
    world:before("get", 1, function() show(1, { deployed_text = date_of(-40 * day) }) end)
    local done = assert(prune { keep = 1, concurrency = 1, ever_deployed = true })
    assert.same({ { 2 }, "it was deployed meanwhile", 2 }, { numbers(done.deleted), reasons(done.stays)[1], done.kept })
  end)

  it("hands each source over before it goes, and keeps what can't be saved", function()
    open { contents = { "a", "b", "c", "d", "e" }, deployed = { 5 } }
    local saved = {}
    local done = assert(prune { keep = 1, concurrency = 1, save = function(version, source)
      if version.version == 2 then return nil, "no room" end
      if version.version == 3 then error("no folder", 0) end
      saved[version.version] = source
      if version.version == 4 then return nil end
      return true
    end })
    assert.same({ { 1, 4 }, { "a", [4] = "d" } }, { numbers(done.deleted), saved })
    assert.same({ [2] = "its source could not be saved: no room", [3] = "its source could not be saved: no folder" },
      reasons(done.stays))
    for _, request in ipairs(world.requests) do
      if request.operation == "get" then assert.equal("content", request.query.include) end
    end
  end)

  it("saves nothing of what stays, and an empty source where there is none", function()
    open { contents = { "a", "b", "c" }, deployed = { 3 }, days = 40 }
    world:before("get", 1, function() show(1, { deployed_text = date_of(0) }) end)
    world:answer("get", 2, 200, { data = { id = 2, version = 2, script_id = 1, status = "Draft" } })
    local saved = {}
    assert(prune { keep = 1, concurrency = 1, save = function(version, source) saved[version.version] = source end })
    assert.same({ [2] = "" }, saved)
  end)

  it("counts as done what somebody else has deleted by then", function()
    open { contents = { "a", "b", "c" }, deployed = { 3 } }
    world:before("get", 1, function() world:theirs("DELETE", "/script-versions/1") end)
    local done = assert(prune { keep = 1, concurrency = 1 })
    assert.same({ { 1, 2 }, 1, 1 }, { numbers(done.deleted), done.kept, world:count "delete" })
  end)

  it("goes on past what it can't read or delete, and tells what went, what stays and what failed", function()
    open { contents = { "a", "b", "c", "d", "e" }, deployed = { 5 } }
    world:answer("get", 1, 403, { message = "no" })
    world:before("get", 2, function() show(2, { deployed_text = date_of(0) }) end)
    world:answer("delete", 1, 409, { message = "in use" })
    local done, err = prune { keep = 1, concurrency = 1 }
    assert.is_nil(done)
    assert.same({ "forbidden", "prune", 2, 403 }, { err.kind, err.operation, #err.failures, err.status })
    assert.same({ { 4 }, "it was in use within 30 days" }, { numbers(err.deleted), reasons(err.stays)[2] })
    assert.equal("conflict", err.failures[2].error.kind)
  end)

  it("gives the error of its first look", function()
    open { contents = { "a" } }
    world:answer("list", 1, 403, { message = "no" })
    local done, err = prune { keep = 0 }
    assert.is_nil(done)
    assert.equal("forbidden", err.kind)
  end)

  it("deletes nothing once its time is up", function()
    open { contents = { "a", "b", "c" }, deployed = { 3 } }
    world:fault("get", nil, nil, { there = 0.4 })
    local done, err = prune { keep = 1, concurrency = 1, timeout = 0.8 }
    assert.is_nil(done)
    assert.equal("timeout", err.kind)
    assert.same({ 1, 1 }, { world:count "delete", #err.deleted })
    open { contents = { "a", "b" }, deployed = { 2 } }
    done, err = prune { keep = 1, timeout = 2, save = function() world.patchworks.sleep(3) end }
    assert.is_nil(done)
    assert.same({ "timeout", "none", "the time was up before it was deleted", 0 },
      { err.kind, err.outcome, err.message, world:count "delete" })
  end)

  it("wants to know how many to keep, and nothing that it doesn't know", function()
    open {}
    assert.has_error(function() prune {} end)
    assert.has_error(function() prune { keep = 1, kept = 2 } end)
    local ok, message = pcall(world.versions.prune, world.versions, "x", { keep = 1 })
    assert.is_false(ok)
    assert.matches("prune: script id", tostring(message))
    assert.equal("", world:sent())
  end)
end)
