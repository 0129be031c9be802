-- Answers as they come over the wire, judged by other people's cases: see spec/corpora/README.md.
local answers = require "spec.support.answers"
local cjson = require "cjson"

local function read(path)
  local file <close> = assert(io.open("spec/corpora/" .. path, "rb"))
  return file:read "a"
end

describe("web-platform-tests, lengths of an answer:", function()
  -- JSON of 30 bytes, and of 42 with the blanks behind it.
  local body = '"' .. ("x"):rep(28) .. '"' .. (" "):rep(12)
  local cases, texts, peer = cjson.decode(read "content_lengths.json"), {}, nil
  for i, case in ipairs(cases) do texts[i] = ("HTTP/1.1 200 OK\r\n%s\r\n\r\n%s"):format(case.input, body) end

  setup(function() peer = answers(texts) end)
  teardown(function() getmetatable(peer).__close(peer) end)

  -- On purpose: a length that is no number is refused, where browsers read on to the end.
  local function due(case)
    local digits = case.input:gsub("Content%-Length:", ""):gsub("[%s,]", "")
    return digits:find "^%d+$" and case.output ~= cjson.null and case.output or nil
  end

  for i, case in ipairs(cases) do
    it(cjson.encode(case.input) .. " is " .. (due(case) and due(case) .. " bytes" or "refused"), function()
      local value, response = peer:get(i)
      if due(case) then
        assert.equal(("x"):rep(28), value, tostring(response))
        assert.equal(due(case), #response.body)
      else
        assert.is_nil(value)
        assert.same({ "protocol", "none" }, { response.kind, response.outcome })
      end
    end)
  end
end)

describe("llhttp's answers:", function()
  local cases, texts, peer = dofile "spec/corpora/llhttp_responses.lua", {}, nil
  for i, case in ipairs(cases) do texts[i] = case[2] end

  setup(function() peer = answers(texts) end)
  teardown(function() getmetatable(peer).__close(peer) end)

  for i, case in ipairs(cases) do
    local due = case.ours or case[3]
    it(case[1] .. " is " .. due, function()
      local value, problem = peer:get(i)
      local status = value and 200 or problem.status
      if due == "taken" then
        assert.is_number(status, tostring(problem))
      else
        assert.is_nil(value)
        assert.is_nil(status, tostring(problem))
        assert.truthy(problem.kind == "protocol" or problem.kind == "network", tostring(problem))
        assert.equal("none", problem.outcome)
      end
    end)
  end
end)
