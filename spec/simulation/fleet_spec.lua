-- 500 scripts under 240 requests a minute, by a process that is killed again and again.
local fleet = require "spec.simulation.fleet"
local library = require "spec.simulation.library"
local open = require "spec.simulation.open"

local universe = library.load()
local given = { scripts = 500, limit = 240, concurrency = 8 }

local function play(seed, kills)
  given.kills = kills
  local result = fleet.play(universe, fleet.history(seed, given))
  for _, lie in ipairs(result.lies) do
    if not open[lie.promise] then error(("seed %d: %s: %s"):format(seed, lie.promise, lie.text), 0) end
  end
  return result
end

describe("a fleet of 500 scripts", function()
  it("is done exactly, each live version once, whenever the process is killed", function()
    for seed = 1, 3 do
      local calm, killed = play(seed, 0), play(seed, 12)
      local kills = killed.runs - 1
      assert.is_true(kills >= 5)
      -- What a kill may cost: the plan and the tests once more, and what was under way: five requests, ten looks, a test.
      local cost = 500 + 500 + 8 * 16
      assert.is_true(killed.requests <= calm.requests + kills * cost, ("%d requests, %d without %d kills"):format(
        killed.requests, calm.requests, kills))
    end
  end)
end)
