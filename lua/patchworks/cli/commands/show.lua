--- `patchworks show`: a version's fields, or its source alone.
-- @module patchworks.cli.commands.show
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local service = require "patchworks.service"
local shows = require "patchworks.cli.show"

local show = { description = "Show a version." }

function show.declare(command)
  readings.version(command)
  command:flag("--content", "Print its source alone.")
end

local function print_fields(version)
  local fields = { "id", "script_id", "name", "version", "status", "created_at", "deployed_at", "deploying",
    "deployment_failed_at", "deployment_failure_reason", "last_invoked_on" }
  local rows = {}
  for _, name in ipairs(fields) do
    if version[name] ~= nil then rows[#rows + 1] = { name, (tostring(version[name]):gsub("%s+", " ")) } end
  end
  output.table({ "field", "value" }, rows)
end

function show.run(context)
  local given = context.given
  local include = given.content and { include = "content" } or nil
  local version = shows.check(context:versions():get(context:version(given.version), include))
  if output.json then return output.object("version", version) end
  if not given.content then return print_fields(version) end
  local source = service.source(version)
  if type(source) ~= "string" then error("the service gives its content in a form that is not known: use --json", 0) end
  output.write(source)
end

return show
