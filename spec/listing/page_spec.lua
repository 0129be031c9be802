-- A page is checked before anybody sees it; and what two pages show of a move between them.
local pages = require "patchworks.listing.page"
local readings = require "patchworks.listing.reading"

-- A source that gives these fields as page 1, and what was asked of it.
local function source_of(which, fields)
  local source = { operation = "list", url = "http://x/", asked = {}, cancelled = 0 }
  for name, value in pairs(fields or {}) do source[name] = value end
  function source.begin(number, per_page)
    source.asked[#source.asked + 1] = { number, per_page }
    return {
      wait = function()
        source.waited = (source.waited or 0) + 1
        if not which then return nil, "the error" end
        return which, { attempts = source.attempts or { {} }, status = 200 }
      end,
      done = function() return source.done end,
      cancel = function() source.cancelled = source.cancelled + 1 end,
    }
  end
  return source
end

local function flaw_of(meta, data, fields)
  local page, err = pages.get(source_of({ data = data or {}, meta = meta }, fields), 1)
  if page then return nil end
  assert.same({ "protocol", "list", "http://x/", 200 }, { err.kind, err.operation, err.url, err.status })
  assert.same(200, err.response.status)
  return err.message
end

describe("a page", function()
  it("says which it is and how many there are, or is none", function()
    assert.is_nil(flaw_of { last_page = 0 })
    assert.is_nil(flaw_of { last_page = 3, current_page = 1 })
    assert.is_nil(flaw_of { last_page = 3, current_page = 0 })
    assert.equal("the answer is no page: it has no meta", flaw_of(nil))
    assert.equal("the answer is no page: it has no meta", flaw_of "x")
    for _, last in ipairs { -1, 1.5, "2", false } do
      assert.equal("meta.last_page is no page number: " .. tostring(last), flaw_of { last_page = last })
    end
    assert.equal("asked for page 1, and page 2 came again", flaw_of { last_page = 3, current_page = 2 })
    assert.equal("asked for page 1, and page x came again", flaw_of { last_page = 3, current_page = "x" })
  end)

  it("has its items checked, and wrapped when all are good", function()
    local wrapped = {}
    local fields = {
      check_item = function(item) return item == 2 and "is two" or nil end,
      wrap = function(item) wrapped[#wrapped + 1] = item end,
    }
    assert.equal("item 3 of page 1 is two", flaw_of({ last_page = 1 }, { 1, 3, 2 }, fields))
    assert.same({}, wrapped)
    assert.is_nil(flaw_of({ last_page = 1 }, { 1, 3 }, fields))
    assert.same({ 1, 3 }, wrapped)
  end)

  it("is asked for and taken in once, and what went wrong is given each time", function()
    local source = source_of({ data = {}, meta = { last_page = 1 } }, { done = false })
    local noted = {}
    local pending = pages.begin(source, 1, 30, function(which, times) noted[#noted + 1] = { which, times } end)
    pending:look()
    assert.same({ { { 1, 30 } }, nil, {} }, { source.asked, source.waited, noted })
    source.done = true
    pending:look()
    assert.equal(1, #noted)
    pending:look()
    local page, times = pending:wait()
    assert.same({ 1, 1 }, { source.waited, #noted })
    assert.same({ page, times }, noted[1])
    assert.same({ 200, true, true }, { page.response.status, times.begun < times.answered, times.sent == times.begun })
    pending:cancel()
    assert.equal(1, source.cancelled)
    assert.same({ n = 2, nil, "the error" }, table.pack(pages.get(source_of(nil), 1)))
  end)

  it("that was tried again was read when its answer came", function()
    local source = source_of({ data = {}, meta = { last_page = 1 } }, { attempts = { {}, {} } })
    local _, times = pages.get(source, 1)
    assert.same({ true, true }, { times.begun < times.answered, times.sent == times.answered })
  end)

  it("is cancelled when it is left", function()
    local source = source_of { data = {}, meta = { last_page = 1 } }
    pages.get(source, 1)
    assert.equal(1, source.cancelled)
    do
      local _ <close> = pages.begin(source, 2)
    end
    assert.equal(2, source.cancelled)
  end)

  it("whose taking in raises does so for who waits, and not before", function()
    local source = source_of({ data = { 1 }, meta = { last_page = 1 } }, { wrap = function() error("in wrap", 0) end, done = true })
    local pending = pages.begin(source, 1)
    pending:look()
    local ok, problem = pcall(pending.wait, pending)
    assert.same({ false, "in wrap" }, { ok, problem })
  end)

  it("is told of where somebody listens", function()
    local told = {}
    local which = { data = {}, meta = { last_page = 4 } }
    pages.tell(source_of(which, { on_page = function(event) told[#told + 1] = event end }), which, 3)
    pages.tell(source_of(which), which, 3)
    assert.same({ { type = "page", operation = "list", number = 3, of = 4 } }, told)
  end)
end)

describe("a reading", function()
  local function times(sent, answered) return { begun = sent, sent = sent, answered = answered } end

  local function reading(number, ids, sent, answered, meta)
    local data = {}
    for i, id in ipairs(ids) do data[i] = { id = id } end
    return readings.new({ data = data, meta = meta or { last_page = 2, total = 4 } }, number, times(sent, answered))
  end

  it("has its items' ids where all have one, and the total, or the number of pages in its place", function()
    local one = reading(1, { 5, "a" }, 1, 2)
    assert.same({ { 5, "a" }, 2, 4, 1, 1 }, { one.ids, one.last, one.total, one.times, one.number })
    assert.equal(7, reading(1, {}, 1, 2, { last_page = 7 }).total)
    assert.equal(7, reading(1, {}, 1, 2, { last_page = 7, total = "4" }).total)
    for _, data in ipairs { { { id = 1 }, { name = "x" } }, { 5 }, { "x" } } do
      assert.is_nil(readings.new({ data = data, meta = { last_page = 1 } }, 1, times(1, 2)).ids)
    end
  end)

  it("is the same as another with the same items in the same order", function()
    local one = reading(1, { 2, 1 }, 1, 2)
    assert.is_true(readings.same(one, reading(1, { 2, 1 }, 3, 4)))
    for _, ids in ipairs { { 1, 2 }, { 2 }, { 2, 1, 0 }, { 2, 3 } } do
      assert.is_false(readings.same(one, reading(1, ids, 3, 4)))
      assert.is_false(readings.same(reading(1, ids, 3, 4), one))
    end
    local without = readings.new({ data = { 5 }, meta = { last_page = 1 } }, 1, times(1, 2))
    assert.is_false(readings.same(without, without))
    assert.is_false(readings.same(one, without))
  end)

  it("of the same page with the same items holds from the first to the latest", function()
    local early, late = reading(1, { 2, 1 }, 1, 2), reading(1, { 2, 1 }, 5, 6)
    local joined = readings.join(late, early)
    assert.same({ late, 1, 5, 2 }, { joined, joined.first.sent, joined.latest.sent, joined.times })
    local third = readings.join(reading(1, { 2, 1 }, 3, 4), joined)
    assert.same({ 1, 5, 3 }, { third.first.sent, third.latest.sent, third.times })
    for _, other in ipairs { reading(2, { 2, 1 }, 1, 2), reading(1, { 3, 1 }, 1, 2) } do
      local alone = readings.join(reading(1, { 2, 1 }, 5, 6), other)
      assert.same({ 5, 1 }, { alone.first.sent, alone.times })
    end
    assert.equal(1, readings.join(reading(1, { 2, 1 }, 5, 6), nil).times)
  end)

  it("leaves its total behind in the order in which pages were sent, for as long as somebody needs it", function()
    local shown = {}
    local function note(sent, answered, total) readings.note(shown, { meta = { total = total, last_page = 1 } }, times(sent, answered)) end
    note(3, 9, 30)
    note(1, 4, 10)
    note(5, 6, 50)
    note(3, 5, 31)
    local function totals()
      local list = {}
      for i, each in ipairs(shown) do list[i] = each.total end
      return list
    end
    assert.same({ 10, 30, 31, 50 }, totals())
    readings.forget(shown, 5)
    assert.same({ 30, 31, 50 }, totals())
    readings.forget(shown, 6)
    assert.same({ 30, 50 }, totals())
    readings.forget(shown, 10)
    assert.same({}, shown)
  end)

  local function shown_of(...)
    local shown = {}
    for _, each in ipairs { ... } do shown[#shown + 1] = { sent = each[1], answered = each[2], total = each[3] } end
    return shown
  end

  it("fits to the one after it where no total moved between the two", function()
    local page, following = reading(1, { 4, 3 }, 1, 2), reading(2, { 2, 1 }, 3, 4)
    assert.is_true(readings.fit(shown_of({ 1, 2, 4 }, { 3, 4, 4 }), page, following, 0))
    assert.is_false(readings.fit(shown_of({ 1, 2, 4 }, { 3, 4, 5 }), page, following, 0))
    assert.is_false(readings.fit(shown_of({ 1, 2, 4 }, { 3, 4, 3 }), page, following, 0))
    assert.is_false(readings.fit(shown_of({ 1, 2, 4 }, { 2.5, 2.7, 5 }, { 3, 4, 4 }), page, following, 0))
    -- What was shown before and after is of no account.
    assert.is_true(readings.fit(shown_of({ 0, 0.5, 9 }, { 1, 2, 4 }, { 3, 4, 4 }, { 5, 6, 9 }), page, following, 0))
    assert.is_false(readings.fit(shown_of({ 0, 1, 9 }, { 1, 2, 4 }, { 3, 4, 4 }), page, following, 0))
    assert.is_false(readings.fit(shown_of({ 1, 2, 4 }, { 3, 4, 4 }, { 4, 6, 9 }), page, following, 0))
  end)

  it("does not fit to one that was sent before it, nor to one under way with it when the list had moved", function()
    local still = shown_of({ 1, 4, 4 }, { 3, 5, 4 })
    local early, late = reading(2, { 2, 1 }, 1, 4), reading(1, { 4, 3 }, 3, 5)
    assert.is_false(readings.fit(still, late, early, 0))
    local page, following = reading(1, { 4, 3 }, 1, 4), reading(2, { 2, 1 }, 3, 5)
    assert.is_true(readings.fit(still, page, following, 2))
    assert.is_false(readings.fit(still, page, following, 3))
    -- One after the other, whatever was before.
    assert.is_true(readings.fit(shown_of({ 1, 2, 4 }, { 3, 5, 4 }), reading(1, { 4, 3 }, 1, 2), following, 9))
  end)

  it("fits where it was read between two readings of the other, while the list only grew", function()
    local page = readings.join(reading(1, { 4, 3 }, 5, 6), reading(1, { 4, 3 }, 1, 2))
    local following = reading(2, { 2, 1 }, 3, 4)
    assert.is_true(readings.fit(shown_of({ 1, 2, 4 }, { 3, 4, 5 }, { 5, 6, 5 }), page, following, 9))
    assert.is_false(readings.fit(shown_of({ 1, 2, 4 }, { 3, 4, 3 }, { 5, 6, 3 }), page, following, 9))
    local twice = readings.join(reading(2, { 2, 1 }, 5, 6), reading(2, { 2, 1 }, 1, 2))
    assert.is_true(readings.fit(shown_of({ 1, 2, 4 }, { 3, 4, 5 }, { 5, 6, 5 }), reading(1, { 4, 3 }, 3, 4), twice, 9))
    -- Not where it was under way with either.
    for _, sent in ipairs { { 2, 4 }, { 3, 5 } } do
      assert.is_false(readings.fit(shown_of({ 1, 2, 4 }, { sent[1], sent[2], 5 }, { 5, 6, 5 }), page,
        reading(2, { 2, 1 }, sent[1], sent[2]), 9))
    end
  end)

  it("fits where both were read twice, in turn, while the list only shrank", function()
    local function twice(number, first, latest)
      return readings.join(reading(number, { number }, latest, latest + 1), reading(number, { number }, first, first + 1))
    end
    local falls, rises = shown_of({ 1, 2, 6 }, { 3, 4, 5 }, { 5, 6, 4 }, { 7, 8, 4 }), shown_of({ 1, 2, 6 }, { 3, 4, 5 }, { 5, 6, 6 }, { 7, 8, 4 })
    assert.is_true(readings.fit(falls, twice(1, 1, 5), twice(2, 3, 7), 9))
    assert.is_true(readings.fit(falls, twice(1, 3, 7), twice(2, 1, 5), 9))
    assert.is_false(readings.fit(rises, twice(1, 1, 5), twice(2, 3, 7), 9))
    -- Not in turn: one was read twice before the other.
    assert.is_false(readings.fit(shown_of({ 1, 2, 6 }, { 3, 4, 5 }, { 5, 6, 4 }, { 7, 8, 3 }), twice(1, 1, 3), twice(2, 5, 7), 9))
  end)

  it("fits at last where both stay as they are whatever the totals say", function()
    local function read_often(number, times_read)
      local one = reading(number, { number }, 1, 20)
      one.times = times_read
      return one
    end
    local moving = shown_of({ 1, 2, 6 }, { 3, 4, 5 }, { 5, 6, 6 })
    assert.is_true(readings.fit(moving, read_often(1, 4), read_often(2, 4), 9))
    assert.is_false(readings.fit(moving, read_often(1, 3), read_often(2, 4), 9))
    assert.is_false(readings.fit(moving, read_often(1, 4), read_often(2, 3), 9))
  end)
end)
