-- Mutants: scripts/mutate says how to call it.
local coverage = require "spec.mutants.coverage"
local equivalents = require "spec.mutants.equivalents"
local objects = require "spec.mutants.objects"
local quick = require "spec.mutants.quick"
local random = require "spec.simulation.random"
local shell = require "spec.mutants.shell"
local source = require "spec.mutants.source"

-- What delivery and releases depend on.
local usual = {
  "call/auth", "call/gate", "call/login", "call/retry", "call/send", "call/answer", "listing", "release/publish",
  "release/reconcile", "release/replace", "release/wait", "release/look", "release/plan", "release/manifest",
  "release/prune", "release/rollback", "release/tail", "release/test", "release/job", "release/claims",
  "release/progress", "release/expected", "json/document", "json/difference", "service",
}

local function read_options(words)
  local options, i = { modules = {} }, 1
  while words[i] do
    local name = words[i]:match "^%-%-(%a+)$"
    if name == "count" or name == "seed" or name == "least" then
      options[name] = math.tointeger(tonumber(words[i + 1]))
      if not options[name] then error(("--%s takes an integer"):format(name), 0) end
      i = i + 1
    elseif name == "among" then
      options.among = words[i + 1] or error("--among takes a pattern", 0)
      i = i + 1
    elseif name == "near" or name == "quick" then
      options[name] = true
    elseif name then
      error("unknown option " .. words[i] .. "; see scripts/mutate", 0)
    else
      table.insert(options.modules, words[i])
    end
    i = i + 1
  end
  return options
end

local function path_of(module)
  return module:find "%.c$" and module or "lua/patchworks/" .. module:gsub("%.lua$", "") .. ".lua"
end

local function paths_of(modules)
  local paths = {}
  if #modules > 0 then
    for i, module in ipairs(modules) do paths[i] = path_of(module) end
    return paths
  end
  for _, module in ipairs(usual) do
    if shell.exists(path_of(module)) then paths[#paths + 1] = path_of(module) end
  end
  return paths
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

local function mutants_of(paths)
  local list, equal = {}, 0
  for _, path in ipairs(paths) do
    local text = shell.read(path)
    local lines = lines_of(text)
    for _, mutant in ipairs(source.mutants(text, path:find "%.c$" ~= nil)) do
      mutant.path, mutant.source, mutant.code = path, text, lines[mutant.line]:match "^%s*(.-)%s*$"
      if equivalents.reason(path, mutant) then equal = equal + 1 else list[#list + 1] = mutant end
    end
  end
  return list, equal
end

local function sample(list, count, seed)
  local draw = random.new(seed)
  for i = 1, math.min(count, #list) do
    local j = draw.integer(i, #list)
    list[i], list[j] = list[j], list[i]
  end
  return table.move(list, 1, math.min(count, #list), 1, {})
end

-- Puts the mutant into a copy of the tree and gives its Lua and its build; nil where it doesn't compile, nil and
-- "same" where the compiler makes the same of it.
local function install(mutant)
  if not mutant.path:find "%.c$" then
    shell.write("build/mutate/tree/" .. mutant.path:gsub("^lua/", ""), mutant.text)
    return "build/mutate/tree", "build"
  end
  local built = objects.install(mutant)
  if built ~= "built" then return nil, built end
  return "lua", objects.build
end

local function restore(mutant)
  if not mutant.path:find "%.c$" then
    shell.write("build/mutate/tree/" .. mutant.path:gsub("^lua/", ""), mutant.source)
  end
end

local sound = {} -- arguments -> whether they pass on what isn't changed

local function is_sound(each)
  local key = each.arguments
  if sound[key] == nil then
    sound[key] = shell.run(shell.specs("lua", "build", key) .. " >build/mutate/sound.log 2>&1", 200)
    if not sound[key] then print(each.spec .. " fails without any change, and judges nothing") end
  end
  return sound[key]
end

-- Whether any of the specs notices; nil when the mutant can't be built. One that never ends is noticed by the time.
local function is_noticed(mutant, specs)
  if quick.notices(mutant) then return true end
  if #specs == 0 then return false end
  local lua, build = install(mutant)
  if not lua then return nil, build end
  local noticed = false
  for _, each in ipairs(specs) do
    local command = shell.specs(lua, build, "--no-keep-going " .. each.arguments)
    local most = math.ceil(30 + 5 * each.seconds)
    if not shell.run(command .. " >build/mutate/spec.log 2>&1", most) and is_sound(each) then
      noticed = true
      break
    end
  end
  restore(mutant)
  return noticed
end

local function main(words)
  local options = read_options(words)
  local stale = equivalents.stale(shell.read)
  if stale[1] then error("mend or take out, in spec/mutants:\n" .. table.concat(stale, "\n"), 0) end
  local paths = paths_of(options.modules)
  if not options.quick then shell.run("rm -rf build/mutate/tree && cp -r lua build/mutate/tree", 60) end
  local list, equal = mutants_of(paths)
  local all = #list
  if options.count then list = sample(list, options.count, options.seed or 1) end
  io.stdout:setvbuf "line"
  local map = not (options.near or options.quick) and coverage.map(paths, options.among) or nil
  local sums, tried = {}, 0
  for _, mutant in ipairs(list) do
    local specs = options.quick and {} or map and map:specs(mutant) or coverage.near(mutant.path)
    local noticed, same = is_noticed(mutant, specs)
    if same then equal = equal + 1 end
    if noticed ~= nil then
      tried = tried + 1
      local sum = sums[mutant.path] or { noticed = 0, all = 0 }
      sums[mutant.path] = sum
      sum.all = sum.all + 1
      if noticed then sum.noticed = sum.noticed + 1 else
        print(("%s:%d: %s: %s"):format(mutant.path, mutant.line, mutant.what, mutant.code))
      end
    end
  end
  local noticed = 0
  for _, path in ipairs(paths) do
    local sum = sums[path]
    if sum then
      print(("%-40s %d of %d noticed (%.0f %%)"):format(path, sum.noticed, sum.all, sum.noticed / sum.all * 100))
      noticed = noticed + sum.noticed
    end
  end
  local share = tried > 0 and noticed / tried or 0
  print(("%d of %d noticed (%.0f %%), out of %d; %d more change nothing")
    :format(noticed, tried, share * 100, all, equal))
  os.exit(share * 100 >= (options.least or 90))
end

main(arg)
