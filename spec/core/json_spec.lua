-- Numbers, depth and settings of the bridge to lua-cjson, one past each bound; what else it does is in spec/core_spec.lua.
local core = require "patchworks.core"

local function nested(depth, inside) return ("["):rep(depth) .. inside .. ("]"):rep(depth) end

local function tower(depth)
  local value = {}
  for _ = 2, depth do value = { value } end
  return value
end

describe("core.decode", function()
  it("keeps a float that is integral and over 2^53 a float", function()
    for _, text in ipairs { "1e16", "-1e16", "9007199254740994.0", "9007199254740994e0", "-9.223372036854775808e18", "12345678901234567890E-1" } do
      for _, value in ipairs { core.decode(text), core.decode("[" .. text .. "]")[1] } do
        assert.same({ "float", tonumber(text) }, { math.type(value), value })
      end
    end
    assert.equal("integer", math.type(core.decode "-9007199254740992"))
    assert.equal(-9007199254740992, core.decode "[-9007199254740992]"[1])
  end)

  it("quotes just the digits that are too many, wherever they stand", function()
    local value = core.decode [[{"a\\":9007199254740993,"b\"1":-9007199254740993,"c":[9007199254740992,9007199254740994],
      "d":"9007199254740993","e":1.5,"f":9007199254740993.5,"g":"\\\"9007199254740993", "h":10000000000000000}]]
    assert.same({
      ["a\\"] = "9007199254740993", ['b"1'] = "-9007199254740993", c = { 9007199254740992, "9007199254740994" },
      d = "9007199254740993", e = 1.5, f = 9007199254740993.5, g = '\\"9007199254740993', h = "10000000000000000",
    }, value)
  end)

  it("refuses a number that no float holds, beside others too", function()
    for _, text in ipairs { "1e400", "[-1e400]", "[1e400,9007199254740993]", '{"a":[1,{"b":1e999}]}' } do
      local value, problem = core.decode(text)
      assert.is_nil(value)
      assert.equal("Found a number that is too large", problem)
    end
  end)

  it("goes 256 deep and no deeper, with numbers and nulls at the bottom", function()
    local value = core.decode(nested(256, '7.0,{},null,0.5'):gsub("{}", "1"))
    for _ = 2, 256 do value = value[1] end
    assert.same({ 7, 1, core.null, 0.5 }, value)
    assert.equal("integer", math.type(value[1]))
    assert.is_nil((core.decode(nested(257, "1"))))
  end)

  it("says what is wrong and where, counted from 1", function()
    assert.same({ nil, "Found a control character in a string at character 4" }, { core.decode '["a\1"]' })
    assert.same({ nil, "Found a number whose point has no digits on both sides at character 3" }, { core.decode "[1.]" })
    assert.same({ nil, "Found a control character at character 2" }, { core.decode "1\0" })
    assert.equal(2, select("#", core.decode "1\0"))
  end)

  it("takes strings alone, and looks at the first", function()
    for _, odd in ipairs { 7, true, {} } do assert.has_error(function() core.decode(odd) end) end
    assert.same({ { 1 } }, { core.decode("[1]", "[2]") })
  end)
end)

describe("core.encode", function()
  it("writes floats with 16 digits where lua-cjson can", function()
    local digits = core.encode(1 / 3):match "^0%.(3+)$"
    assert.equal(core.exact_integer >= 9007199254740992 and 16 or 14, #digits)
    assert.equal("0.1", core.encode(0.1))
  end)

  it("keeps to the largest integer on both sides, within tables too", function()
    if core.exact_integer == math.maxinteger then pending "this lua-cjson writes every integer" end
    local most = core.exact_integer
    assert.equal(("[%d,%d]"):format(most, -most), core.encode { most, -most })
    for _, value in ipairs { most + 1, -most - 1 } do
      for _, each in ipairs { value, { value }, { a = { b = value } } } do
        local text, problem = core.encode(each)
        assert.is_nil(text)
        assert.matches(("the integer %d has more digits"):format(value), problem, 1, true)
      end
    end
  end)

  it("goes 256 deep and no deeper", function()
    assert.equal(nested(255, "{}"), core.encode(tower(256)))
    local text, problem = core.encode(tower(257))
    assert.is_nil(text)
    assert.matches("nested over 256 deep", problem, 1, true)
  end)

  it("wants a value, and looks at the first", function()
    assert.has_error(function() core.encode() end)
    assert.same({ "null" }, { core.encode(nil, 2) })
    assert.equal("[null]", core.encode { core.null })
  end)
end)
