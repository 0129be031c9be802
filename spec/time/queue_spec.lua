-- First come, first served, and what is due when: the two orders in which all else is served.
local clock_of = require "spec.support.clock"
local deadline = require "patchworks.time.deadline"
local queue = require "patchworks.time.queue"
local random = require "spec.simulation.random"
local timers = require "patchworks.time.timers"

local function member(name) return { name = name, _queue = false, _before = false, _after = false } end

-- The names of a queue's members, from its first and from its last.
local function names_of(line)
  local forwards, backwards = {}, {}
  local each = line.first
  while each do
    forwards[#forwards + 1], each = each.name, each._after
  end
  each = line.last
  while each do
    table.insert(backwards, 1, each.name)
    each = each._before
  end
  local text = table.concat(forwards, " ")
  assert.equal(text, table.concat(backwards, " "))
  return text
end

describe("a queue", function()
  local line, a, b, c
  before_each(function()
    line, a, b, c = queue.new(), member "a", member "b", member "c"
    for _, each in ipairs { a, b, c } do line:push(each) end
  end)

  it("gives its members in the order in which they came, and is empty then", function()
    assert.equal("a b c", names_of(line))
    assert.same({ a, b, c }, { line:pop(), line:pop(), line:pop() })
    assert.is_nil(line:pop())
    assert.same({ false, false }, { line.first, line.last })
    line:push(b)
    assert.equal("b", names_of(line))
  end)

  it("lets any member leave, who is as before then", function()
    for _, case in ipairs { { b, "a c" }, { a, "c" }, { c, "" } } do
      line:remove(case[1])
      assert.equal(case[2], names_of(line))
      assert.same({ false, false, false }, { case[1]._queue, case[1]._before, case[1]._after })
    end
    line:push(a)
    line:push(b)
    assert.equal("a b", names_of(line))
  end)

  it("leaves who is in it where he is, and who is in another there", function()
    line:push(a)
    assert.equal("a b c", names_of(line))
    local other = queue.new()
    other:push(a)
    other:remove(b)
    assert.same({ "a b c", "" }, { names_of(line), names_of(other) })
    local d = member "d"
    line:remove(d)
    assert.equal("a b c", names_of(line))
  end)
end)

describe("what is due", function()
  local function wait_due(due) return { due = due, place = false, number = 0 } end

  local function drain()
    local list = {}
    while timers.heap[1] do
      local first = timers.heap[1]
      list[#list + 1] = first
      timers.remove(first)
    end
    return list
  end

  it("comes in the order of time, and of two at once the one that was put in first", function()
    local draw = random.new(3)
    for _ = 1, 60 do
      local all, kept = {}, {}
      for i = 1, draw.integer(1, 40) do
        all[i] = wait_due(draw.integer(1, 12))
        timers.add(all[i])
        timers.add(all[i]) -- once is enough
      end
      -- Some leave before their time, in any order.
      for i, each in ipairs(all) do
        if draw.integer(1, 3) == 1 then
          timers.remove(each)
          timers.remove(each)
          assert.is_false(each.place)
        else
          kept[#kept + 1] = { each = each, order = i }
        end
      end
      table.sort(kept, function(left, right)
        if left.each.due ~= right.each.due then return left.each.due < right.each.due end
        return left.order < right.order
      end)
      local came = drain()
      assert.equal(#kept, #came)
      for i, each in ipairs(kept) do assert.equal(each.each, came[i]) end
    end
    assert.is_nil(timers.heap[1])
  end)

  it("is found again after it had left", function()
    local early, late = wait_due(1), wait_due(2)
    timers.add(late)
    timers.add(early)
    timers.remove(early)
    assert.equal(late, timers.heap[1])
    timers.add(early)
    assert.same({ early, late }, drain())
  end)
end)

describe("a deadline", function()
  it("knows what is left, caps what may be waited, and hands both on", function()
    local clock <close> = clock_of()
    local one = deadline.of(5)
    local each = one:each(2)
    assert.same({ clock.now() + 5, 5, 3, 5, 2 }, { one.at, one:left(), one:cap(3), one:cap(8), each:left() })
    clock.time = clock.time + 4.5
    assert.same({ 0.5, 0.5, 0.25, 0.5 }, { one:left(), one:cap(3), one:cap(0.25), each:left() })
    for _ = 1, 2 do
      clock.time = clock.time + 0.5
      assert.same({ 0, 0, 0 }, { one:left(), one:cap(3), each:left() })
    end
  end)

  it("has nothing left where less is left than anything takes, as sums of seconds leave", function()
    local clock <close> = clock_of()
    local one = deadline.of(5)
    clock.time = one.at - 1e-7
    assert.same({ 0, 0 }, { one:left(), one:cap(3) })
    clock.time = one.at - 1e-5
    assert.is_true(one:left() > 0)
  end)

  it("is made of seconds or of another, and ends no later than the one that it is a part of", function()
    local clock <close> = clock_of()
    local outer = deadline.of(5)
    assert.same({ 7, 5, 5 }, { deadline.seconds(7), deadline.seconds(outer), deadline.of(outer):left() })
    assert.same({ 3, 5, 5 }, { deadline.of(3, outer):left(), deadline.of(9, outer):left(), deadline.of(nil, outer):left() })
    local never = deadline.of()
    assert.same({ math.huge, math.huge, 4 }, { never.at, never:left(), never:each(4):left() })
    clock.time = clock.time + 1
    assert.equal(4, deadline.of(outer):left())
  end)

  it("may be what something else is as well", function()
    local clock <close> = clock_of()
    local one = setmetatable({ at = clock.now() + 5 }, deadline.extend { name = "mine" })
    assert.same({ "mine", 3, 5 }, { one.name, one:cap(3), one:cap(8) })
  end)
end)
