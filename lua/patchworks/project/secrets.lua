--- What looks like a secret is left out of what is kept: a case is for all who have the project.
--
-- The rule: a member of an object, or a variable, whose name says so (`api_key`, `Authorization`, `clientSecret`, ..)
-- is emptied, with all that is below it; of a text that is no JSON, what follows such a name (`password=..`,
-- `api_key: ..`). So is, in any text, what has a secret's form (a Bearer or Basic credential, a JSON Web Token, a
-- private key) and what is told to be one. A secret without a name or a form is not recognised: look at what was kept.
--
-- @module patchworks.project.secrets
local document = require "patchworks.json.document"

local secrets = {}

local left_out = "(left out)"

local words = {
  "password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "signingkey",
  "authorization", "authentication", "credential", "cookie", "sessionid", "pincode", "cardnumber", "cvc", "cvv", "iban",
}

--- Whether what has this name is a secret.
-- @tparam string name such as "clientSecret"
-- @treturn boolean
function secrets.named(name)
  local plain = name:lower():gsub("[^%w]", "")
  for _, word in ipairs(words) do
    if plain:find(word, 1, true) then return true end
  end
  return plain == "key" or plain == "auth" or plain == "pin" or plain == "pins" or plain == "pwd"
end

local forms = {
  "%f[%w][Bb]earer +[%w%-%._~%+/]+=*",
  "%f[%w][Bb]asic +[%w%+/]+=*",
  "%f[%w]eyJ[%w%-_]+%.[%w%-_]+%.[%w%-_]*",
  "%f[%w]sk_%a+_%w+",
  "%f[%w]gh[pousr]_%w+",
  "%f[%w]AKIA[%u%d]+",
}

-- A key that has no end ends with the text. Not by one pattern: many beginnings would take quadratic time.
local function without_private_keys(text, path, found)
  local parts, start = {}, 1
  while true do
    local from, stop = text:find("%-%-%-%-%-BEGIN [%u ]*PRIVATE KEY%-%-%-%-%-", start)
    if not from then break end
    local _, last = text:find("%-%-%-%-%-END [%u ]*PRIVATE KEY%-%-%-%-%-", stop + 1)
    parts[#parts + 1] = text:sub(start, from - 1) .. left_out
    found[#found + 1] = path
    start = (last or #text) + 1
  end
  return table.concat(parts) .. text:sub(start)
end

-- `password=hunter22`, `api_key: "abcd 1234"`: a name, and what is said of it. Names are short, so this is linear.
local function without_named(text, path, found)
  local function replace(name, sign, value)
    if not secrets.named(name) or value == left_out then return nil end
    found[#found + 1] = path
    return name .. sign .. left_out
  end
  local name, sign = "%f[%w_%-]([%w_%-]+)", "([\"']?[ \t]*[:=][ \t]*)"
  for _, value in ipairs { '("[^"\n]*")', "('[^'\n]*')", "([^%s\"'&;,<>(){}%[%]][^%s\"'&;,<>]*)" } do
    text = text:gsub(name .. sign .. value, replace)
  end
  return text
end

local function clean_text(text, known, path, found)
  local function replace(what)
    -- "Basic needs" is English; a credential has a digit or a capital letter.
    if what:find "^[Bb]%l+ +[%l%-%.]*$" then return nil end
    found[#found + 1] = path
    return left_out
  end
  for _, secret in ipairs(known) do
    if #secret >= 6 then text = text:gsub(secret:gsub("%p", "%%%0"), replace) end
  end
  for _, form in ipairs(forms) do text = text:gsub(form, replace) end
  return without_private_keys(text, path, found)
end

local function below(path, name) return path == "" and tostring(name) or path .. "." .. tostring(name) end

local clean

-- A string that is JSON itself, as the service's `variables` are, is looked into.
local function clean_string(text, known, path, found)
  local before = #found
  local inner = text:find "^%s*[{%[]" and document.parse(text)
  if not inner then return clean_text(text, known, path, found) end
  local cleaned = clean(inner, known, path, found)
  return #found > before and document.write(cleaned) or text
end

-- What is below a secret's name: nothing of it stays but lists, and the names in objects.
local function emptied(value, path, found)
  if value.kind == "array" then
    local items = {}
    for i, item in ipairs(value.items) do items[i] = emptied(item, below(path, i), found) end
    return { kind = "array", items = items }
  elseif value.kind == "object" then
    local members = {}
    for name, member in pairs(value.members) do members[name] = emptied(member, below(path, name), found) end
    return { kind = "object", members = members }
  elseif value.kind == "string" or value.kind == "number" then
    found[#found + 1] = path
    return { kind = "string", value = left_out }
  end
  return value
end

function clean(value, known, path, found)
  if value.kind == "string" then
    return { kind = "string", value = clean_string(value.value, known, path, found) }
  elseif value.kind == "array" then
    local items = {}
    for i, item in ipairs(value.items) do items[i] = clean(item, known, below(path, i), found) end
    return { kind = "array", items = items }
  elseif value.kind == "object" then
    local members = {}
    -- What stood there first is not looked at: it must not be kept.
    if value.twice then found[#found + 1] = below(path, value.twice) end
    for name, member in pairs(value.members) do
      local inner = below(path, name)
      members[name] = secrets.named(name) and emptied(member, inner, found) or clean(member, known, inner, found)
    end
    return { kind = "object", members = members }
  end
  return value
end

--- A text without its secrets; one that has none comes back byte for byte.
-- @tparam string text JSON, or anything
-- @tparam string what it is, such as "payload", for what was found
-- @tparam ?table known texts that are secrets: the credential in use
-- @treturn string
-- @treturn table where something was left out, a sorted list such as `{"payload.customer.token"}`
function secrets.without(text, what, known)
  local found = {}
  local value = document.parse(text)
  if value and (value.kind == "object" or value.kind == "array") then
    local cleaned = clean(value, known or {}, what, found)
    if found[1] then text = document.write(cleaned) end
  else
    -- Not so in JSON's strings: scripts are among them, and a name in code is followed by no secret, mostly.
    text = without_named(clean_text(text, known or {}, what, found), what, found)
  end
  table.sort(found)
  return text, found
end

return secrets
