-- Keys, tokens and logins.
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

local server, id

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  local client <close> = server:client()
  id = client.script_versions:create(1, { content = "x" }).id
  server:forget_requests()
end)
after_each(function() server:close() end)

local function login_client(options)
  options = options or {}
  options.username = options.username or server.username
  options.password = options.password or server.password
  return server:client(options)
end

describe("a token", function()
  it("goes out as a bearer's", function()
    local client <close> = server:client { token = server:token() }
    assert.truthy(client.script_versions:get(id))
    assert.equal("bearer", server:requests()[1].authorization)
  end)

  it("that is refused is not asked for again", function()
    local client <close> = server:client { token = "stale" }
    local _, err = client.script_versions:get(id)
    assert.equal("unauthenticated", err.kind)
    assert.truthy(err.hint:find "PATCHWORKS_TOKEN")
    assert.equal(1, server:count())
  end)
end)

describe("a login", function()
  it("comes before the first call, once", function()
    local client <close> = login_client()
    for _ = 1, 3 do assert.truthy(client.script_versions:get(id)) end
    assert.same({ 1, 3 }, { server:count "login", server:count "get" })
    assert.equal(1, client:stats().logins)
    assert.equal("none", server:requests()[1].authorization)
  end)

  it("is renewed once when the token has expired", function()
    local client <close> = login_client()
    client.script_versions:get(id)
    server:advance(90000)
    local version, response = client.script_versions:get(id)
    assert.equal(id, version.id)
    assert.same({ 401, 200 }, { response.attempts[1].status, response.attempts[2].status })
    assert.same({ 2, 3 }, { server:count "login", server:count "get" })
  end)

  it("is renewed once for 100 calls that meet an expired token", function()
    local client <close> = login_client { max_connections = 32 }
    client.script_versions:get(id)
    server:advance(90000)
    server:forget_requests()
    local items = {}
    for i = 1, 100 do items[i] = i end
    local results, failures = patchworks.map(items, function() return client.script_versions:get(id) end, { concurrency = 100 })
    assert.is_nil(failures)
    assert.equal(100, #results)
    assert.equal(1, server:count "login")
    assert.is_true(server:count "get" <= 200)
  end)

  it("serves once-only calls too: a 401 did nothing", function()
    local client <close> = login_client()
    client.script_versions:get(id)
    server:advance(90000)
    assert.truthy(client.script_versions:create(1, { content = "y" }))
    assert.equal(2, server:count "create")
    local key <close> = server:client()
    assert.equal(2, key.script_versions:list(1):count())
  end)

  it("is not renewed for ever", function()
    local client <close> = login_client()
    server:fail { operation = "get", how = "status", status = 401, times = math.huge }
    local _, err = client.script_versions:get(id)
    assert.equal("unauthenticated", err.kind)
    assert.same({ 2, 2 }, { server:count "login", server:count "get" })
  end)

  it("that is refused fails all who wait for it, with one clear error", function()
    local client <close> = login_client { password = "wrong-password" }
    local items = {}
    for i = 1, 100 do items[i] = i end
    local results, failures = patchworks.map(items, function() return client.script_versions:get(id) end, { concurrency = 100 })
    assert.equal(0, #results)
    assert.equal(100, #failures)
    for _, failure in ipairs(failures) do
      assert.equal("unauthenticated", failure.error.kind)
      assert.equal("none", failure.error.outcome)
      assert.equal("get", failure.error.operation)
      assert.truthy(failure.error.message:find "login failed")
      assert.truthy(failure.error.hint:find "PATCHWORKS_PASSWORD")
      assert.is_nil(tostring(failure.error):find "wrong%-password")
    end
    assert.equal(1, server:count "login")
    assert.equal(0, server:count "get")
  end)

  it("is tried again by the next call after it failed", function()
    local client <close> = login_client { max_attempts = 1 }
    server:fail { operation = "login", how = "status", status = 500 }
    assert.equal("server", select(2, client.script_versions:get(id)).kind)
    assert.truthy(client.script_versions:get(id))
  end)

  it("is repeated after a passing failure", function()
    local client <close> = login_client()
    server:fail { operation = "login", how = "status", status = 503, retry_after = 0 }
    assert.truthy(client.script_versions:get(id))
    assert.equal(2, server:count "login")
  end)

  it("whose answer has no token is a protocol error", function()
    local client <close> = login_client { max_attempts = 1 }
    for _, body in ipairs { "{}", '{"token":7}', '{"token":""}', '{"token":"a\\r\\nb"}', "<html>" } do
      server:fail { operation = "login", how = "status", status = 200, body = body }
      local _, err = client.script_versions:get(id)
      assert.same({ "protocol", "none" }, { err.kind, err.outcome }, body)
      assert.truthy(err.hint:find "login_url")
    end
  end)

  it("takes another field and another place", function()
    local client <close> = login_client { login_field = "email", login_url = server.login_url }
    assert.truthy(client.script_versions:get(id))
    assert.truthy(server:requests()[1].body:find '"email"')
  end)

  it("goes on when the task that started it is cancelled, or in a hurry: the others have it, and there is one", function()
    local client <close> = login_client()
    server:fail { operation = "login", how = "slow", seconds = 0.3 }
    patchworks.run(function(tasks)
      local first = tasks:spawn(function() return client.script_versions:get(id) end)
      local hasty = tasks:spawn(function() return client.script_versions:get(id, { timeout = 0.05 }) end)
      local patient = tasks:spawn(function() return client.script_versions:get(id) end)
      while server:count "login" == 0 do patchworks.sleep(0.005) end
      tasks:cancel(first)
      assert.equal("timeout", select(3, hasty:join()).kind)
      assert.equal(id, select(2, patient:join()).id)
    end)
    assert.equal(1, server:count "login")
  end)
end)

describe("what a login leaves in an error", function()
  local raw_peer = require "spec.support.raw_peer"

  local function shown(err)
    local parts = {}
    local seen = {}
    local function walk(value)
      if type(value) == "string" then parts[#parts + 1] = value end
      if type(value) ~= "table" or seen[value] then return end
      seen[value] = true
      for name, each in pairs(value) do
        walk(name)
        walk(each)
      end
    end
    walk(err)
    parts[#parts + 1] = tostring(err)
    return table.concat(parts, "\n")
  end

  it("is no token, in whatever form the answer came", function()
    for _, body in ipairs {
      '{"message":"ok","token":"new-t0ken-secret"', -- cut
      '{"data":{"token":"new-t0ken-secret"}}', -- elsewhere
      "token=new-t0ken-secret", -- no JSON
    } do
      local path = os.tmpname()
      local file = assert(io.open(path, "wb"))
      file:write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ", #body, "\r\n\r\n", body)
      file:close()
      local peer <close> = raw_peer("bytes", path)
      local client <close> = patchworks.new { base_url = server.url, login_url = peer.url .. "/login", username = "u",
        password = "p4ssw0rd", max_attempts = 1 }
      local _, err = client.script_versions:get(id)
      os.remove(path)
      assert.equal("protocol", err.kind)
      assert.is_nil(shown(err):find("t0ken", 1, true), shown(err))
    end
  end)

  it("is not hidden that an earlier attempt may have done something", function()
    local client <close> = login_client()
    assert(client.script_versions:get(id))
    server:fail { operation = "deploy", how = "drop_after" }
    server:fail { operation = "deploy", how = "status", status = 401 }
    server:fail { operation = "login", how = "status", status = 401 }
    local _, err = client.script_versions:deploy(id)
    assert.same({ "unauthenticated", "unknown" }, { err.kind, err.outcome })
    assert.same({ 2, "login" }, { #err.attempts, err.cause.operation })
  end)

  it("is no former token either", function()
    local client <close> = login_client()
    for _, token in ipairs { "former-token", "newer-token" } do client._auth.accept_token(token) end
    local failure = { kind = "server", message = "you said former-token, then newer-token" }
    client._auth:redact(failure)
    assert.equal("you said [redacted], then [redacted]", failure.message)
  end)
end)
