-- luv's callbacks run on the thread that loaded it. When that was a coroutine which is gone, the process ended.
local lua = require "spec.support.lua"

local code = [[
local uv
coroutine.wrap(function() uv = require "patchworks.loop.uv" end)()
collectgarbage()
local keep = {}
for i = 1, 2000 do keep[i] = ("x"):rep(100 + i % 300) end
local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
local timer = uv.new_timer()
timer:start(1, 0, function()
  assert(deep(5000) == 5000)
  collectgarbage()
  timer:close()
  print "called"
end)
uv.run()
]]

describe("luv that a coroutine loaded first", function()
  it("calls back when the coroutine is gone", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write(code)
    file:flush()
    local pipe <close> = io.popen(lua .. " " .. path .. " 2>&1")
    assert.equal("called\n", pipe:read "a")
    os.remove(path)
  end)
end)
