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
    assert.equal(7, (run("plan --detailed-exitcode " .. manifest)))
    assert.equal(2, (run("apply " .. manifest)))
    code, out = run(("apply %s --yes --interval 0.02"):format(manifest))
    assert.equal(0, code)
    assert.truthy(out:find "2 published, 0 unchanged, 0 failed")
    code, out = run(("apply %s --yes"):format(manifest))
    assert.equal(0, code)
    assert.truthy(out:find "0 published, 2 unchanged")
    write("a.py", "def (")
    code, out = run(("apply %s --yes --interval 0.02 --json"):format(manifest))
    assert.equal(3, code)
    assert.same({ "failed", "unchanged" }, { cjson.decode(lines(out)[1]).action, cjson.decode(lines(out)[2]).action })
  end)
end)

describe("a release of a project", function()
  local inside = state.inside

  local function project()
    write("patchworks.project.lua", ([[return {
      scripts = { orders = { file = "orders.py" }, stock = { file = "stock.py" } },
      environments = { here = { base_url = %q, scripts = { orders = 1, stock = %d } } },
    }]]):format(state.server.url, state.server:create_script({ name = "stock", language = "python" }).id))
    write("orders.py", upper)
    write("stock.py", lower)
  end

  it("is planned and applied by names, all or --only some", function()
    project()
    local code, out = inside "plan --only orders --detailed-exitcode"
    assert.equal(7, code)
    assert.truthy(out:find "orders" and not out:find "stock", out)
    assert.equal(0, (inside "apply --only orders --yes --interval 0.02"))
    assert.equal(0, (inside "plan --only orders --detailed-exitcode"))
    assert.equal(7, (inside "plan --detailed-exitcode"))
    local err = select(3, inside "plan --only ordres")
    assert.truthy(err:find "did you mean orders")
    -- A dead network is no change.
    local manifest = write("m.lua", "return { scripts = { { id = 1, file = 'orders.py' } } }")
    assert.equal(1, (run("plan --detailed-exitcode " .. manifest, { environment = "PATCHWORKS_BASE_URL=http://127.0.0.1:1 PATCHWORKS_API_KEY=k" })))
  end)

  it("can be kept and applied later, unless what it saw has moved", function()
    project()
    local plan = state.folder .. "/plan.json"
    assert.equal(0, (inside("plan --out " .. plan)))
    write("orders.py", lower) -- what was planned is applied, not what the file holds by now
    assert.equal(0, (inside(("apply %s --yes --interval 0.02"):format(plan))))
    assert.equal(upper, select(2, inside "show orders --content"))
    assert.equal(0, (inside("plan --out " .. plan)))
    assert.equal(0, (inside(("publish orders %s --interval 0.02"):format(write("other.py", "def handle(data): return data")))))
    local code, out = inside(("apply %s --yes --interval 0.02 --json"):format(plan))
    assert.equal(1, code)
    assert.equal("conflict", cjson.decode(lines(out)[1]).kind)
    assert.equal(2, (inside(("apply %s --yes"):format(write("no.json", "{}")))))
  end)

  it("names what is misspelt in a manifest, and reads the manifest of old with a word of what to do", function()
    write("a.py", upper)
    local manifest = write("m.lua", "local a = { id = 1, name = 'orders', file = 'a.py' } return { scripts = { a, misspelt, a } }")
    local code, _, err = run("plan " .. manifest)
    assert.equal(2, code)
    assert.truthy(err:find "misspelt" or err:find "hole", err)
    write("m.lua", "return { scripts = { { id = 1, name = 'orders', file = 'nowhere.py' } } }")
    code, _, err = run("plan " .. manifest)
    assert.equal(2, code)
    assert.truthy(err:find "orders", err)
    for _, text in ipairs { "while true do end", "return ('x'):rep(1 << 33)" } do
      write("m.lua", text)
      assert.equal(2, (run("plan " .. manifest)), text)
    end
    write("patchworks.lua", "return { scripts = { { id = 1, file = 'a.py' } } }")
    code, _, err = inside "plan"
    assert.equal(0, code)
    assert.truthy(err:find "move its scripts to patchworks.project.lua", err)
  end)

  it("saves what prune deletes", function()
    project()
    for _, source in ipairs { upper, lower, upper .. "#" } do
      assert.equal(0, (inside(("create orders %s"):format(write("x.py", source)))))
    end
    local code, _, err = inside "prune orders --keep 1 --yes"
    assert.equal(0, code, err)
    local file <close> = assert(io.open(state.folder .. "/.patchworks/pruned/orders-v2-2.py"))
    assert.equal(lower, file:read "a")
  end)

  it("compares JSON as JSON, and keeps a payload's newline out of it", function()
    local echo = write("echo.py", "def handle(data): return {'payload': data['payload']}\n")
    local payload, expected = write("in.json", '{"a":1,"b":[1.50]}\n'), write("out.json", '{ "b": [1.5], "a": 1 }\n')
    assert.equal(0, (run(("publish 1 %s --interval 0.02 --payload-file %s --expect-file %s"):format(echo, payload, expected))))
    local text = write("in.txt", "hello\n")
    assert.equal(0, (run(("publish 1 %s --payload-file %s --expect-file %s"):format(echo, text, text))))
    local code, _, err = run(("publish 1 %s --payload-file %s --expect other"):format(echo, text))
    assert.equal(4, code, err)
  end)
end)

describe("a version of somebody else's that came live right before ours", function()
  -- It comes live in the command's own process, before the first deployment goes out.
  local hook = [[
    local wait = require "patchworks.release.wait"
    local deploy = wait.deploy
    wait.deploy = function(job, ...)
      wait.deploy = deploy
      assert(job.resource:deploy_and_wait(2, { interval = 0.02 }))
      return deploy(job, ...)
    end
  ]]

  local function overwrite(words)
    local client <close> = state.server:client()
    for _, word in ipairs { "one", "theirs" } do assert(client.script_versions:create(1, { content = upper .. "# " .. word })) end
    assert(client.script_versions:deploy_and_wait(1, { interval = 0.02 }))
    write("m.py", upper .. "# mine")
    write("m.lua", "return { scripts = { { id = 1, name = 'orders', file = 'm.py' } } }")
    return state.inside(words, { before = ("export LUA_INIT=@%s;"):format(write("hook.lua", hook)) })
  end

  it("is said by apply", function()
    local code, out = overwrite "apply m.lua --yes --interval 0.02"
    assert.equal(0, code)
    assert.matches("overwritten: somebody else's script version 2", out, 1, true)
  end)

  it("is in apply's object", function()
    local code, out = overwrite "apply m.lua --yes --interval 0.02 --json"
    assert.equal(0, code)
    local list = lines(out)
    assert.equal(2, cjson.decode(list[#list]).overwrote.id)
  end)

  it("is said by a publish whose test fails", function()
    local code, _, err = overwrite "publish 1 m.py --interval 0.02 --payload Hi --expect other"
    assert.equal(3, code)
    assert.matches("live as before: script version 1", err, 1, true)
    assert.matches("overwritten: somebody else's script version 2", err, 1, true)
  end)

  it("is in the object of a publish whose test fails", function()
    local code, out = overwrite "publish 1 m.py --interval 0.02 --payload Hi --expect other --json"
    assert.equal(3, code)
    local list = lines(out)
    assert.equal(2, cjson.decode(list[#list]).overwrote.id)
  end)
end)
