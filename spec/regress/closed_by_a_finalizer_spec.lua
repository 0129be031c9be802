-- The collector may run while an answer is made into strings, and a finalizer of the host's may close the client there.
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

describe("a client closed by a finalizer", function()
  local server
  setup(function()
    server = assert(sandbox.start())
    server:populate { script = 1, versions = 100 }
  end)
  teardown(function()
    collectgarbage("incremental", 200, 100)
    server:close()
  end)

  it("in the middle of a call ends it with an error, wherever that is", function()
    collectgarbage("incremental", 10, 1000, 4) -- a step at nearly every allocation
    local closed, served = 0, 0
    for round = 1, 300 do
      local client <close> = server:client()
      client.script_versions:get(1)
      local function call()
        setmetatable({}, { __gc = function() client:close() end })
        for _ = 1, round % 60 do string.rep("garbage", 3) end -- moves the collector's steps
        return client.script_versions:list(1, { limit = 5 }):all()
      end
      local ok, value, problem = pcall(call)
      if ok and value then
        served = served + 1
      else
        closed = closed + 1
        local text = tostring(ok and problem or value)
        assert.matches("closed", text)
        assert.is_true(not ok or patchworks.is_error(problem))
      end
    end
    assert.equal(300, closed + served)
    assert.is_true(closed > 0)
  end)
end)
