-- A clock that a spec moves: sleeping takes no time, and is noted.
local core = require "patchworks.core"

return function(random)
  -- A whole number to begin with: sums of seconds come out even, however long the machine has been up.
  local clock = { slept = {}, time = math.floor(core.now()) + 0.0 }
  function clock.now() return clock.time end
  function clock.wall() return 1700000000 + math.floor(clock.time) end
  function clock.random() return random or 0.5 end
  function clock.sleep(seconds)
    clock.slept[#clock.slept + 1] = seconds
    clock.time = clock.time + seconds
  end
  function clock.total()
    local sum = 0
    for _, seconds in ipairs(clock.slept) do sum = sum + seconds end
    return sum
  end
  return clock
end
