-- The client: URL KEY COUNT
local patchworks = require "patchworks"
local base, id = arg[1]:match "^(.*)/api/v1/script%-versions/(%d+)$"
local client = patchworks.new { base_url = base, api_key = arg[2] }
local versions = client.script_versions
for _ = 1, 100 do assert(versions:get(id)) end
local began = client._clock.now()
for _ = 1, arg[3] do
  local version, err = versions:get(id)
  if not version then error(tostring(err)) end
end
print(client._clock.now() - began)
