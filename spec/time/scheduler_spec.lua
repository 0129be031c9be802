-- Who goes on when: waits inside of waits, strange yields, hooks that raise or yield, and what is left behind.
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

local server, client, versions

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  server:populate { script = 1, versions = 40 }
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

-- A client that has to log in first.
local function login_client(options)
  options = options or {}
  options.base_url, options.login_url = server.url, server.login_url
  options.username, options.password = server.username, options.password or server.password
  return patchworks.new(options)
end

describe("a call in a coroutine of a task's own", function()
  local function through_a_generator(each)
    return function(id)
      local generator = coroutine.wrap(function() coroutine.yield(each:get(id)) end)
      return generator()
    end
  end

  it("shares a login with others that can't be suspended either", function()
    local other <close> = login_client { timeout = 5 }
    local took = elapsed(function()
      local results, failures = patchworks.map({ 1, 2 }, through_a_generator(other.script_versions))
      assert.is_nil(failures)
      assert.same({ 1, 2 }, { results[1].id, results[2].id })
    end)
    assert.is_true(took < 2, took)
    assert.equal(1, server:count "login")
  end)

  it("shares it in a comparator after a 429, too", function()
    local other <close> = login_client { timeout = 5 }
    server:fail { operation = "get", how = "status", status = 429, retry_after = 0 }
    local _, failures = patchworks.map({ 1, 2 }, function(first)
      local items = { first, 3, 2 }
      table.sort(items, function(a, b)
        return assert(other.script_versions:get(a)).id < assert(other.script_versions:get(b)).id
      end)
      return items
    end)
    assert.is_nil(failures)
  end)

  it("has no bound on how many there are", function()
    local other <close> = login_client()
    local results, failures =
      patchworks.map(list(300), function(i) return through_a_generator(other.script_versions)(i % 40 + 1) end,
        { concurrency = 300 })
    assert.is_nil(failures)
    assert.equal(300, #results)
  end)

  it("lets the calls of other tasks go on", function()
    server:latency(0.1)
    local took = elapsed(function()
      patchworks.run(function(tasks)
        tasks:spawn(function() versions:get(1) end)
        tasks:spawn(function() through_a_generator(versions)(2) end)
        tasks:spawn(function() versions:get(3) end)
      end)
    end)
    assert.is_true(took < 0.29, took)
  end)
end)

describe("tasks that wait for tasks where nothing can yield", function()
  local function nested(depth)
    if depth == 0 then return 1 end
    local results, failures
    coroutine.wrap(function()
      results, failures = patchworks.map({ depth }, function(each) return nested(each - 1) end)
    end)()
    if failures then error(failures[1].error, 0) end
    return results[1] + 1
  end

  it("work, to a depth", function() assert.equal(9, nested(8)) end)

  it("say so where they are too many inside of each other, and leave all as it was", function()
    local ok, problem = pcall(nested, 50)
    assert.is_false(ok)
    assert.truthy(tostring(problem):find "inside of each other", problem)
    assert.equal(5, nested(4))
    assert.equal(1, versions:get(1).id)
  end)
end)

describe("the main program", function()
  it("sleeps, and tasks go on", function()
    local done = 0
    patchworks.run(function(tasks)
      tasks:spawn(function()
        for i = 1, 3 do done = done + versions:get(i).id end
      end)
      local began = client._clock.now()
      while done < 6 and client._clock.now() - began < 5 do patchworks.sleep(0.01) end
      assert.equal(6, done)
    end)
  end)
end)

describe("a task that yields of its own", function()
  it("goes on in the next turn", function()
    local order = {}
    local results, failures = patchworks.map({ 1, 2 }, function(i)
      for _ = 1, 3 do
        coroutine.yield()
        order[#order + 1] = i
      end
      return versions:get(i).id
    end)
    assert.is_nil(failures)
    assert.same({ { 1, 2 }, { 1, 2, 1, 2, 1, 2 } }, { results, order })
  end)

  it("can't wait for itself", function()
    patchworks.run(function(tasks)
      local ok, problem
      local self = tasks:spawn(function()
        patchworks.sleep(0.001)
        ok, problem = pcall(function() return patchworks.itself:join() end)
      end)
      patchworks.itself = self
      self:join()
      patchworks.itself = nil
      assert.is_false(ok)
      assert.truthy(problem:find "wait for itself")
    end)
  end)
end)

describe("a call made in a hook", function()
  it("is served while another call is under way", function()
    server:latency(0.05)
    local inside
    local took = elapsed(function()
      debug.sethook(function()
        debug.sethook()
        inside = versions:get(2)
      end, "", 200)
      assert.equal(1, versions:get(1).id)
      debug.sethook()
    end)
    assert.equal(2, inside and inside.id)
    assert.is_true(took < 2, took)
  end)
end)

describe("waiters", function()
  it("are woken in the order in which they came", function()
    local first = {}
    patchworks.run(function(tasks)
      local gate = tasks:spawn(function() patchworks.sleep(0.01) end)
      for i = 1, 100 do
        tasks:spawn(function()
          gate:join()
          first[#first + 1] = i
        end)
      end
    end)
    assert.same(list(100), first)
  end)
end)

describe("a group", function()
  it("reports a task that tried to cancel itself, and then raised", function()
    local ok, failures = patchworks.run(function(tasks)
      local self
      self = tasks:spawn(function()
        patchworks.sleep(0.001)
        assert.is_false(tasks:cancel(self))
        error "after all"
      end)
    end)
    assert.is_nil(ok)
    assert.truthy(tostring(failures[1].error):find "after all")
  end)

  it("starts nothing after the stop that a failure makes", function()
    local started = 0
    patchworks.run(function(tasks)
      tasks:spawn(function() error "first" end)
      local late = tasks:spawn(function() started = started + 1 end)
      assert.is_true(late._finished)
      assert.equal("cancelled", select(2, late:join()).kind)
    end, { stop_on_error = true })
    assert.equal(0, started)
  end)

  it("of calls with a wrong password logs in once", function()
    local other <close> = login_client { password = "wrong" }
    local _, failures = patchworks.map(list(100), function() return other.script_versions:get(1) end)
    assert.equal(100, #failures)
    assert.equal("unauthenticated", failures[100].error.kind)
    assert.equal(1, server:count "login")
  end)
end)

describe("a task that is cancelled in the middle of a create", function()
  it("ends with the true outcome: the service has made it", function()
    server:latency(0.2)
    local task
    patchworks.run(function(tasks)
      task = tasks:spawn(function() return versions:create(1, { content = "x" }) end)
      patchworks.sleep(0.05)
      assert.is_true(tasks:cancel(task))
    end)
    local ok, err = task:join()
    assert.same({ false, "cancelled", "unknown" }, { ok, err.kind, err.outcome })
    assert.same({ "cancelled", "create" }, { err.cause.kind, err.cause.operation })
    assert.equal("the call was cancelled", err.cause.message)
  end)

  it("or none, where it had not been sent", function()
    local limited <close> = server:client { rate_limit = 1 }
    assert(limited.script_versions:get(1))
    local task
    patchworks.run(function(tasks)
      task = tasks:spawn(function() return limited.script_versions:create(1, { content = "x", timeout = 100 }) end)
      patchworks.sleep(0.02)
      assert.is_true(tasks:cancel(task))
    end)
    assert.equal("none", select(2, task:join()).outcome)
  end)
end)

describe("a client that is closed", function()
  it("ends what is under way as cancelled, with its true outcome, and keeps what was unknown", function()
    server:latency(0.3)
    local said = {}
    local other = server:client()
    patchworks.run(function(tasks)
      tasks:spawn(function() said.create = { other.script_versions:create(1, { content = "x" }) } end)
      tasks:spawn(function() said.get = { other.script_versions:get(1) } end)
      patchworks.sleep(0.05)
      other:close()
    end)
    assert.same({ "cancelled", "unknown" }, { said.create[2].kind, said.create[2].outcome })
    assert.equal("the client was closed", said.create[2].message)
    assert.same({ "cancelled", "none" }, { said.get[2].kind, said.get[2].outcome })
  end)

  it("keeps an unknown outcome that an earlier attempt had", function()
    local other = server:client()
    server:fail { operation = "deploy", how = "drop_after" }
    server:fail { operation = "deploy", how = "status", status = 503, retry_after = 30 }
    local err
    patchworks.run(function(tasks)
      tasks:spawn(function() err = select(2, other.script_versions:deploy(1)) end)
      patchworks.sleep(0.6)
      other:close()
    end)
    assert.same({ "cancelled", "unknown" }, { err.kind, err.outcome })
  end)

  it("says so at the caller's line, whatever is asked of it", function()
    local other = server:client()
    local version = assert(other.script_versions:get(1))
    other:close()
    for name, ask in pairs {
      get = function() other.script_versions:get(1) end,
      create = function() other.script_versions:create(1, { content = "x" }) end,
      list = function() return other.script_versions:list(1):all() end,
      request = function() other:request("GET", "/scripts") end,
      stats = function() other:stats() end,
      deploy = function() version:deploy() end,
    } do
      local ok, problem = pcall(ask)
      assert.is_false(ok, name)
      assert.truthy(tostring(problem):find "scheduler_spec%.lua:%d+:.*the client is closed", tostring(problem))
    end
    other:close()
  end)
end)

describe("a listener that raises", function()
  it("loses nothing: the call goes on, and its result comes with the error", function()
    local ok, problem = pcall(versions.create, versions, 1, { content = "x", on_event = function() error "mine" end })
    assert.is_false(ok)
    assert.equal("listener", problem.kind)
    assert.truthy(problem.cause:find "mine")
    assert.equal(41, problem.result.id)
    assert.equal(1, server:count "create")
  end)
end)

describe("time", function()
  it("of 2 ms is 2 ms", function()
    server:latency(0.3)
    versions:get(1, { timeout = 1 })
    local took = elapsed(function() assert.equal("timeout", select(2, versions:get(1, { timeout = 0.002 })).kind) end)
    assert.is_true(took < 0.05, took)
  end)

  it("goes on for those who wait for a free connection", function()
    local narrow <close> = server:client { max_connections = 1 }
    server:latency(1)
    patchworks.run(function(tasks)
      tasks:spawn(function() narrow.script_versions:get(1) end)
      local took
      local err
      tasks:spawn(function()
        took = elapsed(function() err = select(2, narrow.script_versions:get(2, { timeout = 0.2 })) end)
      end)
      patchworks.sleep(0.4)
      assert.equal("timeout", err and err.kind)
      assert.is_true(took < 0.35, took)
    end)
  end)
end)

describe("a listener that raises in a release", function()
  it("cuts nothing off: the release ends, and its result comes with the error", function()
    local source = "def handle(data): return {'payload': 'x'}"
    for _, name in ipairs { "publish", "deploy_and_wait" } do
      local subject = name == "publish" and 1 or assert(versions:create(1, { content = source })).id
      local ok, problem = pcall(versions[name], versions, subject, {
        content = name == "publish" and source or nil,
        on_event = function() error "mine" end,
      })
      assert.is_false(ok)
      assert.same({ "listener", name }, { problem.kind, problem.operation })
      assert.truthy(tostring(problem.cause):find "mine")
      local live = name == "publish" and problem.result.version or problem.result
      assert.equal("Deployed", live.status)
    end
    local ok, problem = pcall(versions.create, versions, 1, { content = "x = 2", reconcile = true,
      on_event = function() error "mine" end })
    assert.is_false(ok)
    assert.equal("listener", problem.kind)
    assert.is_number(problem.result.id)
    local plan = assert(client:plan { scripts = { { id = 1, content = source .. "\n# 2" } } })
    ok, problem = pcall(client.apply, client, plan, { on_event = function() error "mine" end })
    assert.same({ false, 1 }, { ok, problem.result.published })
  end)
end)

describe("a task that is cancelled", function()
  local function outcome_of(task)
    local ok, err = task:join()
    assert.is_false(ok)
    assert.equal("cancelled", err.kind)
    return err.outcome
  end

  it("once its answer had come, before it was resumed, did something", function()
    local four, first = {}, nil
    patchworks.run(function(tasks)
      for i = 1, 4 do
        four[i] = tasks:spawn(function()
          local version = versions:create(1, { content = "x" })
          first = first or i
          for k = 1, 4 do
            if k ~= i then tasks:cancel(four[k]) end
          end
          return version
        end)
      end
    end)
    local made = versions:list(1):count() - 40
    local told = 1
    for i = 1, 4 do
      if i ~= first and outcome_of(four[i]) == "unknown" then told = told + 1 end
    end
    assert.is_true(made <= told, made .. " " .. told)
  end)

  it("in the middle of its own map, run or release says that something may have been done", function()
    for name, work in pairs {
      map = function()
        patchworks.map({ 1, 2, 3 }, function(i)
          assert(versions:create(1, { content = "x" .. i }))
          patchworks.sleep(5)
        end)
      end,
      run = function()
        patchworks.run(function(inner)
          inner:spawn(function() assert(versions:create(1, { content = "y" })) patchworks.sleep(5) end)
        end)
      end,
    } do
      local task
      local before = versions:list(1):count()
      patchworks.run(function(tasks)
        task = tasks:spawn(work)
        for _ = 1, 1000 do
          if versions:list(1):count() > before then break end
        end
        tasks:cancel(task)
      end)
      assert.equal("unknown", outcome_of(task), name)
    end
  end)

  it("by closing its coroutine ends as cancelled", function()
    local task
    patchworks.run(function(tasks)
      local own
      task = tasks:spawn(function()
        own = coroutine.running()
        patchworks.sleep(30)
      end)
      coroutine.close(own)
    end)
    assert.equal("none", outcome_of(task))
  end)
end)

describe("stop_on_error", function()
  it("tells of what it has cut off in the middle", function()
    server:latency(0.1)
    local _, failures = patchworks.map({ 1, 2, 3 }, function(i)
      if i == 3 then
        patchworks.sleep(0.03)
        error "enough"
      end
      return versions:create(1, { content = "x" .. i })
    end, { concurrency = 3, stop_on_error = true })
    assert.equal(3, #failures)
    for i = 1, 2 do
      local failure = failures[i]
      assert.same({ i, "cancelled", "unknown" }, { failure.index, failure.error.kind, failure.error.outcome })
    end
    local ok, lost = patchworks.run(function(tasks)
      tasks:spawn(function() return versions:create(1, { content = "z" }) end)
      tasks:spawn(function() patchworks.sleep(0.03) error "enough" end)
    end, { stop_on_error = true })
    assert.is_nil(ok)
    assert.equal(2, #lost)
  end)
end)

describe("a client that is closed in the middle of a release", function()
  it("ends it as cancelled, with what is known", function()
    local other = server:client()
    local done, err = other.script_versions:publish(1, {
      content = "def handle(data): return {}",
      on_event = function(event)
        if event.type == "step" and event.step == "deploy" then other:close() end
      end,
    })
    assert.is_nil(done)
    assert.same({ "cancelled", "unknown" }, { err.kind, err.outcome })
  end)
end)
