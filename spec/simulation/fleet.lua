-- A fleet: many scripts applied under a rate limit, by a process that is killed at random requests and run again until all
-- is done.
local checker = require "spec.simulation.checker"
local play = require "spec.simulation.play"
local random = require "spec.simulation.random"
local service = require "spec.simulation.service"

local fleet = {}

local function content_of(id) return ("def handle(data): # fleet %d"):format(id) end

--- The history of a fleet.
-- @tparam integer seed
-- @tparam table given `scripts` (how many), `kills` (how many), `limit` (requests a minute), `concurrency`
function fleet.history(seed, given)
  local draw, scripts, wanted, kills = random.new(seed), {}, {}, {}
  for id = 1, given.scripts do
    local contents = {}
    for number = 1, draw.integer(0, 4) do contents[number] = ("old source %d.%d"):format(id, number) end
    scripts[id] = { id = id, contents = contents, deployed = #contents > 0 and { draw.integer(1, #contents) } or {} }
    wanted[id] = { id = id, content = content_of(id), test = draw.chance(0.5) or nil }
  end
  for i = 1, given.kills do
    kills[i] = { request = draw.integer(1, given.scripts * 3), kind = draw.pick { "killed before", "killed after" } }
  end
  local habits = {}
  for name, choices in pairs(service.habits) do habits[name] = choices[1] end
  habits.order = draw.pick(service.habits.order)
  habits.deployed_together = draw.chance(0.5)
  local step = { op = "apply", number = 1, seed = seed, scripts = wanted, concurrency = given.concurrency, kills = kills, faults = {}, until_done = true }
  return {
    seed = seed, kind = "fleet", start = 1000, habits = habits, scripts = scripts, build_seconds = 2, limit = given.limit,
    actors = { { name = "anna", credential = "key", rate_limit = given.limit, steps = { step } } },
  }
end

local function play_and_check(universe, plan)
  local world = play.run(universe, plan)
  local lies = checker.check(world)
  local function lie(text, ...) lies[#lies + 1] = { promise = "a fleet is done exactly", text = text:format(...) } end
  local made = {}
  for _, entry in ipairs(world.service.journal) do
    if entry.what == "created" and entry.request then made[entry.script] = (made[entry.script] or 0) + 1 end
  end
  for _, script in ipairs(plan.scripts) do
    local live = world.service.versions[world.service.scripts[script.id].live]
    if not live or live.content ~= content_of(script.id) then lie("script %d: what is live is not what was wanted", script.id) end
    if made[script.id] ~= 1 then lie("script %d: %d versions were made", script.id, made[script.id] or 0) end
  end
  return { lies = lies, requests = world.requests_made, runs = #world.calls, seconds = world.clock.time - plan.start }
end

--- Plays the history of a fleet.
-- @treturn table `lies`, `requests`, `runs`, `seconds` (of virtual time)
function fleet.play(universe, plan)
  -- All that a fleet does is remembered to its end: a collector of generations would go over it again and again.
  local former = collectgarbage("incremental", 200, 400)
  local result = play_and_check(universe, plan)
  collectgarbage(former)
  return result
end

return fleet
