-- Many calls at once: run, map, spawn, cancel; other people's coroutines; and what is left behind.
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

local server, client, versions

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  server:populate { script = 1, versions = 30 }
  client = server:client()
  versions = client.script_versions
end)
after_each(function()
  client:close()
  server:close()
end)

local function list(count)
  local items = {}
  for i = 1, count do items[i] = i end
  return items
end

local function elapsed(fn)
  local began = client._clock.now()
  fn()
  return client._clock.now() - began
end

describe("map", function()
  it("gives results in the order of the items, whatever comes first", function()
    local results, failures = patchworks.map(list(20), function(i)
      patchworks.sleep((20 - i) / 1000)
      return versions:get(i).id
    end)
    assert.is_nil(failures)
    assert.same(list(20), results)
  end)

  it("has as many calls under way as it may", function()
    server:latency(0.05)
    local serial = elapsed(function() patchworks.map(list(8), function(i) return versions:get(i) end, { concurrency = 1 }) end)
    local wide = elapsed(function() patchworks.map(list(8), function(i) return versions:get(i) end, { concurrency = 8 }) end)
    assert.is_true(serial > 0.4 and wide < 0.25, ("%.2f %.2f"):format(serial, wide))
  end)

  it("reports failures with their items and leaves the others alone", function()
    local results, failures = patchworks.map({ 1, 999, 3, 4 }, function(id, index)
      if index == 3 then error "by hand" end
      return versions:get(id)
    end)
    assert.same({ 1, nil, nil, 4 }, { results[1].id, results[2], results[3], results[4].id })
    assert.same({ { 2, 999, "not_found" }, { 3, 3 } }, {
      { failures[1].index, failures[1].item, failures[1].error.kind }, { failures[2].index, failures[2].item },
    })
    assert.truthy(tostring(failures[2].error):find "by hand")
  end)

  it("stops at the first failure when asked", function()
    local started = 0
    server:latency(0.02)
    local _, failures = patchworks.map(list(50), function(i)
      started = started + 1
      if i == 3 then error "enough" end
      return versions:get(1)
    end, { concurrency = 4, stop_on_error = true })
    assert.equal(1, #failures)
    assert.is_true(started < 10)
    assert.equal(0, client:stats().active)
  end)

  it("takes an empty list, and false as a result", function()
    assert.same({}, (patchworks.map({}, error)))
    assert.same({ false, false }, (patchworks.map({ 1, 2 }, function() return false end)))
  end)

  it("may be nested", function()
    local results = patchworks.map(list(3), function(i)
      return #patchworks.map(list(4), function(k) return versions:get(i * k) end)
    end)
    assert.same({ 4, 4, 4 }, results)
  end)

  it("checks its arguments at the caller's line", function()
    for _, fn in ipairs {
      function() patchworks.map(7, print) end,
      function() patchworks.map({}, 7) end,
      function() patchworks.map({}, print, { concurency = 3 }) end,
      function() patchworks.map({}, print, { concurrency = 0 }) end,
      function() patchworks.run(7) end,
      function() patchworks.spawn(nil) end,
      function() patchworks.sleep "1" end,
    } do
      local ok, message = pcall(fn)
      assert.is_false(ok)
      assert.truthy(message:find "tasks_spec%.lua:%d+:", message)
    end
  end)
end)

describe("run", function()
  it("waits for all of its tasks, those that tasks start included", function()
    local done = {}
    assert.is_true(patchworks.run(function(tasks)
      for i = 1, 3 do
        tasks:spawn(function()
          versions:get(i)
          tasks:spawn(function()
            versions:get(i)
            done[#done + 1] = i
          end)
        end)
      end
    end))
    table.sort(done)
    assert.same({ 1, 2, 3 }, done)
  end)

  it("gives the failures, and each task's results by join", function()
    local joined
    local ok, failures = patchworks.run(function(tasks)
      local good = tasks:spawn(function(a, b) return versions:get(1).id, a + b end, 2, 3)
      local bad = tasks:spawn(function() return versions:get(999) end)
      tasks:spawn(function() joined = { good:join() } end)
      assert.falsy(bad._finished)
    end)
    assert.is_nil(ok)
    assert.same({ 1, "not_found" }, { #failures, failures[1].error.kind })
    assert.same({ true, 1, 5 }, joined)
  end)

  it("cancels a task: its transfer is closed, its closables are, and it is no failure", function()
    server:latency(30)
    local closed, after = false, false
    local time = elapsed(function()
      assert.is_true(patchworks.run(function(tasks)
        local task = tasks:spawn(function()
          local _ <close> = setmetatable({}, { __close = function() closed = true end })
          versions:get(1)
          after = true
        end)
        patchworks.sleep(0.02)
        assert.equal(1, client:stats().active)
        assert.is_true(tasks:cancel(task))
        assert.is_false(tasks:cancel(task))
      end))
    end)
    assert.same({ true, false, 0 }, { closed, after, client:stats().active })
    assert.is_true(time < 5)
  end)

  it("cancels its tasks when its function raises", function()
    server:latency(30)
    local ok, message = pcall(patchworks.run, function(tasks)
      tasks:spawn(function() versions:get(1) end)
      error "no more"
    end)
    assert.is_false(ok)
    assert.truthy(message:find "no more")
    assert.equal(0, client:stats().active)
  end)

  it("survives a task that fails while it is closed", function()
    server:latency(30)
    assert.has_error(function()
      patchworks.run(function(tasks)
        local task = tasks:spawn(function()
          local _ <close> = setmetatable({}, { __close = function() error "in close" end })
          versions:get(1)
        end)
        tasks:cancel(task)
        error "out"
      end)
    end)
    server:latency(0)
    assert.equal(1, versions:get(1).id)
  end)
end)

describe("a call", function()
  it("blocks outside of tasks, also in coroutines of the caller's own", function()
    local own = coroutine.wrap(function()
      coroutine.yield(versions:get(1).id)
      coroutine.yield(versions:get(2).id)
    end)
    assert.same({ 1, 2 }, { own(), own() })
  end)

  it("in a generator inside of a task leaves the generator's yields to the generator", function()
    local results = patchworks.map({ 1, 2 }, function(first)
      local generator = coroutine.wrap(function()
        for id = first, first + 3 do coroutine.yield(versions:get(id).id) end
      end)
      return { generator(), generator(), versions:get(9).id, generator() }
    end)
    assert.same({ { 1, 2, 9, 3 }, { 2, 3, 9, 4 } }, results)
  end)

  it("works where nothing can yield: in a sort, a metamethod, a gsub", function()
    patchworks.run(function(tasks)
      tasks:spawn(function()
        local items = { 3, 1, 2 }
        table.sort(items, function(a, b) return versions:get(a).id < versions:get(b).id end)
        assert.same({ 1, 2, 3 }, items)
        assert.equal("1-2", (("1-2"):gsub("%d", function(id) return tostring(versions:get(id).id) end)))
      end)
    end)
  end)

  it("works in pcall inside a task, and over two clients", function()
    local other <close> = server:client()
    local results = patchworks.map(list(10), function(i)
      local which = i % 2 == 0 and other or client
      local ok, version = pcall(which.script_versions.get, which.script_versions, i)
      return ok and version.id
    end)
    assert.same(list(10), results)
  end)
end)

describe("tasks over several clients", function()
  it("wait for all of them at once: nothing is polled for, and no answer is noticed late", function()
    local others = {}
    for i = 1, 3 do others[i] = server:client() end
    for _, each in ipairs(others) do assert(each.script_versions:get(1)) end
    server:latency(0.5)
    local instructions = 0
    debug.sethook(function() instructions = instructions + 1 end, "", 1)
    local took = elapsed(function()
      local _, failures = patchworks.map(list(12), function(i) return others[i % 3 + 1].script_versions:get(i) end,
        { concurrency = 12 })
      assert(not failures)
    end)
    debug.sethook()
    for _, each in ipairs(others) do each:close() end
    assert.is_true(took < 0.9, ("%.3f s"):format(took))
    -- The main thread runs the turns: a look at each client every 5 ms would take some 20,000.
    assert.is_true(instructions < 12000, ("%d instructions"):format(instructions))
  end)

  it("are woken by each client's own answers, time-outs and refusals", function()
    local nowhere <close> = patchworks.new { base_url = "http://127.0.0.1:9", api_key = "k", max_attempts = 1 }
    local short <close> = server:client { timeout = 0.1, max_attempts = 1 }
    server:latency(0.3)
    local began = client._clock.now()
    local said = patchworks.map({ client, nowhere, short }, function(each)
      local version, err = each.script_versions:get(1)
      return { version and "version" or err.kind, client._clock.now() - began }
    end)
    assert.same({ "version", "network", "timeout" }, { said[1][1], said[2][1], said[3][1] })
    assert.is_true(said[2][2] < 0.1, ("%.3f s"):format(said[2][2]))
    assert.is_true(said[3][2] > 0.09 and said[3][2] < 0.25, ("%.3f s"):format(said[3][2]))
  end)
end)

describe("a wait", function()
  it("for a retry suspends its task alone", function()
    server:fail { operation = "get", how = "status", status = 503, retry_after = 1, times = 1 }
    local order = {}
    patchworks.run(function(tasks)
      for i = 1, 3 do
        tasks:spawn(function()
          versions:get(i)
          order[#order + 1] = i
        end)
      end
    end)
    assert.equal(3, #order)
    assert.is_true(client:stats().retries == 1)
  end)

  it("for a deployment suspends its task alone", function()
    server:close()
    server = assert(sandbox.start { deploy_seconds = 0.5 })
    client:close()
    client = server:client()
    versions = client.script_versions
    local ids = {}
    for i = 1, 8 do ids[i] = versions:create(1, { content = "x = 1" }).id end
    local time = elapsed(function()
      local deployed, failures = patchworks.map(ids, function(id)
        assert(versions:deploy(id))
        return versions:wait(id, { interval = 0.05 })
      end)
      assert.is_nil(failures)
      assert.equal("Deployed", deployed[8].status)
    end)
    assert.is_true(time < 3, time) -- one after the other they take 4
  end)
end)

describe("10,000 tasks that wait at once", function()
  it("take under 60 MB", function()
    collectgarbage()
    local before = collectgarbage "count"
    local most
    patchworks.run(function(tasks)
      for _ = 1, 10000 do tasks:spawn(function() patchworks.sleep(0.5) end) end
      collectgarbage()
      most = collectgarbage "count" - before
    end)
    assert.is_true(most < 60 * 1024, most)
  end)
end)
