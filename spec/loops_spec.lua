-- Hosted by luv and by cqueues: the loop is never held up, everything suspends, and the loop ends by itself.
local patchworks = require "patchworks"
local async = require "patchworks.async"
local lua = require "spec.support.lua"
local sandbox = require "patchworks.sandbox"

-- Each in a process of its own: a host's loop is for all of a Lua state.
local function run(program)
  local path = os.tmpname()
  local file <close> = io.open(path, "w")
  file:write([[
    local patchworks = require "patchworks"
    local server <close> = require("patchworks.sandbox").start { deploy_seconds = 0.1 }
    server:populate { script = 1, versions = 950 }
  ]], program)
  file:flush()
  local pipe = io.popen(("timeout 30 %s %s 2>&1"):format(lua, path))
  local said = pipe:read "a"
  local ok = pipe:close()
  os.remove(path)
  return said, ok
end

-- How late a timer came is told without the time in which the system had other programs run.
local luv = [[
  local uv = require "luv"
  local function others() -- milliseconds
    local file <close> = io.open "/proc/self/schedstat"
    local _, waited = (file and file:read "a" or ""):match "^(%d+) (%d+)"
    return (waited or 0) / 1e6
  end
  local client = server:client { loop = require "patchworks.loop.luv" }
  local versions = client.script_versions
  local latest, ticks, due = 0, 0, uv.hrtime() / 1e6 - others() + 5
  local timer = uv.new_timer()
  timer:start(5, 5, function()
    local now = uv.hrtime() / 1e6 - others()
    latest, ticks, due = math.max(latest, now - due), ticks + 1, now + 5
  end)
  timer:unref()
]]

local cqueues = [[
  local cqueues = require "cqueues"
  local client = server:client { loop = require "patchworks.loop.cqueues" }
  local versions = client.script_versions
  local controller = cqueues.new()
]]

