-- Every small history of a list that others change while it is walked: what was there all the time comes once, in order.
local walk = require "patchworks.listing.walk"

-- Goes through all runs of a program that asks `choose(n)` for a number from 1 to n.
local function each_run(program)
  local path, runs = {}, 0
  repeat
    local depth = 0
    local function choose(options)
      depth = depth + 1
      if not path[depth] then path[depth] = { taken = 1, options = options } end
      return path[depth].taken
    end
    program(choose)
    runs = runs + 1
    for i = #path, 1, -1 do
      if path[i].taken < path[i].options then
        path[i].taken = path[i].taken + 1
        break
      end
      path[i] = nil
    end
  until #path == 0
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

local function page_of(list, number, size)
  local data = {}
  for i = (number - 1) * size + 1, math.min(number * size, #list) do data[#data + 1] = { id = list[i] } end
  local last = math.max(1, (#list + size - 1) // size)
  return { data = data, meta = { current_page = number, last_page = last, total = #list } }
end

-- What a list went through; a reading is kept as {page, id, ..} until somebody asks.
local function history_of(list)
  local told = {}
  for i, each in ipairs(list.story) do
    told[i] = type(each) == "string" and each or ("read %d (%s)"):format(each[1], table.concat(each, ",", 2))
  end
  return table.concat(told, "; ")
end

-- Whether nothing came after what it stands above. (Where all that was given is deleted, no page tells what is new.)
local function in_order(list, came, here)
  local place, last = {}, 0
  for i, id in ipairs(list.ever) do place[id] = i end
  for _, id in ipairs(came) do
    if place[id] < last then return false end
    if here[id] then last = place[id] end
  end
  return true
end

-- Those of `ids` that are in a set, in their order.
local function those_in(set, ids)
  local result = {}
  for _, id in ipairs(ids) do
    if set[id] then result[#result + 1] = id end
  end
  return result
end

local function set_of(ids)
  local set = {}
  for _, id in ipairs(ids) do set[id] = true end
  return set
end

-- Walks to the end, and holds what came against what was there all the time.
local function check(list, source)
  local before = table.move(list, 1, #list, 1, {})
  local steps = walk.new(source)
  local seen, came = {}, {}
  while true do
    local page, problem = steps:next()
    if problem then error(("%s: %s"):format(history_of(list), problem)) end
    if not page then break end
    for _, item in ipairs(page.data) do
      if seen[item.id] then error(("%s: %d came twice"):format(history_of(list), item.id)) end
      seen[item.id] = true
      came[#came + 1] = item.id
    end
  end
  local here = set_of(list)
  if not list.hidden and not in_order(list, came, here) then error(("%s: came %s"):format(history_of(list), table.concat(came, " "))) end
  local due = those_in(here, before)
  local wanted, got = table.concat(due, " "), table.concat(those_in(set_of(due), came), " ")
  if wanted ~= got then error(("%s: due %s, came %s"):format(history_of(list), wanted, got)) end
end

-- One change of those that `kinds` allows, or none.
local function change(list, kinds, choose)
  local ends = #(list.hidden or kinds.inserts)
  local choice = choose(1 + ends + #list) - 1
  if choice == 0 then return false end
  if choice <= ends and list.hidden then
    local id = table.remove(list.hidden, choice)
    appear(list, id)
    list.story[#list.story + 1] = "came " .. id
  elseif choice <= ends then
    local place = kinds.inserts[choice] == "first" and 1 or #list + 1
    insert(list, place)
    list.story[#list.story + 1] = "made at " .. place
  else
    list.story[#list.story + 1] = "deleted " .. list[choice - ends]
    table.remove(list, choice - ends)
  end
  return true
end

local function answered(list, number, size, attempts)
  local reading = { number }
  list.story[#list.story + 1] = table.move(list, (number - 1) * size + 1, math.min(number * size, #list), 2, reading)
  return page_of(list, number, size), { attempts = attempts or { {} } }
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
    local list, left = (kinds.list or new_list)(count), kinds.changes
    list.story = {}
    local reads = 0
    check(list, source_of {
      size = size,
      begin = function(number)
        return late(function()
          for _ = 1, reads > 0 and kinds.at_once or 0 do
            if left == 0 or not change(list, kinds, choose) then break end
            left = left - 1
          end
          reads = reads + 1
          return answered(list, number, size)
        end)
      end,
    })
  end)
end

-- Pages ahead: those under way are answered in any order, and one may be tried again.
local function ahead(count, size, read_ahead, kinds)
  return each_run(function(choose)
    local list, left = (kinds.list or new_list)(count), kinds.changes
    list.story = {}
    local under_way, reads = {}, 0
    local function answer(which)
      local call = table.remove(under_way, which)
      for _ = 1, reads > 0 and kinds.at_once or 0 do
        if left == 0 or not change(list, kinds, choose) then break end
        left = left - 1
      end
      reads = reads + 1
      call.answer = table.pack(answered(list, call.number, size, call.attempts))
    end
    check(list, source_of {
      size = size,
      read_ahead = read_ahead,
      begin = function(number)
        local call = { number = number, attempts = { {} } }
        under_way[#under_way + 1] = call
        function call.wait()
          while not call.answer do
            local may_fail = kinds.again and #call.attempts == 1 and #under_way > 1
            local which = choose(#under_way + (may_fail and 1 or 0))
            if which > #under_way then
              call.attempts = { {}, {} }
            else
              answer(which)
            end
          end
          return table.unpack(call.answer)
        end
        function call.done() return call.answer ~= nil end
        function call.cancel() end
        return call
      end,
    })
  end)
end

describe("a walk over a list that others change", function()
  it("page by page, where new ones come first: whatever happens between two requests", function()
    local runs = 0
    for size = 1, 3 do
      runs = runs + one_by_one(5, size, { inserts = { "first" }, changes = 3, at_once = 3 })
    end
    assert.is_true(runs > 10000, runs)
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
    assert.is_true(runs > 4000, runs)
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
    for size = 1, 2 do
      for _, falls in ipairs { false, true } do
        local function list(count) return new_filtered(count, falls) end
        runs = runs + one_by_one(3, size, { list = list, changes = 3, at_once = 1 })
        runs = runs + ahead(2, size, 1, { list = list, changes = 2, at_once = 1 })
      end
    end
    assert.is_true(runs > 4000, runs)
  end)

  it("costs a request or two where the list moves under it, and none where it stands", function()
    local function requests(change_before)
      local list, reads = new_list(10), 0
      list.story = {}
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
    list.story = {}
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
    local list, reads, came = table.move(ids, 1, #ids, 1, { story = {} }), {}, {}
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
    local list, reads, came = table.move(ids, 1, #ids, 1, { story = {} }), 0, {}
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
