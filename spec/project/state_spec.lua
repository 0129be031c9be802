-- What a machine remembers of a project.
local lua = require "spec.support.lua"
local scratch = require "spec.support.scratch"
local state = require "patchworks.project.state"

local origin = "http://127.0.0.1:1"
local root

local function write(name, text)
  local file <close> = assert(io.open(root .. "/" .. name, "wb"))
  file:write(text)
end

before_each(function()
  root = scratch.folder()
end)
after_each(function() scratch.remove(root) end)

describe("project.state", function()
  it("is empty before anything is remembered, and makes nothing when it is read", function()
    assert.same({ v = 1, services = {} }, state.read(root))
    assert.is_nil(io.open(root .. "/.patchworks"))
  end)

  it("remembers where a file came from and what was done, for each service apart", function()
    assert(state.note(root, origin, 42, { from = 7 }, "pulled", 7))
    assert(state.note(root, origin, "42", { from = 8, live = 8 }, "published", 8))
    assert(state.note(root, "https://other.example", 42, { from = 1 }, "pulled", 1))
    local script = state.script(assert(state.read(root)), origin, 42)
    assert.same({ 8, 8 }, { script.from, script.live })
    assert.same({ "pulled", "published" }, { script.did[1].what, script.did[2].what })
    assert.equal(1, state.script(state.read(root), "https://other.example", 42).from)
    for entry in io.popen("ls -a " .. root .. "/.patchworks"):lines() do
      assert.truthy(({ ["."] = 1, [".."] = 1, lock = 1, ["state.json"] = 1 })[entry], entry)
    end
  end)

  it("forgets the oldest deeds", function()
    for i = 1, 210 do assert(state.note(root, origin, 42, {}, "pulled", i)) end
    local did = state.script(state.read(root), origin, 42).did
    assert.same({ 200, 11, 210 }, { #did, did[1].version, did[200].version })
  end)

  it("writes nothing when the change gives false or raises, and lets go of the lock", function()
    assert(state.note(root, origin, 42, { from = 7 }, "pulled", 7))
    assert(state.update(root, function(known)
      state.script(known, origin, 42).from = 8
      return false
    end))
    assert.has_error(function() state.update(root, function() error "no" end) end)
    assert.has_error(function() state.update(root, function(known) state.script(known, origin, 42).from = "x" end) end)
    assert.equal(7, state.script(state.read(root), origin, 42).from)
    assert(state.note(root, origin, 42, {}, "pulled", 8))
  end)

  it("loses nothing when processes write at the same time, and a killed one holds nobody up", function()
    local code = ([[local s = require "patchworks.project.state"
      for i = 1, 40 do assert(s.note(%q, %q, arg[1], {}, "pulled", i)) end]]):format(root, origin)
    write("writer.lua", code)
    write("killed.lua", ([[local uv = require "luv"
      require("patchworks.project.state").update(%q, function() uv.kill(uv.os_getpid(), "sigkill") end)]]):format(root))
    assert.is_nil((os.execute(("%s %s/killed.lua 2>/dev/null"):format(lua, root))))
    os.execute(("for n in 1 2 3 4; do %s %s/writer.lua $n & done; wait"):format(lua, root))
    local known = assert(state.read(root))
    for n = 1, 4 do assert.equal(40, #state.script(known, origin, n).did) end
  end)

  it("refuses what it did not write, and says what to do", function()
    scratch.make(root .. "/.patchworks")
    for _, text in ipairs {
      "", "[]", "{}", '{"v":1}', '{"v":1,"services":{"x":{"scripts":{"a":{"did":[]}}}}}',
      '{"v":1,"services":{"x":{"scripts":{"4":{"from":"7","did":[]}}}}}', '{"v":1,"services":{"x":{"scripts":{"4":{}}}}}',
      '{"v":1,"services":{"x":{"scripts":{"4":{"did":[{"at":1,"what":"pulled","version":0}]}}}}}',
    } do
      write(".patchworks/state.json", text)
      local known, problem = state.read(root)
      assert.is_nil(known, text)
      assert.same({ "file", true }, { problem.kind, problem.hint:find "delete it" ~= nil })
      known, problem = state.note(root, origin, 42, {}, "pulled", 7)
      assert.is_nil(known, text)
      assert.equal("file", problem.kind)
    end
    write(".patchworks/state.json", '{"v":2}')
    assert.truthy(tostring(select(2, state.read(root))):find "newer patchworks")
  end)

  it("does not follow a link out of the project", function()
    local elsewhere = os.tmpname()
    os.remove(elsewhere)
    os.execute(("mkdir %s && ln -s %s %s/.patchworks"):format(elsewhere, elsewhere, root))
    local known, problem = state.note(root, origin, 42, {}, "pulled", 7)
    assert.is_nil(known)
    assert.truthy(problem.message:find "is a link")
    assert.is_nil(io.open(elsewhere .. "/state.json"))
    scratch.remove(elsewhere)
  end)
end)
