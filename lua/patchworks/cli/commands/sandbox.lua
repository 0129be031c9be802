--- `patchworks sandbox`: the whole service on this machine.
-- @module patchworks.cli.commands.sandbox
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local seeding = require "patchworks.project.seeding"

local command_of_sandbox = { description = "Run the whole service on this machine.", offline = true }

function command_of_sandbox.declare(command)
  readings.count(command, "--port", "On 127.0.0.1 (8787); 0 for any.", 0)
  command:option("--data", "An SQLite file (in memory).")
  readings.count(command, "--rate-limit", "Requests a minute (none).")
  readings.seconds(command, "--deploy-seconds", "How long a deployment takes (0.2).")
  command:option("--seed", "What fresh state holds: `project`, or a file of fixtures (.json).")
  command:option("--habits", "How it behaves where that isn't known, as one_deployed,create_status=200.")
end

function command_of_sandbox.run(context)
  local given = context.given
  local found, sandbox = pcall(require, "patchworks.sandbox")
  if not found then error("the sandbox is not installed: luarocks install patchworks-sandbox", 0) end
  local project = given.seed == "project" and context.project(context)
  local ok, problem = sandbox.run({
    port = given.port,
    data = given.data,
    rate_limit = given.rate_limit,
    deploy_seconds = given.deploy_seconds,
    habits = given.habits,
    seed = not project and given.seed or nil,
  }, project and function(server) return seeding.seed(project, server) end)
  if ok then return codes.done end
  output.complain(problem)
  return codes.failed
end

return command_of_sandbox
