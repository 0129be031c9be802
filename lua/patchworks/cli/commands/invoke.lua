--- `patchworks invoke`: runs a version at the service; its payload on standard output, its logs on standard error.
-- @module patchworks.cli.commands.invoke
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local results = require "patchworks.cli.results"
local runs = require "patchworks.project.run"
local service = require "patchworks.service"
local show = require "patchworks.cli.show"

local invoke = { description = "Run a version, and print its payload." }

function invoke.declare(command)
  readings.version(command)
  readings.invoking(command)
  readings.yes(command)
  command:option("--save", "Keep payload, variables and answer as a case, SCRIPT/CASE."):argname "CASE"
end

-- A version that isn't deployed is deployed by being invoked, and is then what flows take.
local function agreed(context, id)
  if context.given.yes or context.given.version ~= tostring(id) then return true end
  local version = show.check(context:versions():get(id))
  if service.is_deployed(version) then return true end
  return context:agreed(("%s is not deployed; invoking it may deploy it and make it live. Go on?")
    :format(tostring(version)))
end

-- The script and the case of `--save`; nil without. Raises where it has another form, before anything is sent.
local function case_of(word)
  if not word then return nil end
  local script, case = word:match "^([^/]+)/([^/]+)$"
  if not script then error(("--save: expected SCRIPT/CASE, such as orders/first, got %s"):format(word), 0) end
  return script, case
end

-- Keeps what was sent and what came, but for what looks like a secret.
local function save(context, script, case, invocation, outcome)
  results.kept(context:project():keep(script, case, {
    payload = invocation.payload, variables = invocation.variables, answer = outcome.payload,
  }))
end

function invoke.run(context)
  local invocation = readings.invocation(context.given)
  local script, case = case_of(context.given.save)
  local id = context:version(context.given.version)
  local go_on = agreed(context, id)
  if go_on ~= true then return go_on end
  context.may = ("version %d may have been run; look with: %s"):format(id, context:command { "logs", tostring(id) })
  local answer, response = context:versions():invoke(id, invocation)
  show.check(answer, response)
  context.may, output.done = nil, ("version %d was run"):format(id)
  if script then save(context, script, case, invocation, runs.remote_outcome(answer, response)) end
  if output.json then return output.object("answer", { answer = output.exact(answer, response) }) end
  for _, line in ipairs(type(answer.logs) == "table" and answer.logs or {}) do output.say("%s", tostring(line)) end
  local payload = answer.payload
  if type(payload) == "table" then payload = require("patchworks.core").encode(payload) end
  if payload ~= nil then output.write(tostring(payload), "\n") end
end

return invoke
