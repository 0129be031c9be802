--- `patchworks list`: the versions of a script.
-- @module patchworks.cli.commands.list
local counted = require "patchworks.counted"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local service = require "patchworks.service"

local list = { description = "List the versions of a script; one is LIVE, if any." }

function list.declare(command)
  readings.script(command)
  command:flag("--deployed", "Only those that are deployed.")
  readings.count(command, "--limit", "At most so many.")
end

local colours = { Deployed = "green", Draft = "yellow" }

local function row_of(version, is_live)
  return {
    tostring(version.id),
    tostring(version.version),
    service.state(version),
    is_live and "LIVE" or "-",
    version.deployed_at or "-",
    version.created_at or "-",
  }
end

function list.run(context)
  local given = context.given
  local rows = {}
  local script = context:script(given.script)
  local live = context:live(script)
  local listing = context:versions():list(script, {
    filter = given.deployed and { is_deployed = true } or nil,
    limit = given.limit,
  })
  for version in listing do
    local is_live = live ~= nil and version.id == live.id
    if output.json then
      version.live = is_live
      output.object("version", version)
    elseif not output.terminal then
      -- Line by line, so that a reader that has enough stops the listing.
      output.table({}, { row_of(version, is_live) })
    else
      output.progress("%s", counted(#rows + 1, "version"))
      rows[#rows + 1] = row_of(version, is_live)
    end
  end
  output.clear()
  if #rows > 0 then
    local headings = { "ID", "VERSION", "STATUS", "LIVE", "DEPLOYED AT", "CREATED AT" }
    output.table(headings, rows, function(row) return row[4] == "LIVE" and "bold" or colours[row[3]] end)
  elseif output.terminal and not output.json then
    output.say "no versions"
  end
end

return list
