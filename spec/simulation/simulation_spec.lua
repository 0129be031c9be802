-- Random histories against the model of the service: nothing is said that isn't so. scripts/simulate plays more of them.
local open = require "spec.simulation.open"
local run = require "spec.simulation.run"

describe("300 random histories", function()
  it("end in no lie", function()
    local runner = run.new()
    for seed = 1, 300 do
      for _, lie in ipairs((runner:seed(seed))) do
        if open[lie.promise] ~= (lie.call and lie.call.op or "") then error(runner:explain(seed, lie), 0) end
      end
    end
    -- What doesn't happen proves nothing.
    assert.is_true(runner.requests > 3000 and runner.faults > 300)
  end)
end)
