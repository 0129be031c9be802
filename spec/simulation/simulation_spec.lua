-- Random histories against the model of the service: nothing is said that isn't so. scripts/simulate plays more of them.
local lua = require "spec.support.lua"
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

describe("scripts/simulate", function()
  local function simulate(words)
    local pipe = io.popen(("timeout 30 %s scripts/simulate.lua %s 2>&1"):format(lua, words))
    local text, _, _, code = pipe:read "a", pipe:close()
    return text, code
  end

  it("refuses what plays nothing", function()
    for _, words in ipairs { "--processes 0 --histories 1000", "--processes -2 --histories 1000", "--histories 0", "--histories -5" } do
      local text, code = simulate(words)
      assert.matches(" takes an integer from 1, not ", text, 1, true)
      assert.equal(2, code)
    end
  end)

  it("plays from any seed", function()
    local text, code = simulate "--seed -3"
    assert.matches("1 histories,.*0 end in a lie", text)
    assert.equal(0, code)
  end)
end)
