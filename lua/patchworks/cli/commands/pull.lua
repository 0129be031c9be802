--- `patchworks pull`: brings what is live into the files.
-- @module patchworks.cli.commands.pull
local codes = require "patchworks.cli.codes"
local errors = require "patchworks.errors"
local output = require "patchworks.cli.output"
local results = require "patchworks.cli.results"

local pull = { description = "Bring what is live into the files, but over nothing that was changed here." }

function pull.declare(command)
  command:argument("names", "Scripts; all."):args "*"
  command:flag("--theirs", "Take what is live all the same; what was here is kept below .patchworks/replaced.")
end

-- Both sides of what has come apart.
local function show_both(err)
  if err.ours then
    output.write(output.paint("changed here:", "bold"), "\n")
    results.diff(err.ours)
    output.write(output.paint("changed there:", "bold"), "\n")
  end
  results.diff(err.theirs)
end

local said = {
  pulled = "pulled", unchanged = "the same already", kept = "changed here; nothing newer is live",
}

function pull.run(context)
  local project, given = context:project(), context.given
  local names, code = context:names(), codes.done
  local client = context:client()
  for _, name in ipairs(names) do
    local done, err = project:pull(name, {
      client = client, environment = context.environment, theirs = given.theirs,
    })
    if not done and not (errors.is_error(err) and err.kind == "conflict") then error(err, 0) end
    if output.json then
      output.object("pull", {
        name = name, action = done and done.action or "refused", version = done and done.version.id or err.live.id,
        replaced = done and done.replaced, ours = err and err.ours, theirs = err and err.theirs,
      })
    elseif done then
      output.write(("%s: %s (%s)\n"):format(name, said[done.action], tostring(done.version)))
      if done.replaced then output.say("what was here is kept in %s", done.replaced) end
    else
      output.complain(tostring(err))
      show_both(err)
    end
    if not done then code = codes.failed end
  end
  return code
end

return pull
