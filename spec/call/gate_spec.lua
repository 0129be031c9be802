-- The gate: one 429 holds all calls back, one goes first, and a client paces itself.
local clock_of = require "spec.support.clock"
local gate = require "patchworks.call.gate"
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"
local scheduler = require "patchworks.time.scheduler"

local function list(count)
  local items = {}
  for i = 1, count do items[i] = i end
  return items
end

-- Runs a flight's way through a gate as a job, and says how it stands.
local function flight_of(clock, seconds)
  return { at = clock.now() + seconds, over = false, owner = false, _queue = false, _before = false,
    _after = false }
end

local function enter(one, clock, seconds)
  local flight = flight_of(clock, seconds)
  scheduler.start(flight, function()
    flight.passed, flight.hold = one:enter(flight)
    flight.at = clock.now()
  end)
  return flight
end

-- Lets time go on until the flight is through, or turned away.
local function settle(flight)
  scheduler.wait(flight)
  return flight.passed
end

local function gate_of(settings)
  local engine = { under_way = 0 }
  function engine.active() return engine.under_way end
  function engine.counts() return { multiplexed = engine.multiplexed or 0 } end
  local all = { max_connections = 100, max_pause = 900 }
  for name, value in pairs(settings or {}) do all[name] = value end
  local waits = {}
  return gate.new(engine, all, function(_, seconds) waits[#waits + 1] = seconds end), engine, waits
end

describe("the gate", function()
  it("lets all pass while nothing is known", function()
    local clock <close> = clock_of()
    local one = gate_of()
    for _ = 1, 100 do assert.is_true(enter(one, clock, 10).passed) end
  end)

  it("lets the next in the line go with the first, before anybody has an answer", function()
    local clock <close> = clock_of()
    local one = gate_of { rate_limit = 2 }
    for _ = 1, 2 do assert.is_true(enter(one, clock, 10).passed) end
    local first, second = enter(one, clock, 200), enter(one, clock, 200)
    assert.is_true(settle(first))
    assert.is_true(settle(second))
    assert.same({ 1060, 1060 }, { first.at, second.at })
  end)

  it("lets as many pass as remain, also where that is as many as there are connections, which they share", function()
    local clock <close> = clock_of()
    local one, engine = gate_of { max_connections = 3 }
    engine.multiplexed = 1
    one:leave(enter(one, clock, 10), 200, nil, 3)
    for _ = 1, 3 do assert.is_true(enter(one, clock, 10).passed) end
    local next_one = enter(one, clock, 10)
    assert.is_nil(next_one.passed)
    assert.is_false(settle(next_one))
  end)

  it("takes what an old answer says remains once what was known is a minute old", function()
    local clock <close> = clock_of()
    local one = gate_of()
    local quick, slow = enter(one, clock, 10), enter(one, clock, 100)
    one:leave(quick, 200, nil, 1)
    clock.time = clock.time + 61
    local third = enter(one, clock, 10)
    assert.is_true(third.passed)
    one:leave(slow, 200, nil, 2)
    assert.is_true(enter(one, clock, 10).passed)
    local next_one = enter(one, clock, 10)
    assert.is_nil(next_one.passed)
    assert.is_false(settle(next_one))
  end)

  it("holds all back until the time that a 429 named, then lets one go first", function()
    local clock <close> = clock_of()
    local one, _, waits = gate_of()
    local first, second = enter(one, clock, 10), enter(one, clock, 10)
    one:leave(first, 429, 30)
    assert.equal(30, one:closed_for())
    local hasty = enter(one, clock, 10)
    assert.same({ false, 30 }, { hasty.passed, hasty.hold })
    local probe, other = enter(one, clock, 60), enter(one, clock, 60)
    assert.is_true(settle(probe))
    assert.same({ { 30 }, 30 }, { clock.slept, waits[1] })
    -- One that was sent before the 429 comes back: the probe is still the only one to go.
    one:leave(second, 500)
    assert.is_nil(other.passed)
    one:leave(probe, 200)
    assert.is_true(settle(other))
    assert.is_nil(one:closed_for())
  end)

  it("closes again when the one that goes first is refused, and lets the next go first when it gets no answer", function()
    local clock <close> = clock_of()
    local one = gate_of()
    one:leave(enter(one, clock, 1), 429, 5)
    local probe = enter(one, clock, 99)
    settle(probe)
    one:leave(probe, 429, 7)
    local again, next_one = enter(one, clock, 99), enter(one, clock, 99)
    settle(again)
    assert.same({ 5, 7 }, clock.slept)
    one:leave(again, nil)
    assert.is_true(settle(next_one))
    assert.equal(0, one:closed_for())
  end)

  it("takes a smaller second 429 for no reason to open earlier, and the answer of the first to go for none to open what a "
    .. "newer 429 has closed", function()
    local clock <close> = clock_of()
    local one = gate_of()
    local first, second, late = enter(one, clock, 1), enter(one, clock, 1), enter(one, clock, 1)
    one:leave(first, 429, 30)
    one:leave(second, 429, 1)
    assert.equal(30, one:closed_for())
    local probe = enter(one, clock, 40)
    settle(probe)
    one:leave(late, 429, 60)
    one:leave(probe, 200)
    assert.equal(60, one:closed_for())
  end)

  it("stays closed for max_pause at most", function()
    local clock <close> = clock_of()
    local one = gate_of { max_pause = 40 }
    one:leave(enter(one, clock, 1), 429, 99999999999)
    assert.equal(40, one:closed_for())
  end)

  it("keeps to rate_limit in any minute", function()
    local clock <close> = clock_of()
    local one = gate_of { rate_limit = 10 }
    local times = {}
    for i = 1, 35 do
      local flight = enter(one, clock, 1000)
      assert.is_true(settle(flight))
      times[i] = flight.at
      one:leave(flight, 200)
    end
    for i = 11, 35 do assert.is_true(times[i] - times[i - 10] >= 60) end
    assert.is_true(times[35] - times[1] <= 181)
  end)

  it("lets no more be under way than X-RateLimit-Remaining says, for as long as the minute may last", function()
    local clock <close> = clock_of()
    local one = gate_of()
    one:leave(enter(one, clock, 1), 200, nil, 0)
    local under_way <const> = enter(one, clock, 1) -- the gate forgets one that nobody holds
    assert.is_true(under_way.passed)
    -- A long one, whose answer does not come.
    local held = enter(one, clock, 100)
    assert.is_nil(held.passed)
    assert.is_true(settle(held))
    assert.equal(60, clock.total())
  end)

  it("lets as many be under way as there may be connections, and many more over HTTP/2", function()
    local clock <close> = clock_of()
    local one, engine = gate_of { max_connections = 2 }
    engine.under_way = 2
    local held = enter(one, clock, 3)
    assert.is_false(settle(held))
    assert.same({ 0, 3 }, { held.hold, clock.total() })
    engine.multiplexed = 1
    assert.is_true(enter(one, clock, 3).passed)
  end)

  it("counts a hundred streams for a connection of HTTP/2, and no more", function()
    local clock <close> = clock_of()
    local one, engine = gate_of { max_connections = 2 }
    engine.multiplexed, engine.under_way = 1, 199
    assert.is_true(enter(one, clock, 3).passed)
    engine.under_way = 200
    assert.is_false(settle(enter(one, clock, 3)))
  end)

  it("lets a 429 stand though its time has come, until the first to go is answered, and tells nobody how long", function()
    local clock <close> = clock_of()
    local one, _, waits = gate_of()
    one:leave(enter(one, clock, 10), 429, 5)
    assert.equal(5, one:closed_for())
    clock.time = clock.time + 2
    assert.equal(3, one:closed_for())
    clock.time = clock.time + 9
    assert.equal(0, one:closed_for())
    local probe, held = enter(one, clock, 5), enter(one, clock, 5)
    assert.is_true(probe.passed)
    assert.is_false(settle(held))
    assert.same({ {}, 0 }, { waits, held.hold })
    one:leave(probe, 500)
    assert.is_nil(one:closed_for())
    assert.is_true(enter(one, clock, 1).passed)
  end)

  it("takes a 429 without a time for a second", function()
    local clock <close> = clock_of()
    local one = gate_of()
    one:leave(enter(one, clock, 10), 429)
    assert.equal(1, one:closed_for())
  end)

  it("turns away at once only who would surely wait past his time", function()
    local clock <close> = clock_of()
    local one, _, waits = gate_of()
    one:leave(enter(one, clock, 1), 429, 10)
    local late = enter(one, clock, 9.5)
    assert.same({ false, 10 }, { late.passed, late.hold })
    local just = enter(one, clock, 10)
    assert.is_nil(just.passed)
    assert.is_true(settle(just))
    assert.same({ { 10 }, { 10 } }, { waits, clock.slept })
  end)

  it("turns away who waits in the line when another 429 closes it past his time, and then tells for how long", function()
    local clock <close> = clock_of()
    local one = gate_of()
    local first, second = enter(one, clock, 1), enter(one, clock, 1)
    one:leave(first, 429, 10)
    local held = enter(one, clock, 20)
    one:leave(second, 429, 50)
    assert.is_false(settle(held))
    assert.same({ 50, {} }, { held.hold, clock.slept })
  end)

  it("tells a wait again only when it has become another", function()
    local clock <close> = clock_of()
    local one, _, waits = gate_of()
    local first, second, third = enter(one, clock, 1), enter(one, clock, 1), enter(one, clock, 1)
    one:leave(first, 429, 10)
    local held = enter(one, clock, 99)
    one:leave(second, 429, 4) -- not a longer one
    patchworks.sleep(1)
    one:leave(third, 429, 15)
    assert.is_true(settle(held))
    assert.same({ 10, 15 }, waits)
  end)

  it("says how a call ends that it holds back", function()
    assert.same({ "rate_limited", 0.5 }, { gate.held_back(nil, 0.5).kind, gate.held_back(nil, 0.5).retry_after })
    assert.same({ "timeout", false }, { gate.held_back(nil, 0).kind, gate.held_back({ status = 500 }, 0).sent })
    local refused = gate.held_back({ status = 429, retry_after = 7, response = "it" }, 0)
    assert.same({ "rate_limited", 429, 7, "it" }, { refused.kind, refused.status, refused.retry_after, refused.response })
    assert.is_nil(gate.held_back({ status = 500, retry_after = 7 }, 3).status)
  end)

  it("paces itself to a single request", function()
    local clock <close> = clock_of()
    local one = gate_of { rate_limit = 1 }
    for i = 0, 2 do
      local flight = enter(one, clock, 61)
      assert.is_true(settle(flight))
      assert.equal(1000 + i * 60, flight.at)
      one:leave(flight, 200)
    end
  end)

  it("paces itself within a second as well", function()
    local clock <close> = clock_of()
    local one, _, waits = gate_of { rate_limit = 2 }
    for _, pause in ipairs { 0.25, 59.5 } do
      one:leave(enter(one, clock, 1), 200)
      clock.time = clock.time + pause
    end
    -- The first of the two was 59.75 s ago.
    local held = enter(one, clock, 100)
    assert.is_true(settle(held))
    assert.same({ { 0.25 }, { 0.25 } }, { waits, clock.slept })
    one:leave(held, 200)
    assert.equal(0.25, select(2, one:enter(flight_of(clock, 0.2))))
    clock.time = clock.time + 0.25
    assert.is_true(enter(one, clock, 0.1).passed)
  end)

  it("lets those who wait go when what is under way ends, each within his own time", function()
    local clock <close> = clock_of()
    local one, engine = gate_of { max_connections = 1 }
    engine.under_way = 1
    local hasty, patient = enter(one, clock, 0.25), enter(one, clock, 9)
    assert.is_false(settle(hasty))
    assert.same({ 0, { 0.25 } }, { hasty.hold, clock.slept })
    engine.under_way = 0
    one:leave({})
    assert.is_true(settle(patient))
    assert.same({ 0.25 }, clock.slept)
  end)

  it("forgets what remained when the minute is over, and when an answer says nothing of it", function()
    local clock <close> = clock_of()
    local one = gate_of()
    one:leave(enter(one, clock, 1), 200, nil, 0)
    local only = enter(one, clock, 1)
    local held = enter(one, clock, 90)
    assert.same({ true, nil }, { only.passed, held.passed })
    one:leave(only, 200)
    assert.is_true(settle(held))
    assert.is_true(enter(one, clock, 1).passed)
    one:leave(held, 200, nil, 0)
    clock.time = clock.time + 59.9
    assert.is_false(settle(enter(one, clock, 0.05)))
    clock.time = clock.time + 0.1
    assert.is_true(enter(one, clock, 0.05).passed)
  end)

  it("counts what remains from the newest answer on, and forgets it with a 429", function()
    local clock <close> = clock_of()
    local one = gate_of()
    one:leave(enter(one, clock, 1), 200, nil, 3)
    local three = { enter(one, clock, 1), enter(one, clock, 1), enter(one, clock, 1) }
    assert.same({ true, true, true }, { three[1].passed, three[2].passed, three[3].passed })
    local held = enter(one, clock, 1)
    assert.is_nil(held.passed)
    settle(held)
    -- One that was sent after the known number came raises it.
    one:leave(three[1], 200, nil, 50)
    assert.is_true(enter(one, clock, 1).passed)
    one:leave(three[2], 429, 1)
    assert.is_false(one.remaining)
    clock.time = clock.time + 1
    local probe = enter(one, clock, 1)
    one:leave(probe, 200)
    assert.is_true(enter(one, clock, 1).passed)
  end)

  it("takes what remains for no bound where there are fewer connections anyhow", function()
    local clock <close> = clock_of()
    local one = gate_of { max_connections = 3 }
    one:leave(enter(one, clock, 1), 200, nil, 4)
    local all = {}
    for i = 1, 5 do all[i] = enter(one, clock, 1) end -- the engine says that none is under way
    for i = 1, 5 do assert.is_true(all[i].passed) end
  end)

  it("is first come, first served, and wakes nobody for nothing", function()
    local clock <close> = clock_of()
    local one, engine = gate_of { max_connections = 1 }
    engine.under_way = 1
    local flights, order, wakes = {}, {}, 0
    local park = scheduler.park
    scheduler.park = function(...)
      wakes = wakes + 1
      return park(...)
    end
    for i = 1, 90 do
      local flight = flight_of(clock, 100)
      flights[i] = flight
      scheduler.start(flight, function()
        assert(one:enter(flight))
        order[#order + 1] = i
      end)
    end
    engine.under_way = 0
    one:leave({}, 200)
    for _, flight in ipairs(flights) do settle(flight) end
    scheduler.park = park
    for i = 1, 90 do assert.equal(i, order[i]) end
    assert.is_true(wakes <= 180, wakes)
  end)

  it("forgets one that was cut off in its line, and calls the next", function()
    local clock <close> = clock_of()
    local one, engine = gate_of { max_connections = 1 }
    engine.under_way = 1
    local first, second = enter(one, clock, 100), enter(one, clock, 100)
    engine.under_way = 0
    scheduler.cancel(first)
    assert.is_true(settle(second))
    assert.is_false(one.line.first)
  end)

  it("takes in what remains in the order of the requests: an answer that was overtaken does not raise it", function()
    local clock <close> = clock_of()
    local one = gate_of()
    local first, second = enter(one, clock, 1), enter(one, clock, 1)
    one:leave(second, 200, nil, 1)
    one:leave(first, 200, nil, 2)
    local only, held = enter(one, clock, 1), enter(one, clock, 1)
    assert.same({ true, nil }, { only.passed, held.passed })
    one:leave(only, 200, nil, 2)
    assert.is_true(settle(held))
    assert.is_true(enter(one, clock, 1).passed)
  end)
end)

describe("a client's calls", function()
  it("50 at once against 240 a minute, twice over the limit: none lost, a handful refused", function()
    local server <close> = assert(sandbox.start { rate_limit = 240, deploy_seconds = 0 })
    server:populate { script = 1, versions = 1 }
    -- Minutes take no time: the service's clock moves with ours.
    local clock <close> = clock_of.skipping()
    function clock.on_sleep(seconds) server:advance(seconds) end
    local client <close> = server:client { timeout = 100000, max_connections = 50 }
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
    local clock <close> = clock_of()
    function clock.on_sleep(seconds) server:advance(seconds) end
    local client <close> = server:client { rate_limit = 20, timeout = 6000 }
    for _ = 1, 65 do client.script_versions:get(1) end
    for _, request in ipairs(server:requests()) do assert.equal(404, request.status) end
    assert.is_true(client:stats().waits >= 3)
  end)

  it("tell of the wait", function()
    local server <close> = assert(sandbox.start())
    local _ <close>, waits = clock_of(), {}
    local client <close> = server:client {
      on_event = function(event)
        if event.type == "wait" then waits[#waits + 1] = event.seconds end
      end,
    }
    server:fail { how = "status", status = 429, retry_after = 9 }
    client.script_versions:get(1)
    assert.same({ 9 }, waits)
  end)
end)
