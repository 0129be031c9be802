--- `patchworks list`: the versions of a script.
-- @module patchworks.cli.commands.list
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local service = require "patchworks.service"

local list = { description = "List the versions of a script." }

function list.declare(command)
  readings.script(command)
  command:flag("--deployed", "Only those that are deployed.")
  readings.count(command, "--limit", "At most so many.")
end

local colours = { Deployed = "green", Draft = "yellow" }

local function row_of(version)
  return {
    tostring(version.id),
    tostring(version.version),
    service.state(version),
    version.deployed_at or "-",
    version.created_at or "-",
  }
end

function list.run(context)
  local given = context.given
  local rows = {}
  local listing = context:versions():list(context:script(given.script), {
    filter = given.deployed and { is_deployed = true } or nil,
    limit = given.limit,
  })
  for version in listing do
    if output.json then
      output.object("version", version)
    elseif not output.terminal then
      -- Line by line, so that a reader that has enough stops the listing.
      output.table({}, { row_of(version) })
    else
      output.progress("%d versions", #rows + 1)
      rows[#rows + 1] = row_of(version)
    end
  end
  output.clear()
  if #rows > 0 then
    local headings = { "ID", "VERSION", "STATUS", "DEPLOYED AT", "CREATED AT" }
    output.table(headings, rows, function(row) return colours[row[3]] end)
  elseif output.terminal and not output.json then
    output.say "no versions"
  end
end

return list
