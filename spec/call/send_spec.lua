-- One call's way to the service and back, told by what goes out, when, and what the caller hears: on a clock of its own,
-- against a service that answers what it is told to.
local patchworks = require "patchworks"
local scripted = require "spec.support.scripted"

local service, client, versions
local open = scripted.setup(before_each, after_each, nil, function(...) service, client, versions = ... end)

local version = { body = '{"data":{"id":7,"version":3}}' }
local limited = { status = 429, headers = { "Retry-After: 30" } }

local function times()
  local list = {}
  for i, request in ipairs(service.requests) do list[i] = math.floor((request.at - 1000) * 1000 + 0.5) / 1000 end
  return list
end

local function near(expected, value) assert.is_true(math.abs(expected - value) < 1e-6, tostring(value)) end

describe("an attempt", function()
  it("has its time-out, the engine's own a second later, and ten seconds to connect", function()
    service:will(version)
    assert.equal(7, versions:get(7).id)
    local request = service.requests[1]
    assert.same({ 31, 10, false }, { request.timeout, request.connect_timeout, request.once })
    service:will(version)
    versions:get(7, { attempt_timeout = 10 })
    -- What connecting may take is no less than the whole attempt: then the attempt's end is told, not connecting's.
    assert.same({ 11, 11 }, { service.requests[2].timeout, service.requests[2].connect_timeout })
    service:will(version)
    versions:get(7, { timeout = 4, attempt_timeout = 5 })
    assert.same({ 5, 5 }, { service.requests[3].timeout, service.requests[3].connect_timeout })
  end)

  it("of anything but a read is not sent again by libcurl itself", function()
    service:will({ body = "{}" }, { body = version.body })
    versions:deploy(7)
    versions:create(1, { content = "x" })
    assert.same({ true, true }, { service.requests[1].once, service.requests[2].once })
  end)

  it("that gets no answer ends at its time, and the call goes on with the next", function()
    service:will({ never = true }, version)
    local _, response = versions:get(7, { attempt_timeout = 2 })
    assert.same({ 0, 2.2 }, times())
    local first = response.attempts[1]
    assert.same({ "timeout", "no answer within 2 s", true }, { first.kind, first.message, first.sent })
    near(2, first.seconds)
    near(0, first.started)
    near(2.2, response.attempts[2].started)
    near(0.01, response.attempts[2].seconds)
    assert.equal(200, response.attempts[2].status)
    -- Nothing was under way in between: the program slept.
    assert.same({ 0.2 }, service.slept)
  end)

  it("ends with the call: the last one has only what is left", function()
    service:will({ status = 500, after = 1 }, { never = true })
    local _, err = versions:get(7, { timeout = 3, attempt_timeout = 2 })
    assert.same({ "timeout", "none", 2 }, { err.kind, err.outcome, #err.attempts })
    assert.equal("no answer within 1.8 s", err.message)
    near(1003, service.clock.time)
  end)

  it("that the engine can't make is a protocol error, with a hint where the process was forked", function()
    service:will { refuses = "the engine belongs to the process before a fork" }
    local _, err = versions:create(1, { content = "x" })
    assert.same({ "protocol", "none", "make a client of its own in each process" }, { err.kind, err.outcome, err.hint })
    service:will { refuses = "the URL is malformed" }
    _, err = versions:get(7)
    assert.same({ "protocol", "the URL is malformed", "is `base_url` the service itself?" }, { err.kind, err.message, err.hint })
    assert.same({ false, 1 }, { err.attempts[1].sent, #err.attempts })
  end)

  it("under way when the engine breaks ends with that, as one that may have been done", function()
    service:will { never = true }
    client._engine.step = function() return nil, "too many open files" end
    local _, err = versions:create(1, { content = "x" })
    assert.same({ "network", "unknown", "too many open files" }, { err.kind, err.outcome, err.message })
    service:will { never = true }
    _, err = versions:get(7, { max_attempts = 1 })
    client._engine.step = nil
    assert.same({ "network", "none", "too many open files" }, { err.kind, err.outcome, err.message })
  end)

  it("tells whether it was sent, for an answer and for none", function()
    for _, case in ipairs {
      { { fails = "network", sent = false }, false, "none" },
      { { fails = "network", sent = true }, true, "unknown" },
      { { status = 500 }, true, "unknown" },
      { { status = 422 }, true, "none" },
    } do
      service:will(case[1])
      local _, err = versions:create(1, { content = "x", max_attempts = 1 })
      assert.same({ case[2], case[3] }, { err.attempts[1].sent, err.outcome })
    end
  end)
end)

describe("a call that is sent again", function()
  it("counts its retries and tells of each wait", function()
    local events = {}
    open { on_event = function(event) events[#events + 1] = event end }
    service:will({ fails = "network" }, { status = 502 }, version)
    assert.equal(7, versions:get(7).id)
    assert.same({ 1, 2 }, { client:stats().calls, client:stats().retries })
    local told = {}
    for i, event in ipairs(events) do
      assert.same({ "get", "GET", "http://127.0.0.1:1/api/v1/script-versions/7" }, { event.operation, event.method, event.url })
      told[i] = { event.type, event.number, event.kind or event.status, event.seconds and math.floor(event.seconds * 100 + 0.5) / 100 }
    end
    assert.same({
      { "attempt", 1, "network", 0.01 }, { "retry", 2, "network", 0.2 },
      { "attempt", 2, "server", 0.01 }, { "retry", 3, "server", 0.4 },
      { "attempt", 3, 200, 0.01 },
    }, told)
    assert.same({ "it failed", 502, 502 }, { events[1].message, events[3].status, events[4].status })
  end)

  it("tells its listener at once, in a task as well", function()
    local heard = {}
    service:will({ status = 502 }, version)
    patchworks.run(function(tasks)
      tasks:spawn(function()
        versions:get(7, { on_event = function(event)
          heard[#heard + 1] = { event.type, math.floor((service.clock.time - 1000) * 100 + 0.5) / 100 }
        end })
      end)
    end)
    assert.same({ { "attempt", 0.01 }, { "retry", 0.01 }, { "attempt", 0.22 } }, heard)
  end)

  it("is told where its time would not do for the wait that the service asks for", function()
    service:will { status = 503, headers = { "Retry-After: 20" }, body = '{"message":"Down for maintenance."}' }
    local _, err = versions:get(7, { timeout = 15 })
    assert.equal("Down for maintenance; the service asks to wait 20 s, which is past the call's timeout", err.message)
    assert.equal(20, err.retry_after)
    near(1000.01, service.clock.time)
  end)

  it("gives up before a wait that ends exactly with its time", function()
    service:will { status = 503, headers = { "Retry-After: 20" }, after = 0 }
    assert.equal(503, select(2, versions:get(7, { timeout = 20 })).status)
    service:will({ status = 503, headers = { "Retry-After: 20" }, after = 0 }, version)
    assert.equal(7, versions:get(7, { timeout = 20.5 }).id)
  end)

  it("gives back to the bucket what its retry took, when it succeeds", function()
    for _ = 1, 200 do
      service:will({ status = 500 }, version)
      assert.equal(7, versions:get(7).id)
    end
    assert.equal(200, client:stats().retries)
  end)

  it("draws from the bucket of its client: 35 retries that fail, and there are no more", function()
    for _ = 1, 40 do service:will { status = 500 } end
    local _, err
    for _ = 1, 5 do _, err = versions:get(7, { max_attempts = 8, timeout = 600 }) end
    assert.equal(40, #service.requests)
    assert.is_nil(err.hint:find "too many")
    service:will { status = 500 }
    _, err = versions:get(7)
    assert.matches("too many of this client's requests failed lately", err.hint)
    assert.equal(41, #service.requests)
  end)

  it("is kept back by a 429 as all of the client's calls are, once, and counted as a wait", function()
    local waits = {}
    service:will({ status = 429, headers = { "Retry-After: 9" } }, version)
    assert.equal(7, versions:get(7, { on_event = function(event)
      if event.type == "wait" then waits[#waits + 1] = event.seconds end
    end }).id)
    assert.same({ { 0, 9.01 }, { 9 } }, { times(), waits })
    assert.same({ 1, 1 }, { client:stats().waits, client:stats().retries })
    service:will(limited)
    assert.equal("rate_limited", select(2, versions:get(7, { max_attempts = 1 })).kind)
    assert.equal(1, client:stats().waits)
  end)

  it("waits a second at most, at first, and then longer, where a 429 names no time", function()
    service:will({ status = 429 }, { status = 429 }, version)
    assert.equal(7, versions:get(7).id)
    assert.same({ 0, 1.01, 3.02 }, times())
  end)

  it("without an answer after a 429 is not kept back once more", function()
    service:will({ status = 429, headers = { "Retry-After: 5" } }, { fails = "network" }, version)
    assert.equal(7, versions:get(7).id)
    assert.same({ 0, 5.01, 5.42 }, times())
  end)

  it("does no more than what the service says remains", function()
    service:will({ body = version.body, headers = { "X-RateLimit-Remaining: 0" } }, { never = true }, { never = true }, version)
    versions:get(7)
    patchworks.run(function(tasks)
      for id = 1, 3 do
        tasks:spawn(function() versions:get(id, { attempt_timeout = 20, timeout = 90, max_attempts = 1 }) end)
      end
    end)
    -- One after the other: each has ended when the next one goes, without an answer, which tells nothing new.
    assert.same({ 0, 0.01, 20.01, 40.01 }, times())
  end)
end)

describe("a call that its client's gate holds back", function()
  local function close_gate()
    service:will(limited)
    versions:get(1, { max_attempts = 1 })
  end

  it("past its time is told for how long, and what it may do", function()
    close_gate()
    local _, err = versions:get(7, { timeout = 10 })
    assert.same({ "rate_limited", "none", 0 }, { err.kind, err.outcome, #err.attempts })
    assert.equal("requests are held back for 30 s more, which is past the call's timeout", err.message)
    assert.equal("raise `timeout`, or send fewer requests", err.hint)
    near(30, err.retry_after)
    assert.is_nil(err.status)
    assert.is_nil(err.response)
    assert.equal(1, #service.requests)
  end)

  it("after a 429 of its own has that answer in its error", function()
    service:will { status = 429, body = '{"message":"Slow down"}', headers = { "X-Request-Id: 5" } }
    service:will(limited)
    local _, err = versions:create(1, { content = "x", timeout = 12 })
    assert.same({ "rate_limited", 429, "none", 2 }, { err.kind, err.status, err.outcome, #err.attempts })
    assert.equal(429, err.response.status)
    assert.equal(30, err.retry_after)
  end)

  it("is held back by what another's 429 said since, and keeps its own answer", function()
    service:will({ status = 429, body = '{"message":"mine"}', after = 0.5, headers = { "Retry-After: 3" } },
      { status = 429, after = 0.6, headers = { "Retry-After: 90" } })
    local err
    patchworks.run(function(tasks)
      tasks:spawn(function() err = select(2, versions:get(1, { timeout = 20 })) end)
      tasks:spawn(function() versions:get(2, { max_attempts = 1 }) end)
    end)
    assert.same({ "rate_limited", 429, "none", 1 }, { err.kind, err.status, err.outcome, #err.attempts })
    assert.equal('{"message":"mine"}', err.response.body)
    assert.matches("requests are held back for", err.message)
    assert.is_true(err.retry_after > 80)
  end)

  it("until its time is up is not sent", function()
    local events = 0
    close_gate()
    local _, err = versions:create(7, { content = "x", timeout = 30, on_event = function(event)
      if event.type ~= "wait" then events = events + 1 end
    end })
    assert.same({ "timeout", "none", "the call's time was up before it was sent", 0 },
      { err.kind, err.outcome, err.message, #err.attempts })
    assert.same({ 1, 0 }, { #service.requests, events })
  end)

  it("whose turn never comes is told that its time was up", function()
    open { max_connections = 1 }
    service:will { never = true }
    local err
    patchworks.run(function(tasks)
      tasks:spawn(function() versions:get(1, { timeout = 20 }) end)
      tasks:spawn(function() err = select(2, versions:deploy(2, { timeout = 5 })) end)
    end)
    assert.same({ "timeout", "none", 0 }, { err.kind, err.outcome, #err.attempts })
    assert.equal("the call's time was up while it waited for its turn", err.message)
    assert.equal(1, #service.requests)
  end)

  it("that was dropped meanwhile is never sent", function()
    close_gate()
    local generator = coroutine.wrap(function()
      local pending = client:_begin(client:_prepare(require("patchworks.call.endpoints").deploy, 7), "object")
      coroutine.yield(pending)
    end)
    generator()
    generator = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    patchworks.sleep(60)
    assert.equal(1, #service.requests)
    service:will(version)
    assert.equal(7, versions:get(7).id)
  end)
end)

describe("a credential that the service refuses", function()
  it("is a key's or a token's for good, and sent once", function()
    service:will { status = 401 }
    local _, err = versions:get(7)
    assert.same({ "unauthenticated", 1 }, { err.kind, #service.requests })
  end)

  it("is renewed by a login, beside the attempts that a call has", function()
    open { username = "u", password = "p4ssword", max_attempts = 1 }
    service:will({ body = '{"token":"first"}' }, { status = 401 }, { body = '{"token":"second"}' }, version)
    assert.equal(7, versions:get(7).id)
    assert.equal(2, client:stats().logins)
    local bearers = {}
    for i, request in ipairs(service.requests) do bearers[i] = request.headers:match "Bearer (%a+)" or "" end
    assert.same({ "", "first", "", "second" }, bearers)
  end)

  it("and then fails in passing has an attempt more for the one that was refused", function()
    open { username = "u", password = "p4ssword", max_attempts = 2 }
    service:will({ body = '{"token":"first"}' }, { status = 401 }, { body = '{"token":"second"}' }, { status = 500 }, version)
    assert.equal(7, versions:get(7).id)
    service:will({ status = 401 }, { body = '{"token":"third"}' }, { status = 500 }, { status = 500 })
    assert.equal(3, #select(2, versions:get(7)).attempts)
    service:will({ status = 500 }, { status = 500 })
    assert.equal(2, #select(2, versions:get(7)).attempts)
  end)
end)

describe("what an answer echoes of the credential", function()
  it("is in no attempt, no event and no excerpt", function()
    local told = {}
    open { api_key = "k3y-that-is-secret", max_attempts = 2, on_event = function(event) told[#told + 1] = event.message end }
    local echo = { status = 500, body = '{"message":"no k3y-that-is-secret"}' }
    service:will(echo, echo)
    local _, err = versions:get(7)
    for _, text in ipairs { err.attempts[1].message, err.attempts[2].message, err.message, told[1] } do
      assert.equal("no [redacted]", text)
    end
    service:will { body = "<p>k3y-that-is-secret</p>" }
    _, err = versions:get(7)
    assert.matches('starts with "<p>[redacted]</p>"', err.message, 1, true)
    assert.equal("<p>[redacted]</p>", err.response.body)
  end)

  it("is in no part in an excerpt that ends within it", function()
    open { api_key = "k3y-that-is-secret", max_attempts = 1 }
    for length = 40, 60 do
      service:will { body = ("x"):rep(length) .. "k3y-that-is-secret and more" }
      local _, err = versions:get(7)
      assert.matches(('starts with "%s'):format(("x"):rep(length)), err.message, 1, true)
      assert.is_nil(err.message:find "k3y", err.message)
    end
  end)
end)

describe("an answer that is no success", function()
  it("is a redirect from 300 on, and 299 is a success", function()
    service:will({ status = 299, body = version.body }, { status = 300, body = version.body })
    assert.equal(7, versions:get(7).id)
    local _, err = versions:get(7)
    assert.same({ "protocol", 300 }, { err.kind, err.status })
  end)
end)

describe("a call that deletes", function()
  it("is done by a 204", function()
    service:will { status = 204, body = "" }
    local answer, response = versions:delete(7)
    assert.same({}, answer)
    assert.equal(204, response.status)
  end)

  it("is done by a 404 after an attempt that may have deleted", function()
    service:will({ fails = "network", sent = true }, { status = 404, body = '{"message":"gone"}' })
    local answer, response = versions:delete(7)
    assert.equal("it was gone already: an earlier attempt deleted it", answer.message)
    assert.same({ 404, 2 }, { response.status, #response.attempts })
  end)

  it("is not done by a 404 after an attempt that surely did nothing, nor any other call by one", function()
    service:will({ fails = "network", sent = false }, { status = 404 })
    assert.equal("not_found", select(2, versions:delete(7)).kind)
    service:will({ fails = "network", sent = true }, { status = 404 })
    local _, err = versions:deploy(7)
    assert.same({ "not_found", "unknown" }, { err.kind, err.outcome })
  end)
end)

describe("a listener", function()
  it("hears of the login that its call began, too", function()
    local told = {}
    open { username = "u", password = "p4ssword" }
    service:will({ body = '{"token":"first"}' }, version)
    versions:get(7, { on_event = function(event) told[#told + 1] = event.operation end })
    assert.same({ "get" }, told)
    client:close()
    open { username = "u", password = "p4ssword", on_event = function(event) told[#told + 1] = event.operation end }
    service:will({ body = '{"token":"first"}' }, version)
    versions:get(7)
    assert.same({ "get", "login", "get" }, told)
  end)
end)

describe("a request", function()
  local own = { "Authorization: k3y-of-a-client", "Accept: application/json", "Content-Type: application/json",
    "User-Agent: patchworks-lua/0.1.0", "Accept-Encoding: " .. require("patchworks.core").versions().encodings }

  it("says who we are and what we take, and that its body may come at once", function()
    service:will(version, version)
    versions:get(7)
    assert.equal(table.concat(own, "\n"), service.requests[1].headers)
    versions:create(1, { content = "x" })
    assert.equal(table.concat(own, "\n") .. "\nExpect:", service.requests[2].headers)
  end)

  it("of each operation goes where it should, is sent as often as it may be, and says what it may have done", function()
    local lost = { fails = "network", sent = true }
    local function all(listing) return select(2, listing:all()) end
    local cases = {
      get = { "GET", "/script-versions/7", 4, "none", function() return select(2, versions:get(7)) end },
      list = { "GET", "/scripts/7/script-versions", 4, "none", function() return all(versions:list(7)) end },
      logs = { "GET", "/script-versions/7/logs", 4, "none", function() return all(versions:logs(7)) end },
      create = { "POST", "/scripts/7/script-versions", 1, "unknown", function() return select(2, versions:create(7, { content = "x" })) end },
      deploy = { "POST", "/script-versions/7/deploy", 4, "unknown", function() return select(2, versions:deploy(7)) end },
      invoke = { "POST", "/script-versions/7/invoke", 1, "unknown", function() return select(2, versions:invoke(7)) end },
      upload = { "POST", "/script-versions/7/upload", 1, "unknown", function() return select(2, versions:upload(7, { private = true })) end },
      delete = { "DELETE", "/script-versions/7", 4, "unknown", function() return select(2, versions:delete(7)) end },
    }
    for name, case in pairs(cases) do
      service.answers, service.requests = {}, {}
      service:will(lost, lost, lost, lost)
      local err = case[5]()
      assert.same({ name, case[3], case[4] }, { err.operation, #service.requests, err.outcome })
      local request = service.requests[1]
      assert.same({ case[1], "/api/v1" .. case[2] }, { request.method, request.url:match "^http://127.0.0.1:1([^?]*)" })
      local what = (name == "create" or name == "list") and "script id" or "script version id"
      local ok, problem = pcall(versions[name], versions, 0, name == "create" and { content = "x" } or nil)
      assert.is_false(ok)
      assert.matches(name .. ": " .. what .. ": ", problem, 1, true)
    end
  end)

  it("of any kind is sent again where that does no harm, and else says that it may have been done", function()
    local lost = { fails = "network", sent = true }
    for method, outcome in pairs { GET = "none", POST = "unknown", PUT = "unknown", PATCH = "unknown", DELETE = "unknown" } do
      local once = outcome == "unknown"
      for _, repeatable in ipairs { false, true } do
        service.answers, service.requests = {}, {}
        service:will(lost, lost, lost, lost)
        local _, err = client:request(method, "/scripts/1", { repeatable = repeatable })
        assert.same({ "network", outcome, once and not repeatable and 1 or 4 }, { err.kind, err.outcome, #service.requests }, method)
        assert.equal(method .. " /scripts/1", err.operation)
        assert.same({ method, once }, { service.requests[1].method, service.requests[1].once })
      end
    end
  end)
end)

describe("what isn't answered", function()
  -- The kind of the error, the seconds it took, and those of each attempt.
  local function ended(fn)
    service.answers, service.requests = {}, {}
    for _ = 1, 9 do service:will { never = true } end
    local began = service.clock.time
    local _, err = fn()
    local list = {}
    for i, request in ipairs(service.requests) do list[i] = request.timeout - 1 end
    return { err.kind, math.floor((service.clock.time - began) * 1000 + 0.5) / 1000, #list, math.floor(list[1] + 0.5) }
  end
  local function get(given) return ended(function() return versions:get(7, given) end) end
  local function request(given) return ended(function() return client:request("GET", "/scripts", given) end) end

  it("ends after a minute, of which an attempt has half", function()
    for _, read in ipairs { get, request } do assert.same({ "timeout", 60, 2, 30 }, read()) end
    assert.same({ "timeout", 30, 1, 30 }, ended(function() return versions:create(1, { content = "x" }) end))
    assert.same({ "timeout", 150, 1, 150 }, ended(function() return versions:invoke(7, { timeout = 500 }) end))
    assert.equal(150, ended(function() return versions:invoke(7, { attempt_timeout = 500 }) end)[2])
  end)

  it("ends when the client says so, for every operation", function()
    client:close()
    open { timeout = 7, attempt_timeout = 2.5 }
    for _, read in ipairs { get, request } do
      local told = read()
      assert.same({ "timeout", 7, 3 }, { told[1], told[2], told[4] })
    end
    client:close()
    open { timeout = 7 }
    for _, fn in ipairs { get, request, function() return ended(function() return versions:invoke(7) end) end } do
      assert.same({ "timeout", 7, 1, 7 }, fn())
    end
    client:close()
    open { max_attempts = 3, attempt_timeout = 1 }
    for _, read in ipairs { get, request } do assert.equal(3, read()[3]) end
  end)

  it("ends when the call says so, whatever the client does", function()
    client:close()
    open { timeout = 50, attempt_timeout = 40, max_attempts = 9 }
    for _, read in ipairs { get, request } do
      assert.same({ "timeout", 3, 1, 3 }, read { timeout = 3 })
      local told = read { attempt_timeout = 5, max_attempts = 2 }
      assert.same({ "timeout", 2, 5 }, { told[1], told[3], told[4] })
      assert.is_true(told[2] >= 10 and told[2] < 20)
    end
  end)
end)

describe("a call that is cut off", function()
  it("says whether it had been sent", function()
    service:will { never = true }
    local err
    patchworks.run(function(tasks)
      local task = tasks:spawn(function() return versions:create(1, { content = "x" }) end)
      patchworks.sleep(0.5)
      tasks:cancel(task)
      err = select(2, task:join())
    end)
    assert.same({ "cancelled", "unknown", "the call was cancelled" }, { err.kind, err.outcome, err.cause.message })
    assert.equal(0, client:stats().active)
    service:will(version)
    assert.equal(7, versions:get(7).id)
  end)

  it("was not sent where it was still connecting, waited for its turn, or waited to be sent again", function()
    local refused = { status = 503, headers = { "Retry-After: 10" } }
    for _, answers in ipairs { { { never = true, sent = false } }, { limited }, { refused } } do
      local err
      client:close()
      open()
      service.answers = {}
      service:will(table.unpack(answers))
      patchworks.run(function(tasks)
        local task = tasks:spawn(function() return versions:create(1, { content = "x" }) end)
        patchworks.sleep(0.5)
        tasks:cancel(task)
        err = select(2, task:join())
      end)
      assert.same({ "cancelled", "none" }, { err.kind, err.outcome })
    end
  end)

  it("leaves nothing to wait for", function()
    service:will { never = true }
    patchworks.run(function(tasks)
      local task = tasks:spawn(function() return versions:get(7) end)
      patchworks.sleep(0.5)
      tasks:cancel(task)
    end)
    patchworks.sleep(7)
    assert.same({ 7 }, service.slept)
  end)

  it("by its client's end says so", function()
    service:will { never = true }
    local err
    patchworks.run(function(tasks)
      tasks:spawn(function() err = select(2, versions:create(1, { content = "x" })) end)
      patchworks.sleep(0.5)
      client:close()
    end)
    assert.same({ "cancelled", "unknown", "the client was closed" }, { err.kind, err.outcome, err.message })
    local tried = err.attempts[1]
    assert.same({ 1, "cancelled", "it was cut off", true }, { #err.attempts, tried.kind, tried.message, tried.sent })
    assert.is_true(tried.started < 0.1 and tried.seconds > 0.4 and tried.seconds < 0.6)
  end)
end)
