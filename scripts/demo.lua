-- Starts a sandbox and runs examples/deploy.lua against it, as anybody would from a shell of their own.
local sandbox = require "patchworks.sandbox"

local server <close> = assert(sandbox.start())
print(("The sandbox listens on %s. What follows is examples/deploy.lua, the main job:\n"):format(server.url))
io.stdout:flush()
local command = "PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s lua5.4 examples/deploy.lua 1 examples/scripts/orders.py "
  .. "examples/scripts/order.json"
local ok, _, code = os.execute(command:format(server.url, server.key))
server:close()
os.exit(ok and 0 or code)
