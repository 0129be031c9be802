-- A project that is watched: what changes is run through its cases, and nothing else.
local patchworks_project = require "patchworks.project"
local scratch = require "spec.support.scratch"
local uv = require "luv"

local folder, project, session, told

local function write(name, text)
  local path = folder .. "/" .. name
  scratch.write(path, text)
end

-- Runs the loop until something was told, or until `seconds` are over.
local function wait(seconds)
  local timer, over = uv.new_timer(), false
  uv.update_time()
  timer:start(math.floor((seconds or 20) * 1000), 0, function() over = true end)
  while not told[1] and not over do uv.run "once" end
  timer:close()
  return table.remove(told, 1)
end

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

before_each(function()
  folder = uv.fs_realpath "/tmp" .. "/session" .. uv.hrtime()
  told = {}
  write("patchworks.project.lua", [[return { scripts = {
    a = { file = "scripts/a.py", cases = "cases/a" }, b = { file = "scripts/b.py", cases = "cases/b" },
  } }]])
  for _, name in ipairs { "a", "b" } do
    write(("scripts/%s.py"):format(name), source "good")
    write(("cases/%s/one/expect.txt"):format(name), "good")
  end
  project = assert(patchworks_project.load(folder .. "/patchworks.project.lua"))
end)
after_each(function()
  if session then session:close() end
  session = nil
  uv.run "nowait"
  scratch.remove(folder)
end)

local function start(names)
  session = assert(project:watch(names, {
    start = function() end,
    results = function(_, results)
      local said = {}
      for i, result in ipairs(results) do said[i] = result.name .. (result.ok and " ok" or " fails") end
      told[#told + 1] = table.concat(said, ", ")
    end,
    problem = function(sentence) told[#told + 1] = sentence end,
  }))
end

describe("project:watch", function()
  it("runs all once, then what changed alone", function()
    start()
    assert.equal("a/one ok, b/one ok", wait())
    write("scripts/a.py", source "bad")
    assert.equal("a/one fails", wait())
    write("scripts/notes.txt", "no script")
    assert.is_nil(wait(0.1))
    session:rerun()
    assert.equal("a/one fails, b/one ok", wait())
    write("cases/b/two/expect.txt", "other")
    assert.equal("b/one ok, b/two fails", wait())
  end)

  it("watches what is named alone", function()
    start { "b/one" }
    assert.equal("b/one ok", wait())
    write("scripts/a.py", source "bad")
    assert.is_nil(wait(0.1))
    write("scripts/b.py", source "bad")
    assert.equal("b/one fails", wait())
  end)

  it("reads the project's file again, and goes on when that is broken for a time", function()
    start()
    assert.equal("a/one ok, b/one ok", wait())
    write("patchworks.project.lua", "return {")
    assert.truthy(wait():find "patchworks.project.lua")
    write("more/c.py", "def (")
    write("patchworks.project.lua", 'return { scripts = { c = { file = "more/c.py" } } }')
    assert.equal("c fails", wait())
    write("more/c.py", source "good")
    assert.equal("c ok", wait())
  end)

  it("takes a save while cases run for the newest: what ran is cut off", function()
    write("scripts/a.py", "import time\ndef handle(data): time.sleep(60)\n")
    start { "a" }
    assert.is_nil(wait(0.2))
    local began = os.time()
    write("scripts/a.py", source "good")
    assert.equal("a/one ok", wait())
    assert.is_true(os.time() - began < 40)
  end)
end)
