-- types/patchworks.lua, the LDoc comments and the code say the same.
local patchworks = require "patchworks"
local options = require "patchworks.call.options"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local types = read "types/patchworks.lua"

local function declared(class)
  local names = {}
  for name in types:gmatch("\nfunction " .. class .. "[.:]([%w_]+)%(") do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function functions_of(value, skip)
  local names = {}
  for name, each in pairs(value) do
    if type(each) == "function" and not name:find "^__" and not (skip or {})[name] then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

describe("the types", function()
  local client = patchworks.new { base_url = "http://127.0.0.1:1", api_key = "k" }

  it("name every function of the module, the client, the resource and a listing", function()
    assert.same(functions_of(patchworks), declared "patchworks")
    -- What the client's own parts call, and nobody else.
    local inner = { prepare = true, send = true, perform = true, call = true, prepare_request = true }
    assert.same(functions_of(getmetatable(client).__index, inner), declared "client")
    assert.same(functions_of(getmetatable(client.script_versions).__index), declared "script_versions")
    assert.same(functions_of(getmetatable((client.script_versions:list(1))).__index), declared "listing")
  end)

  it("name every option of new, and those of every call", function()
    local function fields(class)
      local set = {}
      local block = types:match("%-%-%-@class " .. class:gsub("%.", "%%.") .. "\n(.-)\n\n")
      for name in block:gmatch "%-%-%-@field ([%w_]+)" do set[name] = true end
      return set
    end
    local known = {}
    -- An unknown option's message lists all of them.
    local _, message = pcall(patchworks.new, { qqqqqqqqqqqqqq = 1 })
    for name in message:match("it takes (.*)$"):gmatch "[%w_]+" do known[name] = true end
    assert.same(known, fields "patchworks.options")
    local per_call = {}
    for name in pairs(options.per_call) do per_call[name] = true end
    assert.same(per_call, fields "patchworks.call_options")
  end)

  it("name every kind of error that the code's table names", function()
    local kinds = {}
    for name in types:match('@field kind ([^\n]+)'):gmatch '"([%w_]+)"' do kinds[name] = true end
    local documented = {}
    for name in read("lua/patchworks/errors.lua"):gmatch "\n%-%-     ([%l_]+)  +%S" do
      if name ~= "kind" then documented[name] = true end
    end
    documented.not_found = true -- its line has a status alone
    assert.same(documented, kinds)
  end)

  it("are behind LDoc comments: every public function has one", function()
    for _, file in ipairs { "init", "script_versions", "release/wait", "release/publish", "release/tail", "release/plan", "time/tasks", "listing", "client", "errors", "sandbox" } do
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
