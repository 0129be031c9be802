-- Clocks that a spec puts in the place of the system's, until the block ends or `restore` is called.
--
--     local clock <close> = clock_of()            stands still; waiting takes no time, and is noted
--     local clock <close> = clock_of.skipping()   runs; but where nothing is under way, waiting takes no time
--
-- What is under way on an engine takes the time that it takes.
local state_clock = require "patchworks.time.clock"

local clocks = { state = state_clock }

local function install(clock)
  local former = state_clock.use(clock)
  function clock.restore() state_clock.use(former) end
  return setmetatable(clock, { __close = clock.restore })
end

function clocks.still(random)
  local clock = { slept = {}, time = 1000 }
  function clock.now() return clock.time end
  function clock.wall() return 1700000000 + math.floor(clock.time) end
  function clock.random() return random or 0.5 end
  function clock.wait(engines, seconds)
    if engines[1] then return engines[1]:step(0.01) end
    if seconds > 0 then
      clock.slept[#clock.slept + 1] = math.floor(seconds * 1e6 + 0.5) / 1e6
      clock.time = clock.time + seconds
      if clock.on_sleep then clock.on_sleep(seconds) end
    end
    return true
  end
  function clock.total()
    local sum = 0
    for _, seconds in ipairs(clock.slept) do sum = sum + seconds end
    return sum
  end
  return install(clock)
end

function clocks.skipping(random)
  local real, ahead = state_clock.now, 0
  local clock = {}
  function clock.now() return real() + ahead end
  if random then
    function clock.random() return random end
  end
  local wait = state_clock.wait
  function clock.wait(engines, seconds)
    if engines[1] then return wait(engines, seconds) end
    ahead = ahead + math.max(0, seconds)
    if clock.on_sleep then clock.on_sleep(seconds) end
    return true
  end
  return install(clock)
end

return setmetatable(clocks, { __call = function(_, random) return clocks.still(random) end })
