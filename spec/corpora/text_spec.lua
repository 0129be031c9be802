-- Addresses, dates and what goes into a script, judged by other people's data: see spec/corpora/README.md.
local cjson = require "cjson"
local core = require "patchworks.core"
local run = require "spec.support.shell"
local sandbox = require "patchworks.sandbox"

local function read(path)
  local file <close> = assert(io.open("spec/corpora/" .. path, "rb"))
  return file:read "a"
end

local function decoded(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- Reads a query as the URL standard has it, of which web-platform-tests says what comes out.
local function pairs_of(query)
  local list = {}
  for part in query:gmatch "[^&]+" do
    local name, value = part:match "^([^=]*)=?(.*)$"
    list[#list + 1] = { decoded(name), decoded(value) }
  end
  return list
end

describe("web-platform-tests, addresses:", function()
  for _, case in ipairs(cjson.decode(read "percent_encoding.json")) do
    it(("%q goes out as %s"):format(case.input, case.output), function()
      assert.equal(case.output, core.escape(case.input))
      assert.equal(case.output .. "=" .. case.output, core.query { case.input, case.input })
    end)
  end

  it("what a query is read as is what it was made of", function()
    for _, case in ipairs(cjson.decode(read "urlencoded_parser_data.json")) do
      local flat = {}
      for _, pair in ipairs(case.output) do
        flat[#flat + 1] = pair[1]
        flat[#flat + 1] = pair[2]
      end
      local query = core.query(flat)
      assert.same(case.output, pairs_of(query), query)
      assert.is_nil(query:find "[^%w%-%._~%%=&]", query)
      -- Their reader agrees with ours where no byte had to be mended.
      if not cjson.encode(case.output):find("\xef\xbf\xbd", 1, true) then assert.same(case.output, pairs_of(case.input)) end
    end
  end)
end)

describe("curl's dates:", function()
  for line in read("curl_dates.txt"):gmatch "[^\n]+" do
    local seconds, date = line:match "^(%S+)\t(.*)$"
    it(date .. " is " .. seconds, function()
      -- -1 stands for what is no date.
      assert.equal(seconds ~= "-1" and tonumber(seconds) or nil, core.date(date))
    end)
  end
end)

describe("the big list of naughty strings", function()
  local strings = {}
  for _, text in ipairs(cjson.decode(read "blns.json")) do
    if text ~= "" then strings[#strings + 1] = text end
  end
  local server, client
  setup(function()
    server = assert(sandbox.start { deploy_seconds = 0, rate_limit = 0 })
    client = server:client()
  end)
  teardown(function()
    client:close()
    server:close()
  end)

  it("goes through create, get and list byte for byte", function()
    local versions = client.script_versions
    for i, text in ipairs(strings) do
      local version = assert(versions:create(1, { content = text }))
      if i % 25 == 0 then
        assert.equal(text, assert(versions:get(math.tointeger(version.id), { include = "content" })).content.content)
      end
    end
    local place = #strings
    for version in versions:list(1, { include = "content" }) do
      assert.equal(strings[place], version.content.content)
      place = place - 1
    end
    assert.equal(0, place)
  end)

  it("is the value of a filter", function()
    for _, text in ipairs(strings) do
      server:forget_requests()
      local listing = client.script_versions:list(1, { filter = { deployed_at = text }, per_page = 1 })
      local page, problem = listing:page(1)
      assert.truthy(page or problem.kind == "invalid", text)
      local sent
      for _, pair in ipairs(pairs_of(server:requests()[1].query)) do
        if pair[1] == "filter[deployed_at]" then sent = pair[2] end
      end
      assert.equal(text, sent)
    end
  end)

  it("goes through the command line, from a file and back", function()
    local path = os.tmpname()
    local all = table.concat(strings, "\n")
    local file <close> = assert(io.open(path, "wb"))
    file:write(all)
    file:close()
    local code, out, err = run(server, "create 2 " .. path .. " --json")
    os.remove(path)
    assert.equal(0, code, err)
    local version = cjson.decode(out)
    assert.equal(all, client.script_versions:get(math.tointeger(version.id), { include = "content" }).content.content)
    -- Where a name is due, each is a clear error, and nothing runs.
    for i = 1, #strings, 100 do
      local quoted = "'" .. strings[i]:gsub("'", "'\\''") .. "'"
      local status, _, said = run(server, "show -- " .. quoted)
      assert.equal(2, status, said)
      assert.is_nil(said:find "traceback")
    end
  end)
end)
