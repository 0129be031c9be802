-- The examples run as they stand, against the sandbox.
local lua = require "spec.support.lua"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local shell = require "spec.support.shell"

local server, client, versions
before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client()
  versions = client.script_versions
end)
after_each(function()
  client:close()
  server:close()
end)

local function start(words)
  local command = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s exec timeout 60 %s examples/%s 2>&1"):format(server.url, server.key, lua, words)
  return io.popen(command)
end

-- What it says, and the code that it ends with.
local function ended(pipe)
  local said = pipe:read "a"
  local ok, _, code = pipe:close()
  return said, ok and 0 or code
end

local function run(words) return ended(start(words)) end

local function deployed(source)
  local version = assert(versions:create(1, { content = source }))
  assert(version:deploy())
  return assert(version:wait { interval = 0.02 })
end

describe("examples/", function()
  local expected = '{"order":"1001","region":"eu","country":"GB","currency":"EUR","lines":[{"sku":"TEA-250","quantity":2,"unit":1250,"total":2500},'
    .. '{"sku":"POT-1","quantity":1,"unit":2999,"total":2999},{"sku":"CUP-4","quantity":4,"unit":125,"total":500}],"total":5999}'

  for script, extension in ipairs { "py", "js", "php", "rb" } do
    it("deploy.lua transforms the order with orders." .. extension, function()
      local said, code = run(("deploy.lua %d examples/scripts/orders.%s examples/scripts/order.json"):format(script, extension))
      assert.equal(0, code, said)
      assert.truthy(said:find(expected, 1, true), said)
      assert.truthy(said:find("order 1001: 3 lines, 5999 cents", 1, true))
      assert.equal(0, versions:list(script):count())
    end)
  end

  it("deploy.lua fails with the service's words", function()
    local said, code = run "deploy.lua 99 examples/scripts/orders.py examples/scripts/order.json"
    assert.equal(1, code)
    assert.truthy(said:find "not_found")
    assert.equal(2, select(2, run "deploy.lua"))
  end)

  it("list.lua lists", function()
    server:populate { script = 1, versions = 3 }
    assert.equal(3, select(2, (run "list.lua 1"):gsub("script version", "")))
    assert.equal("", (run "list.lua 1 deployed"))
  end)

  it("the loops' go on meanwhile", function()
    local version = deployed "import time\ndef handle(data):\n    time.sleep(0.05)\n    return {}"
    for _, name in ipairs { "luv", "cqueues" } do
      local said, code = run(("loop_%s.lua %d 4"):format(name, version.id))
      assert.equal(0, code, said)
      local ticks, late = said:match "4 of 4 calls done; meanwhile (%d+) ticks, the latest ([%d.]+) ms late"
      assert.is_true(tonumber(ticks) > 5 and tonumber(late) < 250, said)
    end
  end)

  it("nightly_prune.lua prunes", function()
    server:populate { script = 1, versions = 5 }
    assert.equal("script 1: deleted 3, kept 2\n", (run "nightly_prune.lua 2 1"))
    assert.equal(1, select(2, run "nightly_prune.lua 2 1 99"))
  end)

  it("follow.lua fails on a pattern", function()
    local version = deployed "def handle(data): return {'logs': ['FATAL: no stock']}"
    assert.equal(0, select(2, run(("follow.lua %d 0.5 FATAL"):format(version.id))))
    server:forget_requests()
    local following = start(("follow.lua %d 10 FATAL"):format(version.id))
    assert.is_true(server:wait_for_requests { count = 2 }) -- it knows by then what was there before
    assert(version:invoke())
    local said, code = ended(following)
    assert.equal(1, code, said)
  end)

  -- As the workflow beside it does, but for the service: the project's own environment, by the owner's word.
  it("release/ is a project that is tested, planned and applied", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("cp -r examples/release %s && mkdir %s/.git"):format(folder, folder)))
    local path = folder .. "/patchworks.project.lua"
    local file = assert(io.open(path))
    local text = file:read "a"
    file:close()
    file = assert(io.open(path, "w"))
    file:write((text:gsub("http://127.0.0.1:8787", server.url)))
    file:close()
    local function inside(words)
      local code, out, err = shell(server, words, { folder = folder })
      assert.equal(0, code, words .. ": " .. out .. err)
      return out .. err
    end
    assert.matches("3 cases, all good", inside "test")
    assert.matches("2 to publish, 0 unchanged, 2 tests", inside "plan --env staging")
    assert.matches("2 published, 0 unchanged, 0 failed", inside "apply --env staging --yes --interval 0.02")
    assert.matches("0 to publish, 2 unchanged", inside "plan --env staging")
    scratch.remove(folder)
  end)
end)
