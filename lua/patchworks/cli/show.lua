--- How versions and what came of a release are shown: as text, or as JSON objects.
-- @module patchworks.cli.show
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"

local show = {}

--- The value, or the error raised for the command line to explain.
function show.check(value, err)
  if value == nil then error(err, 0) end
  return value
end

--- One line about a version on standard output.
function show.version(version)
  if output.json then return output.object("version", version) end
  output.write(tostring(version), "\n")
end

--- An answer that the contract does not type: an object, or the message it holds on standard error.
function show.answer(answer, otherwise)
  if output.json then return output.object("answer", { answer = answer }) end
  output.say("%s", tostring(answer.message or otherwise))
end

--- A listener that says a release's steps on standard error as they happen.
function show.steps()
  local began = os.time()
  return function(event)
    if event.type == "step" then
      local version = event.version
      output.say("%s%s", event.step, version and " " .. tostring(version) or "")
    else
      output.progress("%d s", os.time() - began)
    end
  end
end

--- Says what is live after a failure.
-- @treturn integer its exit code
function show.failure(err)
  output.complain(tostring(err))
  if err.stage then
    if err.rolled_back then
      output.say("live as before: %s", tostring(err.live))
    elseif err.rollback_error then
      output.say("the way back failed too: %s", tostring(err.rollback_error))
    elseif err.outcome == "unknown" and err.stage == "deploy" then
      output.say("it may still come live; live at the last look: %s", tostring(err.live or "nothing, or not known"))
    elseif err.live and err.version and err.live.id == err.version.id then
      output.say("LIVE, though its %s failed: %s", err.stage, tostring(err.live))
    elseif err.live then
      output.say("live now: %s", tostring(err.live))
    else
      output.say "nothing was live before, and nothing is now"
    end
  end
  return codes.of(err)
end

--- What publish and rollback came to.
-- @treturn integer an exit code
function show.release(result, err)
  output.clear()
  if not result then return show.failure(err) end
  if result.prune_error then output.complain("pruning failed: " .. tostring(result.prune_error)) end
  if output.json then
    output.object("release", {
      action = result.action,
      version = result.version,
      previous = result.previous,
      pruned = result.pruned and #result.pruned,
    })
  else
    output.write(("%s: %s\n"):format(result.action, tostring(result.version or "nothing is live yet")))
  end
  return result.prune_error and codes.failed or codes.done
end

--- A plan: each script with its diff, in colour on a terminal.
function show.plan(plan)
  if output.json then
    for _, step in ipairs(plan.steps) do
      output.object("plan", { id = step.id, name = step.name, action = step.action, diff = step.diff,
        added = step.added, removed = step.removed, live = step.live })
    end
    return
  end
  for line in (tostring(plan) .. "\n"):gmatch "([^\n]*)\n" do
    local colour = line:find "^%+" and "green" or line:find "^%-" and "red" or line:find "^@@" and "dim" or nil
    output.write(output.paint(line, colour), "\n")
  end
end

return show
