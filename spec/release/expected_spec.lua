-- What a payload is compared with, and how a difference is told.
local expected = require "patchworks.release.expected"

local function differs(given, payload, compare)
  return expected.differs(assert(expected.read(given, compare)), payload)
end

describe("what is expected", function()
  it("is JSON where it is an object or an array, and else a text without its last newline", function()
    assert.is_nil(differs('{"a": 1}', '{"a":1}'))
    assert.is_nil(differs(" [1]", "[1]"))
    assert.is_nil(differs("x\n", "x"))
    assert.is_nil(differs("x", "x\r\n"))
    assert.is_nil(differs("", nil))
    assert.is_truthy(differs("x", "x\n\n"))
    assert.is_truthy(differs("1", "1.0"))
    assert.is_nil(differs("{x", "{x"))
  end)

  it("is JSON wholly, or bytes, where that is asked for", function()
    assert.is_nil(differs("1", "1.0", "json"))
    assert.is_truthy(differs("x\n", "x", "bytes"))
    assert.is_nil(differs("x\n", "x\n", "bytes"))
    local value, problem = expected.read("{", "json")
    assert.same({ "nil", "string" }, { type(value), type(problem) })
    value, problem = expected.read("{", "table")
    assert.same({ "nil", "string" }, { type(value), type(problem) })
    value, problem = expected.read { print }
    assert.same({ "nil", "string" }, { type(value), type(problem) })
  end)

  it("may be a table, of which an empty one is an object or an array, kept or not", function()
    for _, payload in ipairs { "{}", "[]" } do
      assert.is_nil(differs({}, payload))
      assert.is_nil(differs(table.unpack({ (expected.kept({})), payload, (select(2, expected.kept({}))) })))
    end
    assert.is_truthy(differs("{}", "[]"))
    assert.same({ "x", "bytes" }, { expected.kept("x", "bytes") })
    assert.equal("table", (select(2, expected.kept({ 1 }))))
  end)

  it("tells apart what a Lua table can't, and nothing else", function()
    local null = require("patchworks").null
    for _, same in ipairs {
      { "[9007199254740993.0,10E399]", "[9007199254740993,1e400]" }, { '["a/b","é"]', '["a\\/b","\\u00e9"]' },
      { '{"b":[true],"a":1.0}\n', '{"a": 1, "b": [true]}' }, { { a = {}, b = null }, '{"a":[],"b":null}' }, { { 0.1, 1 }, "[0.1,1.0]" },
      { { a = {} }, '{"a":{}}' }, { { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, "[1,1,1,1,1,1,1,1,1,1,1]" }, { "{", "{\n" },
    } do
      assert.is_nil(differs(same[1], same[2]), same[2])
    end
    for _, other in ipairs {
      { "{}", '{"a":null}' }, { '{"a":null}', "{}" }, { {}, '{"a":null}' }, { "[]", "{}" }, { "[9007199254740992]", "[9007199254740993]" },
      { '["9007199254740993"]', "[9007199254740993]" }, { "[1e401]", "[1e400]" }, { '{"a":2}', '{"a":1,"a":2}' },
      { '{ "a":1}', '{"a":1}', "bytes" },
    } do
      assert.is_truthy(differs(other[1], other[2], other[3]), other[2])
    end
  end)
end)

describe("the payload of an answer", function()
  it("is a text's characters, the JSON of anything else, or nothing", function()
    for body, payload in pairs { ['{"payload":"a\\nb"}'] = "a\nb", ['{"payload":7}'] = "7", ['{"payload":false}'] = "false" } do
      assert.equal(payload, (expected.payload(body)))
    end
    for _, body in ipairs { "", "{}", '{"payload":null}' } do assert.same({}, { expected.payload(body) }) end
    assert.is_nil((expected.payload('{"payload":{"a":1}}')):find "\n$")
    local payload, problem = expected.payload "7"
    assert.same({ "nil", "expected an object, got 7" }, { type(payload), problem })
    payload, problem = expected.payload "{"
    assert.same({ "nil", "string" }, { type(payload), type(problem) })
  end)
end)

describe("a difference", function()
  it("names the first place, and all of them with both as they stand", function()
    local sentence, more = differs({ a = 1, b = 2 }, '{"a":3,"b":2}')
    assert.equal("payload.a: expected 1, got 3", sentence)
    assert.equal('payload.a: expected 1, got 3\n--- expected\n+++ came\n@@ -1,4 +1,4 @@\n {\n-  "a": 1,\n+  "a": 3,\n   "b": 2\n }\n', more)
    sentence, more = differs({ a = 1, b = 2 }, '{"a":3,"b":4}')
    assert.equal("payload.a: expected 1, got 3 (and 1 more)", sentence)
    assert.matches("^payload.a: expected 1, got 3\npayload.b: expected 2, got 4\n%-%-%-", more)
    assert.same({ 'payload: expected [1], got "x"', 'payload: expected [1], got "x"' }, { differs({ 1 }, "x") })
    assert.matches("payload: expected %[1%], got null", (differs({ 1 }, nil)))
  end)

  it("is that the payload is no JSON, where it begins like some", function()
    local sentence, more = differs({ 1 }, " [1")
    assert.matches("^the payload is no JSON: ", sentence)
    assert.equal(sentence, more)
  end)

  it("of two texts is a line, or a diff where one has several", function()
    assert.same({ 'payload: expected "x", got "y"', 'payload: expected "x", got "y"' }, { differs("x", "y") })
    assert.matches('^payload: expected "x", got no', (differs("x", nil)))
    local sentence, more = differs("a\nb", "a\nc")
    assert.equal("the payload is not what is expected", sentence)
    assert.matches("^%-%-%- expected\n%+%+%+ came\n@@ %-1,2 %+1,2 @@\n a\n%-b\n", more)
    assert.matches("^%-%-%- expected", (select(2, differs("a", "a\nc"))))
    assert.matches("^%-%-%- expected", (select(2, differs("a\nc", "a"))))
  end)

  it("is cut after 200 lines, and says how many more there are", function()
    local function text(mark, count) return (mark .. "\n"):rep(count) .. "end" end
    -- Beside those that differ: three at the head, the end, and that it has no newline.
    for _, case in ipairs { { 98, 97 }, { 98, 98, "1 more line" }, { 100, 98, "3 more lines" } } do
      local told = select(2, differs(text("a", case[1]), text("b", case[2])))
      local lines = select(2, told:gsub("\n", ""))
      assert.equal(case[3] and 201 or 200, lines)
      assert.equal(case[3], told:match "\n%((.-)%)\n$")
    end
  end)
end)
