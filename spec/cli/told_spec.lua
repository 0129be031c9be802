-- What a command says of what it did, or could not do.
local cjson = require "cjson"
local lfs = require "lfs"
local commands = require "spec.support.commands"
local scratch = require "spec.support.scratch"
local shell = require "spec.support.shell"
local terminal = require "spec.support.terminal"
local wait_until = require "spec.support.wait_until"

local state = commands.setup(before_each, after_each)
local run, inside, write, lines = state.run, state.inside, state.write, commands.lines
local upper, lower = commands.upper, commands.lower

local function publish(text)
  assert.equal(0, (run(("publish 1 %s --interval 0.02"):format(write("x.py", text)))))
end

describe("the workbench where there is no project", function()
  it("is a usage error that says where a project is looked for", function()
    for _, words in ipairs { "status", "diff", "pull", "status --json", "test", "publish orders", "show orders" } do
      local code, out, err = inside(words)
      assert.equal(2, code, words)
      assert.truthy(err:find("no patchworks.project.lua in this folder, nor above it", 1, true), err)
      assert.equal(words:find "json" and "usage" or nil, out ~= "" and cjson.decode(out).kind or nil)
    end
  end)
end)

describe("a delete", function()
  it("says which version went, whether it was live, and what is live now", function()
    publish(upper)
    publish(lower)
    local code, _, err = inside "delete 2 --yes"
    assert.equal(0, code)
    assert.truthy(err:find("deleted script version 2 (script 1, v2, Deployed); it was LIVE, and live now is: script version 1", 1, true), err)
    code, _, err = inside "delete 1 --yes"
    assert.truthy(code == 0 and err:find("live now is: nothing", 1, true), err)
    assert.equal(0, (run("create 1 " .. write("x.py", upper))))
    local out
    code, out, err = inside "delete 3 --yes --json"
    assert.equal(0, code)
    assert.truthy(err:find("^deleted script version 3 %(script 1, v3, Draft%)\n$"), err)
    assert.same({ false, 3 }, { cjson.decode(out).was_live, cjson.decode(out).version.id })
  end)

  it("asks with LIVE where it is", function()
    if terminal.missing then return pending(terminal.missing) end
    publish(upper)
    local answer = terminal.run(shell.command(state.server, "delete 1"), { { "wait", "which is LIVE for good?", 5 }, { "type", "n\n" } })
    assert.equal(1, answer.code, answer.output)
    assert.is_number(answer.times[1], answer.output) -- the question came, with LIVE in it
    assert.equal(0, state.server:count "delete")
  end)
end)

describe("a prune that can't save", function()
  it("fails, and says why", function()
    for _, text in ipairs { upper, lower, upper .. "#" } do assert.equal(0, (run("create 1 " .. write("x.py", text)))) end
    write(".patchworks", "a file where the folder is to be")
    local code, out, err = inside "prune 1 --keep 1 --yes --json"
    assert.equal(1, code, err)
    assert.truthy(err:find("deleted 0, kept 3", 1, true) and err:find("what couldn't be saved was not deleted", 1, true), err)
    local object = cjson.decode(lines(out)[2])
    assert.same({ "error", "file", 1 }, { object.type, object.kind, object.exit_code })
    assert.equal(0, state.server:count "delete")
    assert.equal(0, (inside "prune 1 --keep 1 --yes --no-save"))
  end)
end)

describe("a folder that can't be written to any more", function()
  local function project()
    write("patchworks.project.lua", ([[return {
      scripts = { orders = { file = "orders.py", cases = "cases/orders" } },
      environments = { here = { base_url = %q, scripts = { orders = 1 } } },
    }]]):format(state.server.url))
    write("orders.py", upper)
  end

  -- Has the folder fail while a command waits for the answer to an operation.
  local function fails_at(operation, words)
    state.server:fail { operation = operation, how = "slow", seconds = 0.5 }
    local before = state.server:count(operation)
    local pipe = assert(io.popen(("cd %s && %s 2>&1"):format(state.folder, shell.command(state.server, words))))
    assert.is_true(wait_until(function() return state.server:count(operation) > before end))
    scratch.remove(state.folder .. "/.patchworks/lock")
    scratch.make(state.folder .. "/.patchworks/lock")
    local out = pipe:read "a"
    return select(3, pipe:close()) or 0, out
  end

  it("before a deployment ends a publish with what was made, and what is live", function()
    project()
    assert.equal(0, (inside "publish orders --interval 0.02"))
    write("orders.py", lower)
    local code, out = fails_at("create", "publish orders --interval 0.02")
    assert.equal(3, code, out)
    assert.truthy(out:find("script version 2 (script 1, v2, Draft) was not deployed", 1, true), out)
    assert.truthy(out:find("live as before: script version 1", 1, true), out)
    assert.is_nil(out:find "nothing was changed", out)
  end)

  it("after one fails the command, which says what it did", function()
    project()
    local code, out = fails_at("deploy", "publish orders --interval 0.02")
    assert.equal(1, code, out)
    assert.truthy(out:find("published: script version 1", 1, true) and out:find("is not remembered here: ", 1, true), out)
    scratch.remove(state.folder .. "/.patchworks/lock")
    write("orders.py", lower)
    code, out = fails_at("deploy", "apply --yes --interval 0.02")
    assert.equal(1, code, out)
    assert.truthy(out:find("1 published, 0 unchanged, 0 failed", 1, true) and out:find("is not remembered here: ", 1, true), out)
  end)

  it("after an invocation says that it was run", function()
    project()
    assert.equal(0, (inside "publish orders --interval 0.02"))
    write("cases", "a file where the folder is to be")
    local code, _, err = inside "invoke orders --payload hi --save orders/first"
    assert.equal(1, code, err)
    assert.truthy(err:find("it was done all the same: version 1 was run", 1, true), err)
    local before = state.server:count "invoke"
    assert.equal(2, (inside "invoke orders --payload hi --save first"))
    assert.equal(before, state.server:count "invoke")
  end)

  it("after an invocation leaves no half of the case that it was to be kept as", function()
    project()
    assert.equal(0, (inside "publish orders --interval 0.02"))
    local long = write("long.txt", ("x"):rep(20000)) -- more than a file may have
    local code, _, err = inside(("invoke orders --payload-file %s --variable a=b --save orders/long"):format(long),
      { before = "trap '' XFSZ; ulimit -f 8;" })
    assert.equal(1, code, err)
    assert.truthy(err:find("it was done all the same: version 1 was run", 1, true), err)
    local function mode(path) return (lfs.symlinkattributes(state.folder .. path, "mode")) end
    assert.same({ "directory", nil }, { mode "/cases/orders", mode "/cases/orders/long" }, err)
  end)
end)

