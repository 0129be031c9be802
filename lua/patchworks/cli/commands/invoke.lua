--- `patchworks invoke`: runs a version at the service; its payload on standard output, its logs on standard error.
-- @module patchworks.cli.commands.invoke
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local invoke = { description = "Run a version, and print its payload." }

function invoke.declare(command)
  readings.version(command)
  readings.invoking(command)
end

function invoke.run(context)
  local given = context.given
  local invocation = readings.invocation(given)
  local answer = show.check(context:versions():invoke(context:version(given.version), invocation))
  if output.json then return output.object("answer", { answer = answer }) end
  for _, line in ipairs(type(answer.logs) == "table" and answer.logs or {}) do output.say("%s", tostring(line)) end
  local payload = answer.payload
  if type(payload) == "table" then payload = require("patchworks.core").encode(payload) end
  if payload ~= nil then output.write(tostring(payload), "\n") end
end

return invoke
