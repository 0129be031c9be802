--- `patchworks publish`: makes a file the live version.
-- @module patchworks.cli.commands.publish
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local publish = { description = "Make a file the live version: create, deploy, wait, test, or back." }

function publish.declare(command)
  readings.script(command)
  command:argument("file", "The source, or - for standard input; by default the script's file in the project."):args "?"
  readings.over(command)
  readings.waiting(command)
  readings.while_deploying(command)
  readings.keep(command)
  readings.ever_deployed(command)
  readings.dry_run(command)
  readings.invoking(command)
  command:option("--expect", "The test passes when the payload is this text; JSON is compared as JSON.")
  command:option("--expect-file", "The test passes when the payload is what the file holds.")
  command:flag("--no-rollback", "Leave a version live whose test failed.")
end

local function test_of(given)
  local invocation = readings.invocation(given)
  local expect = given.expect
  if expect and given.expect_file then error("give --expect or --expect-file, not both", 0) end
  if given.expect_file then expect = readings.read(given.expect_file, "--expect-file") end
  if not (invocation.payload or invocation.variables or expect) then return nil end
  invocation.expect = expect
  return invocation
end

function publish.run(context)
  local given = context.given
  context:may_name(given.script)
  local name = context:name(given.script)
  if not (given.file or name) and given.script:find "^%d+$" then
    error(("publish: FILE is missing: the source of script %s, or - for standard input; only a script of the project "
      .. "has a file of its own"):format(given.script), 0)
  end
  local source, test = given.file and readings.read(given.file, "the source"), test_of(given)
  local options = context:watched(show.steps())
  options.content, options.test = source, test
  options.keep, options.ever_deployed = given.keep, given.ever_deployed
  options.save = given.keep and context:saver(given.script) or nil
  options.rollback = not given.no_rollback
  options.deploy_timeout, options.interval = given.timeout, given.interval
  options.while_deploying = given.while_deploying
  options.dry_run = given.dry_run
  if source and not name then
    if given.over then error("--over goes with a script of the project", 0) end
    local result, err = context:versions():publish(context:script(given.script), options)
    return context:saved(show.release(result, err, context))
  end
  options.over = given.over
  local result, err = require("patchworks.cli.publishing").publish(context, name or given.script, options)
  return context:saved(show.release(result, err, context))
end

return publish
