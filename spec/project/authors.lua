-- Two authors with a folder each, and one account: random histories of edits, pulls, publishes and roll-backs, on the
-- simulated service. What is judged is what was done: the service's journal, and the bytes in the folders.
local clock = require "spec.simulation.clock"
local engine = require "spec.simulation.engine"
local library = require "spec.simulation.library"
local random = require "spec.simulation.random"
local service = require "spec.simulation.service"
local uv = require "luv"

local authors = {}

local script = 1

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

local function empty(folder)
  local scan = uv.fs_scandir(folder)
  while scan do
    local name, kind = uv.fs_scandir_next(scan)
    if not name then break end
    if kind == "directory" then
      empty(folder .. "/" .. name)
      uv.fs_rmdir(folder .. "/" .. name)
    else
      uv.fs_unlink(folder .. "/" .. name)
    end
  end
end

local function new_world(universe, draw)
  local habits = {}
  for name, choices in pairs(service.habits) do habits[name] = draw.pick(choices) end
  local world = { clock = clock.new(1000), made = 0, draw = draw }
  world.service = service.new(habits, world.clock)
  world.service.build_seconds = draw.pick { 0, 0.2, 3 }
  world.random = random.new(draw.integer(1, 1 << 40)).fraction
  function world.number()
    world.made = world.made + 1
    return world.made
  end
  function world.log() end
  function world.credential_of(headers) return library.credential(universe, headers) end
  function world.new_engine(options) return engine.new(world, world.opening, options.max_connections) end
  world.service:seed(script, { "the first" }, { 1 })
  universe.world = world
  return world
end

local function new_person(world, universe, name, root)
  local person = { name = name, attempt = 1, step = 0, view = nil }
  local draw = random.new(world.draw.integer(1, 1 << 40))
  function person.fault()
    return { connect = draw.between(0, 0.02), there = draw.between(0, 0.05), back = draw.between(0, 0.05) }
  end
  world.opening = person
  person.client = universe.require("patchworks").new { base_url = "https://simulated.example", api_key = "key-" .. name }
  person.place = {
    root = root, name = "x", file = "x.py", path = root .. "/x.py", id = tostring(script), origin = "simulated",
    versions = person.client.script_versions,
  }
  return person
end

local operations = {}

function operations.edit(person, _, count)
  write(person.place.path, ("work %d of %s"):format(count, person.name))
end

function operations.pull(person, modules) return modules.pull.pull(person.place) end

function operations.take_theirs(person, modules) return modules.pull.pull(person.place, { theirs = true }) end

function operations.publish(person, modules) return modules.publish.publish(person.place, { interval = 0.1 }) end

function operations.publish_over(person, modules)
  local version = modules.live.version(person.place)
  person.over = version and version.id
  return modules.publish.publish(person.place, { interval = 0.1, over = person.over })
end

function operations.roll_back(person, modules) return modules.publish.rollback(person.place, { interval = 0.1 }) end

function operations.status(person, modules) return modules.pull.status(person.place) end

local names = {
  "edit", "edit", "edit", "pull", "pull", "publish", "publish", "publish", "publish_over", "take_theirs", "roll_back", "status",
}

-- The bytes that somebody wrote are in the file, in a version, or among what was replaced.
local function is_kept(world, person, text)
  if read(person.place.path) == text then return true end
  for _, version in pairs(world.service.versions) do
    if world.service.versions[version.id].content:find(text, 1, true) then return true end
  end
  local folder = person.place.root .. "/.patchworks/replaced"
  local scan = uv.fs_scandir(folder)
  while scan do
    local name = uv.fs_scandir_next(scan)
    if not name then break end
    if read(folder .. "/" .. name) == text then return true end
  end
  return false
end

-- Whatever this step of a person replaced was known here, was named, or is told.
local function judge_lives(world, person, from, result)
  for i = from, #world.service.journal do
    local entry = world.service.journal[i]
    local former = entry.former
    if entry.what == "live" and entry.actor == person.name and former and former ~= entry.version and person.view then
      local told = result and result.overwrote and result.overwrote.id
      if former ~= person.view and former ~= person.over and former ~= told and not person.own[former] then
        return ("%s replaced version %d, and had last seen %d"):format(person.name, former, person.view)
      end
    end
  end
end

local function step(world, modules, person, name, count)
  person.step, person.over, person.own = count, nil, {}
  local before, journal = read(person.place.path), #world.service.journal + 1
  local result, problem = operations[name](person, modules, count)
  if name ~= "edit" and not result and not (type(problem) == "table" and problem.kind) then
    return ("%s gave no error: %s"):format(name, tostring(problem))
  end
  for i = journal, #world.service.journal do
    local entry = world.service.journal[i]
    if entry.what == "created" and entry.actor == person.name then person.own[entry.version] = true end
  end
  local lie = judge_lives(world, person, journal, result)
  if lie then return lie end
  if name ~= "edit" and before and not is_kept(world, person, before) then
    return ("%s lost %q of %s"):format(name, before, person.name)
  end
  local version = result and result.version
  if version and (name ~= "pull" or result.action ~= "kept") then person.view = version.id end
end

local function tell(list) return table.concat(list, ", ") end

--- Plays one history.
-- @tparam table universe see spec.simulation.library
-- @tparam integer seed
-- @tparam string folder for the two authors' files
-- @treturn ?string a lie, with the history
-- @treturn table how often each operation was done, and refused
function authors.play(universe, seed, folder)
  local draw = random.new(seed)
  local world = new_world(universe, draw)
  local modules, patchworks = {}, universe.require "patchworks"
  for _, name in ipairs { "pull", "publish", "live" } do modules[name] = universe.require("patchworks.project." .. name) end
  local people = {}
  for i, name in ipairs { "anna", "ben" } do
    local root = folder .. "/" .. name
    uv.fs_mkdir(root, 448)
    empty(root)
    people[i] = new_person(world, universe, name, root)
  end
  local told, lie, at_once = {}, nil, 0
  for count = 1, draw.integer(4, 12) do
    local person, name = draw.pick(people), draw.pick(names)
    if draw.chance(0.2) then
      local other = person == people[1] and people[2] or people[1]
      local second = draw.pick(names)
      told[#told + 1] = ("%s %s while %s %s"):format(person.name, name, other.name, second)
      at_once = at_once + 1
      patchworks.run(function(tasks)
        tasks:spawn(function() lie = step(world, modules, person, name, count) or lie end)
        tasks:spawn(function() lie = step(world, modules, other, second, count + 1000) or lie end)
      end)
    else
      told[#told + 1] = ("%s %s"):format(person.name, name)
      lie = step(world, modules, person, name, count)
    end
    if lie then break end
  end
  for _, person in ipairs(people) do person.client:close() end
  return lie and ("seed %d: %s\n%s"):format(seed, lie, tell(told)), { steps = #told, at_once = at_once, requests = world.made }
end

return authors
