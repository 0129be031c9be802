-- Runs a program in a pseudo-terminal: see terminal.py.
local cjson = require "cjson"

local terminal = {}

-- Without modules that others have installed, which take longer to find than all the rest.
local python = "python3 -IS"

-- Why there is none to be had, as in a chroot without /dev/pts: its specs are then pending.
if not os.execute(python .. ' -c "import os; os.openpty()" 2>/dev/null') then
  terminal.missing = "no pseudo-terminal here, is /dev/pts mounted?"
end

--- Runs a shell's command in one.
function terminal.run(command, steps)
  local path = os.tmpname()
  local file <close> = io.open(path, "w")
  file:write(cjson.encode(command), "\n")
  for _, step in ipairs(steps) do file:write(cjson.encode(step), "\n") end
  file:flush()
  local pipe = io.popen(("exec %s spec/support/terminal.py < %s"):format(python, path))
  local answer = cjson.decode(pipe:read "a")
  pipe:close()
  os.remove(path)
  return answer
end

return terminal
