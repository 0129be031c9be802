-- What goes wrong, in words: kinds, advice, and the line that misuse is told at.
local errors = require "patchworks.errors"
local listeners = require "patchworks.call.listener"

describe("an error", function()
  it("has the kind of its status", function()
    for status, kind in pairs {
      [401] = "unauthenticated", [403] = "forbidden", [404] = "not_found", [409] = "conflict", [413] = "too_large", [422] = "invalid",
      [429] = "rate_limited", [500] = "server", [503] = "server", [599] = "server", [600] = "http", [499] = "http", [400] = "http",
      [418] = "http",
    } do
      assert.equal(kind, errors.kind_of_status(status))
    end
  end)

  it("is one line that says what, to what, and what to do", function()
    assert.equal("get: not_found (404): nothing here (look)", tostring(errors.new {
      operation = "get", kind = "not_found", status = 404, message = "nothing\n  here", hint = "look" }))
    assert.equal("cancelled: it was cut", tostring(errors.new { kind = "cancelled", message = "it was cut" }))
    assert.equal("network: lost [it may have been done] (look whether it was done before doing it again)",
      tostring(errors.new { kind = "network", message = "lost", outcome = "unknown" }))
    for _, fields in ipairs { { overtaken = true }, { stage = "test" } } do
      fields.kind, fields.message, fields.outcome, fields.hint = "test_failed", "no", "unknown", "x"
      assert.equal("test_failed: no [it was deployed] (x)", tostring(errors.new(fields)))
    end
    assert.equal("test_failed: no [it may have been done] (x)",
      tostring(errors.new { kind = "test_failed", message = "no", outcome = "unknown", hint = "x", stage = "deploy" }))
  end)

  it("advises what its kind does, unless somebody knows more", function()
    for kind, hint in pairs {
      conflict = "look at what is there now, then decide again", invalid = "mend what the message names",
      deployment_failed = "mend the script, and publish again", not_found = "check the id: a version's id is not its number",
      too_large = "send less than 8 MB", rate_limited = "set `rate_limit`, or raise `timeout`",
      server = "the service's own failure: try again later", network = "check `base_url`, the network and `proxy`",
      tls = "check `base_url` and this machine's clock; an authority of your own goes into `ca_file`",
      timeout = "raise `timeout` or `attempt_timeout`", protocol = "is `base_url` the service itself?",
    } do
      assert.equal(hint, errors.new({ kind = kind, message = "x" }).hint)
      assert.equal("mine", errors.new({ kind = kind, message = "x", hint = "mine" }).hint)
      assert.equal("look whether it was done before doing it again", errors.new({ kind = kind, message = "x", outcome = "unknown" }).hint)
    end
    assert.is_nil(errors.new({ kind = "cancelled", message = "x" }).hint)
    for _, operation in ipairs { "list", "create" } do
      local err = errors.new { kind = "not_found", operation = operation, message = "x" }
      assert.equal("there is no such script here: check its id, and which service is asked", err.hint)
      assert.equal("mine", errors.new({ kind = "not_found", operation = operation, message = "x", hint = "mine" }).hint)
      assert.equal("mend what the message names", errors.new({ kind = "invalid", operation = operation, message = "x" }).hint)
    end
  end)

  it("did nothing unless somebody says otherwise, and is known as one", function()
    local fields = { kind = "server", message = "x" }
    local err = errors.new(fields)
    assert.equal(fields, err)
    assert.same({ "none", true }, { err.outcome, errors.is_error(err) })
    assert.equal("unknown", errors.new({ kind = "server", message = "x", outcome = "unknown" }).outcome)
    for _, value in ipairs { "x", 7, {}, true } do assert.is_false(errors.is_error(value)) end
    assert.is_false(errors.is_error(nil))
  end)
end)

