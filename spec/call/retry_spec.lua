-- Whether to send again and after how long, by itself and through the client with a clock that is moved.
local clock_of = require "spec.support.clock"
local core = require "patchworks.core"
local retry = require "patchworks.call.retry"
local sandbox = require "patchworks.sandbox"

local classes = { "read", "repeatable", "once" }

local function whether(failure)
  local answers = {}
  for i, class in ipairs(classes) do answers[i] = retry.whether(class, failure) end
  return answers
end

local function outcome(failure)
  local answers = {}
  for i, class in ipairs(classes) do answers[i] = retry.outcome(class, failure) end
  return answers
end

describe("retry.whether", function()
  it("repeats reads and repeatable calls after passing failures, and once-only ones when surely nothing was done", function()
    local yes, no, not_once = { true, true, true }, { false, false, false }, { true, true, false }
    assert.same(yes, whether { kind = "network", sent = false })
    assert.same(not_once, whether { kind = "network", sent = true })
    assert.same(yes, whether { kind = "timeout", sent = false })
    assert.same(not_once, whether { kind = "timeout", sent = true })
    assert.same(yes, whether { status = 429 })
    assert.same(yes, whether { status = 503, retry_after = 0 })
    for _, status in ipairs { 500, 502, 503, 504 } do assert.same(not_once, whether { status = status }) end
    for _, status in ipairs { 200, 301, 400, 401, 403, 404, 405, 408, 409, 413, 422, 501, 505, 599 } do
      assert.same(no, whether { status = status }, tostring(status))
    end
    for _, kind in ipairs { "tls", "protocol", "cancelled" } do assert.same(no, whether { kind = kind, sent = false }) end
  end)
end)

describe("retry.outcome", function()
  it("is unknown when something may have been done", function()
    local none, unknown = { "none", "none", "none" }, { "none", "unknown", "unknown" }
    assert.same(none, outcome { kind = "network", sent = false })
    assert.same(unknown, outcome { kind = "network", sent = true })
    assert.same(none, outcome { kind = "tls", sent = false })
    assert.same(unknown, outcome { kind = "timeout", sent = true })
    assert.same(unknown, outcome { kind = "protocol", sent = true })
    assert.same(none, outcome { status = 429 })
    assert.same(none, outcome { status = 503, retry_after = 1 })
    assert.same(unknown, outcome { status = 503 })
    for _, status in ipairs { 400, 401, 403, 404, 409, 413, 422 } do assert.same(none, outcome { status = status }) end
    assert.same(none, outcome { status = 500, unsent = true })
    for _, status in ipairs { 200, 301, 408, 499, 500, 502, 504 } do assert.same(unknown, outcome { status = status }) end
  end)
end)

describe("retry.delay", function()
  local function most() return 1 end

  it("doubles from 0.2 s to 20 s, with full jitter", function()
    local delays = {}
    for attempt = 1, 10 do delays[attempt] = retry.delay(attempt, { status = 500 }, most) end
    assert.same({ 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20, 20 }, delays)
    assert.equal(0, retry.delay(5, { status = 500 }, function() return 0 end))
    assert.equal(1, retry.delay(1, { status = 429 }, most))
    assert.equal(20, retry.delay(2000, { status = 429 }, most))
  end)

  it("is what the service asks for", function() assert.equal(7, retry.delay(1, { status = 503, retry_after = 7 }, most)) end)
end)

describe("retry.parse_after", function()
  local function parse(text) return retry.parse_after(text, core.date, function() return 784111777 end) end

  it("takes seconds and dates", function()
    assert.equal(120, parse "120")
    assert.equal(0, parse "0")
    assert.equal(10, parse "Sun, 06 Nov 1994 08:49:47 GMT")
    assert.equal(10, parse "Sunday, 06-Nov-94 08:49:47 GMT")
    assert.equal(0, parse "Sun, 06 Nov 1994 08:49:00 GMT")
  end)

  it("takes nothing else", function()
    for _, text in ipairs { "", "soon", "-1", "1.5", "0x10", "1e3", " ", "12 apples", "Sun, 99 Foo 1994" } do
      assert.is_nil(parse(text), text)
    end
    assert.is_nil(parse(nil))
    assert.equal(999999999, parse "999999999")
    for _, text in ipairs { "9999999999", ("9"):rep(400) } do assert.equal(1e9, parse(text)) end
  end)
end)

