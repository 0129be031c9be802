-- What a method makes of an answer: the value of a success, and the words and fields of what is none.
local scripted = require "spec.support.scripted"

local service, client, versions
scripted.setup(before_each, after_each, { max_attempts = 1 }, function(...) service, client, versions = ... end)

local function answered(answer, fn)
  service:will(answer)
  return (fn or function() return versions:get(7) end)()
end

local function refused(answer, fn)
  local value, err = answered(answer, fn)
  assert.is_nil(value)
  return err
end

local json, html = { "Content-Type: application/json" }, { "Content-Type: text/html; charset=UTF-8" }

describe("a refusal of megabytes", function()
  it("is shown by its beginning, in which no secret is cut into, and costs next to no time", function()
    local secret = client._auth:forms()[1][1]
    local began = os.clock()
    for _, byte in ipairs { "%25", "\\", '"', "x", secret } do
      local err = refused { status = 500, body = byte:rep(8 * 1024 * 1024 // #byte), headers = html }
      local body = err.response.body
      assert.is_true(#body <= 64 * 1024, #body)
      assert.truthy(body:find "withheld" or body:find("bytes in all)", 1, true))
      assert.is_nil(body:gsub("%[redacted%]", ""):find(secret:sub(1, 3), 1, true))
    end
    assert.is_true(os.clock() - began < 2)
  end)
end)

describe("a response", function()
  it("tells of the exchange what it is asked, and shows all of it in a loop", function()
    service:will({ status = 500 }, { status = 201, body = '{"data":{"id":7}}', headers = { "X-A: b", "Content-Type: application/json" } })
    local _, response = versions:get(7, { max_attempts = 2 })
    assert.equal("response 201, 17 bytes", tostring(response))
    assert.same({ total = 0.01 }, response.timing)
    assert.same({ sent = 1, received = 2 }, response.bytes)
    assert.equal(1.1, response.http_version)
    assert.equal(response.headers, response.headers)
    assert.is_nil(response.nothing)
    local names = {}
    for name in pairs(response) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "attempts", "body", "bytes", "headers", "http_version", "status", "timing" }, names)
    assert.same({ "b", 500, 201 }, { response.headers["x-a"], response.attempts[1].status, response.attempts[2].status })
  end)

  it("of an error keeps what it knew, and lets the exchange go", function()
    local response = refused({ status = 422, body = '{"message":"no"}' }).response
    assert.is_nil(rawget(response, "transfer"))
    assert.same({ { total = 0.01 }, { sent = 1, received = 2 }, 1.1 }, { response.timing, response.bytes, response.http_version })
  end)
end)

describe("a success without a body", function()
  it("is an empty answer where nothing is due, by a 204 alone", function()
    for _, ask in ipairs {
      function() return versions:delete(7) end, function() return versions:deploy(7) end,
      function() return client:request("DELETE", "/scripts/7") end,
    } do
      assert.same({}, answered({ status = 204, body = "" }, ask))
      local err = refused({ status = 200, body = "" }, ask)
      assert.same({ "protocol", "the answer is empty where JSON is due", 200 }, { err.kind, err.message, err.status })
    end
  end)

  it("is none where a version or a page is due", function()
    for _, ask in ipairs { function() return versions:get(7) end, function() return versions:list(1):all() end } do
      local err = refused({ status = 204, body = "" }, ask)
      assert.same({ "protocol", "the answer is empty where JSON is due" }, { err.kind, err.message })
    end
    assert.equal(1, #answered({ body = '{"data":[{"id":1}],"meta":{"last_page":1}}' }, function() return versions:list(1):all() end))
  end)

  it("that has one after all is read", function()
    assert.same({ message = "gone" }, answered({ status = 204, body = '{"message":"gone"}' }, function() return versions:delete(7) end))
  end)
end)

describe("an answer about another version", function()
  local function get() return versions:get(7) end
  local function deploy() return versions:deploy("7") end

  it("is a protocol error that names both", function()
    for body, other in pairs { ['{"data":{"id":8,"script_id":1}}'] = "8", ['{"data":{"id":"70","script_id":1}}'] = "70",
      ['{"data":{"id":0,"script_id":1}}'] = "0" } do
      local read, deployed = refused({ body = body }, get), refused({ body = body }, deploy)
      local message = "asked for script version 7, and got " .. other
      assert.same({ "get", "protocol", message, 200, "none" }, { read.operation, read.kind, read.message, read.status, read.outcome })
      assert.same({ "deploy", "protocol", message, 200, "unknown" },
        { deployed.operation, deployed.kind, deployed.message, deployed.status, deployed.outcome })
      assert.equal(body, read.response.body)
    end
  end)

  it("is told from one whose id is written another way", function()
    for id, written in pairs { [7] = '"7"', ["7"] = "7", ["9223372036854775807"] = "9223372036854775807" } do
      local body = ('{"data":{"id":%s,"script_id":1}}'):format(written)
      assert.equal(tostring(id), tostring(answered({ body = body }, function() return versions:get(id) end).id))
      assert.is_table(answered({ body = body }, function() return versions:deploy(id) end))
    end
  end)

  it("is no answer to a deployment that may be about anything else", function()
    for _, body in ipairs { '{"data":{"id":99}}', '{"data":[1]}', '{"data":7}', '{"id":8,"script_id":1}', "[]" } do
      assert.is_table(answered({ body = body }, deploy), body)
    end
  end)
end)

describe("an answer of another shape", function()
  it("says what is due", function()
    local none = "the answer holds no version (an object called data is due)"
    for body, message in pairs {
      ['{"data":null}'] = none, ['{"data":{}}'] = none, ['{"data":[{"id":1}]}'] = none, ["7"] = none, ["[]"] = none,
      ['{"data":{"id":-1}}'] = "the answer holds a version without an id",
      ['{"data":{"id":1.5}}'] = "the answer holds a version without an id",
      ['{"data":{"id":"07"}}'] = "the answer holds a version without an id",
      ['{"data":{"version":1}}'] = "the answer holds a version without an id",
    } do
      assert.equal(message, refused({ body = body }).message, body)
    end
    assert.equal("70", answered({ body = '{"data":{"id":"70"}}' }, function() return versions:get(70) end).id)
    local function delete() return versions:delete(7) end
    local function deploy() return versions:deploy(7) end
    local function list() return versions:list(1):all() end
    assert.equal("the answer is no object with a message", refused({ body = '["x"]' }, delete).message)
    assert.equal("the answer is no object with a message", refused({ body = "7" }, delete).message)
    assert.equal("the answer is no object", refused({ body = "7" }, deploy).message)
    assert.same({ "x" }, answered({ body = '["x"]' }, deploy))
    assert.equal(7, answered({ body = "7" }, function() return client:request("GET", "/x") end))
    for _, body in ipairs { "7", '{"data":7}', '{"data":{"a":1}}', "{}" } do
      assert.equal("the answer is no page (a list called data is due)", refused({ body = body }, list).message)
    end
    assert.same({}, answered({ body = '{"data":{},"meta":{"last_page":1}}' }, list)) -- PHP's empty list
  end)

  it("that is no JSON is shown by its type and its first characters", function()
    assert.matches('the answer is not JSON (text/html; charset=UTF-8, starts with "<h1> Bad"): ',
      refused({ body = "<h1>\r\n\1\255Bad", headers = html }).message, 1, true)
    assert.matches('the answer is not JSON (no content type, starts with "{"): ', refused({ body = "{", headers = {} }).message, 1, true)
    local long = ("x"):rep(60)
    assert.matches('starts with "' .. long .. '")', refused({ body = long }).message, 1, true)
    assert.matches('starts with "' .. long .. '...")', refused({ body = long .. "y" }).message, 1, true)
  end)
end)

describe("a failure's message", function()
  it("is the service's, with its fields", function()
    local err = refused { status = 422, body = '{"message":"Not good.","errors":{"content":["required"]}}' }
    assert.same({ "Not good.", { content = { "required" } } }, { err.message, err.errors })
    for _, body in ipairs { '{"message":"Not good.","errors":{}}', '{"message":"Not good.","errors":"x"}', '{"message":"Not good."}' } do
      assert.is_nil(refused({ status = 422, body = body }).errors)
    end
  end)

  it("is ours where the service has none", function()
    for _, body in ipairs { "<html>", '{"message":""}', '{"message":7}', '["message"]', "7" } do
      assert.equal("the service answered 500 with text/html; charset=UTF-8 instead of JSON",
        refused({ status = 500, body = body, headers = html }).message)
    end
    assert.equal("the service answered 500 with something untyped instead of JSON", refused({ status = 500, body = "x", headers = {} }).message)
    assert.equal("the service answered 502 with an empty body", refused({ status = 502, body = "", headers = json }).message)
    local redirects = "the service redirects, which an API does not; is `base_url` right?"
    for _, status in ipairs { 300, 302, 399 } do
      local err = refused { status = status, body = "", headers = json }
      assert.same({ "protocol", status, redirects }, { err.kind, err.status, err.message })
    end
    local err = refused { status = 400, body = "", headers = json }
    assert.same({ "http", "the service answered 400 with an empty body" }, { err.kind, err.message })
    err = refused { status = 199, body = "", headers = json }
    assert.same({ "protocol", "the service answered 199 with an empty body" }, { err.kind, err.message })
  end)

  it("has the service's wish to wait, a date seen from its own clock where it tells that", function()
    local function wait(...) return refused({ status = 422, body = "{}", headers = { ... } }).retry_after end
    assert.equal(7, wait "Retry-After: 7")
    assert.is_nil(wait "X-A: b")
    assert.equal(30, wait("Retry-After: Sun, 06 Nov 1994 08:50:07 GMT", "Date: Sun, 06 Nov 1994 08:49:37 GMT"))
    -- This clock says 2023-11-14 22:30:00.
    assert.equal(60, wait("Retry-After: Tue, 14 Nov 2023 22:31:00 GMT", "Date: yesterday"))
    assert.equal(60, wait "Retry-After: Tue, 14 Nov 2023 22:31:00 GMT")
  end)
end)
