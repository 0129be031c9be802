-- What the Lua layer asks an engine and its transfers, against a plain socket in the same process.
local core = require "patchworks.core"
local socket = require "socket"

local ok_answer = "HTTP/1.1 200 OK\r\nX-Spec: a\r\nContent-Length: 2\r\n\r\n{}"

local function listening()
  local peer = { listener = assert(socket.bind("127.0.0.1", 0)) }
  peer.listener:settimeout(0)
  peer.url = "http://127.0.0.1:" .. select(2, peer.listener:getsockname()) .. "/x"
  return setmetatable(peer, { __close = function()
    peer.listener:close()
    if peer.connection then peer.connection:close() end
  end })
end

-- Steps until a whole request has come; its text.
local function await_request(engine, peer)
  local text = ""
  for _ = 1, 4000 do
    engine:step(0.005)
    if not peer.connection then
      peer.connection = peer.listener:accept()
      if peer.connection then peer.connection:settimeout(0) end
    end
    local _, _, part = (peer.connection or { receive = function() end }):receive(10000)
    text = text .. (part or "")
    if text:find "\r\n\r\n" then return text end
  end
  error "no request came"
end

-- Ends the connection, and those that nobody has taken.
local function hang_up(peer)
  repeat
    peer.connection:close()
    peer.connection = peer.listener:accept()
  until not peer.connection
end

local function await_end(engine, transfer)
  while not transfer:done() do
    engine:step(5)
    engine:next()
  end
  return transfer
end

local function new_engine(more)
  local options = { max_connections = 2, max_response_bytes = 1000 }
  for name, value in pairs(more or {}) do options[name] = value end
  return core.engine(options)
end

local function get(engine, url, timeout) return engine:start("GET", url, core.headers { "A: b" }, nil, false, timeout or 20, 20) end

