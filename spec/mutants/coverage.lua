-- Which tests enter which functions (of Lua), and which specs reach which lines (of C): found out by running each spec once,
-- and kept in build/mutate until that spec or a source that it runs changes.
local shell = require "spec.mutants.shell"
local source = require "spec.mutants.source"

local coverage = {}

local folder = "build/mutate/coverage"

local function all_specs() return shell.lines "git ls-files -co --exclude-standard spec | grep _spec.lua$ | sort" end

local function specs_among(pattern)
  local list = {}
  for _, spec in ipairs(all_specs()) do
    if not pattern or spec:find(pattern) then list[#list + 1] = spec end
  end
  return list
end

local function name_of(spec) return folder .. "/" .. spec:gsub("/", ".") end

-- What each module's functions call, wherever they run: in a task, in a job, in a program that a spec starts.
local recorder = [[
local path, getregistry = os.getenv "PATCHWORKS_COVERAGE", debug.getregistry
return function(module)
  local seen = {}
  return function(line)
    local test = getregistry().patchworks_test or ""
    local key = line .. " " .. test
    if seen[key] or not path then return end
    seen[key] = true
    local file <close> = io.open(path, "a")
    if file then file:write(module, " ", line, "\t", test, "\n") end
  end
end
]]

local function instrument_lua()
  shell.run("rm -rf build/mutate/instrumented && cp -r lua build/mutate/instrumented", 60)
  for _, path in ipairs(shell.lines "find build/mutate/instrumented -name '*.lua'") do
    local module = path:gsub("^build/mutate/instrumented/", "lua/")
    shell.write(path, source.instrumented(shell.read(path), module))
  end
  shell.write("build/mutate/instrumented/mutation_coverage.lua", recorder)
end

-- The lines of C that a run reached, after gcov's notes.
local function note_c(file)
  for _, path in ipairs(shell.lines "ls src/core/*.c") do
    local command = ("gcov -t -o build/mutate/gcov/src/core/%s build/mutate/gcov/src/core/%s 2>/dev/null")
      :format(path:match "([^/]+)%.c$" .. ".gcda", path:match "([^/]+)%.c$" .. ".gcda")
    for _, line in ipairs(shell.lines(command)) do
      local count, number = line:match "^%s*(%d+)%*?:%s*(%d+):"
      if count then file:write(path, " ", number, "\n") end
    end
  end
end

local function prepare(is_c)
  shell.run("mkdir -p " .. folder, 5)
  if not is_c then return instrument_lua() end
  local command = "make --silent core BUILD=build/mutate/gcov WERROR= OPTIMISE=\"-O0 --coverage\" >build/mutate/make.log 2>&1"
  assert(shell.run(command, 300))
end

local function record(spec, is_c)
  local out = name_of(spec) .. (is_c and ".c" or ".lua")
  os.remove(out)
  shell.run("find build/mutate/gcov -name \"*.gcda\" -delete 2>/dev/null", 10)
  local lua, build = is_c and "lua" or "build/mutate/instrumented", is_c and "build/mutate/gcov" or "build"
  local began = os.time()
  -- Programs that a spec links with the core's objects need what these were compiled with.
  shell.run(("PATCHWORKS_COVERAGE=$PWD/%s LDFLAGS=%s %s >/dev/null 2>&1"):format(out, is_c and "--coverage" or "",
    shell.specs(lua, build, "--helper=spec/mutants/names.lua " .. spec)), 400)
  local file <close> = assert(io.open(out, "a"))
  if is_c then note_c(file) end
  file:write("seconds ", os.time() - began, "\n")
end

local function read(spec, is_c)
  local found = { spec = spec, seconds = 0, tests = {}, places = {}, files = {} }
  local file <close> = io.open(name_of(spec) .. (is_c and ".c" or ".lua"))
  for line in file and file:lines() or function() end do
    local path, number, test = line:match "^(%S+) ([%d.]+)\t?(.*)$"
    if path == "seconds" then
      found.seconds, found.whole = tonumber(number), true
    elseif path == "success" then
      found.tests[test] = tonumber(number)
    elseif path then
      local place = path .. ":" .. number
      found.places[place] = found.places[place] or {}
      found.places[place][test] = true
      found.files[path] = true
    end
  end
  return found
end

-- Whether the record of a spec is younger than it is, and than the sources that it runs.
local function is_fresh(spec, is_c)
  local known = read(spec, is_c)
  local sources = { spec }
  for path in pairs(known.files) do sources[#sources + 1] = path end
  local newer = ("find %s -newer %s 2>&1"):format(table.concat(sources, " "), name_of(spec) .. (is_c and ".c" or ".lua"))
  return known.whole and #shell.lines(newer) == 0
end

-- The tests of a spec that reach a place, as busted's filters, and the seconds that they take; nil where none does. A test
-- that fails without any change judges nothing.
local function tests_at(found, place)
  local reached = found.places[place]
  if not reached then return nil end
  local filters, seconds = {}, 0
  for test, took in pairs(found.tests) do
    if reached[test] or reached[""] then
      filters[#filters + 1] = '--filter="^' .. test:gsub("%W", ".") .. '$"'
      seconds = seconds + took
    end
  end
  table.sort(filters)
  if #filters == 0 then return nil end
  return table.concat(filters, " "), seconds
end

local Map = {}
Map.__index = Map

--- What of the specs reaches a mutant: those that carry the module's name first, then the quick ones.
-- @treturn table a list of `{ spec, arguments, seconds }`
function Map:specs(mutant)
  local is_c = mutant.path:find "%.c$" ~= nil
  local place = mutant.path .. ":" .. (is_c and mutant.line or source.function_at(mutant.source, mutant.line))
  local own = "/" .. mutant.path:match "([^/]+)%.%a+$" .. "_spec.lua"
  local list, loaders = {}, {}
  local function add(to, found, arguments, seconds)
    to[#to + 1] = { spec = found.spec, arguments = arguments, seconds = seconds, own = found.spec:find(own, 1, true) and 0 or 1 }
  end
  for _, found in ipairs(is_c and self.c or self.lua) do
    if is_c and found.places[place] then
      add(list, found, found.spec, found.seconds)
    elseif not is_c then
      local filters, seconds = tests_at(found, place)
      if filters then add(list, found, filters .. " " .. found.spec, seconds) end
    end
    if found.files[mutant.path] then add(loaders, found, found.spec, found.seconds) end
  end
  -- What is done when the module is loaded is no function's.
  if #list == 0 then list = loaders end
  table.sort(list, function(left, right)
    if left.own ~= right.own then return left.own < right.own end
    if left.seconds ~= right.seconds then return left.seconds < right.seconds end
    return left.spec < right.spec
  end)
  return list
end

--- Finds out, or reads, what covers what.
-- @tparam table paths the sources that are asked for
-- @tparam ?string among a pattern: only the specs whose paths match it
function coverage.map(paths, among)
  local map = setmetatable({ lua = {}, c = {} }, Map)
  local wanted = {}
  for _, path in ipairs(paths) do wanted[path:find "%.c$" and "c" or "lua"] = true end
  for kind in pairs(wanted) do
    local is_c, prepared = kind == "c", false
    for _, spec in ipairs(specs_among(among)) do
      if not is_fresh(spec, is_c) then
        if not prepared then prepare(is_c) end
        prepared = true
        record(spec, is_c)
      end
      table.insert(map[kind], read(spec, is_c))
    end
  end
  return map
end

local broad = { "spec/simulation/simulation_spec.lua", "spec/script_versions_spec.lua", "spec/faults/matrix_spec.lua", "spec/secrets_spec.lua" }
local broad_c = {
  "spec/core_spec.lua", "spec/regress/odd_values_spec.lua", "spec/corpora/http_spec.lua", "spec/corpora/json_spec.lua",
  "spec/regress/one_post_spec.lua", "spec/tls_spec.lua",
}

--- The specs that carry the module's name, those in the same folder, and a few that go everywhere: most of what covers it,
-- known without running anything.
-- @treturn table as `specs` of a map gives it
function coverage.near(path)
  local is_c = path:find "%.c$" ~= nil
  local name = path:match("([^/]+)%.%a+$"):gsub("^lua_", "")
  local folder_of = is_c and "core" or path:match "^lua/patchworks/(.*)/[^/]*$" or ""
  local first, others = {}, {}
  for _, spec in ipairs(all_specs()) do
    if spec:find("/" .. name .. "_spec.lua", 1, true) and (not is_c or spec:find("spec/core", 1, true)) then
      first[#first + 1] = spec
    elseif folder_of ~= "" and spec:find("spec/" .. folder_of .. "/", 1, true) == 1 then
      others[#others + 1] = spec
    end
  end
  table.move(others, 1, #others, #first + 1, first)
  local everywhere = is_c and broad_c or broad
  table.move(everywhere, 1, #everywhere, #first + 1, first)
  for i, spec in ipairs(first) do first[i] = { spec = spec, arguments = spec, seconds = is_c and 5 or 15 } end
  return first
end

return coverage
