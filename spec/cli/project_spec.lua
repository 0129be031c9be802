-- Scripts by name and environments, from the project's file; and where that is looked for.
local commands = require "spec.support.commands"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local uv = require "luv"

local state = commands.setup(before_each, after_each)
local inside, write, lines = state.inside, state.write, commands.lines

local function project(text)
  return write("patchworks.project.lua", (text:gsub("URL", state.server.url)))
end

local two = [[return {
  scripts = { orders = { file = "scripts/orders.py" }, stock = { file = "scripts/stock.js" } },
  environments = {
    production = { base_url = "URL", scripts = { orders = 1, stock = 2 } },
    staging = { base_url = "https://staging.example.com", scripts = { orders = 7 } },
  },
  environment = "staging",
}]]

local function only_key(more)
  return { environment = ("PATCHWORKS_API_KEY=%s %s"):format(state.server.key, more or "") }
end

describe("a project's file", function()
  it("names scripts; the environment is the one at PATCHWORKS_BASE_URL", function()
    state.server:populate { script = 2, versions = 1 }
    project(two)
    local code, out, err = inside "list stock"
    assert.same({ 0, 1 }, { code, #lines(out) }, err)
    local _
    code, _, err = inside "list stcok"
    assert.equal(2, code)
    assert.truthy(err:find "did you mean stock")
    os.execute("mkdir -p " .. state.folder .. "/.git " .. state.folder .. "/scripts/deep")
    assert.equal(0, (inside("list stock", { folder = state.folder .. "/scripts/deep" })))
  end)

  it("gives no credential to an origin that it alone names, by any of its keys", function()
    project(two)
    for _, words in ipairs { "list orders --env production", "list 1 --env production", "whoami --env production", "list 1" } do
      local code, _, err = inside(words, only_key())
      assert.equal(2, code, words)
      assert.truthy(err:find("set PATCHWORKS_BASE_URL=", 1, true), err)
    end
    write(".patchworks.lua", ("return { base_url = %q }"):format(state.server.url))
    os.remove(state.folder .. "/patchworks.project.lua")
    assert.equal(2, (inside("list 1", only_key())))
    write(".patchworks.lua", ("return { login_url = %q }"):format(state.server.url .. "/fabric/api/login"))
    local code, _, err = inside("list 1", { environment = "PATCHWORKS_USERNAME=u PATCHWORKS_PASSWORD=p" })
    assert.equal(2, code)
    assert.truthy(err:find "login_url")
    assert.same({}, state.server:requests())
    assert.equal(0, (inside("list 1 --base-url " .. state.server.url, only_key())))
  end)

  it("is overruled: --env, then PATCHWORKS_ENV, then PATCHWORKS_BASE_URL, then its own choice", function()
    project(two)
    assert.equal(0, (inside "list orders --env production"))
    local url = "PATCHWORKS_BASE_URL=" .. state.server.url
    assert.equal(0, (inside("list orders", only_key(url .. " PATCHWORKS_ENV=production"))))
    for _, word in ipairs { "--env staging", "--env sandbox", "--env producton" } do
      local code, _, err = inside("list orders " .. word)
      assert.equal(2, code, word)
      assert.truthy(err:find "PATCHWORKS_BASE_URL is" or err:find "did you mean production", err)
    end
    assert.equal(2, (inside("list orders", only_key(url .. " PATCHWORKS_ENV=staging"))))
  end)

  it("is not read where it belongs to somebody else, nor above the repository or the home folder", function()
    local path = project(two)
    if uv.getuid() == 0 then
      assert(uv.fs_chown(path, 12345, 12345))
      local code, _, err = inside "list orders"
      assert.equal(2, code)
      assert.truthy(err:find "belongs to another user")
      assert(uv.fs_chown(path, 0, 0))
    end
    os.execute(("mkdir -p %s/a/.git %s/b/c"):format(state.folder, state.folder))
    for folder, expected in pairs { ["/a"] = 2, ["/b/c"] = 2, [""] = 0 } do
      assert.equal(expected, (inside("list orders", { folder = state.folder .. folder })), folder)
    end
    local home = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s HOME=%s"):format(state.server.url, state.server.key, state.folder .. "/b")
    assert.equal(2, (inside("list orders", { folder = state.folder .. "/b/c", environment = home })))
    assert.equal(0, (inside("list orders", { folder = state.folder .. "/b/c", environment = home:gsub("/b$", "") })))
  end)

  it("is found by the real working directory, whatever PWD says", function()
    project(two)
    scratch.make(state.folder .. "/elsewhere")
    local environment = ("PWD=%s PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=k"):format(state.folder, state.server.url)
    assert.equal(2, (inside("list orders", { folder = state.folder .. "/elsewhere", environment = environment })))
  end)

  it("that doesn't end, needs much memory, or reaches for libraries, is a clear error within a second", function()
    for text, words in pairs {
      ["while true do end"] = "does not end",
      ["return ('x'):rep(1 << 33)"] = "string",
      ["local s = 'x' while true do s = s .. s end"] = "memory",
      ["return { x = os.getenv 'HOME' }"] = "`os` is not there",
      ["return {"] = "unexpected symbol",
      ["return 7"] = "expected a table",
      [""] = "empty",
      ["return { environments = { p = { api_key = 'abc' } } }"] = "credential",
      ["return { environment = 'staging' }"] = "none called `staging`",
      ["return { scripts = { orders = { fiel = 'x' } } }"] = "did you mean `file`",
      ["return { scripts = { orders = { file = '../x' } } }"] = "below the project",
      ["return { scripts = { orders = { file = '/etc/passwd' } } }"] = "below the project",
      ["return { scripts = { ['12'] = { file = 'x' } } }"] = "is no name",
      ["return { environments = { p = { scripts = { orders = 1 } } } }"] = "there is no script `orders`",
      ["return { scripts = { a = { file = 'a' }, b = { file = 'b' } }, environments = { p = { scripts = { a = 1, b = 1 } } } }"] = "the same id",
    } do
      for _, name in ipairs { "patchworks.project.lua", not text:find "environment" and not text:find "scripts" and ".patchworks.lua" or nil } do
        write(name, text)
        local began = uv.hrtime()
        local code, out, err = inside "list 1"
        assert.same({ 2, "" }, { code, out }, text)
        assert.truthy(err:find(words, 1, true), text .. "\n" .. err)
        assert.truthy(err:find(name, 1, true), err)
        assert.is_nil(err:find "traceback" or err:find "/lua/patchworks/", err)
        assert.is_true(uv.hrtime() - began < 5e9)
        os.remove(state.folder .. "/" .. name)
      end
    end
  end)

  it("of old is read, with a word of what to do", function()
    state.server:populate { script = 2, versions = 1 }
    write(".patchworks.lua", ("return { base_url = %q, scripts = { orders = 2 } }"):format(state.server.url))
    local code, out, err = inside "list orders"
    assert.same({ 0, 1 }, { code, #lines(out) })
    assert.truthy(err:find "move it to patchworks.project.lua", err)
    write(".patchworks.lua", "return { bas_url = 'abc' }")
    err = select(3, inside "list 2")
    assert.truthy(err:find "did you mean `base_url`")
  end)
end)

describe("the environment sandbox", function()
  it("is there without an account: the project's names, its files, and what was done there before", function()
    write("scripts/orders.py", commands.upper)
    write("scripts/stock.js", "module.exports = async (data) => ({ payload: data.payload })\n")
    project(two)
    local alone = { environment = "PATCHWORKS_ENV=sandbox" }
    local code, out, err = inside("list orders", alone)
    assert.equal(0, code, err)
    assert.truthy(out:find "Deployed", out)
    local file = write("scripts/orders.py", commands.lower)
    code, out, err = inside("publish orders " .. file .. " --interval 0.05", alone)
    assert.equal(0, code, err)
    assert.truthy(out:find "v2, Deployed", out)
    assert.equal(2, #lines(select(2, inside("list orders --env sandbox", { environment = "A=b" }))))
    local server <close> = assert(sandbox.start { data = state.folder .. "/.patchworks/sandbox.db" })
    local names = {}
    for _, script in ipairs(server:scripts()) do names[script.name] = true end
    assert.is_true(names.orders and names.stock)
  end)
end)
