--- `patchworks apply`: publishes a manifest, after a question.
-- @module patchworks.cli.commands.apply
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local plans = require "patchworks.cli.commands.plan"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local apply = { description = "Publish a manifest." }

function apply.declare(command)
  readings.manifest(command)
  readings.waiting(command)
  readings.yes(command)
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
      result.error and ": " .. tostring(result.error) or "")
  end
end

local function print_report(report)
  if not output.json then return output.write(tostring(report), "\n") end
  for _, each in ipairs(report.scripts) do
    output.object("script", { id = each.id, name = each.name, action = each.action, version = each.version,
      error = each.error and tostring(each.error) })
  end
end

function apply.run(context)
  local given = context.given
  local plan = plans.of(context)
  if plan.changes == 0 or given.dry_run then
    show.plan(plan)
    return codes.done
  end
  if not given.yes then
    show.plan(plan)
    output.flush()
    local go_on = context:agreed(("Publish these %d scripts?"):format(plan.changes))
    if go_on ~= true then return go_on end
  end
  local report = context:client():apply(plan, {
    concurrency = given.concurrency,
    timeout = given.timeout,
    interval = given.interval,
    on_event = progress_of(plan),
  })
  output.clear()
  print_report(report)
  return worst(report)
end

return apply
