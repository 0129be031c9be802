-- What the README shows is what happens.
local lua = require "spec.support.lua"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

describe("the README's example", function()
  it("prints what stands below it", function()
    local text = read "README.md"
    local code = text:match "```lua\n(.-)```"
    local shown = text:match "```lua\n.-```%s*```\n(.-)```"
    local path = os.tmpname()
    local file <close> = io.open(path, "w")
    file:write(code)
    file:flush()
    local pipe <close> = io.popen(lua .. " " .. path .. " 2>&1")
    local printed = pipe:read "a"
    os.remove(path)
    -- But for the date.
    local date = "%d%d%d%d%-%d%d%-%d%dT[%d:.]+Z"
    assert.equal((shown:gsub(date, "DATE")), (printed:gsub(date, "DATE")))
  end)

  it("has shell lines that work one after another", function()
    local lines = assert(read("README.md"):match "```\n(patchworks sandbox.-)```")
    local listener = assert(require("socket").bind("127.0.0.1", 0))
    local port = select(2, listener:getsockname())
    listener:close()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write('set -eu\ntrap \'kill "$(jobs -p)"\' EXIT\n', (lines:gsub("8787", tostring(port))))
    file:flush()
    local pipe = io.popen(('eval "$(make -s env)"; bash %s 2>&1'):format(path))
    local printed = pipe:read "a"
    assert.is_true(pipe:close(), printed)
    assert.truthy(printed:find "published: script version 1", printed)
    os.remove(path)
  end)

  it("names files that are there", function()
    for _, document in ipairs { "README.md", "docs/README.md", "CONTRIBUTING.md" } do
      local folder = document:match "^(.*/)" or ""
      for path in read(document):gmatch "%]%(([^)#]+)%)" do
        if not path:find "^http" then assert.truthy(io.open(folder .. path), document .. ": " .. path) end
      end
    end
  end)
end)
