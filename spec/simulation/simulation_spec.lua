-- Random histories against the model of the service: nothing is said that isn't so. scripts/simulate plays more of them.
local run = require "spec.simulation.run"

-- Promises that are known to be broken, until they are kept.
local open = {}
for promise in
  ([[a listing gives each once; a listing is in order; an error tells all attempts; every call ends by its deadline; green is tested;
never twice, none is none; never two calls, one version; nobody's version is overwritten unseen; rollback never goes forward;
what is live is what was said; what was begun is told as begun; a second run converges]]):gsub("\n", " "):gmatch "%s*([^;]+)"
do
  open[promise] = true
end

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
