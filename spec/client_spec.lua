-- The client itself: requests of any kind, events, figures, closing; and who it says it is.
local clock = require "patchworks.time.clock"
local core = require "patchworks.core"
local lua = require "spec.support.lua"
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

local server, client

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client()
end)
after_each(function()
  client:close()
  server:close()
end)

describe("client:request", function()
  it("reaches any path through the same machinery", function()
    local value, response = client:request("POST", "/scripts/1/script-versions", { body = { content = "x" }, headers = { ["X-A"] = "b" } })
    assert.same({ "Draft", 201 }, { value.data.status, response.status })
    local listed = client:request("GET", "/scripts/1/script-versions", { query = { page = 1, per_page = 5 } })
    assert.equal(1, listed.meta.total)
    assert.equal("b", server:requests()[1].headers["x-a"])
    assert.equal("page=1&per_page=5", server:requests()[2].query)
    assert.equal("not_found", select(2, client:request("GET", "/nothing/here")).kind)
  end)

  it("sends a string as it is", function()
    client:request("POST", "/scripts/1/script-versions", { body = '{"content" : "x"}' })
    assert.equal('{"content" : "x"}', server:requests()[1].body)
  end)

  it("repeats a GET, and others only when told", function()
    server:fail { how = "status", status = 502, times = 3 }
    assert.truthy(client:request("GET", "/scripts/1/script-versions"))
    server:fail { how = "status", status = 502, times = 1 }
    local _, err = client:request("POST", "/scripts/1/script-versions", { body = { content = "x" } })
    assert.same({ "server", "unknown" }, { err.kind, err.outcome })
    server:fail { how = "status", status = 502, times = 1 }
    assert.truthy(client:request("POST", "/scripts/1/script-versions", { body = { content = "x" }, repeatable = true }))
  end)

  it("refuses paths that climb, break or hide something", function()
    for _, path in ipairs { "", "scripts", "//x", "/a//b", "/a/", "/a/../b", "/a/./b", "/a/%2e%2e/b", "/a%2Fb", "/a?b=c", "/a#b", "/a b", "/a%", "/a%z1", "/a\r\n", "http://x/" } do
      local ok, message = pcall(client.request, client, "GET", path)
      assert.is_false(ok, path)
      assert.truthy(message:find "path", message)
    end
    assert.has_error(function() client:request("get", "/x") end)
    assert.has_error(function() client:request("GET", "/x", { body = "y" }) end)
    assert.has_error(function() client:request("GET", "/x", { qurey = {} }) end)
    for name, given in pairs { headers = { ["a b"] = "c" }, query = { a = print }, body = { a = print } } do
      local ok, message = pcall(client.request, client, "POST", "/x", { [name] = given })
      assert.is_false(ok)
      assert.matches(": request: " .. name .. "[:.]", message)
    end
    assert.equal(0, server:count())
  end)
end)

describe("a base URL", function()
  it("may end with a slash or with /api/v1", function()
    for _, tail in ipairs { "/", "/api/v1", "/api/v1/" } do
      local other <close> = server:client { base_url = server.url .. tail }
      assert.equal("not_found", select(2, other.script_versions:get(1)).kind)
      assert.equal("/api/v1/script-versions/1", server:requests()[server:count()].path)
    end
  end)

  it("may have a path in front, as behind a proxy", function()
    local other <close> = server:client { base_url = server.url .. "/behind/a/proxy" }
    other.script_versions:get(1)
    assert.equal("/behind/a/proxy/api/v1/script-versions/1", server:requests()[1].path)
  end)
end)

describe("events", function()
  it("tell of attempts, retries, waits and pages, without a secret", function()
    local events = {}
    local loud <close> = server:client { on_event = function(event) events[#events + 1] = event end, api_key = server.key }
    server:fail { operation = "get", how = "status", status = 503, retry_after = 0 }
    loud.script_versions:get(1)
    local types = {}
    for i, event in ipairs(events) do types[i] = event.type end
    assert.same({ "attempt", "retry", "attempt" }, types)
    assert.same({ 1, 503, "server", "get" }, { events[1].number, events[1].status, events[1].kind, events[1].operation })
    assert.is_number(events[1].seconds)
    events = {}
    loud:request("GET", "/scripts/1")
    assert.same({ 1, "attempt", "GET /scripts/1" }, { #events, events[1].type, events[1].operation })
    events = {}
    loud.script_versions:list(1):all()
    assert.equal("page", events[#events].type)
    for _, event in ipairs(events) do
      for _, value in pairs(event) do assert.is_nil(tostring(value):find(server.key, 1, true)) end
    end
  end)

  it("of one call go to that call's listener", function()
    local mine = {}
    client.script_versions:get(1, { on_event = function(event) mine[#mine + 1] = event.type end })
    client.script_versions:get(1)
    assert.same({ "attempt" }, mine)
  end)
end)

describe("the client", function()
  it("counts", function()
    for _ = 1, 5 do client.script_versions:get(1) end
    local stats = client:stats()
    assert.same({ 5, 5, 0, 1, 0 }, { stats.calls, stats.finished, stats.active, stats.connections, stats.retries })
    assert.is_true(stats.sent_bytes > 0 and stats.received_bytes > 0)
  end)

  it("goes on when its answer is there, beside another that waits longer, and the processor is idle meanwhile", function()
    local slow_server <close> = assert(sandbox.start())
    local slow <close> = slow_server:client()
    for _, each in ipairs { client, slow } do each.script_versions:get(1) end
    server:latency(0.4)
    slow_server:latency(0.8)
    local wait, idle = clock.wait, 0
    local former = clock.use { wait = function(...)
      local began = core.now()
      local ok, problem = wait(...)
      idle = idle + core.now() - began
      return ok, problem
    end }
    finally(function() clock.use(former) end)
    for _, busy in ipairs { 0, 0.2, 0.5 } do
      local ended = {}
      idle = 0
      patchworks.map({ client, slow, busy }, function(each)
        if each == busy then return core.sleep(busy) end -- with the answer there before anybody looks for it
        each.script_versions:get(1)
        ended[each] = core.now()
      end)
      assert.is_true(ended[slow] - ended[client] > 0.2, ended[slow] - ended[client])
      assert.is_true(idle > 0.6 - busy, idle)
    end
  end)

  it("shows where it goes and how it is authorised, not with what", function()
    assert.equal(("patchworks client (%s, an API key)"):format(server.url), tostring(client))
  end)

  it("is closed by close, by a block's end, twice and for good", function()
    client:close()
    client:close()
    local ok, problem = pcall(function() return client.script_versions:get(1) end)
    assert.is_false(ok)
    assert.truthy(tostring(problem):find "closed", tostring(problem))
  end)

  it("leaves its options alone", function()
    local given = { base_url = server.url .. "/", api_key = server.key }
    local other <close> = patchworks.new(given)
    assert.same({ base_url = server.url .. "/", api_key = server.key }, given)
    local filter = { include = { "content" }, per_page = 3 }
    other.script_versions:list(1, filter):all()
    assert.same({ include = { "content" }, per_page = 3 }, filter)
  end)

  it("takes its credential from the environment", function()
    local path = os.tmpname()
    local script <close> = io.open(path, "w")
    script:write 'print(select(2, require("patchworks").new().script_versions:get(1)).kind)'
    script:flush()
    local command = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s %s %s"):format(server.url, server.key, lua, path)
    local pipe <close> = io.popen(command)
    assert.equal("not_found", pipe:read "l")
    os.remove(path)
  end)
end)
