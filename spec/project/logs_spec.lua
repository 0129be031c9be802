-- A script's logs, whichever of its versions wrote them.
local logs = require "patchworks.project.logs"
local sandbox = require "patchworks.sandbox"

local server, client, place

local function deploy(word)
  local version = assert(client.script_versions:create(1, { content = "def handle(data): return data  # " .. word }))
  return assert(client.script_versions:deploy_and_wait(version.id, { interval = 0.02 })).id
end

local function messages(list)
  local all = {}
  for i, each in ipairs(list) do all[i] = ("%d %s"):format(each.version.id, each.entry.message) end
  return all
end

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client()
  place = { root = "/nowhere", name = "x", id = "1", origin = server.url, versions = client.script_versions }
end)
after_each(function()
  client:close()
  server:close()
end)

describe("project.logs", function()
  it("are followed until their time is up, also where nothing is live", function()
    for _ = 1, 2 do
      local began = os.time()
      assert.is_true(logs.follow(place, { timeout = 0.2 }, function() end))
      assert.is_true(os.time() - began < 15)
      deploy "one"
    end
  end)

  it("are the newest, oldest first, across versions", function()
    local first = deploy "one"
    for i = 1, 3 do server:log(first, "old " .. i) end
    server:advance(60)
    local second = deploy "two"
    server:log(second, "new 1")
    assert.same({ "1 old 1", "1 old 2", "1 old 3", "2 new 1" }, messages(assert(logs.read(place))))
    assert.same({ "1 old 3", "2 new 1" }, messages(assert(logs.read(place, { tail = 2 }))))
    assert.same({ "1 old 2" }, messages(assert(logs.read(place, { grep = "old 2" }))))
    assert.same({}, messages(assert(logs.read(place, { level = "error" }))))
    assert.same({}, assert(logs.read({ id = "2", versions = client.script_versions })))
  end)

  it("go on when another version takes over", function()
    local first = deploy "one"
    server:log(first, "before")
    local seen, second = {}, nil
    assert(logs.follow(place, { look_again = 0.3 }, function(each)
      seen[#seen + 1] = ("%d %s"):format(each.version.id, each.entry.message)
      if #seen == 1 then server:log(first, "still the first") end
      if #seen == 2 then
        second = deploy "two"
        server:log(second, "the second")
      end
      return #seen < 3
    end))
    assert.same({ "1 before", "1 still the first", "2 the second" }, seen)
  end)

  it("say what went wrong", function()
    server:fail { operation = "list", how = "status", status = 403, times = 9 }
    assert.equal("forbidden", select(2, logs.read(place)).kind)
    assert.equal("forbidden", select(2, logs.follow(place, {}, function() end)).kind)
  end)
end)
