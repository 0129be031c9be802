-- TLS: what is trusted, what is not, and what is known then; HTTP/2 where it is offered.
local patchworks = require "patchworks"
local tls = require "spec.support.tls"

local peers

setup(function() peers = tls.start() end)
teardown(function() getmetatable(peers).__close(peers) end)

local function client(kind, more)
  local options = { base_url = peers:url(kind), api_key = "key", ca_file = peers.folder .. "/ca.pem", max_attempts = 3 }
  for name, value in pairs(more or {}) do options[name] = value or nil end
  if more and more.ca_file == false then options.ca_file = nil end
  return patchworks.new(options)
end

local function fails(kind, more)
  local before = peers:answered()
  for _, operation in ipairs { "get", "create" } do
    local one <close> = client(kind, more)
    local value, err = one.script_versions[operation](one.script_versions, 7, operation == "create" and { content = "x" } or nil)
    assert.is_nil(value)
    assert.same({ "tls", "none" }, { err.kind, err.outcome }, tostring(err))
    assert.equal(1, #err.attempts)
    assert.is_true(#err.message > 10)
  end
  assert.equal(before, peers:answered())
end

describe("TLS", function()
  it("works with a certificate of the given authority", function()
    local one <close> = client "good"
    assert.equal(7, one.script_versions:get(7).id)
    assert.equal(7, one.script_versions:create(7, { content = "x" }).id)
  end)

  it("refuses one that has expired", function() fails "expired" end)
  it("refuses one for another name", function() fails "wrong_name" end)
  it("refuses an unknown authority", function()
    fails("good", { ca_file = false })
    fails("good", { ca_file = peers.folder .. "/other.pem" })
  end)
  it("takes its authorities as text too", function()
    local function pem(name)
      local file <close> = assert(io.open(peers.folder .. name, "rb"))
      return file:read "a"
    end
    local one <close> = client("good", { ca_file = false, ca_pem = pem "/ca.pem" })
    assert.equal(7, one.script_versions:get(7).id)
    fails("good", { ca_file = false, ca_pem = pem "/other.pem" })
    fails("good", { ca_pem = pem "/other.pem" })
    fails("good", { ca_file = false, ca_pem = "no certificates" })
  end)
  it("takes them from a folder, in which they are named by their hashes", function()
    if not require("patchworks.core").versions().tls:find "^OpenSSL" then pending "only OpenSSL looks into folders" end
    local one <close> = client("good", { ca_file = false, ca_path = peers.folder .. "/authorities" })
    assert.equal(7, one.script_versions:get(7).id)
  end)
  it("refuses TLS 1.1", function() fails "old" end)

  it("speaks with a client's certificate where one is asked for", function()
    local one <close> = client("client_cert", { client_cert = peers.folder .. "/client.pem", client_key = peers.folder .. "/client.key" })
    assert.equal(7, one.script_versions:get(7).id)
    -- nginx itself answers those who have none, in HTTP.
    local none <close> = client "client_cert"
    assert.equal(400, select(2, none.script_versions:get(7)).status)
  end)

  it("fails where a server demands a client's certificate in the handshake, and knows that nothing was done", function()
    for _, version in ipairs { "-tls1_2", "-tls1_3" } do
      local pipe = io.popen(("echo $$; cd %s; exec openssl s_server %s -accept 127.0.0.1:0 -cert good.pem -key good.key -CAfile ca.pem "
        .. "-Verify 1 -verify_return_error -www 2>&1"):format(peers.folder, version))
      local pid = pipe:read "n"
      local port
      repeat port = pipe:read("l"):match "^ACCEPT .*:(%d+)$" until port
      for _, operation in ipairs { "get", "create" } do
        local one <close> = client("good", { base_url = "https://127.0.0.1:" .. port })
        local value, err = one.script_versions[operation](one.script_versions, 7, operation == "create" and { content = "x" } or nil)
        assert.is_nil(value)
        assert.same({ "tls", "none" }, { err.kind, err.outcome }, version .. " " .. tostring(err))
      end
      os.execute("kill " .. pid)
      pipe:close()
    end
  end)

  it("has no option to stop verifying", function()
    for _, name in ipairs { "verify", "insecure", "ssl_verify", "verify_peer" } do
      assert.has_error(function() client("good", { [name] = false, [name .. ""] = true }) end)
    end
    local one <close> = client("expired", { allow_insecure = true })
    assert.equal("tls", select(2, one.script_versions:get(7)).kind)
  end)

  it("says at once that a file can't be read", function()
    local ok, message = pcall(client, "good", { ca_file = "/nowhere.pem" })
    assert.is_false(ok)
    assert.truthy(message:find "/nowhere.pem")
  end)
end)

describe("HTTP/2", function()
  it("carries many calls over one connection, where the server offers it", function()
    local one <close> = client("h2", { max_connections = 4 })
    local items = {}
    for i = 1, 200 do items[i] = i end
    assert.equal(7, one.script_versions:get(7).id)
    local results, failures = patchworks.map(items, function() return one.script_versions:get(7) end, { concurrency = 64 })
    assert.is_nil(failures)
    assert.equal(200, #results)
    local stats = one:stats()
    assert.equal(201, stats.multiplexed)
    assert.is_true(stats.connections <= 4, stats.connections .. " connections")
    local _, response = one.script_versions:get(7)
    assert.equal(2.0, response.http_version)
  end)

  it("goes on over a GOAWAY, and repeats nothing that must go out once", function()
    local one <close> = client("goaway", { max_connections = 2 })
    local before = peers:answered()
    local items = {}
    for i = 1, 100 do items[i] = i end
    local gets, failures = patchworks.map(items, function() return one.script_versions:get(7) end, { concurrency = 16 })
    assert.is_nil(failures)
    assert.equal(100, #gets)
    local after_gets = peers:answered()
    assert.is_true(after_gets - before >= 100)
    local unknown = 0
    local _, refused = patchworks.map(items, function() return one.script_versions:create(7, { content = "x" }) end, { concurrency = 16 })
    for _, failure in ipairs(refused or {}) do
      assert.equal("network", failure.error.kind)
      if failure.error.outcome == "unknown" then unknown = unknown + 1 end
    end
    local done = peers:answered() - after_gets
    local succeeded = 100 - #(refused or {})
    assert.is_true(done >= succeeded and done <= succeeded + unknown, ("%d done, %d succeeded, %d unknown"):format(done, succeeded, unknown))
  end)

  it("is not used where the server doesn't offer it, and connections are bounded and reused", function()
    local one <close> = client("good", { max_connections = 5 })
    local items = {}
    for i = 1, 100 do items[i] = i end
    assert.is_nil(select(2, patchworks.map(items, function() return one.script_versions:get(7) end, { concurrency = 50 })))
    local stats = one:stats()
    assert.equal(0, stats.multiplexed)
    assert.is_true(stats.connections <= 5, stats.connections .. " connections")
  end)
end)
