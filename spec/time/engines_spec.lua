-- Engines that somebody waits for: what is left of a wait, and what is told where nobody can wait.
local clock_of = require "spec.support.clock"
local patchworks = require "patchworks"
local scripted = require "spec.support.scripted"
local state_clock = require "patchworks.time.clock"

local function collected(held)
  collectgarbage()
  collectgarbage()
  return next(held) == nil
end

describe("a client that nobody holds any more", function()
  it("is collected with what was answered last, whether its call was the only one or one of several", function()
    local service <close> = scripted()
    local held = setmetatable({}, { __mode = "k" })
    do
      local client = service:client()
      held[client] = true
      service:will { body = '{"data":{"id":7}}' }
      held[client.script_versions:get(7)] = true
    end
    assert.is_true(collected(held))
    do
      local client = service:client()
      held[client] = true
      service:will({ body = '{"data":{"id":1}}' }, { body = '{"data":{"id":2}}' })
      for _, version in pairs((patchworks.map({ 1, 2 }, function(id) return assert(client.script_versions:get(id)) end))) do
        held[version] = true
      end
    end
    assert.is_true(collected(held))
  end)
end)

describe("a client that is closed in the very moment in which a request begins, as by a finalizer", function()
  it("has its call end, and takes nothing from the next one's", function()
    local service <close> = scripted()
    service:will({ never = true }, { body = '{"data":{"id":8}}' })
    local client = service:client()
    local begin = client._engine.start
    function client._engine.start(...)
      local transfer = begin(...)
      client:close()
      return transfer
    end
    local _, problem = client.script_versions:get(7)
    assert.equal("cancelled", problem.kind)
    local other = service:client()
    assert.equal(8, other.script_versions:get(8).id)
    assert.is_true(service.clock.time < 1001)
  end)
end)

describe("calls of two clients at once", function()
  it("are waited for together, and the processor is left alone meanwhile", function()
    local service <close> = scripted()
    local looks, now = 0, state_clock.now
    function state_clock.now()
      looks = looks + 1
      if looks > 1000 then error("it looks again and again", 0) end
      return now()
    end
    service:will({ body = '{"data":{"id":1}}', after = 2 }, { body = '{"data":{"id":2}}', after = 3 })
    local times = patchworks.map({ 1, 2 }, function(id)
      assert.equal(id, service:client().script_versions:get(id).id)
      return service.clock.time
    end)
    assert.same({ 1002, 1003 }, times) -- who has an answer goes on with it at once
    assert.is_true(looks <= 60, looks)
  end)
end)

describe("a machine that can't wait any more", function()
  it("is told to whoever waits, and nothing else is", function()
    local clock <close> = clock_of()
    state_clock.use { now = clock.now, wait = function() return nil, "no descriptor is left" end }
    local ok, problem = pcall(patchworks.sleep, 1)
    assert.is_false(ok)
    assert.same({ "network", "no descriptor is left", "unknown" }, { problem.kind, problem.message, problem.outcome })
  end)
end)
