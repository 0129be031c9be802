-- Loops over listings, told by the requests that they make: on a clock of its own, against a service that answers what it
-- is told to.
local core = require "patchworks.core"
local patchworks = require "patchworks"
local scripted = require "spec.support.scripted"

local service, client, versions
scripted.setup(before_each, after_each, { max_attempts = 1 }, function(...) service, client, versions = ... end)

-- A page of versions with these ids.
local function page(ids, fields)
  local data, meta = {}, { current_page = 1, last_page = 1, total = #ids }
  for i, id in ipairs(ids) do data[i] = { id = id } end
  for name, value in pairs(fields or {}) do meta[name] = value end
  return { body = ('{"data":%s,"meta":%s}'):format(#data > 0 and core.encode(data) or "[]", core.encode(meta)) }
end

local function asked()
  local list = {}
  for i, request in ipairs(service.requests) do list[i] = request.url:match "/api/v1(.*)" end
  return list
end

-- Three pages of two, asked for one after the other.
local function three_pages()
  service:will(page({ 6, 5 }, { last_page = 3, total = 6 }), page({ 4, 3 }, { current_page = 2, last_page = 3, total = 6 }),
    page({ 2, 1 }, { current_page = 3, last_page = 3, total = 6 }))
end

local function ids_of(...)
  local list = {}
  for version in ... do list[#list + 1] = version.id end
  return list
end

describe("a loop over a listing", function()
  it("asks for what it is told to, in pages of a hundred", function()
    service:will(page { 2, 1 })
    assert.same({ 2, 1 }, ids_of(versions:list(7)))
    service:will(page { 2, 1 })
    versions:list(7, { filter = { is_deployed = true }, include = "script", per_page = 30 }):all()
    service:will(page { 2, 1 })
    versions:list(7, { limit = 5 }):all()
    service:will(page { 2, 1 })
    versions:list(7, { limit = 500 }):all()
    assert.same({
      "/scripts/7/script-versions?page=1&per_page=100",
      "/scripts/7/script-versions?include=script&filter%5Bis_deployed%5D=true&page=1&per_page=30",
      "/scripts/7/script-versions?page=1&per_page=5",
      "/scripts/7/script-versions?page=1&per_page=100",
    }, asked())
  end)

  it("reads page after page, each when the one before is used up where nothing is read ahead", function()
    three_pages()
    local got, requests = {}, {}
    for version in versions:list(7, { per_page = 2, read_ahead = 0 }) do
      got[#got + 1], requests[#requests + 1] = version.id, #service.requests
    end
    assert.same({ { 6, 5, 4, 3, 2, 1 }, { 1, 1, 2, 2, 3, 3 } }, { got, requests })
  end)

  it("reads four pages ahead unless told otherwise, and none past the end or the limit", function()
    local function first_of(options, last)
      options.per_page = 1
      service.requests, service.answers = {}, {}
      for number = 1, 20 do service:will(page({ 100 - number }, { current_page = number, last_page = last or 20, total = last or 20 })) end
      for _ in versions:list(7, options) do break end -- luacheck: ignore 512
      return #service.requests
    end
    -- Those ahead go out with the first page's arrival: 2 to 5.
    assert.same({ 5, 2, 1, 3, 4 }, {
      first_of {}, first_of { read_ahead = 1 }, first_of { read_ahead = 0 }, first_of({}, 3), first_of { limit = 4 },
    })
    assert.equal(0, client:stats().active)
  end)

  it("gives pages as they are, up to the limit", function()
    three_pages()
    local sizes = {}
    for each in versions:list(7, { per_page = 2, read_ahead = 0, limit = 3 }):pages() do
      sizes[#sizes + 1] = { #each.data, each.meta.last_page, each.response.status }
    end
    assert.same({ { 2, 3, 200 }, { 1, 3, 200 } }, sizes)
    service.answers = {}
  end)

  it("begins at a page", function()
    service:will(page({ 2, 1 }, { current_page = 3, last_page = 3, total = 6 }))
    assert.same({ 2, 1 }, ids_of(versions:list(7, { page = 3, per_page = 2 })))
    service:will(page({ 2, 1 }, { current_page = 3, last_page = 3, total = 6 }))
    assert.equal(2, versions:list(7, { page = 3, per_page = 2 }):first().id)
    assert.same({ "/scripts/7/script-versions?page=3&per_page=2", "/scripts/7/script-versions?page=3&per_page=2" }, asked())
  end)

  it("is of versions with their methods, and tells its listener of the pages that it uses", function()
    local told = {}
    local function on_event(event) told[#told + 1] = ("%s %s %s/%s"):format(event.type, event.operation, event.number, event.of) end
    three_pages()
    for version in versions:list(7, { per_page = 2, read_ahead = 0, on_event = on_event }) do
      assert.matches("^script version %d", tostring(version))
      if version.id == 4 then break end
    end
    assert.same({ "attempt list 1/nil", "page list 1/3", "attempt list 1/nil", "page list 2/3" }, told)
    service.answers, told = {}, {}
    service:will(page { 1 })
    versions:list(7, { on_event = on_event }):first()
    assert.same({ "attempt list 1/nil", "page list 1/1" }, told)
  end)

  it("raises the error of its page, with what is known of it", function()
    service:will(page({ 6 }, { last_page = 2, total = 2 }), { status = 403, body = '{"message":"no more"}' })
    local got = {}
    local ok, err = pcall(function()
      for version in versions:list(7, { per_page = 1, read_ahead = 0 }) do got[#got + 1] = version.id end
    end)
    assert.same({ false, "forbidden", "list", 403, { 6 } }, { ok, err.kind, err.operation, err.status, got })
    service:will { status = 403 }
    ok, err = pcall(function()
      for _ in versions:list(7):pages() do error "none is due" end
    end)
    assert.same({ false, "forbidden" }, { ok, err.kind })
  end)

  it("kept in a variable is looped over by itself, again and again, one inside of the other", function()
    local listing = versions:list(7)
    service:will(page { 2, 1 }, page { 2, 1 }, page { 2, 1 }, page { 2, 1 })
    local seen = {}
    for outer in listing do
      for inner in listing do seen[#seen + 1] = outer.id * 10 + inner.id end
    end
    assert.same({ 22, 21, 12, 11 }, seen)
    assert.same({ 2, 1 }, ids_of(listing:items()))
    local step, loop = listing:items()
    for _ = 1, 2 do
      service:will(page { 2, 1 })
      assert.same({ 2, 1 }, ids_of(step, loop))
    end
  end)

  it("can be ended, and what it fetches is", function()
    local listing = versions:list(7, { per_page = 2, read_ahead = 2 })
    service:will(page({ 9, 8 }, { last_page = 5, total = 9 }), { never = true }, { never = true })
    local got = 0
    for _ in listing do
      got = got + 1
      assert.equal(2, client:stats().active)
      listing:close()
    end
    assert.same({ 1, 0 }, { got, client:stats().active })
    service:will(page { 1 })
    do
      local closed <close> = listing
      assert.same({ 1 }, ids_of(closed))
    end
  end)

  it("is left by a break, with nothing under way", function()
    for _, loop in ipairs { "call", "items", "pages" } do
      service:will(page({ 9 }, { last_page = 9, total = 9 }), { never = true })
      local listing = versions:list(7, { per_page = 1, read_ahead = 1 })
      if loop == "call" then
        for _ in versions:list(7, { per_page = 1, read_ahead = 1 }) do break end -- luacheck: ignore 512
      elseif loop == "items" then
        for _ in listing:items() do break end -- luacheck: ignore 512
      else
        for _ in listing:pages() do break end -- luacheck: ignore 512
      end
      assert.equal(0, client:stats().active, loop)
    end
    service:will(page({ 9 }, { last_page = 9, total = 9 }), { status = 500 })
    local _, err = versions:list(7, { per_page = 1, read_ahead = 1 }):all()
    assert.same({ "server", 0 }, { err.kind, client:stats().active })
  end)
end)

describe("what a listing is asked for at once", function()
  it("is the first with one small request, whole pages where there are none", function()
    service:will(page({ 9 }, { last_page = 40, total = 40 }))
    assert.equal(9, versions:list(7):first().id)
    service:will(page {})
    assert.same({ n = 1 }, table.pack(versions:list(7):first()))
    service:will { body = '{"data":[{"message":"a"},{"message":"b"}],"meta":{"last_page":1,"total":2}}' }
    assert.equal("a", versions:logs(7):first().message)
    assert.same({ "/scripts/7/script-versions?page=1&per_page=1", "/scripts/7/script-versions?page=1&per_page=1",
      "/script-versions/7/logs" }, asked())
  end)

  it("is a count with one small request", function()
    service:will(page({ 9 }, { last_page = 40, total = 40 }))
    assert.equal(40, versions:list(7, { page = 3 }):count())
    service:will { body = '{"data":[],"meta":{"last_page":1,"total":2}}' }
    assert.equal(2, versions:logs(7):count())
    assert.same({ "/scripts/7/script-versions?page=1&per_page=1", "/script-versions/7/logs" }, asked())
    service:will(page({ 9 }, { last_page = -1 }))
    assert.equal("http://127.0.0.1:1/api/v1/scripts/7/script-versions?per_page=100", select(2, versions:list(7, { page = 3 }):count()).url)
    service:will(page({ 9 }, { total = 4.5 }))
    local value, err = versions:list(7):count()
    assert.is_nil(value)
    assert.same({ "protocol", "list", 200, "meta.total is no count: 4.5" }, { err.kind, err.operation, err.status, err.message })
  end)

  it("is a page, as the service has it", function()
    three_pages()
    local listing = versions:list(7, { per_page = 2, limit = 1 })
    local one = listing:page(1)
    assert.same({ 2, 6, 200 }, { #one.data, one.meta.total, one.response.status })
    for _, number in ipairs { 0, -1, 1.5, "1" } do
      local ok, problem = pcall(listing.page, listing, number)
      assert.is_false(ok)
      assert.matches(":%d+: page: expected an integer of at least 1, got ", problem)
    end
    assert.same({ "/scripts/7/script-versions?page=1&per_page=2" }, asked())
  end)

  it("fails as a call does: nil, and the error", function()
    for _, name in ipairs { "first", "count", "all", "page" } do
      service:will { status = 403, body = '{"message":"no"}' }
      local listing = versions:list(7)
      local value, err = listing[name](listing, name == "page" and 1 or nil)
      assert.is_nil(value)
      assert.same({ "forbidden", "no", "list" }, { err.kind, err.message, err.operation })
    end
  end)

  it("is no table, and says what to write in its place", function()
    local listing = versions:list(7)
    assert.is_nil(listing.nothing)
    for _, case in ipairs {
      { function() return listing[1] end, "for an item by its place write listing:all()[n]" },
      { function() return #listing end, "for its length write listing:count(), or #listing:all()" },
      { function() return pairs(listing) end, "for its items write `for item in listing do`, or pairs(listing:all())" },
      { function() return listing(nil, 7) end, "a listing is the iterator of a generic for: write `for item in listing do`" },
    } do
      local ok, problem = pcall(case[1])
      assert.is_false(ok)
      assert.matches("loop_spec.lua:%d+: ", problem)
      assert.matches(case[2], problem, 1, true)
    end
    assert.equal(0, #service.requests)
  end)

  it("is shown by what it is a listing of", function()
    assert.equal("listing of list", tostring(versions:list(7)))
    assert.equal("listing of GET /things", tostring(client:paginate "/things"))
  end)
end)

describe("a log's listing", function()
  it("asks for the first page bare, and for others by number", function()
    service:will({ body = '{"data":[{"message":"a"}],"meta":{"last_page":2,"total":2}}' },
      { body = '{"data":[{"message":"b"}],"meta":{"last_page":2,"total":2}}' })
    local said = {}
    for entry in versions:logs(7, { read_ahead = 0 }) do said[#said + 1] = entry.message end
    assert.same({ { "a", "b" }, { "/script-versions/7/logs", "/script-versions/7/logs?page=2" } }, { said, asked() })
    service:will { body = '{"data":[7],"meta":{"last_page":1}}' }
    local told = {}
    local _, err = versions:logs(7, { on_event = function(event) told[#told + 1] = event.type end }):all()
    assert.same({ "logs", "http://127.0.0.1:1/api/v1/script-versions/7/logs", "item 1 of page 1 is no log entry (an object is due)" },
      { err.operation, err.url, err.message })
    service:will { body = '{"data":[],"meta":{"last_page":1}}' }
    versions:logs(7, { on_event = function(event) told[#told + 1] = event.type .. " " .. event.operation end }):all()
    assert.same({ "attempt", "attempt logs", "page logs" }, told)
    service:will { body = '{"data":[{"message":"a"},{"message":"b"}],"meta":{"last_page":1}}' }
    assert.equal(1, #versions:logs(7, { limit = 1 }):all())
  end)
end)

describe("paginate", function()
  it("reads any other list, with a query and with what every call takes", function()
    service:will({ body = '{"data":[{"id":1}],"meta":{"last_page":2,"total":2}}' }, { body = '{"data":[{"id":2}],"meta":{"last_page":2,"total":2}}' })
    local given = { query = { name = "x" }, per_page = 1, read_ahead = 0, headers = { ["X-A"] = "b" }, max_attempts = 1, timeout = 5 }
    local got = {}
    for thing in client:paginate("/things", given) do got[#got + 1] = thing.id end
    assert.same({ { 1, 2 }, { "/things?name=x&page=1&per_page=1", "/things?name=x&page=2&per_page=1" } }, { got, asked() })
    assert.same({ name = "x" }, given.query)
    for _, request in ipairs(service.requests) do
      assert.same({ 6, true }, { request.timeout, request.headers:find("X-A: b", 1, true) ~= nil })
    end
  end)

  it("keeps to a limit, and tells its listener or the client's", function()
    local told = {}
    service:will { body = '{"data":[{"id":1},{"id":2}],"meta":{"last_page":9,"total":9}}' }
    local function on_event(event) told[#told + 1] = event.type .. " " .. event.operation end
    assert.equal(2, #client:paginate("/things", { limit = 2, on_event = on_event }):all())
    assert.same({ "attempt GET /things", "page GET /things" }, told)
    client:close()
    client, told = service:client { on_event = on_event }, {}
    service:will { body = '{"data":[],"meta":{"last_page":1,"total":0}}' }
    assert.equal(0, client:paginate("/things"):count())
    service:will { status = 404 }
    assert.equal("not_found", select(2, client:paginate("/things"):first()).kind)
    service:will { body = '{"data":[],"meta":{"last_page":-1}}' }
    assert.equal("http://127.0.0.1:1/api/v1/things", select(2, client:paginate("/things"):page(2)).url)
    assert.same({ "/things?page=1&per_page=2", "/things?page=1&per_page=1", "/things?page=1&per_page=1", "/things?page=2&per_page=100" },
      asked())
    assert.same({ "attempt GET /things", "page GET /things", "attempt GET /things", "attempt GET /things" }, told)
  end)

  it("says which of its options it does not know", function()
    local ok, problem = pcall(client.paginate, client, "/things", { limits = 1 })
    assert.is_false(ok)
    assert.matches("paginate: unknown option `limits`; did you mean `limit`?", problem, 1, true)
  end)

  it("has items that are no tables by items() alone", function()
    service:will { body = '{"data":[5,6],"meta":{"last_page":1,"total":2}}' }
    local got = {}
    for item in client:paginate("/things"):items() do got[#got + 1] = item end
    assert.same({ 5, 6 }, got)
    service:will { body = '{"data":[5,6],"meta":{"last_page":2,"total":2}}' }
    service:will { never = true }
    local listing = client:paginate "/things"
    local ok, problem = pcall(function()
      for _ in listing do error "none is due" end
    end)
    assert.is_false(ok)
    assert.matches("the items of this listing are no tables: write `for item in listing:items%(%) do`", problem)
    assert.equal(0, client:stats().active)
  end)
end)

describe("tasks", function()
  it("share a listing, each with a loop of its own", function()
    for _ = 1, 3 do service:will(page { 3, 2, 1 }) end
    local listing = versions:list(7)
    assert.same({ 3, 3, 3 }, patchworks.map({ 1, 2, 3 }, function() return #ids_of(listing) end))
  end)
end)
