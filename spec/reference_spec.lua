-- What the reference, the types and `help` are made of is true: every public method is there, and its example runs.
local patchworks = require "patchworks"
local projects = require "patchworks.project"
local reference = require "patchworks.reference"
local runner = require "patchworks.runner"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local tasks = require "patchworks.time.tasks"

local source = "def handle(data): return {'payload': data['payload']}"

-- A service with a script 42 whose versions are 7, 8 and more; 8 is live.
local function service()
  local server = assert(sandbox.start { deploy_seconds = 0 })
  repeat
    local script = server:create_script { name = "Orders", language = "python" }
  until script.id == 42
  server:populate { script = 1, versions = 6, content = source }
  server:populate { script = 42, versions = 150, content = source }
  local client = server:client { username = server.username, password = server.password }
  local versions = client.script_versions
  assert(versions:deploy_and_wait(8))
  return server, client
end

describe("the reference", function()
  local function names_of(object)
    local names = {}
    for _, method in ipairs(object.methods) do names[#names + 1] = method.name end
    table.sort(names)
    return names
  end

  local function public(value, only)
    local names = {}
    for name, each in pairs(value) do
      if type(each) == "function" and not name:find "^_" and (not only or only[name]) then names[#names + 1] = name end
    end
    table.sort(names)
    return names
  end

  it("knows every method of what people hold", function()
    local client <close> = patchworks.new { base_url = "http://127.0.0.1:1", api_key = "k" }
    local versions = client.script_versions
    local group
    tasks.run(function(given) group = given end)
    local task = patchworks.spawn(function() end)
    for name, value in pairs {
      patchworks = patchworks,
      script_versions = getmetatable(versions).__index,
      version = versions._version_class.__index,
      listing = getmetatable((versions:list(1))).__index,
      tasks = getmetatable(group).__index,
      task = getmetatable(task).__index,
      sandbox = sandbox,
      server = getmetatable(assert(sandbox.start())).__index,
      projects = projects,
      project = getmetatable(projects.none()).__index,
      runner = runner,
      run = getmetatable(runner.start { language = "python", source = source }).__index,
    } do
      assert.same(public(value), names_of(reference.object(name)), name)
    end
    assert.same(public(getmetatable(client).__index), names_of(reference.object "client"))
  end)

  it("says of each method what it does, and of each option what it is", function()
    for _, object in ipairs(reference.objects()) do
      assert.matches("%.$", object.says)
      for _, method in ipairs(object.methods) do
        local what = reference.signature(method)
        assert.matches("^%u.*%.$", method.says, what)
        assert.is_string(method.example, what)
        local seen = {}
        for _, option in ipairs(method.options) do
          assert.is_nil(seen[option[1]], what .. ": " .. option[1] .. " is there twice")
          assert.is_true(#option[3] > 0)
          seen[option[1]] = true
        end
        if method.response then assert.is_string(method.requests, what) end
      end
    end
  end)

  it("has the options that the sandbox takes, which knows nothing of it", function()
    local server <close> = assert(sandbox.start())
    for _, method in ipairs { "start", "create_script", "populate", "fail" } do
      local of = method == "start" and "sandbox" or "server"
      local names = {}
      for name in pairs(reference.object(of).known[method].known) do names[#names + 1] = name end
      table.sort(names)
      local _, said = pcall(function()
        if method == "start" then return sandbox.start { nonsense = 1 } end
        return server[method](server, { nonsense = 1 })
      end)
      assert.equal(table.concat(names, ", "), said:match "it takes (.*)$", method)
    end
  end)

  it("names kinds of errors that there are", function()
    local known = {}
    for _, kind in ipairs(require "patchworks.reference.kinds") do known[kind[1]] = true end
    for _, object in ipairs(reference.objects()) do
      for _, method in ipairs(object.methods) do
        for _, kind in ipairs(method.fails or {}) do assert.is_true(known[kind], method.name .. ": " .. kind) end
      end
    end
  end)

  it("has examples that run", function()
    local server <close>, client = service() -- luacheck: ignore server
    local closing <close> = client -- luacheck: ignore closing
    local folder = scratch.folder()
    local file <close> = assert(io.open(folder .. "/orders.py", "w"))
    file:write(source, " # changed")
    file:flush()
    local versions = client.script_versions
    local other <close> = assert(sandbox.start())
    other:populate { script = 1 }
    local manifest = folder .. "/patchworks.project.lua"
    local described <close> = assert(io.open(manifest, "w"))
    described:write 'return { scripts = { orders = { file = "orders.py" } } }'
    described:flush()
    local project <close> = assert(projects.load(manifest))
    local function in_folder(given)
      local copy = {}
      for name, value in pairs(given) do copy[name] = name == "file" and folder .. "/" .. value or value end
      return copy
    end
    -- The examples' surroundings: files are in a folder of their own, and nothing is printed.
    local stage = setmetatable({
      client = client,
      versions = setmetatable({
        create = function(_, id, given) return versions:create(id, in_folder(given)) end,
        publish = function(_, id, given) return versions:publish(id, in_folder(given)) end,
      }, { __index = function(_, name) return function(_, ...) return versions[name](versions, ...) end end }),
      version = assert(versions:get(9)),
      value = 7,
      order = "{}",
      result = "{}",
      source = source,
      plan = assert(client:plan { scripts = { { id = 42, content = source } } }),
      patchworks = patchworks,
      print = function() end,
      require = require,
      sandbox = sandbox,
      server = other,
      projects = { load = function() return projects.load(manifest) end, none = projects.none },
      project = project,
      runner = runner,
      run = runner.start { language = "python", source = source },
    }, { __index = _G })
    local failed = {}
    local function try(method)
      local chunk = assert(load(method.example .. "\nreturn nil, err", "=example", "t", stage))
      local ok, raised, problem = pcall(chunk)
      problem = not ok and raised or patchworks.is_error(problem) and problem or nil
      if problem then failed[#failed + 1] = reference.signature(method) .. ": " .. tostring(problem) end
    end
    -- What takes away what the others use comes last; what else the API has is not in the sandbox.
    local last, elsewhere = { delete = true }, { close = true, request = true, paginate = true }
    local blocks = { sandbox = { run = true } }
    for _, deletes in ipairs { false, true } do
      for _, object in ipairs(reference.objects()) do
        for _, method in ipairs(object.methods) do
          if (last[method.name] or false) == deletes and not elsewhere[method.name] then
            if not (blocks[object.name] or {})[method.name] then try(method) end
          end
        end
      end
    end
    assert.same({}, failed)
    scratch.remove(folder)
  end)
end)
