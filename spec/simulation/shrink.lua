-- Makes a history that fails as short as it can be and still fail in the same way: leaves out people, steps, faults and
-- habits, one after the other, as long as anything can be left out.
local service = require "spec.simulation.service"

local shrink = {}

local function copy(value)
  if type(value) ~= "table" then return value end
  local made = {}
  for name, each in pairs(value) do made[name] = copy(each) end
  return made
end

local function sorted_names(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- Each cut is a function that changes a copy; they are listed anew for each shorter history.
local function cut_lists(cuts, list, change)
  for i = #list, 1, -1 do
    cuts[#cuts + 1] = function(plan) table.remove(change(plan), i) end
  end
end

local simpler = { "cancel", "call_timeout", "kills", "mode", "test", "keep", "ever_deployed", "rollback", "timeout", "limit", "filter", "to",
  "dry_run", "expects", "refuses", "from", "saves", "stop_on_error", "while_deploying", "closes" }

local function cut_step(cuts, step, of)
  for _, k in ipairs(sorted_names(step.faults or {})) do
    cuts[#cuts + 1] = function(plan) of(plan).faults[k] = nil end
  end
  for _, name in ipairs(simpler) do
    if step[name] ~= nil and not (name == "mode" and step.mode == "plain") then
      cuts[#cuts + 1] = function(plan) of(plan)[name] = name == "mode" and "plain" or nil end
    end
  end
  for _, name in ipairs { "items", "scripts", "kills" } do
    if step[name] then cut_lists(cuts, step[name], function(plan) return of(plan)[name] or {} end) end
  end
  if step.concurrency and step.concurrency > 1 then cuts[#cuts + 1] = function(plan) of(plan).concurrency = 1 end end
  if step.read_ahead and step.read_ahead > 0 then cuts[#cuts + 1] = function(plan) of(plan).read_ahead = 0 end end
end

local function cuts_of(plan)
  local cuts = {}
  cut_lists(cuts, plan.actors, function(other) return other.actors end)
  for a, actor in ipairs(plan.actors) do
    cut_lists(cuts, actor.steps, function(other) return other.actors[a].steps end)
    for _, name in ipairs { "rate_limit", "max_connections", "max_attempts" } do
      if actor[name] then cuts[#cuts + 1] = function(other) other.actors[a][name] = nil end end
    end
    if actor.credential ~= "key" then cuts[#cuts + 1] = function(other) other.actors[a].credential = "key" end end
    for s, step in ipairs(actor.steps) do
      cut_step(cuts, step, function(other) return other.actors[a].steps[s] end)
    end
  end
  for _, name in ipairs { "limit", "token_life", "slow", "dates", "epilogue", "last_calls" } do
    if plan[name] then cuts[#cuts + 1] = function(other) other[name] = nil end end
  end
  for _, name in ipairs(sorted_names(plan.habits)) do
    local first = service.habits[name][1]
    if plan.habits[name] ~= first then cuts[#cuts + 1] = function(other) other.habits[name] = first end end
  end
  for i, script in ipairs(plan.scripts) do
    cuts[#cuts + 1] = function(other)
      local list = other.scripts[i]
      list.contents[#list.contents] = nil
      for _, numbers in ipairs { list.deployed, list.failed or {} } do
        for at = #numbers, 1, -1 do
          if numbers[at] > #list.contents then table.remove(numbers, at) end
        end
      end
    end
    cut_lists(cuts, script.deployed, function(other) return other.scripts[i].deployed end)
    cut_lists(cuts, script.failed or {}, function(other) return other.scripts[i].failed end)
    if #plan.scripts > 1 then cuts[#cuts + 1] = function(other) table.remove(other.scripts, i) end end
  end
  return cuts
end

-- What there is to a history: everything in it, and every habit that isn't the first.
local function count(value)
  if type(value) ~= "table" then return value == false and 0 or 1 end
  local sum = 1
  for name, each in pairs(value) do
    sum = sum + count(each)
    if (name == "concurrency" or name == "read_ahead") and each > 0 then sum = sum + 1 / (1 + 1 / each) end
  end
  return sum
end

local function weight_of(plan)
  local sum = count(plan)
  for name, value in pairs(plan.habits) do
    if value == service.habits[name][1] then sum = sum - 0.5 end
  end
  for _, actor in ipairs(plan.actors) do
    if actor.credential == "key" then sum = sum - 0.5 end
    for _, step in ipairs(actor.steps) do
      if step.mode == "plain" then sum = sum - 0.5 end
    end
  end
  return sum
end

--- Shortens a history.
-- @tparam table plan one that fails
-- @tparam function fails called with a history: whether it still fails in the same way
-- @tparam ?integer most how many histories to try (3000)
-- @treturn table the shortest history that was found
-- @treturn integer how many were tried
function shrink.shortest(plan, fails, most)
  local tried, progress, least = 0, true, weight_of(plan)
  most = most or 3000
  while progress and tried < most do
    progress = false
    for _, cut in ipairs(cuts_of(plan)) do
      local shorter = copy(plan)
      -- A cut of what an earlier cut of this round took away does nothing.
      local applied = pcall(cut, shorter)
      local weight = applied and weight_of(shorter)
      if applied and weight < least then
        tried = tried + 1
        if fails(shorter) then
          plan, least, progress = shorter, weight, true
        end
        if tried >= most then break end
      end
    end
  end
  return plan, tried
end

shrink.copy = copy

return shrink
