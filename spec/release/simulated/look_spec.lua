-- Looking at a script: how many requests it takes, and what it makes of pages that don't fit together.
local simulated = require "spec.support.simulated"

local world

local function open(given) world = simulated(given) end

local function sources(count)
  local list = {}
  for i = 1, count do list[i] = "s" .. i end
  return list
end

local function range(first, last)
  local list = {}
  for i = first, last do list[#list + 1] = i end
  return list
end

local function look_of() return world.require "patchworks.release.look" end

local function job_of(given)
  return world.require("patchworks.release.job").new(world.versions, "publish", "1", given, given and given.timeout)
end

local function queries()
  local list = {}
  for _, request in ipairs(world.requests) do
    if request.operation == "list" then
      list[#list + 1] = ("%s/%s%s%s"):format(request.query.page or 1, request.query.per_page or "-",
        request.query["filter[is_deployed]"] and " deployed" or "", request.query.include and " content" or "")
    end
  end
  table.sort(list)
  return list
end

local function at(day) return ("2026-01-%02dT00:00:00.000000Z"):format(day) end

local function version(number, day, more)
  local fields = { id = number, version = number, script_id = 1, status = day and "Deployed" or "Draft", deployed_at = day and at(day) }
  for name, value in pairs(more or {}) do fields[name] = value end
  return fields
end

local function page(versions, number, last, total)
  return { data = versions, meta = { current_page = number or 1, last_page = last or 1, total = total or #versions } }
end

local function numbers(versions)
  local list = {}
  for i, each in ipairs(versions) do list[i] = each.version end
  return list
end

describe("a look", function()
  it("is the newest 100 and the deployed ones with their sources, at once", function()
    open { contents = sources(3), deployed = { 1, 2 } }
    local state = assert(look_of().at(job_of()))
    assert.same({ "1/10 deployed content", "1/100" }, queries())
    assert.same({ { 3, 2, 1 }, 2, 3, {} }, { numbers(state.versions), state.live.version, state.newest.version, state.under_way })
    assert.is_true(world:seconds() < 0.1)
    assert.same({ "s1", "s2", 0 }, { state:source(state.by_id[1]), state:source(state.by_id[2]), world:count "get" })
    assert.is_nil(state.live.content)
    assert.is_false(state.beyond)
    assert.equal(200, state.response.status)
  end)

  it("reads a source that it has not brought, once, and not again", function()
    open { contents = sources(3), deployed = { 1 } }
    local state = assert(look_of().at(job_of()))
    assert.equal("s3", state:source(state.by_id[3]))
    assert.is_true(state:holds(state.by_id[3], "s3\n"))
    assert.is_false(state:holds(state.by_id[3], "s2"))
    assert.equal(1, world:count "get")
    assert.equal("content", world.requests[#world.requests].query.include)
    local again = assert(look_of().at(job_of(), state))
    assert.equal("s3", again:source(again.by_id[3]))
    assert.same({ 1, 3 }, { world:count "get", world:count "list" })
    world:answer("get", 2, 403, { message = "no" })
    local held, err = state:holds(state.by_id[2], "s2")
    assert.same({ "nil", "forbidden" }, { type(held), err.kind })
    world:answer("get", 3, 403, { message = "no" })
    assert.equal("forbidden", select(2, state:source(state.by_id[2])).kind)
    world:answer("get", 4, 200, { data = version(2) })
    assert.equal("", state:source(state.by_id[2]))
  end)

  it("is one request when it is another look", function()
    open { contents = sources(3), deployed = { 1 } }
    local state = assert(look_of().at(job_of()))
    world:forget()
    assert(look_of().at(job_of(), state))
    assert.same({ "1/100" }, queries())
  end)

  it("asks for all deployed ones again where there are more versions than it sees", function()
    open { contents = sources(101), deployed = { 1 } }
    local state = assert(look_of().at(job_of()))
    assert.same({ true, 1, 101 }, { state.beyond, state.live.version, #state.versions })
    world:forget()
    local again = assert(look_of().at(job_of(), state))
    assert.same({ { "1/100", "1/100 deployed" }, 1 }, { queries(), again.live.version })
  end)

  it("reads all deployed ones where more than 10 are, and one may be older than the newest 100", function()
    open { contents = sources(120), deployed = range(1, 11) }
    local state = assert(look_of().at(job_of()))
    assert.same({ "1/10 deployed content", "1/100", "1/100 deployed" }, queries())
    assert.same({ 11, 111 }, { state.live.version, #state.versions })
    open { contents = sources(20), deployed = range(1, 11) }
    assert(look_of().at(job_of()))
    assert.same({ "1/10 deployed content", "1/100" }, queries())
    for k = 1, 3 do
      open { contents = sources(120), deployed = range(1, 11) }
      world:answer("list", k, 403, { message = "no" })
      assert.equal("forbidden", select(2, look_of().at(job_of())).kind)
    end
  end)

  it("takes the last two pages where the oldest come first", function()
    open { contents = sources(250), deployed = { 3 }, habits = { order = "rising" } }
    local state = assert(look_of().at(job_of()))
    assert.same({ "1/10 deployed content", "1/100", "2/100", "3/100" }, queries())
    assert.same({ 250, 3, 250 }, { state.newest.version, state.live.version, #state.versions })
    open { contents = sources(150), habits = { order = "rising" } }
    assert.equal(150, assert(look_of().at(job_of())).newest.version)
    assert.same({ "1/10 deployed content", "1/100", "2/100" }, queries())
    open { contents = sources(350), habits = { order = "rising" } }
    assert.equal(250, #assert(look_of().at(job_of())).versions)
    assert.same({ "1/10 deployed content", "1/100", "3/100", "4/100" }, queries())
    open { contents = sources(150), habits = { order = "rising" } }
    world:answer("list", 3, 403, { message = "no" })
    assert.equal("forbidden", select(2, look_of().at(job_of())).kind)
    open { contents = sources(3), habits = { order = "rising" } }
    assert.equal(3, assert(look_of().at(job_of())).newest.version)
    assert.same({ "1/10 deployed content", "1/100" }, queries())
    open { contents = sources(250) }
    assert.equal(100, #assert(look_of().at(job_of())).versions)
  end)

  it("says what is under way, and tells the account what is live", function()
    open { contents = sources(3), deployed = { 1 } }
    world:theirs("POST", "/script-versions/2/deploy")
    local job = job_of()
    local state = assert(look_of().at(job))
    assert.same({ { 2 }, true, 1 }, { numbers(state.under_way), job.progress.looked, job.progress.live.version })
  end)

  it("goes by the later of two readings of one version", function()
    for _, case in ipairs { { 5, 3 }, { 3, 5 } } do
      open {}
      world:answer("list", 1, 200, page { version(2, case[1]), version(1, 4) })
      world:answer("list", 2, 200, page { version(2, case[2]), version(1, 4) })
      assert.equal(2, assert(look_of().at(job_of())).live.version)
    end
  end)

  it("refuses what is no version, and what is of another script", function()
    for _, broken in ipairs { { id = "x" }, { id = 0 } } do
      open {}
      world:answer("list", 1, 200, page { broken })
      local _, err = look_of().at(job_of())
      assert.same({ "protocol", "none", "the service gives something that is no version: it has no id" },
        { err.kind, err.outcome, err.message })
    end
    for k = 1, 2 do
      open {}
      world:answer("list", k, 200, page { version(1, nil, { script_id = 2 }) })
      local _, err = look_of().at(job_of())
      assert.equal("protocol", err.kind)
      assert.matches("^the service gives .*v1.*, which is of script 2, for script 1$", err.message)
    end
  end)

  it("takes no empty first page for nothing where it counts some", function()
    for _, case in ipairs { { 5, false }, { 1, false }, { 0, true }, { -1, true }, { "5", true } } do
      for k = 1, 2 do
        open {}
        world:answer("list", k, 200, page({}, 1, 1, case[1]))
        local state, err = look_of().at(job_of())
        assert.equal(case[2], state ~= nil)
        if err and not state then
          local count = case[1] == 1 and "1 version" or case[1] .. " versions"
          assert.same({ "protocol", 200, "the first page is empty, and counts " .. count },
            { err.kind, err.status, err.message })
          assert.equal(200, err.response.status)
        end
      end
    end
  end)
end)

describe("a look at what is live", function()
  it("is one request, and all deployed ones where more than 10 are", function()
    open { contents = sources(12), deployed = { 1, 2 } }
    local state = assert(look_of().at_live(job_of()))
    assert.same({ { "1/10 deployed content" }, 2, "s2" }, { queries(), state.live.version, state:source(state.live) })
    assert.is_nil(state.live.content)
    open { contents = sources(12), deployed = range(1, 11) }
    local job = job_of()
    state = assert(look_of().at_live(job))
    assert.same({ { "1/10 deployed content", "1/100 deployed" }, 11, 11 }, { queries(), state.live.version, #state.versions })
    assert.equal(11, job.progress.live.version)
    assert.same({ "s2", "s11", 0 }, { state:source(state.by_id[2]), state:source(state.by_id[11]), world:count "get" })
    for k = 1, 2 do
      open { contents = sources(12), deployed = range(1, 11) }
      world:answer("list", k, 403, { message = "no" })
      assert.equal("forbidden", select(2, look_of().at_live(job_of())).kind)
    end
    open {}
    assert.is_nil(assert(look_of().at_live(job_of())).live)
    world:answer("list", nil, 200, page { version(1, 1, { script_id = 2 }) })
    assert.equal("protocol", select(2, look_of().at_live(job_of())).kind)
  end)
end)

describe("a look at all versions", function()
  it("is a request for each 100, and one more where there seem to be none", function()
    open { contents = sources(101), deployed = { 5 } }
    local state = assert(look_of().at_all(job_of()))
    assert.same({ { "1/100", "2/100" }, 101, 5, true }, { queries(), #state.versions, state.live.version, state.beyond })
    open { contents = sources(100) }
    assert.is_false(assert(look_of().at_all(job_of())).beyond)
    open { contents = sources(1) }
    assert(look_of().at_all(job_of()))
    assert.same({ "1/100" }, queries())
    open {}
    assert.same({}, assert(look_of().at_all(job_of())).versions)
    assert.same({ "1/1", "1/100" }, queries())
    world:answer("list", 3, 200, page({}, 1, 1, 0))
    world:answer("list", 4, 200, page({}, 1, 1, 5))
    assert.equal("protocol", select(2, look_of().at_all(job_of())).kind)
    world:answer("list", 5, 403, { message = "no" })
    assert.equal("forbidden", select(2, look_of().at_all(job_of())).kind)
  end)
end)

describe("what an earlier run has made", function()
  local function candidate(content) return assert(look_of().at(job_of())):candidate(content) end

  it("is the newest with the content that is newer than the live one", function()
    open { contents = { "x", "a", "x", "x", "b" }, deployed = { 2 } }
    assert.equal(4, candidate("x").version)
    assert.equal(3, world:count "get")
    assert.is_nil(candidate "a")
    assert.is_nil(candidate "y")
    open { contents = { "x", "a" } }
    assert.equal(1, candidate("x").version)
  end)

  it("is looked for in the newest ten", function()
    open { contents = sources(12) }
    assert.equal(3, candidate("s3").version)
    assert.equal(10, world:count "get")
    assert.is_nil(candidate "s2")
  end)

  it("is not known where a source can't be read", function()
    open { contents = sources(3) }
    world:answer("get", 2, 403, { message = "no" })
    local found, err = candidate "s1"
    assert.same({ "nil", "forbidden" }, { type(found), err.kind })
  end)
end)

describe("a page", function()
  it("is known to list the oldest first by its first and last version", function()
    open {}
    local function rises(...) return look_of().rises { data = { ... } } end
    assert.is_true(rises(version(1), version(2)))
    for _, list in ipairs { { version(2), version(1) }, { version(1) }, {}, { { id = "x" }, version(2) }, { version(1), { id = "x" } } } do
      assert.is_false(rises(table.unpack(list)))
    end
  end)

  it("that is wrong is told with its response, and what is known of the outcome", function()
    open {}
    local err = look_of().wrong(job_of(), "no page", { status = 200 }, "unknown")
    assert.same({ "protocol", "no page", 200, "unknown", "publish" }, { err.kind, err.message, err.status, err.outcome, err.operation })
  end)
end)
