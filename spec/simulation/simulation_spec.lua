-- Random histories against the model of the service: nothing is said that isn't so. scripts/simulate plays more of them.
local run = require "spec.simulation.run"

describe("300 random histories", function()
  it("end in no lie", function()
    local runner = run.new()
    for seed = 1, 300 do
      local lie = runner:seed(seed)[1]
      if lie then error(runner:explain(seed, lie), 0) end
    end
    -- What doesn't happen proves nothing.
    assert.is_true(runner.requests > 3000 and runner.faults > 300)
  end)
end)
