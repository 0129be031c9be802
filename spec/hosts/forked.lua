-- A sandbox and a script that runs belong to the process that started them: a child closes its state, and they go on.
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
server:close()
