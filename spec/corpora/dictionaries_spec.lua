-- Words that fuzzers begin with, as contents, as a filter's value and as names of files: see spec/corpora/README.md.
local cjson = require "cjson"
local run = require "spec.support.shell"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"

-- The words of a dictionary in libFuzzer's and AFL's format: `name="value"`, the name may be missing.
local function words_of(path)
  local words = {}
  for line in io.lines(path) do
    local quoted = line:match '^[^#"]*"(.*)"%s*$'
    if quoted then
      local word = quoted:gsub("\\(.)(%x?%x?)", function(escaped, digits)
        return escaped == "x" and string.char(tonumber(digits, 16)) or escaped .. digits
      end)
      if word ~= "" then words[#words + 1] = word end
    end
  end
  return words
end

describe("fuzzers' dictionaries", function()
  local words, server, client = {}, nil, nil
  setup(function()
    for _, name in ipairs { "http", "url", "utf8", "json" } do
      local list = words_of("spec/corpora/dictionaries/" .. name .. ".dict")
      assert.is_true(#list > 20)
      table.move(list, 1, #list, #words + 1, words)
    end
    server = assert(sandbox.start { deploy_seconds = 0, rate_limit = 0 })
    client = server:client()
  end)
  teardown(function()
    client:close()
    server:close()
  end)

  it("go through create and list byte for byte, those that are no UTF-8 too", function()
    for _, word in ipairs(words) do assert(client.script_versions:create(1, { content = word })) end
    local place = #words
    for version in client.script_versions:list(1, { include = "content" }) do
      assert.equal(words[place], version.content.content)
      place = place - 1
    end
    assert.equal(0, place)
  end)

  it("are a filter's value as they stand", function()
    for _, word in ipairs(words) do
      server:forget_requests()
      client.script_versions:list(1, { filter = { deployed_at = word }, per_page = 1 }):page(1)
      local query = server:requests()[1].query
      local sent = query:match "filter%%5Bdeployed_at%%5D=([^&]*)"
      assert.equal(word, (sent:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)))
    end
  end)

  it("are a file's name and content on the command line", function()
    local folder = scratch.folder()
    finally(function() scratch.remove(folder) end)
    local all = table.concat(words, "\n")
    for i = 1, #words, 60 do
      local path = folder .. "/" .. words[i]:gsub("[/\0]", "_")
      local file <close> = assert(io.open(path, "wb"))
      file:write(all)
      file:close()
      local code, out, err = run(server, "create 2 '" .. path:gsub("'", "'\\''") .. "' --json")
      assert.equal(0, code, err)
      local id = math.tointeger(cjson.decode(out).id)
      assert.equal(all, client.script_versions:get(id, { include = "content" }).content.content)
    end
  end)
end)
