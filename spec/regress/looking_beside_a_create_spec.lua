-- A reconciled create found what it looked for while a plain create of the same process was under way, which may have made
-- that: it looked again at once, and again, as fast as answers came, until the other had ended.
local simulated = require "spec.support.simulated"

describe("a reconciled create that looks for its version", function()
  it("waits for a plain create that began meanwhile, and then looks once", function()
    local world = simulated { contents = { "a" } }
    world:fault("create", 1, "lost after")
    world:fault("create", 2, "slow", { seconds = 20 })
    local made, theirs
    world.patchworks.run(function(tasks)
      tasks:spawn(function() made = assert(world.versions:create(1, { content = "mine", reconcile = true })) end)
      tasks:spawn(function()
        world.patchworks.sleep(0.12) -- the first has begun to look
        theirs = assert(world.versions:create(1, { content = "theirs" }))
      end)
    end)
    assert.same({ 2, 3 }, { made.id, theirs.id })
    assert.equal("list create list create list", world:sent())
  end)
end)
