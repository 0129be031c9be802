--- `patchworks delete`: deletes a version for good, after a question.
-- @module patchworks.cli.commands.delete
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local delete = { description = "Delete a version for good." }

function delete.declare(command)
  readings.version(command)
  readings.yes(command)
  readings.dry_run(command)
end

function delete.run(context)
  local given = context.given
  local versions = context:versions()
  if given.dry_run or not given.yes then
    local version = show.check(versions:get(given.version))
    if given.dry_run then
      output.say("would delete %s", tostring(version))
      return codes.done
    end
    local go_on = context:agreed(("Delete %s for good?"):format(tostring(version)))
    if go_on ~= true then return go_on end
  end
  show.answer(show.check(versions:delete(given.version)), "deleted")
end

return delete
