--- Checks of what callers give: each raises at the caller's line, and says what was expected and what came.
-- @module patchworks.call.arguments
local core = require "patchworks.core"
local misuse = require("patchworks.errors").misuse

local arguments = {}

--- A value as it can be shown in one short line.
function arguments.show(value)
  if type(value) == "string" then
    local text = #value > 40 and value:sub(1, 40) .. "..." or value
    return (("%q"):format(text):gsub("\\\n", "\\n"))
  end
  if type(value) == "number" or type(value) == "boolean" or value == nil then return tostring(value) end
  return "a " .. type(value)
end

-- Levenshtein's distance, one row at a time.
local function distance(left, right)
  local row = {}
  for j = 0, #right do row[j] = j end
  for i = 1, #left do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #right do
      local above = row[j]
      local cost = left:byte(i) == right:byte(j) and 0 or 1
      row[j] = math.min(above + 1, row[j - 1] + 1, diagonal + cost)
      diagonal = above
    end
  end
  return row[#right]
end

local function names_of(allowed)
  local names = {}
  for name in pairs(allowed) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- The name nearest to a mistyped one, or nil when none is near.
-- @tparam string name
-- @tparam table allowed names as keys
function arguments.nearest(name, allowed)
  local best, least = nil, math.max(2, #name // 3) + 1
  for _, candidate in ipairs(names_of(allowed)) do
    local far = distance(name, candidate)
    if far < least then
      best, least = candidate, far
    end
  end
  return best
end

--- Refuses a name that is no option, with the one that was meant, or with all that there are.
-- @param name what the caller wrote
-- @tparam table allowed names as keys
-- @tparam string what whose options, for the message
function arguments.refuse_name(name, allowed, what)
  local near = type(name) == "string" and arguments.nearest(name, allowed)
  misuse(
    "%s: unknown option %s%s",
    what,
    type(name) == "string" and "`" .. name .. "`" or arguments.show(name),
    near and ("; did you mean `" .. near .. "`?") or "; it takes " .. table.concat(names_of(allowed), ", ")
  )
end

--- Checks that every key of `options` is allowed.
-- @tparam ?table options nil is fine
-- @tparam table allowed names as keys
-- @tparam string what whose options, for the message
function arguments.check_names(options, allowed, what)
  if options == nil then return end
  if type(options) ~= "table" then
    misuse("%s: expected a table of options, got %s", what, arguments.show(options))
  end
  for name in pairs(options) do
    if not allowed[name] then arguments.refuse_name(name, allowed, what) end
  end
end

--- Checks the type of an optional value.
function arguments.check_type(value, expected, what)
  if value ~= nil and type(value) ~= expected then
    misuse("%s: expected a %s, got %s", what, expected, arguments.show(value))
  end
  return value
end

--- Checks an optional number of seconds that must be positive.
function arguments.check_seconds(value, what)
  if value == nil then return nil end
  if type(value) ~= "number" or not (value > 0) or value == math.huge then
    misuse("%s: expected a positive number of seconds, got %s", what, arguments.show(value))
  end
  return value
end

--- Checks an optional integer in a range.
function arguments.check_integer(value, least, most, what)
  if value == nil then return nil end
  if math.type(value) ~= "integer" or value < least or value > most then
    local range = most == math.maxinteger and ("of at least %d"):format(least)
      or ("from %d to %d"):format(least, most)
    misuse("%s: expected an integer %s, got %s", what, range, arguments.show(value))
  end
  return value
end

--- Checks an optional function, or something that can be called.
function arguments.check_callable(value, what)
  if value == nil or type(value) == "function" then return value end
  local meta = getmetatable(value)
  if type(meta) == "table" and meta.__call then return value end
  misuse("%s: expected a function, got %s", what, arguments.show(value))
end

--- Checks an identifier and gives it as it stands in a path. The contract types ids as integers in answers and as
-- strings in paths: only a positive integer, or its plain decimal string, may reach a URL.
-- @param id what the caller gave
-- @tparam string what for the message
-- @treturn string decimal digits
function arguments.check_id(id, what)
  local digits = core.id(id)
  if digits then return digits end
  local hint = type(id) == "table" and math.type(id.id) == "integer" and " (pass its `id`)" or ""
  misuse("%s: expected a positive integer or its decimal string, got %s%s", what, arguments.show(id), hint)
end

return arguments
