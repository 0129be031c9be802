-- A sandbox and a script that runs belong to the process that started them: a child closes its state, and they go on.
local patchworks = require "patchworks"
local runner = require "patchworks.runner"
local sandbox = require "patchworks.sandbox"

local server = assert(sandbox.start { deploy_seconds = 0 })
local version = assert(server:client().script_versions:create(1, { content = "x = 1" }))

assert(fork(function() end), "a state with a sandbox in it doesn't close")
assert(server:client().script_versions:get(version.id))

local run = assert(runner.start {
  language = "python",
  source = "import time\ndef handle(data):\n  time.sleep(1)\n  return {'payload': '7'}",
})
assert(fork(function() end), "a state with a script in it doesn't close")
assert(fork(function() run:close() end))
assert(run:wait(60))
local answer, problem = run:result()
assert(answer, problem)

-- A call that is under way belongs to the parent; a client that the child makes works, whatever else waits.
do
  local client <close> = server:client()
  server:fail { operation = "get", how = "slow", seconds = 1 }
  patchworks.run(function(tasks)
    local inherited = tasks:spawn(function() return client.script_versions:get(version.id) end)
    patchworks.sleep(0.1)
    assert(fork(function()
      local own <close> = server:client()
      assert(own.script_versions:get(version.id))
      patchworks.sleep(0.01)
      local _, value, err = inherited:join()
      assert(value == nil and err.kind == "protocol" and err.outcome == "none", err)
    end), "a client that is made after a fork doesn't work beside an inherited call")
    assert(select(2, inherited:join()), "the parent's call was lost")
  end)
end
server:close()
