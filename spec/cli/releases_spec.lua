-- Releases from a shell, against the sandbox.
local cjson = require "cjson"
local commands = require "spec.support.commands"

local state = commands.setup(before_each, after_each)
local run, write, lines = state.run, state.write, commands.lines
local upper, lower = commands.upper, commands.lower

describe("patchworks", function()
  it("publishes: published, unchanged, syntax error, failing test with the old version answering", function()
    local first, second = write("a.py", upper), write("b.py", lower)
    local code, out = run(("publish 1 %s --interval 0.02 --payload Hi --expect HI"):format(first))
    assert.same({ 0, "published: script version 1 (script 1, v1, Deployed)\n" }, { code, out })
    code, out = run(("publish 1 %s"):format(first))
    assert.same({ 0, "unchanged: script version 1 (script 1, v1, Deployed)\n" }, { code, out })
    local bad = write("bad.py", "def (")
    local _, err
    code, out, err = run(("publish 1 %s --interval 0.02"):format(bad))
    assert.same({ 3, "" }, { code, out })
    assert.truthy(err:find "SyntaxError" and err:find "live as before: script version 1")
    code, _, err = run(("publish 1 %s --interval 0.02 --payload Hi --expect HI"):format(second))
    assert.equal(3, code)
    assert.truthy(err:find "the test failed" and err:find "live as before")
    out = select(2, run "list 1 --deployed")
    assert.truthy(out:find "\n?1\t1\tDeployed")
    code, out = run(("publish 1 %s --interval 0.02 --payload Hi --expect hi --json"):format(second))
    assert.equal(0, code)
    assert.same({ "published", 1 }, { cjson.decode(out).action, cjson.decode(out).v })
    code, out = run "rollback 1 --interval 0.02"
    assert.same({ 0, "rolled back: script version 1 (script 1, v1, Deployed)\n" }, { code, out })
  end)

  it("exits with 4 when the way back fails too, and with 5 when the outcome is unknown", function()
    assert.equal(0, (run(("publish 1 %s --interval 0.02"):format(write("a.py", upper)))))
    local deploys = 0
    state.server:fail { operation = "deploy", how = "status", status = 409, every = 2, times = math.huge }
    local code, _, err = run(("publish 1 %s --interval 0.02 --payload Hi --expect HI"):format(write("b.py", lower)))
    assert.equal(4, code, err)
    assert.truthy(err:find "the way back failed too")
    state.server:clear_faults()
    state.server:fail { operation = "create", how = "drop_after" }
    code, _, err = run("create 1 " .. write("c.py", upper))
    assert.equal(5, code)
    assert.truthy(err:find "it may have been done")
    assert.equal(0, deploys)
  end)

  it("plans and applies a manifest", function()
    write("a.py", upper)
    write("b.js", "module.exports = async (data) => ({ payload: data.payload })\n")
    local manifest = write("release.lua", [[return { scripts = {
      { id = 1, name = "orders", file = "a.py", test = { payload = "x", expect = "X" } },
      { id = 2, file = "b.js" },
    } }]])
    local code, out = run("plan " .. manifest)
    assert.equal(0, code)
    assert.truthy(out:find("+def handle(data)", 1, true) and out:find "2 to publish, 0 unchanged")
    assert.equal(1, (run("plan --detailed-exitcode " .. manifest)))
    assert.equal(2, (run("apply " .. manifest)))
    code, out = run(("apply %s --yes --interval 0.02"):format(manifest))
    assert.equal(0, code)
    assert.truthy(out:find "2 published, 0 unchanged, 0 failed")
    code, out = run(("apply %s --yes"):format(manifest))
    assert.equal(0, code)
    assert.truthy(out:find "0 to publish, 2 unchanged")
    write("a.py", "def (")
    code, out = run(("apply %s --yes --interval 0.02 --json"):format(manifest))
    assert.equal(3, code)
    assert.same({ "failed", "unchanged" }, { cjson.decode(lines(out)[1]).action, cjson.decode(lines(out)[2]).action })
  end)
end)
