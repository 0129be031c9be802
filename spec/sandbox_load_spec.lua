-- Many at once, for LOAD_SECONDS (a half; scripts/check.d has more): every answer is right, and nobody waits for the slow.
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"
local socket = require "socket"

local seconds = tonumber(os.getenv "LOAD_SECONDS" or "0.5")

local function status(name)
  local file <close> = assert(io.open "/proc/self/status")
  return tonumber(file:read("a"):match(name .. ":%s*(%d+)"))
end

-- One of many that do a bit of everything until the time is up; gives how many requests were answered rightly. Some deploy
-- and invoke soon, the others later on, as each takes an interpreter.
local function work(versions, ends, seed)
  local answered, round, turn = 0, 0, seed <= 4 and 1 or 10
  local content = ("def handle(data):\n  return {'payload': '%d'}"):format(seed % 4)
  while socket.gettime() < ends do
    local version = assert(versions:create(1, { content = content }))
    assert(versions:get(version.id, { include = { "content" } }).content.content == content)
    assert(#versions:list(1, { per_page = 10 }):page(1).data > 0)
    answered, round = answered + 3, round + 1
    if round % 60 == turn then
      assert(assert(versions:deploy_and_wait(version.id, { timeout = 60 })).status == "Deployed")
      assert(assert(versions:invoke(version.id, { payload = "x" })).payload == tostring(seed % 4))
      answered = answered + 2
    else
      assert(versions:delete(version.id))
      answered = answered + 1
    end
  end
  return answered
end

describe("the sandbox under load", function()
  it("answers fifty connections rightly, with the same few threads", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 0 })
    local client <close> = server:client { max_connections = 50 }
    local slow = "import time\ndef handle(data):\n  time.sleep(0.2)\n  return {'payload': 'late'}"
    local late = assert(client.script_versions:create(1, { content = slow }))
    assert(late:deploy_and_wait { interval = 0.01 })
    local before = status "Threads"
    local most, total = 0, 0
    patchworks.run(function(tasks)
      local ends = socket.gettime() + seconds
      for i = 1, 50 do
        tasks:spawn(function()
          -- More at once than there may be threads.
          if i > 40 then assert(assert(late:invoke { payload = "x" }).payload == "late") end
          local answered = work(client.script_versions, ends, i) -- others add theirs meanwhile
          total = total + answered
          most = math.max(most, status "Threads")
        end)
      end
    end)
    assert.is_true(total > 100, tostring(total))
    assert.is_true(most <= before + 8, ("%d threads, %d before"):format(most, before))
    assert.is_true(server:count() >= math.min(total, 5000)) -- the journal is bounded
  end)

  it("answers others while five hundred send a byte now and then", function()
    local server <close> = assert(sandbox.start { idle_seconds = 3 })
    local client <close> = server:client { max_attempts = 1 }
    server:populate { script = 1, versions = 10 }
    local slow = {}
    for i = 1, 500 do
      slow[i] = assert(socket.connect("127.0.0.1", server.port))
      slow[i]:send "POST /api/v1/scripts/1/script-versions HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
    end
    local longest, count = 0, 0
    local ends = socket.gettime() + seconds
    while socket.gettime() < ends do
      for i = 1, 500, 25 do slow[(i + count) % 500 + 1]:send "X: y\r\n" end
      local began = socket.gettime()
      assert.equal(1, client.script_versions:get(1).id)
      longest, count = math.max(longest, socket.gettime() - began), count + 1
    end
    assert.is_true(count > 10)
    assert.is_true(longest < 2, ("one request took %.3f s"):format(longest))
    for _, connection in ipairs(slow) do connection:close() end
  end)

  it("keeps its memory while requests without a credential pour in", function()
    if os.getenv "PATCHWORKS_INSTRUMENTED" then return end -- instruments keep what was freed
    local server <close> = assert(sandbox.start())
    local client <close> = server:client { api_key = "wrong", max_attempts = 1 }
    local body = ("x"):rep(60000)
    local function pour(count)
      for _ = 1, count do client:request("POST", "/scripts/1/script-versions", { body = body }) end
    end
    pour(1300) -- more than is remembered
    local before = status "VmRSS"
    pour(math.floor(600 * math.max(1, seconds))) -- less would fit into what it may take
    assert.is_true(status "VmRSS" - before < 30000, ("%d kB more"):format(status "VmRSS" - before))
  end)
end)
