--- `patchworks rollback`: makes the version live that was live before, after a question.
-- @module patchworks.cli.commands.rollback
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local rollback = { description = "Make the version live that was live before." }

function rollback.declare(command)
  readings.script(command)
  readings.waiting(command)
  readings.while_deploying(command)
  readings.yes(command)
  readings.dry_run(command)
  command:option("--to", "Id of the version to go to.")
  readings.over(command)
end

-- What will be live is named before it is done, and asked where somebody is there; a program has said what it wants.
local function agreed(context, plan)
  output.say("will be live: %s; live now: %s", tostring(plan.version), tostring(plan.previous or "nothing"))
  if context.given.yes or not output.can_ask() then return true end
  return context:agreed(("Deploy %s?"):format(tostring(plan.version)))
end

-- A script of the project goes back only from a version that this folder knows.
local function go_back(context, options)
  local word, over = context.given.script, context.given.over
  local name = context:name(word)
  if name then
    options.over, options.client = over, context:client()
    options.environment = context.environment
    return context:project():rollback(name, options)
  end
  if over then error("--over goes with a script of the project", 0) end
  return context:versions():rollback(context:script(word), options)
end

function rollback.run(context)
  local given = context.given
  local plan, err = go_back(context, {
    to = given.to, dry_run = true, while_deploying = given.while_deploying, on_event = context:listener(),
  })
  if not plan or given.dry_run or plan.action == "unchanged" then return show.release(plan, err) end
  local go_on = agreed(context, plan)
  if go_on ~= true then return go_on end
  local options = context:watched(show.steps())
  options.to, options.deploy_timeout, options.interval = plan.version.id, given.timeout, given.interval
  options.while_deploying = given.while_deploying
  return show.release(go_back(context, options))
end

return rollback
