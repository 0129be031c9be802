-- Random numbers from one seed, apart from the program's own: the same on every machine.
local random = {}

-- Splitmix64: every bit of the state moves every bit of what comes out.
local function mixed(value)
  value = (value ~ (value >> 30)) * 0xBF58476D1CE4E5B9
  value = (value ~ (value >> 27)) * 0x94D049BB133111EB
  return value ~ (value >> 31)
end

--- Makes a generator.
-- @tparam integer seed
-- @treturn table `fraction()` in [0, 1), `integer(least, most)`, `chance(p)`, `pick(list)`
function random.new(seed)
  local state = mixed(mixed(seed + 1) + 0x632BE59BD9B4E019) -- so that neighbours have nothing in common
  local floor = math.floor
  -- `mixed` again, since this is called some hundred times a history.
  local function fraction()
    state = state + 0x9E3779B97F4A7C15
    local value = (state ~ (state >> 30)) * 0xBF58476D1CE4E5B9
    value = (value ~ (value >> 27)) * 0x94D049BB133111EB
    return ((value ~ (value >> 31)) >> 11) * 0x1p-53
  end
  local function integer(least, most) return least + floor(fraction() * (most - least + 1)) end
  local self = { fraction = fraction, integer = integer }
  function self.chance(probability) return fraction() < probability end
  function self.pick(list) return list[integer(1, #list)] end
  function self.between(least, most) return least + fraction() * (most - least) end
  return self
end

return random
