-- A project for Lua programs: its scripts, a client of an environment, a plan.
local commands = require "spec.support.commands"
local errors = require "patchworks.errors"
local keys = require "patchworks.project.keys"
local project = require "patchworks.project"
local uv = require "luv"

local state = commands.setup(before_each, after_each)

local function load(text)
  local path = state.write("patchworks.project.lua", text)
  return assert(project.load(path))
end

local text = [[return {
  scripts = {
    stock = { file = "stock.js" },
    orders = { file = "scripts/orders.py", cases = "cases/orders", keep = 10, smoke = { "gb" } },
  },
  environments = { production = { scripts = { orders = 42 } } },
}]]

describe("a project", function()
  it("gives its scripts, sorted, with paths", function()
    local p <close> = load(text)
    local root = uv.fs_realpath(state.folder)
    assert.equal(root, p.root)
    assert.same({
      { name = "orders", file = root .. "/scripts/orders.py", cases = root .. "/cases/orders", keep = 10, smoke = { "gb" } },
      { name = "stock", file = root .. "/stock.js" },
    }, p:scripts())
    assert.same({ "production", "sandbox" }, p:environments())
  end)

  it("says what is wrong as an error of kind file", function()
    for _, got in ipairs {
      { project.load(state.folder .. "/nowhere.lua") },
      { project.load(state.write("patchworks.project.lua", "return {")) },
      { load(text):script "ordres" },
      { load(text):source "orders" },
      { load(text):environment "prodution" },
      { load(text):plan "sandbox" },
    } do
      assert.is_nil(got[1])
      assert.is_true(errors.is_error(got[2]))
      assert.equal("file", got[2].kind)
    end
  end)

  it("says a script's language, and perhaps a version, where the file's name doesn't", function()
    local p <close> = load 'return { scripts = { old = { file = "x.txt", language = "php8.1" } } }'
    assert.equal("php8.1", p:scripts()[1].language)
    for _, name in ipairs { "cobol", "php8.", "php.1", "8.1", "" } do
      local nothing, err = project.load(state.write("patchworks.project.lua",
        ('return { scripts = { old = { file = "x.txt", language = "%s" } } }'):format(name)))
      assert.is_nil(nothing)
      assert.matches("scripts.old: language: expected python, javascript, php, ruby, csharp, go or rust", err.message, 1, true)
    end
  end)

  it("reads no source that lies outside, though a link leads there", function()
    local p = load(text)
    assert(uv.fs_symlink("/etc/hostname", state.folder .. "/stock.js"))
    local source, err = p:source "stock"
    assert.is_nil(source)
    assert.matches("leads out of the project", err.message, 1, true)
  end)

  it("plans and applies an environment; a script without an id there is named", function()
    state.write("scripts/orders.py", commands.upper)
    state.write("stock.js", "module.exports = async (data) => data\n")
    state.write("cases/orders/gb/payload.txt", "Hi")
    state.write("cases/orders/gb/expect.txt", "HI")
    local p <close> = load(text)
    local function planned(only)
      local plan, client = p:plan("sandbox", { only = only })
      assert.truthy(plan, tostring(client))
      return plan, client
    end
    local unchanged, first <close> = planned { "orders" }
    assert.same({ 0, "unchanged" }, { unchanged.changes, unchanged.steps[1].action })
    assert.is_nil(first.closed)
    state.write("scripts/orders.py", commands.lower)
    local plan, client <close> = planned()
    assert.equal(1, plan.changes)
    assert.equal("orders", plan.steps[1].name)
    assert.equal(1, plan.tests)
    -- The file's source gives "hi" by now, and its smoke case wants "HI".
    local report = client:apply(plan, { interval = 0.05 })
    assert.same({ 0, 1 }, { report.published, report.failed })
    assert.equal("test_failed", report.scripts[1].error.kind)
    assert.is_true(report.scripts[1].error.rolled_back)
    state.write("cases/orders/gb/expect.txt", "hi")
    local again, third <close> = planned()
    assert.equal(1, third:apply(again, { interval = 0.05 }).published)
    local environment = p:environment "production"
    assert.equal("42", p:id("orders", environment))
    assert.matches("stock has no id in the environment production", select(2, p:id("stock", environment)).message, 1, true)
    assert.matches("stock", select(2, p:manifest(environment)).message, 1, true)
  end)
end)

describe("stored keys", function()
  local function getenv(name) return name == "XDG_CONFIG_HOME" and state.folder .. "/config" or nil end

  it("are kept by origin in a file that nobody else can read, and go again", function()
    assert.same({}, keys.read(getenv))
    local path = assert(keys.store("https://a.example", "one", getenv))
    keys.store("https://b.example", "two", getenv)
    assert.equal(state.folder .. "/config/patchworks/keys.json", path)
    assert.equal(tonumber("600", 8), uv.fs_stat(path).mode & 511)
    assert.same({ ["https://a.example"] = "one", ["https://b.example"] = "two" }, keys.read(getenv))
    keys.store("https://a.example", nil, getenv)
    keys.store("https://b.example", nil, getenv)
    assert.is_nil((uv.fs_stat(path)))
  end)

  it("are not used when others can read them, or when the file is damaged", function()
    local path = assert(keys.store("https://a.example", "one", getenv))
    assert(uv.fs_chmod(path, tonumber("644", 8)))
    assert.matches("chmod 600", select(2, keys.read(getenv)).hint, 1, true)
    assert(uv.fs_chmod(path, tonumber("600", 8)))
    for _, text_of_it in ipairs { "", "{", "[]", '{"v":2}', '{"v":1,"origins":3}' } do
      local file <close> = io.open(path, "w")
      file:write(text_of_it)
      file:flush()
      assert.equal("file", select(2, keys.read(getenv)).kind, text_of_it)
    end
  end)
end)
