-- Waits for a condition, not for a time: gives what `condition` gave, or raises after `seconds`.
local socket = require "socket"

return function(condition, seconds)
  local deadline = socket.gettime() + (seconds or 10)
  while true do
    local value = condition()
    if value then return value end
    if socket.gettime() > deadline then error("the condition did not come true", 2) end
    socket.sleep(0.005)
  end
end
