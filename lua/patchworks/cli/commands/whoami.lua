--- `patchworks whoami`: which service and credential are used, and whether they work.
-- @module patchworks.cli.commands.whoami
local codes = require "patchworks.cli.codes"
local errors = require "patchworks.errors"
local output = require "patchworks.cli.output"
local show = require "patchworks.cli.show"

local whoami = { description = "Say which service and credential are used, and whether they work." }

function whoami.declare() end

-- The platform says in JSON that something is not there; what else answers 404, such as a web server, does not.
local function is_from_the_service(err)
  local body = err.response and err.response.body
  local answer = body and require("patchworks.core").decode(body)
  return type(answer) == "table" and type(answer.message) == "string"
end

--- Asks the service something that costs nothing: a version that isn't there, which it tells those it lets in.
-- @treturn ?boolean true; or nil and an error
function whoami.ask(client)
  local version, err = client.script_versions:get(999999999999, { max_attempts = 2, timeout = 20 })
  if version or (err.kind == "not_found" and is_from_the_service(err)) then return true end
  if err.kind ~= "not_found" then return nil, err end
  return nil, errors.new {
    kind = "protocol",
    operation = "get",
    message = ("%s is no Patchworks service: it answers 404 as a web server does"):format(client.base_url),
    hint = "check the base URL",
  }
end

-- What the answer says about the credential, in a word: nothing, where nobody answered.
local function verdict(ok, err)
  if ok then return "accepted" end
  return (err.kind == "unauthenticated" or err.kind == "forbidden") and "not accepted" or "not known to be accepted"
end

function whoami.run(context)
  local client = context:client()
  local ok, err = whoami.ask(client)
  local project, environment = context:project(), context.environment.name
  if output.json then
    output.object("identity", { base_url = client.base_url, credential = client._auth.kind, accepted = ok or false,
      project = project.path, environment = environment })
  else
    output.write(tostring(client), ": ", verdict(ok, err), "\n")
    if project.path then output.write("project: ", project.path, "\n") end
    if environment then output.write("environment: ", environment, "\n") end
  end
  if ok then return codes.done end
  return show.failure(err)
end

return whoami
