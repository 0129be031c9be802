--- JSON in one normal form, so that two texts can be compared, and shown beside each other line by line.
--
-- A Lua table can't tell null from absent, nor an empty array from an empty object, and a float rounds a long number:
-- what a test compares must. Names are sorted, one member a line, numbers are written by their value (`1.0` and `1` are
-- the same, `9007199254740993` and `..992` are not), strings by their characters.
--
-- @module patchworks.project.canonical
local canonical = {}

local most_depth = 200

local escapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function fail(text, at, expected)
  local _, lines = text:sub(1, at - 1):gsub("\n", "")
  local came = at > #text and "the end" or ("%q"):format(text:sub(at, at)):gsub("\\\n", "\\n")
  error({ sentence = ("line %d: expected %s, got %s"):format(lines + 1, expected, came) }, 0)
end

local function skip(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

local function code_at(text, at)
  return tonumber(text:match("^\\u(%x%x%x%x)", at) or fail(text, at, "\\u and four hexadecimal digits"), 16)
end

-- One escape: its characters, and where it ends. Two of a surrogate pair are one character.
local function read_escape(text, at)
  local letter = text:sub(at + 1, at + 1)
  if letter ~= "u" then return escapes[letter] or fail(text, at, "an escape"), at + 2 end
  local code = code_at(text, at)
  if code >= 0xD800 and code < 0xDC00 and text:find("^\\u[dD][c-fC-F]", at + 6) then
    return utf8.char(0x10000 + ((code - 0xD800) << 10) + code_at(text, at + 6) - 0xDC00), at + 12
  end
  return utf8.char(code), at + 6
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
  local kept = digits:gsub("0+$", "")
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
  local members = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return { kind = "object", members = members }, at + 1 end
  while true do
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then fail(text, at, "a name in quotes") end
    local name
    name, at = read_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(text, at, ":") end
    members[name], at = read_value(text, at + 1, depth + 1)
    at = skip(text, at)
    local byte = text:sub(at, at)
    if byte == "}" then return { kind = "object", members = members }, at + 1 end
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
-- @treturn ?table a value: `kind` is "object" (`members`, by name), "array" (`items`), "string" (`value`), "number"
-- (`text`, its normal form), "true", "false" or "null"; or nil and a sentence
function canonical.parse(text)
  local ok, value, at = pcall(read_value, text, 1, 1)
  if ok then
    at = skip(text, at)
    if at <= #text then ok, value = pcall(fail, text, at, "the end") end
  end
  if ok then return value end
  if type(value) ~= "table" then error(value, 0) end
  return nil, value.sentence
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
    parts[#parts + 1] = kind == "array" and "[]" or kind == "object" and "{}" or kind
  end
end

--- Writes a value in the normal form, which ends with a newline.
-- @tparam table value as `parse` gives it
-- @treturn string
function canonical.write(value)
  local parts = {}
  append(parts, value, "")
  parts[#parts + 1] = "\n"
  return table.concat(parts)
end

return canonical
