--- `patchworks delete`: deletes a version for good, after a question.
-- @module patchworks.cli.commands.delete
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local service = require "patchworks.service"
local show = require "patchworks.cli.show"

local delete = { description = "Delete a version for good." }

function delete.declare(command)
  readings.version(command)
  readings.yes(command)
  readings.dry_run(command)
end

-- What is live of the script, for people; that it can't be seen takes nothing back.
local function live_now(context, script)
  local deployed, problem = context:versions():list(script, { filter = { is_deployed = true } }):all()
  if not deployed then return nil, "it can't be seen: " .. tostring(problem) end
  local live = service.live(deployed)
  return live, live and tostring(live) or "nothing"
end

function delete.run(context)
  local given = context.given
  local versions, id = context:versions(), context:version(given.version)
  local version = show.check(versions:get(id))
  local live = service.is_deployed(version) and context:live(version.script_id)
  local was_live = live and live.id == id or false
  local what = tostring(version) .. (was_live and ", which is LIVE" or "")
  if given.dry_run then
    if was_live then output.say "it is LIVE" end
    return show.would("delete", version)
  end
  local go_on = context:agreed(("Delete %s for good?"):format(what))
  if go_on ~= true then return go_on end
  context.may = ("version %d may be gone; look with: %s"):format(id, context:command { "show", tostring(id) })
  local answer, response = show.check(versions:delete(id))
  context.may, output.done = nil, "deleted: " .. what
  local now, name
  if was_live then now, name = live_now(context, version.script_id) end
  output.say("deleted %s%s", tostring(version), was_live and ("; it was LIVE, and live now is: %s"):format(name) or "")
  if output.json then
    output.object("answer", { answer = output.exact(answer, response), version = version, was_live = was_live,
      live = now })
  end
end

return delete
