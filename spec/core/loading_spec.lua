-- Where the core finds lua-cjson, as the host's Lua has it: see src/core/loading.h.
local lua = require "spec.support.lua"

-- What a program prints, in a Lua that has loaded nothing yet.
local function printed(program)
  local path = os.tmpname()
  do
    local file <close> = assert(io.open(path, "w"))
    file:write(program)
  end
  local pipe <close> = io.popen(("exec %s %s 2>&1"):format(lua, path))
  local said = pipe:read "a"
  os.remove(path)
  return said
end

local open = [[local open = assert(package.loadlib(package.searchpath("cjson", package.cpath), "luaopen_cjson"))
]]

describe("the core's lua-cjson", function()
  it("is what the host requires, and is loaded once", function()
    assert.equal("[7]\ttrue\n", printed [[
      local core = require "patchworks.core"
      local loaded = package.loaded.cjson
      print(core.encode { 7 }, type(loaded) == "table" and require "cjson" == loaded)
    ]])
  end)

  it("is what is loaded already, and nothing else is asked", function()
    assert.equal("[7]\ttrue\n", printed(open .. [[
      local mine = open()
      package.loaded.cjson = mine
      package.preload.cjson = error
      require = setmetatable({}, { __index = { require = require } })
      print(require.require("patchworks.core").encode { 7 }, package.loaded.cjson == mine)
    ]]))
  end)

  it("is what the host has put into package.preload, which is given the name, and kept", function()
    assert.equal("cjson\t1\n[7]\ttrue\n", printed(open .. [[
      local mine
      package.loaded.cjson = false
      package.preload.cjson = function(...)
        print(..., select("#", ...))
        mine = open()
        return mine
      end
      local load = require
      require = nil
      print(load("patchworks.core").encode { 7 }, package.loaded.cjson == mine)
    ]]))
    assert.equal("false\ttrue\n", printed [[
      package.preload.cjson = function() end
      print((pcall(require, "patchworks.core")), package.loaded.cjson)
    ]])
  end)

  it("is asked of the host's own require where it has one", function()
    assert.equal("cjson\t1\n[7]\n", printed(open .. [[
      local load = require
      function require(...)
        print(..., select("#", ...))
        return open()
      end
      print(load("patchworks.core").encode { 7 })
    ]]))
  end)

  it("is missed in words where there is none", function()
    for _, none in ipairs { "nil", "{}" } do
      local output = printed([[
        local load = require
        require = ]] .. none .. [[
        print(select(2, pcall(load, "patchworks.core")))
      ]])
      local expected = "there is no module 'cjson': the host puts it into package.loaded or package.preload, or links it in"
      assert.matches(expected, output, 1, true)
    end
  end)
end)
