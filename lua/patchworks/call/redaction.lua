--- Takes a secret out of texts, in every form that a service or a proxy may have given it.
--
-- A form that is known is replaced in its place. What a service makes up beside those (some characters escaped and some
-- not, escapes inside escapes, blanks in between) is at least noticed: see `holds`.
--
-- @module patchworks.call.redaction
local core = require "patchworks.core"
local document = require "patchworks.json.document"

local redaction = {}

--- What stands in the place of a secret.
redaction.mark = "[redacted]"

--- What stands in the place of a text in which a secret is hidden.
redaction.withheld = "[withheld: a credential is in it]"

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

-- A character's bytes; a host's Lua may have no `utf8`.
local character_of = document.character

local function character(digits, base)
  local code = tonumber(digits, base)
  return math.type(code) == "integer" and code >= 0 and code <= 0x10FFFF and character_of(code) or nil
end

local function hexadecimal_character(digits) return character(digits, 16) end
local function byte(digits) return string.char(tonumber(digits, 16)) end

-- What an escape of JSON's, JavaScript's or a shell's stands for, with what was read behind it.
local function escaped(kind, digits)
  if kind == "u" and #digits == 4 then return character(digits, 16) end
  if kind == "x" and #digits >= 2 then return byte(digits:sub(1, 2)) .. digits:sub(3) end
  local octal = (kind .. digits):match "^[0-3]?[0-7]?[0-7]"
  if octal then return string.char(tonumber(octal, 8)) .. (kind .. digits):sub(#octal + 1) end
  return (kind:find "[bfnrtv]" and " " or kind) .. digits
end

local function joined(pair)
  local _, a, b, _, c, d = pair:byte(1, 6)
  return character_of(0x10000 + ((a & 15) << 16 | (b & 63) << 10 | (c & 15) << 6 | d & 63))
end

-- One level of escapes less: JSON's, a URL's, HTML's and quoted-printable's at once.
local function unescaped(text)
  if text:find("\\", 1, true) then
    text = text:gsub("\\u{(%x+)}", hexadecimal_character)
      :gsub("\\U(%x%x%x%x%x%x%x%x)", hexadecimal_character)
      :gsub("\\(.)(%x?%x?%x?%x?)", escaped)
  end
  if text:find("%", 1, true) then
    text = text:gsub("%%u(%x%x%x%x)", hexadecimal_character):gsub("%%(%x%x)", byte)
  end
  if text:find("&", 1, true) then
    text = text:gsub("&#[xX](%x+);?", hexadecimal_character):gsub("&#(%d+);?", function(digits)
      return character(digits, 10)
    end)
    for plain, entity in pairs(entities) do text = text:gsub(entity .. "?", (plain:gsub("%%", "%%%%"))) end
    text = text:gsub("&apos;?", "'"):gsub("&nbsp;?", " ")
  end
  if text:find("=", 1, true) then text = text:gsub("=(%x%x)", byte) end
  -- Of a surrogate pair each half has become three bytes.
  return (text:gsub("\xED[\xA0-\xAF][\x80-\xBF]\xED[\xB0-\xBF][\x80-\xBF]", joined))
end

-- A text without what hides another: blanks, control characters, what takes no room, and capitals.
local function folded(text)
  text = text:gsub("[%s%c]+", ""):lower()
  if not text:find "[\x80-\xff]" then return text end
  return (text:gsub("\xC2[\xA0\xAD]", ""):gsub("\xE2\x80[\x8B-\x8F]", ""):gsub("\xEF\xBB\xBF", "")
    :gsub("\xC3([\x80-\x9E])", function(second) return "\xC3" .. string.char(second:byte() + 32) end))
end

-- A folded text without its punctuation.
local function bared(text) return (text:gsub("%p+", "")) end

local most_levels = 10

-- What a folded text, and a bared one, has where a secret is in it: the secret with its own escapes undone or not, as a
-- service has it that takes bytes for characters or writes Latin-1, and a longer one's encodings.
local function traces_of(secret)
  local traces, bare, seen = {}, {}, {}
  local function add(text)
    text = folded(text)
    if #text >= 4 and not seen[text] then traces[#traces + 1] = text end
    seen[text] = true
    text = bared(text)
    if #text >= 8 then bare[#bare + 1] = text end -- a shorter one would be in many texts
  end
  local plain = secret
  for _ = 1, most_levels do
    add(plain)
    add((plain:gsub(" ", "+")))
    local plainer = unescaped(plain)
    if plainer == plain then break end
    plain = plainer
  end
  add((secret:gsub("[\x80-\xff]", function(each) return character_of(each:byte()) end)))
  add((secret:gsub("([\xC2\xC3])([\x80-\xBF])", function(first, second)
    return string.char((first:byte() & 3) << 6 | second:byte() & 63)
  end)))
  if #secret >= 8 then
    add(hexadecimal(secret))
    for before = 0, 2 do
      local each = base64(secret, before)
      add(each)
      add((each:gsub("%+", "-"):gsub("/", "_")))
    end
  end
  return traces, bare
end

local function has_any(text, traces)
  for _, trace in ipairs(traces or {}) do
    if text:find(trace, 1, true) then return true end
  end
  return false
end

local function escaped_for_ascii(json)
  return (json:gsub("[\xC2-\xF4][\x80-\xBF]+", function(each)
    if #each > 4 then return nil end
    local code = each:byte() & 0x7F >> #each
    for i = 2, #each do code = code << 6 | each:byte(i) & 63 end
    if code < 0x10000 then return ("\\u%04x"):format(code) end
    return ("\\u%04x\\u%04x"):format(0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF))
  end))
