-- Every bug of bites.lua and of bites/ is found, and each by the promise that it breaks: by the history of the seed that is kept beside it
-- or, once that shows it no more, by the first that does, whose seed is printed.
local lists = {
  require "spec.simulation.bites", require "spec.simulation.bites.asked", require "spec.simulation.bites.account",
  require "spec.simulation.bites.closed",
}
local run = require "spec.simulation.run"

local most = 6000 -- histories that a bug may take to be found

local function breaks(lies, promise)
  for _, lie in ipairs(lies) do
    for _, each in ipairs(type(promise) == "table" and promise or { promise }) do
      if lie.promise == each then return true end
    end
  end
  return false
end

local honest = run.new()

local function shows(runner, bite, seed)
  return breaks(runner:seed(seed), bite.promise) and not breaks(honest:seed(seed), bite.promise)
end

-- The seed of a history that shows a bug, or nil.
local function found(bite)
  local runner = run.new { bite }
  if shows(runner, bite, bite.seed) then return bite.seed end
  for seed = 1, most do
    if shows(runner, bite, seed) then
      print(("%s: seed %d shows it now, and %d no more"):format(bite.bug, seed, bite.seed))
      return seed
    end
  end
end

describe("the simulation finds that", function()
  for _, bites in ipairs(lists) do
    for _, bite in ipairs(bites) do
      it(bite.bug, function() assert.is_truthy(found(bite)) end)
    end
  end
end)
