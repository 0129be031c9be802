--- The commands there are, in the order of the help. Each is a file in `commands/` that gives
--
--     description   one sentence, for the help
--     declare       function(command): its arguments and options, as argparse takes them (see patchworks.cli.readings)
--     offline       true for one that never asks a service: then there is nothing to record
--     run           function(context): does it; gives an exit code, or nil for "done" (see patchworks.cli.context)
--
-- @module patchworks.cli.commands
local commands = {}

local names = {
  "init", "run", "test", "dev", "status", "diff", "pull", "history",
  "list", "show", "create", "deploy", "invoke", "logs", "delete", "upload",
  "publish", "rollback", "prune", "plan", "apply",
  "repl", "sandbox", "login", "logout", "whoami", "doctor", "check-record", "completion",
}

--- A command by its name.
-- @tparam string name
-- @treturn table
function commands.load(name) return require("patchworks.cli.commands." .. name:gsub("-", "_")) end

--- Every command, or the one of this name where there is one: in a for loop, its name and what its file gives. Reading
-- and declaring them all takes a fifth of a start.
-- @tparam ?string only
function commands.each(only)
  local index, list = 0, names
  for _, name in ipairs(names) do
    if name == only then list = { name } end
  end
  return function()
    index = index + 1
    local name = list[index]
    if name then return name, commands.load(name) end
  end
end

return commands
