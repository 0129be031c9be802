-- The workbench's commands as processes: what they print, where, and their exit codes.
local cjson = require "cjson"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local shell = require "spec.support.shell"
local uv = require "luv"

local folder, server

local function write(name, text) return scratch.write(folder .. "/" .. name, text) end

local function read(name)
  local file <close> = io.open(folder .. "/" .. name, "rb")
  return file and file:read "a"
end

local function run(words, options)
  options = options or {}
  options.folder = folder
  return shell.run(options.server or nil, words, options)
end

local function objects(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = cjson.decode(line) end
  return list
end

before_each(function()
  folder = uv.fs_realpath "/tmp" .. "/bench" .. uv.hrtime()
  scratch.make(folder .. "/.git")
end)
after_each(function()
  scratch.remove(folder)
  if server then server:close() end
  server = nil
end)

describe("patchworks init", function()
  it("begins a project in each language, whose case passes", function()
    for language, ending in pairs { python = "py", javascript = "js", php = "php", ruby = "rb" } do
      for _, name in ipairs { "patchworks.project.lua", "scripts", "cases" } do scratch.remove(folder .. "/" .. name) end
      local code, out = run("init hello --language " .. language)
      assert.equal(0, code)
      assert.truthy(out:find("scripts/hello." .. ending, 1, true))
      code, out = run "test"
      assert.equal(0, code, out)
    end
    assert.equal(".patchworks/\n", read ".gitignore")
  end)

  it("takes a language's version, and says what can't run here", function()
    local code, _, err = run "init --language php0.9"
    assert.equal(0, code, err)
    assert.matches('file = "scripts/orders.php", language = "php0.9"', read "patchworks.project.lua", 1, true)
    assert.matches("warning: there is no PHP 0.9 on this machine", err, 1, true)
    code, _, err = run "test nope"
    assert.equal(2, code)
    assert.matches("no script is called nope in .* %(it has orders%)", err)
  end)

  it("overwrites nothing, and says what is there", function()
    write("scripts/orders.py", "mine")
    local code, _, err = run "init"
    assert.equal(2, code)
    assert.truthy(err:find "scripts/orders.py: is there already")
    assert.same({ "mine" }, { read "scripts/orders.py", read "patchworks.project.lua" })
    assert.equal(2, (run "init 7up"))
    code, _, err = run "init --language cobol"
    assert.equal(2, code)
    assert.matches("--language: expected python, javascript,", err, 1, true)
  end)

  it("begins with scripts of an account, by their ids", function()
    server = assert(sandbox.start { deploy_seconds = 0 })
    local client <close> = server:client()
    for id, source in pairs { [1] = "def handle(data): return data\n", [2] = "module.exports = (data) => data\n" } do
      local version = assert(client.script_versions:create(id, { content = source }))
      assert(client.script_versions:deploy_and_wait(version.id, { interval = 0.02 }))
    end
    local code, out, err = run("init --from production 1 2", { server = server })
    assert.equal(0, code, err)
    local python, javascript = out:match "(scripts/%S+%.py)\n(scripts/%S+%.js)"
    assert.same({ "def handle(data): return data\n", "module.exports = (data) => data\n" }, { read(python), read(javascript) })
    code, out = run("status", { server = server })
    assert.equal(0, code)
    assert.truthy(out:find "the same\n.*the same\n")
    assert.equal(1, (run("init --from production 3", { server = server, folder = folder })))
    assert.equal(2, (run("init --from production x 1", { server = server })))
  end)
end)

describe("patchworks run", function()
  it("writes the payload to standard output, and all else to standard error", function()
    local path = write("x.py",
      "def handle(data):\n    print('out')\n    return {'payload': data['payload'], 'logs': ['a log']}\n")
    local code, out, err = run("run " .. path .. " --payload hello")
    assert.same({ 0, "hello\n" }, { code, out })
    assert.truthy(err:find "log: a log\n" and err:find "printed: out\n" and err:find "%d ms")
  end)

  it("exits with 1 and shows the script's own line when it fails, and with 2 for usage", function()
    local path = write("x.py", "import numpy\ndef handle(data):\n    return data['nope']\n")
    local code, out, err = run("run " .. path)
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find "warning:.*line 1: the platform has no numpy")
    path = write("y.py", "def handle(data):\n    return data['nope']\n")
    local _
    code, _, err = run("run " .. path)
    assert.equal(1, code)
    assert.truthy(err:find "y.py:2: KeyError: 'nope'\n  2 |     return data%['nope'%]")
    for _, words in ipairs { "run", "run nowhere.py", "run " .. path .. " --payload a --payload-file b", "test", "dev",
      "run " .. path .. " --watch --save x" } do
      assert.equal(2, (run(words)), words)
    end
  end)

  it("exits with 2, and so do test and publish, where the script's file can't be read", function()
    assert.equal(0, (run "init"))
    server = assert(sandbox.start { deploy_seconds = 0 })
    local path = folder .. "/scripts/orders.py"
    for said, make in pairs {
      ["[Nn]o .*file"] = function() end, ["Is a directory"] = scratch.make,
      ["is no file but a fifo"] = function() assert(os.execute("mkfifo " .. path)) end,
    } do
      scratch.remove(path)
      make(path)
      for _, words in ipairs { "run", "run orders", "test", "test orders/first", "publish orders --env sandbox" } do
        local code, out, err = run(words)
        assert.same({ 2, "" }, { code, out }, words .. err)
        assert.truthy(err:find("orders.*" .. said), words .. err)
      end
    end
    scratch.remove(path)
    write("scripts/orders.py", "def handle(\n")
    assert.equal(1, (run "test")) -- what can be read fails
  end)

  it("exits with 1 where what was run can't be kept, and says that it was run", function()
    assert.equal(0, (run "init"))
    local code, out, err = run [[run orders --payload '{"id": 1, "lines": []}' --save first]]
    assert.equal(1, code, err)
    assert.truthy(#out > 2 and err:find("is there already.*it was done all the same: orders was run\n"), out .. err)
    -- What could never be kept isn't run.
    write("x.py", "def handle(data): return {'payload': 'hi'}\n")
    code, out, err = run "run x.py --save first"
    assert.same({ 2, "" }, { code, out }, err)
  end)

  it("shows what would steer a terminal, and does not obey it", function()
    local path = write("x.py", "def handle(data): return {'logs': ['a\\x1b[2Jb', 'c\\u009bd']}\n")
    local code, _, err = run("run " .. path)
    assert.equal(0, code)
    assert.truthy(err:find("log: a\\x1b[2Jb\nlog: c\\x9bd\n", 1, true), err)
  end)

  it("gives one JSON object with --json", function()
    local path = write("x.py", "def handle(data): return {'payload': {'a': 1}, 'logs': ['l']}\n")
    local code, out = run("run " .. path .. " --json")
    local object = objects(out)[1]
    assert.same({ 0, "run", true, '{\n  "a": 1\n}', "l" }, { code, object.type, object.ok, object.payload, object.logs[1] })
    path = write("y.py", "def handle(data): return nope\n")
    code, out = run("run " .. path .. " --json")
    object = objects(out)[1]
    assert.same({ 1, false, 1 }, { code, object.ok, object.line })
  end)
end)

describe("patchworks test", function()
  before_each(function()
    assert.equal(0, (run "init"))
    write("cases/orders/bad/payload.json", '{"id": 2, "lines": []}')
    write("cases/orders/bad/expect.json", '{"id": 2, "total": 1}')
  end)

  it("exits with 1 when a case fails, in each form", function()
    local code, out = run "test"
    assert.equal(1, code)
    assert.truthy(out:find "^FAIL  orders/bad" and out:find '%-  "total": 1\n' and out:find "\nok    orders/first")
    assert.equal(0, (run "test orders/first"))
    code, out = run "test --format tap"
    assert.equal(1, code)
    assert.truthy(out:find "^TAP version 14\n1%.%.2\nnot ok 1 %- orders/bad\n")
    code, out = run "test orders/bad --format junit"
    assert.equal(1, code)
    assert.truthy(out:find '<testcase classname="orders" name="bad"')
    code, out = run "test orders/bad --format github"
    assert.equal(1, code)
    assert.truthy(out:find "^::error file=cases/orders/bad/expect.json,title=orders/bad::")
    code, out = run "test --json"
    local list = objects(out)
    assert.same({ 1, "case", false, true }, { code, list[1].type, list[1].ok, list[2].ok })
    for _, words in ipairs { "test nobody", "test orders/nobody", "test --format xml", "test --update --env sandbox" } do
      assert.equal(2, (run(words)), words)
    end
  end)

  it("writes what came with --update", function()
    assert.equal(0, (run "test --update"))
    assert.equal('{\n  "id": 2,\n  "total": 0\n}\n', read "cases/orders/bad/expect.json")
    assert.equal(0, (run "test"))
  end)

  it("tests what is deployed with --env", function()
    local code, out = run "test --env sandbox"
    assert.equal(1, code)
    assert.truthy(out:find "FAIL  orders/bad" and out:find "ok    orders/first")
  end)

  it("says which language is missing and what to do", function()
    write("patchworks.project.lua", 'return { scripts = { old = { file = "x.py", language = "python2.5" }, other = { file = "x.cob" } } }')
    write("x.py", "def handle(data): return data")
    write("x.cob", "STOP RUN.")
    local code, _, err = run "run old"
    assert.equal(1, code)
    assert.matches("there is no Python 2.5 on this machine: install it, or take what is here", err, 1, true)
    code, _, err = run "run other"
    assert.equal(2, code)
    assert.matches("whose name tells it (.py, .js, .php, .rb, .cs, .go, .rs)", err, 1, true)
  end)
end)

describe("a project's publish", function()
  before_each(function()
    server = assert(sandbox.start { deploy_seconds = 0 })
    assert.equal(0, (run "init"))
    write("patchworks.project.lua", ([[return {
      scripts = { orders = { file = "scripts/orders.py", cases = "cases/orders", smoke = { "first", "second" } } },
      environments = { production = { base_url = "%s", scripts = { orders = 1 } } },
    }]]):format(server.url))
    write("cases/orders/second/payload.json", '{"id": 2, "lines": []}')
    write("cases/orders/second/expect.json", '{"id": 2, "total": 0}')
  end)

  it("runs its smoke cases, and goes back when one fails", function()
    local code, out, err = run("publish orders --interval 0.02", { server = server })
    assert.same({ 0, "published: script version 1 (script 1, v1, Deployed)\n" }, { code, out }, err)
    assert.equal(2, server:count "invoke")
    write("scripts/orders.py", (read "scripts/orders.py":gsub("total}", "total or 5}")))
    local _
    code, _, err = run("publish orders --interval 0.02", { server = server })
    assert.equal(3, code, err)
    assert.matches("the test failed: orders/second: payload.total: expected 0, got 5", err, 1, true)
    code, out = run("test orders/second")
    assert.equal(1, code)
    local shown = out:match("\n      (%-%-%- expected\n.*)"):gsub("\n      ", "\n"):match "^.*\n [%]}]\n"
    assert.truthy(err:find(shown, 1, true), shown .. err)
    code, out = run("status --json", { server = server })
    local status = objects(out)[1]
    assert.same({ 0, 1, "changed" }, { code, status.live, status.state })
  end)

  it("compares with its smoke case as `test` does, also by way of a plan", function()
    write("cases/orders/first/expect.json", '{"id": 1, "total": 22, "note": null}')
    write("patchworks.project.lua", (read("patchworks.project.lua"):gsub(', "second"', "")))
    local _, out = run("test orders/first")
    assert.matches("payload.note: expected null, got nothing", out, 1, true)
    for _, words in ipairs { "publish orders --interval 0.02", "apply --yes --interval 0.02" } do
      local code, told, err = run(words, { server = server })
      assert.equal(4, code, words .. told .. err)
      assert.matches("payload.note: expected null, got nothing", told .. err, 1, true)
      assert.matches('\n *%-  "note": null,\n', told .. err)
    end
    write("cases/orders/first/expect.json", '{"total": 22, "id": 1}')
    assert.equal(0, (run("apply --yes --interval 0.02", { server = server })))
    os.remove(folder .. "/cases/orders/first/expect.json")
    write("cases/orders/first/expect.txt", '{"total": 22, "id": 1}')
    local code, told = run("apply --yes --interval 0.02", { server = server })
    assert.equal(4, code, told)
  end)

  it("is refused with 1 when somebody else has published, and so are rollback and apply", function()
    write("patchworks.project.lua", (read("patchworks.project.lua"):gsub(', "second"', "")))
    assert.equal(0, (run("publish orders --interval 0.02", { server = server })))
    local client <close> = server:client()
    local version = assert(client.script_versions:create(1, { content = "def handle(data): return data" }))
    assert(client.script_versions:deploy_and_wait(version.id, { interval = 0.02 }))
    write("scripts/orders.py", read "scripts/orders.py" .. "# mine\n")
    for _, words in ipairs { "publish orders", "rollback orders --yes", "apply --yes", "pull" } do
      local code, _, err = run(words, { server = server })
      assert.equal(1, code, words .. err)
      assert.truthy(err:find "conflict" or err:find "somebody else", err)
    end
    local code, out = run("apply --yes --json", { server = server })
    assert.equal(1, code)
    assert.same({ "error", "conflict", 1 }, { objects(out)[1].type, objects(out)[1].kind, objects(out)[1].exit_code })
    assert.equal(0, (run("publish orders --interval 0.02 --over 2", { server = server })))
    code, out = run("logs orders --json", { server = server })
    assert.equal(0, code)
    assert.truthy(#objects(out) >= 2)
    code, out = run("logs orders --grep 'order 1' --tail 1", { server = server })
    assert.equal(0, code)
    assert.truthy(out:find "^%S+\torder 1: 2 lines\n$")
  end)
end)

describe("what a tired person types", function()
  it("is told what to type instead", function()
    assert.equal(0, (run "init"))
    local _, _, err = run "run"
    assert.matches("it was given no payload; one of its cases has one: %-%-payload%-file .*cases/orders/first/payload.json", err)
    err = select(3, run "")
    assert.matches("patchworks --help lists them all", err, 1, true)
    err = select(3, run "--env here status")
    assert.matches("an option stands behind its command", err)
  end)

  it("is told which names the sandbox has, where its are not the file's", function()
    assert.equal(0, (run "init"))
    for words, word in pairs { ["show abc"] = "abc", ["list 0"] = "0" } do
      local code, _, err = run(words)
      assert.equal(2, code)
      assert.matches("no script is called " .. word .. " in the sandbox of %S+/patchworks.project.lua %(it has .*orders%)", err)
    end
  end)

  it("beside a command that has the project's sandbox open says so", function()
    assert.equal(0, (run "init"))
    local project <close> = assert(require("patchworks.project").load(folder .. "/patchworks.project.lua"))
    assert(project:sandbox())
    local code, _, err = run "status"
    assert.equal(2, code)
    assert.matches("another command has this project's sandbox open", err)
  end)

  it("finds the project's sandbox where it was: a plan that was kept is applied, a recording is of one service", function()
    assert.equal(0, (run "init"))
    assert.equal(0, (run "status")) -- there is a sandbox now, with what init made
    write("scripts/orders.py", read "scripts/orders.py" .. "# more\n")
    local code, out, err = run "plan --out kept.json --record r.jsonl"
    assert.same({ 0, true }, { code, out:find "1 to publish" ~= nil or out }, err)
    code, out, err = run "apply kept.json --yes --record r.jsonl"
    assert.same({ 0, true }, { code, out:find "1 published" ~= nil or out }, err)
    err = select(3, run "check-record r.jsonl")
    assert.is_nil(err:find "several services", err)
    -- Unless somebody else is there by now.
    local project <close> = assert(require("patchworks.project").load(folder .. "/patchworks.project.lua"))
    local url = assert(project:sandbox()).url
    project:close()
    local squatter <close> = require("patchworks.sandbox").start { port = tonumber(url:match ":(%d+)$") }
    code, out, err = run "status"
    assert.equal(0, code, err)
    assert.matches("orders", out)
    assert.equal(0, #squatter:requests())
  end)
end)
