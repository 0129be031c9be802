-- The sandbox as seen over a plain socket: none of the client's code is between.
local cjson = require "cjson"
local lua = require "spec.support.lua"
local raw = require "spec.support.raw"
local sandbox = require "patchworks.sandbox"
local wait_until = require "spec.support.wait_until"

local server

local function send(method, path, body, headers)
  if type(body) == "table" then body = cjson.encode(body) end
  local answer, problem = raw.request(server, { method = method, path = "/api/v1" .. path, body = body, headers = headers })
  if answer and (answer.headers["content-type"] or ""):find "json" then
    local ok, value = pcall(cjson.decode, answer.body)
    answer.json = ok and value or nil
  end
  return answer, problem
end

local function create(script, content)
  local answer = send("POST", ("/scripts/%d/script-versions"):format(script), { content = content })
  assert.equal(201, answer.status, answer.body)
  return answer.json.data.id // 1 | 0
end

local function version(id, query) return send("GET", ("/script-versions/%d%s"):format(id, query or "")).json.data end

local function deploy(id)
  assert.equal(200, send("POST", ("/script-versions/%d/deploy"):format(id)).status)
  return wait_until(function()
    local now = version(id)
    return now.deploying == cjson.null and now
  end)
end

local function invoke(id, body) return send("POST", ("/script-versions/%d/invoke"):format(id), body or { payload = "x" }) end

local function run(script, content, body)
  local id = create(script, content)
  local deployed = deploy(id)
  assert.equal("Deployed", deployed.status, tostring(deployed.deployment_failure_reason))
  return invoke(id, body), id
end

local function logs(id)
  local messages = {}
  for i, entry in ipairs(send("GET", ("/script-versions/%d/logs"):format(id)).json.data) do messages[i] = entry.message end
  return messages
end

before_each(function() server = assert(sandbox.start { deploy_seconds = 0 }) end)
after_each(function() server:close() end)

describe("the sandbox's door", function()
  it("lets its key and its tokens in, and nothing else", function()
    for _, wrong in ipairs { false, "wrong", "sandbox-ke", "sandbox-key2", "Bearer sandbox-key", "Bearer " } do
      local answer = send("GET", "/script-versions/1", nil, { Authorization = wrong })
      assert.equal(401, answer.status)
      assert.equal("Unauthenticated.", answer.json.message)
    end
    assert.equal(404, send("GET", "/script-versions/1").status)
    assert.equal(404, send("GET", "/script-versions/1", nil, { Authorization = "Bearer " .. server:token() }).status)
  end)

  it("gives a token for the user's name or e-mail and password, until it expires", function()
    local function login(body) return raw.request(server, { method = "POST", path = "/fabric/api/login", body = cjson.encode(body) }) end
    assert.equal(422, login({}).status)
    assert.equal(401, login({ username = server.username, password = "wrong" }).status)
    for _, name in ipairs { "username", "email" } do
      local answer = cjson.decode(login({ [name] = server.username, password = server.password }).body)
      assert.equal(86400, answer.expires_in)
      local headers = { Authorization = "Bearer " .. answer.token }
      assert.equal(404, send("GET", "/script-versions/1", nil, headers).status)
    end
    local headers = { Authorization = "Bearer " .. server:token() }
    server:advance(86401)
    assert.equal(401, send("GET", "/script-versions/1", nil, headers).status)
  end)

  it("answers errors with a page to those who don't ask for JSON", function()
    local answer = send("GET", "/script-versions/1", nil, { Accept = "text/html" })
    assert.equal(404, answer.status)
    assert.truthy(answer.headers["content-type"]:find "text/html")
    assert.truthy(answer.body:find "<h1>")
  end)

  it("knows its paths and methods", function()
    for _, path in ipairs { "/script-versions", "/script-versions/", "/script-versions/0", "/script-versions/7x", "/script-versions/07",
      "/script-versions/1.0", "/script-versions/1/undeploy", "/script-versions/99999999999999999999" } do
      assert.equal(404, send("GET", path).status, path)
    end
    local answer = send("PUT", "/script-versions/1", "{}")
    assert.equal(405, answer.status)
    assert.equal("GET, DELETE", answer.headers.allow)
  end)

  it("listens on loopback only", function() assert.truthy(server.url:find "^http://127%.0%.0%.1:%d+$") end)
end)

