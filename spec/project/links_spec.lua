-- A project's paths stay in its folder, wherever links lead; and a project's file that is none is no missing project.
local cases = require "patchworks.project.cases"
local files = require "patchworks.project.file"
local project = require "patchworks.project"
local scratch = require "spec.support.scratch"
local start = require "patchworks.project.start"
local state = require "patchworks.project.state"
local trust = require "patchworks.project.trust"
local uv = require "luv"

local folder, outside, loaded

local function write(path, text)
  scratch.write(path, text)
end

local function is_refused(said, value, problem)
  assert.is_nil(value)
  assert.equal("file", problem.kind)
  assert.truthy(problem.message:find(said, 1, true), problem.message)
end

before_each(function()
  local root = os.tmpname()
  os.remove(root)
  folder, outside = root .. "/project", root .. "/outside"
  write(folder .. "/patchworks.project.lua",
    'return { scripts = { orders = { file = "scripts/orders.py", cases = "cases/orders" } } }')
  write(outside .. "/secret.py", "def handle(data): return {}\n")
  loaded = assert(project.load(folder .. "/patchworks.project.lua"))
end)
after_each(function() scratch.remove(outside:match "^(.*)/") end)

-- Each would hold whoever reads it up for ever, or take all memory.
describe("what is no file of a usual size, in a project,", function()
  local function pipe(path)
    scratch.make(path:match "^(.*)/")
    assert(os.execute("mkfifo " .. path))
  end

  it("is read as no script, no case and no memory", function()
    pipe(folder .. "/scripts/orders.py")
    is_refused("orders.py is no file but a fifo", loaded:run "orders")
    is_refused("orders.py is no file but a fifo", loaded:source "orders")
    assert(uv.fs_unlink(folder .. "/scripts/orders.py"))
    local file <close> = assert(io.open(folder .. "/scripts/orders.py", "wb"))
    file:seek("set", 64 * 1024 * 1024)
    file:write "\n"
    file:flush()
    is_refused("orders.py is longer than 64 MiB", loaded:script "orders")
    write(folder .. "/scripts/orders.py", "def handle(data): return {}\n")
    pipe(folder .. "/cases/orders/one/payload.json")
    pipe(folder .. "/cases/orders/two/expect.txt")
    local list = assert(cases.find(folder .. "/cases/orders", nil, folder))
    assert.truthy(list[1].problem:find("payload.json is no file but a fifo", 1, true), list[1].problem)
    assert.truthy(list[2].problem:find("expect.txt is no file but a fifo", 1, true), list[2].problem)
    pipe(folder .. "/.patchworks/state.json")
    is_refused("is a named pipe, not a file", state.read(folder))
    assert(uv.fs_unlink(folder .. "/.patchworks/state.json"))
    pipe(folder .. "/.patchworks/lock")
    is_refused("is a named pipe, not a file", state.update(folder, function() end))
  end)
end)

describe("a link in a project", function()
  it("takes no script's file out of it", function()
    scratch.make(folder .. "/scripts")
    assert(uv.fs_symlink(outside .. "/secret.py", folder .. "/scripts/orders.py"))
    is_refused("leads out of the project", loaded:run "orders")
    is_refused("leads out of the project", loaded:script "orders")
    assert(uv.fs_unlink(folder .. "/scripts/orders.py"))
    assert(uv.fs_symlink("nowhere.py", folder .. "/scripts/orders.py"))
    is_refused("leads nowhere", loaded:script "orders")
  end)

  it("takes no folder of cases out of it, and no file of a case", function()
    write(folder .. "/scripts/orders.py", "def handle(data): return {}\n")
    write(folder .. "/cases/orders/one/payload.json", "{}")
    assert(uv.fs_symlink(outside .. "/secret.py", folder .. "/cases/orders/one/expect.txt"))
    assert(uv.fs_symlink(outside, folder .. "/cases/orders/two"))
    local list = assert(cases.find(folder .. "/cases/orders", nil, folder))
    assert.truthy(list[1].problem:find "leads out of the project" and list[2].problem:find "leads out of the project")
    os.execute("rm -r " .. folder .. "/cases/orders")
    assert(uv.fs_symlink(outside, folder .. "/cases/orders"))
    is_refused("leads out of the project", loaded:keep("orders", "new", { payload = "{}" }))
    assert.is_nil(uv.fs_stat(outside .. "/new"))
  end)

  it("takes neither what is remembered nor a new project out of it", function()
    scratch.make(folder .. "/.patchworks")
    assert(uv.fs_symlink(outside .. "/state.json", folder .. "/.patchworks/state.json"))
    is_refused("is a link", state.check(folder))
    assert(uv.fs_unlink(folder .. "/patchworks.project.lua"))
    assert(uv.fs_symlink(outside, folder .. "/scripts"))
    is_refused("leads out of the project", start.from_nothing(folder))
  end)
end)

it("authorities of a project that are a pipe are nobody's consent, and not waited for", function()
  assert(os.execute("mkfifo " .. folder .. "/ca.pem"))
  local service = { base_url = "https://example.com", ca_file = "ca.pem" }
  local path, held = trust.named(loaded, { origin = "https://example.com", settings = service }, function() end)
  assert.equal(loaded.root .. "/ca.pem", path)
  assert.is_nil(held)
end)

it("a script whose file is missing is a script all the same", function()
  is_refused("there is no file scripts/orders.py", loaded:run "orders")
  is_refused("there is no file scripts/orders.py", loaded:run(loaded.root .. "/scripts/orders.py"))
end)

it("a project's file that is a pipe, a folder or a loop of links is said to be no file", function()
  local path = folder .. "/patchworks.project.lua"
  for kind, make in pairs { fifo = "mkfifo %s", directory = "mkdir %s", ELOOP = "ln -s patchworks.project.lua %s" } do
    scratch.remove(path)
    assert(os.execute(make:format(path)))
    local ok, problem = pcall(files.find, folder)
    assert.is_false(ok)
    assert.truthy(problem.message:find(kind, 1, true), problem.message)
    is_refused(kind, project.load(path))
  end
end)
