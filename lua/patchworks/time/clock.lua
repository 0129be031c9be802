--- The state's clock: what the time is, and how it passes.
--
-- Everything asks this table, so that one call puts another clock in its place, down to what waits for sockets.
--
-- @module patchworks.time.clock
local core = require "patchworks.core"

local clock = {}

local real = {
  now = core.now,
  wall = core.wall,
  random = core.random,
  -- Waits for any of the engines, or until the time is up.
  wait = function(engines, seconds)
    local first = engines[1]
    if not first then
      core.sleep(seconds)
      return true
    end
    if not engines[2] then return first:step(seconds) end
    if seconds <= 0 then return true end
    return core.wait(engines, seconds)
  end,
}

--- Puts another clock in the place of the system's, for the whole Lua state. Only while nothing waits.
-- @tparam ?table given `now()` (seconds, monotonic), `wall()` (seconds since 1970), `random()` (in [0, 1)) and
-- `wait(engines, seconds)`, which waits for any of a list of engines or until the time is up and gives true, or nil and
-- a sentence; what is left out is the system's, and nil is the system's clock
-- @treturn table what was there before, for the next `use`
function clock.use(given)
  local former = {}
  for name, own in pairs(real) do
    former[name] = clock[name]
    clock[name] = given and given[name] or own
  end
  return former
end

clock.use(nil)

return clock
