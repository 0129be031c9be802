--- `patchworks repl`: a prompt to explore with.
-- @module patchworks.cli.commands.repl
local codes = require "patchworks.cli.codes"
local patience = require "patchworks.cli.patience"

local repl = { description = "Explore at a prompt: values as tables and cards, completion, help." }

function repl.declare(command)
  command:flag("--sandbox", "On a sandbox of its own, which ends with the session.")
end

function repl.run(context)
  local loop = require "patchworks.repl.loop"
  local server, client
  if context.given.sandbox then
    local found, sandbox = pcall(require, "patchworks.sandbox")
    if not found then error("the sandbox is not installed: luarocks install patchworks-sandbox", 0) end
    server = assert(sandbox.start())
    client = server:client()
  else
    client = context:client()
  end
  local scripts = context.environment and context.environment.scripts
  local fine = patience.aside(loop.run, client, { server = server, scripts = scripts })
  return fine and codes.done or codes.failed
end

return repl
