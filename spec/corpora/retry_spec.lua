-- Retries, judged by the cases of smithy's standard mode and of curl: see spec/corpora/README.md.
local clock_of = require "spec.support.clock"
local sandbox = require "patchworks.sandbox"

-- Their base is 0.05 s and ours 0.2, for what is not throttling.
local function delay_due(status, delay, retry_after)
  if status == 429 or math.type(retry_after) == "integer" then return delay end
  return delay * 4
end

describe("smithy's retries: a call", function()
  local server
  setup(function() server = assert(sandbox.start { deploy_seconds = 0, rate_limit = 0 }) end)
  teardown(function() server:close() end)

  for _, case in ipairs(dofile "spec/corpora/retry_cases.lua") do
    it(case[1], function()
      local _ <close> = clock_of(1) -- no jitter: always the longest pause
      local client <close> = server:client { max_attempts = case.attempts or 3, timeout = 100 }
      client._bucket.level = case.quota or 500
      for i = 2, #case do
        local status = case[i][1]
        local body = status == 200 and '{"data":{"id":1}}' or nil
        local retry_after = status ~= 200 and case.retry_after or nil
        server:fail { operation = "get", how = "status", status = status, body = body, retry_after = retry_after }
      end
      local quotas, delays = {}, {}
      local version, err = client.script_versions:get(1, { on_event = function(event)
        if event.type ~= "retry" then return end
        quotas[#quotas + 1], delays[#delays + 1] = client._bucket.level, event.seconds
      end })
      quotas[#quotas + 1] = client._bucket.level
      for i = 2, #case do
        local status, outcome, quota, delay = table.unpack(case[i])
        assert.equal(quota, quotas[i - 1])
        if outcome == "retry" then
          local due = delay_due(status, delay, case.retry_after)
          assert.is_true(math.abs(due - delays[i - 1]) < 1e-9, delays[i - 1])
        elseif outcome == "success" then
          assert.equal(1, version.id)
        else
          assert.equal(status, err.status)
          assert.equal(#case - 1, #err.attempts)
          assert.equal(outcome == "quota", (err.hint or ""):find "does not retry" ~= nil)
        end
      end
      assert.equal(#case - 1, #quotas)
      assert.equal(0, server:faults_left())
    end)
  end
end)

describe("curl's Retry-After:", function()
  local server
  before_each(function() server = assert(sandbox.start { deploy_seconds = 0, rate_limit = 0 }) end)
  after_each(function() server:close() end)

  -- What the first answer is, and what comes of the call.
  local function call(fields, options)
    local clock <close> = clock_of(1)
    local client <close> = server:client(options)
    fields.operation, fields.how = "list", "status"
    server:fail(fields)
    local page, err = client.script_versions:list(1):page(1)
    return page, err, clock
  end

  it("22 is read, in an answer that ends the call (1594)", function()
    local _, err = call({ status = 503, retry_after = 22 }, { max_attempts = 1 })
    assert.same({ "server", 22 }, { err.kind, err.retry_after })
  end)

  it("none is none (1595)", function()
    local _, err = call({ status = 503 }, { max_attempts = 1 })
    assert.is_nil(err.retry_after)
  end)

  it("1 with a 429 is waited for (1633, 1634, 1635)", function()
    local page, _, clock = call { status = 429, retry_after = 1 }
    assert.truthy(page)
    assert.is_true(clock.total() >= 1 and clock.total() < 1.2)
  end)

  it("200 ends a call that may take 10 s at once (366)", function()
    local _, err, clock = call({ status = 503, retry_after = 200 }, { timeout = 10 })
    assert.same({ "server", 200, 0 }, { err.kind, err.retry_after, clock.total() })
    assert.equal(1, server:count "list")
  end)

  it("2 with a redirect counts for nothing after it: we follow none (3010)", function()
    local _, err = call { status = 301, retry_after = 2 }
    assert.same({ "protocol", 301 }, { err.kind, err.status })
    assert.equal(1, server:count "list")
  end)
end)
