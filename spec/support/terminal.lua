-- Runs a program in a pseudo-terminal: see terminal.py.
local cjson = require "cjson"

return function(command, steps)
  local path = os.tmpname()
  local file <close> = io.open(path, "w")
  for _, step in ipairs(steps) do file:write(cjson.encode(step), "\n") end
  file:flush()
  local pipe = io.popen(("python3 spec/support/terminal.py %s < %s"):format(command, path))
  local answer = cjson.decode(pipe:read "a")
  pipe:close()
  os.remove(path)
  return answer
end
