-- Where two JSON documents differ.
local difference = require "patchworks.json.difference"
local document = require "patchworks.json.document"

local function between(expected, got)
  return difference(assert(document.parse(expected)), assert(document.parse(got)), "payload")
end

describe("json.difference", function()
  it("names each place by its path", function()
    assert.same({
      'payload.items[3].sku: expected "A1", got "A2"',
      "payload.items[4]: expected nothing, got 5",
      'payload["two words"]: expected null, got nothing',
      'payload.more: expected nothing, got {"a":[1,{}]}',
    }, (between(
      '{"items": [1, 2, {"sku": "A1"}], "two words": null}',
      '{"items": [1, 2, {"sku": "A2"}, 5], "more": {"a": [1, {}]}}'
    )))
    assert.same({ "payload: expected [], got {}" }, (between("[]", "{}")))
  end)

  it("finds none where only the writing is another", function()
    for _, pair in ipairs {
      { '{"a":1,"b":[null]}', ' {"b" : [ null ], "a" : 1.0} ' }, { '"a\\/b"', '"a/b"' }, { '"\\u00e9"', '"é"' },
      { "1E400", "10e399" }, { '"\\uD83D\\uDE00"', '"😀"' }, { '"\\u0041\\u0800"', '"Aࠀ"' },
    } do
      assert.same({ {}, 0 }, { between(pair[1], pair[2]) })
    end
  end)

  it("finds what a Lua table can't tell apart", function()
    for _, pair in ipairs {
      { "9007199254740993", "9007199254740992" }, { '{"a":null}', "{}" }, { '{"a":[]}', '{"a":{}}' }, { "1e400", "1e401" },
      { "0.1", "0.10000000000000001" }, { '"1"', "1" }, { "false", "null" }, { "[null]", "[]" },
    } do
      assert.equal(1, select(2, between(pair[1], pair[2])), pair[1])
    end
  end)

  it("takes a name that is there more than once for a difference", function()
    assert.same({ "payload.a.b: is there more than once in what came" }, (between('{"a":{"b":1}}', '{"a":{"b":2,"b":1}}')))
    assert.same({ "payload.b: is there more than once in what is expected" }, (between('{"b":2,"b":1}', '{"b":1}')))
  end)

  it("shows ten of many, and where long texts part", function()
    local list, count = between("[]", "[" .. ("0,"):rep(99) .. "0]")
    assert.same({ 10, 100 }, { #list, count })
    local long = ("é"):rep(5000)
    assert.equal(('payload: expected "...%s1%s...", got "...%s2%s..." (they part at byte 10001)'):format(
      ("é"):rep(10), ("b"):rep(39), ("é"):rep(10), ("c"):rep(39)
    ), (between('"' .. long .. "1" .. ("b"):rep(99) .. '"', '"' .. long .. "2" .. ("c"):rep(99) .. '"'))[1])
  end)

  it("compares with Lua's values: an empty table is an empty array and an empty object", function()
    local null = require("patchworks.core").null
    local value = assert(document.of { a = {}, b = {}, c = { 1, 0.1, null, 2 ^ 53 }, d = "x", e = true, f = math.maxinteger })
    local text = '{"a":[],"b":{},"c":[1.0,0.1,null,9007199254740992],"d":"x","e":true,"f":9223372036854775807}'
    assert.same({ {}, 0 }, { difference(value, document.parse(text), "payload") })
    assert.same({ "payload.a: expected {}, got [0]" }, (difference(value, document.parse((text:gsub("%[%]", "[0]"))), "payload")))
    for _, wrong in ipairs { { 1, nil, 3 }, { [2] = 1 }, { 1, a = 2 }, { print }, { 0 / 0 }, { math.huge } } do
      assert.equal("string", type(select(2, document.of(wrong))))
    end
    local endless = {}
    endless[1] = endless
    assert.matches("does one hold itself", select(2, document.of(endless)))
  end)

  -- Twice as much takes some twice as long; four times leaves room for a busy machine, and none for a square.
  it("takes time in proportion, whatever the documents are", function()
    -- The best of three; of fewer, once one takes less than `enough`.
    local function seconds(make, size, enough)
      local expected, got = make(size)
      local best = math.huge
      for _ = 1, 3 do
        local began = os.clock()
        between(expected, got)
        best = math.min(best, os.clock() - began)
        if best < enough then break end
      end
      return best
    end
    for name, make in pairs {
      zeros = function(n) return "1" .. ("0"):rep(n) .. "1", "1" .. ("0"):rep(n) .. "2" end,
      path = function(n)
        local head = '{"' .. ("n"):rep(n) .. '":['
        return head .. ("0,"):rep(n) .. "0]}", head .. ("0,"):rep(n) .. "1]}"
      end,
      names = function(n)
        local parts = {}
        for i = 1, n do parts[i] = ('"n%d":{}'):format(i) end
        return "{" .. table.concat(parts, ",") .. "}", "{}"
      end,
      text = function(n) return '"' .. ("a"):rep(n) .. '"', '"' .. ("a"):rep(n) .. 'b"' end,
    } do
      local small = seconds(make, 10000, 0)
      local most = 12 * small + 0.02
      local large = seconds(make, 40000, most)
      assert.is_true(large < most, ("%s: %.4f s, then %.4f s"):format(name, small, large))
    end
  end)
end)
