--- `patchworks apply`: publishes a manifest, after a question.
-- @module patchworks.cli.commands.apply
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local publishing = require "patchworks.project.publish"
local plans = require "patchworks.cli.commands.plan"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"
local state = require "patchworks.project.state"
local wording = require "patchworks.cli.wording"
local workbench = require "patchworks.project.workbench"

local apply = { description = "Publish the project, a manifest, or a plan that was kept." }

function apply.declare(command)
  readings.manifest(command)
  readings.only(command)
  readings.waiting(command)
  readings.while_deploying(command)
  readings.yes(command)
  command:option("--over", "Id of a live version that may be replaced though somebody else published it; may be "
    .. "repeated."):argname("ID"):count "*"
  readings.dry_run(command)
  readings.count(command, "--concurrency", "So many scripts at a time (8).")
end

-- The worst of the scripts' codes: what most needs a person.
local function worst(report)
  local order = { codes.stuck, codes.unknown, codes.unauthorised, codes.rolled_back, codes.failed }
  local met = {}
  for _, each in ipairs(report.scripts) do
    if each.error then met[codes.of(each.error)] = true end
  end
  for _, code in ipairs(order) do
    if met[code] then return code end
  end
  return codes.done
end

local function progress_of(plan)
  local ended = 0
  return function(event)
    if event.type ~= "script" then return output.progress("%d of %d scripts", ended, #plan.steps) end
    ended = ended + 1
    local result = event.result
    output.say("[%d/%d] %s script %s%s", ended, event.of, result.action, result.id,
      result.error and ": " .. wording(tostring(result.error)) or "")
  end
end

-- A plan that was kept is JSON; a manifest is Lua.
local function plan_of(context)
  local path = context.given.manifest
  local text = path and readings.read(path, "the plan")
  if not text or not text:find "^%s*{" then return plans.of(context) end
  if context:only() then error("--only: a plan that was kept is applied as it is", 0) end
  return show.check(context:client():load_plan(text))
end

local function print_report(report)
  output.done = tostring(report)
  if not output.json then return output.write(tostring(report), "\n") end
  for _, each in ipairs(report.scripts) do
    local err = each.error
    local told = type(err) == "table" and err or each
    output.object("script", { id = each.id, name = each.name, action = each.action, version = each.version,
      error = err and wording(tostring(err)), kind = err and err.kind, outcome = err and err.outcome,
      difference = err and err.difference, stage = err and err.stage,
      live = err and err.live, overwrote = told.overwrote, under_way = told.under_way })
  end
end

-- The project's scripts among those of the plan, by their ids.
local function places_of(context)
  local project, client, places = context:project(), context:client(), {}
  for _, script in ipairs(project:scripts()) do
    local place = workbench.place(project, script.name, client, context.environment)
    if place then places[tostring(place.id)] = place end
  end
  return places
end

-- Nothing is published over somebody else's version that this folder doesn't know.
local function refused(plan, places, over)
  local named = {}
  for _, id in ipairs(over or {}) do named[id] = true end
  local refusals = show.check(publishing.conflicts(plan.steps, places, named))
  for _, refusal in ipairs(refusals) do show.failure(refusal) end
  return #refusals > 0
end

function apply.run(context)
  local given = context.given
  local plan = plan_of(context)
  if (plan.changes == 0 and plan.tests == 0) or given.dry_run then
    show.plan(plan)
    return codes.done
  end
  local places = places_of(context)
  if refused(plan, places, given.over) then return codes.failed end
  if not given.yes and plan.changes > 0 then
    show.plan(plan)
    output.flush()
    local go_on = context:agreed(plan.changes == 1 and "Publish this script?"
      or ("Publish these %d scripts?"):format(plan.changes))
    if go_on ~= true then return go_on end
  end
  if next(places) then show.check(state.check(context:project().root)) end
  local options = context:watched(progress_of(plan))
  options.concurrency, options.deploy_timeout, options.interval = given.concurrency, given.timeout, given.interval
  options.while_deploying = given.while_deploying
  local recorders, keep = {}, options.record
  for id, place in pairs(places) do recorders[id] = publishing.record(place, keep) end
  options.record = function(account) return (recorders[tostring(account.script)] or keep)(account) end
  local report = context:client():apply(plan, options)
  output.clear()
  local _, lost = publishing.note_report(report.scripts, places)
  print_report(report)
  return show.unremembered(lost, worst(report))
end

return apply
