-- Many histories, one after the other, and what came of them.
local checker = require "spec.simulation.checker"
local history = require "spec.simulation.history"
local library = require "spec.simulation.library"
local play = require "spec.simulation.play"
local shrink = require "spec.simulation.shrink"
local story = require "spec.simulation.story"

local run = {}

local Runner = {}
Runner.__index = Runner

--- Makes what plays histories.
-- @tparam ?table changes of the library's source; see library.lua
function run.new(changes)
  return setmetatable({ changes = changes, universe = library.load(changes), histories = 0, requests = 0, faults = 0 }, Runner)
end

--- Plays a history and has it checked.
-- @tparam table plan
-- @treturn table list of lies
-- @treturn table world
function Runner:play(plan)
  local ok, world = pcall(play.run, self.universe, plan)
  -- What hangs or breaks leaves tasks behind: the next history gets a library of its own.
  if not ok or world.hung then self.universe = library.load(self.changes) end
  if not ok then error(("seed %d: %s"):format(plan.seed, tostring(world)), 0) end
  self.histories = self.histories + 1
  for _, event in ipairs(world.events) do
    if event.kind == "started" then
      self.requests = self.requests + 1
      if event[1].kind then self.faults = self.faults + 1 end
    end
  end
  local lies = checker.check(world)
  if #lies > 0 then self.universe = library.load(self.changes) end
  return lies, world
end

--- Plays the history of a seed.
function Runner:seed(seed) return self:play(history.new(seed)) end

local function same_lie(lies, lie)
  for _, each in ipairs(lies) do
    local op, wanted = each.call and each.call.op, lie.call and lie.call.op
    if each.promise == lie.promise and op == wanted then return each end
  end
end

--- The shortest history that is known to end in the same lie, told line by line.
-- @tparam integer seed
-- @tparam table lie
-- @treturn string
function Runner:explain(seed, lie)
  local plan, tried = shrink.shortest(history.new(seed), function(candidate)
    return same_lie(self:play(candidate), lie) ~= nil
  end)
  local lies, world = self:play(plan)
  local kept = same_lie(lies, lie) or lie
  return ("%s\n\nseed %d, %d histories tried: %s\n  %s%s"):format(story.tell(world), seed, tried, kept.promise,
    kept.call and ("%s, %s (%d): "):format(kept.call.actor, kept.call.op, kept.call.step) or "", kept.text)
end

return run
