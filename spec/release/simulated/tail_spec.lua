-- Following logs on a virtual clock: which page is read when, what is given, and what is remembered.
local simulated = require "spec.support.simulated"

local world

local function open(given)
  given = given or {}
  given.contents = given.contents or { "one" }
  world = simulated(given)
end

-- So many more entries, named by their ids.
local function log(first, last)
  local logs = world.service.versions[1].logs
  for id = first, last or first do
    logs[#logs + 1] = { id = id, created_at = ("2026-01-01T%02d:%02d:%02d.000000Z"):format(id // 3600, id // 60 % 60, id % 60),
      message = "entry " .. id }
  end
end

local function tail(given) return world.versions:tail(1, given) end

local function ids(iterator, most)
  local list = {}
  for entry in iterator do
    list[#list + 1] = entry.id
    if #list == most then break end
  end
  return list
end

local function pages()
  local list = {}
  for i, request in ipairs(world.requests) do list[i] = tonumber(request.query.page) or 1 end
  return list
end

local function looks()
  local list = {}
  for i, request in ipairs(world.requests) do list[i] = math.floor((request.started - world.start) * 100 + 0.5) / 100 end
  return list
end

local function range(first, last)
  local list = {}
  for i = first, last do list[#list + 1] = i end
  return list
end

-- A page of entries as the service gives it.
local function page(entries, number, last)
  return { data = entries, meta = { current_page = number or 1, last_page = last or 1, total = 1000 } }
end

describe("tail", function()
  for _, order in ipairs { "rising", "falling" } do
    it("gives from the start all in their order, and then what comes: " .. order, function()
      open { habits = { log_order = order } }
      log(1, 11)
      assert.same(range(1, 11), ids(tail { from = "start", timeout = 60 }, 11))
      log(12)
      world:forget()
      local next_one = tail { from = "start", timeout = 60 }
      assert.same(range(1, 12), ids(next_one, 12))
      assert.same({ 1, 2, 3 }, pages())
      log(13, 14)
      assert.same({ 13, 14 }, ids(next_one, 2))
      log(15, 27)
      assert.same(range(15, 27), ids(next_one, 13))
    end)

    it("gives only what comes, where nothing else is asked for: " .. order, function()
      open { habits = { log_order = order } }
      log(1, 12)
      local next_one = tail { timeout = 60 }
      world:at(3, function() log(13, 14) end)
      assert.same({ 13, 14 }, ids(next_one, 2))
      assert.same(order == "rising" and { 1, 3 } or { 1, 1 }, table.move(pages(), 1, 2, 1, {}))
      log(15, 27)
      assert.same(range(15, 27), ids(next_one, 13))
    end)
  end

  it("reads on where newest come first until it meets what it knows", function()
    open { habits = { log_order = "falling" } }
    log(1, 30)
    local next_one = tail { timeout = 60, from = "now" }
    world:at(0.5, function() log(31, 37) end)
    assert.same(range(31, 37), ids(next_one, 7))
    assert.same({ 1, 1, 2 }, pages())
  end)

  it("asks for the last page it knows where the oldest come first", function()
    open()
    log(1, 12)
    ids(tail { timeout = 6 })
    assert.same({ 1, 3, 3, 3 }, pages())
  end)

  it("begins a log that has nothing in it yet", function()
    open()
    world:at(2, function() log(1, 7) end)
    assert.same(range(1, 7), ids(tail { timeout = 20 }, 7))
  end)

  it("looks at once, then after 1 s, and half as much later each time while nothing comes, up to 10 s", function()
    open()
    ids(tail { timeout = 70 })
    assert.same({ 0, 1.55, 3.85, 7.28, 12.39, 20.03, 30.08, 40.13, 50.19, 60.24 }, looks())
    assert.equal(70, world:seconds())
  end)

  it("looks after the first pause again once something came", function()
    open()
    world:at(5, function() log(1) end)
    ids(tail { timeout = 12, interval = 2, max_interval = 3 })
    assert.same({ 0, 3.05, 6.1, 8.15, 11.2 }, looks())
  end)

  it("looks as rarely as the caller says, however often it would by itself", function()
    open()
    ids(tail { timeout = 61, interval = 15 })
    assert.same({ 0, 15.05, 30.1, 45.15, 60.2 }, looks())
  end)

  it("doesn't wait twice for what the caller has taken", function()
    open()
    log(1)
    local next_one = tail { from = "start", timeout = 60 }
    next_one()
    world.patchworks.sleep(5)
    log(2)
    assert.equal(2, next_one().id)
    assert.is_true(world:seconds() < 5.2, world:seconds())
  end)

  it("gives what has the date or a later one", function()
    open()
    log(58, 62)
    assert.same({ 60, 61, 62 }, ids(tail { from = "2026-01-01T00:01:00", timeout = 1 }))
    assert.same({ 60, 61, 62 }, ids(tail { from = "2026-01-01T00:01:00.000000Z", timeout = 1 }))
    assert.same({ 58, 59, 60, 61, 62 }, ids(tail { from = "2026-01", timeout = 1 }))
    world:answer("logs", nil, 200, page { { id = 1 }, { id = 2, created_at = "2026-02-01" } })
    assert.same({ 2 }, ids(tail { from = "2026-01-01", timeout = 1 }))
  end)

  it("tells entries that have no id by their date and message", function()
    open()
    local function entry(second, message) return { created_at = "2026-01-01T00:00:0" .. second, message = message } end
    world:answer("logs", 1, 200, page { entry(1, "a"), entry(1, "b") })
    world:answer("logs", nil, 200, page { entry(1, "a"), entry(1, "b"), entry(2, "a"), entry(2, "b") })
    world:answer("logs", 1, 200, page { entry(1, "a"), entry(1, "b") })
    local got = {}
    for each in tail { from = "start", timeout = 3 } do got[#got + 1] = each.created_at:sub(-1) .. each.message end
    assert.same({ "1a", "1b", "2a", "2b" }, got)
  end)

  it("knows the order by the ids, and by the dates where there are none", function()
    for _, case in ipairs {
      { { { id = 2 }, { id = 1 } }, { 1, 2 } },
      { { { id = 1 }, { id = 2 } }, { 1, 2 } },
      { { { id = "x", created_at = "2026-01-02" }, { id = "y", created_at = "2026-01-01" } }, { "y", "x" } },
      { { { id = "x", created_at = "2026-01-01" }, { id = "y", created_at = "2026-01-02" } }, { "x", "y" } },
      { { { id = 3, created_at = "2026-01-02" }, { id = "y", created_at = "2026-01-01" } }, { "y", 3 } },
      { { { id = "x", created_at = "2026-01-01" }, { id = "y", created_at = "2026-01-01" } }, { "x", "y" } },
      { { { id = "x" }, { id = "y", created_at = "2026-01-01" } }, { "x", "y" } },
      { { { id = 3 }, { id = 2 }, { id = 1 } }, { 1, 2, 3 } },
    } do
      open()
      world:answer("logs", nil, 200, page(case[1]))
      assert.same(case[2], ids(tail { from = "start", timeout = 1 }))
    end
  end)

  it("keeps the order that it has seen while a page can't tell", function()
    open()
    world:answer("logs", 1, 200, page({ { id = 4 }, { id = 3 } }, 1, 2))
    world:answer("logs", 2, 200, page({ { id = 2 } }, 2, 2))
    world:answer("logs", 3, 200, page({ { id = 6 } }, 1, 2))
    world:answer("logs", 4, 200, page({ { id = 5 }, { id = 4 } }, 2, 2))
    for k = 5, 9 do world:answer("logs", k, 200, page({ { id = 6 } }, 1, 2)) end
    assert.same({ 2, 3, 4, 5, 6 }, ids(tail { from = "start", timeout = 4 }))
    assert.same({ 1, 2, 1, 2, 1 }, table.move(pages(), 1, 5, 1, {}))
  end)

  it("remembers the last 2,000 entries, and no more", function()
    open { habits = { log_pages = false } }
    local entries = {}
    for i = 1, 2001 do entries[i] = { id = i } end
    world:answer("logs", 1, 200, page(entries))
    local first, last, other = { { id = 2 }, { id = 2001 } }, { { id = 1 }, { id = 2001 } }, { { id = 2 }, { id = 3 } }
    world:answer("logs", 2, 200, page(first)) -- both are known
    world:answer("logs", 3, 200, page(last)) -- the first is forgotten, and is the newest then
    world:answer("logs", 4, 200, page(other)) -- so that the second is forgotten, and then the third
    world:answer("logs", 5, 200, page { { id = 1 }, { id = 2 } })
    local got = {}
    local next_one = tail { from = "start", timeout = 8 }
    for entry in next_one do got[#got + 1] = entry.id end
    assert.same({ 1, 2, 3 }, table.move(got, 2002, #got, 1, {}))
  end)

  it("raises what lasts, and ends quietly where its time cuts a look off", function()
    open { client = { max_attempts = 1 } }
    world:answer("logs", 1, 403, { message = "no" })
    local ok, err = pcall(tail { timeout = 5 })
    assert.same({ false, "forbidden" }, { ok, err.kind })
    open { client = { max_attempts = 1 } }
    world:fault("logs", 1, nil, { there = 9 })
    assert.is_nil((tail { timeout = 5 })())
    assert.equal(5, world:seconds())
    world:fault("logs", 2, nil, { there = 9 })
    ok, err = pcall(tail { timeout = 1.5, attempt_timeout = 1 })
    assert.same({ false, "timeout" }, { ok, err.kind })
    world:answer("logs", nil, 200, { data = { 7 }, meta = { current_page = 1, last_page = 1 } })
    ok, err = pcall(tail { timeout = 5 })
    assert.same({ false, "protocol" }, { ok, err.kind })
  end)

  it("says what it was given in the place of a beginning", function()
    open()
    for _, from in ipairs { "yesterday", "2026", "x2026-01" } do
      local ok, message = pcall(tail, { from = from })
      assert.is_false(ok)
      assert.matches('tail: from: expected "now", "start" or a date such as "2026%-11%-23", got "' .. from:gsub("%-", "%%-"), message)
    end
    assert.has_error(function() tail { form = "now" } end)
    assert.matches("tail: script version id", tostring(select(2, pcall(world.versions.tail, world.versions, "x"))))
    assert.equal("", world:sent())
  end)
end)
