-- 500 scripts under 240 requests a minute, by a process that is killed again and again.
local fleet = require "spec.simulation.fleet"
local library = require "spec.simulation.library"

local universe = library.load()
local given = { scripts = 500, limit = 240, concurrency = 8 }

local function play(seed, kills)
  given.kills = kills
  local result = fleet.play(universe, fleet.history(seed, given))
  local lie = result.lies[1]
  if lie then error(("seed %d: %s: %s"):format(seed, lie.promise, lie.text), 0) end
  return result
end

describe("a fleet of 500 scripts", function()
  it("is done exactly, each live version once, whenever the process is killed", function()
    local calm, killed = play(1, 0), play(1, 8)
    local kills = killed.runs - 1
    assert.is_true(kills >= 3)
    -- What a kill may cost: the plan and the tests once more, and what was under way: six requests, ten looks, a test.
    local cost = 500 + 500 + 8 * 17
    assert.is_true(killed.requests <= calm.requests + kills * cost, ("%d requests, %d without %d kills"):format(
      killed.requests, calm.requests, kills))
  end)
end)
