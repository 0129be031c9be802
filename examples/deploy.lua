-- Deploys a script and runs it once: create a version, deploy it, wait, invoke it, read its logs, list, clean up.
--
--   lua5.4 examples/deploy.lua SCRIPT_ID SOURCE_FILE PAYLOAD_FILE [--keep]
--
-- The credential comes from PATCHWORKS_API_KEY (and PATCHWORKS_BASE_URL for another service than the real one).
local patchworks = require "patchworks"

local script, source, payload_file, keep = arg[1], arg[2], arg[3], arg[4] == "--keep"
if not payload_file then
  io.stderr:write("usage: lua5.4 examples/deploy.lua SCRIPT_ID SOURCE_FILE PAYLOAD_FILE [--keep]\n")
  os.exit(2)
end

local function step(format, ...) print(("-- " .. format):format(...)) end

-- Every method gives its value, or nil and an error that says what happened in one line.
local function check(value, err)
  if value == nil then
    io.stderr:write(tostring(err), "\n")
    os.exit(1)
  end
  return value
end

local client <close> = patchworks.new()
local versions = client.script_versions
local file = check(io.open(payload_file, "rb"))
local payload = file:read("a")
file:close()

step("create a version of script %s from %s", script, source)
local version = check(versions:create(script, { file = source }))
print(version)

step "deploy it"
check(version:deploy())

-- Deploying takes a while. `versions:deploy_and_wait(id)` does all of this; here it is by hand.
local deadline = os.time() + 120
repeat
  client._clock.sleep(0.25)
  check(version:refresh())
  print(version)
  if version.deployment_failure_reason then
    io.stderr:write("not deployed: ", version.deployment_failure_reason, "\n")
    os.exit(1)
  end
until version.status == "Deployed" and not version.deploying or os.time() > deadline

step("invoke it with %s", payload_file)
local answer = check(version:invoke { payload = payload, variables = { region = "eu" } })
print(answer.payload)

step "its logs"
for entry in version:logs() do print(entry.message) end

step("versions of script %s", script)
for each in versions:list(script, { limit = 5 }) do print(each) end

if not keep then
  step "delete it again"
  print(check(version:delete()).message)
end
