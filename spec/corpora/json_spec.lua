-- Decoding, judged by other people's texts: see spec/corpora/README.md.
local cjson = require "cjson"
local core = require "patchworks.core"

local function read(path)
  local file <close> = assert(io.open("spec/corpora/" .. path, "rb"))
  return file:read "a"
end

-- The numbers of a file, one a line; `#` begins a comment.
local function numbers(name)
  local list = {}
  for line in read("yyjson/" .. name .. ".txt"):gmatch "[^\r\n]+" do
    if line:sub(1, 1) ~= "#" then list[#list + 1] = line end
  end
  assert.is_true(#list > 0)
  return list
end

-- The digits of an integer as JSON writes it: no sign of a zero.
local function digits(text) return text == "-0" and "0" or text end

-- What is right for the texts that the suite leaves open.
local function verdict_of_open(name)
  -- A number is what is written, or nothing: too large for a float is an error. What is too small is the nearest, 0.
  if name:find "huge_exp" and not name:find "neg_exp" or name:find "overflow" then return "refused" end
  if name:find "^i_number" then return "taken" end
  -- Half a surrogate pair stands for no character. Other bytes go through as they came.
  if name:find "surrogate" and not name:find "UTF8" then return "refused" end
  -- Another encoding than UTF-8, a mark before the text, nesting over 256: not what the service writes.
  if name:find "[Uu][Tt][Ff]%-?16" or name:find "BOM" or name:find "500_nested" then return "refused" end
  return "taken"
end

describe("JSONTestSuite: a text", function()
  local verdicts = { y = "taken", n = "refused" }
  for _, case in ipairs(cjson.decode(read "json_test_suite.json")) do
    local text = case.input or case.unit:rep(case.times) .. case.rest
    local due = verdicts[case.name:sub(1, 1)] or verdict_of_open(case.name)
    it(case.name:gsub("%.json$", "") .. " is " .. due, function()
      local value, problem = core.decode(text)
      assert.equal(due, value == nil and problem and "refused" or "taken", problem)
      if due == "refused" then assert.equal("string", type(problem)) end
    end)
  end
end)

describe("yyjson's numbers:", function()
  -- An integer comes as it is written: as an integer, or as the string of its digits.
  for _, name in ipairs { "sint_pass", "uint_pass", "sint_bignum", "uint_bignum" } do
    it("no integer of " .. name .. " comes back as another one", function()
      for _, text in ipairs(numbers(name)) do
        local value, problem = core.decode(text)
        assert.is_true(math.type(value) == "integer" or type(value) == "string", text .. ": " .. tostring(problem))
        assert.equal(digits(text), tostring(value))
      end
    end)
  end

  -- Any other number is the nearest float, or an integer where it is one.
  for _, name in ipairs { "real_pass_2", "real_pass_5", "real_pass_6" } do
    it("every number of " .. name .. " is the nearest that there is", function()
      for _, text in ipairs(numbers(name)) do
        local value, problem = core.decode(text)
        local nearest = tonumber(text) + 0.0
        if math.abs(nearest) == math.huge then
          assert.is_nil(value, text)
        elseif type(value) == "string" then
          assert.equal(digits(text), value)
        else
          assert.equal(nearest, value, text .. ": " .. tostring(problem))
        end
      end
    end)
  end

  for _, name in ipairs { "num_fail", "nan_inf_literal_fail", "nan_inf_literal_pass" } do
    it("nothing of " .. name .. " is a number", function()
      for _, text in ipairs(numbers(name)) do assert.is_nil((core.decode(text)), text) end
    end)
  end
end)
