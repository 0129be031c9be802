--- One attempt as a recording keeps it: what was sent and what came, without a credential.
--
-- Whatever is not known to be harmless stays away: of most headers there is the name alone, of a login names, numbers
-- and no text, of other bodies no credential of the client in any form, and nothing that looks like somebody's secret
-- (see patchworks.project.secrets). A body in which a credential can still be read after that is withheld, and one of
-- more than a mebibyte is counted.
--
-- @module patchworks.recording.attempt
local auth = require "patchworks.call.auth"
local core = require "patchworks.core"
local redaction = require "patchworks.call.redaction"
local secrets = require "patchworks.project.secrets"

local attempt = {}

local most_bytes = 1024 * 1024

local shown = {}
for _, name in ipairs {
  "accept", "accept-encoding", "accept-ranges", "age", "allow", "cache-control", "connection", "content-encoding",
  "content-language", "content-length", "content-type", "date", "expires", "last-modified", "retry-after", "server",
  "transfer-encoding", "user-agent", "vary", "via", "x-powered-by",
} do shown[name] = true end

-- Whether a header's value tells nothing that could be a secret.
local function is_harmless(name) return shown[name] or name:find "^x%-ratelimit%-" or name:find "^ratelimit" end

-- The client's credential, and what a login gave it, as they are taken out of a text.
local Credential = {}
Credential.__index = Credential

