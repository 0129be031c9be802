-- Runs the specs that need no socket in this process, on a library with one source changed: some milliseconds a mutant,
-- where a run of busted takes a good part of a second. What they don't notice is left to busted.
local assert_with = require "luassert"
local library = require "spec.simulation.library"
local shell = require "spec.mutants.shell"

local quick = {}

-- What a spec of these needs besides the library is none of a machine's.
local function is_alone(text)
  for name in text:gmatch "spec%.support%.([%w_]+)" do
    if name ~= "simulated" and name ~= "scripted" and name ~= "clock" then return false end
  end
  return not text:find "sandbox" and not text:find "raw_server" and not text:find "popen"
end

local function read_specs()
  local list = {}
  local folders = "spec/release spec/call spec/time spec/listing spec/regress spec/json spec/service_spec.lua"
  for _, path in ipairs(shell.lines("git ls-files -co --exclude-standard " .. folders .. " | grep _spec.lua$ | sort")) do
    local text = shell.read(path)
    if is_alone(text) then
      list[#list + 1] = { path = path, text = text }
    end
  end
  return list
end

local specs

-- Those that carry the module's name first.
local function in_order(path)
  local name, own = "/" .. path:match "([^/]+)%.lua$" .. "_spec.lua", {}
  local floor, near, others = "spec/" .. path:match "^lua/patchworks/(.*)[^/]*$":match "^[^/]*", {}, {}
  for _, spec in ipairs(specs) do
    local to = spec.path:find(name, 1, true) and own or spec.path:find(floor, 1, true) == 1 and near or others
    to[#to + 1] = spec
  end
  table.move(near, 1, #near, #own + 1, own)
  return table.move(others, 1, #others, #own + 1, own)
end

-- A mutant that never ends is stopped after so many instructions. Every coroutine has a count of its own.
local most, step = 6e7, 1e6
local left

local function count()
  left = left - step
  if left < 0 then error("it goes on and on", 0) end
end

local create = coroutine.create

local function limited(fn)
  local thread = create(fn)
  debug.sethook(thread, count, "", step)
  return thread
end

-- What a file of specs sees in the place of busted.
local function environment_of(universe, loaded)
  local tests, setups, teardowns, befores, afters = {}, {}, {}, {}, {}
  local env = setmetatable({ assert = assert_with }, { __index = _G })
  function env.require(name)
    if name == "patchworks" or name:find "^patchworks%." then return universe.require(name) end
    if name == "spec.simulation.library" then
      return setmetatable({ load = function() return universe end }, { __index = library })
    end
    if not name:find "^spec%.support%." then return require(name) end
    if not loaded[name] then
      local path = assert(package.searchpath(name, package.path))
      loaded[name] = assert(load(shell.read(path), "@" .. path, "t", env))(name, path)
    end
    return loaded[name]
  end
  -- What a block has set up for each of its tests goes with the block.
  function env.describe(_, fn)
    local around = { #befores, #afters }
    fn()
    for i = #befores, around[1] + 1, -1 do befores[i] = nil end
    for i = #afters, around[2] + 1, -1 do afters[i] = nil end
  end
  function env.it(_, fn)
    tests[#tests + 1] = { fn = fn, befores = table.move(befores, 1, #befores, 1, {}), afters = table.move(afters, 1, #afters, 1, {}) }
  end
  function env.setup(fn) setups[#setups + 1] = fn end
  function env.teardown(fn) teardowns[#teardowns + 1] = fn end
  function env.before_each(fn) befores[#befores + 1] = fn end
  function env.after_each(fn) afters[#afters + 1] = fn end
  return env, tests, setups, teardowns
end

-- Whether all of a list of functions end well; one that doesn't is the last, unless the others are due `anyway`.
local function all_end_well(list, anyway)
  local good = true
  for _, fn in ipairs(list) do good = (good or anyway) and pcall(fn) and good end
  return good
end

local function passes_test(env, test)
  local finals = {}
  function env.finally(fn) finals[#finals + 1] = fn end
  local good = all_end_well(test.befores) and pcall(test.fn)
  good = all_end_well(finals, true) and good
  return all_end_well(test.afters, true) and good
end

-- Whether all tests of a file pass.
local function passes(spec, universe, loaded)
  local env, tests, setups, teardowns = environment_of(universe, loaded)
  local good = pcall(function() load(spec.text, "@" .. spec.path, "t", env)() end) and all_end_well(setups)
  for _, test in ipairs(tests) do
    if not good then break end
    good = passes_test(env, test)
  end
  all_end_well(teardowns, true)
  return good
end

-- Whether all of the specs pass, one after the other, until one does not.
local function all_pass(list, sources)
  local universe, loaded = library.load(nil, sources), {}
  -- No hook reaches what is behind a real shield, and nothing would stop it there.
  local seamed = universe.require "patchworks.core"
  seamed.thread, seamed.retire = limited, function() end
  function seamed.shield(fn) return fn end
  debug.sethook(count, "", step)
  coroutine.create = limited -- luacheck: ignore 122
  local good = true
  for _, spec in ipairs(list) do
    left = most
    good = passes(spec, universe, loaded)
    if not good then break end
  end
  coroutine.create = create -- luacheck: ignore 122
  debug.sethook()
  return good
end

-- Those that pass here without any change: what needs the system's clock, or much time, is left to busted too.
local function sound_specs()
  local list = {}
  for _, spec in ipairs(read_specs()) do
    if all_pass({ spec }, {}) then list[#list + 1] = spec end
  end
  return list
end

--- Whether the quick specs notice a mutant.
-- @tparam table mutant of a module of Lua
function quick.notices(mutant)
  local name = mutant.path:match "^lua/(patchworks/.*)%.lua$"
  if not name then return false end
  name = name:gsub("/", ".")
  specs = specs or sound_specs()
  return not all_pass(in_order(mutant.path), { [name] = mutant.text })
end

return quick
