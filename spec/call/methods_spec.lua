-- Methods as data: what a caller gives is checked against the method's table, and nothing is sent.
local endpoints = require "patchworks.call.endpoints"
local methods = require "patchworks.call.methods"
local patchworks = require "patchworks"

describe("methods as data", function()
  local client = patchworks.new { base_url = "http://127.0.0.1:1", api_key = "k" }
  local versions = client.script_versions
  teardown(function() client:close() end)

  local function refused(pattern, fn, ...)
    local ok, problem = pcall(fn, ...)
    assert.is_false(ok)
    assert.matches("methods_spec.lua:%d+: ", problem)
    assert.matches(pattern, problem, 1, true)
  end

  it("checks the kind of each option, whatever it is an option of", function()
    local wrong = {
      string = { 7, "a string, got 7" },
      boolean = { "yes", 'a boolean, got "yes"' },
      table = { "x", 'a table, got "x"' },
      ["function"] = { 1, "a function, got 1" },
      seconds = { 0, "a positive number of seconds, got 0" },
      integer = { 1.5, "an integer" },
      text = { 7, "a string or a table, got 7" },
    }
    for _, endpoint in pairs(endpoints) do
      for _, option in ipairs(endpoint.options) do
        local case = wrong[option[2]]
        if case then
          refused(endpoint.name .. ": " .. option[1] .. ": expected " .. case[2], function()
            versions[endpoint.name](versions, 1, { [option[1]] = case[1] })
          end)
        end
      end
    end
  end)

  it("checks what is inside a table of options, and what it inherits", function()
    refused("list: filter: unknown option `is_deploid`; did you mean `is_deployed`?", function()
      versions:list(1, { filter = { is_deploid = true } })
    end)
    refused("get: timeout: expected a positive number", function()
      versions:get(1, setmetatable({}, { __index = { timeout = "long" } }))
    end)
    for name in pairs(endpoints) do
      refused(name .. ": expected a table of options, got 7", function() versions[name](versions, 1, 7) end)
    end
  end)

  it("says which option is missing", function()
    local method = methods.method { name = "keep_some", options = { { "keep", "integer", "how many stay", required = true } } }
    refused("keep_some: expected `keep`: how many stay", function() patchworks.map({ 1 }, nil, methods.check(method)) end)
    refused("keep_some: expected `keep`: how many stay", function() patchworks.map({ 1 }, nil, methods.check(method, {})) end)
    assert.has_no.errors(function() methods.check(method, { keep = 3 }) end)
  end)

  it("takes one of the values of a choice, and no other", function()
    local method = methods.method { name = "fetch", options = { { "how", "choice", "in what way", values = { "a", "b" } } } }
    for _, good in ipairs { "a", "b" } do assert.has_no.errors(function() methods.check(method, { how = good }) end) end
    for _, bad in ipairs { "c", 1, true } do
      refused('fetch: how: expected "a" or "b", got ', function() patchworks.map({ 1 }, nil, methods.check(method, { how = bad })) end)
    end
    assert.equal('"a"|"b"', methods.type(method.known.how))
  end)

  it("knows no kinds but its own", function()
    assert.has_error(function() methods.method { name = "fetch", options = { { "how", "strin", "in what way" } } } end, "strin")
    assert.equal("anything", methods.expected { "x", "any", "" })
  end)

  it("guards functions alone, and knows each by its name", function()
    local function show() end
    local class = { go = function() return "gone" end, size = 7, __tostring = show }
    methods.guard(class, "thing")
    assert.same({ 7, show }, { class.size, class.__tostring })
    assert.equal("gone", class.go(setmetatable({}, class)))
    assert.same({ of = "thing", name = "go" }, methods.names[class.go])
  end)

  it("gives ranges and choices in words", function()
    local limit = endpoints.list.known
    assert.equal("an integer from 1 to 100", methods.expected(limit.per_page))
    assert.equal("an integer of at least 1", methods.expected(limit.limit))
    assert.equal("an integer from 0 to 100", methods.expected(limit.read_ahead))
    assert.equal('"a" or "b"', methods.expected { "x", "choice", "", values = { "a", "b" } })
  end)

  it("tells who calls with a dot what to write", function()
    local version = setmetatable({ id = 7 }, versions._version_class)
    refused("get: called with a dot: write versions:get(..), with a colon", function() versions.get(1) end)
    refused("publish: called with a dot: write versions:publish(..)", function() versions.publish(1, { content = "x" }) end)
    refused("list: called with a dot", function() versions.list { limit = 1 } end)
    refused("deploy: called with a dot: write version:deploy(..)", function() version.deploy() end)
    refused("wait: called with a dot", function() version.wait { timeout = 1 } end)
    refused("request: called with a dot: write client:request(..)", function() client.request("GET", "/scripts") end)
    refused("stats: called with a dot", function() client.stats() end)
  end)

  it("lets an object that stands in for another use its methods", function()
    local proxy = setmetatable({}, { __index = client })
    assert.equal(0, proxy:stats().calls)
    assert.is_table((setmetatable({}, { __index = versions }):list(1)))
  end)
end)