describe("luv", function()
  it("goes on while tasks wait for answers, retries, deployments and pages", function()
    local said = run(luv .. [[
      server:latency(0.02)
      server:fail { operation = "get", how = "status", status = 503, retry_after = 0, times = 2 }
      patchworks.spawn(function()
        local count = 0
        for _ in versions:list(1) do count = count + 1 end
        local ids = {}
        for i = 1, 20 do ids[i] = i end
        local got, failures = patchworks.map(ids, function(id) return versions:get(id) end)
        assert(not failures, failures and tostring(failures[1].error))
        local made = assert(versions:create(1, { content = "x = 1" }))
        assert(made:deploy())
        assert(made:wait { interval = 0.02 })
        patchworks.sleep(0.05)
        print(count, #got, ticks > 20, latest < 100)
      end)
      uv.run()
      print "ended"
    ]])
    assert.equal("950\t20\ttrue\ttrue\nended\n", said)
  end)

  it("ends by itself with the client still open, runs again, and blocks outside of tasks", function()
    assert.equal("1\n2\n3\nended\n", (run(luv .. [[
      patchworks.spawn(function() print(versions:get(1).id) end)
      uv.run()
      print(versions:get(2).id)
      patchworks.spawn(function() print(versions:get(3).id) end)
      uv.run()
      client:close()
      uv.run()
      print "ended"
    ]])))
  end)

  it("reports what a task raised", function()
    assert.truthy(run(luv .. [[
      patchworks.spawn(function() patchworks.sleep(0.01) error "lost" end)
      uv.run()
    ]]):find "a task failed: .*lost")
  end)

  it("drives several clients, and tasks that only sleep", function()
    assert.equal("slept\n1\t2\n", (run(luv .. [[
      local other = server:client { loop = require "patchworks.loop.luv" }
      server:latency(0.05)
      local first, second
      patchworks.spawn(function() first = versions:get(1).id end)
      patchworks.spawn(function() second = other.script_versions:get(2).id end)
      patchworks.spawn(function() patchworks.sleep(0.01) print "slept" end)
      uv.run()
      print(first, second)
    ]])))
  end)

  it("drives clients without a loop too, beside those with one", function()
    assert.equal("2\t1\ttrue\nended\n", (run(luv .. [[
      local plain = server:client()
      server:latency(0.8)
      patchworks.spawn(function()
        local got = patchworks.map({ plain, client }, function(each)
          return each.script_versions:get(each == plain and 2 or 1).id
        end)
        print(got[1], got[2], ticks > 5 and latest < 600)
      end)
      uv.run()
      print "ended"
    ]])))
  end)

  it("wakes a task that goes to sleep outside of a pump, and one that is cancelled there", function()
    assert.equal("slept\ncancelled\nended\n", (run(luv .. [[
      local first = patchworks.spawn(function() patchworks.sleep(30) end)
      local late = uv.new_timer()
      late:start(20, 0, function()
        patchworks.spawn(function() patchworks.sleep(0.02) print "slept" end)
        patchworks.spawn(function()
          local ok, err = first:join()
          print(not ok and err.kind)
        end)
        late:start(60, 0, function() first:cancel() late:close() end)
      end)
      uv.run()
      print "ended"
    ]])))
  end)
end)

describe("a client that is closed on luv", function()
  it("leaves the program to end as it should, and a timer that was set during a blocking call is told", function()
    local said, ok = run [[
      local uv = require "luv"
      do
        local client <close> = server:client { loop = require "patchworks.loop.luv" }
        patchworks.spawn(function() print(client.script_versions:get(7).id) end)
        uv.run()
      end
      local client <close> = server:client { loop = require "patchworks.loop.luv" }
      server:latency(0.1)
      patchworks.spawn(function() patchworks.sleep(0.05) print "slept" end)
      print(client.script_versions:get(2).id)
      patchworks.spawn(function() patchworks.sleep(0.02) print "slept again" end)
      client.script_versions:get(2)
      patchworks.spawn(function() patchworks.sleep(0.02) print "slept at last" end)
      uv.run()
    ]]
    assert.equal("7\nslept\n2\nslept again\nslept at last\n", said)
    assert.is_true(ok)
  end)
end)

describe("cqueues", function()
  it("suspends its own coroutines, and goes on meanwhile", function()
    assert.equal("950\t20\ttrue\nended\n", (run(cqueues .. [[
      server:latency(0.02)
      local over, ticks, got, count = false, 0, 0, 0
      controller:wrap(function()
        while not over do cqueues.sleep(0.005) ticks = ticks + 1 end
        print(count, got, ticks > 3)
      end)
      local open = 21
      local function leave() open = open - 1 over = open == 0 end
      controller:wrap(function()
        for _ in versions:list(1) do count = count + 1 end
        leave()
      end)
      for i = 1, 20 do
        controller:wrap(function()
          if versions:get(i).id == i then got = got + 1 end
          leave()
        end)
      end
      assert(controller:loop())
      print "ended"
    ]])))
  end)

  it("hosts map and run inside of its coroutines, and blocks outside of them", function()
    assert.equal("10\t10\n3\n", (run(cqueues .. [[
      local function ten()
        local ids = {}
        for i = 1, 10 do ids[i] = i end
        return #patchworks.map(ids, function(id) patchworks.sleep(0.01) return versions:get(id) end)
      end
      local one, two
      controller:wrap(function() one = ten() end)
      controller:wrap(function() two = ten() end)
      assert(controller:loop())
      print(one, two)
      print(versions:get(3).id)
      client:close()
    ]])))
  end)

  it("drives clients without a loop inside of map, beside those with one", function()
    assert.equal("2\t1\n", (run(cqueues .. [[
      local plain = server:client()
      server:latency(0.05)
      controller:wrap(function()
        local got = patchworks.map({ plain, client }, function(each)
          return each.script_versions:get(each == plain and 2 or 1).id
        end)
        print(got[1], got[2])
      end)
      assert(controller:loop())
    ]])))
  end)

  it("passes errors on to the coroutine that called", function()
    assert.equal("not_found\n", (run(cqueues .. [[
      controller:wrap(function() print(select(2, versions:get(99999)).kind) end)
      assert(controller:loop())
    ]])))
  end)
end)

describe("a controller of cqueues", function()
  it("goes on when one of its coroutines closes a client, which others wait for or not", function()
    assert.equal("1\nnil\tcancelled\n3\n3\nthe host's own\ttrue\n", (run(cqueues .. [[
      server:latency(0.02)
      controller:wrap(function()
        print(versions:get(1).id)
        server:latency(30)
        controller:wrap(function()
          local version, err = versions:get(2)
          print(version, err.kind)
        end)
        repeat cqueues.sleep(0.001) until client:stats().active > 0
        client:close()
        server:latency(0)
      end)
      assert(controller:loop())
      for _ = 1, 2 do
        local other = server:client { loop = require "patchworks.loop.cqueues" }
        controller:wrap(function() print(other.script_versions:get(3).id) other:close() end)
      end
      local slept = false
      controller:wrap(function() cqueues.sleep(0.1) slept = true end)
      assert(controller:loop())
      print("the host's own", slept)
    ]])))
  end)

  it("waits where nothing can be suspended", function()
    assert.equal("1 2 3\n4\n5\n6\n7\t0\n", (run(cqueues .. [[
      controller:wrap(function()
        local ids = { 3, 1, 2 }
        table.sort(ids, function(a, b) return versions:get(a).id < versions:get(b).id end)
        print(table.concat(ids, " "))
        print((("4"):gsub("%d", function(id) return versions:get(tonumber(id)).id end)))
        setmetatable({}, { __gc = function() print(versions:get(5).id) end })
        collectgarbage()
        debug.sethook(function() debug.sethook() print(versions:get(6).id) end, "", 1)
        local generated = coroutine.wrap(function() return versions:get(7).id end)()
        print(generated, client:stats().active)
      end)
      assert(controller:loop())
    ]])))
  end)

  it("waits in a generator of a task's, too", function()
    assert.equal("true\t7\n", (run(cqueues .. [[
      controller:wrap(function()
        print(patchworks.spawn(function()
          return coroutine.wrap(function() return versions:get(7).id end)()
        end):join())
      end)
      assert(controller:loop())
    ]])))
  end)

  it("shares the clients with another, in turn, inside of it, or behind one that was dropped", function()
    assert.equal("1\t2\n0\t0\t0\n3\n4\n6\nended\n", (run(cqueues .. [[
      server:latency(0.02)
      local other = cqueues.new()
      local one, two
      controller:wrap(function() one = versions:get(1).id end)
      other:wrap(function() two = versions:get(2).id end)
      for _ = 1, 1000 do
        if one and two then break end
        assert(controller:step(0.01))
        assert(other:step(0.01))
      end
      print(one, two)
      assert(other:loop() and controller:loop())
      print(controller:count(), other:count(), client:stats().active)

      controller:wrap(function()
        local inner = cqueues.new()
        inner:wrap(function() print(versions:get(3).id) end)
        assert(inner:loop())
        print(versions:get(4).id)
      end)
      assert(controller:loop())

      other:wrap(function() print(versions:get(5).id) end)
      other:step(0)
      other = nil
      collectgarbage()
      collectgarbage()
      controller:wrap(function() print(versions:get(6).id) end)
      assert(controller:loop())
      print "ended"
    ]])))
  end)

  it("stays for tasks that nobody joined", function()
    assert.equal("slept\n1\nended\t0\n", (run(cqueues .. [[
      server:latency(0.02)
      controller:wrap(function()
        patchworks.spawn(function()
          patchworks.sleep(0.05)
          print "slept"
          print(versions:get(1).id)
        end)
      end)
      assert(controller:loop())
      print("ended", client:stats().active)
    ]])))
  end)

  it("doesn't stay for a call that was cancelled", function()
    assert.equal("cancelled\nended\t0\n", (run(cqueues .. [[
      server:latency(30)
      controller:wrap(function()
        local task = patchworks.spawn(function() return versions:get(1) end)
        repeat cqueues.sleep(0.001) until client:stats().active > 0
        task:cancel()
        print(select(2, task:join()).kind)
      end)
      assert(controller:loop())
      print("ended", client:stats().active)
    ]])))
  end)

  it("drives many clients at once", function()
    assert.equal("40\n", (run(cqueues .. [[
      server:latency(0.05)
      local got = 0
      for i = 1, 40 do
        local each = server:client { loop = require "patchworks.loop.cqueues" }
        controller:wrap(function()
          if each.script_versions:get(i).id == i then got = got + 1 end
          if i % 2 == 0 then each:close() end
        end)
      end
      assert(controller:loop())
      print(got)
    ]])))
  end)
end)

describe("one descriptor", function()
  it("is all that a loop needs", function()
    local server <close> = assert(sandbox.start())
    server:populate { script = 1, versions = 3 }
    server:latency(0.03)
    local loop, engine, due = {}, nil, nil
    function loop.attach(given)
      engine = given
      async.set_host(loop)
    end
    function loop.detach() async.set_host(nil) end
    function loop.schedule(seconds) due = seconds end
    function loop.watch() end
    local client <close> = server:client { loop = loop }
    local got = {}
    for id = 1, 3 do
      patchworks.spawn(function()
        local version = client.script_versions:get(id)
        got[#got + 1] = version.id
      end)
    end
    local socket = require "socket"
    local waitable = { getfd = function() return engine:fd() end, dirty = function() return false end }
    local turns = 0
    while #got < 3 do
      socket.select({ waitable }, nil, due or 1)
      due = async.pump(engine)
      turns = turns + 1
      assert.is_true(turns < 200, "the descriptor is readable for nothing")
    end
    table.sort(got)
    assert.same({ 1, 2, 3 }, got)
  end)
end)
