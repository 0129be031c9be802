--- `patchworks prune`: deletes old versions that nobody needs, after a question; their sources are saved first.
-- @module patchworks.cli.commands.prune
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local prune = { description = "Delete old versions that nobody needs." }

function prune.declare(command)
  readings.script(command)
  readings.keep(command)
  readings.ever_deployed(command)
  readings.yes(command)
  readings.dry_run(command)
  command:flag("--no-save", "Don't save their sources below .patchworks/pruned first.")
end

local function say_what_stays(result)
  for _, each in ipairs(result.stays or {}) do output.say("stays: %s: %s", tostring(each.version), each.reason) end
end

local function report(fields, format)
  if output.json then output.object("pruned", fields) end
  output.say(format, fields.deleted or fields.would_delete, fields.kept)
  return codes.done
end

function prune.run(context)
  local given = context.given
  if not given.keep then error("prune: say with --keep how many of the newest versions stay", 0) end
  local versions, script = context:versions(), context:script(given.script)
  local options = { keep = given.keep, ever_deployed = given.ever_deployed, on_event = context:listener(show.steps()) }
  if given.dry_run or not given.yes then
    options.dry_run = true
    local plan = show.check(versions:prune(script, options))
    for _, version in ipairs(plan.would_delete) do show.version(version) end
    say_what_stays(plan)
    if given.dry_run or #plan.would_delete == 0 then
      return report({ would_delete = #plan.would_delete, kept = plan.kept }, "would delete %d, keep %d")
    end
    local go_on = context:agreed(("Delete these %d versions?"):format(#plan.would_delete))
    if go_on ~= true then return go_on end
  end
  options.dry_run, options.save = false, not given.no_save and context:saver() or nil
  local done, err = versions:prune(script, options)
  output.clear()
  if not done then
    output.say("%d were deleted, %d not", #(err.deleted or {}), #(err.failures or { 1 }))
    return show.failure(err)
  end
  say_what_stays(done)
  return context:saved(report({ deleted = #done.deleted, kept = done.kept }, "deleted %d, kept %d"))
end

return prune