local function credential_of(client, learned)
  local list = client._auth.forms()
  return setmetatable(table.move(learned, 1, #learned, #list + 1, list), Credential)
end

-- A text without any; nil where one is left in it.
function Credential:without(text) return redaction.clean(text, self) end

function Credential:or_word(text) return self:without(text) or redaction.withheld end

-- What is no UTF-8 can't stand in JSON.
local function as_utf8(text)
  if utf8.len(text) then return text end
  local parts, start = {}, 1
  while start <= #text do
    local _, wrong = utf8.len(text, start)
    parts[#parts + 1] = text:sub(start, (wrong or #text + 1) - 1)
    if wrong then parts[#parts + 1] = "\u{FFFD}" end
    start = (wrong or #text) + 1
  end
  return table.concat(parts)
end

-- What a page of HTML has in its fields: a token against forgery, for one.
local function without_fields(text)
  return (text:gsub("([vV][aA][lL][uU][eE]%s*=%s*)([\"']).-%2", "%1%2" .. redaction.mark .. "%2")
    :gsub("([cC][oO][nN][tT][eE][nN][tT]%s*=%s*)([\"']).-%2", "%1%2" .. redaction.mark .. "%2"))
end

local function body_of(text, credential)
  if text == nil or text == "" then return {} end
  local kept = { bytes = #text }
  if #text > most_bytes then
    kept.withheld = "it is long"
    return kept
  end
  local clean = credential:without(text)
  clean = clean and secrets.without(as_utf8(clean), "body")
  if clean and not core.decode(clean) then clean = without_fields(clean) end
  kept.body = clean
  kept.withheld = not clean and "a credential is in it" or nil
  return kept
end

-- Of a login's texts nothing is kept but how its fields are called.
local function emptied(value, credential)
  if type(value) == "string" then return redaction.mark end
  if type(value) ~= "table" then return value end
  local copy = {}
  for name, inner in pairs(value) do
    copy[type(name) == "string" and credential:or_word(name) or name] = emptied(inner, credential)
  end
  return copy
end

local function body_of_login(text, credential)
  if text == nil or text == "" then return {} end
  local value = #text <= most_bytes and core.decode(text)
  if type(value) ~= "table" then return { bytes = #text, withheld = "it is a login's" } end
  return { bytes = #text, body = core.encode(emptied(value, credential)) }
end

local most_learned = 64

-- What a login's answer may have given: any long text without a blank.
local function learn(value, learned)
  if type(value) == "string" and #value >= 8 and not value:find "%s" then
    learned[#learned + 1] = redaction.forms(value)
    if #learned > most_learned then table.remove(learned, 1) end
  end
  for _, inner in pairs(type(value) == "table" and value or {}) do learn(inner, learned) end
end

local function headers_of(map, credential)
  local kept = {}
  for name, value in pairs(map) do
    name = name:lower()
    kept[as_utf8(credential:or_word(name))] = is_harmless(name) and as_utf8(credential:or_word(value)) or redaction.mark
  end
  return kept
end

local function request_headers(call)
  local map = {}
  for _, line in ipairs(auth.lines(call.header_lines)) do
    local name, value = line:match "^([^:;]+)[:;]%s*(.*)$"
    if value ~= "" then map[name] = value end
  end
  if not call.anonymous then map.Authorization = redaction.mark end
  return map
end

-- What gives a grant away in a query alone: elsewhere a "code" is a status, or a country's.
local granting = { code = true, sig = true, signature = true }

local function decoded(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- A query without the values whose names or forms say that they are secrets.
local function clean_query(query)
  return (query:gsub("([^&=]+)=([^&]*)", function(name, value)
    local plain = decoded(name)
    local bare = plain:lower():gsub("[^%w]", "")
    local secret = secrets.named(plain) or granting[bare] or bare:find "signature$"
    if secret or select(2, secrets.without(decoded(value), "query"))[1] then return name .. "=" .. redaction.mark end
  end))
end

local function iso(time)
  return os.date("!%Y-%m-%dT%H:%M:%S", math.floor(time)) .. (".%03dZ"):format(math.floor(time % 1 * 1000))
end
attempt.iso = iso

-- Fields of an object in the order that people read them in.
local function object(fields)
  local parts = {}
  for _, field in ipairs(fields) do
    local name, value = field[1], field[2]
    if value ~= nil then
      -- Nobody reads a slash with a backslash before it.
      local text = type(value) == "table" and value.raw or (core.encode(value):gsub("\\(.)", { ["/"] = "/" }))
      parts[#parts + 1] = ('"%s":%s'):format(name, text)
    end
  end
  return { raw = "{" .. table.concat(parts, ",") .. "}" }
end

local function message(headers, body, status)
  return object {
    { "status", status },
    { "headers", next(headers) and headers or nil },
    { "bytes", body.bytes },
    { "body", body.body },
    { "withheld", body.withheld },
  }
end

--- The line of an attempt.
-- @tparam table call see patchworks.call.send
-- @tparam table facts `number`, `seconds`; `status`, `body` and `header_block` of an answer, or `failure` (`kind`,
-- `message`, `sent`), what came in its place
-- @tparam number time when it began, seconds since 1970
-- @tparam table learned what logins have given so far; the caller keeps it where nothing shows it
-- @treturn string JSON, without the newline
function attempt.line(call, facts, time, learned)
  local is_login = call.operation == "login"
  if is_login then learn(facts.body and #facts.body <= most_bytes and core.decode(facts.body), learned) end
  local credential = credential_of(call.client, learned)
  local keep_body = is_login and body_of_login or body_of
  local failure = facts.failure
  local origin, path, query = call.url:match "^(%a+://[^/?]+)([^?]*)%??(.*)$"
  local answer
  if facts.status then
    answer = message(headers_of(core.parse_headers(facts.header_block), credential), keep_body(facts.body, credential),
      facts.status)
  end
  return object({
    { "v", 1 }, { "type", "attempt" },
    { "time", iso(time) },
    { "operation", as_utf8(credential:or_word(call.operation)) },
    { "number", facts.number },
    { "credential", not call.anonymous and call.client._auth.kind or nil },
    { "method", call.method },
    { "origin", origin },
    { "path", credential:or_word(path) },
    { "query", query ~= "" and credential:or_word(clean_query(query)) or nil },
    { "request", message(headers_of(request_headers(call), credential), keep_body(call.body, credential)) },
    { "response", answer },
    { "failure", failure and object {
      { "kind", failure.kind }, { "message", as_utf8(credential:or_word(failure.message)) },
      { "sent", failure.sent or false },
    } },
    { "seconds", math.floor(facts.seconds * 1e6 + 0.5) / 1e6 },
  }).raw
end

return attempt
