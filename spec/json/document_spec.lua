-- JSON in one normal form.
local document = require "patchworks.json.document"

local function normal(text)
  local value, problem = document.parse(text)
  return value and document.write(value), problem
end

describe("json.document", function()
  it("writes the same for what is the same", function()
    for _, pair in ipairs {
      { '{"b":1,"a":[true,null]}', ' { "a" : [ true , null ] , "b" : 1.0 } ' },
      { "100", "1e2" }, { "0.5", "5E-1" }, { "-0", "0.00" }, { "1.50", "1.5" }, { "10.0e-1", "1" }, { "1e400", "10e399" },
      { '"\\u00e9\\/"', '"é/"' }, { '"\\ud83d\\ude00"', '"😀"' }, { '{"a":1,"a":2}', '{"a":2}' },
    } do
      assert.equal(normal(pair[1]), normal(pair[2]))
      assert.equal("string", type(normal(pair[1])))
    end
  end)

  it("writes something else for what is not", function()
    for _, pair in ipairs {
      { "[]", "{}" }, { '{"a":null}', "{}" }, { "9007199254740993", "9007199254740992" }, { '"1"', "1" }, { "1", "-1" },
      { "[1,2]", "[2,1]" }, { '"a"', '"a "' }, { "0.1", "0.10000000000000001" }, { "true", '"true"' }, { "12", "1.2" },
      { "1e30", "1e31" }, { "1e-30", "1e30" }, { '"\\n"', '"\\\\n"' },
    } do
      assert.not_equal(normal(pair[1]), normal(pair[2]))
    end
  end)

  it("is JSON itself, a member a line", function()
    local text = normal '{"b":{"d":[],"c":{}},"a":[1,"x\\u0001\\"",0.001]}'
    assert.equal('{\n  "a": [\n    1,\n    "x\\u0001\\"",\n    0.001\n  ],\n  "b": {\n    "c": {},\n    "d": []\n  }\n}\n', text)
    assert.equal(text, normal(text))
  end)

  it("says where a text is no JSON", function()
    for text, sentence in pairs {
      [""] = "line 1: expected a value, got the end", ['{"a":1,}'] = "line 1: expected a name in quotes",
      ['{\n"a" 1}'] = "line 2: expected :", ["[1 2]"] = "expected , or ]", ["01"] = "expected a value", ["1.e3"] = "end of a number",
      ['"a'] = 'a closing "', ['"\\x"'] = "an escape", ['"\\u12"'] = "four hexadecimal", ["nul"] = "expected a value",
      ["1 2"] = "expected the end", ['"a\nb"'] = "control character", [("["):rep(300)] = "inside each other", ["1e9999999"] = "a million",
    } do
      local value, problem = document.parse(text)
      assert.is_nil(value, text)
      assert.truthy(problem:find(sentence, 1, true), problem)
    end
  end)
end)
