-- Keys that are kept for a service, and go nowhere else.
local commands = require "spec.support.commands"
local sandbox = require "patchworks.sandbox"
local shell = require "spec.support.shell"
local terminal = require "spec.support.terminal"
local uv = require "luv"

local state = commands.setup(before_each, after_each)

-- Without a credential in the environment, with a configuration folder of the spec's own.
local function options(more)
  local given = { folder = state.folder, environment = "XDG_CONFIG_HOME=" .. state.folder .. "/config" }
  for name, value in pairs(more or {}) do given[name] = value end
  return given
end

local function run(words, more) return shell(state.server, words, options(more)) end

local function keys_file() return state.folder .. "/config/patchworks/keys.json" end

local function project()
  state.write("patchworks.project.lua", ([[return {
    scripts = { orders = { file = "orders.py" } },
    environments = { here = { base_url = %q, scripts = { orders = 1 } } },
  }]]):format(state.server.url))
end

describe("login", function()
  it("leaves a file that is not read where the environment has a credential", function()
    state.server:populate { script = 1, versions = 1 }
    project()
    state.write("config/patchworks/keys.json", "not JSON")
    assert(uv.fs_chmod(keys_file(), tonumber("600", 8)))
    local named = ("XDG_CONFIG_HOME=%s/config PATCHWORKS_BASE_URL=%s"):format(state.folder, state.server.url)
    for _, words in ipairs { "list orders", "list 1" } do
      local code, _, err = run(words, { environment = named .. " PATCHWORKS_API_KEY=" .. state.server.key })
      assert.equal(0, code, err)
      code, _, err = run(words, { environment = named })
      assert.equal(2, code)
      assert.truthy(err:find "is not what `patchworks login` writes", err)
    end
  end)

  it("keeps a key that the service accepts, for that origin alone, until logout", function()
    state.server:populate { script = 1, versions = 1 }
    project()
    local key = state.write("key", state.server.key .. "\n")
    assert.equal(2, (run "list orders"))
    local code, _, err = run("login --base-url " .. state.server.url, { input = key })
    assert.equal(0, code, err)
    assert.equal(tonumber("600", 8), uv.fs_stat(keys_file()).mode & 511)
    -- The file names the origin, and the owner did too.
    assert.equal(0, (run "list orders"))
    local other <close> = assert(sandbox.start())
    code, _, err = run("list 1 --base-url " .. other.url)
    assert.equal(2, code)
    assert.truthy(err:find "no credential for")
    assert.same({}, other:requests())
    -- The environment still wins.
    assert.equal(6, (run("list orders", { environment = ("XDG_CONFIG_HOME=%s/config PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=wrong"):format(state.folder, state.server.url) })))
    assert.equal(0, (run "logout here"))
    assert.is_nil((uv.fs_stat(keys_file())))
    assert.equal(2, (run "list orders"))
    assert.equal(0, (run "logout"))
  end)

  it("keeps no key that isn't accepted, and asks nobody for a service that only a file names", function()
    project()
    local wrong = state.write("key", "wrong-key\n")
    local code, _, err = run("login --base-url " .. state.server.url, { input = wrong })
    assert.equal(6, code)
    assert.is_nil(err:find "wrong%-key")
    assert.is_nil((uv.fs_stat(keys_file())))
    code, _, err = run("login", { input = wrong })
    assert.equal(2, code)
    assert.truthy(err:find "say so with %-%-base%-url", err)
    assert.equal(2, (run("login --base-url " .. state.server.url)))
  end)

  if not terminal.missing then
    it("shows who gets the key, and not the key, in a terminal", function()
      project()
      local command = "cd " .. state.folder .. " && " .. shell.command(nil, "login here", options())
      local answer = terminal.run(command, {
        { "wait", "API key for " .. state.server.url, 5 },
        { "wait", "patchworks.project.lua", 5 },
        { "type", state.server.key .. "x\127\r" },
        { "wait", "accepted by", 5 },
      })
      assert.equal(0, answer.code, answer.output)
      assert.is_nil(answer.output:find(state.server.key, 1, true))
      answer = terminal.run(command, { { "wait", "API key for", 5 }, { "type", "x\3" }, { "wait", "interrupted", 5 } })
      assert.equal(130, answer.code)
    end)
  end
end)
