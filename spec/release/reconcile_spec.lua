-- create with reconcile = true: what was made is found again, by number and content.
local cjson = require "cjson"
local clock_of = require "spec.support.clock"
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

local server, client, versions

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client()
  -- Waiting for a service that may still be at it is what the real clock is for; not here.
  client._clock = setmetatable({ sleep = function() end }, { __index = client._clock })
  versions = client.script_versions
end)
after_each(function()
  client:close()
  server:close()
end)

local function create(content) return versions:create(1, { content = content, reconcile = true }) end
local function total() return versions:list(1):count() end

describe("a reconciled create", function()
  it("costs one request more when all goes well", function()
    local version, response = create "x"
    assert.equal(1, version.version)
    assert.equal(201, response.status)
    assert.equal(2, server:count())
  end)

  it("adopts what a lost answer made", function()
    server:populate { script = 1, versions = 3, content = "x" }
    for _, how in ipairs { "drop_after", "truncate", "garbage" } do
      server:fail { operation = "create", how = how }
      server:forget_requests()
      local before = total()
      local version = assert(create "x")
      assert.equal(before + 1, version.version)
      assert.equal(before + 1, total())
      assert.equal(1, server:count "create")
      assert.is_nil(version.content)
      assert.equal("Draft", version.status)
      assert.equal(version.id, version:refresh().id)
    end
  end)

  it("creates again when there is none", function()
    for _, how in ipairs { "drop_before", "status" } do
      server:fail { operation = "create", how = how, times = 2 }
      server:forget_requests()
      local before = total()
      assert.equal(before + 1, assert(create(how)).version)
      assert.equal(3, server:count "create")
      assert.equal(before + 1, total())
    end
  end)

  it("takes no older version with the same content, and no newer one with another", function()
    server:populate { script = 1, versions = 1, content = "same" }
    server:fail { operation = "create", how = "drop_before" }
    local version = create "same"
    assert.same({ 2, 2 }, { version.version, total() })
  end)

  it("looks through as many pages as are new", function()
    -- Between the look and the create, somebody makes 250 others: the raw client below is that somebody.
    server:fail { operation = "create", how = "drop_after" }
    local events = 0
    local version = assert(versions:create(1, { content = "mine", reconcile = true, on_event = function(event)
      if event.operation == "create" and event.type == "attempt" then
        events = events + 1
        server:populate { script = 1, versions = 250, content = "theirs" }
      end
    end }))
    assert.equal(1, events)
    assert.equal(1, version.version)
    assert.equal(251, total())
    assert.equal(1, server:count "create")
  end)

  it("works where the service lists in rising order", function()
    local page = function(items, number, last)
      return cjson.encode { data = items, meta = { current_page = number, last_page = last } }
    end
    local function item(number, content) return { id = number, version = number, content = { content = content } } end
    server:fail { operation = "list", how = "status", status = 200, body = page({ item(1, "a"), item(2, "b") }, 1, 2) }
    server:fail { operation = "list", how = "status", status = 200, body = page({ item(3, "c") }, 2, 2) }
    server:fail { operation = "create", how = "drop_before" }
    server:fail { operation = "list", how = "status", status = 200, body = page({ item(1, "a"), item(2, "b"), item(3, "c"), item(4, "mine") }, 1, 1) }
    assert.equal(4, assert(create "mine").id)
  end)

  it("gives two calls with the same content two versions", function()
    server:fail { operation = "create", how = "drop_after", times = 2 }
    local results = patchworks.map({ 1, 2 }, function() return create "twins" end)
    assert.is_not_equal(results[1].id, results[2].id)
    assert.equal(2, total())
  end)

  it("says that the look failed too, and that the outcome is unknown", function()
    server:fail { operation = "create", how = "drop_after" }
    server:fail { operation = "list", how = "status", status = 403, every = 2 }
    local _, err = create "x"
    assert.same({ "network", "unknown" }, { err.kind, err.outcome })
    assert.truthy(err.hint:find "forbidden")
  end)

  it("keeps to its time, looks and their pauses included", function()
    local clock <close>, makes = clock_of(), 0
    client._clock = clock_of.state
    server:fail { operation = "create", how = "drop_before", times = math.huge }
    local _, err = versions:create(1, { content = "x", reconcile = true, timeout = 0.5 })
    for _, request in ipairs(server:requests()) do makes = makes + (request.method == "POST" and 1 or 0) end
    assert.same({ "network", "unknown" }, { err.kind, err.outcome })
    assert.is_true(clock.total() <= 0.5)
    -- Not all looks were taken: another create might be one too many.
    assert.equal(1, makes)
  end)

  it("stays unknown when a later create was refused", function()
    server:fail { operation = "create", how = "drop_before" }
    server:fail { operation = "create", how = "status", status = 422 }
    local _, err = create "x"
    assert.same({ "invalid", "unknown", 2 }, { err.kind, err.outcome, server:count "create" })
  end)

  it("makes nothing when it can't look first", function()
    server:fail { operation = "list", how = "status", status = 403 }
    local _, err = create "x"
    assert.same({ "forbidden", "none" }, { err.kind, err.outcome })
    assert.equal(0, server:count "create")
  end)

  it("gives a refusal as it is", function()
    server:fail { operation = "create", how = "status", status = 422, body = '{"message":"no"}' }
    local _, err = create "x"
    assert.same({ "invalid", "none", 1 }, { err.kind, err.outcome, server:count "create" })
  end)

  it("makes exactly as many versions as asked for, with a tenth of the answers dropped", function()
    -- All 10,000 in ./scripts/check; see scripts/check.d/72-creates.
    local count = tonumber(os.getenv "PATCHWORKS_CREATES") or 500
    server:fail { operation = "create", how = "drop_after", every = 10, times = math.huge }
    local items = {}
    for i = 1, count do items[i] = "version " .. i end
    local made, failures = patchworks.map(items, create, { concurrency = 8 })
    assert.is_nil(failures)
    local ids = {}
    for i = 1, count do ids[made[i].id] = true end
    local distinct = 0
    for _ in pairs(ids) do distinct = distinct + 1 end
    assert.same({ count, count, count }, { #made, distinct, total() })
    assert.equal(count, server:count "create")
  end)
end)
