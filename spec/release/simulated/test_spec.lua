-- The test of a release: what passes, how a difference is told, and which log entries come with it.
local simulated = require "spec.support.simulated"
local service = require "spec.simulation.service"

local world

-- Publishes what is live already, so that the test is all that is done.
local function test(given, answer, more)
  world = simulated { contents = { "one" }, deployed = { 1 } }
  if answer ~= nil then world:answer("invoke", nil, 200, answer) end
  local options = { content = "one", test = given }
  for name, value in pairs(more or {}) do options[name] = value end
  return world.versions:publish(1, options)
end

local function difference(expect, payload)
  local _, err = test({ expect = expect }, { payload = payload })
  return err and err.difference
end

describe("a release's test", function()
  it("passes where nothing is expected and the script runs", function()
    assert.equal("unchanged", assert(test { payload = "x" }).action)
    assert.equal("unchanged", assert(test({}, { payload = "anything" })).action)
  end)

  it("sends the payload, the variables and the flow", function()
    assert(test { payload = "x", variables = { a = "b" }, flow = { variables = { c = "d" } } })
    local sent = require("cjson").decode(world.requests[#world.requests].body)
    assert.same({ "x", '{"a":"b"}', '{"c":"d"}' }, { sent.payload, sent.variables, sent.flow.variables })
  end)

  it("has 150 s, or what it or the client says, and no more than is left", function()
    local function seconds(given, client, timeout)
      world = simulated { contents = { "one" }, deployed = { 1 }, client = client }
      world:fault("invoke", 1, nil, { there = 1000 })
      local _, err = world.versions:publish(1, { content = "one", test = given, timeout = timeout })
      assert.same({ "test_failed", "timeout" }, { err.kind, err.cause.kind })
      return math.floor(world.requests[3].ended - world.requests[3].started + 0.5)
    end
    assert.equal(150, seconds {})
    assert.equal(20, seconds { timeout = 20 })
    assert.equal(150, seconds({}, { attempt_timeout = 200 }))
    assert.equal(200, seconds({}, { timeout = 200, attempt_timeout = 200 }))
    assert.equal(5, seconds({ timeout = 20 }, nil, 5))
  end)

  it("compares JSON as JSON, whichever side is a text, and a text without its last newline", function()
    assert.is_nil(difference({ a = 1, b = { 1, 2 } }, '{"b":[1,2],\n"a":1}'))
    assert.is_nil(difference(' {"a":1}', { a = 1 }))
    assert.is_nil(difference("[1]", "[ 1 ]"))
    assert.is_nil(difference("x\n", "x"))
    assert.is_nil(difference("x", "x\r\n"))
    assert.is_truthy(difference("x", "x\n\n"))
  end)

  it("says where the payload differs, in its message and as a whole", function()
    local _, err = test({ expect = { a = 1, b = { 2, 3 } } }, { payload = { a = 3, b = { 2, 4 } } })
    assert.same({ "test_failed", "the test failed: payload.a: expected 1, got 3 (and 1 more)" }, { err.kind, err.message })
    assert.matches("^payload.a: expected 1, got 3\npayload.b%[2%]: expected 3, got 4\n%-%-%- expected\n", err.difference)
    assert.same({ a = 3, b = { 2, 4 } }, err.answer.payload)
    assert.is_nil(err.cause)
    _, err = test({ expect = "x" }, { payload = "y" })
    assert.same({ 'the test failed: payload: expected "x", got "y"', 'payload: expected "x", got "y"' }, { err.message, err.difference })
    _, err = test({ expect = "a\nb" }, { payload = "a\nc" })
    assert.equal("the test failed: the payload is not what is expected", err.message)
    assert.matches("\n%-b\n", err.difference)
  end)

  it("compares as it is told to, and refuses what no payload can be before anything is sent", function()
    assert(test({ expect = "1", compare = "json" }, { payload = "1.0" }))
    assert.is_nil((test({ expect = "x\n", compare = "bytes" }, { payload = "x" })))
    local ok, message = pcall(test, { expect = "{", compare = "json" })
    assert.is_false(ok)
    assert.matches("publish: test: expect: ", tostring(message))
    assert.equal("", world:sent())
  end)

  it("asks the caller's function, which may say why", function()
    local seen
    assert(test({ expect = function(answer)
      seen = answer.payload
      return true
    end }, { payload = "y" }))
    assert.equal("y", seen)
    for _, case in ipairs {
      { function() return false end, "the answer is not what is expected" },
      { function() return nil, "too slow" end, "too slow" },
      { function() return false, 7 end, "7" },
      { function() error("broken", 0) end, "broken" },
    } do
      local _, err = test({ expect = case[1] }, { payload = "y" })
      assert.same({ "test_failed", "the test failed: " .. case[2], "y" }, { err.kind, err.message, err.answer.payload })
      assert.is_nil(err.difference)
    end
  end)

  it("is kept as texts", function()
    local kept = world.require("patchworks.release.test").kept
    assert.same({ payload = '{"a":1}', variables = '{"b":"c"}', timeout = 5 }, kept { payload = { a = 1 }, variables = { b = "c" }, timeout = 5 })
    assert.same({ payload = "p", expect = "x", compare = "bytes" }, kept { payload = "p", expect = "x", compare = "bytes" })
    local test_kept = kept { expect = { 1 } }
    assert.same({ "string", "table" }, { type(test_kept.expect), test_kept.compare })
  end)

  it("fails with the script, and says with what", function()
    world = simulated { contents = { "one" }, deployed = { 1 } }
    world:answer("invoke", nil, 422, { message = "ZeroDivisionError" })
    local _, err = world.versions:publish(1, { content = "one", test = {} })
    assert.same({ "test_failed", "invalid", 422, 422 }, { err.kind, err.cause.kind, err.status, err.response.status })
    assert.matches("^the test failed: .*ZeroDivisionError", err.message)
    assert.same({}, err.logs)
    assert.is_nil(err.answer)
  end)
end)

describe("the log entries that come with a failed test", function()
  local function date(seconds, format) return os.date(format, math.floor(service.wall(world.clock.time) + seconds)) end

  local function entry(id, seconds) return { id = id, created_at = date(seconds, "!%Y-%m-%dT%H:%M:%S.000000Z"), message = "m" .. id } end

  -- What a test gives that fails, the service's time being that of the clock.
  local function logs(prepare)
    world = simulated { contents = { "one" }, deployed = { 1 } }
    world:before("list", nil, function(request) request.headers_with = "Date: " .. date(0, "!%a, %d %b %Y %H:%M:%S GMT") .. "\r\n" end)
    prepare()
    local _, err = world.versions:publish(1, { content = "one", test = { payload = "x", expect = "other" } })
    assert.equal("test_failed", err.kind)
    if not err.logs then return nil end
    local ids = {}
    for i, each in ipairs(err.logs) do ids[i] = each.id end
    return ids
  end

  it("are those since it began, by the service's clock, or of no date", function()
    assert.same({ 4, 2, 3, 5 }, logs(function()
      world:answer("logs", nil, 200, { data = { entry(1, -2), entry(2, 0), entry(3, 1), { id = 4 }, entry(5, 2) },
        meta = { current_page = 1, last_page = 1 } })
    end))
  end)

  it("are in the order of their dates, and of their ids", function()
    assert.same({ 2, 9, 10, 1 }, logs(function()
      world:answer("logs", nil, 200, { data = { entry(1, 3), entry(10, 2), entry(9, 2), entry(2, 1) },
        meta = { current_page = 1, last_page = 1 } })
    end))
    assert.same({ "x", 1 }, logs(function()
      world:answer("logs", nil, 200, { data = { entry(1, 3), entry("x", 3) }, meta = { current_page = 1, last_page = 1 } })
    end))
  end)

  it("are the last 20", function()
    for _, count in ipairs { 19, 20, 21 } do
      local ids = logs(function()
        local list = {}
        for i = 1, count do list[i] = entry(i, i) end
        world:answer("logs", nil, 200, { data = list, meta = { current_page = 1, last_page = 1 } })
      end)
      assert.same({ math.min(20, count), math.max(1, count - 19), count }, { #ids, ids[1], ids[#ids] })
    end
  end)

  it("are of the first page and of the last", function()
    local ids = logs(function()
      world:answer("logs", 1, 200, { data = { entry(1, 1), entry(2, 1) }, meta = { current_page = 1, last_page = 2 } })
      world:answer("logs", 2, 200, { data = { entry(7, 2) }, meta = { current_page = 2, last_page = 2 } })
    end)
    assert.same({ { 1, 2, 7 }, 2, "2" }, { ids, world:count "logs", world.requests[#world.requests].query.page })
    logs(function() world:answer("logs", 1, 200, { data = {}, meta = { current_page = 1, last_page = 1 } }) end)
    assert.equal(1, world:count "logs")
  end)

  it("are none where they can't be read, which hides nothing else", function()
    assert.is_nil(logs(function() world:answer("logs", nil, 403, { message = "no" }) end))
    assert.same({ 1 }, logs(function()
      world:answer("logs", 1, 200, { data = { entry(1, 1) }, meta = { current_page = 1, last_page = 2 } })
      world:answer("logs", 2, 403, { message = "no" })
    end))
  end)

  it("are all where the service says no time, or the version was made just now", function()
    world = simulated { contents = { "one" }, deployed = { 1 } }
    world:answer("logs", nil, 200, { data = { entry(1, -900) }, meta = { current_page = 1, last_page = 1 } })
    local _, err = world.versions:publish(1, { content = "one", test = { expect = "other" } })
    assert.equal(1, #err.logs)
    for _, content in ipairs { "new", "two" } do
      world = simulated { contents = { "one", "two" }, deployed = { 1 } }
      world:before("get", nil, function(request) request.headers_with = "Date: " .. date(0, "!%a, %d %b %Y %H:%M:%S GMT") .. "\r\n" end)
      world:answer("logs", nil, 200, { data = { entry(1, -900) }, meta = { current_page = 1, last_page = 1 } })
      _, err = world.versions:publish(1, { content = content, rollback = false, test = { expect = "other" } })
      assert.equal(content == "new" and 1 or 0, #err.logs)
    end
  end)
end)
