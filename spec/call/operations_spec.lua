-- The operations one by one: what each sends, what it gives, and what a version does with its own id.
local core = require "patchworks.core"
local scripted = require "spec.support.scripted"

local service, client, versions
scripted.setup(before_each, after_each, { max_attempts = 1 }, function(...) service, client, versions = ... end)

local function version(fields)
  local data = { id = 7, script_id = 3, version = 2, status = "Draft" }
  for name, value in pairs(fields or {}) do data[name] = value end
  return { body = core.encode { data = data } }
end

local function sent()
  local request = service.requests[#service.requests]
  return ("%s %s %s"):format(request.method, request.url:match "/api/v1(.*)", request.body or "-")
end

describe("an operation", function()
  it("goes to its own place, with what it is given", function()
    for _, case in ipairs {
      { "GET /script-versions/7 -", function() return versions:get(7) end },
      { "DELETE /script-versions/7 -", function() return versions:delete("7") end },
      { "POST /script-versions/7/deploy -", function() return versions:deploy(7) end },
      { 'POST /script-versions/7/invoke {"payload":"x"}', function() return versions:invoke(7, { payload = "x" }) end },
      { 'POST /script-versions/7/upload {"private":"true"}', function() return versions:upload(7, { private = true }) end },
      { 'POST /scripts/7/script-versions {"content":"x"}', function() return versions:create(7, { content = "x" }) end },
    } do
      service:will(version { note = 41 })
      local value, response = case[2]()
      assert.equal(case[1], sent())
      assert.same({ 41, 200 }, { value.data and value.data.note or value.note, response.status })
      service:will { status = 422, body = '{"message":"no"}' }
      local none, err = case[2]()
      assert.is_nil(none)
      assert.same({ "invalid", "no" }, { err.kind, err.message })
    end
  end)

  it("has 60 s and 30 for an attempt, invoke 150 for both, unless the client or the call says otherwise", function()
    local function times(options, ask)
      local one <close> = service:client(options)
      service:will { never = true }
      local began = service.clock.time
      ask(one.script_versions)
      return { math.floor(service.clock.time - began + 0.5), service.requests[#service.requests].timeout - 1 }
    end
    local function get(given) return function(each) each:get(7, given) end end
    local function invoke(given) return function(each) each:invoke(7, given) end end
    assert.same({ 30, 30 }, times({ max_attempts = 1 }, get()))
    assert.same({ 150, 150 }, times({ max_attempts = 1 }, invoke()))
    assert.same({ 9, 9 }, times({ max_attempts = 1, attempt_timeout = 9 }, invoke()))
    assert.same({ 8, 8 }, times({ max_attempts = 1, timeout = 8 }, invoke()))
    assert.same({ 5, 5 }, times({ max_attempts = 1, timeout = 8 }, get { timeout = 5 }))
    assert.same({ 5, 5 }, times({}, get { attempt_timeout = 5, max_attempts = 1 }))
    assert.same({ 30, 30 }, times({ max_attempts = 1 }, function(each) each._client:request("GET", "/x") end))
    assert.same({ 4, 4 }, times({ max_attempts = 1, attempt_timeout = 4 }, function(each) each._client:request("GET", "/x") end))
    assert.same({ 6, 6 }, times({ max_attempts = 1, timeout = 6 }, function(each) each._client:request("GET", "/x") end))
  end)

  it("ends a minute after it began, however often it is tried", function()
    client = service:client { max_attempts = 100 }
    for _ = 1, 20 do service:will { never = true } end
    local _, err = client.script_versions:get(7)
    assert.same({ "timeout", 60 }, { err.kind, math.floor(service.clock.time - 1000 + 0.5) })
    _, err = client:request("GET", "/x")
    assert.same({ "timeout", 120 }, { err.kind, math.floor(service.clock.time - 1000 + 0.5) })
  end)

  it("of another part of the service is repeated where it is a GET, or may be", function()
    client = service:client { max_attempts = 2 }
    local function attempts(...)
      service.answers = {}
      service:will({ status = 500 }, { status = 500 })
      return #select(2, client:request(...)).attempts
    end
    assert.equal(2, attempts("GET", "/x"))
    for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
      assert.same({ 1, 2 }, { attempts(method, "/x"), attempts(method, "/x", { repeatable = true }) })
    end
    assert.equal(2, attempts("GET", "/x", { repeatable = false }))
    assert.equal(1, attempts("GET", "/x", { max_attempts = 1 }))
    service:will { status = 404 }
    local _, err = client:request("GET", "/x/y", { query = { a = 1 } })
    assert.same({ "GET /x/y", "http://127.0.0.1:1/api/v1/x/y?a=1" }, { err.operation, err.url })
  end)

  it("of another part of the service is refused where it is none, or has a header of the client's own, and nothing goes out", function()
    local function refused(...)
      local ok, problem = pcall(client.request, client, ...)
      assert.is_false(ok)
      return problem
    end
    assert.matches('request: expected GET, POST, PUT, PATCH or DELETE as the method, got "FETCH"', refused("FETCH", "/x"), 1, true)
    assert.matches("request: headers", refused("GET", "/x", { headers = { Host = "elsewhere" } }), 1, true)
    assert.same({}, service.requests)
  end)

  it("is refused by a client that is closed", function()
    client:close()
    for what, ask in pairs {
      get = function() versions:get(7) end, request = function() client:request("GET", "/x") end, stats = function() client:stats() end,
    } do
      local ok, problem = pcall(ask)
      assert.is_false(ok)
      assert.matches("operations_spec.lua:%d+: " .. what .. ": the client is closed; make another with patchworks.new", problem)
    end
    assert.is_true(client._engine.closed)
    client:close()
  end)
end)

describe("a client", function()
  it("says where it goes, and by what right, not with what", function()
    for given, right in pairs { api_key = "an API key", token = "a token" } do
      local one <close> = service:client { [given] = "secret" }
      assert.equal(("patchworks client (http://127.0.0.1:1, %s)"):format(right), tostring(one))
    end
    local one <close> = service:client { username = "u", password = "secret" }
    assert.equal("patchworks client (http://127.0.0.1:1, a login)", tostring(one))
  end)

  it("takes a host's loop, and tells it of its engine", function()
    local told = {}
    local loop = {
      attach = function(engine) told[#told + 1] = { "attach", engine } end,
      detach = function(engine) told[#told + 1] = { "detach", engine } end,
    }
    local one = service:client { loop = loop }
    one:close()
    assert.same({ { "attach", one._engine }, { "detach", one._engine } }, told)
    for _, wrong in ipairs { 7, {}, { attach = print }, { detach = print } } do
      local ok, problem = pcall(service.client, service, { loop = wrong })
      assert.is_false(ok)
      assert.matches("loop: expected a host's loop, such as require \"patchworks.loop.luv\"", problem)
    end
  end)
end)

describe("a version", function()
  it("shows itself, with a question mark for what is not known", function()
    service:will(version(), { body = '{"data":{"id":8}}' })
    assert.equal("script version 7 (script 3, v2, Draft)", tostring(versions:get(7)))
    assert.equal("script version 8 (script ?, v?, status unknown)", tostring(versions:get(8)))
  end)

  it("has the operations, with its own id", function()
    service:will(version())
    local one = versions:get(7)
    for _, case in ipairs {
      { "POST /script-versions/7/deploy -", "deploy" }, { "DELETE /script-versions/7 -", "delete" },
      { 'POST /script-versions/7/invoke {"payload":"x"}', "invoke", { payload = "x" } },
      { 'POST /script-versions/7/upload {"private":"false"}', "upload", { private = false } },
    } do
      service:will { body = "{}" }
      assert(one[case[2]](one, case[3]))
      assert.equal(case[1], sent())
    end
    service:will { body = '{"data":[{"message":"a"}],"meta":{"last_page":1}}' }
    assert.equal("a", one:logs():first().message)
    assert.equal("GET /script-versions/7/logs -", sent())
  end)

  it("is refreshed in place, and stays as it is where that fails", function()
    service:will(version { only_before = true }, version { status = "Deployed" }, { status = 404 })
    local one = versions:get(7)
    local same, response = one:refresh { include = "content" }
    assert.equal(one, same)
    assert.same({ "Deployed", 200, "GET /script-versions/7?include=content -" }, { one.status, response.status, sent() })
    assert.is_nil(one.only_before)
    local none, err = one:refresh()
    assert.is_nil(none)
    assert.same({ "not_found", "Deployed" }, { err.kind, one.status })
  end)

  it("in a list is an object with an id", function()
    for item, message in pairs {
      ["7"] = "item 1 of page 1 is no version (an object is due)", ["[1]"] = "item 1 of page 1 is no version (an object is due)",
      ['{"version":1}'] = "item 1 of page 1 is a version without an id",
    } do
      service:will { body = ('{"data":[%s],"meta":{"last_page":1}}'):format(item) }
      assert.equal(message, select(2, versions:list(1):all()).message)
    end
    for _, item in ipairs { "7", "[1]" } do
      service:will { body = ('{"data":[%s],"meta":{"last_page":1}}'):format(item) }
      assert.equal("item 1 of page 1 is no log entry (an object is due)", select(2, versions:logs(1):all()).message)
    end
  end)
end)
