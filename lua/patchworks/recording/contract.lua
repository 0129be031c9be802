--- Holds an answer against the OpenAPI document: what is not as it says, and where.
--
-- Some of that is known, and the client allows for it: fields of a version that are null, statuses that every service
-- has, log entries that are declared as versions. The rest would be news.
--
-- @module patchworks.recording.contract
local cjson = require "cjson"
local endpoints = require "patchworks.call.endpoints"
local document = require "patchworks.recording.openapi"

local contract = {}

-- What is declared of each operation, by its name in call/endpoints.lua, and the pattern of its paths.
local operations = {}
for name, endpoint in pairs(endpoints) do
  local suffix = endpoint.suffix or ""
  for key, responses in pairs(document.operations) do
    local method, prefix, rest = key:match "^(%u+) /api/v1([^{]*){[%w_]+}(.*)$"
    if method == endpoint.method and prefix == endpoint.path and rest == suffix then
      operations[name] = {
        method = method,
        pattern = "/api/v1" .. prefix:gsub("%-", "%%-") .. "([^/]+)" .. suffix:gsub("%-", "%%-") .. "$",
        responses = responses,
      }
    end
  end
end

--- Which operation a request is.
-- @tparam string method
-- @tparam string path
-- @treturn ?string its name, as "get"; nil where the document has none
-- @treturn ?integer the id in its path, where it is a number
function contract.operation(method, path)
  for name, operation in pairs(operations) do
    local id = method == operation.method and path:match(operation.pattern)
    if id then return name, math.tointeger(tonumber(id)) end
  end
end

local known_statuses = { [404] = true, [409] = true, [413] = true, [429] = true }

-- Whether a status that isn't declared is known all the same.
local function is_known(operation, status)
  return known_statuses[status] or status >= 500 or (operation == "create" and status == 201)
end

local function kind_of(value)
  if value == cjson.null then return "null" end
  if type(value) == "number" then return value % 1 == 0 and "an integer" or "a number" end
  if type(value) ~= "table" then return "a " .. type(value) end
  if next(value) == nil then return "empty" end
  return value[1] ~= nil and "an array" or "an object"
end

-- Each type of the document: how people call it, and the kinds of values that are of it. `[]` and `{}` decode alike.
local types = {
  object = { "an object", ["an object"] = true, empty = true },
  array = { "an array", ["an array"] = true, empty = true },
  string = { "a string", ["a string"] = true },
  integer = { "an integer", ["an integer"] = true },
}

local formats = {
  ["date-time"] = { "a date as 2026-11-28T10:00:00Z", "^%d%d%d%d%-%d%d%-%d%d[Tt]%d%d:%d%d:%d%d[%d%.]*[Zz+-][%d:]*$" },
  uri = { "a URI", "^%a[%w+.-]*:%S*$" },
}

local hold

local function hold_object(schema, value, path, say)
  local properties, others = schema.properties, schema.additionalProperties
  if not properties and type(others) ~= "table" then return end
  for name, inner in pairs(value) do
    local where = path == "" and tostring(name) or path .. "." .. tostring(name)
    local declared = properties and properties[name] or others
    if declared then
      hold(declared, inner, where, say)
    else
      say(where, "is not declared")
    end
  end
end

local function hold_text(schema, value, path, say)
  local format = formats[schema.format]
  if format and not value:find(format[2]) then say(path, ("is %s, and %s is due"):format(value, format[1])) end
  for _, each in ipairs(schema.enum or {}) do
    if value == each then return end
  end
  if schema.enum then say(path, ("is %s, and one of %s is due"):format(value, table.concat(schema.enum, ", "))) end
end

function hold(schema, value, path, say)
  schema = schema["$ref"] and document.schemas[schema["$ref"]] or schema
  local due = types[schema.type]
  if not due then return end
  local kind = kind_of(value)
  if kind == "null" and schema.nullable then return end
  if not due[kind] then return say(path, ("is %s, and %s is due"):format(kind, due[1])) end
  if schema.type == "object" then
    hold_object(schema, value, path, say)
  elseif schema.type == "array" then
    for _, item in ipairs(value) do hold(schema.items, item, path .. "[]", say) end
  elseif schema.type == "string" then
    hold_text(schema, value, path, say)
  end
end

local function declared_statuses(responses)
  local list = {}
  for status in pairs(responses) do list[#list + 1] = status end
  table.sort(list)
  return table.concat(list, ", ")
end

-- Whether what is said of a place in an answer is known.
local function is_expected(operation, path, problem)
  if operation == "logs" and path:find "^data%[%]" then return true end
  return problem:find "^is null" ~= nil and path:find "^data%f[%[%.]" ~= nil
end

--- Says what is not as the document has it.
-- @tparam string operation name
-- @tparam integer status
-- @param value the body, as cjson decodes it; nil where it is no JSON, or was not kept
-- @tparam ?string content_type of an answer that has a body
-- @tparam function say is called with a place in the body ("" for the whole), a sentence, and whether that is known
function contract.judge(operation, status, value, content_type, say)
  local responses = operations[operation].responses
  local declared = responses[tostring(status)]
  if not declared then
    say("", ("status %d is not declared: %s are"):format(status, declared_statuses(responses)),
      is_known(operation, status))
    -- A success of another number, and what a failure says, are held against what is declared for their like.
    declared = responses[status < 300 and "200" or "422"] or document.schemas.ErrorResponse
  end
  if content_type and not content_type:find "^application/json" then
    return say("", ("the answer is %s, and application/json is due"):format(content_type), status >= 500)
  end
  if value == nil then return end
  hold(declared, value, "", function(path, problem) say(path, problem, is_expected(operation, path, problem)) end)
end

return contract
