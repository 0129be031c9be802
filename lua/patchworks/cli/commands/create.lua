--- `patchworks create`: a version from a file, without deploying it.
-- @module patchworks.cli.commands.create
local codes = require "patchworks.cli.codes"
local counted = require "patchworks.counted"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local create = { description = "Make a version from a file." }

function create.declare(command)
  readings.script(command)
  readings.file(command)
  readings.dry_run(command)
  command:flag("--reconcile", "When the answer is lost, look before creating again.")
end

function create.run(context)
  local given = context.given
  local content = readings.read(given.file, "the source")
  local script = context:script(given.script)
  if given.dry_run then
    if output.json then output.object("would", { action = "create", script = script, bytes = #content }) end
    output.say("would create a version of script %s with %s", script, counted(#content, "byte"))
    return codes.done
  end
  context.may = "a version may have been made; look with: " .. context:command { "list", script }
  show.done("made", show.check(context:versions():create(script, { content = content, reconcile = given.reconcile })))
end

return create
