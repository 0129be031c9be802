-- Every bug of bites.lua is found, and each by the promise that it breaks; the slow ones with PATCHWORKS_BITES=all.
local bites = require "spec.simulation.bites"
local run = require "spec.simulation.run"

local all = os.getenv "PATCHWORKS_BITES" == "all"
local most = all and 6000 or 600 -- histories that a bug may take to be found

local function breaks(lies, promise)
  for _, lie in ipairs(lies) do
    for _, each in ipairs(type(promise) == "table" and promise or { promise }) do
      if lie.promise == each then return true end
    end
  end
  return false
end

-- The seed of the first history that shows a bug, or nil.
local function found(bite)
  local runner, honest = run.new { bite }, run.new()
  for seed = 1, most do
    local lies = runner:seed(seed)
    if breaks(lies, bite.promise) and not breaks(honest:seed(seed), bite.promise) then return seed end
  end
end

describe("the simulation finds that", function()
  for _, bite in ipairs(bites) do
    if all or not bite.slow then
      it(bite.bug, function() assert.is_truthy(found(bite)) end)
    end
  end
end)
