-- The Lua layer, loaded afresh into a universe of its own: on a virtual clock, and, to see whether the judges notice, with
-- a line of its source changed.
local core = require "patchworks.core"
local service = require "spec.simulation.service"

local library = {}

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- Puts `change.to` in the place of `change.from`, which must be there once.
local function apply(source, change)
  local from, to = source:find(change.from, 1, true)
  assert(from, change.module .. " has no " .. change.from)
  assert(not source:find(change.from, to + 1, true), change.module .. " has more than one " .. change.from)
  return source:sub(1, from - 1) .. change.to .. source:sub(to + 1)
end

local function seamed_core(universe)
  local function clock() return universe.world.clock end
  local lines_of = setmetatable({}, { __mode = "k" })
  universe.lines_of = lines_of
  return setmetatable({
    now = function() return clock().time end,
    wall = function() return service.wall(clock().time) end,
    random = function() return universe.world.random() end,
    sleep = function(seconds) clock():wait({}, seconds) end,
    wait = function(engines, seconds)
      clock():wait(engines, seconds)
      return true
    end,
    engine = function(options) return universe.world.new_engine(options) end,
    -- Real ones; what is in them is remembered for the service to look at.
    headers = function(lines)
      local headers = core.headers(lines)
      lines_of[headers] = lines
      return headers
    end,
  }, { __index = core })
end

--- Loads the library.
-- @tparam ?table changes list of `{module, from, to, also}`: `also`, another `{from, to}` in the same module
-- @tparam ?table sources texts by their modules, in the place of those in files
-- @treturn table universe: `require`; `world` is to be set before anything is called
function library.load(changes, sources)
  local universe = { loaded = {} }
  universe.loaded["patchworks.core"] = seamed_core(universe)
  local environment = setmetatable({}, { __index = _G })
  environment.os = setmetatable({ time = function(given)
    return given and os.time(given) or math.floor(service.wall(universe.world.clock.time))
  end }, { __index = os })
  function environment.require(name)
    if name ~= "patchworks" and name:sub(1, 11) ~= "patchworks." then return require(name) end
    local module = universe.loaded[name]
    if module ~= nil then return module end
    local path = assert(package.searchpath(name, package.path))
    local source = sources and sources[name] or read(path)
    for _, change in ipairs(changes or {}) do
      if change.module == name then
        source = apply(source, change)
        if change.also then source = apply(source, { module = name, from = change.also.from, to = change.also.to }) end
      end
    end
    module = assert(load(source, "@" .. path, "t", environment))(name, path)
    universe.loaded[name] = module == nil and true or module
    return universe.loaded[name]
  end
  universe.require = environment.require
  return universe
end

--- The credential in a request's headers, as the service sees it.
function library.credential(universe, headers)
  for _, line in ipairs(universe.lines_of[headers] or {}) do
    local value = line:match "^Authorization: (.*)$"
    if value then return value end
  end
end

return library
