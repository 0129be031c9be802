-- A file of data in Lua, evaluated in a state of its own: see src/core/lua_chunk.c.
local core = require "patchworks.core"

local endless = "it does not end; this file should only hold data"
local no_data = "it returns what is no data, such as a function, or a table within itself"
local too_much = "it needs more than 8 MiB of memory; this file should only hold data"

local function nested(depth) return "return " .. ("{"):rep(depth) .. ("}"):rep(depth) end

describe("data written in Lua", function()
  it("is copied out of a state of its own", function()
    local value = core.chunk("local id = 2 ^ 53 // 1 | 0 return { a = { 1, 'x\\0y', 2.5 }, [false] = true, id = id }", "f")
    assert.same({ a = { 1, "x\0y", 2.5 }, [false] = true, id = 1 << 53 }, value)
    assert.equal("integer", math.type(value.id))
    assert.equal("float", math.type((core.chunk("return 1.0", "f"))))
    assert.same({ { "text" }, { 7 }, { false } }, { { core.chunk("return 'text'", "f") }, { core.chunk("return 7", "f") },
      { core.chunk("return false", "f") } })
    assert.same({ 1, 2 }, core.chunk("x = { 1 } x[2] = 2 return x", "f"))
  end)

  it("is refused with the place where it isn't data", function()
    for source, problem in pairs {
      ["return\nx"] = "f:2: `x` is not there: this file holds data, and no library is in reach",
      ["return print()"] = "f:1: `print` is not there: this file holds data, and no library is in reach",
      ["return {"] = "f:1: unexpected symbol near <eof>",
      ["\n\nreturn 1 + {}"] = "f:3: attempt to perform arithmetic on a table value",
      ["\27Lua"] = "attempt to load a binary chunk (mode is 't')",
      [""] = "it returns nothing",
      ["return nil, 7"] = "it returns nothing",
      ["return function() end"] = no_data,
      ["local function f() end return { [f] = 1 }"] = no_data,
      ["return { { function() end } }"] = no_data,
      ["local t = {} t.t = t return t"] = no_data,
      ["local t = {} t[t] = 1 return t"] = no_data,
    } do
      assert.same({ nil, problem }, { core.chunk(source, "f") })
    end
    assert.has_error(function() core.chunk({}, "f") end)
    assert.has_error(function() core.chunk "return 1" end)
  end)

  it("may be 33 tables deep, however small the caller's stack is", function()
    local function read(depth) return coroutine.wrap(core.chunk)(nested(depth), "f") end
    local value, depth = read(33), 0
    while value do value, depth = value[1], depth + 1 end
    assert.equal(33, depth)
    assert.same({ nil, no_data }, { read(34) })
  end)

  it("may make as much garbage as it likes, and hold less than 8 MiB", function()
    local text = "local s, last = 'x', 0 for _ = 1, %d do s = s .. s end for i = 1, %d do last = s .. i end return #s"
    -- A sanitizer makes the half second short.
    assert.equal(1 << 20, core.chunk(text:format(20, os.getenv "PATCHWORKS_INSTRUMENTED" and 9 or 60), "f"))
    assert.same({ nil, too_much }, { core.chunk(text:format(23, 0), "f") })
    local list = "local t = {} for i = 1, %d do t[i] = i end return #t"
    assert.equal(1 << 18, core.chunk(list:format(1 << 18), "f")) -- 4 MiB, and 2 before they were moved
    assert.same({ nil, too_much }, { core.chunk(list:format(1 << 19), "f") })
  end)

  it("has two million steps, and half a second", function()
    assert.equal(7, core.chunk("for _ = 1, 1999500 do end return 7", "f"))
    assert.same({ nil, "f:1: " .. endless }, { core.chunk("for _ = 1, 2000500 do end return 7", "f") })
    local before = os.clock()
    -- Each step takes as long as a copy of a megabyte does.
    local slow = "local s = 'x' for _ = 1, 20 do s = s .. s end for i = 1, 200000 do local _ = s .. i end"
    assert.same({ nil, "f:1: " .. endless }, { core.chunk(slow, "f") })
    local took = os.clock() - before
    assert.is_true(took > 0.4 and took < 1.5, took)
  end)

  it("leaves the caller's hook and memory alone, also when it fails", function()
    collectgarbage()
    local before = collectgarbage "count"
    for _, source in ipairs { "while true do end", "local t = {} t.t = t return t", "error()", "\27Lua", ("("):rep(300), "return print" } do
      for _ = 1, 5 do assert.is_nil((core.chunk(source, "f"))) end
    end
    assert.is_nil((debug.gethook()))
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 64)
  end)

  it("keeps no memory once it is read, before anything is collected", function()
    local function pages()
      local file <close> = io.open "/proc/self/statm"
      return file and file:read("a"):match "^%d+ (%d+)"
    end
    if not pages() then pending "only Linux says how much memory is in use" end
    if os.getenv "PATCHWORKS_INSTRUMENTED" then pending "a sanitizer keeps what is freed for a while" end
    collectgarbage "stop"
    finally(function() collectgarbage "restart" end)
    local function grown(source)
      local before = pages()
      for _ = 1, 20 do
        core.chunk("t = {} for i = 1, 100000 do t[i] = i end " .. source, "f")
        if source ~= "return 1" then collectgarbage() end -- what fails is the collector's
      end
      return (pages() - before) * 4096
    end
    for _, source in ipairs { "return 1", "return function() end", "return nil + 1" } do
      local bytes = grown(source)
      assert.is_true(bytes < 20e6, bytes)
    end
  end)
end)
