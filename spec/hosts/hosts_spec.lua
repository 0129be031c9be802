-- Programs in C and C++ that embed patchworks: the examples, and what states.c does to a state.
local sandbox = require "patchworks.sandbox"
local uv = require "luv"

local build = os.getenv "PATCHWORKS_BUILD" or "build"
if os.getenv "PATCHWORKS_INSTRUMENTED" then return end -- scripts/check.d/73-hosts runs them with sanitizers of their own

describe("a host in C", function()
  local server
  local environment = { STRIDE = "97", CYCLES = "50" }

  -- Runs a program against the sandbox: its output, and the code it ended with.
  local function run(words)
    local pipe <close> = io.popen(("exec timeout 300 %s/hosts/%s 2>&1"):format(build, words))
    local output = pipe:read "a"
    return select(3, pipe:close()), output
  end

  setup(function()
    assert(os.execute(("make --silent --jobs=2 hosts embed BUILD=%s"):format(build)))
    server = assert(sandbox.start { deploy_seconds = 0 })
    local client <close> = server:client()
    assert.equal(1, assert(client.script_versions:create(1, { content = "x = 1" })).id)
    environment.PATCHWORKS_BASE_URL, environment.PATCHWORKS_API_KEY = server.url, server.key
    for name, value in pairs(environment) do uv.os_setenv(name, value) end
  end)

  teardown(function()
    for name in pairs(environment) do uv.os_unsetenv(name) end
    server:close()
  end)

  local pipe <close> = io.popen "sed -n 's/^      {\"\\(.*\\)\", .*/\\1/p' spec/hosts/states.c"
  for scenario in pipe:lines() do
    it("holds states: " .. scenario, function()
      local code, output = run("states " .. scenario)
      assert.equal(0, code, output)
    end)
  end

  it("lists a script's versions in under 30 lines", function()
    local code, output = run "small 1"
    assert.equal(0, code, output)
    assert.matches("script version 1 (script 1, v1, Draft)\n", output, 1, true)
    local lines = 0
    for _ in io.lines "examples/host/small.c" do lines = lines + 1 end
    assert.is_true(lines < 30)
  end)

  it("runs a state in each of its threads", function()
    local code, output = run "threads 1 400"
    assert.equal(0, code, output)
    assert.equal("4 threads, 400 right answers of 400\n", output)
  end)

  it("in C++ has its destructors run", function()
    local probe <close> = io.open(build .. "/hosts/destructors")
    if not probe then pending "there is no Lua that was built as C++" end
    local code, output = run "destructors 1"
    assert.equal(0, code, output)
    assert.matches("^0 held after all: ", output)
  end)

  describe("with a user's script", function()
    local function script(text, bounds)
      local path = os.tmpname()
      local file <close> = assert(io.open(path, "w"))
      file:write(text)
      file:flush()
      local code, output = run(("restricted %s %s"):format(path, bounds))
      os.remove(path)
      return code, output
    end

    it("runs every operation in a Lua of six libraries", function()
      local code, output = script([[
        local version = assert(versions:create(1, { content = "def handle(data): return {'n': 7}" }))
        assert(versions:get(version.id, { include = { "content", "script" } }).content)
        assert(versions:deploy_and_wait(version.id))
        assert(versions:invoke(version.id, { payload = { a = 1 } }))
        assert(versions:logs(version.id):all())
        assert(#versions:list(1):all() >= 2)
        local _, refused = versions:upload(version.id, { private = true })
        assert(refused.kind == "forbidden")
        assert(not pcall(versions.create, versions, 1, { file = "x.py" }))
        local published = assert(versions:publish(1, { content = "def handle(data): return {'n': 8}" }))
        assert(versions:rollback(1))
        assert(versions:delete(versions:create(1, { content = "x" }).id))
        print(published.action, io, os, debug, utf8, require)
      ]], 20)
      assert.equal(0, code, output)
      assert.equal("published\tnil\tnil\tnil\tnil\tnil\n", output)
    end)

    it("stops it in the middle of a call", function()
      server:latency(60)
      finally(function() server:latency(0) end)
      local code, output = script("spawn(function() versions:get(1) end) print 'before' versions:get(1) print 'after'", 0.5)
      assert.equal(3, code, output)
      assert.equal("before\n", output)
    end)

    it("bounds its memory and its instructions", function()
      local code, output = script("local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", "10 4000000")
      assert.equal(1, code, output)
      assert.equal("not enough memory\n", output)
      code, output = script("while true do pcall(function() while true do end end) end", "10 16000000 2000000")
      assert.equal(1, code, output)
      assert.equal("the script's instructions are spent\n", output)
    end)
  end)

  it("forks with a sandbox and a script that runs in it", function()
    local code, output = run "forked spec/hosts/forked.lua"
    assert.equal(0, code, output)
  end)

  it("takes all modules from one Lua file", function()
    local program = ([[
      package.path = ""
      local patchworks = dofile "%s/embed/patchworks.lua"
      local client <close> = patchworks.new { base_url = "%s", api_key = "%s" }
      assert(client.script_versions:get(1))
      assert(client.script_versions:list(1):all())
      local ok, problem = pcall(function() client.script_versions:get(-1) end)
      assert(not ok and problem:find "^%%(command line%%):6: ", problem)
      assert(require "patchworks.loop.host")
    ]]):format(build, server.url, server.key)
    assert.is_true(os.execute(("%s -e '%s'"):format("lua5.4", program)))
  end)

  it("has one version number in C and in Lua", function()
    local header <close> = assert(io.open "include/patchworks.h")
    assert.equal(require("patchworks")._VERSION:match "[%d.]+", header:read("a"):match 'PATCHWORKS_VERSION "([%d.]+)"')
  end)
end)
