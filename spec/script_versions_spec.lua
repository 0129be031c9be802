-- The eight operations through the client, against the sandbox over HTTP.
local cjson = require "cjson"
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

local server, client, versions

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client { max_attempts = 1 }
  versions = client.script_versions
end)
after_each(function()
  client:close()
  server:close()
end)

local echo = "def handle(data): return {'payload': __import__('json').dumps(data), 'logs': ['ran']}"

local function deployed(source)
  local version = assert(versions:create(1, { content = source or echo }))
  assert(version:deploy())
  return assert(version:wait { interval = 0.01 })
end

local function last_request()
  local all = server:requests()
  return all[#all]
end

local function problem_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.truthy(tostring(message):find "script_versions_spec%.lua:%d+: ", tostring(message))
  return message
end

describe("a success of", function()
  it("create gives the version, from a string or from a file", function()
    local version, response = versions:create(1, { content = "x = 1" })
    assert.same({ 1, 1, "Draft" }, { version.id, version.version, version.status })
    assert.equal("integer", math.type(version.id))
    assert.equal(201, response.status)
    assert.is_nil(version.deployed_at)
    local path = os.tmpname()
    local file <close> = io.open(path, "wb")
    file:write "from\0a file\r\n"
    file:flush()
    local second = assert(versions:create("1", { file = path }))
    os.remove(path)
    assert.equal("from\0a file\r\n", versions:get(second.id, { include = "content" }).content.content)
  end)

  it("get gives the version with what is included", function()
    local id = versions:create(2, { content = "let x" }).id
    local plain = assert(versions:get(id))
    assert.is_nil(plain.content)
    local full, response = versions:get(tostring(id), { include = { "content", "script" } })
    assert.equal("let x", full.content.content)
    assert.equal("javascript", full.script.language)
    assert.equal("include=content%2Cscript", last_request().query)
    assert.equal(200, response.status)
    assert.truthy(response.body:find '"id":')
    assert.equal("application/json", response.headers["content-type"])
    assert.is_true(response.timing.total > 0 and response.bytes.received > #response.body)
    assert.equal(1, #response.attempts)
  end)

  it("delete gives the message", function()
    local id = versions:create(1, { content = "x" }).id
    assert.equal("Script version deleted.", versions:delete(id).message)
    assert.equal("not_found", select(2, versions:get(id)).kind)
  end)

  it("deploy gives the answer as it is", function()
    local answer = assert(versions:deploy(versions:create(1, { content = "x" }).id))
    assert.equal("Draft", answer.data.status)
    assert.equal("string", type(answer.message))
    local request = last_request()
    assert.same({ "POST", "" }, { request.method, request.body })
  end)

  it("invoke gives what the handler returned", function()
    local version = deployed()
    local answer = assert(versions:invoke(version.id, {
      payload = { order = 7, lines = { 1, 2 } },
      variables = { region = "eu" },
      flow = { variables = { a = "b" } },
    }))
    local data = cjson.decode(answer.payload)
    assert.equal(7, cjson.decode(data.payload).order)
    assert.same({ region = "eu" }, data.variables)
    assert.same({ a = "b" }, data.flow.variables)
    assert.same({ "ran" }, answer.logs)
  end)

  it("upload gives the answer as it is, with a token", function()
    local id = versions:create(1, { content = "x" }).id
    local admin <close> = server:client { username = server.username, password = server.password }
    assert.equal("true", admin.script_versions:upload(id, { private = true }).private)
    assert.equal('{"private":"true"}', last_request().body)
    assert.equal("false", admin.script_versions:upload(id, { private = "false" }).private)
    assert.is_table(admin.script_versions:upload(id))
  end)

  it("logs gives the entries", function()
    local version = assert(versions:create(1, { content = "x" }))
    server:log(version.id, "ran")
    assert.equal("ran", version:logs():first().message)
    local messages = {}
    for entry in versions:logs(version.id) do messages[#messages + 1] = entry.message end
    assert.same({ "ran" }, messages)
  end)

  it("list gives the versions", function()
    for i = 1, 3 do versions:create(1, { content = "x" .. i }) end
    local numbers = {}
    for version in versions:list(1) do numbers[#numbers + 1] = version.version end
    assert.same({ 3, 2, 1 }, numbers)
    local live = deployed()
    local only = versions:list(1, { filter = { is_deployed = true, deployed_at = live.deployed_at:sub(1, 10) }, include = "script" }):all()
    assert.same({ live.id }, { only[1].id, only[2] and only[2].id })
    assert.equal("python", only[1].script.language)
  end)
end)

describe("a version", function()
  it("is a plain table with methods, and shows itself", function()
    local version = deployed()
    assert.equal(("script version %d (script 1, v%d, Deployed)"):format(version.id, version.version), tostring(version))
    for name in pairs(version) do assert.is_not_equal("function", type(version[name]), name) end
    assert.equal("ran", version:invoke({ payload = "" }).logs[1])
    assert.equal("ran", version:logs():first().message)
    assert.equal(version, version:refresh())
    assert.truthy(version.last_invoked_on)
    assert(version:delete())
    assert.equal("not_found", select(2, version:refresh()).kind)
  end)

  it("knows its id, whatever is done with it", function()
    local version = assert(versions:create(1, { content = echo }))
    assert.equal("Deployed", version:deploy_and_wait({ interval = 0.01 }).status)
    assert.equal("Deployed", version:wait({ interval = 0.01 }).status)
    version:upload { private = true } -- with a key the service refuses it
    assert.equal(("/api/v1/script-versions/%d/upload"):format(version.id), last_request().path)
    assert(version:invoke { payload = "" })
    assert.equal("ran", version:tail({ from = "start", interval = 0.01, timeout = 5 })().message)
    assert.is_nil(version.publish)
    local ok, problem = pcall(function() version.refresh() end)
    assert.is_false(ok)
    assert.matches("refresh: called with a dot: write version:refresh(..), with a colon", problem, 1, true)
  end)

  it("shows that it is being deployed", function()
    server:close()
    server = assert(sandbox.start { deploy_seconds = 100 })
    client:close()
    client = server:client()
    versions = client.script_versions
    local version = assert(versions:create(1, { content = "x" }))
    version:deploy()
    assert.truthy(tostring(version:refresh()):find("Draft, deploying", 1, true))
  end)
end)

describe("an error", function()
  local function failing(status, body, fields)
    local fault = { how = "status", status = status, body = body }
    for name, value in pairs(fields or {}) do fault[name] = value end
    server:fail(fault)
    local value, err = versions:get(1)
    assert.is_nil(value)
    assert.is_true(patchworks.is_error(err))
    return err
  end

  it("has the kind of its status, whatever the body", function()
    local kinds = {
      [401] = "unauthenticated", [403] = "forbidden", [404] = "not_found", [409] = "conflict", [413] = "too_large",
      [422] = "invalid", [429] = "rate_limited", [500] = "server", [502] = "server", [599] = "server",
      [400] = "http", [405] = "http", [418] = "http", [302] = "protocol",
    }
    for status, kind in pairs(kinds) do
      for _, body in ipairs { '{"message":"so it is"}', "<html><h1>Bad</h1>", "", "[]", '{"message":7,"errors":"x"}', "{" } do
        -- A 429 closes the client's gate: each gets a client of its own.
        client:close()
        client = server:client { max_attempts = 1 }
        versions = client.script_versions
        local err = failing(status, body)
        assert.same({ kind, status, "none", "get" }, { err.kind, err.status, err.outcome, err.operation }, body)
        assert.equal("string", type(err.message))
        assert.is_nil(tostring(err):find "\n")
        if body:find "so it is" and status ~= 302 then assert.equal("so it is", err.message) end
        assert.equal(body, err.response.body)
        assert.equal(1, #err.attempts)
      end
    end
  end)

  it("of validation has the fields", function()
    local _, err = client:request("POST", "/scripts/1/script-versions", { body = { content = "" } })
    assert.equal("invalid", err.kind)
    assert.same({ "The content field is required." }, err.errors.content)
  end)

  it("of a wrong key names the option and the variable, and never the key", function()
    local stranger <close> = server:client { api_key = "super-secret-key" }
    local _, err = stranger.script_versions:get(1)
    assert.equal("unauthenticated", err.kind)
    assert.truthy(err.hint:find "api_key" and err.hint:find "PATCHWORKS_API_KEY")
    local function search(value, seen)
      if type(value) == "string" then assert.is_nil(value:find("super%-secret"), value) end
      if type(value) ~= "table" or seen[value] then return end
      seen[value] = true
      for name, each in pairs(value) do
        search(name, seen)
        search(each, seen)
      end
    end
    search(err, {})
    assert.is_nil(tostring(err):find "secret")
    assert.is_nil(tostring(stranger):find "secret")
  end)

  it("of an upload by key says what it takes", function()
    local id = versions:create(1, { content = "x" }).id
    local _, err = versions:upload(id, { private = true })
    assert.equal("forbidden", err.kind)
    assert.truthy(err.hint:find "administrator" and err.hint:find "token")
  end)

  it("is declared for each operation: 401, 403, 422", function()
    local operations = { "get", "delete", "upload", "deploy", "invoke", "create" }
    for _, operation in ipairs(operations) do
      for status, kind in pairs { [401] = "unauthenticated", [403] = "forbidden", [422] = "invalid", [404] = "not_found", [409] = "conflict" } do
        server:fail { operation = operation, how = "status", status = status, body = '{"message":"no"}' }
        local value, err = versions[operation](versions, 1, operation == "create" and { content = "x" } or nil)
        assert.is_nil(value)
        assert.same({ kind, "no", "none" }, { err.kind, err.message, err.outcome })
      end
    end
    for _, operation in ipairs { "list", "logs" } do
      server:fail { operation = operation, how = "status", status = 403 }
      local ok, err = pcall(function()
        for _ in versions[operation](versions, 1) do error "nothing is due" end
      end)
      assert.same({ false, "forbidden" }, { ok, err.kind })
      server:fail { operation = operation, how = "status", status = 401 }
      assert.equal("unauthenticated", select(2, versions[operation](versions, 1):all()).kind)
    end
  end)

  it("of a body over 8 MB is too_large", function()
    local _, err = versions:create(1, { content = ("x"):rep(8 * 1024 * 1024) })
    assert.same({ "too_large", "none" }, { err.kind, err.outcome })
  end)
end)

describe("an answer that is not what is due", function()
  local function answered(operation, body, status)
    server:fail { operation = operation, how = "status", status = status or 200, body = body }
    local method = versions[operation]
    if operation == "list" or operation == "logs" then return method(versions, 1):all() end
    return method(versions, 1, operation == "create" and { content = "x" } or nil)
  end

  local deep = ("["):rep(100000) .. ("]"):rep(100000)
  local never = { "", "<html>", "nonsense", '{"data":', "7", '"text"', "null", "\0", deep, '{"data":' .. deep .. "}", "\xff\xfe{" }

  it("is a protocol error for every operation, never a Lua error", function()
    for _, operation in ipairs { "get", "delete", "upload", "deploy", "invoke", "create", "list", "logs" } do
      for _, body in ipairs(never) do
        local value, err = answered(operation, body)
        assert.is_nil(value, operation .. ": " .. body:sub(1, 20))
        assert.equal("protocol", err.kind, operation .. ": " .. body:sub(1, 20))
        local changed = operation ~= "get" and operation ~= "list" and operation ~= "logs"
        assert.equal(changed and "unknown" or "none", err.outcome)
      end
    end
  end)

  it("is one where a version or a page has the wrong shape", function()
    for _, body in ipairs { '{"data":null}', '{"data":[]}', '{"data":[1]}', '{"data":"x"}', "{}", "[]" } do
      for _, operation in ipairs { "get", "create" } do
        -- PHP writes an empty object as [].
        if not (body == '{"data":[]}') then assert.equal("protocol", select(2, answered(operation, body)).kind, body) end
      end
    end
    for _, body in ipairs { '{"data":null}', '{"data":{"a":1}}', "{}", '{"data":[]}', '{"data":[],"meta":{"last_page":"2"}}',
      '{"data":[],"meta":{"last_page":-1}}', '{"data":[],"meta":{"last_page":1.5}}', '{"data":[],"meta":[]}' } do
      for _, operation in ipairs { "list", "logs" } do
        assert.equal("protocol", select(2, answered(operation, body)).kind, body)
      end
    end
  end)

  it("is one when it is cut, garbage, or too large", function()
    server:fail { operation = "get", how = "truncate" }
    local id = versions:create(1, { content = "x" }).id
    assert.equal("network", select(2, versions:get(id)).kind)
    server:fail { operation = "get", how = "garbage" }
    assert.equal("protocol", select(2, versions:get(id)).kind)
    local small <close> = server:client { max_response_bytes = 100 }
    local _, err = small.script_versions:get(id)
    assert.equal("protocol", err.kind)
    assert.truthy(err.message:find "100")
  end)
end)

describe("misuse raises at the caller's line and sends nothing:", function()
  after_each(function() assert.equal(0, server:count()) end)

  it("an id that is none", function()
    for _, id in ipairs { "", "../7", "7?x=1", "7/", " 7", "+7", "07", "1.0", "1e3", "9223372036854775808", 1.5, 0, -1, {}, true, "seven", math.huge, 0 / 0, "7\n", "7%00" } do
      for _, operation in ipairs { "get", "delete", "upload", "deploy", "invoke", "logs", "list", "create" } do
        local message = problem_of(function() versions[operation](versions, id, operation == "create" and { content = "x" } or nil) end)
        assert.truthy(message:find "positive integer", message)
      end
    end
    problem_of(function() versions:get(nil) end)
    assert.truthy(problem_of(function() versions:get { id = 7 } end):find "pass its `id`")
  end)

  it("options that are unknown, with the near name", function()
    assert.truthy(problem_of(function() versions:get(1, { inclued = "content" }) end):find "did you mean `include`")
    assert.truthy(problem_of(function() versions:create(1, { contnet = "x" }) end):find "did you mean `content`")
    assert.truthy(problem_of(function() versions:list(1, { per_pgae = 5 }) end):find "did you mean `per_page`")
    assert.truthy(problem_of(function() versions:get(1, { filter = { is_deployd = true } }) end):find "did you mean `is_deployed`")
    assert.truthy(problem_of(function() versions:deploy(1, { content = "x" }) end):find "unknown option `content`")
    assert.truthy(problem_of(function() versions:logs(1, { page = 2 }) end):find "unknown option `page`")
    assert.truthy(problem_of(function() versions:get(1, "content") end):find "table of options")
  end)

  it("values out of range or of the wrong type", function()
    problem_of(function() versions:list(1, { per_page = 101 }) end)
    problem_of(function() versions:list(1, { per_page = 0 }) end)
    problem_of(function() versions:list(1, { page = 0 }) end)
    problem_of(function() versions:get(1, { page = 1.5 }) end)
    problem_of(function() versions:list(1, { limit = 0 }) end)
    problem_of(function() versions:list(1, { read_ahead = -1 }) end)
    problem_of(function() versions:get(1, { include = "versions" }) end)
    problem_of(function() versions:get(1, { include = {} }) end)
    problem_of(function() versions:get(1, { filter = { is_deployed = {} } }) end)
    problem_of(function() versions:get(1, { timeout = 0 }) end)
    problem_of(function() versions:get(1, { timeout = 0 / 0 }) end)
    problem_of(function() versions:get(1, { max_attempts = 0 }) end)
    problem_of(function() versions:get(1, { on_event = 7 }) end)
    problem_of(function() versions:invoke(1, { payload = 7 }) end)
    problem_of(function() versions:invoke(1, { payload = { print } }) end)
    problem_of(function() versions:invoke(1, { flow = 7 }) end)
    problem_of(function() versions:upload(1, { private = 1 }) end)
    problem_of(function() versions:list(1):page(0) end)
  end)

  it("content that is empty, missing or given twice", function()
    assert.truthy(problem_of(function() versions:create(1, { content = "" }) end):find "at least one character")
    assert.truthy(problem_of(function() versions:create(1) end):find "neither")
    assert.truthy(problem_of(function() versions:create(1, { content = "x", file = "y" }) end):find "both")
    problem_of(function() versions:create(1, { content = 7 }) end)
  end)

  it("but not a file that can't be read, or is empty: that is the world's failure", function()
    local empty = os.tmpname()
    for _, path in ipairs { "/nowhere.py", "/", empty } do
      for _, given in ipairs { { file = path }, { file = path, reconcile = true } } do
        local _, err = versions:create(1, given)
        assert.same({ "file", "none", "create" }, { err.kind, err.outcome, err.operation })
        assert.truthy(err.message:find(path, 1, true))
      end
      assert.equal("file", select(2, versions:publish(1, { file = path })).kind)
      local _, err = client:plan { scripts = { { id = 1, name = "orders", file = path } } }
      assert.same({ "file", "plan" }, { err.kind, err.operation })
      assert.truthy(err.message:find("script 1 (orders): ", 1, true))
    end
    os.remove(empty)
  end)

  it("headers that are the client's own, or that would end the line", function()
    assert.truthy(problem_of(function() versions:get(1, { headers = { Authorization = "x" } }) end):find "api_key")
    problem_of(function() versions:get(1, { headers = { Host = "x" } }) end)
    problem_of(function() versions:get(1, { headers = { ["X-A"] = "a\r\nX-B: b" } }) end)
    problem_of(function() versions:get(1, { headers = { ["X A"] = "a" } }) end)
  end)
end)

describe("on the wire", function()
  it("go the key, both JSON headers, and the caller's own", function()
    versions:get(7, { headers = { ["X-Trace"] = "abc" } })
    local request = last_request()
    assert.same({ "GET", "/api/v1/script-versions/7", "key" }, { request.method, request.path, request.authorization })
    assert.same({ server.key, "application/json", "application/json", "abc" }, {
      request.headers.authorization, request.headers.accept, request.headers["content-type"], request.headers["x-trace"],
    })
    assert.is_nil(request.headers.expect)
  end)

  it("goes a string of invoke byte for byte, and a table as JSON", function()
    local version = versions:create(1, { content = "x" }) -- which isn't deployed, and refused for that
    local payload = '{ "a" : 1.10,\n"b":"\u{1F600}\\u0041" }'
    versions:invoke(version.id, { payload = payload, variables = '{"x": "y"}', flow = '{"variables":"{}"}' })
    local body = cjson.decode(last_request().body)
    assert.same({ payload, '{"x": "y"}', '{"variables":"{}"}' }, { body.payload, body.variables, body.flow })
    local given = { payload = { 1, 2 }, variables = { a = "b" }, flow = { name = "f", variables = { c = "d" } } }
    versions:invoke(version.id, given)
    body = cjson.decode(last_request().body)
    assert.same({ "[1,2]", '{"a":"b"}', "f", '{"c":"d"}' }, { body.payload, body.variables, body.flow.name, body.flow.variables })
    assert.same({ payload = { 1, 2 }, variables = { a = "b" }, flow = { name = "f", variables = { c = "d" } } }, given)
  end)

  it("goes page 1 of logs bare, and page only when there are more", function()
    local id = versions:create(1, { content = "x" }).id
    server:forget_requests()
    assert.same({}, versions:logs(id):all())
    assert.same({ "" }, { last_request().query })
    for i = 1, 250 do server:log(id, "e" .. i) end
    server:forget_requests()
    assert.equal(250, #versions:logs(id):all())
    local queries = {}
    for i, request in ipairs(server:requests()) do queries[i] = request.query end
    table.sort(queries) -- those under way at once arrive in any order
    assert.same({ "", "page=2", "page=3" }, queries)
  end)

  it("goes per_page=100, or the limit where that is less", function()
    server:populate { script = 1, versions = 5 }
    versions:list(1):all()
    assert.truthy(last_request().query:find("per_page=100", 1, true))
    assert.equal(2, #versions:list(1, { limit = 2 }):all())
    assert.truthy(last_request().query:find("per_page=2", 1, true))
  end)

  it("goes nothing to another origin: links are not followed", function()
    local other <close> = assert(sandbox.start())
    server:fail { operation = "list", how = "status", status = 200, body = cjson.encode {
      data = { { id = 1 } },
      meta = { current_page = 1, last_page = 2, total = 0 },
      links = { next = other.url .. "/api/v1/scripts/1/script-versions?page=2" },
    } }
    versions:list(1):all()
    assert.equal(0, other:count())
    assert.equal(2, server:count "list")
  end)
end)

describe("memory", function()
  local function resident()
    collectgarbage()
    collectgarbage()
    local file <close> = io.open "/proc/self/statm"
    if not file then return nil end
    local _, pages = file:read("n", "n")
    return pages * 4096
  end

  it("stays where it was after 100 gets, over 1,000", function()
    local id = versions:create(1, { content = "x" }).id
    for _ = 1, 100 do assert(versions:get(id)) end
    server:forget_requests()
    local before, lua_before = resident(), collectgarbage "count"
    for i = 1, 1000 do
      assert(versions:get(id))
      -- The sandbox's journal grows in this process too, and so does what waits for the collector.
      if i % 100 == 0 then
        server:forget_requests()
        collectgarbage()
      end
    end
    local after, lua_after = resident(), collectgarbage "count"
    assert.is_true(lua_after - lua_before < 16, ("%.1f KB"):format(lua_after - lua_before))
    -- A sanitizer and valgrind keep freed memory for a while.
    if before and not os.getenv "PATCHWORKS_INSTRUMENTED" then
      assert.is_true(after - before < 512 * 1024, ("%d bytes"):format(after - before))
    end
  end)
end)

describe("wait", function()
  it("gives the version when it is deployed", function()
    local version = assert(versions:create(1, { content = "x" }))
    version:deploy()
    assert.equal("Deployed", version:wait({ interval = 0.01 }).status)
  end)

  it("fails with the service's reason", function()
    local version = assert(versions:create(1, { content = "def (" }))
    version:deploy()
    local _, err = version:wait { interval = 0.01 }
    assert.equal("deployment_failed", err.kind)
    assert.truthy(err.message:find "SyntaxError")
  end)

  it("gives up at its time, and says what the version was", function()
    server:close()
    server = assert(sandbox.start { deploy_seconds = 1000 })
    client:close()
    client = server:client()
    versions = client.script_versions
    local version = assert(versions:create(1, { content = "x" }))
    version:deploy()
    local _, err = version:wait { interval = 0.01, timeout = 1 }
    assert.same({ "timeout", "Draft" }, { err.kind, err.version.status })
  end)
end)
