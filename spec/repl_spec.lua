-- The REPL's module: globals to begin with, and values that can be read.
local lua = require "spec.support.lua"
local sandbox = require "patchworks.sandbox"

local function run(environment, program)
  local path = os.tmpname()
  local file <close> = io.open(path, "w")
  file:write('require "patchworks.repl"\n', program)
  file:flush()
  local pipe <close> = io.popen(("env %s %s %s 2>&1"):format(environment, lua, path))
  local said = pipe:read "a"
  os.remove(path)
  return said
end

describe("patchworks.repl", function()
  it("gives a client by the environment, and shows values and errors", function()
    local server <close> = assert(sandbox.start())
    server:populate { script = 1, versions = 1 }
    local said = run(("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s"):format(server.url, server.key),
      "show(versions:get(1)) show(versions:get(99)) show(nil) show { { 'a\\nb' }, x = {} } print(server)")
    assert.truthy(said:find("patchworks client (" .. server.url, 1, true), said)
    assert.truthy(said:find('  status = "Draft",\n', 1, true), said)
    assert.truthy(said:find("get: not_found (404)", 1, true))
    assert.truthy(said:find('{\n  [1] = {\n    [1] = "a\\nb",\n  },\n  x = {},\n}\nnil\n', 1, true), said)
  end)

  it("starts a sandbox where there is no credential", function()
    local said = run("-u PATCHWORKS_API_KEY -u PATCHWORKS_TOKEN -u PATCHWORKS_USERNAME -u PATCHWORKS_PASSWORD -u PATCHWORKS_BASE_URL",
      "print(#server:scripts(), versions:list(1):count())")
    assert.truthy(said:find("4\t0", 1, true), said)
  end)
end)