describe("the bucket", function()
  it("stops a storm, and fills up again by successes", function()
    local bucket = retry.bucket()
    local taken = 0
    while bucket:take { status = 500 } do taken = taken + 1 end
    assert.equal(500 // 14, taken)
    assert.equal(5, bucket:take { status = 429 })
    for _ = 1, 14 do bucket:give() end
    assert.equal(14, bucket:take { kind = "network" })
  end)

  it("holds 500, down to the last: a retry takes 14, after a 429 5, and a success gives back 1, or what its retry took", function()
    local function drained(retries, refusals)
      local bucket = retry.bucket()
      for _ = 1, retries do assert.equal(14, bucket:take { status = 500 }) end
      for _ = 1, refusals do assert.equal(5, bucket:take { status = 429 }) end
      return bucket
    end
    local empty = drained(0, 100)
    assert.is_nil(empty:take { status = 429 })
    for _ = 1, 4 do empty:give() end
    assert.is_nil(empty:take { status = 429 })
    empty:give()
    assert.equal(5, empty:take { status = 429 })
    empty:give(14)
    assert.equal(14, empty:take { status = 500 })
    assert.is_nil(drained(4, 88):take { status = 429 }) -- 4 are left
    local full = drained(0, 1)
    for _ = 1, 9 do full:give(14) end
    for _ = 1, 100 do assert.equal(5, full:take { status = 429 }) end
    assert.is_nil(full:take { status = 429 })
  end)
end)

describe("a call", function()
  local server, client, versions, id, clock

  before_each(function()
    server = assert(sandbox.start { deploy_seconds = 0 })
    clock = clock_of(1)
    client = server:client()
    versions = client.script_versions
    id = versions:create(1, { content = "x" }).id
    server:forget_requests()
  end)
  after_each(function()
    clock.restore()
    client:close()
    server:close()
  end)

  it("is sent again with growing waits, at most four times in all, and tells the story", function()
    server:fail { operation = "get", how = "status", status = 502, times = 3 }
    local version, response = versions:get(id)
    assert.equal(id, version.id)
    assert.same({ 0.2, 0.4, 0.8 }, clock.slept)
    assert.same({ 502, 502, 502, 200 }, { response.attempts[1].status, response.attempts[2].status, response.attempts[3].status, response.attempts[4].status })
    server:fail { operation = "get", how = "status", status = 500, times = 9 }
    local _, err = versions:get(id)
    assert.same({ "server", 500, 4 }, { err.kind, err.status, #err.attempts })
    for _, attempt in ipairs(err.attempts) do
      assert.is_number(attempt.started)
      assert.is_number(attempt.seconds)
      assert.equal("server", attempt.kind)
    end
    assert.equal(5, server:faults_left())
    assert.equal(1, #select(2, versions:get(id, { max_attempts = 1 })).attempts)
  end)

  it("heeds Retry-After in both forms, a date by the service's own clock", function()
    server:fail { operation = "get", how = "status", status = 503, retry_after = 17 }
    assert.truthy(versions:get(id))
    assert.same({ 17 }, clock.slept)
    server:fail { operation = "get", how = "status", status = 503, retry_after = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 5) }
    assert.truthy(versions:get(id))
    assert.is_true(clock.slept[2] >= 4 and clock.slept[2] <= 6)
  end)

  it("fails at once when the wait would outlast its time, and says how long the service asked for", function()
    for _, status in ipairs { 503, 429 } do
      server:fail { operation = "get", how = "status", status = status, retry_after = 300 }
      local began = clock.now()
      local _, err = versions:get(id)
      assert.equal(status, err.status)
      assert.equal(300, err.retry_after)
      assert.truthy(err.message:find "300" , err.message)
      assert.is_true(clock.now() - began < 1)
    end
  end)

  it("whose turn comes when its time is up is not sent", function()
    server:fail { operation = "get", how = "status", status = 429, retry_after = 9 }
    versions:get(id, { max_attempts = 1 })
    local sent = server:count "get"
    local _, err = versions:get(id, { timeout = 9 })
    assert.same({ "timeout", "none", 0 }, { err.kind, err.outcome, #err.attempts })
    assert.equal(sent, server:count "get")
  end)

  it("never outlasts its time, waits included", function()
    server:fail { operation = "get", how = "status", status = 500, times = math.huge }
    for _, timeout in ipairs { 0.1, 0.5, 1, 3 } do
      local began = clock.now()
      local _, err = versions:get(id, { timeout = timeout, max_attempts = 50 })
      assert.equal("server", err.kind)
      assert.is_true(clock.now() - began <= timeout)
    end
  end)

  it("that deletes is done when it is gone after an attempt of its own", function()
    server:fail { operation = "delete", how = "drop_after" }
    local answer = versions:delete(id)
    assert.equal("string", type(answer.message))
    assert.equal(2, server:count "delete")
    assert.equal("not_found", select(2, versions:delete(id)).kind)
  end)

  it("that deploys is sent again", function()
    server:fail { operation = "deploy", how = "drop_after", times = 2 }
    assert.truthy(versions:deploy(id))
    assert.equal(3, server:count "deploy")
  end)

  it("that creates goes out once, but for what surely did nothing", function()
    server:fail { operation = "create", how = "status", status = 500 }
    local _, err = versions:create(1, { content = "y" })
    assert.same({ "server", "unknown", 1 }, { err.kind, err.outcome, #err.attempts })
    server:fail { operation = "create", how = "status", status = 503, retry_after = 1 }
    server:fail { operation = "create", how = "status", status = 429 }
    assert.truthy(versions:create(1, { content = "y" }))
    assert.equal(4, server:count "create")
    assert.equal(2, versions:list(1):count())
  end)

  it("stops retrying when the bucket is empty", function()
    server:fail { operation = "get", how = "status", status = 500, times = math.huge }
    local attempts = 0
    for _ = 1, 30 do attempts = attempts + #select(2, versions:get(id)).attempts end
    assert.equal(30 + 500 // 14, attempts)
    local _, err = versions:get(id)
    assert.truthy(err.hint:find "does not retry")
  end)

  it("keeps unknown once any attempt was", function()
    server:fail { operation = "deploy", how = "drop_after" }
    server:fail { operation = "deploy", how = "status", status = 422 }
    local _, err = versions:deploy(id)
    assert.same({ "invalid", "unknown" }, { err.kind, err.outcome })
  end)
end)
