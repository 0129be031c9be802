-- Manifests: what is read from where, and what each mistake is told as.
local errors = require "patchworks.errors"
local manifest = require "patchworks.release.manifest"
local scratch = require "spec.support.scratch"

local folder

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  scratch.make(folder .. "/sub")
end)
teardown(function() scratch.remove(folder) end)

local function write(name, text)
  local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
end

local function misuse(given)
  local ok, message = pcall(manifest.read, given)
  assert.is_false(ok)
  return tostring(message)
end

-- What a file is refused with.
local function refused(name)
  local list, err = manifest.read(folder .. "/" .. name)
  assert.same({ nil, "file" }, { list, err.kind })
  return err.message
end

describe("a manifest", function()
  it("is a list of scripts, in its order", function()
    local list = assert(manifest.read { scripts = {
      { id = 7, name = "seven", content = "a", keep = 3, test = { payload = "p", expect = "e" } },
      { id = "5", content = "b" },
    } })
    assert.same({
      { id = "7", name = "seven", content = "a", keep = 3, test = { payload = "p", expect = "e" } },
      { id = "5", content = "b" },
    }, list)
  end)

  it("changes no table of the caller's", function()
    write("e.txt", "expected")
    local given = { scripts = { { id = 7, content = "a", test = { expect_file = folder .. "/e.txt" } } } }
    local list = assert(manifest.read(given))
    assert.same({ expect = "expected" }, list[1].test)
    assert.same({ expect_file = folder .. "/e.txt" }, given.scripts[1].test)
  end)

  it("has its files beside it, wherever it is", function()
    write("sub/a.py", "source of a")
    write("sub/in.txt", "in")
    write("sub/out.txt", "out")
    write("sub/m.lua", ([[return { scripts = {
      { id = 1, file = "a.py", test = { payload_file = "in.txt", expect_file = "out.txt" } },
      { id = 2, file = "%s/sub/a.py" },
    } }]]):format(folder))
    local list = assert(manifest.read(folder .. "/sub/m.lua"))
    assert.same({ "source of a", "a.py", { payload = "in", expect = "out" }, "source of a" },
      { list[1].content, list[1].file, list[1].test, list[2].content })
  end)

  it("is given with the paths of the working folder where it is a table or has no folder", function()
    write("b.py", "b")
    assert.equal("b", assert(manifest.read { scripts = { { id = 1, file = folder .. "/b.py" } } })[1].content)
    local _, err = manifest.read { scripts = { { id = 1, name = "one", file = "sub/nowhere.py" } } }
    assert.same({ "file", "plan" }, { err.kind, err.operation })
    assert.matches("^script 1 %(one%): .*sub/nowhere.py", err.message)
    assert.equal("file", err.cause.kind)
    _, err = manifest.read { scripts = { { id = 1, content = "x", test = { payload_file = "nowhere.txt" } } } }
    assert.matches("^script 1: .*nowhere.txt", err.message)
    assert.equal("file", err.kind)
  end)

  it("says what is wrong with its file", function()
    assert.matches("^can't read .*nowhere.lua", refused "nowhere.lua")
    assert.matches("^can't read " .. folder:gsub("%p", "%%%0"), refused "")
    for text, sentence in pairs {
      ["return nil"] = "^the manifest fails: ", ["error('no')"] = "^the manifest fails: .*m.lua.*no",
      ["return 7"] = "/m.lua returns no table$",
      -- What would raise for a table is the file's fault, and names it.
      ["return {}"] = "/m.lua: expected a manifest { scripts", ["return { scirpts = {} }"] = "/m.lua: manifest: unknown option `scirpts`",
      ["return { scripts = { { id = 0, name = 'two', content = 'x' } } }"] = "/m.lua: script 1 of the manifest %(two%): id: ",
      ["return { scripts = { { id = 1, content = 'x', test = { expect = 'y', expect_file = 'z' } } } }"] = "/m.lua: script 1 .*got both$",
    } do
      write("m.lua", text)
      assert.matches(sentence, refused "/m.lua")
    end
  end)

  it("tells of its file alike at a prompt, where misuse raises no string", function()
    write("m.lua", "return { scripts = {} }")
    errors.raising = function(message) return { message } end
    local ok, list, err = pcall(manifest.read, folder .. "/m.lua")
    errors.raising = nil
    assert.same({ true, "file" }, { ok, err and err.kind }, list)
  end)

  it("sends an empty payload, and expects none, from an empty file", function()
    write("empty.txt", "")
    local test = { payload_file = folder .. "/empty.txt", expect_file = folder .. "/empty.txt" }
    assert.same({ payload = "", expect = "" }, assert(manifest.read { scripts = { { id = 1, content = "x", test = test } } })[1].test)
  end)

  it("says what is wrong with what it holds", function()
    for _, given in ipairs { {}, { scripts = 7 } } do
      assert.matches('plan: expected a manifest { scripts = { { id = 42, file = "orders.py" }, .. } }, or its path', misuse(given))
    end
    assert.matches("unknown option `scirpts`", misuse { scirpts = {} })
    assert.matches("plan: the manifest names no script", misuse { scripts = {} })
    assert.matches("plan: script 1 of the manifest: expected a table, got 7", misuse { scripts = { 7 } })
    assert.matches("plan: script 1 of the manifest: .*`id`", misuse { scripts = { { content = "x" } } })
    assert.matches("plan: script 1 of the manifest: test: expect: ",
      misuse { scripts = { { id = 1, content = "x", test = { expect = "{", compare = "json" } } } })
    assert.matches("plan: script 2 of the manifest %(two%): id: ", misuse { scripts = { { id = 1, content = "x" },
      { id = 0, name = "two", content = "x" } } })
    assert.matches("plan: script 2 of the manifest: script 1 is there already",
      misuse { scripts = { { id = 1, content = "x" }, { id = "1", content = "y" } } })
    assert.matches("plan: script 2 of the manifest is nil: is a name misspelt there?",
      misuse { scripts = { { id = 1, content = "x" }, nil, { id = 2, content = "x" } } })
    assert.matches("plan: `scripts` is a list, and has 1.5 in it", misuse { scripts = { [1.5] = {} } })
    assert.matches("plan: script 1 of the manifest: ", misuse { scripts = { { id = 1, content = "x", file = "y" } } })
  end)

  it("has each option of a script checked", function()
    for name, value in pairs { id = {}, name = 7, file = 7, content = 7, test = 7, keep = -1, other = 1 } do
      local script = { id = 1, content = "x" }
      script[name] = value
      assert.matches("script 1 of the manifest.*" .. name, misuse { scripts = { script } })
    end
    for name, value in pairs { payload_file = 7, expect_file = 7, timeout = "x", other = 1 } do
      assert.matches("script 1 of the manifest.*" .. name, misuse { scripts = { { id = 1, content = "x", test = { [name] = value } } } })
    end
    assert.equal(0, assert(manifest.read { scripts = { { id = 1, content = "x", keep = 0 } } })[1].keep)
  end)

  it("takes a payload, or an expectation, from one place", function()
    for _, name in ipairs { "payload", "expect" } do
      local message = misuse { scripts = { { id = 1, content = "x", test = { [name] = "x", [name .. "_file"] = "y" } } } }
      assert.matches(("script 1 of the manifest: test: expected either `%s` or `%s_file`, got both"):format(name, name), message)
    end
  end)

  it("calls a script by its id, and its name", function()
    assert.same({ "script 7", "script 7 (seven)" }, { manifest.label { id = 7 }, manifest.label { id = 7, name = "seven" } })
  end)
end)
