-- Groups of tasks on a clock that stands still: who is started, ended, waited for and told of.
local clock_of = require "spec.support.clock"
local errors = require "patchworks.errors"
local patchworks = require "patchworks"
local scripted = require "spec.support.scripted"

local clock
before_each(function() clock = clock_of() end)
after_each(function() clock.restore() end)

local sleep = patchworks.sleep

local function failing(text) return function() return nil, errors.new { kind = "server", message = text } end end

local function refused(fn, ...)
  local ok, problem = pcall(fn, ...)
  assert.is_false(ok)
  return (tostring(problem):gsub("^[^:]*group_spec.lua:%d+: ", ""))
end

describe("sleep", function()
  it("takes its time, and none for nothing", function()
    sleep(2)
    sleep(0)
    sleep(0.5)
    assert.same({ 2, 0.5 }, clock.slept)
  end)
end)

describe("run", function()
  it("waits for all, also for those that are started meanwhile, and gives true", function()
    local order = {}
    assert.is_true(patchworks.run(function(tasks)
      tasks:spawn(function(...)
        order[#order + 1] = table.concat({ ... }, " ")
        sleep(3)
        tasks:spawn(function()
          sleep(3)
          order[#order + 1] = "late"
        end)
        order[#order + 1] = "first"
      end, "a", "b")
      tasks:spawn(function()
        sleep(1)
        order[#order + 1] = "second"
      end)
      order[#order + 1] = "started"
    end))
    assert.same({ "a b", "started", "second", "first", "late" }, order)
    assert.equal(6, clock.total())
  end)

  it("tells of those that failed, in the order in which they were started", function()
    local tasks_of = {}
    local ok, failures = patchworks.run(function(tasks)
      tasks_of[1] = tasks:spawn(function()
        sleep(2)
        error({ "raised" }, 0)
      end)
      tasks_of[2] = tasks:spawn(function() return 7 end)
      tasks_of[3] = tasks:spawn(failing "no")
      tasks_of[4] = tasks:spawn(function() return nil, "no error of ours" end)
      tasks_of[5] = tasks:spawn(function() error(nil) end) -- luacheck: ignore
    end)
    assert.is_nil(ok)
    assert.equal(3, #failures)
    assert.same({ tasks_of[1], tasks_of[3], tasks_of[5] }, { failures[1].task, failures[2].task, failures[3].task })
    assert.same({ { "raised" }, "no", "nil" }, { failures[1].error, failures[2].error.message, failures[3].error })
  end)

  it("ends all others at the first failure, where it is told to, and starts no more", function()
    local ended, late = {}, nil
    local ok, failures = patchworks.run(function(tasks)
      for i = 1, 2 do
        tasks:spawn(function()
          local _ <close> = setmetatable({}, { __close = function() ended[#ended + 1] = i end })
          sleep(50)
        end)
      end
      tasks:spawn(function()
        sleep(1)
        error "enough"
      end)
      sleep(2)
      late = tasks:spawn(function() ended[#ended + 1] = "started" end)
    end, { stop_on_error = true })
    assert.same({ { 1, 2 }, 1 }, { ended, #failures })
    assert.is_nil(ok)
    assert.same({ false, "cancelled" }, { late:join(), select(2, late:join()).kind })
    assert.equal(2, clock.total())
  end)

  it("goes on after a failure where it is not told to", function()
    local done
    patchworks.run(function(tasks)
      tasks:spawn(failing "no")
      tasks:spawn(function()
        sleep(3)
        done = true
      end)
    end)
    assert.is_true(done)
  end)

  it("ends its tasks when its function raises", function()
    local task
    assert.equal("out", refused(patchworks.run, function(tasks)
      task = tasks:spawn(function() sleep(9) end)
      error("out", 0)
    end))
    assert.equal("cancelled", select(2, task:join()).kind)
    assert.equal(0, clock.total())
  end)

  it("ends one task, or all, when told to, which is no failure", function()
    local ended = {}
    assert.is_true(patchworks.run(function(tasks)
      local one = tasks:spawn(function() sleep(5) end)
      local done = tasks:spawn(function() return 7, 8 end)
      ended[1], ended[2], ended[3] = tasks:cancel(one), tasks:cancel(one), tasks:cancel(done)
      assert.same({ true, 7, 8 }, { done:join() })
      for _ = 1, 3 do tasks:spawn(function() sleep(9) end) end
      tasks:cancel_all()
    end))
    assert.same({ { true, false, false }, 0 }, { ended, clock.total() })
  end)

  it("checks what it is given", function()
    assert.equal("run: expected a function, got 7", refused(patchworks.run, 7))
    assert.matches("run: unknown option `stop`", refused(patchworks.run, print, { stop = true }))
    patchworks.run(function(tasks)
      assert.equal("spawn: expected a function, got 7", refused(tasks.spawn, tasks, 7))
      assert.equal("spawn: expected a function, got nil", refused(tasks.spawn, tasks))
      assert.equal("cancel: expected a task, got a table", refused(tasks.cancel, tasks, {}))
    end)
    assert.equal("spawn: expected a function, got nil", refused(patchworks.spawn))
  end)
end)

describe("map", function()
  it("gives first results by their items' places, eight at a time unless told otherwise", function()
    for _, case in ipairs { { nil, 3 }, { 20, 1 }, { 1, 20 }, { 7, 3 } } do
      local under_way, most, began = 0, 0, clock.now()
      local items = {}
      for i = 1, 20 do items[i] = i * 10 end
      local results, failures = patchworks.map(items, function(item, index)
        under_way = under_way + 1
        most = math.max(most, under_way)
        sleep(1)
        under_way = under_way - 1
        return item + index, "more"
      end, { concurrency = case[1] })
      assert.is_nil(failures)
      for i = 1, 20 do assert.equal(i * 11, results[i]) end
      assert.same({ case[1] or 8, case[2] }, { most, clock.now() - began })
    end
    assert.same({ {} }, { patchworks.map({}, print) })
  end)

  it("tells of those that failed, by their places, whichever came first, and goes on", function()
    local results, failures = patchworks.map({ "a", "b", "c", "d" }, function(item, index)
      sleep(5 - index)
      if item == "a" then error("raised", 0) end
      if item == "c" then return failing("no")() end
      if item == "d" then return nil, "no error of ours" end
      return item
    end)
    assert.same({ nil, "b" }, { results[1], results[2] })
    assert.same({ { 1, "a", "raised" }, { 3, "c", "no" } }, {
      { failures[1].index, failures[1].item, failures[1].error }, { failures[2].index, failures[2].item, failures[2].error.message },
    })
    assert.equal(2, #failures)
  end)

  it("begins no item after a failure, and ends those under way, where it is told to", function()
    local begun = {}
    local results, failures = patchworks.map({ 1, 2, 3, 4, 5, 6 }, function(item)
      begun[#begun + 1] = item
      sleep(item == 2 and 0.5 or 1)
      if item == 2 then error("enough", 0) end
      return item
    end, { concurrency = 3, stop_on_error = true })
    assert.same({ { 1, 2, 3 }, {}, 1, 0.5 }, { begun, results, #failures, clock.total() })
    assert.same({ 2, 2, "enough" }, { failures[1].index, failures[1].item, failures[1].error })
  end)

  it("checks what it is given", function()
    assert.equal("map: expected a list, got 7", refused(patchworks.map, 7, print))
    assert.equal("map: expected a function, got nil", refused(patchworks.map, {}))
    assert.matches("map: concurrency: expected an integer from 1 to 100000, got 0", refused(patchworks.map, {}, print, { concurrency = 0 }))
  end)
end)

describe("a task", function()
  it("is joined by many, before and after its end, each with all that it gave", function()
    local seen = {}
    patchworks.run(function(tasks)
      local one = tasks:spawn(function()
        sleep(2)
        return nil, 7, nil
      end)
      for i = 1, 3 do
        tasks:spawn(function()
          seen[i] = table.pack(one:join())
        end)
      end
      local here = table.pack(one:join())
      assert.same({ true, nil, 7, nil, n = 4 }, here)
      assert.same(here, table.pack(one:join()))
    end)
    for i = 1, 3 do assert.same({ true, nil, 7, nil, n = 4 }, seen[i]) end
  end)

  it("fails with what closing it raised, where it does", function()
    local function failing_with(closing)
      local _, failures = patchworks.run(function(tasks)
        tasks:spawn(function()
          local _ <close> = setmetatable({}, { __close = function() if closing then error(closing, 0) end end })
          error("first", 0)
        end)
      end)
      return failures[1].error
    end
    assert.same({ "first", "second" }, { failing_with(nil), failing_with "second" })
  end)

  it("that yields of its own goes on in the next turn, in which nobody sleeps", function()
    local order = {}
    patchworks.run(function(tasks)
      for i = 1, 2 do
        tasks:spawn(function()
          for turn = 1, 2 do
            order[#order + 1] = i * 10 + turn
            coroutine.yield()
          end
        end)
      end
      tasks:spawn(function() sleep(4) end)
    end)
    assert.same({ { 11, 21, 12, 22 }, { 4 } }, { order, clock.slept })
  end)

  it("waits for another from inside of a coroutine that can't be suspended, while that one goes on", function()
    local joined
    patchworks.run(function(tasks)
      local other = tasks:spawn(function()
        sleep(3)
        return 5
      end)
      tasks:spawn(function()
        coroutine.wrap(function() joined = select(2, other:join()) end)()
      end)
    end)
    assert.same({ 5, 3 }, { joined, clock.total() })
  end)

  it("of a host's loop is waited for by whoever joins it, and ended by a block", function()
    local one <close> = patchworks.spawn(function(a, b)
      sleep(1)
      return a + b
    end, 3, 4)
    assert.same({ true, 7 }, { one:join() })
    local gone
    do
      local other <close> = patchworks.spawn(function() sleep(9) end)
      gone = other
    end
    assert.same({ false, "cancelled", "the task was cancelled", "none" },
      { gone:join(), select(2, gone:join()).kind, select(2, gone:join()).message, select(2, gone:join()).outcome })
    assert.is_nil(select(2, gone:join()).cause)
  end)

  it("that is cut off says what it had done, and what was under way", function()
    local service <close> = scripted()
    local client <close> = service:client { max_attempts = 1 }
    local versions = client.script_versions
    local made = { status = 201, body = '{"data":{"id":7}}' }
    local function cut(fn, ...)
      service:will(...)
      local err
      patchworks.run(function(tasks)
        local task = tasks:spawn(fn)
        sleep(1)
        tasks:cancel(task)
        err = select(2, task:join())
      end)
      return { err.kind, err.outcome, err.cause and err.cause.operation }
    end
    local function create() return versions:create(1, { content = "x" }) end
    local function then_sleeps(...)
      local all = { ... }
      return function()
        for _, each in ipairs(all) do each() end
        sleep(9)
      end
    end
    assert.same({ "cancelled", "unknown", "create" }, cut(create, { never = true }))
    assert.same({ "cancelled", "none", "get" }, cut(function() versions:get(7) end, { never = true }))
    -- Nobody is told of what was made.
    assert.same({ "cancelled", "unknown" }, cut(then_sleeps(create), made))
    assert.same({ "cancelled", "none" }, cut(then_sleeps(function() versions:get(7) end), made))
    assert.same({ "cancelled", "none" }, cut(then_sleeps(create), { status = 422 }))
    assert.same({ "cancelled", "unknown" }, cut(then_sleeps(create), { status = 500 }))
    assert.same({ "cancelled", "unknown" }, cut(then_sleeps(function() patchworks.map({ 1 }, create) end), made))
    assert.same({ "cancelled", "unknown" }, cut(function()
      patchworks.run(function(tasks) tasks:spawn(then_sleeps(create)) end)
    end, made))
    assert.same({ "cancelled", "none" }, cut(then_sleeps(function() patchworks.map({ 1 }, type) end)))
  end)

  it("of a map that is stopped counts as failed only where it was in the middle of something", function()
    local service <close> = scripted()
    local client <close> = service:client { max_attempts = 1 }
    local versions = client.script_versions
    service:will({ never = true }, { never = true })
    local _, failures = patchworks.map({ "create", "get", "fail" }, function(what)
      if what == "create" then return versions:create(1, { content = "x" }) end
      if what == "get" then return versions:get(1) end
      sleep(1)
      error("enough", 0)
    end, { stop_on_error = true })
    assert.equal(2, #failures)
    assert.same({ 1, "create", "cancelled", "unknown" },
      { failures[1].index, failures[1].item, failures[1].error.kind, failures[1].error.outcome })
    assert.same({ 3, "enough" }, { failures[2].index, failures[2].error })
  end)
end)
