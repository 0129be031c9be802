--- What TAB offers: names, methods, options, fields, ids that were seen.
-- @module patchworks.repl.complete
local chunk = require "patchworks.repl.chunk"
local help = require "patchworks.repl.help"
local reference = require "patchworks.reference"

local complete = {}

local words = {}
for word in
  ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until while]])
    :gmatch "%a+"
do
  words[#words + 1] = word
end

local modules = {
  "patchworks", "patchworks.sandbox", "patchworks.project", "patchworks.loop.luv", "patchworks.loop.cqueues",
}

-- The object of the reference that a value is, or nil.
local function object_of(value)
  local meta = getmetatable(value)
  local class = type(meta) == "table" and rawget(meta, "__name")
  for _, object in ipairs(reference.objects()) do
    if class and object.class == class or object.dotted and value == package.loaded[object.class] then return object end
  end
end

-- What a path of names such as `client.script_versions` is; nothing is called to find out.
local function resolve(environment, path)
  local value
  for i, name in ipairs(path) do
    if i == 1 then
      value = environment[name]
    elseif type(value) == "table" then
      value = rawget(value, name)
    else
      return nil
    end
  end
  return value
end

local function add_keys(list, value, accept)
  for key, each in pairs(value) do
    if type(key) == "string" and key:find "^[%a][%w_]*$" and accept(each) then list[#list + 1] = key end
  end
end

local function is_function(value) return type(value) == "function" end
local function any() return true end

-- The members of a value: its methods behind a colon, all that it has behind a dot.
local function members(value, separator)
  local list = {}
  local object = object_of(value)
  if object then
    local methods = (separator == ":" or object.dotted) and object.methods or {}
    for _, method in ipairs(methods) do list[#list + 1] = method.name end
    for _, field in ipairs(separator == "." and object.fields or {}) do list[#list + 1] = field[1]:match "^[^?]+" end
  elseif type(value) == "string" then
    add_keys(list, string, is_function)
  end
  if type(value) == "table" and (separator == "." or not object) then
    add_keys(list, value, separator == "." and any or is_function)
    local meta = getmetatable(value)
    local index = type(meta) == "table" and not object and rawget(meta, "__index")
    if type(index) == "table" then add_keys(list, index, is_function) end
  end
  return list
end

-- The path of names that ends at a token: `a.b:c` -> {"a", "b", "c"}, ":".
local function path_to(list, at)
  local path, separator = { list[at].text }, nil
  while at > 2 and (list[at - 1].text == "." or list[at - 1].text == ":") and list[at - 2].text:find "^[%a_]" do
    separator = separator or list[at - 1].text
    table.insert(path, 1, list[at - 2].text)
    at = at - 2
  end
  return path, separator
end

-- The method that is called where an argument list or a table begins, or nil.
local function method_at(environment, list, at)
  if at < 1 or not list[at].text:find "^[%a_]" then return nil end
  local path = path_to(list, at)
  local name = table.remove(path)
  local object = #path > 0 and object_of(resolve(environment, path))
  if object then return object.known[name] end
  for _, each in ipairs { "script_versions", "client", "patchworks" } do
    local known = reference.object(each).known[name]
    if known then return known end
  end
end

-- Where the end of a text stands: in the argument list of a method, in the table of its options, or inside of an
-- option's.
local function place(environment, list)
  local stack = {}
  for at, token in ipairs(list) do
    local top = stack[#stack]
    if token.text == "(" then
      stack[#stack + 1] = { method = method_at(environment, list, at - 1), argument = 1 }
    elseif token.text == "{" then
      local holder
      if top and top.options then
        local key = list[at - 1].text == "=" and list[at - 2] and top.options[list[at - 2].text]
        holder = key and key.fields and { options = key.known } or nil
      else
        local method = top and top.method or at > 1 and method_at(environment, list, at - 1)
        holder = method and { options = method.known }
      end
      stack[#stack + 1] = holder or {}
    elseif token.text == ")" or token.text == "}" then
      stack[#stack] = nil
    elseif token.text == "," and top and top.argument then
      top.argument = top.argument + 1
    end
  end
  return stack[#stack] or {}
end

local function sorted_ids(set)
  local list = {}
  for id in pairs(set) do list[#list + 1] = id end
  table.sort(list, function(left, right) return left > right end)
  for i, id in ipairs(list) do list[i] = tostring(id) end
  return list
end

-- Ids of versions that were seen; where none was, those of the scripts that are known are asked for, once.
local function version_ids(session)
  if next(session.versions_seen) == nil and not session.asked_for_ids then
    session.asked_for_ids = true
    local count = 0
    for script in pairs(session.scripts_seen) do
      count = count + 1
      if count > 5 then break end
      local given = { limit = 20, per_page = 20, read_ahead = 0, timeout = 2, max_attempts = 1 }
      pcall(function() session.client.script_versions:list(script, given):all() end)
    end
  end
  return sorted_ids(session.versions_seen)
end

local function argument_values(session, at)
  local takes = at.method and at.method.takes and at.method.takes[at.argument]
  if not takes or takes[2] ~= "id" then return nil end
  if takes[1] == "script" then
    local list = sorted_ids(session.scripts_seen)
    for name in pairs(session.scripts) do list[#list + 1] = "scripts." .. name end
    return list
  end
  return version_ids(session)
end

-- The string that is open at the end of a text: where it begins, or nil.
local function open_string(text)
  local last = chunk.tokens(text .. " ")
  local token = last[#last]
  if token and token.text == "" and token.last > #text then return token.from end
end

local function topics()
  local list = {}
  for _, each in ipairs(help.index()) do list[#list + 1] = each[4] and each[4].name or each[1] end
  return list
end

-- What may stand in a string: a module, a topic, or one of an option's values.
local function string_values(environment, text, from)
  local list = chunk.tokens(text:sub(1, from - 1))
  local before = list[#list] and list[#list].text
  if before == "(" then before = list[#list - 1] and list[#list - 1].text end
  if before == "require" then return modules end
  if before == "help" or before == "apropos" then return topics() end
  for i = #list, 3, -1 do
    if list[i].text == "=" then
      local at = place(environment, { table.unpack(list, 1, i - 2) })
      local option = at.options and at.options[list[i - 1].text]
      return option and option.values or {}
    elseif list[i].text ~= "{" and list[i].text ~= "," and list[i].text ~= "" then
      break
    end
  end
  local at = before and place(environment, list)
  local takes = at and at.method and at.method.takes and at.method.takes[at.argument]
  return takes and takes.values or {}
end

local function everything(session, environment)
  local list = {}
  table.move(words, 1, #words, 1, list)
  add_keys(list, _G, any)
  for name in pairs(session.names or {}) do list[#list + 1] = name end
  return list, environment
end

local function option_names(options)
  local list = {}
  for name in pairs(options) do list[#list + 1] = name end
  return list
end

local function offered(session, environment, text, token)
  local list = chunk.tokens(text:sub(1, #text - #token))
  local last = list[#list] and list[#list].text
  if (last == "." or last == ":") and #list > 1 and list[#list - 1].text:find "^[%a_]" then
    local path = path_to(list, #list - 1)
    return members(resolve(environment, path), last)
  end
  local at = place(environment, list)
  if at.options and (last == "{" or last == ",") then return option_names(at.options) end
  local values = (last == "(" or last == ",") and argument_values(session, at)
  if values and (token == "" or token:find "^%d") then return values end
  if token == "" then return {} end
  return everything(session, environment)
end

--- What may stand at the end of a text in place of its last word.
-- @tparam table session see patchworks.repl.session; with `names`, those of its locals
-- @tparam table environment where names are looked up
-- @tparam string text up to the cursor
-- @treturn table candidates, sorted
-- @treturn integer where in the text the word begins that they stand for
function complete.candidates(session, environment, text)
  local from = open_string(text)
  local token = from and text:sub(from + 1) or text:match "[%w_]*$"
  local all = from and string_values(environment, text, from) or offered(session, environment, text, token)
  local list, seen = {}, {}
  for _, each in ipairs(all) do
    if each:sub(1, #token) == token and not seen[each] then
      seen[each] = true
      list[#list + 1] = each
    end
  end
  if not list[1] or not list[1]:find "^%d" then table.sort(list) end
  return list, #text - #token + 1
end

return complete
