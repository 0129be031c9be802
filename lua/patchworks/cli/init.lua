--- The command line: `patchworks COMMAND ..`.
-- @module patchworks.cli
local cli = {}

--- Exit codes.
cli.codes = { done = 0, failed = 1, usage = 2 }

local commands = { sandbox = "patchworks.cli.sandbox" }

local usage = [[
usage: patchworks sandbox [--port PORT] [--data FILE]

  sandbox   run the whole service on this machine, for development and tests
]]

--- Runs a command.
-- @tparam table arguments the words behind the program's name
-- @treturn integer the exit code
function cli.main(arguments)
  local name = arguments[1]
  if name == "--help" or name == "-h" then
    io.stdout:write(usage)
    return cli.codes.done
  end
  if not commands[name or ""] then
    io.stderr:write(name and ("patchworks: no command `%s`\n"):format(name) or "", usage)
    return cli.codes.usage
  end
  return require(commands[name])(table.move(arguments, 2, #arguments, 1, {}), cli.codes)
end

return cli
