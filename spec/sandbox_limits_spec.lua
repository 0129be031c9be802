-- What clients, scripts and the disk can't make the sandbox do.
local lua = require "spec.support.lua"
local patchworks = require "patchworks"
local raw = require "spec.support.raw"
local sandbox = require "patchworks.sandbox"
local socket = require "socket"
local wait_until = require "spec.support.wait_until"

local function threads()
  local file <close> = assert(io.open "/proc/self/status")
  return tonumber(file:read("a"):match "Threads:%s*(%d+)")
end

local function connect(server)
  local connection = assert(socket.connect("127.0.0.1", server.port))
  connection:settimeout(10)
  return connection
end

-- Whether the other end has closed, within ten seconds.
local function ends(connection)
  local _, problem = connection:receive "*a"
  return problem == nil or problem == "closed"
end

local function program(text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

describe("the sandbox's connections", function()
  it("need no thread each", function()
    local server <close> = assert(sandbox.start())
    local before = threads()
    local open = {}
    for i = 1, 300 do open[i] = connect(server) end
    assert.equal(401, raw.request(server, { path = "/api/v1/script-versions/1", headers = { Authorization = "no" } }).status)
    assert.is_true(threads() <= before + 2)
    for _, connection in ipairs(open) do connection:close() end
  end)

  it("end when no whole request comes, however slowly it goes on coming", function()
    local server <close> = assert(sandbox.start { idle_seconds = 1 })
    local idle, slow_head, slow_body = connect(server), connect(server), connect(server)
    slow_head:send "GET /api/v1/script-versions/1 HTTP/1.1\r\nHost: x\r\n"
    slow_body:send "POST /api/v1/scripts/1/script-versions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
    local began = socket.gettime()
    wait_until(function()
      slow_head:send "X: y\r\n"
      slow_body:send " "
      local _, head = slow_head:receive(0)
      slow_body:settimeout(0)
      local _, body = slow_body:receive(1)
      return head ~= "timeout" and body == "closed" or socket.gettime() - began > 8
    end)
    assert.is_true(socket.gettime() - began < 8)
    assert.is_true(ends(idle))
  end)

  it("that wait for a script are no idle ones", function()
    local server <close> = assert(sandbox.start { idle_seconds = 0.2, deploy_seconds = 0 })
    local client <close> = server:client()
    local version = client.script_versions:create(1, { content = "import time\ndef handle(data):\n  time.sleep(2.5)\n  return data" })
    assert(client.script_versions:deploy_and_wait(version.id))
    assert.equal("x", assert(client.script_versions:invoke(version.id, { payload = "x" })).payload)
  end)

  it("get one refusal for a request whose length is told in two ways", function()
    for _, lengths in ipairs {
      "Content-Length: 2\r\nTransfer-Encoding: chunked",
      "Transfer-Encoding: chunked\r\nContent-Length: 2",
      "Content-Length: 2\r\nContent-Length: 40",
    } do
      local server <close> = assert(sandbox.start())
      local connection = connect(server)
      connection:send(("POST /api/v1/scripts/1/script-versions HTTP/1.1\r\nHost: x\r\nAuthorization: sandbox-key\r\nAccept: application/json\r\n"
        .. "%s\r\n\r\n0\r\n\r\nGET /api/v1/scripts/1/script-versions HTTP/1.1\r\nHost: x\r\n\r\n"):format(lengths))
      local answer = connection:receive "*a" or ""
      assert.matches("^HTTP/1.1 400", answer)
      assert.equal(1, select(2, answer:gsub("HTTP/1%.1 ", "")))
      connection:close()
    end
  end)
end)

describe("the sandbox's scripts", function()
  it("run eight at once; a ninth waits for its turn, and other requests for none", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 0 })
    local client <close> = server:client { max_connections = 20 }
    local version = client.script_versions:create(1, { content = "import time\ndef handle(data):\n  began = time.time()\n"
      .. "  time.sleep(1.5)\n  return {'payload': '%.3f %.3f' % (began, time.time())}" })
    assert(client.script_versions:deploy_and_wait(version.id))
    local spans, ended_before = {}, nil
    patchworks.run(function(tasks)
      for _ = 1, 9 do
        tasks:spawn(function()
          local began, ended = assert(client.script_versions:invoke(version.id)).payload:match "(%S+) (%S+)"
          spans[#spans + 1] = { began = tonumber(began), ended = tonumber(ended) }
        end)
      end
      tasks:spawn(function()
        assert(client.script_versions:get(version.id))
        ended_before = #spans
      end)
    end)
    local most = 0
    for _, each in ipairs(spans) do
      local at_once = 0
      for _, other in ipairs(spans) do
        if other.began <= each.began and each.began < other.ended then at_once = at_once + 1 end
      end
      most = math.max(most, at_once)
    end
    assert.equal(8, most)
    assert.equal(0, ended_before) -- in a turn of its own it would come behind one of them
  end)

  it("are checked as ever where the program ignores the ends of its children", function()
    local path = program [[
      local server <close> = require("patchworks.sandbox").start { deploy_seconds = 0 }
      local client <close> = server:client()
      local version = client.script_versions:create(1, { content = "def handle(:" })
      print(select(2, client.script_versions:deploy_and_wait(version.id)))
    ]]
    local pipe = io.popen(("env --ignore-signal=CHLD timeout 60 %s %s 2>&1"):format(lua, path))
    assert.matches("SyntaxError", pipe:read "a")
    pipe:close()
    os.remove(path)
  end)
end)

