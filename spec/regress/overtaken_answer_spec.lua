-- Answers overtake each other. An older one that said more was left raised the bound again, and dozens were refused.
local clock_of = require "spec.support.clock"
local gate = require "patchworks.call.gate"

describe("an answer that was overtaken", function()
  it("does not raise what remains", function()
    local one = gate.new(clock_of())
    local _, _, _, first = one:enter(10)
    local _, _, _, second = one:enter(10)
    one:leave(200, nil, 1, false, second)
    one:leave(200, nil, 2, false, first)
    assert.is_true(one:enter(10))
    assert.is_false(one:enter(0))
  end)

  it("gives way to one that was asked for later", function()
    local one = gate.new(clock_of())
    local _, _, _, first = one:enter(10)
    one:leave(200, nil, 1, false, first)
    local _, _, _, second = one:enter(10)
    one:leave(200, nil, 2, false, second)
    assert.is_true(one:enter(10))
    assert.is_true(one:enter(10))
  end)
end)
