--- `patchworks whoami`: which service and credential are used, and whether they work.
-- @module patchworks.cli.commands.whoami
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"

local whoami = { description = "Say which service and credential are used, and whether they work." }

function whoami.declare() end

--- Asks the service something that costs nothing: a version that isn't there answers 404 to those it lets in.
-- @treturn ?boolean true; or nil and an error
function whoami.ask(client)
  local version, err = client.script_versions:get(999999999999, { max_attempts = 2, timeout = 20 })
  if version or err.kind == "not_found" then return true end
  return nil, err
end

function whoami.run(context)
  local client = context:client()
  local ok, err = whoami.ask(client)
  if output.json then
    output.object("identity", { base_url = client.base_url, credential = client.auth.kind, accepted = ok or false,
      project = context:project().path, environment = context.environment.name })
  else
    output.write(tostring(client), ok and ": accepted" or ": not accepted", "\n")
    local project, environment = context:project(), context.environment.name
    if project.path then output.write("project: ", project.path, "\n") end
    if environment then output.write("environment: ", environment, "\n") end
  end
  if ok then return codes.done end
  output.complain(tostring(err))
  return codes.of(err)
end

return whoami
