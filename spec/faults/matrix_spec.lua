-- Every operation under every fault: what kind of error, what is known of the outcome, how often the request arrived.
-- The result is the table in docs/delivery.md; PATCHWORKS_WRITE_DOCS=1 writes it anew.
local raw_peer = require "spec.support.raw_peer"
local sandbox = require "patchworks.sandbox"
local clock_of = require "spec.support.clock"

local groups = {
  { "get", "list", "logs" },
  { "deploy" },
  { "delete" },
  { "create", "invoke", "upload" },
}

local source = "def handle(data): return {}"

local options = { max_attempts = 3, attempt_timeout = 5, timeout = 60, max_response_bytes = 1000000 }

local function with(more)
  local copy = {}
  for name, value in pairs(options) do copy[name] = value end
  for name, value in pairs(more) do copy[name] = value end
  return copy
end

local function call(client, operation, id, content)
  local versions = client.script_versions
  if operation == "list" or operation == "logs" then return versions[operation](versions, id):page(1) end
  return versions[operation](versions, id, operation == "create" and { content = content or source } or nil)
end

local function show(value, err, received)
  if value then return ("ok ×%d"):format(received) end
  return ("%s, %s ×%d"):format(err.kind, err.outcome, received)
end

local rows, count = {}, 0

-- Runs a fault over all operations; `try` gives value, error, how often the request arrived. `begin` is called before
-- them, `finish` after. The rows stand in this order, in whichever they are run.
local function row(name, try, begin, finish)
  count = count + 1
  local place = count
  it(name, function()
    if begin then begin() end
    if finish then finally(finish) end
    local cells = {}
    for i, group in ipairs(groups) do
      for _, operation in ipairs(group) do
        local cell = show(try(operation))
        assert.equal(cells[i] or cell, cell, operation)
        cells[i] = cell
      end
    end
    rows[place] = ("| %s | %s |"):format(name, table.concat(cells, " | "))
  end)
end

-- Holds the rows against docs/delivery.md, where all of them ran.
local function check_table()
  for place = 1, count do
    if not rows[place] then return end
  end
  local table_text = table.concat(rows, "\n")
  local file <close> = assert(io.open("docs/delivery.md", "rb"))
  local text = file:read "a"
  local from, to = text:find("| --- | --- | --- | --- | --- |\n", 1, true)
  local stop = text:find("\n\n", to, true)
  if os.getenv "PATCHWORKS_WRITE_DOCS" then
    local out <close> = assert(io.open("docs/delivery.md", "wb"))
    out:write(text:sub(1, to), table_text, text:sub(stop))
  else
    assert.truthy(from)
    assert.equal(text:sub(to + 1, stop - 1), table_text)
  end
end