describe("the sandbox's create", function()
  it("gives 201 and a draft, with numbers of each script's own", function()
    local answer = send("POST", "/scripts/1/script-versions", { content = "x = 1" })
    assert.equal(201, answer.status)
    local data = answer.json.data
    assert.equal("Draft", data.status)
    assert.equal(1, data.version)
    assert.equal(1, data.script_id)
    assert.equal(cjson.null, data.deploying)
    assert.is_nil(data.content)
    assert.truthy(data.created_at:find "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%d%d%dZ$")
    assert.equal(2, version(create(1, "y = 2")).version)
    assert.equal(1, version(create(2, "y")).version)
  end)

  it("never uses a number or an id again", function()
    local first = create(1, "x")
    local second = create(1, "x")
    assert.equal(200, send("DELETE", "/script-versions/" .. second).status)
    local third = create(1, "x")
    assert.is_true(third > second and second > first)
    assert.equal(3, version(third).version)
  end)

  it("keeps the source's bytes", function()
    local source = 'a\0b\n\t"\\\\ \u{e9} \u{1F600} </script> \127'
    local id = create(1, source)
    local answer = send("GET", ("/script-versions/%d?include=content"):format(id))
    assert.equal(source, answer.json.data.content.content)
  end)

  it("refuses what the contract doesn't take, by the field's name", function()
    for body, field in pairs {
      ["{}"] = "content",
      ['{"content":""}'] = "content",
      ['{"content":null}'] = "content",
      ['{"content":7}'] = "content",
      ['{"content":"x","contnet":"y"}'] = "contnet",
    } do
      local answer = send("POST", "/scripts/1/script-versions", body)
      assert.equal(422, answer.status, body)
      assert.equal("string", type(answer.json.errors[field][1]), body)
    end
    assert.equal(404, send("POST", "/scripts/77/script-versions", '{"content":"x"}').status)
    assert.equal(400, send("POST", "/scripts/1/script-versions", '{"content":').status)
    assert.equal(400, send("POST", "/scripts/1/script-versions", '["content"]').status)
    assert.equal(400, send("POST", "/scripts/1/script-versions", '{"content":"x"}\0').status)
    assert.equal(415, send("POST", "/scripts/1/script-versions", '{"content":"x"}', { ["Content-Type"] = "text/plain" }).status)
    local most = ('{"content":"%s"}'):format(("x"):rep(8 * 1024 * 1024 - #'{"content":""}'))
    assert.equal(413, send("POST", "/scripts/1/script-versions", most .. " ").status)
    assert.equal(201, send("POST", "/scripts/1/script-versions", most).status)
    assert.equal(1, send("GET", "/scripts/1/script-versions").json.meta.total)
  end)
end)

describe("the sandbox's list", function()
  it("gives pages as Laravel does, newest first", function()
    server:populate { script = 1, versions = 37 }
    local answer = send("GET", "/scripts/1/script-versions?page=2&per_page=15").json
    local first = server.url .. "/api/v1/scripts/1/script-versions?page=1"
    assert.equal(15, #answer.data)
    assert.equal(22, answer.data[1].version)
    assert.same({ current_page = 2, from = 16, last_page = 3, path = server.url .. "/api/v1/scripts/1/script-versions", per_page = 15, to = 30, total = 37 }, answer.meta)
    assert.equal(first, answer.links.first)
    assert.equal(first, answer.links.prev)
    assert.truthy(answer.links.next:find "page=3$")
    local past = send("GET", "/scripts/1/script-versions?page=4").json
    assert.same({ 0, cjson.null, cjson.null }, { #past.data, past.meta.from, past.links.next })
    assert.equal(15, #send("GET", "/scripts/1/script-versions").json.data)
  end)

  it("filters and includes", function()
    local old, new = create(1, "x = 1"), create(1, "x = 2")
    local deployed_at = deploy(new).deployed_at
    local function ids(query)
      local list = {}
      for i, each in ipairs(send("GET", "/scripts/1/script-versions?" .. query).json.data) do list[i] = each.id // 1 | 0 end
      return list
    end
    assert.same({ new }, ids "filter%5Bis_deployed%5D=true")
    assert.same({ old }, ids "filter[is_deployed]=0")
    assert.same({ new, old }, ids "filter[is_deployed]=true,false")
    assert.same({ new }, ids("filter[deployed_at]=" .. deployed_at:sub(1, 10)))
    assert.same({}, ids "filter[deployed_at]=1999-01-01")
    local both = send("GET", "/scripts/1/script-versions?include=content,script").json.data
    assert.equal("x = 2", both[1].content.content)
    assert.equal("python", both[2].script.language)
  end)

  it("refuses what it doesn't know, or what is out of range", function()
    for query, field in pairs {
      ["page=0"] = "page",
      ["page=x"] = "page",
      ["per_page=0"] = "per_page",
      ["per_page=101"] = "per_page",
      ["include=versions"] = "include",
      ["filter[is_deployed]=maybe"] = "filter.is_deployed",
      ["filter[deployed_at]=%22"] = "filter.deployed_at",
      ["sort=id"] = "sort",
      ["page=%zz"] = "query",
      ["page"] = "query",
    } do
      local answer = send("GET", "/scripts/1/script-versions?" .. query)
      assert.equal(422, answer.status, query)
      assert.truthy(answer.json.errors[field], query)
    end
    assert.equal(404, send("GET", "/scripts/77/script-versions").status)
    assert.equal(422, send("GET", "/script-versions/1/logs?per_page=5").status)
  end)
end)

describe("the sandbox's deploy", function()
  it("takes its time, and the clock can be moved", function()
    server:close()
    server = assert(sandbox.start { deploy_seconds = 1000 })
    local id = create(1, "x = 1")
    local answer = send("POST", ("/script-versions/%d/deploy"):format(id))
    assert.equal("deploying", answer.json.data.deploying)
    assert.equal("Draft", answer.json.data.status)
    assert.equal(200, send("POST", ("/script-versions/%d/deploy"):format(id)).status)
    assert.equal(409, send("DELETE", "/script-versions/" .. id).status)
    server:advance(1001)
    wait_until(function() return version(id).status == "Deployed" end)
    assert.equal(cjson.null, version(id).deploying)
    assert.equal(200, send("DELETE", "/script-versions/" .. id).status)
  end)

  it("fails with the checker's words for each language, and says so until the next try is over", function()
    local good = { "x = 1", "let x = 1", "<?php $x = 1;", "x = 1" }
    for script = 1, 4 do
      local id = create(script, "def (((")
      if script == 3 then id = create(script, "<?php def (((") end
      local failed = deploy(id)
      assert.equal("Draft", failed.status)
      assert.truthy(failed.deployment_failure_reason:find "script%.%a+" , failed.deployment_failure_reason)
      assert.is_nil(failed.deployment_failure_reason:find("/tmp", 1, true))
      if script == 1 then assert.is_true(deploy(id).deployment_failed_at > failed.deployment_failed_at) end
      local fine = deploy(create(script, good[script]))
      assert.equal("Deployed", fine.status, tostring(fine.deployment_failure_reason))
      assert.equal(cjson.null, fine.deployment_failed_at)
    end
  end)

  it("leaves several versions deployed, and takes no body", function()
    local first, second = create(1, "x = 1"), create(1, "x = 2")
    local one, two = deploy(first), deploy(second)
    assert.equal("Deployed", version(first).status)
    assert.is_true(two.deployed_at > one.deployed_at)
    assert.equal(422, send("POST", ("/script-versions/%d/deploy"):format(first), "{}").status)
    assert.equal(404, send("POST", "/script-versions/99/deploy").status)
  end)
end)

describe("the sandbox's invoke", function()
  local echo = [[
import json, os
print("printed")
def handle(data):
    return {"payload": json.dumps([data, sorted(os.environ)]), "logs": ["one", "two"]}
]]

  it("calls the handler with the contract's data, and keeps its logs", function()
    local answer, id = run(1, echo, { payload = "p", variables = '{"a":"b"}', flow = { variables = '{"c":"d"}' } })
    assert.equal(200, answer.status, answer.body)
    local data, environment = table.unpack(cjson.decode(answer.json.payload))
    assert.equal("p", data.payload)
    assert.same({ a = "b" }, data.variables)
    assert.same({ variables = { c = "d" } }, data.flow)
    assert.equal("table", type(data.meta))
    assert.same({ "printed", "one", "two" }, logs(id))
    assert.is_nil(table.concat(environment, " "):find "PATCHWORKS")
    assert.truthy(version(id).last_invoked_on)
  end)

  it("takes null and missing fields, a string of flow, and PHP's empty list", function()
    local answer, id = run(1, echo, "{}")
    local data = cjson.decode(answer.json.payload)[1]
    assert.same({ cjson.null, {}, {} }, { data.payload, data.variables, data.flow.variables })
    answer = invoke(id, { variables = "[]", flow = '{"variables":{"x":"1"}}', payload = cjson.null })
    assert.equal("1", cjson.decode(answer.json.payload)[1].flow.variables.x)
  end)

  it("refuses what the contract doesn't take, and what is not deployed", function()
    local id = create(1, "x = 1")
    assert.equal(409, invoke(id).status)
    deploy(id)
    for body, field in pairs {
      ['{"payload":7}'] = "payload",
      ['{"payload":{}}'] = "payload",
      ['{"variables":{}}'] = "variables",
      ['{"variables":"[1]"}'] = "variables",
      ['{"variables":"{"}'] = "variables",
      ['{"flow":7}'] = "flow",
      ['{"flow":"x"}'] = "flow",
      ['{"flow":{"variables":{}}}'] = "flow.variables",
      ['{"flow":{"variables":"x"}}'] = "flow.variables",
      ['{"payloda":""}'] = "payloda",
    } do
      local answer = invoke(id, body)
      assert.equal(422, answer.status, body)
      assert.truthy(answer.json.errors[field], body .. answer.body)
    end
    assert.equal(404, send("POST", "/script-versions/99/invoke", "{}").status)
  end)

  it("says what a script raised, or that no object comes back, in each language", function()
    for script, source in ipairs {
      "def handle(data):\n  if data['payload'] == 'raise': raise ValueError('no luck')\n  return 'text'",
      "module.exports = async (data) => { if (data.payload == 'raise') throw new Error('no luck') }",
      "<?php function handle($data) { if ($data['payload'] == 'raise') throw new Exception('no luck'); return 7; }",
      "def handle(data) = (raise 'no luck' if data['payload'] == 'raise')",
    } do
      local answer, id = run(script, source)
      assert.equal("The handler returned no object.", answer.json.message)
      answer = invoke(id, { payload = "raise" })
      assert.equal(422, answer.status)
      assert.truthy(answer.json.message:find "no luck")
      assert.truthy(table.concat(logs(id)):find "no luck")
    end
  end)

  it("says when there is no handler, or no answer", function()
    for script, source in ipairs { "x = 1", "let x = 1", "<?php $x = 1;", "x = 1" } do
      local answer = run(script, source)
      assert.equal(422, answer.status)
      assert.truthy(answer.json.message:find "handle" or answer.json.message:find "module.exports")
    end
    assert.truthy(run(1, "import os\ndef handle(data): os._exit(3)").json.message:find "exit code 3")
  end)

  it("stops what runs too long, with all that it started", function()
    server:close()
    server = assert(sandbox.start { deploy_seconds = 0, invoke_seconds = 0.5 })
    local mark = "patchworks-left-behind-" .. os.time()
    local answer = run(1, ("import subprocess, time\ndef handle(data):\n    subprocess.Popen(['sh', '-c', 'sleep 60 # %s'])\n    time.sleep(60)"):format(mark))
    assert.equal(422, answer.status)
    assert.truthy(answer.json.message:find "longer than 0.5 seconds")
    wait_until(function()
      local pipe <close> = io.popen("ps -eo args")
      return not pipe:read("a"):find(mark, 1, true)
    end)
  end)

  it("kills what a script leaves behind, without waiting for it", function()
    local began = os.time()
    local answer = run(1, "import subprocess\ndef handle(data):\n    subprocess.Popen(['sleep', '61'])\n    return {}")
    assert.equal(200, answer.status)
    assert.is_true(os.time() - began < 30)
    wait_until(function()
      local pipe <close> = io.popen("ps -eo args")
      return not pipe:read("a"):find("sleep 61", 1, true)
    end)
  end)

  it("bounds memory and output", function()
    local answer = run(1, "def handle(data): return {'payload': len(bytearray(1 << 30))}")
    assert.equal(422, answer.status)
    assert.truthy(answer.json.message:find "MemoryError")
    answer = run(1, "def handle(data):\n    while True: print('x' * 65536)")
    assert.equal("The script wrote more than 8 MB and was stopped.", answer.json.message)
  end)

  it("runs scripts side by side", function()
    local id = create(1, "import time\ndef handle(data):\n    time.sleep(60)")
    deploy(id)
    local socket = require "socket"
    local held = assert(socket.connect("127.0.0.1", server.port))
    held:send(("POST /api/v1/script-versions/%d/invoke HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"):format(id, server.key))
    wait_until(function() return server:count "invoke" == 1 end)
    assert.equal(id, version(id).id)
    local began = socket.gettime()
    server:close() -- and doesn't wait for it
    assert.is_true(socket.gettime() - began < 5)
    held:close()
  end)
end)

describe("the sandbox's upload", function()
  it("needs a token", function()
    local id = create(1, "x")
    local path = ("/script-versions/%d/upload"):format(id)
    assert.equal(403, send("POST", path, '{"private":"true"}').status)
    local headers = { Authorization = "Bearer " .. server:token() }
    assert.equal(200, send("POST", path, '{"private":"true"}', headers).status)
    assert.equal(422, send("POST", path, '{"private":true}', headers).status)
    assert.equal(422, send("POST", path, '{"private":"yes"}', headers).status)
    assert.equal(422, send("POST", path, '{"publci":"true"}', headers).status)
    assert.equal(404, send("POST", "/script-versions/99/upload", '{"private":"true"}', headers).status)
  end)
end)

describe("the sandbox's logs", function()
  it("come oldest first, a hundred a page", function()
    local id = create(1, "x")
    for i = 1, 205 do server:log(id, "entry " .. i) end
    local first = send("GET", ("/script-versions/%d/logs"):format(id)).json
    local last = send("GET", ("/script-versions/%d/logs?page=3"):format(id)).json
    assert.equal("entry 1", first.data[1].message)
    assert.equal(3, first.meta.last_page)
    assert.same({ 5, "entry 205" }, { #last.data, last.data[5].message })
    send("DELETE", "/script-versions/" .. id)
    assert.equal(404, send("GET", ("/script-versions/%d/logs"):format(id)).status)
  end)
end)

describe("the sandbox's rate limit", function()
  it("answers 429 with the time to wait, on its own clock", function()
    server:close()
    server = assert(sandbox.start { rate_limit = 3 })
    for left = 2, 0, -1 do
      local answer = send("GET", "/script-versions/1")
      assert.same({ 404, "3", tostring(left) }, { answer.status, answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"] })
    end
    local refused = send("GET", "/script-versions/1")
    assert.equal(429, refused.status)
    assert.equal("Too Many Attempts.", refused.json.message)
    assert.is_true(tonumber(refused.headers["retry-after"]) <= 60)
    assert.is_true(tonumber(refused.headers["x-ratelimit-reset"]) >= os.time())
    server:advance(61)
    assert.equal(404, send("GET", "/script-versions/1").status)
  end)
end)

describe("the sandbox's failures on demand", function()
  local function total() return send("GET", "/scripts/1/script-versions").json.meta.total end
  local function try() return send("POST", "/scripts/1/script-versions", { content = "x" }) end

  it("come as asked, as often as asked, to the operation asked for", function()
    server:fail { operation = "create", how = "status", status = 503, retry_after = 7, times = 2 }
    assert.equal(200, send("GET", "/scripts/1/script-versions").status)
    local answer = try()
    assert.same({ 503, "7" }, { answer.status, answer.headers["retry-after"] })
    assert.equal(1, server:faults_left())
    try()
    assert.equal(201, try().status)
    server:fail { how = "status", status = 502, body = "<html>Bad Gateway</html>", every = 2, times = math.huge }
    assert.equal(200, send("GET", "/scripts/1/script-versions").status)
    answer = send("GET", "/scripts/1/script-versions")
    assert.same({ 502, "<html>Bad Gateway</html>" }, { answer.status, answer.body })
    server:clear_faults()
    assert.equal(1, total())
  end)

  it("drop before and after the work", function()
    server:fail { operation = "create", how = "drop_before" }
    assert.is_nil(try())
    assert.equal(0, total())
    server:fail { operation = "create", how = "drop_after" }
    assert.is_nil(try())
    assert.equal(1, total())
  end)

  it("cut and spoil answers", function()
    server:fail { operation = "create", how = "truncate" }
    local answer = try()
    assert.equal("closed", answer.cut)
    assert.equal(tonumber(answer.headers["content-length"]) // 2, #answer.body)
    server:fail { operation = "create", how = "garbage" }
    answer = try()
    assert.same({ 200, nil }, { answer.status, answer.json })
    assert.equal(2, total())
  end)

  it("answer late", function()
    local socket = require "socket"
    server:fail { operation = "create", how = "slow", seconds = 0.3 }
    local began = socket.gettime()
    assert.equal(201, try().status)
    assert.is_true(socket.gettime() - began >= 0.3)
    server:latency(0.2)
    began = socket.gettime()
    total()
    assert.is_true(socket.gettime() - began >= 0.2)
  end)
end)

describe("the sandbox's journal", function()
  it("has every request as it came", function()
    send("POST", "/scripts/1/script-versions?x=%31", { content = "x" }, { ["X-Trace"] = "abc" })
    local entry = server:requests()[1]
    assert.same({ "POST", "/api/v1/scripts/1/script-versions", "x=%31", "create", 422, "key", "abc" }, {
      entry.method, entry.path, entry.query, entry.operation, entry.status, entry.authorization, entry.headers["x-trace"],
    })
    assert.equal('{"content":"x"}', entry.body)
    assert.is_true(math.abs(entry.at - server:now()) < 60)
    assert.equal(1, server:count "create")
    server:forget_requests()
    assert.equal(0, server:count())
  end)
end)

describe("the sandbox's Lua face", function()
  it("says what it expected at the caller's line", function()
    local function problem(fn, ...)
      local ok, message = pcall(fn, ...)
      assert.is_false(ok)
      assert.truthy(message:find "^%S*sandbox_spec%.lua:%d+: ", message)
      return message
    end
    assert.truthy(problem(function() sandbox.start { prot = 1 } end):find "prot")
    assert.truthy(problem(function() sandbox.start { port = 70000 } end):find "65535")
    assert.truthy(problem(function() server:fail { how = "explode" } end):find "drop_after")
    assert.truthy(problem(function() server:fail { how = "status", operation = "craete" } end):find "craete")
    assert.truthy(problem(function() server:create_script { name = "x", language = "cobol" } end):find "python")
    assert.truthy(problem(function() server:populate { script = 99 } end):find "99")
  end)

  it("makes scripts, and closes twice", function()
    local made = server:create_script { name = "Orders", language = "ruby" }
    assert.equal(8, made.id)
    assert.same(made, server:scripts()[8])
    assert.equal("Orders", send("GET", "/script-versions/" .. create(8, "x") .. "?include=script").json.data.script.name)
    server:close()
    server:close()
    assert.has_error(function() server:scripts() end)
  end)

  it("says when the port is taken or the file can't be used", function()
    local _, problem = sandbox.start { port = server.port }
    assert.truthy(problem:find("can't listen on 127.0.0.1:" .. server.port, 1, true))
    _, problem = sandbox.start { data = "/nowhere/at/all.db" }
    assert.truthy(problem:find "/nowhere/at/all.db")
  end)
end)

describe("the sandbox's file", function()
  local file
  before_each(function() file = os.tmpname() end)
  after_each(function()
    for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(file .. suffix) end
  end)

  it("holds all state over a restart, deployments under way included", function()
    server:close()
    server = assert(sandbox.start { data = file, deploy_seconds = 50 })
    local made = server:create_script { name = "Kept", language = "python" }
    local id = create(made.id, "x = 1")
    send("POST", ("/script-versions/%d/deploy"):format(id))
    server:log(id, "kept")
    server:advance(5000)
    local token, clock = server:token(), server:now()
    local _, problem = sandbox.start { data = file }
    assert.truthy(problem:find "in use by another sandbox")
    server:close()
    server = assert(sandbox.start { data = file })
    assert.is_true(server:now() >= clock)
    assert.same({ "kept" }, logs(id))
    assert.equal("Kept", server:scripts()[8].name)
    assert.equal(200, send("GET", "/script-versions/" .. id, nil, { Authorization = "Bearer " .. token }).status)
    server:advance(60)
    wait_until(function() return version(id).status == "Deployed" end)
  end)

  it("holds every create that was answered, when the process is killed in the middle of 200", function()
    server:close()
    local program = ([[
      local server = assert(require("patchworks.sandbox").start { data = %q })
      print(server.port)
      io.stdout:flush()
      while true do require("socket").sleep(10) end
    ]]):format(file)
    local script = os.tmpname()
    local out <close> = io.open(script, "w")
    out:write(program)
    out:flush()
    local child <close> = io.popen(("exec %s %s & echo $!; wait"):format(lua, script))
    local pid = child:read "n"
    server = { key = "sandbox-key", port = child:read "n", close = function() end }
    local answered = {}
    for i = 1, 200 do
      if i == 100 then os.execute(("(sleep 0.005; kill -9 %d) &"):format(pid)) end
      local answer = send("POST", "/scripts/1/script-versions", { content = "version " .. i })
      if not answer then break end
      answered[#answered + 1] = answer.json.data.id
    end
    assert.is_true(#answered >= 99 and #answered < 200)
    os.remove(script)
    server = assert(sandbox.start { data = file })
    local number = #answered
    local there = {}
    for page = 1, 3 do
      for _, each in ipairs(send("GET", ("/scripts/1/script-versions?per_page=100&page=%d"):format(page)).json.data) do
        there[each.id] = true
      end
    end
    for _, id in ipairs(answered) do assert.is_true(there[id]) end
    -- At most the one that was under way may be there beside them.
    assert.is_true(send("GET", "/scripts/1/script-versions").json.meta.total - number <= 1)
    assert.is_true(create(1, "goes on") > answered[number])
  end)
end)
