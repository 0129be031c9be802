-- Lists the versions of a script, newest first, with what went wrong where something did.
--
--   lua5.4 examples/list.lua SCRIPT_ID [deployed]
local patchworks = require "patchworks"

local script, only_deployed = arg[1], arg[2] == "deployed"
if not script then
  io.stderr:write("usage: lua5.4 examples/list.lua SCRIPT_ID [deployed]\n")
  os.exit(2)
end

local client <close> = patchworks.new()
local filter = only_deployed and { is_deployed = true } or nil

-- Pages are fetched ahead while earlier ones are printed; `break` would cancel those under way.
for version in client.script_versions:list(script, { filter = filter }) do
  print(version, version.deployed_at or "-", version.deployment_failure_reason or "")
end