describe("the fault matrix:", function()
  local server, authority
  local clock
  setup(function()
    -- A handshake that never ends asks for no authority, and reading the system's takes longer than all else.
    authority = os.tmpname()
    assert(os.execute("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null -subj /CN=nobody -out "
      .. authority .. " 2>/dev/null"))
    server = assert(sandbox.start { deploy_seconds = 0, rate_limit = 0 })
    clock = clock_of.skipping(0) -- waits take no time, time-outs do
  end)
  teardown(function()
    clock.restore()
    server:close()
    os.remove(authority)
    check_table()
  end)

  local function prepare(operation)
    local maker <close> = server:client()
    if operation == "list" or operation == "create" then return 1 end
    local version = assert(maker.script_versions:create(1, { content = source }))
    if operation == "invoke" then
      assert(version:deploy())
      assert(version:wait { interval = 1, max_interval = 1, timeout = 1e5 })
    end
    return version.id
  end

  local function sandbox_row(name, fault)
    row(name, function(operation)
      local id = prepare(operation)
      local client <close> = server:client(with { token = server:token(), attempt_timeout = 10 })
      client.script_versions:get(1) -- so that the connection is a kept-alive one
      server:forget_requests()
      fault.operation = operation
      server:fail(fault)
      local value, err = call(client, operation, id)
      local received = server:count(operation)
      server:clear_faults()
      return value, err, received
    end)
  end

  for _, status in ipairs { 401, 403, 404, 409, 413, 422 } do
    sandbox_row(("%d"):format(status), { how = "status", status = status, times = math.huge })
  end
  sandbox_row("429 once", { how = "status", status = 429 })
  sandbox_row("429 for good", { how = "status", status = 429, times = math.huge })
  sandbox_row("429, Retry-After beyond the timeout", { how = "status", status = 429, retry_after = 3600, times = math.huge })
  for _, status in ipairs { 500, 502, 504 } do
    sandbox_row(("%d for good"):format(status), { how = "status", status = status, times = math.huge })
  end
  sandbox_row("502 once, an HTML page", { how = "status", status = 502, body = "<html>Bad Gateway</html>" })
  sandbox_row("500 once, an empty body", { how = "status", status = 500, body = "" })
  sandbox_row("503 once", { how = "status", status = 503 })
  sandbox_row("503 once, with Retry-After", { how = "status", status = 503, retry_after = 1 })
  sandbox_row("501", { how = "status", status = 501, times = math.huge })
  sandbox_row("closed before the work, once", { how = "drop_before" })
  sandbox_row("closed before the work, for good", { how = "drop_before", times = math.huge })
  sandbox_row("closed after the work, once", { how = "drop_after" })
  sandbox_row("closed after the work, for good", { how = "drop_after", times = math.huge })
  sandbox_row("answer cut, once", { how = "truncate" })
  sandbox_row("answer cut, for good", { how = "truncate", times = math.huge })
  sandbox_row("answer is no JSON", { how = "garbage", times = math.huge })

  -- What one peer has read of an operation on `id`: all operations of a row come to the same one, each with an id of its
  -- own, so that nothing is counted twice that is read late. Of a body that was cut off it knows no more than that.
  local function read_of(peer, id, before)
    local seen = 0
    for i, line in ipairs(peer:so_far()) do
      if line:find(("/%d%%f[%%D]"):format(id)) or (line == "part" and i > before) then seen = seen + 1 end
    end
    return seen
  end

  local ids = 700
  local function raw_row(name, behaviour, given)
    given = given or {}
    local peer
    row(name, function(operation)
      local url = peer.url:gsub("^http", given.scheme or "http")
      local seconds = given.attempt_timeout or options.attempt_timeout
      local client <close> = server:client(with {
        base_url = url, token = "t0ken", attempt_timeout = seconds, ca_file = given.scheme and authority,
      })
      ids = ids + 1
      local before = #peer:so_far()
      local value, err = call(client, operation, ids, given.content)
      return value, err, read_of(peer, ids, before)
    end, function() peer = raw_peer(behaviour) end, function() peer:received() end)
  end

  row("host not resolved", function(operation)
    local client <close> = server:client(with { base_url = "http://nowhere.invalid", allow_insecure = true, attempt_timeout = 5 })
    local value, err = call(client, operation, 7)
    return value, err, 0
  end)
  row("connection refused", function(operation)
    local client <close> = server:client(with { base_url = "http://127.0.0.1:1" })
    local value, err = call(client, operation, 7)
    return value, err, 0
  end)
  raw_row("connecting times out", "full", { attempt_timeout = 0.15 })
  raw_row("closed in the TLS handshake", "close_before", { scheme = "https", attempt_timeout = 5 })
  raw_row("reset in the TLS handshake", "reset_in_handshake", { scheme = "https", attempt_timeout = 5 })
  raw_row("the TLS handshake times out", "mute", { scheme = "https", attempt_timeout = 0.15 })
  raw_row("no TLS at all", "talks_first", { scheme = "https", attempt_timeout = 5 })
  row("a proxy refuses the tunnel", function(operation)
    local peer <close> = raw_peer "no_tunnel"
    local client <close> = server:client(with { base_url = "https://nowhere.invalid", proxy = peer.url, attempt_timeout = 5 })
    local value, err = call(client, operation, 7)
    return value, err, 0
  end)
  raw_row("reset while sending", "reset_while_sending", { content = ("x"):rep(4000000) })
  raw_row("reset after sending", "reset_after")
  raw_row("closed after sending", "close_after")
  raw_row("half a header, closed", "half_header")
  raw_row("reset in the answer's body", "reset_in_body")
  raw_row("body shorter than Content-Length", "short_body")
  raw_row("body longer than Content-Length", "long_body")
  raw_row("negative Content-Length", "negative_length")
  raw_row("Content-Length beyond the bound", "huge_length")
  raw_row("two Content-Lengths", "two_lengths")
  raw_row("chunk cut", "cut_chunk")
  raw_row("chunk size is no number", "bad_chunk")
  raw_row("no answer: attempts time out", "silent", { attempt_timeout = 0.15 })
  raw_row("a byte a second: attempts time out", "drip", { attempt_timeout = 0.15 })
  raw_row("garbage before the status line", "garbage_first")
  raw_row("another protocol", "other_protocol")
  raw_row("20,000 headers", "many_headers")
  raw_row("a header line of 200 KB", "long_header")
  raw_row("interim answers first", "interim")
  raw_row("gzip that isn't", "bad_gzip")
  raw_row("NUL in the body", "nul_body")

  it("reset before sending: whether bytes went out is the network's secret, and a read never did anything", function()
    for _, operation in ipairs { "get", "deploy", "create" } do
      local peer <close> = raw_peer "reset_before"
      local client <close> = server:client(with { base_url = peer.url })
      local value, err = call(client, operation, 7)
      assert.is_nil(value)
      assert.equal("network", err.kind)
      if operation == "get" then assert.equal("none", err.outcome) end
      -- What may have gone out goes out once.
      if operation == "create" and err.outcome == "unknown" then
        for i = 1, #err.attempts - 1 do assert.is_false(err.attempts[i].sent) end
      end
      assert.equal(0, (peer:received()))
    end
  end)

  it("decompression bomb", function()
    local path = os.tmpname()
    os.execute("head -c 50000000 /dev/zero | gzip -1 > " .. path)
    local before = collectgarbage "count"
    for _, operation in ipairs { "get", "create" } do
      local peer <close> = raw_peer("bomb", path)
      local client <close> = server:client(with { base_url = peer.url, attempt_timeout = 10 })
      local value, err = call(client, operation, 7)
      assert.is_nil(value)
      assert.same({ "protocol", operation == "get" and "none" or "unknown", 1 }, { err.kind, err.outcome, (peer:received()) })
    end
    assert.is_true(collectgarbage "count" - before < 5000)
    os.remove(path)
  end)

  it("a redirect is an error, and nothing goes to the other port", function()
    local other <close> = raw_peer "close_after"
    for _, operation in ipairs { "get", "create" } do
      local peer <close> = raw_peer("redirect", other.url)
      local client <close> = server:client(with { base_url = peer.url })
      local value, err = call(client, operation, 7)
      assert.is_nil(value)
      assert.same({ "protocol", 302, operation == "get" and "none" or "unknown" }, { err.kind, err.status, err.outcome })
    end
    assert.equal(0, (other:received()))
  end)
end)
