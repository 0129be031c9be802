-- Every small history of a list that others change while it is walked: what was there all the time comes once, in order.
local walk = require "patchworks.listing.walk"

-- What happened in a history, told only when one that failed is gone through again.
local story

local function tell(text, ...)
  if story then story[#story + 1] = text:format(...) end
end

-- Goes through all runs of a program that asks `choose(n)` for a number from 1 to n.
local function each_run(program)
  local taken, options, runs = {}, {}, 0
  local depth
  local function choose(count)
    depth = depth + 1
    if not taken[depth] then taken[depth], options[depth] = 1, count end
    return taken[depth]
  end
  local function go()
    depth = 0
    program(choose)
  end
  repeat
    local ok, problem = pcall(go)
    if not ok then
      story = {}
      pcall(go)
      local told = table.concat(story, "; ")
      story = nil
      error(("%s: %s"):format(told, problem), 0)
    end
    runs = runs + 1
    local last = #taken
    while last > 0 and taken[last] == options[last] do
      taken[last], options[last] = nil, nil
      last = last - 1
    end
    if last > 0 then taken[last] = taken[last] + 1 end
  until last == 0
  return runs
end

-- A list in the order of a service, and what changes it. Ids are never used again.
-- `ever` has what was deleted as well.
local function new_list(count)
  local list = { next_id = 100, ever = {} }
  for i = 1, count do
    list[i], list.ever[i] = i, i
  end
  return list
end

local function insert(list, place)
  list.next_id = list.next_id + 1
  table.insert(list, place, list.next_id)
  table.insert(list.ever, place == 1 and 1 or #list.ever + 1, list.next_id)
end

-- What a filter hid comes where its id puts it.
local function appear(list, id)
  for _, ids in ipairs { list, list.ever } do
    local place = 1
    while ids[place] and (list.falls and ids[place] > id or not list.falls and ids[place] < id) do place = place + 1 end
    table.insert(ids, place, id)
  end
end

-- A list with a filter: every second of `2 * count + 1` is hidden at first.
local function new_filtered(count, falls)
  local list = { ever = {}, hidden = {}, falls = falls }
  for id = 1, 2 * count + 1 do
    if id % 2 == 0 then appear(list, id) else list.hidden[#list.hidden + 1] = id end
  end
  return list
end

-- Nobody changes an item, or what is said of a call: all pages have the same.
local items = setmetatable({}, { __index = function(made, id)
  made[id] = { id = id }
  return made[id]
end })
local once, twice = { attempts = { {} } }, { attempts = { {}, {} } }

local function page_of(list, number, size)
  local data = {}
  for i = (number - 1) * size + 1, math.min(number * size, #list) do data[#data + 1] = items[list[i]] end
  local last = math.max(1, (#list + size - 1) // size)
  return { data = data, meta = { current_page = number, last_page = last, total = #list } }
end

-- Whether nothing came after what it stands above. (Where all that was given is deleted, no page tells what is new.)
local function in_order(ids, places, here)
  local latest = 0
  for _, id in ipairs(ids) do
    local place = places[id]
    if place and here[id] and place < latest then return false end
    latest = math.max(latest, place or 0)
  end
  return true
end

-- Whether what was there all the time came, in its order.
local function all_came(before, places, here)
  local latest = 0
  for _, id in ipairs(before) do
    if here[id] then
      local place = places[id]
      if not place or place < latest then return false end
      latest = place
    end
  end
  return true
end

-- Walks to the end, and holds what came against what was there all the time.
local function check(list, source)
  local before = table.move(list, 1, #list, 1, {})
  local steps = walk.new(source)
  local came, places, here = {}, {}, {}
  while true do
    local page, problem = steps:next()
    if problem then error(tostring(problem), 0) end
    if not page then break end
    for _, item in ipairs(page.data) do
      if places[item.id] then error(item.id .. " came twice", 0) end
      came[#came + 1] = item.id
      places[item.id] = #came
    end
  end
  for _, id in ipairs(list) do here[id] = true end
  if not all_came(before, places, here) or not list.hidden and not in_order(list.ever, places, here) then
    error(("of %s, %s is left, and came %s"):format(table.concat(before, " "), table.concat(list, " "), table.concat(came, " ")), 0)
  end
end

-- Makes up to `most` of the changes that `kinds` allows; says how many. What comes of them is all that anybody sees: what
-- is made is made first, and what is deleted goes from the front on.
local function change(list, kinds, choose, most)
  local ends, from = list.hidden or kinds.inserts, 1
  for made = 0, most - 1 do
    local choice = choose(1 + #ends + #list - from + 1) - 1
    if choice == 0 then return made end
    if choice > #ends then
      from, ends = from + choice - #ends - 1, {}
      tell("deleted %d", list[from])
      table.remove(list, from)
    elseif list.hidden then
      local id = table.remove(list.hidden, choice)
      appear(list, id)
      tell("came %d", id)
    else
      local first = ends[choice] == "first"
      insert(list, first and 1 or #list + 1)
      if first then from = from + 1 end -- deleting it again would be none
      tell("made %s", ends[choice])
    end
  end
  return most
end

local function answered(list, number, size, response)
  local page = page_of(list, number, size)
  if story then
    local ids = {}
    for i, item in ipairs(page.data) do ids[i] = tostring(item.id) end
    tell("read %d (%s)", number, table.concat(ids, ","))
  end
  return page, response or once
end

-- A pending call that is answered when it is waited for.
local function late(answer)
  local call = {}
  function call.wait() return answer() end
  function call.done() return false end
  function call.cancel() end
  return call
end

local function source_of(fields)
  fields.from, fields.per_page, fields.read_ahead = 1, fields.size, fields.read_ahead or 0
  fields.operation, fields.url = "list", "http://127.0.0.1/"
  return fields
end

-- One page after the other: up to `changes` changes, up to `at_once` of them between two requests.
local function one_by_one(count, size, kinds)
  return each_run(function(choose)
    local list, left, reads = (kinds.list or new_list)(count), kinds.changes, 0
    check(list, source_of {
      size = size,
      begin = function(number)
        return late(function()
          if reads > 0 then left = left - change(list, kinds, choose, math.min(left, kinds.at_once)) end
          reads = reads + 1
          return answered(list, number, size)
        end)
      end,
    })
  end)
end

local function remove(list, item)
  for i, each in ipairs(list) do
    if each == item then return table.remove(list, i) end
  end
end

-- Pages ahead: those under way are answered in any order, and one may be tried again. While one is waited for nobody sees
-- in which order others are answered: with no change in between, it is that in which they were begun.
local function ahead(count, size, read_ahead, kinds)
  return each_run(function(choose)
    local list, left = (kinds.list or new_list)(count), kinds.changes
    local under_way, reads, tried_again = {}, 0, false
    local function answer(call)
      reads = reads + 1
      call.page = answered(list, call.number, size)
    end
    -- Answers others, and then the one that is waited for.
    local function answer_last(call)
      local from = 1
      while true do
        local made = reads > 0 and change(list, kinds, choose, math.min(left, kinds.at_once)) or 0
        left = left - made
        if made > 0 then from = 1 end
        local which = choose(#under_way - from + 2) - 1
        if which == 0 then return answer(call) end
        from = from + which - 1
        answer(table.remove(under_way, from))
      end
    end
    check(list, source_of {
      size = size,
      read_ahead = read_ahead,
      begin = function(number)
        local call, response = { number = number }, once
        under_way[#under_way + 1] = call
        function call.wait()
          if not call.page then
            remove(under_way, call)
            if kinds.again and not tried_again and under_way[1] and choose(2) == 2 then
              tried_again, response = true, twice
              tell("page %d is tried again", number)
            end
            answer_last(call)
          end
          return call.page, response
        end
        function call.done() return call.page ~= nil end
        function call.cancel() end
        return call
      end,
    })
  end)
end

describe("a walk over a list that others change", function()
  it("page by page, where new ones come first: whatever happens between two requests", function()
    local runs = one_by_one(4, 1, { inserts = { "first" }, changes = 3, at_once = 3 })
    for size = 2, 3 do
      runs = runs + one_by_one(5, size, { inserts = { "first" }, changes = 3, at_once = 3 })
    end
    assert.is_true(runs > 3500, runs)
  end)

  it("page by page, where new ones come last, or at either end", function()
    local runs = one_by_one(5, 2, { inserts = { "last" }, changes = 4, at_once = 1 })
    runs = runs + one_by_one(6, 2, { inserts = { "first", "last" }, changes = 3, at_once = 1 })
    assert.is_true(runs > 1000, runs)
  end)

  it("with pages ahead, answered in any order", function()
    local runs = 0
    for _, inserts in ipairs { "first", "last" } do
      runs = runs + ahead(5, 2, 2, { inserts = { inserts }, changes = 3, at_once = 1 })
    end
    runs = runs + ahead(7, 2, 3, { inserts = { "first" }, changes = 1, at_once = 1 })
    assert.is_true(runs > 4000, runs)
  end)

  it("with pages ahead, handled in another order than asked for: one made and one deleted in between", function()
    local runs = ahead(6, 2, 2, { inserts = { "first" }, changes = 2, at_once = 2 })
    runs = runs + ahead(7, 2, 4, { inserts = { "first" }, changes = 2, at_once = 2 })
    assert.is_true(runs > 10000, runs)
  end)

  it("with pages ahead of which one is tried again", function()
    local runs = 0
    for _, inserts in ipairs { "first", "last" } do
      runs = runs + ahead(5, 2, 2, { inserts = { inserts }, changes = 2, at_once = 1, again = true })
    end
    assert.is_true(runs > 2000, runs)
  end)

  it("with a filter, which lets in what stands anywhere", function()
    local runs = 0
    for changes, falls in pairs { [2] = false, [3] = true } do
      local function list(count) return new_filtered(count, falls) end
      for size = 1, 2 do
        runs = runs + one_by_one(3, size, { list = list, changes = changes, at_once = 1 })
        runs = runs + ahead(2, size, 1, { list = list, changes = 2, at_once = 1 })
      end
    end
    assert.is_true(runs > 3000, runs)
  end)

  it("costs a request or two where the list moves under it, and none where it stands", function()
    local function requests(change_before)
      local list, reads = new_list(10), 0
      check(list, source_of {
        size = 2,
        begin = function(number)
          return late(function()
            reads = reads + 1
            if reads == change_before.read then change_before.act(list) end
            return answered(list, number, 2)
          end)
        end,
      })
      return reads
    end
    assert.equal(5, requests {})
    assert.equal(6, requests { read = 3, act = function(list) insert(list, 1) end }) -- a page more
    assert.equal(7, requests { read = 3, act = function(list) table.remove(list, 1) end })
    assert.equal(7, requests { read = 3, act = function(list) insert(list, #list + 1) end })
  end)

  it("drops what came ahead before the list moved, which would send it back once more", function()
    local list, reads = new_list(14), 0
    check(list, source_of {
      size = 1,
      read_ahead = 4,
      begin = function(number)
        reads = reads + 1
        local held_up = reads == 10
        if not held_up then
          local page, response = answered(list, number, 1)
          return { wait = function() return page, response end, done = function() return true end, cancel = function() end }
        end
        return late(function()
          table.remove(list, 1)
          return answered(list, number, 1)
        end)
      end,
    })
    assert.equal(14 - 1 + 3 + 4, reads)
  end)

  -- A loop that deletes what it is given, in a list with these ids; gives what came and how much was read.
  local function deleting(ids)
    local list, reads, came = table.move(ids, 1, #ids, 1, {}), {}, {}
    local steps = walk.new(source_of {
      size = 2,
      begin = function(number)
        return late(function()
          reads[#reads + 1] = number
          return answered(list, number, 2)
        end)
      end,
    })
    local most = 0
    for page in function() return assert(steps:next()) end do
      most = math.max(most, #page.data)
      for _, item in ipairs(page.data) do
        came[#came + 1] = item.id
        table.remove(list, 1)
      end
      if #came == #ids then break end
    end
    return came, most, reads
  end

  it("gives a loop that deletes what it is given the next ones at once where ids fall, and all of them anyway", function()
    local falling = { 8, 7, 6, 5, 4, 3, 2, 1 }
    local came, most, reads = deleting(falling)
    assert.same(falling, came)
    assert.equal(2, most)
    assert.same({ 1, 2, 1, 2, 1, 2, 1 }, reads)
    local rising = { 1, 2, 3, 4, 5, 6, 7, 8 }
    came = deleting(rising)
    assert.same(rising, came)
  end)

  it("ends where a service gives the same for ever, under other totals", function()
    local total, reads = 0, 0
    local steps = walk.new(source_of {
      size = 1,
      begin = function(number)
        return late(function()
          reads = reads + 1
          total = total + number % 3
          return { data = { { id = 1 } }, meta = { last_page = number + 1, total = total } }, { attempts = { {} } }
        end)
      end,
    })
    assert.equal(1, steps:next().data[1].id)
    local page, problem = steps:next()
    assert.is_nil(page)
    assert.same({ "protocol", true }, { problem.kind, problem.message:find "changes faster" ~= nil })
    assert.equal(16, reads) -- it gives up after 18 looks that bring nothing
  end)

  it("reads a service whose totals are never the same", function()
    local steps, came = walk.new(source_of {
      size = 2,
      begin = function(number)
        return late(function()
          local data = { { id = number * 2 }, { id = number * 2 + 1 } }
          return { data = data, meta = { last_page = 3, total = 10 - number } }, { attempts = { {} } }
        end)
      end,
    }), {}
    for page in function() return assert(steps:next()) end do
      for _, item in ipairs(page.data) do came[#came + 1] = item.id end
      if page.meta.total == 7 then break end
    end
    assert.same({ 2, 3, 4, 5, 6, 7 }, came)
  end)

  it("knows items by ids that are strings, and by large ones", function()
    local ids = { { "a", "b" }, { "b", 0 }, { 0, 95 }, { 96, math.maxinteger } }
    local came = {}
    local steps = walk.new(source_of {
      size = 2,
      begin = function(number)
        return late(function()
          local data = { { id = ids[number][1] }, { id = ids[number][2] } }
          return { data = data, meta = { last_page = 4, total = 6 } }, { attempts = { {} } }
        end)
      end,
    })
    for page in function() return steps:next() end do
      for _, item in ipairs(page.data) do came[#came + 1] = item.id end
    end
    assert.same({ "a", "b", 0, 95, 96, math.maxinteger }, came)
  end)

  it("leaves out what an older page holds above something that was given", function()
    local ids, came = { { 9, 8, 6 }, { 8, 7, 6, 5 } }, {}
    local steps = walk.new(source_of {
      size = 3,
      begin = function(number)
        return late(function()
          local data = {}
          for i, id in ipairs(ids[number]) do data[i] = { id = id } end
          return { data = data, meta = { last_page = 2, total = 6 } }, { attempts = { {} } }
        end)
      end,
    })
    for page in function() return assert(steps:next()) end do
      for _, item in ipairs(page.data) do came[#came + 1] = item.id end
      if steps.over then break end
    end
    assert.same({ 9, 8, 6, 5 }, came)
  end)

  it("ends at a page that is the one before, asked for again", function()
    local asked = {}
    local steps = walk.new(source_of {
      size = 2,
      begin = function(number)
        asked[#asked + 1] = number
        return late(function()
          return { data = { { id = 2 }, { id = 1 } }, meta = { last_page = 9, total = 18 } }, { attempts = { {} } }
        end)
      end,
    })
    assert.equal(2, #steps:next().data)
    local _, problem = steps:next()
    assert.matches("page 2 holds what the page before it held", problem.message)
    assert.same({ 1, 2, 1 }, asked)
    assert.is_nil(steps:next())
  end)

  -- What comes of a list with two a page, or `size`; `acts[n]` is done before the n-th reading.
  local function came_of(ids, acts, size)
    local list, reads, came = table.move(ids, 1, #ids, 1, {}), 0, {}
    local steps = walk.new(source_of {
      size = size or 2,
      begin = function(number)
        return late(function()
          reads = reads + 1
          if acts[reads] then acts[reads](list) end
          return answered(list, number, size or 2)
        end)
      end,
    })
    while not steps.over do
      local page, problem = steps:next()
      if problem then error(problem) end
      for _, item in ipairs(page and page.data or {}) do came[#came + 1] = item.id end
    end
    return came
  end

  it("takes one id for no order: a filter lets in, above it, what has a lower one", function()
    local came = came_of({ 5, 6, 7, 8 }, { [2] = function(list)
      table.insert(list, 1, 2)
      table.insert(list, 1, 1)
    end }, 1)
    assert.same({ 5, 6, 7, 8 }, came)
  end)

  it("goes past any number of pages that were made above what was given", function()
    local came = came_of({ 4, 3, 2, 1 }, { [2] = function(list)
      for id = 101, 180 do table.insert(list, 1, id) end
    end })
    assert.same({ 4, 3, 2, 1 }, came)
  end)

  it("gives what came in the place of all that was given, in order, though more is made above meanwhile", function()
    local came = came_of({ 9, 8, 7 }, {
      [2] = function(list)
        for i = #list, 1, -1 do list[i] = nil end
        for id = 26, 30 do table.insert(list, 1, id) end
      end,
      [4] = function(list) table.insert(list, 1, 31) end,
    })
    assert.same({ 9, 8, 30, 29, 28, 27, 26 }, came)
  end)

  it("takes items without an id as they come", function()
    local steps = walk.new(source_of {
      size = 2,
      begin = function(number)
        return late(function()
          return { data = { { message = "a" }, { message = "a" } }, meta = { last_page = 2, total = 3 + number } },
            { attempts = { {} } }
        end)
      end,
    })
    assert.same({ 2, 2 }, { #steps:next().data, #steps:next().data })
    assert.is_nil(steps:next())
  end)
end)
