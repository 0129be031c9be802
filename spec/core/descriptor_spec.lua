-- One descriptor that stands for others and a timer: see src/core/lua_descriptor.c.
local core = require "patchworks.core"
local lua = require "spec.support.lua"
local uv = require "luv"

-- Whether the descriptor is readable, or becomes so within `seconds`.
local function is_readable(descriptor, seconds)
  local poll, timer, readable = uv.new_poll(descriptor:fd()), uv.new_timer(), false
  local function stop()
    poll:stop()
    timer:stop()
  end
  poll:start("r", function()
    readable = true
    stop()
  end)
  timer:start(math.floor((seconds or 0.02) * 1000), 0, stop)
  uv.run()
  poll:close()
  timer:close()
  uv.run()
  return readable
end

-- How long it takes to become readable once its timer is set.
local function time_of(descriptor, seconds)
  local began = core.now()
  descriptor:arm(seconds)
  assert.is_true(is_readable(descriptor, 10))
  return core.now() - began
end

describe("core.descriptor", function()
  it("is readable when its timer is over, until it is drained", function()
    local descriptor <close> = core.descriptor()
    assert.is_false(is_readable(descriptor))
    local shortest = math.huge
    for _ = 1, 20 do
      local took = time_of(descriptor, 0.05)
      assert.is_true(took >= 0.0499, took)
      shortest = math.min(shortest, took)
      descriptor:drain()
      if shortest < 0.09 then break end
    end
    assert.is_true(shortest < 0.09, shortest)
    assert.is_false(is_readable(descriptor, 0.1)) -- once
    descriptor:arm(0)
    assert.is_true(is_readable(descriptor, 10))
    assert.is_true(is_readable(descriptor))
    descriptor:drain()
    assert.is_false(is_readable(descriptor))
  end)

  it("forgets its timer when it is told nil, or a time before now", function()
    local descriptor <close> = core.descriptor()
    for _, never in ipairs { false, -1, -0.001 } do
      descriptor:arm(0.02)
      descriptor:arm(never or nil)
      assert.is_false(is_readable(descriptor, 0.06))
    end
    descriptor:arm(math.huge)
    assert.is_false(is_readable(descriptor))
    assert.has_error(function() descriptor:arm "soon" end)
    assert.same({ 0, 0 }, { select("#", descriptor:arm(nil)), select("#", descriptor:drain()) })
  end)

  it("is readable as long as one of those that it watches is", function()
    local descriptor <close> = core.descriptor()
    local pipe = uv.pipe({ nonblock = true }, { nonblock = true })
    assert.is_true(descriptor:watch(pipe.read, true))
    assert.is_false(is_readable(descriptor))
    uv.fs_write(pipe.write, "x")
    assert.is_true(is_readable(descriptor))
    descriptor:drain()
    assert.is_true(is_readable(descriptor))
    assert.is_true(descriptor:watch(pipe.read, false))
    assert.is_false(is_readable(descriptor))
    assert.is_true(descriptor:watch(pipe.write, true)) -- which can be written to, and never read
    assert.is_false(is_readable(descriptor))
    uv.fs_close(pipe.read)
    uv.fs_close(pipe.write)
    assert.is_false(descriptor:watch(-1, true))
  end)

  it("is closed by close, by a block's end, and by the collector", function()
    local function is_open(fd) return uv.fs_fstat(fd) ~= nil end
    local one, other = core.descriptor(), core.descriptor()
    local fd = one:fd()
    assert.is_true(is_open(fd))
    assert.equal(0, select("#", one:close()))
    assert.is_false(is_open(fd))
    one:close()
    for _, name in ipairs { "fd", "watch", "arm", "drain" } do
      local ok, problem = pcall(function() one[name](one, 0, true) end)
      assert.is_false(ok)
      assert.matches("bad argument #1 to '[^']*' %(the descriptor is closed%)$", problem)
    end
    do
      local third <close> = core.descriptor()
      fd = third:fd()
    end
    assert.is_false(is_open(fd))
    fd, other = other:fd(), nil -- luacheck: ignore
    collectgarbage()
    assert.is_false(is_open(fd))
    assert.has_error(function() one.fd {} end)
  end)

  it("is good where it is 0, in a program that has closed its input", function()
    local pipe <close> = io.popen(("exec %s -e 'print(require(\"patchworks.core\").descriptor():fd())' 2>&1 <&-"):format(lua))
    assert.equal("0\n", pipe:read "a")
  end)

  it("says so when the system gives none", function()
    local script = [[
      local core, open = require "patchworks.core", {}
      local got, descriptor, problem = pcall(function()
        for i = 1, 100 do
          local descriptor, problem = core.descriptor()
          if not descriptor then return descriptor, problem end
          open[i] = descriptor
        end
      end)
      print(got, descriptor, problem)
    ]]
    local pipe <close> = io.popen(("ulimit -n 40; exec %s -e '%s' 2>&1"):format(lua, script))
    assert.equal("true\tnil\tthe system gives no descriptor to wait on (is the limit of open files reached?)\n", pipe:read "a")
  end)
end)
