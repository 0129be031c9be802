--- `patchworks upload`: puts a version into the company's marketplace, after a question.
-- @module patchworks.cli.commands.upload
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local upload = { description = "Upload a version to the marketplace (needs a token)." }

function upload.declare(command)
  readings.version(command)
  readings.yes(command)
  readings.dry_run(command)
  command:flag("--public", "Not privately.")
end

function upload.run(context)
  local given = context.given
  local versions = context:versions()
  if given.dry_run then
    output.say("would upload %s", tostring(show.check(versions:get(given.version))))
    return codes.done
  end
  local go_on = context:agreed(("Upload version %s to the marketplace?"):format(given.version))
  if go_on ~= true then return go_on end
  show.answer(show.check(versions:upload(given.version, { private = not given.public })), "uploaded")
end

return upload
