-- Writes lua/patchworks/recording/openapi.lua, what `check-record` holds answers against, from the contract.
--
--     lua5.4 scripts/openapi.lua > lua/patchworks/recording/openapi.lua
local core = require "patchworks.core"

local file <close> = assert(io.open("spec/contract/script-versions.openapi.json", "rb"))
local document = assert(core.decode(file:read "a"))

local keywords = { "$ref", "type", "format", "enum", "nullable", "items", "properties", "additionalProperties" }

-- A schema without what only people read, and the names of those that it needs.
local function trimmed(schema, needs)
  local kept = {}
  for _, name in ipairs(keywords) do kept[name] = schema[name] end
  if kept["$ref"] then
    kept["$ref"] = kept["$ref"]:match "([^/]+)$"
    needs[kept["$ref"]] = true
  end
  for _, name in ipairs { "items", "additionalProperties" } do
    if type(kept[name]) == "table" then kept[name] = trimmed(kept[name], needs) end
  end
  if kept.properties then
    local properties = {}
    for name, each in pairs(kept.properties) do properties[name] = trimmed(each, needs) end
    kept.properties = properties
  end
  return kept
end

local operations, needs = {}, {}
for path, methods in pairs(document.paths) do
  for method, operation in pairs(methods) do
    local responses = {}
    for status, response in pairs(operation.responses) do
      local content = response.content and response.content["application/json"]
      responses[status] = content and trimmed(content.schema, needs) or {}
    end
    operations[method:upper() .. " " .. path] = responses
  end
end
local schemas, missing = {}, true
while missing do
  missing = false
  for name in pairs(needs) do
    if not schemas[name] then
      schemas[name], missing = trimmed(document.components.schemas[name], needs), true
      break
    end
  end
end

local function write(value, indent, before)
  if type(value) ~= "table" then return ("%q"):format(value) end
  local names, parts = {}, {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local key = math.type(name) and "" or name:find "^[%a_][%w_]*$" and name .. " = " or ("[%q] = "):format(name)
    parts[#parts + 1] = key .. write(value[name], indent .. "  ", #key)
  end
  local line = #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
  if #indent + before + #line < 110 then return line end
  return "{\n" .. indent .. "  " .. table.concat(parts, ",\n" .. indent .. "  ") .. ",\n" .. indent .. "}"
end

io.write("-- What an answer is, by operation and status. Made from the contract: see scripts/openapi.lua.\n",
  "return ", write({ operations = operations, schemas = schemas }, "", 0), "\n")
