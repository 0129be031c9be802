-- A release whose test failed stays where nothing was live before, or with `rollback = false`. Somebody else's version had
-- come live between the deployment and the look after it, and still the one that was tested was said to be live.
local simulated = require "spec.support.simulated"

describe("a release whose test failed, and which stays", function()
  local function publish(world, more)
    more.content, more.test = "two", { payload = "x", expect = "something else" }
    local _, err = world.versions:publish(1, more)
    assert.same({ "test_failed", false, "unknown" }, { err.kind, err.rolled_back, err.outcome })
    return err
  end

  it("says what the look after it saw live", function()
    for _, given in ipairs { { contents = { "one" }, deployed = { 1 } }, {} } do
      local world = simulated(given)
      local theirs
      world:before("list", 4, function() theirs = world:goes_live "theirs" end)
      local err = publish(world, { rollback = false })
      assert.equal(theirs.id, err.live.id)
      assert.equal(theirs.id - 1, err.version.id)
    end
  end)

  it("says what somebody else has begun", function()
    local world = simulated {}
    local theirs
    world:before("list", 4, function() theirs = world:begins "theirs" end)
    local err = publish(world, {})
    assert.same({ theirs.id, theirs.id - 1 }, { err.under_way.id, err.live.id })
  end)
end)
