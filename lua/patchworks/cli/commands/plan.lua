--- `patchworks plan`: shows what publishing a manifest would change.
-- @module patchworks.cli.commands.plan
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local plan = { description = "Show what publishing a manifest would change." }

function plan.declare(command)
  readings.manifest(command)
  command:flag("--detailed-exitcode", "Exit with 1 when there is something to publish.")
end

--- The plan of what the command was given. Raises what kept it from being made.
function plan.of(context)
  local made, err = context:client():plan(context.given.manifest or "patchworks.lua", {
    on_event = function() output.progress "reading what is live" end,
  })
  output.clear()
  return show.check(made, err)
end

function plan.run(context)
  local made = plan.of(context)
  show.plan(made)
  if context.given.detailed_exitcode and made.changes > 0 then return codes.failed end
end

return plan
