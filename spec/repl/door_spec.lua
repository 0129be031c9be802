-- `require "patchworks.repl"` in Lua's own prompt: globals to begin with, and values that can be read.
local lua = require "spec.support.lua"
local sandbox = require "patchworks.sandbox"

-- What Lua's prompt says to some lines.
local function at_prompt(environment, lines)
  local path = os.tmpname()
  local file <close> = io.open(path, "w")
  file:write(lines, "\n")
  file:flush()
  local pipe <close> = io.popen(("env %s NO_COLOR=1 %s -i -l patchworks.repl < %s 2>&1"):format(environment, lua, path))
  local said = pipe:read "a"
  os.remove(path)
  return said
end

local nobody = "-u PATCHWORKS_API_KEY -u PATCHWORKS_TOKEN -u PATCHWORKS_USERNAME -u PATCHWORKS_PASSWORD -u PATCHWORKS_BASE_URL"

describe("patchworks.repl in Lua's prompt", function()
  it("gives a client by the environment, and shows values, errors and help", function()
    local server <close> = assert(sandbox.start())
    server:populate { script = 1, versions = 2 }
    local said = at_prompt(("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s"):format(server.url, server.key), [[
versions:get(1)
versions:list(1)
versions:get(99)
print(7, "eight")
help(versions.list)
versions.get(1)
versions:get(1, { inculde = "content" })
last]])
    local function says(text) assert.truthy(said:find(text, 1, true), text .. " is not in: " .. said) end
    says("patchworks client (" .. server.url)
    says "script version 1  Draft\n"
    says "ID  VERSION  STATUS  DEPLOYED  CREATED\n2   v2       Draft   -         "
    says "not_found (404)  get\n            No query results for model [ScriptVersion] 99\n  to do     check the id: a version's id is not its number\n  outcome   none: the service did nothing\n"
    says "7\teight\n"
    says "versions:list(script, options)\n"
    says "get: called with a dot: write versions:get(..), with a colon\n> "
    says "get: unknown option `inculde`; did you mean `include`?\n> "
    says(("GET %s/api/v1/script-versions/99: not_found after "):format(server.url))
    assert.is_nil(said:find("traceback", 1, true))
    assert.is_nil(said:find(server.key, 1, true))
  end)

  it("starts a sandbox where there is no credential", function()
    local said = at_prompt(nobody, "= #server:scripts()\nversions:list(1)")
    local one_like_it <close> = assert(sandbox.start())
    assert.truthy(said:find(("\n%d\n"):format(#one_like_it:scripts()), 1, true), said)
    assert.truthy(said:find("nothing is there", 1, true), said)
  end)
end)