describe("an exchange", function()
  local peer, engine
  before_each(function() peer, engine = listening(), assert(new_engine()) end)
  after_each(function()
    engine:close()
    getmetatable(peer).__close()
  end)

  it("gives the answer, and its facts", function()
    local transfer = get(engine, peer.url)
    assert.is_false(transfer:done())
    assert.has_error(function() transfer:answer() end, "the transfer is not done")
    local asked = await_request(engine, peer)
    assert.matches("^GET /x HTTP/1%.1\r\n.*\r\nA: b\r\n", asked)
    peer.connection:send(ok_answer)
    await_end(engine, transfer)
    assert.same({ 200, "{}", ok_answer:sub(1, -3) }, { transfer:answer() })
    local times, bytes, version, is_new = transfer:facts()
    assert.same({ sent = #asked, received = #ok_answer }, bytes)
    assert.same({ 1.1, true }, { version, is_new })
    assert.equal(0, times.secured)
    assert.is_true(0 < times.connected and times.resolved <= times.connected and times.connected <= times.requested)
    assert.is_true(times.requested <= times.answered and times.answered <= times.total and times.total < 20)
    assert.same({
      started = 1, finished = 1, active = 0, connections = 1, multiplexed = 0, sent_bytes = #asked,
      received_bytes = #ok_answer, held_bytes = 2048,
    }, engine:counts())
    local again = get(engine, peer.url)
    await_request(engine, peer)
    peer.connection:send "HTTP/1.1 204 No Content\r\n\r\n"
    assert.same({ 204, "", "HTTP/1.1 204 No Content\r\n\r\n" }, { await_end(engine, again):answer() })
    assert.is_false((select(4, again:facts())))
  end)

  local function post() return engine:start("POST", peer.url, core.headers {}, "the request's", true, 20, 20) end

  it("is ended by close, which says whether anything went out", function()
    local transfer = post()
    await_request(engine, peer)
    transfer:close()
    assert.is_true(transfer:done())
    assert.same({ n = 4, nil, "cancelled", nil, true }, table.pack(transfer:answer()))
    assert.same({ 0, 1, 0 }, { engine:active(), engine:counts().started, engine:counts().finished })
    local unsent = engine:start("GET", "https://127.0.0.1:" .. peer.url:match ":(%d+)/", core.headers {}, nil, false, 20, 20)
    unsent:close()
    assert.same({ n = 4, nil, "cancelled", nil, false }, table.pack(unsent:answer()))
    assert.is_nil(engine:next())
    -- One that has ended keeps its answer.
    hang_up(peer)
    local whole = get(engine, peer.url)
    await_request(engine, peer)
    peer.connection:send(ok_answer)
    await_end(engine, whole)
    whole:close()
    assert.equal(200, (whole:answer()))
  end)

  it("is ended by its engine's close, and says the same", function()
    local transfer = post()
    await_request(engine, peer)
    engine:close()
    assert.is_true(transfer:done())
    assert.same({ n = 4, nil, "cancelled", nil, true }, table.pack(transfer:answer()))
    -- From then on nothing is under way on it: a finalizer may close one between any two statements of the scheduler's.
    local began = core.now()
    assert.same({ true, nil, 0, nil }, { engine:step(60), (engine:next()), engine:active(), (engine:fd()) })
    engine:wake_in(1)
    assert.is_true(core.wait({ engine, engine }, 60))
    assert.is_true(core.now() - began < 30)
    assert.same({ n = 2, nil, "the client was closed" },
      table.pack(engine:start("GET", peer.url, core.headers {}, nil, false, 1, 1)))
    assert.error_matches(function() engine:counts() end, "the client is closed")
  end)

  it("counts until it was given", function()
    local transfer = get(engine, peer.url)
    assert.same({ 1, 1 }, { engine:active(), engine:counts().active })
    await_request(engine, peer)
    peer.connection:send(ok_answer)
    while engine:counts().active == 1 do engine:step(5) end
    assert.same({ 1, false }, { engine:active(), transfer:done() })
    assert.equal(transfer, engine:next())
    assert.same({ 0, true }, { engine:active(), transfer:done() })
    assert.is_nil(engine:next())
  end)

  it("goes out again where its connection was dead already, unless it is to go out once", function()
    for _, once in ipairs { false, true } do
      local function start() return engine:start("GET", peer.url, core.headers {}, nil, once, 20, 20) end
      local first = start()
      await_request(engine, peer)
      peer.connection:send(ok_answer)
      await_end(engine, first)
      local second = start()
      await_request(engine, peer)
      hang_up(peer)
      if not once then
        await_request(engine, peer)
        peer.connection:send(ok_answer)
      end
      local status, kind = await_end(engine, second):answer()
      assert.same(once and { nil, "network" } or { 200, "{}" }, { status, kind })
    end
  end)

  it("says what kind of failure it was, and whether it was sent", function()
    for text, expected in pairs {
      ["hello\r\n\r\n"] = "protocol",
      ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}"] = "network",
      ["HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{}"] = "protocol",
    } do
      local transfer = get(engine, peer.url)
      await_request(engine, peer)
      peer.connection:send(text)
      hang_up(peer)
      local status, kind, message, sent = await_end(engine, transfer):answer()
      assert.same({ nil, expected, true }, { status, kind, sent })
      assert.is_true(#message > 5)
    end
    local url = "https://127.0.0.1:" .. peer.url:match ":(%d+)/"
    for _, case in ipairs { { "http://127.0.0.1:1/", "network" }, { "gopher://x/", "protocol" }, { url, "timeout", 0.02 } } do
      local _, kind, _, sent = await_end(engine, get(engine, case[1], case[3])):answer()
      assert.same({ case[2], false }, { kind, sent })
    end
  end)
end)

describe("an engine", function()
  it("holds nothing once it is closed", function()
    local engine, weak = assert(new_engine()), setmetatable({}, { __mode = "v" })
    weak[1] = get(engine, "http://127.0.0.1:1/")
    engine:close()
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
    engine:close()
  end)

  it("waits as long as it is told, to the millisecond above", function()
    local engine <close> = assert(new_engine())
    local other <close> = assert(new_engine())
    for _, wait in ipairs { function(seconds) return engine:step(seconds) end, function(seconds) return core.wait({ engine, other }, seconds) end } do
      for _, seconds in ipairs { 0.03, 0.0015, 0, -1, 0 / 0 } do
        local began = core.now()
        assert.is_true(wait(seconds))
        local took = core.now() - began
        assert.is_true(took < 5 and not (took < (seconds > 0 and seconds or 0) - 0.0005), took)
      end
    end
  end)

  it("is woken through one descriptor, where a loop has it", function()
    local engine <close> = assert(new_engine { hosted = true })
    local plain <close> = assert(new_engine())
    assert.equal("integer", math.type(engine:fd()))
    assert.equal(0, select("#", plain:fd()))
    local looks = { getfd = function() return engine:fd() end }
    engine:wake_in(0.03)
    assert.equal(0, #socket.select({ looks }, nil, 0))
    local began = core.now()
    assert.equal(1, #socket.select({ looks }, nil, 10))
    assert.is_true(core.now() - began > 0.02)
    engine:step(0)
    assert.equal(0, #socket.select({ looks }, nil, 0))
    engine:wake_in(0.01)
    engine:wake_in()
    assert.equal(0, #socket.select({ looks }, nil, 0.03))
  end)

  it("names an option that can't be, and what libcurl refuses", function()
    assert.error_matches(function() new_engine { max_connections = 0 } end, "max_connections: expected an integer of at least 1")
    assert.error_matches(function() new_engine { max_connections = 1.5 } end, "max_connections: expected an integer of at least 1")
    assert.error_matches(function() new_engine { max_response_bytes = -1 } end, "max_response_bytes: expected an integer of at least 0")
    assert.has_error(function() new_engine { user_agent = {} } end)
    local unbounded <close> = assert(new_engine { max_response_bytes = 0, max_connections = 1 })
    assert.is_truthy(unbounded)
    for _, name in ipairs { "user_agent", "ca_file", "ca_pem", "ca_path", "proxy", "client_cert", "client_key" } do
      local engine <close> = assert(new_engine { [name] = ("x"):rep(9000000) })
      assert.same({ nil, "libcurl refuses " .. name }, { get(engine, "http://127.0.0.1:1/") })
      assert.same({ 0, 0 }, { engine:active(), engine:counts().started })
    end
  end)

  it("gives each attempt a millisecond at least", function()
    local peer <close> = listening()
    local engine <close> = assert(new_engine())
    for _, seconds in ipairs { 0, -5, 1e-9, 0 / 0 } do
      local _, kind = await_end(engine, get(engine, peer.url, seconds)):answer()
      assert.equal("timeout", kind)
    end
    local transfer <close> = get(engine, peer.url, 1e300)
    engine:step(0.02)
    assert.is_false(transfer:done())
  end)
end)
