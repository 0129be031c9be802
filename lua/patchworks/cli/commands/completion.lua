--- `patchworks completion`: what a shell needs to complete this program's words.
-- @module patchworks.cli.commands.completion
local output = require "patchworks.cli.output"

local completion = { description = "Print completions for a shell.", offline = true }

function completion.declare(command)
  command:argument("shell", "bash, zsh or fish."):choices { "bash", "zsh", "fish" }
end

function completion.run(context)
  local parse = require("patchworks.cli.parser").new()
  output.write(parse[("get_%s_complete"):format(context.given.shell)](parse))
end

return completion
