-- A call that was begun, and who holds it: waited for, ended, dropped, cut off before its owner was told, and what its
-- listener raises.
local endpoints = require "patchworks.call.endpoints"
local patchworks = require "patchworks"
local scripted = require "spec.support.scripted"

local service, client, versions
scripted.setup(before_each, after_each, { max_attempts = 1 }, function(...) service, client, versions = ... end)

local version = { body = '{"data":{"id":7}}' }

local function begin() return client:_begin(client:_prepare(endpoints.get, 7), "version") end

describe("a pending call", function()
  it("is done when its answer is there, and gives it", function()
    service:will(version)
    local pending = begin()
    assert.is_false(pending:done())
    patchworks.sleep(1)
    assert.is_true(pending:done())
    assert.equal(7, pending:wait().id)
    assert.is_true(pending:done())
    pending:cancel()
  end)

  it("can be ended, with a reason, and is left alone after its end", function()
    service:will({ never = true }, { never = true }, version)
    local one, other, done = begin(), begin(), begin()
    patchworks.sleep(1)
    one:cancel "not needed any more"
    other:cancel()
    done:cancel "too late"
    assert.equal(0, client:stats().active)
    for _, case in ipairs { { one, "not needed any more" }, { other, "the call was cancelled" } } do
      local value, err = case[1]:wait()
      assert.is_nil(value)
      assert.same({ "cancelled", case[2], "none" }, { err.kind, err.message, err.outcome })
    end
    assert.equal(7, done:wait().id)
  end)

  it("that nobody holds any more is ended, and no other", function()
    service:will({ never = true }, { never = true })
    local held = begin()
    coroutine.wrap(function()
      local dropped = begin()
      coroutine.yield(dropped)
    end)()
    collectgarbage()
    collectgarbage()
    assert.equal(1, client:stats().active)
    assert.is_false(held:done())
  end)

  it("of a task that is cut off before it was told of the answer may have done something", function()
    for _, case in ipairs {
      { "create", { status = 201, body = version.body }, "unknown" }, { "create", { status = 422 }, "none" },
      { "create", { status = 500 }, "unknown" }, { "get", version, "none" },
    } do
      local err
      service:will(version, case[2])
      patchworks.run(function(tasks)
        local second
        tasks:spawn(function()
          versions:get(1)
          tasks:cancel(second)
        end)
        second = tasks:spawn(function() return versions[case[1]](versions, 1, case[1] == "create" and { content = "x" } or nil) end)
        err = select(2, second:join())
      end)
      assert.same({ "cancelled", case[3] }, { err.kind, err.outcome })
    end
  end)

  it("raises what its listener raised, with what it came to", function()
    local function on_event() error("mine", 0) end
    service:will(version, { status = 403 })
    local ok, err = pcall(versions.get, versions, 7, { on_event = on_event })
    assert.same({ false, "listener", "mine", 7, "get" }, { ok, err.kind, err.cause, err.result.id, err.operation })
    ok, err = pcall(versions.get, versions, 7, { on_event = on_event })
    assert.same({ false, "listener", "forbidden" }, { ok, err.kind, err.problem.kind })
  end)
end)
