-- The login on its way: what goes out, for how long it is tried, and what its failure says. On a clock of its own.
local core = require "patchworks.core"
local patchworks = require "patchworks"
local scripted = require "spec.support.scripted"

local service, client, versions

local usual = { login_url = "https://login.example/in", username = "u", password = "p4ssword" }
local open_as = scripted.setup(before_each, after_each, usual, function(...) service, client, versions = ... end)

local function open(options)
  options = options or usual
  local given = { login_url = usual.login_url }
  if not options.api_key then given.username, given.password = usual.username, usual.password end
  for name, value in pairs(options) do given[name] = value end
  open_as(given)
end

local token = { body = '{"token":"t0ken"}' }
local version = { body = '{"data":{"id":7}}' }

-- The error of a login that ends so, as the call's cause, and the call's own. The call has more time than any login.
local function failed(...)
  service:will(...)
  local value, err = versions:get(7, { timeout = 500 })
  assert.is_nil(value)
  return err.cause, err
end

describe("a login", function()
  it("sends name and password, and nothing that says who is there", function()
    service:will(token, version)
    assert.equal(7, versions:get(7).id)
    local request = service.requests[1]
    assert.same({ "POST", "https://login.example/in", true }, { request.method, request.url, request.once })
    assert.same({ username = "u", password = "p4ssword" }, core.decode(request.body))
    assert.is_nil(request.headers:find "Authorization")
    assert.matches("Accept: application/json", request.headers, 1, true)
    assert.matches("\nExpect:$", request.headers)
    assert.matches("Authorization: Bearer t0ken", service.requests[2].headers, 1, true)
  end)

  it("has 30 s for an attempt and 60 s in all, or what the client has", function()
    for _, case in ipairs {
      { {}, { 31, 30.8 }, 60 },
      { { timeout = 20, attempt_timeout = 15 }, { 16, 5.8 }, 20 },
      { { attempt_timeout = 50 }, { 51, 10.8 }, 60 },
    } do
      open(case[1])
      local first, began = #service.requests, service.clock.time
      local cause = failed({ never = true }, { never = true })
      assert.same({ "timeout", 2 }, { cause.kind, #cause.attempts })
      for i = 1, 2 do
        assert.is_true(math.abs(case[2][i] - service.requests[first + i].timeout) < 1e-6, service.requests[first + i].timeout)
      end
      assert.is_true(math.abs(service.clock.time - began - case[3]) < 1e-6, service.clock.time - began)
    end
  end)

  it("is tried as often as the client's calls are: one more token does no harm", function()
    open { max_attempts = 3 }
    service:will({ status = 500 }, { fails = "network", sent = true }, token, version)
    assert.equal(7, versions:get(7).id)
    open { max_attempts = 2 }
    local cause = failed({ status = 500 }, { status = 500 })
    assert.same({ "server", 500, 2 }, { cause.kind, cause.status, #cause.attempts })
  end)

  it("ends with the call that needs it, and then goes on for the next", function()
    service:will({ body = token.body, after = 8 }, version)
    local _, err = versions:create(7, { content = "x", timeout = 5 })
    assert.same({ "timeout", "none", "the call's time was up during the login", 0 }, { err.kind, err.outcome, err.message, #err.attempts })
    assert.equal(7, versions:get(7).id)
    assert.equal(1, client:stats().logins)
    assert.equal(2, #service.requests)
  end)

  it("that fails says so for the call, which did nothing, with all that the service said", function()
    local cause, err = failed({ status = 403, body = '{"message":"Locked.","errors":{"username":["locked"]}}', headers = { "Retry-After: 5" } })
    assert.same({ "forbidden", 403, "none", "the login failed: Locked.", 5 },
      { err.kind, err.status, err.outcome, err.message, err.retry_after })
    assert.same({ "get", "https://login.example/in", "http://127.0.0.1:1/api/v1/script-versions/7" },
      { err.operation, err.login_url, err.url })
    assert.same({ "forbidden", 403, "Locked.", "login", "https://login.example/in", 5, 1 },
      { cause.kind, cause.status, cause.message, cause.operation, cause.url, cause.retry_after, #cause.attempts })
    assert.same({ username = { "locked" } }, cause.errors)
    assert.matches("check `username` and `password`", err.hint)
    assert.equal(err.hint, cause.hint)
    assert.same({ 403, "[withheld: a login's answer]", 1 }, { err.response.status, err.response.body, #err.response.attempts })
    assert.same({}, err.response.headers)
  end)

  it("of a once-only call that fails without an answer leaves nothing unknown", function()
    open { max_attempts = 1 }
    service:will { fails = "network", sent = true, message = "it went away" }
    local _, err = versions:create(1, { content = "x" })
    assert.same({ "network", "none", "the login failed: it went away" }, { err.kind, err.outcome, err.message })
    assert.is_nil(err.response)
    assert.is_nil(err.cause.response)
    service:will { status = 500 }
    assert.same("none", select(2, versions:create(1, { content = "x" })).outcome)
  end)

  it("whose fields are refused is a wrong name or password", function()
    local cause, err = failed { status = 422, body = '{"message":"These credentials do not match."}' }
    assert.same({ "unauthenticated", 422, "unauthenticated" }, { cause.kind, cause.status, err.kind })
    assert.equal("These credentials do not match.", cause.message)
  end)

  it("that is refused is not tried again for a minute: it would be refused again", function()
    for _, status in ipairs { 401, 422, 403 } do
      open()
      local before = #service.requests
      failed { status = status }
      local refused_at = service.clock.time
      service.clock.time = refused_at + 59.5
      assert.is_truthy(select(2, versions:get(7)).cause)
      assert.equal(before + 1, #service.requests)
      service.clock.time = refused_at + 60
      service:will(token, version)
      assert.equal(7, versions:get(7).id)
    end
  end)

  it("that fails otherwise is tried by the next call", function()
    failed { status = 404 }
    service:will(token, version)
    assert.equal(7, versions:get(7).id)
  end)

  it("whose answer holds no token says what it got, and not in which words", function()
    for body, message in pairs {
      ["{}"] = "the login's answer holds no token",
      ['{"token":7}'] = "the login's answer holds no token",
      ['{"token":""}'] = "the login's answer holds no token",
      ['{"token":"a\\nb"}'] = "the login's answer holds no token",
      ['{"token":"a\\u0000b"}'] = "the login's answer holds no token",
      ["7"] = "the login's answer holds no token, and is no JSON object",
      ["<html>"] = "the login's answer holds no token, and is no JSON object",
      [""] = "the login's answer holds no token, and is no JSON object",
    } do
      local cause, err = failed { body = body }
      assert.same({ "protocol", 200, message, "is `login_url` right?", 1 },
        { cause.kind, cause.status, cause.message, cause.hint, #cause.attempts }, body)
      assert.same({ "protocol", "the login failed: " .. message, "is `login_url` right?" }, { err.kind, err.message, err.hint })
      assert.equal("[withheld: a login's answer]", cause.response.body)
    end
  end)

  it("is shared: who needs it meanwhile waits for it", function()
    service:will({ body = token.body, after = 1 }, version, version)
    local found = patchworks.map({ 1, 2 }, function() return versions:get(7) end)
    assert.same({ 7, 7, 1 }, { found[1].id, found[2].id, client:stats().logins })
  end)

  it("ends with its client", function()
    service:will { never = true }
    local err
    patchworks.run(function(tasks)
      tasks:spawn(function() err = select(2, versions:get(7)) end)
      patchworks.sleep(1)
      client:close()
    end)
    assert.equal("cancelled", err.kind)
    assert.equal(0, client._engine:active())
    -- Nothing of it is due any more.
    service.slept = {}
    patchworks.sleep(50)
    assert.same({ 50 }, service.slept)
  end)
end)

describe("a refused token", function()
  it("is renewed for all who were refused, once: who meets the newer one uses it", function()
    service:will(token, version)
    versions:get(7)
    service:will({ status = 401, after = 1 }, { status = 401, after = 3 }, { body = '{"token":"newer"}' }, version, version)
    local found = patchworks.map({ 1, 2 }, function() return versions:get(7) end)
    assert.same({ 7, 7, 2 }, { found[1].id, found[2].id, client:stats().logins })
  end)
end)

describe("a credential that isn't enough", function()
  local good = "the credential is good, but may not do this"
  local administrator = "upload needs an administrator; an API key has a manager's rights: use `token`, or `username` and `password`"

  local function hints(options)
    local other <close> = service:client(options)
    local list = {}
    for i, status in ipairs { 401, 403, 403 } do
      service:will { status = status }
      local fn = i == 3 and other.script_versions.upload or other.script_versions.get
      list[i] = select(2, fn(other.script_versions, 7, i == 3 and { private = true } or nil)).hint
    end
    return list
  end

  it("says which one to look at, and who may", function()
    assert.same({ "check `api_key` or PATCHWORKS_API_KEY", good, administrator }, hints { api_key = "k3y-of-mine" })
    assert.same({ "check `token` or PATCHWORKS_TOKEN; tokens expire, 24 hours after the login by default", good, good },
      hints { token = "t0ken" })
  end)
end)

describe("a secret", function()
  local function redacted(failure)
    failure.kind = "server"
    client._auth:redact(failure)
    return failure
  end

  it("is taken out of what an answer's headers show", function()
    open { api_key = "k3y-of-mine" }
    service:will { status = 500, headers = { "X-Echo: Bearer k3y-of-mine; k3y-of-mine", "Content-Type: application/json" } }
    local _, err = versions:get(7, { max_attempts = 1 })
    assert.equal("Bearer [redacted]; [redacted]", err.response.headers["x-echo"])
  end)

  it("that an answer's header hides costs that header its value, and its name where that hides it", function()
    open { api_key = "k3y-of-mine" }
    service:will { status = 500, headers = { "X-Echo: k3%79-of-mine", "K3Y-OF-MINE: mine", "X-Folded: k3y-of", "\t -mine", "X-Plain: 7" } }
    local _, err = versions:get(7, { max_attempts = 1 })
    local withheld = "[withheld: a credential is in it]"
    assert.same({ ["x-echo"] = withheld, withheld = withheld, ["x-folded"] = withheld, ["x-plain"] = "7" }, err.response.headers)
  end)

  it("is taken out of fields, lists and texts alike", function()
    local failure = redacted { message = "p4ssword", errors = { p4ssword = { "no p4ssword", 7 }, plain = "p4sswordp4ssword", more = 5 } }
    assert.equal("[redacted]", failure.message)
    assert.same({ ["[redacted]"] = { "no [redacted]", 7 }, plain = "[redacted][redacted]", more = 5 }, failure.errors)
  end)

  it("is taken out as long as it may still be echoed: the last seven tokens, and the password", function()
    for i = 1, 9 do client._auth.accept_token(("t0ken-%d"):format(i)) end
    assert.equal("t0ken-1 t0ken-2 [redacted] [redacted] [redacted]",
      redacted({ message = "t0ken-1 t0ken-2 t0ken-3 t0ken-9 p4ssword" }).message)
  end)

  it("of less than four characters is left: it would be told by its absence", function()
    open { password = "abc" }
    assert.equal("abc", redacted({ message = "abc" }).message)
    open { password = "abcd" }
    assert.equal("[redacted]", redacted({ message = "abcd" }).message)
  end)

  it("goes out beside the caller's own headers, which replace the client's", function()
    service:will(token, version)
    versions:get(7, { headers = { accept = "text/plain", ["X-A"] = "b" } })
    local lines = service.requests[2].headers
    assert.matches("Authorization: Bearer t0ken\n", lines, 1, true)
    assert.matches("accept: text/plain", lines, 1, true)
    assert.matches("X-A: b", lines, 1, true)
    assert.matches("Content-Type: application/json", lines, 1, true)
    assert.is_nil(lines:find("Accept: application/json", 1, true))
  end)
end)
