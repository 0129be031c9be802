-- What docs/workbench.md shows is what happens, from an empty folder on.
local lua = require "spec.support.lua"
local scratch = require "spec.support.scratch"
local uv = require "luv"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- What may differ: dates and times, and the order of what happened within a second.
local function plain(text)
  text = text:gsub("%d%d%d%d%-%d%d%-%d%d[T ]%d%d:%d%d:%d%d[%.%d]*Z?", "DATE"):gsub("%d+ ms", "N ms"):gsub("[ \t]+\n", "\n")
  local lines, dated = {}, {}
  for line in text:gmatch "[^\n]+" do table.insert(line:find "^DATE" and dated or lines, line) end
  table.sort(dated)
  return table.concat(lines, "\n") .. "\n" .. table.concat(dated, "\n")
end

it("the guide's blocks print what stands below them", function()
  local text = read "docs/workbench.md"
  local folder = scratch.folder()
  finally(function() scratch.remove(folder) end)
  scratch.make(folder .. "/project")
  local command = ('patchworks() { %s "%s/bin/patchworks" "$@" 2>>%s/words; }\n'):format(lua, uv.cwd(), folder)
  local count = 0
  for kind, code, after in text:gmatch "```(%l+)\n(.-)```\n()" do
    local shown = text:match("^```\n(.-)```", after)
    local path = folder .. "/block"
    local file = assert(io.open(path, "w"))
    file:write(kind == "sh" and command or "", (code:gsub("/tmp/theirs%.py", folder .. "/theirs.py")))
    file:close()
    local words = kind == "lua" and lua .. " " .. path or "sh " .. path
    local pipe = io.popen(("cd %s/project && unset PATCHWORKS_BASE_URL PATCHWORKS_API_KEY PATCHWORKS_ENV && HOME=%s exec %s 2>&1 </dev/null"):format(
      folder, folder, words))
    local printed = pipe:read "a"
    pipe:close()
    local said = io.open(folder .. "/words")
    assert.equal(plain(shown or ""), plain(printed), code .. "\n" .. (said and said:read "a" or ""))
    if said then said:close() end
    count = count + 1
  end
  assert.is_true(count > 10)
end)
