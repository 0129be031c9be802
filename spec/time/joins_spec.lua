-- Tasks that wait for each other, and tasks whose coroutine somebody else ends: no join lasts for ever.
local lua = require "spec.support.lua"
local patchworks = require "patchworks"

-- Calls in a coroutine of somebody else's, where a wait can't suspend the task.
local function in_a_generator(fn, ...) return coroutine.wrap(fn)(...) end

-- What a task ended with, without joining it.
local function outcome_of(task)
  local ok, problem = task:join()
  return ok, type(problem) == "table" and problem.kind or problem
end

describe("a join that could never end", function()
  local neither = "neither would ever end"

  it("of two tasks that wait for each other is an error of the second", function()
    local first, second
    assert(patchworks.run(function(tasks)
      first = tasks:spawn(function()
        patchworks.sleep(0.001)
        return second:join()
      end)
      second = tasks:spawn(function()
        patchworks.sleep(0.002)
        local ok, problem = pcall(first.join, first)
        return ok, problem
      end)
    end))
    local _, ok, problem = second:join()
    assert.is_false(ok)
    assert.matches(neither, problem, 1, true)
    assert.matches("joins_spec.lua", problem, 1, true)
    assert.same({ true, true, false, problem }, { first:join() }, "the first has what the second gave")
  end)

  it("of a ring of tasks, and of a task that waits for itself, be it in a generator", function()
    local ring, problems = {}, {}
    patchworks.run(function(tasks)
      for i = 1, 4 do
        ring[i] = tasks:spawn(function()
          patchworks.sleep(0.001)
          local next_one = ring[i % 4 + 1]
          local ok, problem = pcall(next_one.join, next_one)
          if not ok then problems[#problems + 1] = problem end
        end)
      end
      local own
      own = tasks:spawn(function()
        patchworks.sleep(0.001)
        for _, call in ipairs { pcall, function(...) return in_a_generator(pcall, ...) end } do
          local ok, problem = call(own.join, own)
          assert(not ok)
          problems[#problems + 1] = problem
        end
      end)
      own:join()
    end)
    local said = table.concat(problems, "\n")
    assert.equal(3, #problems)
    assert.same({ 2, 1 }, { select(2, said:gsub("a task can't wait for itself", "")), select(2, said:gsub(neither, "")) })
  end)

  it("of a task that waits for the one whose run waits for it", function()
    local outer, kind
    patchworks.run(function(tasks)
      outer = tasks:spawn(function()
        patchworks.sleep(0.001)
        return pcall(patchworks.run, function(inner)
          inner:spawn(function()
            patchworks.sleep(0.001)
            local ok, problem = pcall(outer.join, outer)
            kind = not ok and problem
          end)
        end)
      end)
    end)
    assert.matches(neither, kind, 1, true)
  end)

  it("of tasks one of which can't be suspended", function()
    local first, second, third, problem
    patchworks.run(function(tasks)
      first = tasks:spawn(function()
        patchworks.sleep(0.001)
        in_a_generator(function() second:join() end)
      end)
      second = tasks:spawn(function()
        patchworks.sleep(0.003)
        in_a_generator(function() third:join() end)
      end)
      third = tasks:spawn(function()
        patchworks.sleep(0.006)
        local ok
        ok, problem = pcall(first.join, first)
        assert(not ok)
      end)
    end)
    assert.matches(neither, problem, 1, true)
    for _, each in ipairs { first, second, third } do assert.is_true((outcome_of(each))) end
  end)

  it("of a task for one below it on the stack, where it can't be suspended", function()
    local below, problem, above
    patchworks.run(function(tasks)
      local slow
      below = tasks:spawn(function()
        patchworks.sleep(0.001)
        in_a_generator(function() slow:join() end)
      end)
      slow = tasks:spawn(patchworks.sleep, 0.02)
      above = tasks:spawn(function()
        patchworks.sleep(0.005)
        in_a_generator(function()
          local ok
          ok, problem = pcall(below.join, below)
          assert(not ok)
        end)
      end)
    end)
    assert.matches(neither, problem, 1, true)
    for _, each in ipairs { below, above } do assert.is_true((outcome_of(each))) end
  end)

  it("is no join of several for one, of one that has ended, nor one that was given up", function()
    local last
    assert(patchworks.run(function(tasks)
      last = tasks:spawn(patchworks.sleep, 0.01)
      for _ = 1, 5 do tasks:spawn(function() assert(last:join()) end) end
      local parent
      parent = tasks:spawn(function()
        patchworks.sleep(0.001)
        -- Its waits for others are given up, wherever a hook raises, so that another may wait for it.
        for n = 1, 120 do
          local child = tasks:spawn(patchworks.sleep, 0.02)
          coroutine.resume(coroutine.create(function()
            debug.sethook(function() error "budget" end, "", n)
            child:join()
          end))
          debug.sethook()
          tasks:spawn(function() assert(parent:join()) end)
        end
        return "gone on"
      end)
      local ok, said = parent:join()
      assert(ok and said == "gone on")
    end))
  end)
end)

describe("a task whose coroutine somebody else ends", function()
  it("lets those go on who wait for it in tasks of their own", function()
    local seen = {}
    local own, closed
    closed = patchworks.spawn(function()
      own = coroutine.running()
      patchworks.sleep(30)
    end)
    local joiner = patchworks.spawn(function() seen[1], seen[2] = outcome_of(closed) end)
    local began = os.time()
    assert(coroutine.close(own))
    assert(joiner:join())
    assert.same({ false, "cancelled" }, seen)
    assert.is_true(os.time() - began < 10)
  end)

  it("has ended as it did when it was resumed to its end", function()
    local own
    local fine = patchworks.spawn(function()
      own = coroutine.running()
      coroutine.yield()
      return "done"
    end)
    -- The scheduler would go on with it in the next turn: here somebody is faster.
    assert(coroutine.resume(own))
    assert.same({ true, "done" }, { fine:join() })
    local bad = patchworks.spawn(function()
      own = coroutine.running()
      coroutine.yield()
      error("no", 0)
    end)
    assert(not coroutine.resume(own))
    bad._joined = true
    assert.same({ false, "no" }, { bad:join() })
  end)

  it("lets a coroutine of cqueues go on that waits for it", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write [[
      local patchworks = require "patchworks"
      local server <close> = require("patchworks.sandbox").start { deploy_seconds = 0.1 }
      local cqueues = require "cqueues"
      local client = server:client { loop = require "patchworks.loop.cqueues" }
      local controller, own = cqueues.new(), nil
      controller:wrap(function()
        local task = patchworks.spawn(function()
          own = coroutine.running()
          patchworks.sleep(30)
        end)
        controller:wrap(function() coroutine.close(own) end)
        local ok, problem = task:join()
        print(ok, problem.kind)
      end)
      assert(controller:loop())
      client:close()
    ]]
    file:flush()
    local pipe <close> = assert(io.popen(("timeout 10 %s %s 2>&1"):format(lua, path)))
    assert.equal("false\tcancelled\n", pipe:read "a")
    os.remove(path)
  end)
end)
