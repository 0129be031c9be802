--- `patchworks logout`: forgets the API key that was kept for a service.
-- @module patchworks.cli.commands.logout
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local show = require "patchworks.cli.show"

local logout = { description = "Forget the API key that was kept for a service.", offline = true }

function logout.declare(command) command:argument("environment", "The project's environment."):args "?" end

function logout.run(context)
  local keys = require "patchworks.project.keys"
  local service = context:service(context.given.environment)
  local known = show.check(keys.read(os.getenv))[service.origin] ~= nil
  if known then show.check(keys.store(service.origin, nil, os.getenv)) end
  if output.json then output.object("logout", { origin = service.origin, known = known }) end
  output.say(known and "the key for %s is gone" or "no key was kept for %s", service.origin)
  return codes.done
end

return logout
