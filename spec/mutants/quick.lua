-- Runs the specs of the simulated service in this process, on a library with one source changed: some milliseconds a
-- mutant, where a run of busted takes a good part of a second. What they don't notice is left to busted.
local assert_with = require "luassert"
local library = require "spec.simulation.library"
local shell = require "spec.mutants.shell"

local quick = {}

local function read_specs()
  local list = {}
  for _, path in ipairs(shell.lines "git ls-files -co --exclude-standard spec/release | grep _spec.lua$ | sort") do
    local text = shell.read(path)
    -- Nothing but the library and what simulates.
    if not text:find('"patchworks"', 1, true) and not text:find "sandbox" and not text:find "spec%.support%.[^s]" then
      list[#list + 1] = { path = path, text = text }
    end
  end
  return list
end

local specs

-- Those that carry the module's name first.
local function in_order(path)
  local name, own, others = "/" .. path:match "([^/]+)%.lua$" .. "_spec.lua", {}, {}
  for _, spec in ipairs(specs) do table.insert(spec.path:find(name, 1, true) and own or others, spec) end
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
  local tests, setups, teardowns = {}, {}, {}
  local env = setmetatable({ assert = assert_with }, { __index = _G })
  function env.require(name)
    if name:find "^patchworks%." then return universe.require(name) end
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
  function env.describe(_, fn) fn() end
  function env.it(name, fn) tests[#tests + 1] = { name = name, fn = fn } end
  function env.setup(fn) setups[#setups + 1] = fn end
  function env.teardown(fn) teardowns[#teardowns + 1] = fn end
  return env, tests, setups, teardowns
end

-- Whether all tests of a file pass.
local function passes(spec, universe, loaded)
  local env, tests, setups, teardowns = environment_of(universe, loaded)
  local good = pcall(function() load(spec.text, "@" .. spec.path, "t", env)() end)
  for _, fn in ipairs(setups) do good = good and pcall(fn) end
  for _, test in ipairs(tests) do
    if not good then break end
    good = pcall(test.fn)
  end
  for _, fn in ipairs(teardowns) do pcall(fn) end
  return good
end

-- Whether all of the specs pass, one after the other, until one does not.
local function all_pass(list, sources)
  local universe, loaded = library.load(nil, sources), {}
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

-- Those that pass without any change: the others judge nothing.
local function sound_specs()
  local list = {}
  for _, spec in ipairs(read_specs()) do
    if all_pass({ spec }, {}) then
      list[#list + 1] = spec
    else
      print(spec.path .. " fails without any change, and judges nothing")
    end
  end
  return list
end

--- Whether the quick specs notice a mutant.
-- @tparam table mutant of a module of releases
function quick.notices(mutant)
  if not mutant.path:find "^lua/patchworks/release/" then return false end
  specs = specs or sound_specs()
  local name = mutant.path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/", ".")
  return not all_pass(in_order(mutant.path), { [name] = mutant.text })
end

return quick
