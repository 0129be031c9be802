-- types/patchworks.lua and the LDoc comments say what the code does: the types are made of what patchworks.reference
-- knows, and what that says of fields is held to values that came from a service.
local kinds = require "patchworks.reference.kinds"
local lua = require "spec.support.lua"
local reference = require "patchworks.reference"
local runner = require "patchworks.runner"
local sandbox = require "patchworks.sandbox"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- Whether a value fits a type as editors write it.
local function fits(value, type_text)
  for each in (type_text .. "|"):gmatch "([^|]+)|" do
    local class = each:match "^patchworks%.([%w_]+)$"
    local plain = class or each:find "%[%]$" or each:find "^table" and "table"
    if each == "any" or each == ('"%s"'):format(tostring(value)) then return true end
    if type(value) == (plain and "table" or each) or math.type(value) == each then return true end
  end
  return false
end

-- Every field of the value is declared with a type that it has, and every one that must be there is.
local function hold(value, fields, what, ignored)
  local known = {}
  for _, field in ipairs(fields) do
    local name, optional = field[1]:match "^([^?]+)(%??)$"
    known[name] = true
    assert.is_true(value[name] ~= nil or optional == "?", what .. " has no " .. name)
    if value[name] ~= nil then
      assert.is_true(fits(value[name], field[2]), ("%s.%s: %s is no %s"):format(what, name, tostring(value[name]), field[2]))
    end
  end
  for name in pairs(value) do
    assert.is_true(known[name] or (ignored or {})[name] or false, ("%s.%s is not declared"):format(what, tostring(name)))
  end
end

describe("the types", function()
  it("are made of what the reference knows", function()
    local pipe <close> = assert(io.popen(lua .. " scripts/types.lua"))
    local made = pipe:read "a"
    assert.is_true(made == read "types/patchworks.lua", "run: lua5.4 scripts/types.lua > types/patchworks.lua")
    assert.is_function(loadfile "types/patchworks.lua")
  end)

  it("say what a version, a response, a page, an entry, an error and the events hold", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 0 })
    local events = {}
    local client <close> = server:client { on_event = function(event) events[event.type] = event end }
    local versions = client.script_versions
    local made = assert(versions:create(1, { content = "def handle(data): return {'logs': ['x']}" }))
    assert(made:deploy_and_wait())
    local invoked = assert(made:invoke())
    server:fail { operation = "get", how = "status", status = 500 }
    local version, response = versions:get(made.id, { include = { "content", "script" } })
    hold(assert(version), reference.object("version").fields, "version")
    hold(response, reference.object("response").fields, "response")
    for _, attempt in ipairs(response.attempts) do hold(attempt, reference.object("attempt").fields, "attempt") end
    hold(invoked, reference.object("answer").fields, "answer")
    local page = assert(versions:list(1):page(1))
    hold(page, reference.object("page").fields, "page")
    hold(assert(versions:logs(made.id):first()), reference.object("log_entry").fields, "log_entry",
      { script_version_id = true })
    assert(versions:list(1):all())
    local _, problem = versions:get(99)
    hold(problem, reference.object("error").fields, "error")
    assert(versions:publish(1, { content = "def handle(data): return {}" }))
    for _, each in ipairs(reference.object("event").types) do
      local event = events[each[1]]
      if event then
        event.type = nil
        hold(event, { table.unpack(each, 3) }, each[1], { script = true, from = true })
      end
    end
    for _, name in ipairs { "attempt", "retry", "page", "step" } do assert.is_table(events[name], name) end
  end)

  it("know whatever people hold by a name without an underscore", function()
    local function check(name, value)
      local object, known = reference.object(name), {}
      for _, field in ipairs(object.fields or {}) do known[field[1]:match "^[^?]+"] = true end
      for _, method in ipairs(object.methods or {}) do known[method.name] = true end
      local class = getmetatable(value).__index
      for _, holder in ipairs { value, type(class) == "table" and class or nil } do
        for key in next, holder do
          assert.is_true(known[key] or key:find "^_" ~= nil, ("%s has %s, which nothing tells of"):format(name, key))
        end
      end
    end
    local patchworks = require "patchworks"
    local server <close> = assert(sandbox.start { deploy_seconds = 0 })
    local client <close> = server:client()
    check("server", server)
    check("client", client)
    check("script_versions", client.script_versions)
    check("listing", client.script_versions:list(1))
    check("plan", assert(client:plan { scripts = { { id = 1, content = "x = 1" } } }))
    patchworks.run(function(tasks)
      check("tasks", tasks)
      local waits = tasks:spawn(function() return client.script_versions:list(1):all() end)
      local joins = tasks:spawn(function() waits:join() end)
      check("task", waits)
      check("task", joins)
      joins:join()
      check("task", waits)
      check("task", joins)
    end)
  end)

  it("say what a run's result and its error hold", function()
    local function result_of(source)
      local run <close> = runner.start { language = "python", source = source }
      run:wait()
      return run:result()
    end
    hold(result_of "def handle(data): return data", reference.object("run_result").fields, "run_result")
    local result = result_of "def handle(data): raise ValueError('no')"
    hold(result, reference.object("run_result").fields, "run_result")
    hold(result.error, reference.object("run_error").fields, "run_error")
  end)

  it("have docs/errors.md beside them, which is made of the same kinds", function()
    local pipe <close> = assert(io.popen(lua .. " scripts/errors.lua"))
    assert.is_true(pipe:read "a" == read "docs/errors.md", "run: lua5.4 scripts/errors.lua > docs/errors.md")
  end)

  it("know every kind of error that the code's table names", function()
    local known, documented = {}, {}
    for _, kind in ipairs(kinds) do known[kind[1]] = true end
    for name in read("lua/patchworks/errors.lua"):gmatch "\n%-%-     ([%l_]+)%f[%s]" do
      if name ~= "kind" then documented[name] = true end
    end
    -- Said by releases and by files alone.
    documented.test_failed, documented.file = true, true
    assert.same(documented, known)
  end)

  it("are behind LDoc comments: every public function has one", function()
    for _, file in ipairs {
      "init", "script_versions", "release/wait", "release/publish", "release/tail", "release/plan", "time/tasks", "listing",
      "client", "errors", "sandbox",
    } do
      local previous = ""
      for line in read("lua/patchworks/" .. file .. ".lua"):gmatch "[^\n]*" do
        local name = line:match "^%s*function [%w_]+[:.]([%w_]+)%("
        if name and not name:find "^__" then
          assert.truthy(previous:find "^%s*%-%-", ("%s.lua: %s has no comment"):format(file, name))
        end
        if line ~= "" then previous = line end
      end
    end
  end)
end)