describe("the sandbox's memory", function()
  it("of requests is bounded in bytes", function()
    local server <close> = assert(sandbox.start())
    local client <close> = server:client { max_attempts = 1 }
    local body = ("x"):rep(64 * 1024)
    for _ = 1, 1200 do client:request("POST", "/nowhere", { body = body }) end
    local kept = server:count()
    assert.is_true(kept < 1100 and kept > 500, tostring(kept))
  end)
end)

describe("a full disk", function()
  it("is one clear error; what was answered is there, reads go on, and the deployer rests", function()
    local data = os.tmpname()
    os.remove(data)
    -- Files of 900 blocks of 512 bytes: the write-ahead log is full soon.
    local path = program(([[
      local server <close> = require("patchworks.sandbox").start { data = %q, deploy_seconds = 0 }
      local client <close> = server:client { max_attempts = 1 }
      local versions, answered, err = client.script_versions, {}, nil
      for i = 1, 1000 do
        local version
        version, err = versions:create(1, { content = ("x"):rep(2000) })
        if not version then break end
        answered[#answered + 1] = version.id
      end
      print(#answered > 0, err and err.status, err and err.message)
      for _, id in ipairs(answered) do assert(versions:get(id).id == id) end
      versions:deploy(answered[1])
      local before = os.clock()
      require("socket").sleep(1)
      print("busy", os.clock() - before)
    ]]):format(data))
    local pipe = io.popen(("(trap '' XFSZ; ulimit -f 900; exec timeout 60 %s %s) 2>&1"):format(lua, path))
    local said = pipe:read "a"
    pipe:close()
    os.remove(path)
    assert.matches("true\t500\tThe sandbox can't write to its disk", said)
    assert.is_true(tonumber(said:match "busy%s+([%d.]+)") < 0.3, said)
    for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(data .. ending) end
  end)
end)

describe("what was answered", function()
  it("is there after a kill in the middle of writes", function()
    local data = os.tmpname()
    os.remove(data)
    local path = program(([[
      local server = assert(require("patchworks.sandbox").start { data = %q })
      io.stdout:write(server.port, "\n")
      io.stdout:flush()
      require("socket").sleep(60)
    ]]):format(data))
    for _ = 1, 3 do
      local pipe = io.popen(("%s %s & echo $!"):format(lua, path))
      local pid, port = pipe:read("n", "n")
      local client <close> = patchworks.new { base_url = "http://127.0.0.1:" .. port, api_key = "sandbox-key", max_attempts = 1 }
      local answered = {}
      patchworks.run(function(tasks)
        for _ = 1, 6 do
          tasks:spawn(function()
            for _ = 1, 200 do
              local version = client.script_versions:create(1, { content = "x" })
              if not version then return end
              answered[#answered + 1] = version.id
              if #answered == 40 then os.execute("kill -9 " .. pid) end
            end
          end)
        end
      end)
      pipe:close()
      local server <close> = wait_until(function() return (sandbox.start { data = data }) end)
      local again <close> = server:client()
      for _, id in ipairs(answered) do assert.equal(id, assert(again.script_versions:get(id)).id) end
      assert.is_true(#answered >= 40)
    end
    os.remove(path)
    for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(data .. ending) end
  end)
end)
