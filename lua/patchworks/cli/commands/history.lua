--- `patchworks history`: what happened to a script, on one line of time.
-- @module patchworks.cli.commands.history
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local service = require "patchworks.service"
local show = require "patchworks.cli.show"

local history = { description = "Show a script's versions, failures, and what was done from here, by time." }

function history.declare(command)
  command:argument("script", "Its name in the project.")
  readings.count(command, "--limit", "So many of the newest versions (100).")
end

local colours = { failed = "red", deployed = "green", ["rolled back"] = "yellow", overwrote = "yellow" }

local function version_of(event)
  local version = event.version
  if not version then return "-" end
  return version.gone and ("%d, gone"):format(version.id) or ("v%d (%d)"):format(service.number(version), version.id)
end

function history.run(context)
  local given, project = context.given, context:project()
  local client = context:client()
  local list = show.check(project:history(context:name(given.script) or given.script, {
    client = client, environment = context.environment, limit = given.limit,
  }))
  local rows = {}
  for i, event in ipairs(list) do
    if output.json then
      output.object("event", {
        at = event.at, what = event.what, version = event.version and event.version.id, detail = event.detail,
        here = event.here or false,
      })
    end
    local detail = event.here and "from here" or (event.detail or ""):gsub("%s+", " ")
    rows[i] = { os.date("!%Y-%m-%d %H:%M:%S", math.floor(event.at)), version_of(event), event.what, detail }
  end
  if output.json then return end
  output.table({ "WHEN (UTC)", "VERSION", "WHAT", "" }, rows, function(row) return colours[row[3]] end)
end

return history
