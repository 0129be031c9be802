-- What a prompt is made of: lines and their locals, completion, commands for curl, what may be kept.
local chunk = require "patchworks.repl.chunk"
local complete = require "patchworks.repl.complete"
local curl = require "patchworks.repl.curl"
local help = require "patchworks.repl.help"
local histories = require "patchworks.repl.history"
local patchworks = require "patchworks"
local reference = require "patchworks.reference"
local sandbox = require "patchworks.sandbox"
local sessions = require "patchworks.repl.session"

describe("lines at a prompt", function()
  local globals, scope
  before_each(function()
    globals = setmetatable({}, { __index = _G })
    scope = chunk.session(globals)
  end)

  local function run(text)
    local compiled, problem = chunk.compile(scope, text)
    return assert(compiled, problem)()
  end

  it("keep their locals for the lines that follow, functions and all", function()
    run "local a, b <const>, c = 1, 2"
    run "local function add() a = a + b return a end"
    assert.equal(3, run "add()")
    assert.equal(3, run "a")
    run "local a"
    assert.is_nil(rawget(globals, "a"))
    run "kept = 7"
    assert.equal(7, rawget(globals, "kept"))
  end)

  it("leave the locals of inner blocks, strings and comments alone", function()
    run [=[for i = 1, 2 do local inner = i end local text = "local x = 1" -- local y = 2]=]
    run [=[if text then local one = 1 elseif text then local two = 2 end repeat local three = 3 until three
      local long = [==[ local z = 1 ]] ]==] local t = { f = function() local four = 4 return four end }]=]
    assert.same({ "local x = 1", " local z = 1 ]] ", 4 }, { run "text", run "long", run "t.f()" })
    for _, name in ipairs { "inner", "x", "y", "one", "two", "three", "z", "four" } do assert.is_nil(run(name), name) end
  end)

  it("are whole, or not yet, or wrong", function()
    for _, text in ipairs { "function f(", "for i = 1, 2 do", "x = {", "local s = [[" } do
      assert.is_true((select(3, chunk.compile(scope, text))), text)
    end
    local compiled, problem, open = chunk.compile(scope, "x y")
    assert.same({ false, "syntax error near 'y'", false }, { compiled or false, problem, open or false })
  end)
end)

describe("completion", function()
  local server <const> = assert(sandbox.start())
  server:populate { script = 1, versions = 3 }
  local client = server:client()
  teardown(function()
    client:close()
    server:close()
  end)
  local session = sessions.new(client, { server = server, scripts = { orders = 42 }, on_call = function() end })
  local environment = setmetatable({
    client = client,
    versions = client.script_versions,
    patchworks = patchworks,
    v = client.script_versions:get(1),
  }, { __index = _G })

  local function offers(text)
    local list, from = complete.candidates(session, environment, text)
    return table.concat(list, " "), text:sub(from)
  end

  it("offers what may stand there", function()
    for text, expected in pairs {
      ["versions:deploy"] = "deploy deploy_and_wait",
      ["client.script_versions:roll"] = "rollback",
      ["v.dep"] = "deployed_at deploying deployment_failed_at deployment_failure_reason",
      ["v:ref"] = "refresh",
      ["x = versions:get(7, { inc"] = "include",
      ["versions:list(1, { filter = { "] = "deployed_at is_deployed",
      ["versions:get(1, { include = { \"content\", \"s"] = "script",
      ["versions:publish(1, { test = { pay"] = "payload",
      ["patchworks.map(ids, f, { "] = "concurrency stop_on_error",
      ["client:request(\"GE"] = "GET",
      ["require \"patchworks.loop."] = "patchworks.loop.cqueues patchworks.loop.luv",
      ["help \"retr"] = "retry",
      ["versions:list("] = "42 7 6 5 4 3 2 1 scripts.orders",
      ["for i, v in ipa"] = "ipairs",
    } do
      assert.equal(expected, (offers(text)), text)
    end
  end)

  it("offers ids that were seen, and asks the service for them once", function()
    session.versions_seen, session.asked_for_ids = {}, nil
    server:forget_requests()
    assert.equal("3 2 1", (offers "versions:get("))
    local asked = server:count "list"
    assert.is_true(asked > 0 and asked <= 5)
    assert.equal("2", (offers "versions:deploy(2"))
    assert.equal(asked, server:count "list")
  end)
end)

describe("a prompt's own names", function()
  it("have help for every public method, by its function and by its name", function()
    local client <close> = patchworks.new { base_url = "http://127.0.0.1:1", api_key = "k" }
    local versions = client.script_versions
    for _, method in ipairs(reference.object("script_versions").methods) do
      local page = table.concat(help.of(versions[method.name]), "\n")
      assert.matches("versions:" .. method.name, page, 1, true)
      for _, option in ipairs(method.options) do assert.matches(option[1], page, 1, true) end
      assert.equal(page, table.concat(help.of(method.name), "\n"))
    end
    assert.matches("did you mean publish?", help.of("publsh")[1], 1, true)
    assert.matches("patchworks.map(items, fn, options)", help.of(patchworks.map)[1], 1, true)
  end)

  it("turn a call into a curl command without its credential", function()
    local server <close> = assert(sandbox.start())
    local client <close> = server:client()
    local last
    sessions.new(client, { server = server, on_call = function(call) last = call end })
    local made = assert(client.script_versions:create(1, { content = "def handle(data): return {'payload': 'it'}" }))
    assert.equal(1, #last.attempts)
    local command = curl.command(last, client._auth.kind):gsub("%$PATCHWORKS_API_KEY", server.key)
    local pipe <close> = io.popen(command .. " --silent")
    local id = math.tointeger(tonumber((pipe:read "a"):match '"id":%s*(%d+)'))
    assert.equal(made.id + 1, id)
  end)

  it("keep no line that holds a secret", function()
    for _, line in ipairs { "patchworks.new { api_key = 'x' }", "t = TOKEN", "local password = 1", "'Bearer x'" } do
      assert.is_false(histories.may_keep(line), line)
    end
    assert.is_true(histories.may_keep "versions:get(7)")
  end)
end)

describe("an object at a prompt", function()
  local present = require "patchworks.repl.present"

  local function shown(value)
    local lines = {}
    for line in present.feed(value) do lines[#lines + 1] = line end
    return table.concat(lines, "\n")
  end

  it("is a card of its methods, as the reference has them", function()
    local server <close> = assert(sandbox.start())
    local client <close> = server:client()
    local card = shown(client.script_versions)
    assert.matches("^versions\n  The operations on script versions", card)
    for _, method in ipairs(reference.object("script_versions").methods) do
      assert.truthy(card:find("\n  " .. reference.signature(method) .. "\n", 1, true), method.name)
    end
    assert.matches("help \"versions:%a+\" says all of one$", card)
    assert.matches("patchworks.new%(options%)", shown(patchworks))
    assert.equal(tostring(client), shown(client))
    assert.equal("{ a = 1 }", shown { a = 1 })
    assert.equal("{}", shown {})
  end)

  it("shows what would steer a terminal, in one line, of any encoding of it", function()
    local screen = require "patchworks.terminal"
    assert.equal("a\\x1b[2Jb\\x9bc  d\\ne\\x7f\\x00é", screen.clean "a\27[2Jb\xc2\x9bc\td\ne\127\0é")
    assert.equal("one\ttwo\n", screen.visible "one\ttwo\n")
    assert.same({ "ab…", "éé", "x  " }, { screen.clip("abcd", 3), screen.clip("éé", 2), screen.pad("x", 3) })
  end)
end)