describe("a full disk behind the output", function()
  local full = { out = "/dev/full" }
  local disk <const> = io.open "/dev/full"
  if not disk then return pending "no /dev/full here" end
  disk:close()

  it("does not hide what was done", function()
    local file = write("x.py", upper)
    for words, expected in pairs {
      ["create 1 " .. file] = "made: script version %d+ %(script 1, v%d+, Draft%)",
      ["create 1 --json " .. file] = "made: script version %d+",
      ["publish 1 --interval 0.02 " .. write("y.py", lower)] = "published: script version %d+ %(script 1, v%d+, Deployed%), which is live",
      ["deploy 1 --wait --interval 0.02"] = "live: script version 1",
    } do
      if words:find "^deploy" then assert.equal(0, (run("create 1 " .. file))) end
      local code, _, err = run(words, full)
      assert.equal(1, code, words)
      assert.truthy(err:find "can't write the output" and err:find("it was done all the same: " .. expected), err)
    end
  end)

  it("fails the help and the version too", function()
    for _, words in ipairs { "--help", "--version", "publish --help", "help" } do
      local code, _, err = run(words, full)
      assert.equal(1, code, words)
      assert.truthy(err:find "can't write the output", err)
      assert.equal(0, (run(words)))
    end
  end)
end)

describe("help", function()
  it("is a command as well", function()
    assert.equal(select(2, run "--help"), select(2, run "help"))
    assert.equal(select(2, run "publish --help"), select(2, run "help publish"))
    assert.equal(2, (run "help frobnicate"))
  end)

  it("at the prompt says how it is asked for", function()
    local code, _, err = run("repl --sandbox", { input = write("in", "help\n") })
    assert.equal(0, code)
    assert.truthy(err:find("type help()", 1, true), err)
  end)
end)

describe("a word that is missing", function()
  it("is named", function()
    local code, _, err = run "publish 1"
    assert.equal(2, code)
    assert.truthy(err:find("FILE is missing", 1, true), err)
    code, _, err = run 'show ""'
    assert.equal(2, code)
    assert.truthy(err:find("VERSION is an empty word", 1, true), err)
    assert.truthy(select(3, run 'list ""'):find("SCRIPT is an empty word", 1, true))
  end)
end)

describe("what the command line says of errors", function()
  it("is in its own words", function()
    local credential = "PATCHWORKS_BASE_URL=" .. state.server.url
    for words, expected in pairs {
      ["PATCHWORKS_API_KEY=wrong"] = "check PATCHWORKS_API_KEY, or the key that",
      ["PATCHWORKS_TOKEN=wrong"] = "check PATCHWORKS_TOKEN; tokens expire",
      ["PATCHWORKS_USERNAME=u"] = "PATCHWORKS_USERNAME is set, and PATCHWORKS_PASSWORD is not",
      ["PATCHWORKS_API_KEY=k PATCHWORKS_TOKEN=t"] = "the environment has PATCHWORKS_API_KEY and PATCHWORKS_TOKEN;",
      ["PATCHWORKS_API_KEY=k PATCHWORKS_BASE_URL=http://127.0.0.1:1"] = "check PATCHWORKS_BASE_URL or --base-url, the network",
    } do
      local code, _, err = run("list 1", { environment = credential .. " " .. words })
      assert.is_true(code ~= 0)
      assert.truthy(err:find(expected, 1, true), err)
    end
    assert.equal(0, (run("create 1 " .. write("x.py", upper))))
    assert.equal(0, (run "deploy 1 --wait --interval 0.02"))
    local _, _, err = run "rollback 1"
    assert.truthy(err:find("deployed by name, with --to ID", 1, true), err)
  end)

  it("tells a script that isn't there from a version that isn't", function()
    for _, words in ipairs { "list 999", "create 999 " .. write("x.py", upper), "publish 999 " .. write("x.py", upper), "rollback 999" } do
      local code, _, err = run(words)
      assert.equal(1, code)
      assert.truthy(err:find("there is no such script here", 1, true) and not err:find("version's id", 1, true), err)
    end
    assert.truthy(select(3, run "show 999"):find("a version's id is not its number", 1, true))
  end)
end)
