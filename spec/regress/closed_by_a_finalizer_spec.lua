-- The collector may run while an answer is made into strings, and a finalizer of the host's may close the client there.
local lua = require "spec.support.lua"
local sandbox = require "patchworks.sandbox"

-- In a process of its own: in a large heap the collector comes round too seldom.
local program = [[
  local patchworks = require "patchworks"
  collectgarbage("incremental", 10, 1000, 4) -- a step at nearly every allocation; a whole round at a large one
  local closed, served = 0, 0
  for round = 1, 200 do
    local client <close> = patchworks.new { base_url = arg[1], api_key = arg[2] }
    client.script_versions:get(1)
    local large = { include = round % 2 == 0 and "content" or nil }
    local function leave_garbage() setmetatable({}, { __gc = function() client:close() end }) end
    local function call()
      leave_garbage()
      for _ = 1, round % 60 do string.rep("garbage", 3) end -- moves the steps
      return client.script_versions:get(1, large)
    end
    local ok, value, problem = pcall(call)
    if ok and value then
      served = served + 1
    else
      assert(tostring(ok and problem or value):find("closed", 1, true), tostring(ok and problem or value))
      assert(not ok or patchworks.is_error(problem))
      closed = closed + 1
    end
  end
  print(closed, served)
]]

-- Two clients in tasks; a finalizer closes one of them, while the scheduler waits or whenever else it runs.
local beside_another = [[
  local patchworks = require "patchworks"
  collectgarbage("incremental", 50, 400)
  local served = 0
  for round = 1, 50 do
    local closed = patchworks.new { base_url = arg[1], api_key = arg[2] }
    local other <close> = patchworks.new { base_url = arg[1], api_key = arg[2] }
    local left = round
    local function arm()
      setmetatable({}, { __gc = function()
        left = left - 1
        if left == 0 then closed:close() else arm() end
      end })
    end
    arm()
    patchworks.run(function(tasks)
      tasks:spawn(function() for _ = 1, 4 do closed.script_versions:get(1) end end)
      tasks:spawn(function()
        for _ = 1, 4 do
          assert(other.script_versions:get(1))
          served = served + 1
        end
      end)
    end)
  end
  print(served)
]]

local function said_by(text, server)
  local path = os.tmpname()
  do
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
  end
  local pipe = io.popen(("%s %s %s %s 2>&1"):format(lua, path, server.url, server.key))
  local said = pipe:read "a"
  local ended_well = pipe:close()
  os.remove(path)
  assert.is_true(ended_well, said)
  return said
end

describe("a client closed by a finalizer", function()
  it("in the middle of a call ends it with an error, wherever that is", function()
    local server <close> = assert(sandbox.start())
    local client <close> = server:client()
    assert(client.script_versions:create(1, { content = ("x = 1\n"):rep(100000) }))
    local said = said_by(program, server)
    local closed, served = said:match "^(%d+)%s+(%d+)%s*$"
    assert.equal(200, tonumber(closed) + tonumber(served), said)
    assert.is_true(tonumber(closed) > 0)
  end)

  it("ends its own calls, and no other client's", function()
    local server <close> = assert(sandbox.start())
    server:populate { script = 1, versions = 1 }
    assert.equal("200", said_by(beside_another, server):match "%d+")
  end)
end)
