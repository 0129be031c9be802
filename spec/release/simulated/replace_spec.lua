-- What is told of others whose deployments crossed ours, and ties of two deployments in one second.
local service = require "spec.simulation.service"
local simulated = require "spec.support.simulated"

local function id(version) return version and version.id end

describe("somebody else's version that was overwritten", function()
  local function publish(before_deploy, given)
    given = given or { contents = { "one" }, deployed = { 1 } }
    local world = simulated(given)
    world:before("deploy", 1, function() before_deploy(world) end)
    return assert(world.versions:publish(1, { content = "mine" })), world
  end

  it("is the last of them", function()
    local first, second
    local done = publish(function(world)
      first = world:goes_live "first"
      world.clock:at(world.clock.time + 0.5, function() second = world:goes_live "second" end)
    end)
    assert.same({ second.id, true }, { id(done.overwrote), first ~= nil })
  end)

  it("is one that was there before, too: a draft, or one that was live once", function()
    for _, number in ipairs { 1, 2 } do
      local done = publish(function(world)
        world.service.versions[number].status = "Inactive"
        world:theirs("POST", ("/script-versions/%d/invoke"):format(number))
      end, { contents = { "old", "draft", "live" }, deployed = { 1, 3 }, habits = { deployed_together = false } })
      assert.equal(number, id(done.overwrote))
    end
  end)

  it("is one that was deployed and is deployed again", function()
    local done = publish(function(world)
      world.service.versions[1].status = "Inactive"
      world:theirs("POST", "/script-versions/1/invoke")
    end, { contents = { "old", "live" }, deployed = { 1, 2 } })
    assert.equal(1, id(done.overwrote))
  end)

  it("is none that was there all the time", function()
    for _, together in ipairs { true, false } do
      local done = publish(function() end, { contents = { "a", "b", "c", "draft" }, deployed = { 1, 3, 2 },
        habits = { deployed_together = together } })
      assert.is_nil(done.overwrote)
    end
  end)

  it("is told though the service gives it no date, or that of what was live", function()
    for _, text in ipairs { "", "live" } do
      for _, deployed in ipairs { {}, { 1 } } do
        local theirs
        local done = publish(function(world)
          theirs = world:goes_live "theirs"
          local former = world.service.versions[1].deployed_text
          world.service.versions[theirs.id].deployed_text = text == "live" and former or text
        end, { contents = { "one" }, deployed = deployed })
        assert.equal(theirs.id, id(done.overwrote))
      end
    end
  end)

  it("is none that came after ours, nor ours", function()
    local world = simulated { contents = { "one" }, deployed = { 1 } }
    local last
    world:before("list", 4, function()
      world:goes_live "first"
      world.clock.time = world.clock.time + 0.001
      last = world:goes_live "second"
    end)
    local _, err = world.versions:publish(1, { content = "mine" })
    assert.same({ "conflict", last.id }, { err.kind, id(err.live) })
    assert.is_nil(err.overwrote)
  end)

  it("is none that came live before what was replaced did", function()
    local done = publish(function(world)
      local old = world:theirs("POST", "/scripts/1/script-versions", { content = "old" })
      local version = world.service.versions[old.id]
      version.status, version.deployed_text = "Inactive", "2020-01-01T00:00:00.000000Z"
    end)
    assert.is_nil(done.overwrote)
  end)
end)

describe("two deployments in one second, the higher number winning", function()
  -- A service that counts in seconds, and a deployment that ends in the second of the live one's.
  local function tie(given, prepare)
    local world = simulated { contents = { "zero", "one", "two" }, deployed = { 2, 3 }, habits = { fraction = 0 },
      build_seconds = 0.1, start = 1000 }
    world.service.versions[3].deployed_text = os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(service.wall(world.clock.time)))
    if prepare then prepare(world) end
    return world, world.versions:rollback(1, given)
  end

  it("are told apart by one more, a second later", function()
    for _, given in ipairs { {}, { timeout = 2.1 } } do
      local world, done, err = tie(given)
      assert(done, tostring(err))
      assert.same({ "rolled back", 2, 3, 2 }, { done.action, id(done.version), id(done.previous), world:count "deploy" })
      assert.is_true(world:seconds() > 1 and world:seconds() < 2, world:seconds())
      assert.is_nil(done.overwrote)
    end
  end)

  it("are left where there is no time for that", function()
    local world, done, err = tie { timeout = 1.2 }
    assert.is_nil(done)
    assert.same({ "conflict", 1 }, { err.kind, world:count "deploy" })
  end)

  it("hide nobody's that was overwritten in that second", function()
    local world, done = tie({}, function(world)
      world:before("deploy", 1, function() world:theirs("POST", "/script-versions/1/invoke") end)
    end)
    assert.same({ "rolled back", 1, 2 }, { done.action, id(done.overwrote), world:count "deploy" })
  end)

  it("are not tried a third time, and the failure of the second is told", function()
    local world, done, err = tie({}, function(world)
      world:answer("deploy", 2, 409, { message = "no" })
    end)
    assert.is_nil(done)
    assert.same({ "conflict", 409, 2 }, { err.kind, err.status, world:count "deploy" })
  end)

  it("are none where somebody else's is live, or ours is not", function()
    local world = simulated { contents = { "one", "two" }, deployed = { 1, 2 } }
    world:before("list", 2, function() world:goes_live "theirs" end)
    local _, err = world.versions:rollback(1)
    assert.same({ "conflict", 1 }, { err.kind, world:count "deploy" })
  end)
end)

describe("the sentences about others", function()
  local replace = require "patchworks.release.replace"

  it("say what was overwritten and what has begun", function()
    assert.same({}, replace.sentences {})
    assert.same({ "overwritten: somebody else's v2", "somebody else has begun meanwhile: v3" },
      replace.sentences { overwrote = "v2", under_way = "v3" })
    assert.same({ "somebody else has begun meanwhile: v3" }, replace.sentences { under_way = "v3" })
  end)
end)
