--- JSON texts as they are, so that two can be compared, and shown beside each other line by line.
--
-- A Lua table can't tell null from absent, nor an empty array from an empty object, and a float rounds a long number:
-- what a test compares must. In the normal form names are sorted, a member a line; numbers are written by their value
-- (`1.0` and `1` are the same, `9007199254740993` and `..992` are not), strings by their characters.
--
-- A document is `{ kind = .. }`: "object" (`members` by name, `names` in their order, `twice`: one that is there more
-- than once), "array" (`items`), "string" (`value`), "number" (`text`, its normal form), "true", "false", "null"; or
-- "empty", a Lua table with nothing in it, which may stand for either.
--
-- @module patchworks.json.document
local core = require "patchworks.core"

local document = {}

local most_depth = 256 -- as for the answers of the service

local Fault = {} -- what `fail` raises
local List, Exact = {}, {} -- metatables of what `list` and `exact` give

local escapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function fail(text, at, expected)
  local _, lines = text:sub(1, at - 1):gsub("\n", "")
  local came = at > #text and "the end" or ("%q"):format(text:sub(at, at)):gsub("\\\n", "\\n")
  error(setmetatable({ sentence = ("line %d: expected %s, got %s"):format(lines + 1, expected, came) }, Fault), 0)
end

local function skip(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

local function code_at(text, at)
  return tonumber(text:match("^\\u(%x%x%x%x)", at) or fail(text, at, "\\u and four hexadecimal digits"), 16)
end

--- A character's bytes; a host's Lua may have no `utf8`.
-- @tparam integer code
-- @treturn string
local function char(code)
  if code < 0x80 then return string.char(code) end
  local bytes, first = {}, 0x3F
  repeat
    table.insert(bytes, 1, string.char(0x80 | code & 0x3F))
    code, first = code >> 6, first >> 1
  until code <= first
  return string.char(~first << 1 & 0xFF | code) .. table.concat(bytes)
end
document.character = char

-- One escape: its characters, and where it ends. Two of a surrogate pair are one character.
local function read_escape(text, at)
  local letter = text:sub(at + 1, at + 1)
  if letter ~= "u" then return escapes[letter] or fail(text, at, "an escape"), at + 2 end
  local code = code_at(text, at)
  if code >= 0xD800 and code < 0xDC00 and text:find("^\\u[dD][c-fC-F]", at + 6) then
    return char(0x10000 + ((code - 0xD800) << 10) + code_at(text, at + 6) - 0xDC00), at + 12
  end
  return char(code), at + 6
end

local function read_string(text, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = text:find('[%c"\\]', at) or fail(text, #text + 1, 'a closing "')
    parts[#parts + 1] = text:sub(at, stop - 1)
    local byte = text:sub(stop, stop)
    if byte == '"' then return table.concat(parts), stop + 1 end
    if byte == "\\" then
      parts[#parts + 1], at = read_escape(text, stop)
    elseif byte == "\127" then
      parts[#parts + 1], at = byte, stop + 1
    else
      fail(text, stop, "no bare control character in a string")
    end
  end
end

-- A number by its value: digits without zeros at either end, and where the point is.
local function normal_number(sign, whole, fraction, exponent)
  local digits = (whole .. fraction):gsub("^0+", "")
  local shift = exponent - #fraction
  local kept = digits:reverse():gsub("^0+", ""):reverse() -- "0+$" would look at each zero again and again
  shift = shift + #digits - #kept
  if kept == "" then return "0" end
  if shift >= 0 and #kept + shift <= 21 then return sign .. kept .. ("0"):rep(shift) end
  if shift < 0 and shift > -21 then
    local padded = ("0"):rep(1 - shift - #kept) .. kept
    return sign .. padded:sub(1, shift - 1) .. "." .. padded:sub(shift)
  end
  local point = #kept > 1 and "." or ""
  return ("%s%s%s%se%d"):format(sign, kept:sub(1, 1), point, kept:sub(2), shift + #kept - 1)
end

local function read_number(text, at)
  local sign, whole, after = text:match("^(%-?)(%d+)()", at)
  if not whole or (#whole > 1 and whole:sub(1, 1) == "0") then fail(text, at, "a value") end
  local fraction, behind = text:match("^%.(%d+)()", after)
  after = behind or after
  local power, last = text:match("^[eE]([%+%-]?%d+)()", after)
  after = last or after
  if text:find("^[%.eE%d]", after) then fail(text, after, "the end of a number") end
  local exponent = math.tointeger(tonumber(power or "0"))
  if not exponent or math.abs(exponent) > 1000000 then fail(text, at, "a number of less than a million digits") end
  return { kind = "number", text = normal_number(sign, whole, fraction or "", exponent) }, after
end

local read_value

local function read_array(text, at, depth)
  local items = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then return { kind = "array", items = items }, at + 1 end
  while true do
    items[#items + 1], at = read_value(text, at, depth + 1)
    at = skip(text, at)
    local byte = text:sub(at, at)
    if byte == "]" then return { kind = "array", items = items }, at + 1 end
    if byte ~= "," then fail(text, at, ", or ]") end
    at = at + 1
  end
end

local function read_object(text, at, depth)
  local object = { kind = "object", members = {}, names = {} }
  local members, names = object.members, object.names
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then fail(text, at, "a name in quotes") end
    local name
    name, at = read_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(text, at, ":") end
    if members[name] then object.twice = object.twice or name else names[#names + 1] = name end
    members[name], at = read_value(text, at + 1, depth + 1)
    at = skip(text, at)
    local byte = text:sub(at, at)
    if byte == "}" then return object, at + 1 end
    if byte ~= "," then fail(text, at, ", or }") end
    at = at + 1
  end
end

function read_value(text, at, depth)
  if depth > most_depth then fail(text, at, ("at most %d values inside each other"):format(most_depth)) end
  at = skip(text, at)
  local byte = text:sub(at, at)
  if byte == "{" then return read_object(text, at, depth) end
  if byte == "[" then return read_array(text, at, depth) end
  if byte == '"' then
    local value, after = read_string(text, at)
    return { kind = "string", value = value }, after
  end
  local word = text:match("^%l+", at)
  if word == "true" or word == "false" or word == "null" then return { kind = word }, at + #word end
  return read_number(text, at)
end

--- Reads a JSON text.
-- @tparam string text
-- @treturn ?table document; or nil and a sentence
function document.parse(text)
  local ok, value, at = pcall(read_value, text, 1, 1)
  if ok then
    at = skip(text, at)
    if at <= #text then ok, value = pcall(fail, text, at, "the end") end
  end
  if ok then return value end
  if getmetatable(value) ~= Fault then error(value, 0) end
  return nil, value.sentence
end

local function number_of(value)
  if math.type(value) == "integer" then return (read_number(("%d"):format(value), 1)) end
  if value ~= value or value == math.huge or value == -math.huge then return nil, ("%s is no JSON"):format(value) end
  for digits = 15, 17 do -- the fewest that are this float and no other
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then return (read_number(text:gsub(",", "."), 1)) end
  end
end

local of

local function array_of(value, count, depth)
  local items = {}
  for i = 1, count do
    local item, problem = of(value[i], depth + 1)
    if not item then return nil, problem end
    items[i] = item
  end
  return { kind = "array", items = items }
end

local function object_of(value, depth)
  local object = { kind = "object", members = {}, names = {} }
  for name, member in pairs(value) do
    if type(name) ~= "string" then return nil, ("a key that is a %s (an array has no holes)"):format(type(name)) end
    local inner, problem = of(member, depth + 1)
    if not inner then return nil, problem end
    object.members[name], object.names[#object.names + 1] = inner, name
  end
  table.sort(object.names)
  return object
end

local function table_of(value, depth)
  local meta = getmetatable(value)
  if meta == Exact then return value.document end
  if depth > most_depth then return nil, ("tables nested over %d deep (does one hold itself?)"):format(most_depth) end
  if meta == List then return array_of(value, #value, depth) end
  if next(value) == nil then return { kind = "empty" } end
  local count = 0
  for _ in pairs(value) do count = count + 1 end
  if count == #value then return array_of(value, count, depth) end
  return object_of(value, depth)
end

function of(value, depth)
  local kind = type(value)
  if value == core.null then return { kind = "null" } end
  if kind == "string" then return { kind = "string", value = value } end
  if kind == "boolean" then return { kind = tostring(value) } end
  if kind == "number" then return number_of(value) end
  if kind == "table" then return table_of(value, depth) end
  return nil, ("a %s is no JSON"):format(kind)
end

--- The document of a Lua value. A table with nothing in it is "empty".
-- @param value what can be JSON; `patchworks.null` is null
-- @treturn ?table document; or nil and a sentence
function document.of(value) return of(value, 1) end

--- A list for `of` that is an array though nothing is in it.
-- @tparam ?table values
-- @treturn ?table a copy; nil for nil
function document.list(values) return values and setmetatable(table.move(values, 1, #values, 1, {}), List) end

--- A JSON text for `of`, which stands as it is in what it is part of.
-- @tparam string text
-- @treturn ?table nil where it is no JSON
function document.exact(text)
  local value = document.parse(text)
  return value and setmetatable({ document = value }, Exact)
end

--- Makes each object that has no member an "empty" one, as it was before a Lua table was written.
-- @tparam table value a document
-- @treturn table the same
function document.loosen(value)
  if value.kind == "object" and not next(value.members) then value.kind = "empty" end
  for _, each in pairs(value.items or value.members or {}) do document.loosen(each) end
  return value
end

local short = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(byte)
    return short[byte] or byte ~= "\127" and ("\\u%04x"):format(byte:byte()) or nil
  end) .. '"'
end

local function append(parts, value, indent)
  local kind = value.kind
  if kind == "string" then
    parts[#parts + 1] = quote(value.value)
  elseif kind == "number" then
    parts[#parts + 1] = value.text
  elseif kind == "array" and value.items[1] then
    local inner = indent .. "  "
    for i, item in ipairs(value.items) do
      parts[#parts + 1] = (i == 1 and "[\n" or ",\n") .. inner
      append(parts, item, inner)
    end
    parts[#parts + 1] = "\n" .. indent .. "]"
  elseif kind == "object" and next(value.members) then
    local inner, names = indent .. "  ", {}
    for name in pairs(value.members) do names[#names + 1] = name end
    table.sort(names)
    for i, name in ipairs(names) do
      parts[#parts + 1] = (i == 1 and "{\n" or ",\n") .. inner .. quote(name) .. ": "
      append(parts, value.members[name], inner)
    end
    parts[#parts + 1] = "\n" .. indent .. "}"
  else
    parts[#parts + 1] = kind == "array" and "[]" or (kind == "object" or kind == "empty") and "{}" or kind
  end
end

--- Writes a value in the normal form, which ends with a newline.
-- @tparam table value a document
-- @treturn string
function document.write(value)
  local parts = {}
  append(parts, value, "")
  parts[#parts + 1] = "\n"
  return table.concat(parts)
end

local function append_brief(parts, value, left)
  local kind = value.kind
  local opening, closing = kind == "array" and "[" or "{", kind == "array" and "]" or "}"
  local list = kind == "array" and value.items or kind == "object" and (value.names or {})
  if not list then
    local text = kind == "string" and quote(value.value:sub(1, left + 4)) or value.text
      or kind == "empty" and "{}" or kind
    parts[#parts + 1] = text
    return left - #text
  end
  parts[#parts + 1], left = opening, left - 2
  for i, each in ipairs(list) do
    if left < 0 then break end
    local before = (i > 1 and "," or "") .. (kind == "object" and quote(each) .. ":" or "")
    parts[#parts + 1] = before
    left = append_brief(parts, kind == "object" and value.members[each] or each, left - #before)
  end
  parts[#parts + 1] = closing
  return left
end

--- A value in one short line, which is cut where it is longer.
-- @tparam table value a document that was read or made here
-- @tparam integer most bytes
-- @treturn string
function document.brief(value, most)
  local parts = {}
  append_brief(parts, value, most)
  return document.cut(table.concat(parts), 1, most)
end

--- A value in one line, whole.
-- @tparam table value a document that was read or made here
-- @treturn string
function document.line(value) return document.brief(value, 1 << 53) end

--- A piece of a text, whole characters alone, with dots where something is missing.
-- @tparam string text
-- @tparam integer from its first byte
-- @tparam integer most bytes
-- @treturn string
function document.cut(text, from, most)
  local function inside(at) return text:find("^[\x80-\xbf]", at) end
  while from > 1 and inside(from) do from = from - 1 end
  local stop = math.min(#text, from + most - 1)
  while stop < #text and stop > from and inside(stop + 1) do stop = stop - 1 end
  return (from > 1 and "..." or "") .. text:sub(from, stop) .. (stop < #text and "..." or "")
end

document.quote = quote

return document
