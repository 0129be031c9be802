--- Takes a secret out of texts, in every form that a service or a proxy may have given it.
--
-- A form that is known is replaced in its place. What a service makes up beside those (some characters escaped and some
-- not, escapes inside escapes, blanks in between) is at least noticed: see `holds`.
--
-- @module patchworks.call.redaction
local core = require "patchworks.core"

local redaction = {}

--- What stands in the place of a secret.
redaction.mark = "[redacted]"

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- Base64 of a text that stands behind `before` other bytes: only the characters that are all its own.
local function base64(text, before)
  local bytes = ("\0"):rep(before) .. text
  local characters = {}
  for first = 1, #bytes, 3 do
    local a, b, c = bytes:byte(first, first + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    for shift = 18, 0, -6 do
      local index = (bits >> shift & 63) + 1
      characters[#characters + 1] = alphabet:sub(index, index)
    end
  end
  local whole = #bytes * 8 // 6
  return table.concat(characters, "", before == 0 and 1 or before + 2, whole)
end

local function spelled(byte) return ("%02x"):format(byte:byte()) end

local function hexadecimal(text) return (text:gsub(".", spelled)) end

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

-- Encodings in which nothing of a secret stands as it is. Of one that is short they would be found by chance.
local function encoded(secret)
  local list = { hexadecimal(secret), hexadecimal(secret):upper() }
  for before = 0, 2 do
    local plain = base64(secret, before)
    list[#list + 1] = plain
    list[#list + 1] = plain:gsub("/", "\\/")
    list[#list + 1] = plain:gsub("%+", "-"):gsub("/", "_")
    list[#list + 1] = core.escape(plain)
  end
  return list
end

--- The forms that a secret may have: as it is, as JSON has it, with slashes escaped or not, percent-encoded, as HTML
-- has it; a longer one also in base64 and in hexadecimal digits.
-- @tparam string secret
-- @treturn table a list, the longest first; empty where the secret is too short to be told from any other text
function redaction.forms(secret)
  -- Its redaction would tell it.
  if #secret < 4 then return {} end
  local json = core.encode { secret }
  json = json and json:sub(3, -3) or secret
  local bare = json:gsub("\\/", "/")
  local percent = core.escape(secret)
  local candidates = #secret >= 8 and encoded(secret) or {}
  for _, form in ipairs {
    secret, json, bare, (bare:gsub("/", "\\/")), percent, (percent:gsub("%%%x%x", string.lower)),
    (percent:gsub("%%20", "+")), (secret:gsub("[&<>\"']", entities)),
  } do
    candidates[#candidates + 1] = form
  end
  local forms, seen = {}, {}
  for _, form in ipairs(candidates) do
    if not seen[form] then forms[#forms + 1] = form end
    seen[form] = true
  end
  table.sort(forms, function(left, right) return #left > #right end)
  return forms
end

local function without(text, form)
  local from, to = text:find(form, 1, true)
  if not from then return text end
  local parts, start = {}, 1
  while from do
    parts[#parts + 1] = text:sub(start, from - 1) .. redaction.mark
    start = to + 1
    from, to = text:find(form, start, true)
  end
  return table.concat(parts) .. text:sub(start)
end

--- A text without a secret.
-- @param text what is no string is given back
-- @tparam table forms of the secret
function redaction.without(text, forms)
  if type(text) ~= "string" then return text end
  for _, form in ipairs(forms) do text = without(text, form) end
  return text
end

local function character(digits, base)
  local code = tonumber(digits, base)
  return code and code < 256 and string.char(code) or nil
end

local blank = { n = true, r = true, t = true }

-- What an escape of JSON's or JavaScript's stands for, with what was read behind it; nil where it is none.
local function escaped(kind, digits)
  if kind == "u" then return #digits == 4 and character(digits, 16) or nil end
  if kind == "x" then return #digits >= 2 and character(digits:sub(1, 2), 16) .. digits:sub(3) or nil end
  if blank[kind] then return " " .. digits end
  return kind:find "[/\"'\\]" and kind .. digits or nil
end

-- One level of escapes less: JSON's, a URL's and HTML's at once.
local function unescaped(text)
  if text:find("\\", 1, true) then text = text:gsub("\\(.)(%x?%x?%x?%x?)", escaped) end
  if text:find("%", 1, true) then text = text:gsub("%%(%x%x)", function(digits) return character(digits, 16) end) end
  if text:find("&", 1, true) then
    text = text:gsub("&#([xX]?)(%x+);", function(x, digits)
      return #digits < 8 and character(digits, x == "" and 10 or 16) or nil
    end)
    for plain, entity in pairs(entities) do text = text:gsub(entity, (plain:gsub("%%", "%%%%"))) end
  end
  return text
end

local most_levels = 10

--- Whether a secret can still be read in a text: whatever of it is escaped, in capitals or not, with blanks between.
-- @tparam string text
-- @tparam string secret
-- @tparam table forms of the secret
-- @treturn boolean
function redaction.holds(text, secret, forms)
  if not forms[1] then return false end
  local wanted = { secret, table.unpack(forms) }
  for _ = 1, most_levels do
    local dense = text:gsub("%s", "")
    local low = dense:lower()
    for _, form in ipairs(wanted) do
      local bare = form:gsub("%s", "")
      if dense:find(bare, 1, true) or (form == secret and low:find(bare:lower(), 1, true)) then return true end
    end
    local plainer = unescaped(text)
    if plainer == text then return false end
    text = plainer
    local plain = unescaped(secret)
    if #plain >= 4 then secret, wanted[1] = plain, plain end
  end
  return true
end

return redaction
