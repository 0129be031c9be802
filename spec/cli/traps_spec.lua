-- What a release tool must never do: look fine when it isn't. Each of these did.
local cjson = require "cjson"
local commands = require "spec.support.commands"
local runner = require "patchworks.runner"
local sandbox = require "patchworks.sandbox"

local state = commands.setup(before_each, after_each)
local run, write, lines = state.run, state.write, commands.lines

local function last_object(out)
  local all = lines(out)
  return cjson.decode(all[#all])
end

describe("standard streams", function()
  it("that are closed are an error, never an empty payload or a socket's number", function()
    local file = write("x.py", commands.upper)
    local code, out, err = run(("publish 1 %s --payload-file -"):format(file), { last = "<&-" })
    assert.same({ 2, "" }, { code, out }, err)
    assert.truthy(err:find "standard input is closed", err)
    assert.equal(0, state.server:count "create")
    state.server:populate { script = 1, versions = 3 }
    code, out, err = run("list 1", { last = ">&-" })
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find "standard output is closed", err)
    assert.equal(1, (run("list 1", { last = ">&- 2>&-" })))
    assert.equal(0, (run("list 1", { last = "2>&-" })))
    for _, request in ipairs(state.server:requests()) do assert.equal("GET", request.method) end
  end)

  it("are read once: source and payload can't both come from there", function()
    local source = write("x.py", commands.upper)
    local code, _, err = run("publish 1 - --payload-file -", { input = source })
    assert.equal(2, code)
    assert.truthy(err:find "can't be read twice", err)
    assert.same({}, state.server:requests())
  end)
end)

describe("with --json", function()
  it("every command that fails gives an object with kind and outcome, and the exit code", function()
    local file = write("bad.py", "def (")
    for words, expected in pairs {
      ["show 999"] = { "not_found", 1 },
      ["show x"] = { "usage", 2 },
      ["list 1 --limit 0"] = { "usage", 2 },
      ["frobnicate"] = { "usage", 2 },
      ["delete 999"] = { "not_found", 1 },
      ["prune 1"] = { "usage", 2 },
      ["create 1 /nowhere.py"] = { "file", 2 },
      ["publish 1 " .. file .. " --expect-file /nowhere.txt"] = { "file", 2 },
      ["plan /nowhere.lua"] = { "file", 2 },
      ["plan " .. write("none.lua", "return { scripts = 7 }")] = { "file", 2 },
      ["apply " .. write("id.lua", "return { scripts = { { id = 0 } } }") .. " --yes"] = { "file", 2 },
      ["plan --out /nowhere/plan " .. write("m.lua", "return { scripts = { { id = 1, content = 'x' } } }")] = { "file", 2 },
      ["rollback 1"] = { nil, 1 },
      ["publish 1 " .. file .. " --interval 0.02"] = { "deployment_failed", 3 },
      ["list 1 --base-url http://127.0.0.1:1"] = { "network", 1 },
    } do
      local code, out, err = run(words .. " --json")
      assert.equal(expected[2], code, words .. err)
      local object = last_object(out)
      assert.same({ 1, "error", code, "none" }, { object.v, object.type, object.exit_code, object.outcome }, words)
      if expected[1] then assert.equal(expected[1], object.kind, words) end
      assert.equal("string", type(object.message))
      assert.truthy(#err > 10)
    end
    local object = last_object(select(2, run("publish 1 " .. file .. " --interval 0.02 --json")))
    assert.equal("deploy", object.stage)
  end)

  it("every command that works gives objects, and ids are integers everywhere", function()
    local file = write("x.py", commands.upper)
    for _, words in ipairs { "create 1 " .. file .. " --dry-run", "create 1 " .. file, "deploy 1 --dry-run", "deploy 1 --wait --interval 0.02",
      "deploy 1", "list 1", "show 1", "invoke 1 --payload a", "logs 1", "publish 1 " .. file, "prune 1 --keep 1 --yes",
      "delete 1 --dry-run", "delete 1 --yes", "whoami", "doctor" } do
      local code, out, err = run(words .. " --json")
      assert.equal(0, code, words .. err)
      assert.truthy(#lines(out) > 0, words)
      for _, line in ipairs(lines(out)) do
        local object = cjson.decode(line)
        assert.equal(1, object.v, words)
        for _, name in ipairs { "id", "script", "script_id" } do
          if object[name] then assert.is_nil(line:find('"' .. name .. '":"', 1, true), line) end
        end
      end
    end
  end)
end)

describe("a script's name", function()
  local function project()
    write("patchworks.project.lua", ([[return {
      scripts = { orders = { file = "orders.py" } },
      environments = { here = { base_url = %q, scripts = { orders = 1 } } },
    }]]):format(state.server.url))
    return write("orders.py", commands.upper)
  end

  it("means its live version wherever a version is taken", function()
    local file = project()
    assert.equal(1, (state.inside "show orders"))
    assert.truthy(select(3, state.inside "show orders"):find "nothing of orders")
    assert.equal(0, (state.inside(("publish orders %s --interval 0.02"):format(file))))
    assert.equal(0, (state.inside(("create orders %s"):format(write("b.py", commands.lower)))))
    for _, words in ipairs { "show orders", "deploy orders --wait --interval 0.02", "upload orders --dry-run", "delete orders --dry-run", "logs orders" } do
      local code, out, err = state.inside(words)
      assert.equal(0, code, words .. err)
      assert.is_nil((out .. err):find "version 2", words)
    end
    assert.equal("HI\n", select(2, state.inside "invoke orders --payload hi"))
    assert.equal(commands.upper, select(2, state.inside "show orders --content"))
  end)

  it("stands in a list that says which version is LIVE", function()
    state.server:populate { script = 1, versions = 3 }
    for _, id in ipairs { 1, 3, 2 } do assert.equal(0, (run(("deploy %d --wait --interval 0.02"):format(id)))) end
    local out = select(2, run "list 1")
    assert.same({ "2" }, { out:match "(%d+)\t%d+\t[^\t]*\tLIVE" })
    assert.equal(1, select(2, out:gsub("LIVE", "")))
    local live = {}
    for _, line in ipairs(lines(select(2, run "list 1 --json"))) do
      local object = cjson.decode(line)
      if object.live then live[#live + 1] = object.id end
    end
    assert.same({ 2 }, live)
  end)
end)

describe("a script's id", function()
  local function project()
    write("patchworks.project.lua", ([[return {
      scripts = { orders = { file = "orders.py", keep = 9 } },
      environments = { here = { base_url = %q, scripts = { orders = 1 } } },
    }]]):format(state.server.url))
    return write("orders.py", commands.upper)
  end

  -- Says how it ended, and what it said.
  local function told(words)
    local code, out, err = state.inside(words)
    return code, out .. err
  end

  it("means the project's script: nothing of a colleague's is lost, and what was published is the folder's own", function()
    local file = project()
    assert.equal(0, (told "publish orders --interval 0.02"))
    assert.equal(0, (run(("publish 1 %s --interval 0.02"):format(write("theirs.py", commands.lower)))))
    write("orders.py", commands.upper .. "# more\n")
    for _, words in ipairs { "publish 1 " .. file, "publish 1", "rollback 1 --yes", "apply --only 1 --yes" } do
      local code, said = told(words)
      assert.equal(1, code, words .. said)
      assert.truthy(said:find("somebody else made version 2", 1, true), words .. said)
    end
    assert.equal(2, state.server:count "deploy")
    assert.equal(0, (told(("publish 1 %s --interval 0.02 --over 2"):format(file))))
    write("orders.py", commands.upper .. "# more still\n")
    assert.equal(0, (told "publish 1 --interval 0.02")) -- its own file, where none is given
    write("orders.py", commands.upper .. "# the last\n")
    local code, said = told "publish orders --interval 0.02"
    assert.equal(0, code, said)
    for _, words in ipairs { "status 1", "diff 1", "pull 1", "history 1" } do
      code, said = told(words)
      assert.equal(0, code, words .. said)
    end
  end)

  it("is an id alone where the project has no such script", function()
    project()
    local id = state.server:create_script { name = "other", language = "python" }.id
    local code, said = told("publish " .. id)
    assert.equal(2, code)
    assert.truthy(said:find("FILE is missing", 1, true), said)
    local file = write("other.py", commands.lower)
    code, said = told(("publish %d %s --interval 0.02"):format(id, file))
    assert.equal(0, code, said)
    code, said = told(("publish %d %s --over 1"):format(id, file))
    assert.equal(2, code)
    assert.truthy(said:find("--over goes with a script of the project", 1, true), said)
  end)
end)

describe("invoke", function()
  it("asks before a version that isn't deployed, which it may make live", function()
    local file = write("x.py", commands.upper)
    assert.equal(0, (run("create 1 " .. file)))
    local code, _, err = run "invoke 1 --payload a"
    assert.equal(2, code)
    assert.truthy(err:find "may deploy it and make it live" and err:find "%-%-yes", err)
    assert.equal(0, state.server:count "invoke")
    run "invoke 1 --payload a --yes"
    assert.equal(1, state.server:count "invoke")
  end)
end)

describe("logs", function()
  it("--limit gives the newest entries, the newest last, whatever the page", function()
    state.server:populate { script = 1, versions = 1 }
    for i = 1, 230 do state.server:log(1, "entry " .. i) end
    local all = lines(select(2, run "logs 1"))
    assert.equal(230, #all)
    local newest = {}
    for i, line in ipairs(lines(select(2, run "logs 1 --limit 3"))) do newest[i] = line:match "\t(.*)$" end
    assert.same({ "entry 228", "entry 229", "entry 230" }, newest)
    assert.equal(120, #lines(select(2, run "logs 1 --limit 120")))
    assert.equal(230, #lines(select(2, run "logs 1 --limit 500")))
  end)

  it("keep entries of several lines in their column", function()
    state.server:populate { script = 1, versions = 1 }
    state.server:log(1, "first\nsecond\r\n\nthird\n")
    local out = select(2, run "logs 1")
    assert.truthy(out:find "^%S+\tfirst\n\tsecond\n\tthird\n$", out)
  end)
end)

describe("doctor", function()
  local function names_of_failed(out)
    local failed = {}
    for line in out:gmatch "[^\n]+" do
      local object = cjson.decode(line)
      if object.type == "check" and not object.ok then failed[#failed + 1] = object.name end
    end
    return failed
  end

  -- Without interpreters in PATH none is asked which packages it has, which takes its time.
  local function doctor()
    local environment = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s PATH=/nonexistent"):format(state.server.url, state.server.key)
    return state.inside("doctor --json", { environment = environment })
  end

  it("knows the service from a web server, from what isn't there, and from what lets everybody in", function()
    local pages <close> = assert(sandbox.start())
    pages:fail { how = "status", status = 404, body = "<h1>Not Found</h1>", times = math.huge }
    local open <close> = assert(sandbox.start())
    open:fail { how = "status", status = 404, body = '{"message":"no"}', times = math.huge }
    for _, url in ipairs { pages.url, open.url, "http://127.0.0.1:1", "http://no-such-host.invalid" } do
      local words = "doctor --json --base-url " .. url
      if url:find "invalid" then words = "doctor --json --base-url https://no-such-host.invalid" end
      local code, out = run(words, { environment = "PATCHWORKS_API_KEY=k PATH=/nonexistent" })
      assert.equal(1, code, url)
      assert.same({ "service" }, names_of_failed(out), url)
    end
    local code, out = run("whoami --base-url " .. pages.url, { environment = "PATCHWORKS_API_KEY=k" })
    assert.equal(1, code)
    assert.is_nil(out:find "not accepted", out)
  end)

  it("checks the project's file, and the interpreters that its scripts need", function()
    write("patchworks.project.lua", "return { scripts = { orders = { file = 'orders.py' } } }")
    write("node_modules/xml-js/index.js", "module.exports = 1")
    local code, out = state.inside "doctor --json"
    assert.same({ 1, { "project" } }, { code, names_of_failed(out) })
    local here = out:match "of what the platform has: ([^;]*) here"
    assert.equal(runner.find "javascript" ~= nil, here:find("xml-js", 1, true) ~= nil, out)
    write("orders.py", commands.upper)
    assert.equal(0, (doctor()))
    write("patchworks.project.lua", "return { scripts = { orders = { file = 'orders.py', language = 'python2.5' } } }")
    code, out = doctor()
    assert.same({ 1, { "Python" } }, { code, names_of_failed(out) })
    assert.matches("orders needs it: there is no Python 2.5 on this machine", out, 1, true)
    write("patchworks.project.lua", "return {")
    code, out = doctor()
    assert.same({ 1, { "project" } }, { code, names_of_failed(out) })
  end)
end)

describe("words", function()
  it("are the command line's: no library, no place in a file, and the command's own usage", function()
    local environment = "PATCHWORKS_BASE_URL=" .. state.server.url
    for words, expected in pairs {
      ["list 1"] = "no credential for",
      ["list 1 --limit x"] = "--limit: expected a whole number",
      ["list 1 --timeout 5"] = "unknown option",
      ["invoke 1 --variable x"] = "--variable: expected NAME=VALUE",
      ["list 1 --base-url ftp://x"] = "--base-url: expected a URL",
    } do
      local code, _, err = run(words, { environment = environment })
      assert.equal(2, code, words)
      assert.truthy(err:find(expected, 1, true), err)
      for _, word in ipairs { "`api_key`", "%.lua:%d", "bin/patchworks:%d", "traceback", "malformed" } do assert.is_nil(err:find(word), err) end
      if words:find "limit" or words:find "timeout" then assert.truthy(err:find "Usage: patchworks list", err) end
    end
  end)
end)

