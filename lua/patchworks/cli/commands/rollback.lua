--- `patchworks rollback`: makes the version live that was live before.
-- @module patchworks.cli.commands.rollback
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local rollback = { description = "Make the version live that was live before." }

function rollback.declare(command)
  readings.script(command)
  readings.waiting(command)
  readings.dry_run(command)
  command:option("--to", "Id of the version to go back to.")
end

function rollback.run(context)
  local given = context.given
  return show.release(context:versions():rollback(context:script(given.script), {
    to = given.to,
    timeout = given.timeout,
    interval = given.interval,
    dry_run = given.dry_run,
    on_event = show.steps(),
  }))
end

return rollback
