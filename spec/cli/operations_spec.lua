-- The operations from a shell, against the sandbox.
local cjson = require "cjson"
local commands = require "spec.support.commands"
local shell = require "spec.support.shell"

local state = commands.setup(before_each, after_each)
local run, write, lines = state.run, state.write, commands.lines
local upper = commands.upper

describe("patchworks", function()
  it("creates, deploys, invokes, shows logs, lists, shows and deletes", function()
    local file = write("x.py", upper)
    local code, out = run("create 1 " .. file)
    assert.same({ 0, "script version 1 (script 1, v1, Draft)\n" }, { code, out })
    code, out = run "deploy 1 --wait --interval 0.02"
    assert.same({ 0, "script version 1 (script 1, v1, Deployed)\n" }, { code, out })
    code, out = run "invoke 1 --payload hello --variable a=b"
    assert.same({ 0, "HELLO\n" }, { code, out })
    code, out = run "logs 1"
    assert.equal(0, code)
    assert.truthy(out:find "^%S+\tran\n$", out)
    code, out = run "list 1"
    assert.equal(0, code)
    assert.truthy(out:find "^1\t1\tDeployed\tLIVE\t%S+\t%S+\n$", out)
    code, out = run "show 1 --content"
    assert.same({ 0, upper }, { code, out })
    code, out = run "show 1"
    assert.equal(0, code)
    assert.truthy(out:find "status\tDeployed")
    assert.equal(0, (run "delete 1 --yes"))
    code, out = run "list 1"
    assert.same({ 0, "" }, { code, out })
  end)

  it("reads standard input for - as source and as payload", function()
    local source, payload = write("x.py", upper), write("payload", "from a file")
    assert.equal(0, (run("create 1 -", { input = source })))
    assert.equal(0, (run "deploy 1 --wait --interval 0.02"))
    local out = select(2, run("invoke 1 --payload-file -", { input = payload }))
    assert.equal("FROM A FILE\n", out)
    out = select(2, run("invoke 1 --payload-file " .. payload))
    assert.equal("FROM A FILE\n", out)
  end)

  it("gives one JSON object a line, with integers as integers", function()
    state.server:populate { script = 1, versions = 3 }
    local code, out = run "list 1 --json"
    assert.equal(0, code)
    local all = lines(out)
    assert.equal(3, #all)
    assert.truthy(all[1]:find '"id":3[,}]')
    local object = cjson.decode(all[1])
    assert.same({ 1, "version", 3 }, { object.v, object.type, object.version })
    out = select(2, run "whoami --json")
    assert.is_true(cjson.decode(out).accepted)
  end)

  it("asks before what can't be taken back, and refuses where nobody can be asked", function()
    state.server:populate { script = 1, versions = 4 }
    for _, words in ipairs { "delete 1", "upload 1", "prune 1 --keep 1" } do
      local code, _, err = run(words)
      assert.equal(2, code, words)
      assert.truthy(err:find "%-%-yes")
    end
    assert.equal(4, #lines(select(2, run "list 1")))
    assert.equal(0, (state.inside "prune 1 --keep 1 --yes"))
    assert.equal(1, #lines(select(2, run "list 1")))
  end)

  it("changes nothing with --dry-run", function()
    state.server:populate { script = 1, versions = 3 }
    local file = write("x.py", upper)
    for _, words in ipairs { "create 1 " .. file, "deploy 1", "delete 1", "prune 1 --keep 1", "publish 1 " .. file, "upload 1" } do
      assert.equal(0, (run(words .. " --dry-run")), words)
    end
    for _, request in ipairs(state.server:requests()) do assert.equal("GET", request.method) end
  end)

  it("fails when its output can't be written, and ends quietly when its reader has gone", function()
    state.server:populate { script = 1, versions = 500 }
    local file <close> = io.open "/dev/full"
    if file then
      local code, _, err = run("list 1", { out = "/dev/full" })
      assert.equal(1, code)
      assert.truthy(err:find "can't write")
    end
    local command = shell.command(state.server, "list 1") .. " 2>&1 | head -n 1"
    local pipe <close> = io.popen(command)
    assert.equal(1, #lines(pipe:read "a"))
  end)

  it("follows logs", function()
    state.server:populate { script = 1, versions = 1 }
    state.server:log(1, "before")
    local code, out = run "logs 1 --follow --from start --timeout 0.5"
    assert.equal(0, code)
    assert.truthy(out:find "before")
    code, out = run "logs 1 --follow --timeout 0.5"
    assert.same({ 0, "" }, { code, out })
  end)
end)
