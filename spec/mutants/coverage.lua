-- Which specs enter which functions (of Lua) and reach which lines (of C): found out by running each once, and kept in
-- build/mutate until the spec or a source that it runs changes.
local shell = require "spec.mutants.shell"
local source = require "spec.mutants.source"

local coverage = {}

local folder = "build/mutate/coverage"

local function all_specs() return shell.lines "git ls-files -co --exclude-standard spec | grep _spec.lua$ | sort" end

local function name_of(spec) return folder .. "/" .. spec:gsub("/", ".") end

-- What each module's functions call, wherever they run: in a task, in a job, in a program that a spec starts.
local recorder = [[
local path = os.getenv "PATCHWORKS_COVERAGE"
return function(module)
  local seen = {}
  return function(line)
    if seen[line] or not path then return end
    seen[line] = true
    local file <close> = io.open(path, "a")
    if file then file:write(module, " ", line, "\n") end
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

local function record(is_c, specs)
  if is_c then
    assert(shell.run("make --silent core BUILD=build/mutate/gcov WERROR= OPTIMISE=\"-O0 --coverage\" >build/mutate/make.log 2>&1", 300))
  else
    instrument_lua()
  end
  for _, spec in ipairs(specs) do
    local out = name_of(spec) .. (is_c and ".c" or ".lua")
    os.remove(out)
    shell.run("find build/mutate/gcov -name \"*.gcda\" -delete 2>/dev/null", 10)
    local lua, build = is_c and "lua" or "build/mutate/instrumented", is_c and "build/mutate/gcov" or "build"
    local began = os.time()
    shell.run(("PATCHWORKS_COVERAGE=$PWD/%s %s >/dev/null 2>&1"):format(out, shell.specs(lua, build, spec)), 200)
    local file <close> = assert(io.open(out, "a"))
    if is_c then note_c(file) end
    file:write("seconds ", os.time() - began, "\n")
  end
end

local function read(spec, is_c)
  local found = { spec = spec, seconds = 0, places = {}, files = {} }
  local file <close> = io.open(name_of(spec) .. (is_c and ".c" or ".lua"))
  for line in file and file:lines() or function() end do
    local path, number = line:match "^(%S+) (%d+)$"
    if path == "seconds" then
      found.seconds, found.whole = tonumber(number), true
    elseif path then
      found.places[path .. ":" .. number] = true
      found.files[path] = true
    end
  end
  return found
end

-- The specs whose record is older than they are, or than a source that they run.
local function stale(is_c)
  local list = {}
  for _, spec in ipairs(all_specs()) do
    local noted = name_of(spec) .. (is_c and ".c" or ".lua")
    local known = read(spec, is_c)
    local sources = { spec }
    for path in pairs(known.files) do sources[#sources + 1] = path end
    local newer = ("find %s -newer %s 2>&1"):format(table.concat(sources, " "), noted)
    if not known.whole or #shell.lines(newer) > 0 then list[#list + 1] = spec end
  end
  return list
end

local Map = {}
Map.__index = Map

--- The specs that reach a mutant, the quick ones first.
function Map:specs(mutant)
  local is_c = mutant.path:find "%.c$" ~= nil
  local line = is_c and mutant.line or source.function_at(mutant.source, mutant.line)
  local list, loaders = {}, {}
  for _, found in ipairs(is_c and self.c or self.lua) do
    if found.places[mutant.path .. ":" .. line] then list[#list + 1] = found end
    if found.files[mutant.path] then loaders[#loaders + 1] = found end
  end
  -- What is done when the module is loaded is no function's.
  if #list == 0 then list = loaders end
  table.sort(list, function(left, right)
    if left.seconds ~= right.seconds then return left.seconds < right.seconds end
    return left.spec < right.spec
  end)
  for i, found in ipairs(list) do list[i] = found.spec end
  return list
end

--- Finds out, or reads, what covers what.
-- @tparam table paths the sources that are asked for
function coverage.map(paths)
  local map = setmetatable({ lua = {}, c = {} }, Map)
  shell.run("mkdir -p " .. folder, 5)
  local wanted = {}
  for _, path in ipairs(paths) do wanted[path:find "%.c$" and "c" or "lua"] = true end
  for kind in pairs(wanted) do
    local specs = stale(kind == "c")
    if #specs > 0 then record(kind == "c", specs) end
    for _, spec in ipairs(all_specs()) do table.insert(map[kind], read(spec, kind == "c")) end
  end
  return map
end

local broad = { "spec/simulation/simulation_spec.lua", "spec/script_versions_spec.lua", "spec/faults/matrix_spec.lua", "spec/secrets_spec.lua" }

--- The specs that carry the module's name, those in the same folder, and a few that go everywhere: most of what covers it,
-- known without running anything.
function coverage.near(path)
  local name, folder_of = path:match "([^/]+)%.%a+$", path:match "^lua/patchworks/(.*)/[^/]*$" or ""
  local first, others = {}, {}
  for _, spec in ipairs(all_specs()) do
    if spec:find("/" .. name .. "_spec.lua", 1, true) then
      first[#first + 1] = spec
    elseif folder_of ~= "" and spec:find("spec/" .. folder_of .. "/", 1, true) == 1 then
      others[#others + 1] = spec
    end
  end
  table.move(others, 1, #others, #first + 1, first)
  return table.move(broad, 1, #broad, #first + 1, first)
end

return coverage
