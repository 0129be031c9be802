-- Unified diffs, judged by git, which applies them.
local diff = require "patchworks.release.diff"

local folder
setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
end)
teardown(function() os.execute("rm -rf " .. folder) end)

local function write(name, text)
  local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
end

local function read(name)
  local file <close> = assert(io.open(folder .. "/" .. name, "rb"))
  return file:read "a"
end

-- The old text, patched.
local function patched(old, unified)
  write("text", old)
  write("change", unified)
  assert(os.execute(("cd %s && git apply change"):format(folder)))
  return read "text"
end

local function random_text()
  local lines = {}
  for i = 1, math.random(1, 30) do lines[i] = string.char(96 + math.random(5)) end
  return table.concat(lines, "\n") .. (math.random(2) == 1 and "\n" or "")
end

describe("diff", function()
  it("makes what git applies, with and without a newline at the end", function()
    math.randomseed(11)
    for _ = 1, 60 do
      local old, new = random_text(), random_text()
      if old ~= new then
        assert.equal(new, patched(old, (diff.unified(old, new, "a/text", "b/text"))))
      end
    end
  end)

  it("shows a newline at the end that is gone", function()
    local unified, added, removed = diff.unified("a\nb\n", "a\nb", "a/text", "b/text")
    assert.equal("--- a/text\n+++ b/text\n@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n", unified)
    assert.same({ 1, 1 }, { added, removed })
  end)

  it("is as short as it can be", function()
    local lines = {}
    for i = 1, 3000 do lines[i] = "line " .. i end
    local old = table.concat(lines, "\n") .. "\n"
    table.remove(lines, 2990)
    table.insert(lines, 5, "new")
    local _, added, removed = diff.unified(old, table.concat(lines, "\n") .. "\n", "x", "y")
    assert.same({ 1, 1 }, { added, removed })
  end)
end)
