-- Random histories against the model of the service: nothing is said that isn't so. scripts/simulate plays more of them.
local run = require "spec.simulation.run"

-- Promises that are known to be broken, until they are kept.
local open = {
  ["a listing gives each once"] = true,
  ["a second run converges"] = true,
  ["every call ends by its deadline"] = true,
  ["green is tested"] = true,
  ["never twice, none is none"] = true,
  ["nobody's version is overwritten unseen"] = true,
  ["rollback never goes forward"] = true,
  ["what is live is what was said"] = true,
  ["what was begun is told as begun"] = true,
}

describe("300 random histories", function()
  it("end in no lie", function()
    local runner = run.new()
    for seed = 1, 300 do
      for _, lie in ipairs((runner:seed(seed))) do
        if not open[lie.promise] then error(runner:explain(seed, lie), 0) end
      end
    end
    -- What doesn't happen proves nothing.
    assert.is_true(runner.requests > 3000 and runner.faults > 300)
  end)
end)