describe("misuse", function()
  after_each(function() errors.raising = nil end)

  it("is raised at the caller's line, with what was given filled in", function()
    local line = debug.getinfo(1, "l").currentline + 2
    local function asks()
      errors.misuse("%s: expected %d", "x", 7)
    end
    local _, problem = pcall(asks)
    assert.matches("errors_spec.lua:" .. line .. ": x: expected 7$", problem)
    _, problem = pcall(function() errors.misuse "100 %" end)
    assert.matches("errors_spec.lua:%d+: 100 %%$", problem)
  end)

  it("is told from other errors by what was caught, without the place", function()
    assert.is_nil(errors.misused "x")
    local _, problem = pcall(function() errors.misuse "x: expected y" end)
    assert.equal("x: expected y", errors.misused(problem))
    assert.is_nil(errors.misused "x: expected")
    assert.is_nil(errors.misused {})
    assert.is_nil(errors.misused(nil))
    errors.raising = function(message) return { message } end
    _, problem = pcall(function() errors.misuse "z" end)
    assert.equal("z", errors.misused(problem))
    assert.is_nil(errors.misused { "z" })
  end)

  it("is raised as a prompt wants it", function()
    errors.raising = function(message) return { message } end
    local _, problem = pcall(function() errors.misuse("%s!", "x") end)
    assert.same({ "x!" }, problem)
  end)
end)

describe("a listener", function()
  local function raise(value) return function() error(value, 0) end end

  it("is called until it raises, which loses nothing: what came is raised with it", function()
    local heard = {}
    local listener = listeners.new(function(event)
      heard[#heard + 1] = event
      if event == 2 then error("mine", 0) end
    end)
    for i = 1, 3 do listener(i) end
    assert.same({ 1, 2 }, heard)
    local _, err = pcall(listeners.settle, listener, "get", "the value", "the response")
    assert.same({ "listener", "get", "`on_event` raised: mine", "mine", "the value", "the response", "none" },
      { err.kind, err.operation, err.message, err.cause, err.result, err.response, err.outcome })
    assert.is_nil(err.problem)
    assert.is_true(errors.is_error(err))
  end)

  it("is raised with the error that the call had as well, and its outcome", function()
    local listener = listeners.new(raise "mine")
    listener {}
    local problem = errors.new { kind = "server", message = "x", outcome = "unknown" }
    local _, err = pcall(listeners.settle, listener, "create", nil, problem)
    assert.same({ problem, "unknown" }, { err.problem, err.outcome })
    assert.same({}, { err.result, err.response })
    _, err = pcall(listeners.settle, listener, "first", nil, "the response")
    assert.same({ "the response", "none" }, { err.response, err.outcome })
    assert.is_nil(err.problem)
  end)

  it("that raises nothing changes nothing", function()
    local listener = listeners.new(function() end)
    listener {}
    assert.same({ 1, 2, 3 }, { listeners.settle(listener, "get", 1, 2, 3) })
    assert.same({ 1, 2, 3 }, { listeners.settle(nil, "get", 1, 2, 3) })
  end)

  it("is not what a prompt's Ctrl-C raises: that ends all at once", function()
    local ok, problem = pcall(listeners.new(raise "x.lua:1: interrupted!"), {})
    assert.same({ false, "x.lua:1: interrupted!" }, { ok, problem })
    assert.is_true(pcall(listeners.new(raise "interrupted! by hand"), {}))
    assert.is_true(pcall(listeners.new(raise { "interrupted!" }), {}))
  end)

  it("is the call's, or the client's, or none", function()
    local client, heard = { _settings = {} }, {}
    assert.is_nil(listeners.of(client, nil))
    assert.is_nil(listeners.of(client, {}))
    listeners.of(client, { on_event = function() heard[#heard + 1] = "call" end }) {}
    client._settings.on_event = function() heard[#heard + 1] = "client" end
    listeners.of(client, nil) {}
    listeners.of(client, {}) {}
    assert.same({ "call", "client", "client" }, heard)
  end)
end)
