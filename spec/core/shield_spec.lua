-- Threads of ours that no hook reaches: see src/core/lua_shield.c.
local core = require "patchworks.core"

describe("core.shield", function()
  it("keeps what a hook raises from being taken for a failure of decode or encode", function()
    local sethook = debug.sethook
    for name, given in pairs { decode = "[1]", encode = { 1 } } do
      local interrupted, done = 0, 0
      for k = 1, 12 do
        local count = 0
        local function raise()
          count = count + 1
          if count < k then return end
          sethook()
          error("interrupted!", 0)
        end
        local ok, value, problem = pcall(function()
          sethook(raise, "cr")
          local value, problem = core[name](given)
          sethook()
          return value, problem
        end)
        sethook()
        if ok then done = done + 1 else interrupted = interrupted + 1 end
        assert.same({ nil, ok and (name == "decode" and "table" or "string") or "interrupted!" }, { problem, ok and type(value) or value })
      end
      assert.is_true(interrupted >= 3 and done >= 3, name)
    end
  end)

  it("gives a function that takes and gives the same, however much", function()
    local shielded = core.shield(function(...) return select("#", ...), ... end)
    assert.same({ 0 }, { shielded() })
    local many = {}
    for i = 1, 200 do many[i] = i end
    for _ = 1, 2 do -- in a thread that is new, and in one that was kept
      local given = table.pack(shielded(table.unpack(many)))
      assert.equal(201, given.n)
      assert.same({ 200, 1, 200 }, { given[1], given[2], given[201] })
    end
    assert.equal(3, (core.shield(function(n) return core.shield(function(m) return m + 1 end)(n) + 1 end)(1)))
  end)

  it("raises what it raises, and goes on", function()
    local problem = {}
    local shielded = core.shield(function(what)
      if what then error(what, 0) end
      return "fine"
    end)
    for _, what in ipairs { problem, "lost" } do
      assert.same({ false, what }, { pcall(shielded, what) })
      assert.equal("fine", shielded())
    end
    local closed = 0
    local closing = core.shield(function()
      local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
      error "lost"
    end)
    assert.is_false((pcall(closing)))
    assert.equal(1, closed)
  end)

  it("is out of a hook's reach", function()
    local lines = 0
    local function busy()
      local sum = 0
      for i = 1, 10 do sum = sum + i end
      return sum
    end
    local shielded = core.shield(busy)
    local function counted(fn)
      lines = 0
      debug.sethook(function() lines = lines + 1 end, "l")
      fn()
      debug.sethook()
      return lines
    end
    assert.is_true(counted(busy) > 10)
    for _ = 1, 2 do assert.equal(counted(coroutine.running), counted(shielded)) end
  end)

  it("makes no thread for each call", function()
    local shielded = core.shield(function() end)
    shielded()
    collectgarbage()
    collectgarbage "stop"
    finally(function() collectgarbage "restart" end)
    local before = collectgarbage "count"
    for _ = 1, 1000 do shielded() end
    assert.is_true(collectgarbage "count" - before < 64)
  end)

  it("ends a function that yields", function()
    local ok, problem = coroutine.resume(coroutine.create(core.shield(function() coroutine.yield(1) end)))
    assert.same({ false, "a shielded function yielded" }, { ok, problem })
  end)

  it("takes functions alone", function()
    for _, name in ipairs { "shield", "thread" } do assert.has_error(function() core[name](7) end) end
    assert.equal(55, core.shield(function() return 55 end, 1)())
  end)
end)

describe("core.thread", function()
  it("gives a coroutine without hooks that can be retired and comes again", function()
    debug.sethook(function() end, "l")
    local thread = core.thread(function(...) return coroutine.yield(...) end)
    local other = coroutine.create(print)
    debug.sethook()
    assert.equal("l", (select(2, debug.gethook(other))))
    assert.is_nil((debug.gethook(thread)))
    assert.same({ true, 1, 2 }, { coroutine.resume(thread, 1, 2) })
    assert.is_nil((core.retire(thread))) -- it has not ended: it is not kept
    assert.are_not.equal(thread, core.thread(print))
    assert.same({ true, 7 }, { coroutine.resume(thread, 7) })
    core.retire(thread)
    assert.equal(thread, core.thread(function() return "again" end))
    assert.same({ true, "again" }, { coroutine.resume(thread) })
  end)

  it("is not kept after an error, which it still holds", function()
    local thread = core.thread(error)
    assert.is_false((coroutine.resume(thread, "lost")))
    core.retire(thread)
    assert.are_not.equal(thread, core.thread(print))
    assert.has_error(function() core.retire(7) end, "bad argument #1 to 'retire' (coroutine expected, got number)")
  end)

  it("is kept with 27 others besides the four that are reserved, and no more", function()
    local threads, known, again = {}, {}, 0
    for i = 1, 80 do threads[i] = core.thread(function() end) end
    for _, thread in ipairs(threads) do
      coroutine.resume(thread)
      core.retire(thread)
      known[thread] = true
    end
    local held = {}
    for i = 1, 80 do
      held[i] = core.thread(print)
      if known[held[i]] then again = again + 1 end
    end
    assert.equal(28, again)
  end)
end)
