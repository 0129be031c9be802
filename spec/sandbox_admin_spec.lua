-- The admin's interface: over HTTP as any language sees it, and the Lua methods that are the same.
local cjson = require "cjson"
local raw = require "spec.support.raw"
local sandbox = require "patchworks.sandbox"

local server

local function send(method, path, body, headers)
  local given = { Authorization = "Bearer " .. server.admin_token, Host = "127.0.0.1:" .. server.port }
  for name, value in pairs(headers or {}) do given[name] = value end
  if type(body) == "table" then body = cjson.encode(body) end
  local answer = assert(raw.request(server, { method = method, path = path, body = body, headers = given }))
  local ok, value = pcall(cjson.decode, answer.body)
  answer.json = ok and value or nil
  return answer
end

local function admin(method, path, body, headers) return send(method, "/_sandbox/" .. path, body, headers) end

local orders = { id = 42, name = "Orders", language = "python", versions = { { id = 7, content = "def handle(data): return data", status = "Deployed", logs = { "one", "two" } }, { content = "x" } } }

before_each(function() server = assert(sandbox.start { deploy_seconds = 0 }) end)
after_each(function() server:close() end)

describe("the admin's interface", function()
  it("is documented by itself: what the document names is there, and nothing else is", function()
    local document = admin("GET", "openapi.json", nil, { Authorization = false }).json
    assert.equal("3.0.3", document.openapi)
    local names = 0
    for path, methods in pairs(document.paths) do
      for method, operation in pairs(methods) do
        names = names + 1
        assert.is_string(operation.summary)
        local own = (path:gsub("{name}", "none"):gsub("{id}", "1"))
        if not path:find "events" and not path:find "wait" then
          local status = send(method:upper(), own, method ~= "get" and "{}" or nil).status
          assert.is_true(status ~= 405 and (status ~= 404 or path:find "restore" ~= nil or path:find "populate" ~= nil or path:find "versions" ~= nil), path)
        end
        assert.equal(path:find "openapi" and 200 or 401, send(method:upper(), own, nil, { Authorization = "Bearer wrong" }).status)
      end
    end
    assert.equal(26, names)
    assert.equal(404, admin("GET", "nothing").status)
    assert.equal(405, admin("PATCH", "faults").status)
  end)

  it("asks for its own token: neither the key nor a login's", function()
    for _, wrong in ipairs { false, server.key, "Bearer " .. server.key, "Bearer " .. server:token(), "Bearer " } do
      assert.equal(401, admin("GET", "status", nil, { Authorization = wrong }).status)
    end
    local other <close> = assert(sandbox.start())
    assert.is_true(other.admin_token ~= server.admin_token and #server.admin_token == 40)
  end)

  it("serves browsers under this machine's name and from its own page alone, the API too", function()
    local own = "http://127.0.0.1:" .. server.port
    for _, case in ipairs {
      { 200, {} },
      { 200, { Host = "localhost:1" } },
      { 200, { Origin = own } },
      { 200, { ["Sec-Fetch-Site"] = "same-origin" } },
      { 403, { Host = "rebound.example:8787" } },
      { 403, { Host = "127.0.0.1.example" } },
      { 403, { Host = false } },
      { 403, { Origin = "https://evil.example" } },
      { 403, { Origin = "null" } },
      { 403, { Origin = "http://127.0.0.1:1" } },
      { 403, { ["Sec-Fetch-Site"] = "cross-site" } },
    } do
      local expected, headers = case[1], case[2]
      if headers.Host ~= false then assert.equal(expected, admin("GET", "status", nil, headers).status) end
      headers.Authorization = server.key
      local api = send("GET", "/api/v1/scripts/1/script-versions", nil, headers)
      local of_browser = headers.Origin or headers["Sec-Fetch-Site"]
      if headers.Host ~= false then assert.equal(of_browser and expected or 200, api.status) end
    end
  end)

  it("is neither remembered, nor slow, nor faulty", function()
    server:latency(30)
    server:fail { how = "status", times = math.huge }
    assert.equal(200, admin("GET", "status").status)
    assert.equal(0, server:count())
  end)

  it("adds scripts and versions with the ids that are wanted", function()
    assert.equal(200, admin("POST", "seed", { scripts = { orders } }).status)
    local client <close> = server:client()
    assert.equal("Deployed", client.script_versions:get(7).status)
    assert.equal("def handle(data): return data", client.script_versions:get(7, { include = { "content" } }).content.content)
    assert.equal(2, client.script_versions:logs(7):count())
    assert.equal("x", client.script_versions:invoke(7, { payload = "x" }).payload)
    assert.equal(8, client.script_versions:list(42):first().id)
    assert.equal(3, client.script_versions:create(42, { content = "y" }).version)
    for _, wrong in ipairs {
      "{",
      {},
      { scripts = { { language = "cobol" } } },
      { scripts = { { language = "python", id = 0 } } },
      { scripts = { { language = "python", versions = { {} } } } },
      { scripts = { { language = "python", versions = { { content = "x", status = "Live" } } } } },
      { scripts = { { id = 42, language = "python" } } }, -- there is one
    } do
      local answer = admin("POST", "seed", wrong)
      assert.equal(422, answer.status)
      assert.matches("can't be used: ", answer.json.message)
    end
    assert.equal(201, admin("POST", "scripts", { id = 99, name = "One", language = "ruby" }).status)
    assert.equal(422, admin("POST", "scripts", { id = 99, language = "ruby" }).status)
    assert.equal(9, #admin("GET", "scripts").json.data)
  end)

  it("keeps and restores the state by name, and resets it", function()
    server:seed { scripts = { orders } }
    server:snapshot "seeded"
    local client <close> = server:client()
    assert(client.script_versions:delete(7))
    server:advance(3600)
    local later = server:now()
    server:restore "seeded"
    assert.equal(7, client.script_versions:get(7).id)
    assert.is_true(server:now() < later - 3000)
    assert.same({ "seeded" }, admin("GET", "snapshots").json.data)
    assert.equal(404, admin("POST", "snapshots/none/restore").status)
    assert.error_matches(function() server:restore "none" end, "no snapshot")
    server:latency(30)
    server:fail { how = "status" }
    server:reset()
    assert.equal(7, #server:scripts())
    assert.equal(0, server:faults_left())
    assert.equal(0, server:count())
  end)

  it("seeds a fresh database at the start, and after a reset", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write(cjson.encode { scripts = { orders } })
    file:close()
    for _, seed in ipairs { path, { scripts = { orders } }, cjson.encode { scripts = { orders } } } do
      local seeded <close> = assert(sandbox.start { seed = seed })
      assert.same({ { id = 42, name = "Orders", language = "python" } }, seeded:scripts())
      seeded:reset()
      assert.equal(1, #seeded:scripts())
    end
    os.remove(path)
    local none, problem = sandbox.start { seed = "/nowhere/fixtures.json" }
    assert.is_nil(none)
    assert.matches("nowhere", problem)
    none, problem = sandbox.start { seed = "{}" }
    assert.is_nil(none)
    assert.matches("no list of scripts", problem)
  end)

  it("makes faults, latency, tokens, log entries and versions, and moves the clock", function()
    assert.equal(200, admin("POST", "faults", { operation = "get", how = "status", status = 503, retry_after = 7, times = 2 }).status)
    assert.same({ { operation = "get", how = "status", times = 2, every = 1, status = 503, seconds = 1 } }, admin("GET", "faults").json.data)
    local answer = send("GET", "/api/v1/script-versions/1", nil, { Authorization = server.key })
    assert.equal(503, answer.status)
    assert.equal("7", answer.headers["retry-after"])
    assert.equal(200, admin("DELETE", "faults").status)
    assert.equal(0, #admin("GET", "faults").json.data)
    assert.equal(422, admin("POST", "faults", { how = "explode" }).status)
    assert.equal(422, admin("POST", "faults", { how = "slow", operation = "nothing" }).status)
    assert.equal(422, admin("PUT", "latency", { seconds = -1 }).status)
    assert.equal(200, admin("PUT", "latency", { seconds = 0.25 }).status)
    assert.equal(0.25, admin("GET", "status").json.latency)
    assert.equal(200, admin("PUT", "latency", { seconds = 0 }).status)
    assert.equal(200, admin("POST", "populate", { script = 1, versions = 3 }).status)
    assert.equal(404, admin("POST", "populate", { script = 1000 }).status)
    assert.equal(200, admin("POST", "logs", { version = 1, message = "hello" }).status)
    assert.equal(404, admin("POST", "logs", { version = 1000, message = "hello" }).status)
    local token = admin("POST", "tokens").json.token
    assert.equal(200, send("GET", "/api/v1/script-versions/1", nil, { Authorization = "Bearer " .. token }).status)
    assert.equal(200, admin("DELETE", "tokens").status)
    assert.equal(401, send("GET", "/api/v1/script-versions/1", nil, { Authorization = "Bearer " .. token }).status)
    local before = server:now()
    assert.equal(200, admin("POST", "clock", { advance = 3600 }).status)
    assert.is_true(server:now() >= before + 3600)
  end)

  it("gives what was received, filtered; and waits for the nth of a kind", function()
    local client <close> = server:client { max_attempts = 1 }
    client.script_versions:create(1, { content = "x </script> \1 é" })
    client.script_versions:get(1)
    client.script_versions:get(999)
    local all = admin("GET", "requests").json
    assert.equal(3, all.total)
    assert.equal("create", all.data[1].operation)
    assert.equal(201, all.data[1].status)
    assert.equal("x </script> \1 é", cjson.decode(all.data[1].body).content)
    assert.equal(1, cjson.decode(all.data[1].answer).data.id)
    assert.is_true(all.data[1].seconds > 0)
    assert.equal(2, admin("GET", "requests?operation=get").json.total)
    assert.equal(1, admin("GET", "requests?status=404").json.total)
    assert.equal(2, admin("GET", "requests?after=1").json.total)
    assert.equal(3, admin("GET", "requests?limit=1").json.data[1].number)
    assert.equal(2, admin("GET", "requests/wait?operation=get&count=2").json.count)
    assert.equal(408, admin("GET", "requests/wait?operation=get&count=3&timeout=0.05").status)
    assert.is_true(server:wait_for_requests { operation = "get", count = 2 })
    assert.is_false(server:wait_for_requests { operation = "deploy", timeout = 0.05 })
    local events = admin("GET", "events")
    assert.equal("text/event-stream", events.headers["content-type"])
    local id, list = events.body:match "id: (%d+)\ndata: (.-)\n\n"
    assert.equal(3, #cjson.decode(list))
    client.script_versions:list(1):all()
    list = admin("GET", "events", nil, { ["Last-Event-ID"] = id }).body:match "data: (.-)\n\n"
    assert.equal("list", cjson.decode(list)[1].operation)
    assert.equal(200, admin("DELETE", "requests").status)
    assert.equal(0, server:count())
  end)

  it("remembers deployments and invocations", function()
    local client <close> = server:client()
    local good = client.script_versions:create(1, { content = "def handle(data):\n  print('hello')\n  return {'payload': 'out'}" })
    local bad = client.script_versions:create(1, { content = "def handle(:" })
    client.script_versions:deploy_and_wait(good.id)
    client.script_versions:deploy_and_wait(bad.id)
    local deployments = admin("GET", "deployments").json.data
    assert.equal(2, #deployments)
    assert.equal(cjson.null, deployments[1].failure_reason)
    assert.matches("SyntaxError", deployments[2].failure_reason)
    client.script_versions:invoke(good.id, { payload = "in" })
    local invocation = admin("GET", "invocations?version=" .. good.id).json.data[1]
    assert.equal("in", invocation.payload)
    assert.equal("out", cjson.decode(invocation.answer).payload)
    assert.equal("hello\n", invocation.output)
    assert.is_true(invocation.seconds > 0)
    assert.equal(0, #admin("GET", "invocations?version=1000").json.data)
  end)
end)

describe("the examples for other languages", function()
  for _, command in ipairs { "python3 examples/sandbox/admin.py", "node examples/sandbox/admin.js", "sh examples/sandbox/admin.sh" } do
    it("run: " .. command, function()
      local pipe = io.popen(("SANDBOX_URL=%s SANDBOX_TOKEN=%s %s 2>&1"):format(server.url, server.admin_token, command))
      local said = pipe:read "a"
      assert.is_true(pipe:close(), said)
      assert.matches("503", said)
      assert.matches("Orders v1", said)
      assert.matches("Draft", said)
    end)
  end
end)
