--- From what a caller gives to what goes on the wire: query strings, bodies, headers and paths.
-- @module patchworks.call.request
local arguments = require "patchworks.call.arguments"
local core = require "patchworks.core"
local errors = require "patchworks.errors"

local misuse = errors.misuse

local requests = {}

local includes = { content = true, script = true }

-- One value, or a list of them, as the comma list that the service takes.
local function comma_list(value, what)
  if type(value) ~= "table" then value = { value } end
  local texts = {}
  for i, item in ipairs(value) do
    local kind = type(item)
    if kind ~= "string" and kind ~= "boolean" and kind ~= "number" then
      misuse("%s: expected a string, a boolean, a number or a list of them, got %s", what, arguments.show(item))
    end
    texts[i] = tostring(item)
  end
  if #texts == 0 then misuse("%s: expected at least one value, got an empty list", what) end
  return table.concat(texts, ","), texts
end

local function add_include(pairs_list, include, what)
  local text = comma_list(include, what .. ": include")
  for name in text:gmatch("[^,]*") do
    if not includes[name] then
      local near = arguments.nearest(name, includes)
      misuse(
        "%s: include takes content, script, got %s%s",
        what,
        arguments.show(name),
        near and "; did you mean `" .. near .. "`?" or ""
      )
    end
  end
  pairs_list[#pairs_list + 1] = "include"
  pairs_list[#pairs_list + 1] = text
end

local function add_filter(pairs_list, filter, what)
  for _, name in ipairs { "is_deployed", "deployed_at" } do
    if filter[name] ~= nil then
      pairs_list[#pairs_list + 1] = "filter[" .. name .. "]"
      pairs_list[#pairs_list + 1] = comma_list(filter[name], what .. ": filter." .. name)
    end
  end
end

--- The query string of `get` and `list`: include, filter, page, per_page.
-- @tparam table options the caller's, checked
-- @tparam string what the operation, for messages
-- @treturn string without the `?`; "" for none
function requests.query(options, what)
  local list = {}
  if options.include ~= nil then add_include(list, options.include, what) end
  if options.filter ~= nil then add_filter(list, options.filter, what) end
  if options.page ~= nil then
    list[#list + 1] = "page"
    list[#list + 1] = tostring(options.page)
  end
  if options.per_page ~= nil then
    list[#list + 1] = "per_page"
    list[#list + 1] = tostring(options.per_page)
  end
  return core.query(list)
end

--- A query string from a table of names to values, sorted by name.
function requests.free_query(query, what)
  local names, list = {}, {}
  for name in pairs(query or {}) do
    if type(name) ~= "string" then misuse("%s: expected names as keys, got %s", what, arguments.show(name)) end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    list[#list + 1] = name
    list[#list + 1] = comma_list(query[name], what .. "." .. name)
  end
  return core.query(list)
end

local function encode(value, what)
  local text, problem = core.encode(value)
  if not text then misuse("%s: it can't be written as JSON: %s", what, problem) end
  return text
end

--- A value that the contract types as a string: a string goes out byte for byte, a table as its JSON.
local function text_or_json(value, what)
  if value == nil or type(value) == "string" then return value end
  if type(value) == "table" then return encode(value, what) end
  misuse("%s: expected a string or a table, got %s", what, arguments.show(value))
end

local function file_error(operation, message)
  local hint = "a path is relative to where the program runs"
  return nil, errors.new { kind = "file", operation = operation, message = message, hint = hint }
end

--- Reads a file whole.
-- @tparam string path
-- @tparam string what it is for, for messages
-- @treturn ?string bytes; or nil and an error of kind "file"
function requests.read(path, what)
  if not io then misuse("%s: this Lua has no library io to read it with; pass `content`", what) end
  local file <close>, problem = io.open(path, "rb")
  if not file then return file_error(what, "can't read " .. problem) end
  local text, reason = file:read("a")
  if not text then return file_error(what, ("can't read %s: %s"):format(path, reason)) end
  return text
end

local function read_source(path, what)
  local text, problem = requests.read(path, what)
  if text == "" then return file_error(what, path .. " is empty; a version needs at least one character") end
  return text, problem
end

--- The script's source that `create` and `publish` take, as `content` or from `file`.
-- @treturn ?string at least one character; or nil and an error of kind "file"
function requests.content(options, what)
  if (options.content ~= nil) == (options.file ~= nil) then
    misuse("%s: expected either `content` or `file`, got %s", what, options.content and "both" or "neither")
  end
  local content = arguments.check_type(options.content, "string", what .. ": content")
  if options.file ~= nil then
    return read_source(arguments.check_type(options.file, "string", what .. ": file"), what)
  end
  if content == "" then misuse("%s: the content is empty; a version needs at least one character", what) end
  return content
end

--- The bodies of the operations that have one, by the name in call/endpoints.lua.
requests.bodies = {}

function requests.bodies.create(options, what)
  return encode({ content = requests.content(options, what) }, what)
end

function requests.bodies.invoke(options, what)
  local flow = options.flow
  if type(flow) == "table" then
    -- The contract types `flow` as a string with properties: a table goes out as an object.
    local copy = {}
    for name, value in pairs(flow) do copy[name] = value end
    copy.variables = text_or_json(flow.variables, what .. ": flow.variables")
    flow = copy
  elseif flow ~= nil and type(flow) ~= "string" then
    misuse("%s: flow: expected a string or a table, got %s", what, arguments.show(flow))
  end
  return encode({
    payload = text_or_json(options.payload, what .. ": payload"),
    variables = text_or_json(options.variables, what .. ": variables"),
    flow = flow,
  }, what)
end

function requests.bodies.upload(options, what)
  local private = options.private
  if type(private) == "boolean" then private = tostring(private) end
  arguments.check_type(private, "string", what .. ": private")
  return encode({ private = private }, what)
end

--- The body of `client:request`: a table as JSON, a string byte for byte.
function requests.free_body(body, what)
  return text_or_json(body, what)
end

local own_headers = {
  authorization = "pass `api_key`, `token` or `username` and `password` to `new`",
  host = "pass `base_url` to `new`",
  connection = "the client keeps connections by itself",
  ["content-length"] = "it follows from the body",
  ["transfer-encoding"] = "it follows from the body",
  expect = "the client never sends it",
}

--- Checks a table of header names to values, and gives them as lines.
-- @treturn table list of "Name: value"
function requests.header_lines(headers, what)
  local lines = {}
  for name, value in pairs(headers or {}) do
    if type(name) ~= "string" or not name:find("^[%w!#$%%&'*+.^_`|~-]+$") then
      misuse("%s: %s is no header name", what, arguments.show(name))
    end
    local reason = own_headers[name:lower()]
    if reason then misuse("%s: %s can't be set here; %s", what, name, reason) end
    value = math.type(value) == "integer" and tostring(value) or value
    if type(value) ~= "string" or value:find("[\r\n\0]") then
      misuse("%s: %s: expected a string without CR, LF or NUL, got %s", what, name, arguments.show(value))
    end
    -- libcurl takes "Name:" as "leave this header out"; "Name;" sends it empty.
    lines[#lines + 1] = name .. ": " .. value
  end
  table.sort(lines)
  return lines
end

--- Checks a path for `client:request`, and gives it below `/api/v1`.
function requests.check_path(path, what)
  if type(path) ~= "string" or path:sub(1, 1) ~= "/" then
    misuse("%s: expected a path that starts with /, got %s", what, arguments.show(path))
  end
  if path:find("[?#]") then misuse("%s: %s has a query; pass it as `query`", what, arguments.show(path)) end
  if path:find("[^%w%-._~!$&'()*+,;=:@%%/]") or path:find("%%%X") or path:find("%%%x%X") or path:find("%%%x?$") then
    misuse("%s: %s holds a character that a path can't; percent-encode it", what, arguments.show(path))
  end
  for segment in (path:sub(2) .. "/"):gmatch("([^/]*)/") do
    local plain = segment:gsub("%%2[eE]", ".")
    if plain == "" or plain == "." or plain == ".." or segment:lower():find("%%2f") then
      misuse("%s: %s has an empty segment, or one that climbs", what, arguments.show(path))
    end
  end
  return (path:gsub("^/api/v1/", "/"))
end

return requests
