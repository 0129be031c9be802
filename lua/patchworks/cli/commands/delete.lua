--- `patchworks delete`: deletes a version for good, after a question.
-- @module patchworks.cli.commands.delete
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
  local versions, id = context:versions(), context:version(given.version)
  if given.dry_run or not given.yes then
    local version = show.check(versions:get(id))
    if given.dry_run then
      return show.would("delete", version)
    end
    local go_on = context:agreed(("Delete %s for good?"):format(tostring(version)))
    if go_on ~= true then return go_on end
  end
  show.answer(show.check(versions:delete(id)), "deleted")
end

return delete
