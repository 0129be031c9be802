-- The gate: one 429 holds all calls back, one goes first, and a client paces itself.
local clock_of = require "spec.support.clock"
local gate = require "patchworks.call.gate"
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

local function list(count)
  local items = {}
  for i = 1, count do items[i] = i end
  return items
end

describe("the gate", function()
  it("lets all pass while nothing is known", function()
    local one = gate.new(clock_of(), nil)
    for _ = 1, 100 do assert.is_true(one:enter(math.huge)) end
  end)

  it("holds all back until the time that a 429 named, then lets one go first", function()
    local clock = clock_of()
    local one = gate.new(clock, nil)
    one:enter(math.huge)
    one:enter(math.huge)
    one:leave(429, 30)
    assert.equal(30, one:closed_for())
    local passed, seconds = one:enter(clock.now() + 10)
    assert.same({ false, 30 }, { passed, seconds })
    local _, probe = one:enter(clock.now() + 60)
    assert.is_true(probe)
    assert.same({ 30 }, clock.slept)
    -- One that was sent before the 429 comes back: the probe is still the only one to go.
    one:leave(500)
    assert.is_false(one:enter(0))
    one:leave(200, nil, nil, true)
    assert.is_true(one:enter(clock.now()))
    assert.is_nil(one:closed_for())
  end)

  it("closes again when the one that goes first is refused", function()
    local clock = clock_of()
    local one = gate.new(clock, nil)
    one:enter(math.huge)
    one:leave(429, 5)
    local _, probe = one:enter(math.huge)
    one:leave(429, 7, nil, probe)
    one:enter(math.huge)
    assert.same({ 5, 7 }, clock.slept)
  end)

  it("takes a smaller second 429 for no reason to open earlier", function()
    local clock = clock_of()
    local one = gate.new(clock, nil)
    one:enter(math.huge)
    one:enter(math.huge)
    one:leave(429, 30)
    one:leave(429, 1)
    assert.equal(30, one:closed_for())
  end)

  it("keeps to rate_limit in any minute", function()
    local clock = clock_of()
    local one = gate.new(clock, 10)
    local times = {}
    for i = 1, 35 do
      one:enter(math.huge)
      times[i] = clock.now()
      one:leave(200)
    end
    for i = 11, 35 do assert.is_true(times[i] - times[i - 10] >= 60) end
    assert.is_true(times[35] - times[1] <= 181)
  end)

  it("lets no more be under way than X-RateLimit-Remaining says", function()
    local clock = clock_of()
    local one = gate.new(clock, nil)
    one:enter(math.huge)
    one:leave(200, nil, 2)
    assert.is_true(one:enter(clock.now()))
    assert.is_true(one:enter(clock.now()))
    assert.is_false(one:enter(0))
  end)
end)

describe("a client's calls", function()
  it("50 at once against 240 a minute, twice over the limit: none lost, a handful refused", function()
    local server <close> = assert(sandbox.start { rate_limit = 240, deploy_seconds = 0 })
    server:populate { script = 1, versions = 1 }
    -- The client waits on a clock of its own that moves the service's too, so that minutes take no time.
    local async = require "patchworks.async"
    local clock, ahead, client = {}, 0, nil
    for name, value in pairs(async.clock) do clock[name] = value end
    function clock.now() return async.clock.now() + ahead end
    -- Time goes on when nothing is under way, and only once for those who sleep to the same moment.
    function clock.sleep(seconds)
      local until_then = clock.now() + seconds
      repeat async.clock.sleep(0.001) until client:stats().active == 0
      local left = until_then - clock.now()
      if left <= 0 then return end
      ahead = ahead + left
      server:advance(left)
    end
    client = server:client { clock = clock, timeout = 100000, max_connections = 50 }
    local _ <close> = client
    local results, failures = patchworks.map(list(500), function() return client.script_versions:get(1) end, { concurrency = 50 })
    assert.is_nil(failures)
    assert.equal(500, #results)
    local refused = 0
    for _, request in ipairs(server:requests()) do
      if request.status == 429 then refused = refused + 1 end
    end
    assert.is_true(refused <= 6, refused .. " refused")
  end)

  it("with rate_limit are not refused at all", function()
    local server <close> = assert(sandbox.start { rate_limit = 20, deploy_seconds = 0 })
    local clock = clock_of()
    local sleep = clock.sleep
    function clock.sleep(seconds)
      sleep(seconds)
      server:advance(seconds)
    end
    local client <close> = server:client { clock = clock, rate_limit = 20, timeout = 6000 }
    for _ = 1, 65 do client.script_versions:get(1) end
    for _, request in ipairs(server:requests()) do assert.equal(404, request.status) end
    assert.is_true(client:stats().waits >= 3)
  end)

  it("tell of the wait", function()
    local server <close> = assert(sandbox.start())
    local clock, waits = clock_of(), {}
    local client <close> = server:client {
      clock = clock,
      on_event = function(event)
        if event.type == "wait" then waits[#waits + 1] = event.seconds end
      end,
    }
    server:fail { how = "status", status = 429, retry_after = 9 }
    client.script_versions:get(1)
    assert.same({ 9 }, waits)
  end)
end)
