-- Listings: items, pages, limits, read-ahead, and services that answer nonsense.
local cjson = require "cjson"
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"
local wait_until = require "spec.support.wait_until"

local server, client, versions

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client { max_attempts = 1 }
  versions = client.script_versions
end)
after_each(function()
  client:close()
  server:close()
end)

local function fill(count) server:populate { script = 1, versions = count } end

local function numbers(listing, until_number)
  local list = {}
  for version in listing do
    list[#list + 1] = version.version
    if version.version == until_number then break end
  end
  return list
end

local function pages_asked()
  local asked = {}
  for i, request in ipairs(server:requests()) do asked[i] = tonumber(request.query:match "page=(%d+)") end
  table.sort(asked) -- those under way at once arrive in any order
  return asked
end

-- The nth answer of `list` is this page.
local function answer_page(fields)
  server:fail { operation = "list", how = "status", status = 200, body = cjson.encode(fields) }
end

describe("a listing", function()
  it("fetches nothing before it is asked for", function()
    fill(1)
    local listing = versions:list(1)
    assert.equal(0, server:count())
    assert.equal(1, listing:first().version)
  end)

  it("gives every item once, in order, at any read-ahead", function()
    fill(95)
    for _, read_ahead in ipairs { 0, 1, 4, 100 } do
      local list = {}
      for version in versions:list(1, { per_page = 10, read_ahead = read_ahead }) do list[#list + 1] = version.version end
      assert.equal(95, #list)
      for i, number in ipairs(list) do assert.equal(96 - i, number) end
    end
  end)

  it("answers all, first, count, page and pages", function()
    fill(25)
    local listing = versions:list(1, { per_page = 10 })
    assert.equal(25, #listing:all())
    assert.equal(25, listing:first().version)
    assert.equal(25, listing:count())
    local page = listing:page(3)
    assert.same({ 5, 5, 3 }, { #page.data, page.data[1].version, page.meta.current_page })
    assert.equal("string", type(page.links.first))
    assert.equal(200, page.response.status)
    local sizes = {}
    for each in listing:pages() do sizes[#sizes + 1] = #each.data end
    assert.same({ 10, 10, 5 }, sizes)
  end)

  it("counts and finds the first with one small request", function()
    fill(250)
    versions:list(1):count()
    versions:list(1):first()
    for _, request in ipairs(server:requests()) do assert.truthy(request.query:find("per_page=1", 1, true)) end
    assert.equal(2, server:count())
  end)

  it("is empty where there is nothing", function()
    local listing = versions:list(1)
    assert.same({}, listing:all())
    assert.is_nil(listing:first())
    assert.equal(0, listing:count())
    for _ in versions:list(1) do error "nothing is due" end
  end)

  it("starts at a page, and may be iterated twice", function()
    fill(30)
    local listing = versions:list(1, { per_page = 10, page = 3 })
    assert.equal(10, #listing:all())
    local again = versions:list(1, { per_page = 10 })
    assert.equal(30, #numbers(again))
    assert.equal(30, #numbers(again))
  end)

  it("keeps no more connections than it may, and frees what a break leaves", function()
    fill(100)
    for version in versions:list(1, { per_page = 10, read_ahead = 4 }) do
      if version.version == 95 then break end
    end
    assert.equal(0, client:stats().active)
    assert.equal(100, #versions:list(1, { per_page = 10 }):all())
    assert.is_true(client:stats().connections <= 16)
  end)
end)

describe("read-ahead", function()
  it("asks for no page past the limit", function()
    fill(100)
    assert.equal(25, #versions:list(1, { per_page = 10, limit = 25, read_ahead = 8 }):all())
    assert.same({ 1, 2, 3 }, pages_asked())
    server:forget_requests()
    assert.equal(10, #versions:list(1, { per_page = 10, limit = 10, read_ahead = 8 }):all())
    assert.same({ 1 }, pages_asked())
  end)

  it("stays within its number of pages", function()
    fill(200)
    server:latency(0.01)
    local walk <close> = versions:list(1, { per_page = 10, read_ahead = 2 })
    walk(nil, nil)
    local most = 0
    for _, number in ipairs(pages_asked()) do most = math.max(most, number) end
    assert.is_true(most <= 3)
  end)

  it("brings pages side by side and gives them in order", function()
    fill(90)
    server:latency(0.05)
    local before = os.time()
    local list = numbers(versions:list(1, { per_page = 10, read_ahead = 8 }))
    assert.equal(90, #list)
    for i, number in ipairs(list) do assert.equal(91 - i, number) end
    assert.is_true(os.time() - before <= 2)
  end)

  it("gives pages in order that arrive out of order", function()
    fill(40)
    -- The first of those asked for ahead is held back until the others have come.
    server:fail { operation = "list", how = "slow", seconds = 0.3, every = 2, times = 1 }
    local arrived, count = {}, 0
    for page in versions:list(1, { per_page = 10, read_ahead = 3 }):pages() do
      arrived[#arrived + 1] = page.meta.current_page
      count = count + #page.data
    end
    assert.same({ 1, 2, 3, 4 }, arrived)
    assert.equal(40, count)
    assert.equal(0, server:faults_left())
  end)

  it("is cancelled by a break, with nothing left under way", function()
    fill(100)
    server:fail { operation = "list", how = "slow", seconds = 30, every = 2 }
    local began = client._clock.now()
    for version in versions:list(1, { per_page = 10, read_ahead = 4 }) do
      wait_until(function() return client:stats().active == 4 end)
      if version.version <= 100 then break end
    end
    assert.equal(0, client:stats().active)
    assert.is_true(client._clock.now() - began < 5)
    server:clear_faults()
    assert.equal(100, versions:list(1):first().version)
  end)

  it("keeps to the client's rate limit", function()
    fill(60)
    local slow <close> = server:client { rate_limit = 3, max_attempts = 1, timeout = 0.3 }
    local ok, err = pcall(function()
      for _ in slow.script_versions:list(1, { per_page = 10, read_ahead = 8 }) do end -- luacheck: ignore
    end)
    assert.same({ false, "rate_limited" }, { ok, err.kind })
    assert.equal(0, slow:stats().active)
    assert.equal(3, #server:requests())
  end)

  it("raises an error of a later page when its turn comes", function()
    fill(50)
    server:fail { operation = "list", how = "status", status = 403, every = 3 }
    local got = {}
    local ok, err = pcall(function()
      for version in versions:list(1, { per_page = 10, read_ahead = 8 }) do got[#got + 1] = version.version end
    end)
    assert.same({ false, "forbidden" }, { ok, err.kind })
    assert.is_true(#got % 10 == 0 and #got >= 10 and #got < 50) -- whichever arrived third
    assert.equal(0, client:stats().active)
  end)

  it("works in tasks, and in a coroutine of the caller's own", function()
    fill(55)
    local counts = patchworks.map({ 1, 2, 3 }, function() return #versions:list(1, { per_page = 10 }):all() end)
    assert.same({ 55, 55, 55 }, counts)
    local generator = coroutine.wrap(function()
      for version in versions:list(1, { per_page = 10 }) do coroutine.yield(version.version) end
    end)
    assert.same({ 55, 54 }, { generator(), generator() })
  end)
end)

describe("a service that answers nonsense", function()
  local function item(id) return { id = id, version = id } end

  it("by giving an item twice is corrected", function()
    answer_page { data = { item(3), item(2) }, meta = { current_page = 1, last_page = 2 } }
    answer_page { data = { item(2), item(1) }, meta = { current_page = 2, last_page = 2 } }
    assert.same({ 3, 2, 1 }, numbers(versions:list(1, { per_page = 2, read_ahead = 0 })))
  end)

  it("by giving a page again is an error, not a loop", function()
    -- The page before is asked for once more, to be sure.
    for _ = 1, 3 do answer_page { data = { item(3), item(2) }, meta = { last_page = 99 } } end
    local _, err = versions:list(1, { per_page = 2, read_ahead = 0 }):all()
    assert.equal("protocol", err.kind)
    assert.truthy(err.message:find "page before it")
    answer_page { data = { item(3) }, meta = { current_page = 1, last_page = 2 } }
    answer_page { data = { item(2) }, meta = { current_page = 1, last_page = 2 } }
    _, err = versions:list(1, { per_page = 1, read_ahead = 0 }):all()
    assert.truthy(err.message:find "page 2")
  end)

  it("by a last page that is no number is an error", function()
    for _, last in ipairs { "2", 1.5, -1, cjson.null } do
      answer_page { data = { item(1) }, meta = { current_page = 1, last_page = last } }
      assert.equal("protocol", select(2, versions:list(1):all()).kind)
    end
  end)

  it("by an endless last page ends at the first empty repetition", function()
    answer_page { data = { item(1) }, meta = { current_page = 1, last_page = 3 } }
    answer_page { data = {}, meta = { current_page = 2, last_page = 3 } }
    answer_page { data = {}, meta = { current_page = 3, last_page = 3 } }
    assert.same({ 1 }, numbers(versions:list(1, { read_ahead = 0 })))
  end)
end)

describe("loops over one listing", function()
  it("are each of their own, one in the other", function()
    fill(7)
    local listing = versions:list(1, { per_page = 2 })
    local pairs_seen = 0
    for outer in listing do
      local inner_count = 0
      for inner in listing do
        inner_count = inner_count + 1
        if inner.id == outer.id then pairs_seen = pairs_seen + 1 end
      end
      assert.equal(7, inner_count)
    end
    assert.equal(7, pairs_seen)
  end)

  it("are each of their own, in two tasks", function()
    fill(25)
    local listing = versions:list(1, { per_page = 4, read_ahead = 1 })
    assert.same({ 25, 25, 25 }, patchworks.map({ 1, 2, 3 }, function() return #numbers(listing) end))
    assert.same({ 25, 25 }, patchworks.map({ 1, 2 }, function()
      local count = 0
      for _ in listing:items() do count = count + 1 end
      return count
    end))
  end)

  it("end with close() in the body", function()
    fill(30)
    local listing = versions:list(1, { per_page = 10 })
    for _, loop in ipairs { function() return listing end, function() return listing:items() end } do
      local count = 0
      for _ in loop() do
        count = count + 1
        if count == 3 then listing:close() end
      end
      assert.equal(3, count)
      assert.equal(0, client:stats().active)
    end
    assert.equal(30, #numbers(listing))
  end)

  it("leave nothing under way once they are left and collected", function()
    fill(100)
    server:fail { operation = "list", how = "slow", seconds = 30, every = 2 }
    local listing = versions:list(1, { per_page = 10, read_ahead = 4 })
    for version in listing do
      wait_until(function() return client:stats().active == 4 end)
      if version.version <= 100 then break end
    end
    collectgarbage()
    collectgarbage()
    assert.equal(0, client:stats().active)
  end)

  it("keep to the limit, by pages too", function()
    fill(30)
    local sizes = {}
    for page in versions:list(1, { per_page = 10, limit = 15 }):pages() do sizes[#sizes + 1] = #page.data end
    assert.same({ 10, 5 }, sizes)
    assert.same({ 1, 2 }, pages_asked())
  end)

  it("are not a table's: its length, its place, its pairs say what to write", function()
    local listing = versions:list(1)
    local function says(what, fn)
      local ok, message = pcall(fn)
      assert.is_false(ok)
      assert.truthy(message:find("listing_spec.lua", 1, true), message)
      assert.truthy(message:find(what, 1, true), message)
    end
    says("listing:count()", function() return #listing end)
    says("listing:all()[n]", function() return listing[1] end)
    says("listing:all()[n]", function()
      for _ in ipairs(listing) do error "there is nothing" end
    end)
    says("for item in listing do", function()
      for _ in pairs(listing) do error "there is nothing" end
    end)
    says("generic for", function() return listing(nil, {}) end)
    assert.is_nil(listing.nothing)
    assert.equal(0, server:count())
  end)
end)

describe("a list that moves under a loop", function()
  it("gives what stayed, though somebody deletes", function()
    fill(30)
    local other <close> = server:client()
    local got = {}
    for version in versions:list(1, { per_page = 10, read_ahead = 0 }) do
      got[#got + 1] = version.version
      if version.version == 21 then
        for id = 30, 28, -1 do assert(other.script_versions:delete(id)) end
      end
    end
    assert.equal(30, #got)
    for i, number in ipairs(got) do assert.equal(31 - i, number) end
  end)

  it("is read on, though as many new ones come as a page holds", function()
    fill(30)
    local other <close> = server:client()
    local got = {}
    for version in versions:list(1, { per_page = 2, read_ahead = 0 }) do
      got[#got + 1] = version.version
      if version.version == 29 then
        for _ = 1, 2 do assert(other.script_versions:create(1, { content = "x" })) end
      end
    end
    assert.equal(30, #got)
  end)

  it("gives what stayed, though a page is tried again meanwhile", function()
    fill(30)
    local other <close> = server:client()
    local patient <close> = server:client { max_attempts = 3 }
    -- Of the pages ahead, the first to arrive fails; it is tried again after the others came and a version was made.
    server:fail { operation = "list", how = "status", status = 502, every = 2, times = 1 }
    local got, made = {}, false
    for version in patient.script_versions:list(1, { per_page = 5, read_ahead = 4, on_event = function(event)
      if event.type == "retry" and not made then
        made = true
        assert(other.script_versions:create(1, { content = "x" }))
      end
    end }) do
      got[#got + 1] = version.version
    end
    assert.is_true(made)
    assert.equal(30, #got)
    for i, number in ipairs(got) do assert.equal(31 - i, number) end
  end)
end)

describe("a page of the wrong shape inside", function()
  for name, data in pairs {
    ["a number and null"] = "[1, null]",
    ["null"] = "[null]",
    ["a version without an id"] = '[{"id":1},{"version":2}]',
    ["a list"] = "[[1]]",
  } do
    it("is an error of its own kind: " .. name, function()
      local function answer()
        server:clear_faults()
        server:fail { operation = "list", how = "status", status = 200, times = 9,
          body = ('{"data":%s,"meta":{"current_page":1,"last_page":1,"total":1}}'):format(data) }
      end
      for _, ask in ipairs {
        function() return versions:list(1):all() end,
        function() return versions:list(1):page(1) end,
        function() return versions:list(1):first() end,
      } do
        answer()
        local value, err = ask()
        assert.is_nil(value)
        assert.same({ "protocol", "list" }, { err.kind, err.operation })
      end
    end)
  end
end)

describe("paginate", function()
  it("reaches any other list", function()
    fill(45)
    local listing = client:paginate("/scripts/1/script-versions", { per_page = 20, query = { include = { "script", "content" } } })
    local all = listing:all()
    assert.equal(45, #all)
    assert.equal("python", all[45].script.language)
    assert.equal("integer", math.type(all[1].id))
    assert.equal(45, client:paginate("/scripts/1/script-versions"):count())
  end)

  it("checks its options", function()
    assert.has_error(function() client:paginate("scripts") end)
    assert.has_error(function() client:paginate("/scripts", { per_page = 101 }) end)
    assert.has_error(function() client:paginate("/scripts", { body = {} }) end)
  end)
end)

describe("memory of a lazy list", function()
  it("is small for 20,000 versions", function()
    fill(20000)
    collectgarbage()
    collectgarbage()
    local before, most, count = collectgarbage "count", 0, 0
    for _ in versions:list(1) do
      count = count + 1
      if count % 4000 == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage "count")
      end
    end
    assert.equal(20000, count)
    assert.is_true(most - before < 2 * 1024, ("%.0f KB"):format(most - before))
  end)
end)
