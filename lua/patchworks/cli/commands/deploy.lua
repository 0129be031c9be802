--- `patchworks deploy`: begins a deployment, and may wait for its end.
-- @module patchworks.cli.commands.deploy
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local deploy = { description = "Deploy a version." }

function deploy.declare(command)
  readings.version(command)
  readings.waiting(command)
  readings.dry_run(command)
  command:flag("-w --wait", "Wait until it is live.")
end

function deploy.run(context)
  local given = context.given
  local versions, id = context:versions(), context:version(given.version)
  if given.dry_run then
    return show.would("deploy", show.check(versions:get(id)))
  end
  context.may = ("version %d may still come live; look with: %s"):format(id, context:command { "show", tostring(id) })
  if not given.wait then
    show.check(versions:deploy(id))
    output.done = ("version %d is being deployed"):format(id)
    if output.json then output.object("begun", { id = id }) end
    output.say("version %s is being deployed", id)
    return codes.done
  end
  local began = os.time()
  local version = show.check(versions:deploy_and_wait(id, {
    timeout = given.timeout,
    interval = given.interval,
    on_event = context:listener(function() output.progress("deploying, %d s", os.time() - began) end),
  }))
  output.clear()
  show.done("live", version)
end

return deploy
