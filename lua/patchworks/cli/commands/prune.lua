--- `patchworks prune`: deletes old versions that nobody needs, after a question; their sources are saved first.
-- @module patchworks.cli.commands.prune
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local service = require "patchworks.service"
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

-- Each version that was looked at, for objects: what became of it, and why.
local function versions_of(context, result, dry_run)
  local list = {}
  local function add(version, action, reason)
    list[#list + 1] = { id = version.id, script = version.script_id, version = version.version, action = action,
      reason = reason, saved = context:saved_at(version) }
  end
  local keep = context.given.keep
  for _, version in ipairs(result.newest or {}) do
    add(version, "kept", keep == 1 and "it is the newest" or ("it is among the newest %d"):format(keep))
  end
  for _, each in ipairs(result.stays or {}) do add(each.version, "kept", each.reason) end
  for _, each in ipairs(result.failures or {}) do add(each.item, "failed", tostring(each.error)) end
  for _, version in ipairs(dry_run and result.would_delete or result.deleted or {}) do
    add(version, dry_run and "would delete" or "deleted",
      service.was_deployed(version) and "it was live once, and not in use lately" or "it was never live")
  end
  table.sort(list, function(left, right) return left.id > right.id end)
  return output.list(list)
end

local function tell_object(context, script, result, fields)
  if not output.json then return end
  fields.script, fields.versions = script, versions_of(context, result, fields.would_delete ~= nil)
  output.object("pruned", fields)
end

local function say_what_stays(result)
  for _, each in ipairs(result.stays or {}) do output.say("stays: %s: %s", tostring(each.version), each.reason) end
end

-- What would be deleted, and what stays; on standard output for people alone.
local function show_plan(plan)
  if not output.json then
    for _, version in ipairs(plan.would_delete) do show.version(version) end
  end
  say_what_stays(plan)
end

local function question(count)
  return count == 1 and "Delete this version?" or ("Delete these %d versions?"):format(count)
end

function prune.run(context)
  local given = context.given
  if not given.keep then error("prune: say with --keep how many of the newest versions stay", 0) end
  local versions, script = context:versions(), context:script(given.script)
  local options = { keep = given.keep, ever_deployed = given.ever_deployed, on_event = context:listener(show.steps()) }
  if given.dry_run or not given.yes then
    options.dry_run = true
    local plan = show.check(versions:prune(script, options))
    local count = #plan.would_delete
    show_plan(plan)
    if given.dry_run or count == 0 then
      tell_object(context, script, plan, { would_delete = count, kept = plan.kept })
      output.say("would delete %d, keep %d", count, plan.kept)
      return codes.done
    end
    local go_on = context:agreed(question(count))
    if go_on ~= true then return go_on end
  end
  context.may = "old versions may be gone; look with: " .. context:command { "list", script }
  options.dry_run, options.save = false, not given.no_save and context:saver(given.script) or nil
  local done, err = versions:prune(script, options)
  output.clear()
  if not done then
    if err.failures then -- else it was over before the first deletion
      tell_object(context, script, err, { deleted = #err.deleted })
      output.say("%d deleted, %d not", #err.deleted, #err.failures)
    end
    return show.failure(err)
  end
  context.may, output.done = nil, ("deleted %d, kept %d"):format(#done.deleted, done.kept)
  tell_object(context, script, done, { deleted = #done.deleted, kept = done.kept })
  say_what_stays(done)
  output.say("%s%s", output.done, options.save and done.deleted[1] and "; the sources are in .patchworks/pruned" or "")
  return context:saved(codes.done)
end

return prune
