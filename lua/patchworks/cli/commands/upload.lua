--- `patchworks upload`: puts a version into the company's marketplace, after a question.
-- @module patchworks.cli.commands.upload
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
  local versions, id = context:versions(), context:version(given.version)
  if given.dry_run then
    return show.would("upload", show.check(versions:get(id)))
  end
  local go_on = context:agreed(("Upload version %s to the marketplace?"):format(id))
  if go_on ~= true then return go_on end
  context.may = ("version %d may have been uploaded"):format(id)
  local answer, response = show.check(versions:upload(id, { private = not given.public }))
  context.may, output.done = nil, ("version %d was uploaded"):format(id)
  show.answer(answer, response, "uploaded")
end

return upload
