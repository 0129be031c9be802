-- Unified diffs, judged by git, which applies them.
local diff = require "patchworks.release.diff"
local scratch = require "spec.support.scratch"

local folder
setup(function()
  folder = scratch.folder()
end)
teardown(function() scratch.remove(folder) end)

local function write(name, text)
  local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
end

local function read(name)
  local file <close> = assert(io.open(folder .. "/" .. name, "rb"))
  return file:read "a"
end

local function random_text()
  local lines = {}
  for i = 1, math.random(1, 30) do lines[i] = string.char(96 + math.random(5)) end
  return table.concat(lines, "\n") .. (math.random(2) == 1 and "\n" or "")
end

describe("diff", function()
  it("makes what git applies, with and without a newline at the end", function()
    math.randomseed(11)
    local changes, expected = {}, {}
    for i = 1, 60 do
      local name, old, new = "text" .. i, random_text(), random_text()
      if old ~= new then
        write(name, old)
        changes[#changes + 1] = diff.unified(old, new, "a/" .. name, "b/" .. name)
        expected[name] = new
      end
    end
    write("changes", table.concat(changes))
    assert(os.execute(("cd %s && git apply changes"):format(folder)))
    for name, text in pairs(expected) do assert.equal(text, read(name)) end
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

  -- Lines 1 to `count`, some of them changed.
  local function numbered(count, changed)
    local lines = {}
    for i = 1, count do lines[i] = (changed or {})[i] or ("line " .. i) end
    return table.concat(lines, "\n") .. "\n"
  end

  it("shows three lines around each change, and what is near in one piece", function()
    local unified = diff.unified(numbered(20), numbered(20, { [5] = "x", [13] = "y" }), "a", "b")
    assert.equal(table.concat({ "--- a", "+++ b", "@@ -2,7 +2,7 @@", " line 2", " line 3", " line 4", "-line 5", "+x", " line 6",
      " line 7", " line 8", "@@ -10,7 +10,7 @@", " line 10", " line 11", " line 12", "-line 13", "+y", " line 14", " line 15",
      " line 16", "" }, "\n"), unified)
    unified = diff.unified(numbered(20), numbered(20, { [5] = "x", [12] = "y" }), "a", "b")
    assert.equal("@@ -2,14 +2,14 @@", unified:match "@@.-@@")
    assert.equal(1, select(2, unified:gsub("@@ .- @@", "")))
    unified = diff.unified(numbered(9), numbered(9, { [8] = "x\nx2" }), "a", "b")
    assert.equal("@@ -5,5 +5,6 @@", unified:match "@@.-@@")
    unified = diff.unified(numbered(20), numbered(20, { [5] = "x\nx2", [13] = "y" }), "a", "b")
    assert.same({ "@@ -2,7 +2,8 @@", "@@ -10,7 +11,7 @@" }, { unified:match "(@@.-@@).-(@@.-@@)" })
  end)

  it("counts from the line before where one side has none", function()
    assert.equal("--- a\n+++ b\n@@ -0,0 +1,2 @@\n+x\n+y\n", (diff.unified("", "x\ny\n", "a", "b")))
    assert.equal("--- a\n+++ b\n@@ -1 +0,0 @@\n-x\n", (diff.unified("x\n", "", "a", "b")))
  end)

  it("is nothing between texts that are the same", function()
    assert.same({ "", 0, 0 }, { diff.unified("a\n", "a\n", "a", "b") })
  end)

  it("shows all as replaced beyond 1,000 differences", function()
    local function text(mark, count)
      local lines = { "same" }
      for i = 1, count do lines[i + 1] = mark .. i end
      return table.concat(lines, "\n") .. "\n"
    end
    local _, added, removed = diff.unified(text("l", 500), text("r", 500), "a", "b")
    assert.same({ 500, 500 }, { added, removed })
    local unified
    unified, added, removed = diff.unified(text("l", 501), text("r", 500), "a", "b")
    assert.same({ 501, 502 }, { added, removed })
    assert.matches("^%-%-%- a\n%+%+%+ b\n@@ %-1,502 %+1,501 @@\n%-same\n%-l1\n", unified)
    assert.matches("\n%-l501\n%+same\n%+r1\n", unified)
    assert.matches("\n%+r500\n$", unified)
  end)
end)
