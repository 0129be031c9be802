-- The command line against the sandbox: piped, and in a terminal.
local cjson = require "cjson"
local lua = require "spec.support.lua"
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"
local shell = require "spec.support.shell"
local terminal = require "spec.support.terminal"

local server, folder

local function run(words, options) return shell(server, words, options) end

local function write(name, text)
  local path = folder .. "/" .. name
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
  return path
end

local upper = "def handle(data): return {'payload': data['payload'].upper(), 'logs': ['ran']}\n"
local lower = "def handle(data): return {'payload': data['payload'].lower(), 'logs': ['ran']}\n"

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir " .. folder)
end)
after_each(function()
  server:close()
  os.execute("rm -rf " .. folder)
end)

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

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
    assert.truthy(out:find "^1\t1\tDeployed\t%S+\t%S+\n$", out)
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
    server:populate { script = 1, versions = 3 }
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
    assert.truthy(err:find "smoke test failed" and err:find "live as before")
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
    server:fail { operation = "deploy", how = "status", status = 409, every = 2, times = math.huge }
    local code, _, err = run(("publish 1 %s --interval 0.02 --payload Hi --expect HI"):format(write("b.py", lower)))
    assert.equal(4, code, err)
    assert.truthy(err:find "the way back failed too")
    server:clear_faults()
    server:fail { operation = "create", how = "drop_after" }
    code, _, err = run("create 1 " .. write("c.py", upper))
    assert.equal(5, code)
    assert.truthy(err:find "it may have been done")
    assert.equal(0, deploys)
  end)

  it("exits with 1, 2 and 6 for failures, usage and credentials", function()
    assert.equal(1, (run "show 999"))
    assert.equal(1, (run "rollback 1"))
    for _, words in ipairs { "", "frobnicate", "list", "list 1 --nope", "list nobody", "show 1x", "create 1 /nowhere.py", "prune 1",
      "delete 1 extra", "invoke 1 --variable x", "logs 1 --from yesterday -f", "list 1 --limit x", "list 1 --limit 0" } do
      local code, out, err = run(words)
      assert.equal(2, code, words .. err)
      assert.equal("", out)
      assert.truthy(#err > 10)
      assert.is_nil(err:find "traceback", err)
    end
    local wrong = { environment = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=wrong-key"):format(server.url) }
    for _, words in ipairs { "list 1", "whoami", "doctor" } do
      local code, _, err = run(words, wrong)
      assert.equal(6, code, words)
      assert.is_nil(err:find "wrong%-key")
    end
    local code, _, err = run("list 1", { environment = ("-u PATCHWORKS_API_KEY PATCHWORKS_BASE_URL=%s"):format(server.url) })
    assert.equal(2, code)
    assert.truthy(err:find "PATCHWORKS_API_KEY")
    server:populate { script = 1, versions = 1 }
    assert.equal(6, (run "upload 1 --yes"))
    assert.equal(1, (run("list 1", { environment = "PATCHWORKS_BASE_URL=http://127.0.0.1:1 PATCHWORKS_API_KEY=k" })))
  end)

  it("asks before what can't be taken back, and refuses where nobody can be asked", function()
    server:populate { script = 1, versions = 4 }
    for _, words in ipairs { "delete 1", "upload 1", "prune 1 --keep 1" } do
      local code, _, err = run(words)
      assert.equal(2, code, words)
      assert.truthy(err:find "%-%-yes")
    end
    assert.equal(4, #lines(select(2, run "list 1")))
    assert.equal(0, (run "prune 1 --keep 1 --yes"))
    assert.equal(1, #lines(select(2, run "list 1")))
  end)

  it("changes nothing with --dry-run", function()
    server:populate { script = 1, versions = 3 }
    local file = write("x.py", upper)
    for _, words in ipairs { "create 1 " .. file, "deploy 1", "delete 1", "prune 1 --keep 1", "publish 1 " .. file, "upload 1" } do
      assert.equal(0, (run(words .. " --dry-run")), words)
    end
    for _, request in ipairs(server:requests()) do assert.equal("GET", request.method) end
  end)

  it("fails when its output can't be written, and ends quietly when its reader has gone", function()
    server:populate { script = 1, versions = 500 }
    local file <close> = io.open "/dev/full"
    if file then
      local code, _, err = run("list 1", { out = "/dev/full" })
      assert.equal(1, code)
      assert.truthy(err:find "can't write")
    end
    local command = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s %s bin/patchworks list 1 2>&1 | head -n 1"):format(server.url, server.key, lua)
    local pipe <close> = io.popen(command)
    assert.equal(1, #lines(pipe:read "a"))
  end)

  it("takes names and the base URL from the project's file, and refuses a key in it", function()
    server:populate { script = 2, versions = 1 }
    write(".patchworks.lua", ("return { base_url = %q, scripts = { orders = 2 } }"):format(server.url))
    local only_key = { folder = folder, environment = "-u PATCHWORKS_BASE_URL PATCHWORKS_API_KEY=" .. server.key }
    local inside = function(words) return shell(server, words, only_key) end
    local root = io.popen("pwd"):read "l"
    only_key.lua = ("LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' LUA_CPATH='%s/%s/?.so;;' %s"):format(root, root, root,
      os.getenv "PATCHWORKS_BUILD" or "build", lua:find "/" and lua or lua)
    local code, out, err = inside "list orders"
    local _
    assert.same({ 0, 1 }, { code, #lines(out) }, err)
    code, _, err = inside "list ordres"
    assert.equal(2, code)
    assert.truthy(err:find "did you mean orders")
    write(".patchworks.lua", "return { api_key = 'abc' }")
    code, _, err = inside "list 2"
    assert.equal(2, code)
    assert.truthy(err:find "credential" and err:find "PATCHWORKS_API_KEY")
    write(".patchworks.lua", "return { bas_url = 'abc' }")
    err = select(3, inside "list 2")
    assert.truthy(err:find "did you mean `base_url`")
    write(".patchworks.lua", "os.exit(0)")
    assert.equal(2, (inside "list 2"))
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

  it("follows logs", function()
    server:populate { script = 1, versions = 1 }
    server:log(1, "before")
    local code, out = run "logs 1 --follow --from start --timeout 0.5"
    assert.equal(0, code)
    assert.truthy(out:find "before")
    code, out = run "logs 1 --follow --timeout 0.5"
    assert.same({ 0, "" }, { code, out })
  end)

  it("knows itself: whoami, doctor, completion, --version, --help", function()
    local code, out = run "whoami"
    assert.equal(0, code)
    assert.truthy(out:find "an API key" and out:find "accepted")
    code, out = run "doctor"
    assert.equal(0, code)
    for _, name in ipairs { "Lua", "libcurl", "TLS", "lua%-cjson", "credential", "service" } do assert.truthy(out:find("ok +" .. name), out) end
    for _, name in ipairs { "bash", "zsh", "fish" } do
      code, out = run("completion " .. name)
      assert.equal(0, code)
      assert.truthy(out:find "rollback")
    end
    assert.equal(2, (run "completion tcsh"))
    code, out = run "--version"
    assert.same({ 0, "patchworks " .. patchworks._VERSION .. "\n" }, { code, out })
    assert.equal(0, (run "publish --help"))
  end)
end)

if terminal.missing then
  pending("patchworks in a terminal: " .. terminal.missing)
  return
end

describe("patchworks in a terminal", function()
  local function in_terminal(words, steps, before)
    steps[#steps + 1] = { "wait", "\0", 0.1 }
    return terminal.run(("env %s TERM=xterm PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s %s bin/patchworks %s"):format(before or "", server.url, server.key, lua, words), steps)
  end

  it("aligns and colours its tables, within COLUMNS, and not with NO_COLOR", function()
    server:populate { script = 1, versions = 2 }
    local answer = in_terminal("list 1", { { "wait", "Draft", 5 } })
    assert.truthy(answer.output:find "ID  VERSION  STATUS" and answer.output:find "\27%[33m")
    answer = in_terminal("list 1", { { "wait", "Draft", 5 } }, "NO_COLOR=1 COLUMNS=60")
    assert.is_nil(answer.output:find "\27%[3")
    for line in answer.output:gsub("\27%[K", ""):gmatch "[^\r\n]+" do assert.is_true((utf8.len(line) or 0) <= 62, line) end
  end)

  it("asks, and takes no for an answer", function()
    server:populate { script = 1, versions = 2 }
    local answer = in_terminal("delete 1", { { "wait", "[y/N]", 5 }, { "type", "n\n" }, { "wait", "nothing was done", 5 } })
    assert.equal(1, answer.code)
    answer = in_terminal("delete 1", { { "wait", "[y/N]", 5 }, { "type", "y\n" }, { "wait", "deleted", 5 } })
    assert.equal(0, answer.code)
    assert.equal(1, server:count "delete")
  end)

  it("ends with 130 on Ctrl-C, at once", function()
    server:latency(30)
    local answer = in_terminal("list 1", { { "interrupt" }, { "wait", "interrupted", 5 } })
    assert.equal(130, answer.code, answer.output)
    assert.is_true(answer.times[1] < 1)
    assert.is_nil(answer.output:find "traceback")
  end)

  it("ends a followed log with 130 on Ctrl-C", function()
    server:populate { script = 1, versions = 1 }
    local answer = in_terminal("logs 1 --follow", { { "wait", "following", 5 }, { "interrupt" }, { "wait", "interrupted", 5 } })
    assert.equal(130, answer.code)
  end)
end)

describe("patchworks sandbox", function()
  it("says how to reach it, and ends on Ctrl-C", function()
    local answer = terminal.run(lua .. " bin/patchworks sandbox --port 0", { { "wait", "Ctrl-C stops it", 10 }, { "interrupt" }, { "wait", "\0", 0.3 } })
    assert.truthy(answer.output:find "export PATCHWORKS_BASE_URL=http://127.0.0.1:%d+ PATCHWORKS_API_KEY=sandbox%-key")
    assert.truthy(answer.output:find "Example %(Python%)")
    assert.equal(0, answer.code)
  end)
end)