end

--- The forms that a secret may have: as it is, as JSON has it, with slashes and what is not ASCII escaped or not,
-- percent-encoded, as HTML has it; a longer one also in base64 and in hexadecimal digits.
-- @tparam string secret
-- @treturn table a list, longest first, with `traces` and `bare` for `holds`; empty where the secret is too short to
-- be told from any other text
function redaction.forms(secret)
  -- Its redaction would tell it.
  if #secret < 4 then return {} end
  local json = core.encode { secret }
  json = json and json:sub(3, -3) or secret
  local bare = json:gsub("\\/", "/")
  local slashed = bare:gsub("/", "\\/")
  local percent = core.escape(secret)
  local low = percent:gsub("%%%x%x", string.lower)
  local candidates = #secret >= 8 and encoded(secret) or {}
  for _, form in ipairs {
    secret, json, bare, slashed, escaped_for_ascii(bare), escaped_for_ascii(slashed), percent, low,
    (percent:gsub("%%20", "+")), (percent:gsub("%%2F", "/")), (low:gsub("%%2f", "/")),
    (secret:gsub("[&<>\"']", entities)),
  } do
    candidates[#candidates + 1] = form
  end
  local forms, seen = {}, {}
  for _, form in ipairs(candidates) do
    if not seen[form] then forms[#forms + 1] = form end
    seen[form] = true
  end
  table.sort(forms, function(left, right) return #left > #right end)
  forms.traces, forms.bare = traces_of(secret)
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

--- Whether one of some secrets can be read in a text: whatever of it is escaped, in capitals, or with blanks between; a
-- longer one also with punctuation between.
-- @tparam string text
-- @tparam table list the forms of each
-- @treturn boolean
function redaction.holds(text, list)
  if not list[1] then return false end
  for _ = 1, most_levels do
    local plain = folded(text)
    local bare = bared(plain)
    for _, forms in ipairs(list) do
      if has_any(plain, forms.traces) or has_any(bare, forms.bare) then return true end
    end
    local plainer = unescaped(text)
    if plainer == text then return false end
    text = plainer
  end
  return true
end

--- A text without any of some secrets; nil where one can still be read in it.
-- @param text what is no string is given back
-- @tparam table list the forms of each
function redaction.clean(text, list)
  if type(text) ~= "string" then return text end
  for _, forms in ipairs(list) do text = redaction.without(text, forms) end
  if redaction.holds(text, list) then return nil end
  return text
end

return redaction
