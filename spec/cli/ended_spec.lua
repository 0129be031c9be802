-- Commands that are cut off, and servers that don't answer.
local commands = require "spec.support.commands"
local raw_peer = require "spec.support.raw_peer"
local sandbox = require "patchworks.sandbox"
local shell = require "spec.support.shell"
local wait_until = require "spec.support.wait_until"

local state = commands.setup(before_each, after_each)

-- Starts a command whose output comes together: gives its process id, and what ends it.
local function start(server, words)
  local command = ("cd %s && echo $$ && exec %s 2>&1"):format(state.folder, shell.command(server, words))
  local pipe = assert(io.popen(command))
  local pid = assert(pipe:read "n")
  pipe:read "l"
  return pid, function()
    local out = pipe:read "a"
    local _, _, code = pipe:close()
    return code or 0, out
  end
end

local function project(server)
  state.write("patchworks.project.lua", ([[return {
    scripts = { orders = { file = "orders.py" } },
    environments = { here = { base_url = %q, scripts = { orders = 1 } } },
  }]]):format(server.url))
  state.write("orders.py", commands.upper)
end

describe("a publish that is cut off", function()
  for name, code in pairs { TERM = 143, HUP = 129, INT = 130 } do
    it("by SIG" .. name .. " says what was under way, and the next command says it once", function()
      local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
      project(server)
      local pid, finish = start(server, "publish orders orders.py --timeout 20")
      assert.is_true(wait_until(function() return server:count "deploy" == 1 end))
      os.execute(("kill -%s %d"):format(name, pid))
      local ended, out = finish()
      assert.equal(code, ended, out)
      for _, words in ipairs { "made: v1", "may still come live: v1", "go on with: patchworks publish orders orders.py" } do
        assert.truthy(out:find(words, 1, true), out)
      end
      assert.is_nil(out:find "traceback", out)
      local _, _, err = shell(server, "list orders", { folder = state.folder })
      assert.truthy(err:find("may still come live: v1", 1, true), err)
      assert.truthy(err:find("go on with: patchworks publish orders orders.py", 1, true), err)
      _, _, err = shell(server, "list orders", { folder = state.folder })
      assert.equal("", err)
      server:advance(3600)
      ended, out = shell(server, "publish orders orders.py", { folder = state.folder })
      assert.equal(0, ended)
      assert.truthy(out:find "script version 1 ", out)
    end)
  end

  it("by SIGKILL is told of by the next command; one that still runs is not", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
    project(server)
    local pid, finish = start(server, "publish orders orders.py --timeout 20")
    assert.is_true(wait_until(function() return server:count "deploy" == 1 end))
    local _, _, err = shell(server, "list orders", { folder = state.folder })
    assert.equal("", err)
    os.execute("kill -KILL " .. pid)
    finish()
    _, _, err = shell(server, "list orders", { folder = state.folder })
    assert.truthy(err:find("may still come live: v1", 1, true), err)
  end)

  it("leaves nothing behind when it ends well, or is told to have failed", function()
    project(state.server)
    assert.equal(0, (state.inside "publish orders orders.py --interval 0.02"))
    state.write("orders.py", "def (")
    assert.equal(3, (state.inside "publish orders orders.py --interval 0.02"))
    local _, _, err = state.inside "list orders"
    assert.equal("", err)
  end)
end)

describe("a server that doesn't answer", function()
  it("is named after 2 seconds, and SIGTERM ends the wait", function()
    local peer <close> = raw_peer "silent"
    local pid, finish = start({ url = peer.url, key = "k" }, "list 1")
    local watch = os.time()
    os.execute(("sleep 3; kill -TERM %d"):format(pid))
    local code, out = finish()
    assert.equal(143, code, out)
    assert.truthy(out:find("waiting for " .. peer.url .. ": no answer for 2 s", 1, true), out)
    assert.is_true(os.time() - watch < 10)
  end)
end)
