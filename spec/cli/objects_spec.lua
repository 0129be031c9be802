-- What `--json` prints: lists are lists though nothing is in them, and what the service answered stands as it came.
local cjson = require "cjson"
local commands = require "spec.support.commands"

local state = commands.setup(before_each, after_each)
local inside, write, lines = state.inside, state.write, commands.lines

local function project(more)
  write("patchworks.project.lua", ([[return {
    scripts = { orders = { file = "orders.py"%s } },
    environments = { here = { base_url = %q, scripts = { orders = 1 } } },
  }]]):format(more or "", state.server.url))
  write("orders.py", commands.upper)
end

describe("an empty list in an object", function()
  it("is [] in a run's logs and in those of a failed test", function()
    project()
    write("orders.py", "def handle(data): return {'payload': 'x'}\n")
    local _, out = inside "run orders --json"
    assert.matches('"logs":[]', out, 1, true)
    local code
    code, out = inside "publish orders --interval 0.02 --expect y --json"
    assert.equal(4, code)
    assert.matches('"logs":[]', out, 1, true)
  end)

  it("is [] in what prune and publish have deleted", function()
    project()
    local code, out, err = inside "prune orders --keep 3 --yes --json"
    assert.equal(0, code, err)
    assert.matches('"versions":[]', out, 1, true)
    code, out, err = inside "publish orders --keep 3 --interval 0.02 --json"
    assert.equal(0, code, err)
    assert.matches('"pruned":[]', out, 1, true)
  end)

  it("is what the script answered, and so are null and each digit", function()
    write("x.py", "def handle(data): return {'payload': {'a': [], 'b': {}, 'c': None, 'd': 9007199254740993}}\n")
    assert.equal(0, (inside "publish 1 x.py --interval 0.02"))
    local code, out, err = inside "invoke 1 --json"
    assert.equal(0, code, err)
    assert.matches('"payload":{"a":[],"b":{},"c":null,"d":9007199254740993}', out, 1, true)
  end)
end)

describe("prune --json", function()
  local function pruned(words)
    local code, out, err = inside(words)
    assert.equal(0, code, err)
    assert.equal(1, #lines(out), out)
    return cjson.decode(out), err
  end

  it("names each version, why it went or stays, and where its source is", function()
    project()
    assert.equal(0, (inside "publish orders --interval 0.02"))
    for i = 1, 3 do assert.equal(0, (inside("create orders " .. write("x.py", "# " .. i)))) end
    local plan = pruned "prune orders --keep 1 --dry-run --json"
    assert.same({ 2, 2, 1 }, { plan.would_delete, plan.kept, plan.script })
    assert.same({ id = 3, version = 3, script = 1, action = "would delete", reason = "it was never live" }, plan.versions[2])
    local done = pruned "prune 1 --keep 1 --yes --json"
    assert.same({ 2, 2 }, { done.deleted, done.kept })
    assert.same({ { 4, "kept", "it is the newest" }, { 3, "deleted", "it was never live" }, { 2, "deleted", "it was never live" },
      { 1, "kept", "it is deployed" } }, (function()
      local list = {}
      for i, each in ipairs(done.versions) do list[i] = { each.id, each.action, each.reason } end
      return list
    end)())
    assert.matches("/.patchworks/pruned/orders-v3-3.py", done.versions[2].saved, 1, true)
    local file <close> = assert(io.open(done.versions[3].saved))
    assert.equal("# 1", file:read "a")
    assert.is_nil(done.versions[4].saved)
  end)

  it("names what was deleted when something fails", function()
    for i = 1, 3 do assert.equal(0, (inside("create 1 " .. write("x.py", "# " .. i)))) end
    state.server:fail { operation = "delete", how = "status", status = 403, times = 1 }
    local code, out = inside "prune 1 --keep 1 --yes --no-save --json"
    assert.equal(6, code)
    local told, err = cjson.decode(lines(out)[1]), cjson.decode(lines(out)[2])
    assert.same({ "pruned", 1, "error" }, { told.type, told.deleted, err.type })
    local actions = {}
    for i, each in ipairs(told.versions) do actions[i] = each.action end
    table.sort(actions)
    assert.same({ "deleted", "failed", "kept" }, actions)
  end)
end)

describe("a prune that never looked", function()
  it("says the error alone, and counts nothing", function()
    for environment, expected in pairs {
      ["PATCHWORKS_BASE_URL=http://127.0.0.1:1 PATCHWORKS_API_KEY=k"] = 1,
      [("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=wrong"):format(state.server.url)] = 6,
    } do
      local code, out, err = inside("prune 1 --keep 3 --yes", { environment = environment })
      assert.same({ expected, "" }, { code, out }, err)
      assert.is_nil(err:find "deleted", err)
    end
  end)
end)

describe("a number of things", function()
  it("is one thing where it is one", function()
    project(', cases = "cases/orders", smoke = { "first" }')
    write("cases/orders/first/payload.txt", "x")
    local _, out = inside "plan"
    assert.matches("1 to publish, 0 unchanged, 1 test\n$", out)
    local code, _, err = inside "apply"
    assert.same({ 2, "Publish this script?" }, { code, err:match "Publish th[%a ]+%?" })
    assert.equal(0, (inside "create orders orders.py"))
    assert.equal(0, (inside "create orders orders.py"))
    code, _, err = inside "prune orders --keep 1"
    assert.same({ 2, "Delete this version?" }, { code, err:match "Delete th[%a ]+%?" })
    _, out = inside "doctor"
    assert.matches("patchworks.project.lua: 1 script, environments", out)
    _, _, err = inside("create orders --dry-run " .. write("one.py", "x"))
    assert.matches("with 1 byte\n", err)
  end)
end)
