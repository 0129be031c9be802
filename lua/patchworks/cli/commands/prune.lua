--- `patchworks prune`: deletes old versions that nobody needs, after a question.
-- @module patchworks.cli.commands.prune
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local prune = { description = "Delete old versions that nobody needs." }

function prune.declare(command)
  readings.script(command)
  readings.keep(command)
  readings.yes(command)
  readings.dry_run(command)
end

function prune.run(context)
  local given = context.given
  local versions, script = context:versions(), context:script(given.script)
  if not given.keep then error("prune: say with --keep how many of the newest versions stay", 0) end
  if given.dry_run or not given.yes then
    local plan, err = versions:prune(script, { keep = given.keep, dry_run = true })
    if not plan then return show.failure(err) end
    for _, version in ipairs(plan.would_delete) do show.version(version) end
    if given.dry_run or #plan.would_delete == 0 then
      if output.json then output.object("pruned", { would_delete = #plan.would_delete, kept = plan.kept }) end
      output.say("would delete %d, keep %d", #plan.would_delete, plan.kept)
      return codes.done
    end
    local go_on = context:agreed(("Delete these %d versions?"):format(#plan.would_delete))
    if go_on ~= true then return go_on end
  end
  local done, err = versions:prune(script, { keep = given.keep, on_event = show.steps() })
  output.clear()
  if not done then
    output.say("%d were deleted, %d not", #(err.deleted or {}), #(err.failures or { 1 }))
    return show.failure(err)
  end
  if output.json then output.object("pruned", { deleted = #done.deleted, kept = done.kept }) end
  output.say("deleted %d, kept %d", #done.deleted, done.kept)
end

return prune
