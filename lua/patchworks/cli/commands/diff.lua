--- `patchworks diff`: what publishing would change, or what changed between two versions.
-- @module patchworks.cli.commands.diff
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local results = require "patchworks.cli.results"

local diff = { description = "Show what publishing would change; or what changed between two versions, by their ids." }

function diff.declare(command)
  command:argument("names", "Scripts; all. Or the ids of two versions."):args "*"
end

local function print(name, text, added, removed)
  if not text then error(added, 0) end
  if output.json then
    output.object("diff", { name = name, diff = text, added = added, removed = removed })
  elseif text == "" then
    output.say("%s: no difference", name)
  else
    results.diff(text)
  end
end

function diff.run(context)
  local project, names = context:project(), context.given.names
  local old, new = names[1], names[2]
  if #names == 2 and old:find "^[1-9]%d*$" and new:find "^[1-9]%d*$" then
    print(old .. ".." .. new, require("patchworks.project.pull").between(context:versions(), old, new))
    return codes.done
  end
  names = context:names()
  local client = context:client()
  for _, name in ipairs(names) do
    print(name, project:diff(name, { client = client, environment = context.environment }))
  end
end

return diff
