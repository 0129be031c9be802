-- The state's clock: the system's unless another is put in its place, and what waits by it.
local clock = require "patchworks.time.clock"
local core = require "patchworks.core"

local function engine() return assert(core.engine { max_connections = 1, max_response_bytes = 1000 }) end

describe("the clock", function()
  it("is the system's: it tells the time, and waits for as long as it is told to, or for what an engine does", function()
    assert.same({ core.now, core.wall, core.random }, { clock.now, clock.wall, clock.random })
    local one <close> = engine()
    local other <close> = engine()
    for _, engines in ipairs { {}, { one }, { one, other } } do
      local began = core.now()
      assert.is_true(clock.wait(engines, 0.02))
      local took = core.now() - began
      assert.is_true(took >= 0.019 and took < 2, #engines .. " engines: " .. took)
      assert.is_true(clock.wait(engines, 0))
    end
  end)

  it("asks one engine to go on, and gives what that gave", function()
    local stepped = {}
    local given = { step = function(_, seconds)
      stepped[#stepped + 1] = seconds
      return nil, "broken"
    end }
    assert.same({ nil, "broken" }, { clock.wait({ given }, 3) })
    assert.same({ 3 }, stepped)
  end)

  it("waits for none of several where there is no time", function()
    local never = setmetatable({}, { __index = function() error "it was asked" end })
    assert.is_true(clock.wait({ never, never }, 0))
    assert.is_true(clock.wait({ never, never }, -1))
  end)

  it("is another where one is put in its place, in part or whole, and gives back what was there", function()
    local function now() return 7 end
    local function wall() return 8 end
    local first = clock.use { now = now }
    assert.same({ 7, core.wall }, { clock.now(), clock.wall })
    local second = clock.use { wall = wall }
    assert.same({ core.now, 8, now }, { clock.now, clock.wall(), second.now })
    clock.use(second)
    assert.same({ now, core.wall }, { clock.now, clock.wall })
    clock.use(first)
    assert.same({ core.now, core.wall, core.random }, { clock.now, clock.wall, clock.random })
    clock.use(nil)
    assert.equal(core.now, clock.now)
  end)
end)
