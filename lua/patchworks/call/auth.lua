--- Who the client is: an API key, a token, or a login that gives tokens and is renewed when one expires.
--
-- Secrets live in closures and in the core's header objects (which overwrite their memory when they go), never in a
-- field that something could print.
--
-- @module patchworks.call.auth
local async = require "patchworks.async"
local core = require "patchworks.core"

local Auth = { __name = "patchworks.auth" }
Auth.__index = Auth

local auth = {}

local base_lines = { "Accept: application/json", "Content-Type: application/json", "Expect:" }

local function header_name(line)
  return line:match("^[^:]*"):lower()
end

-- The header object for one request: the credential, the client's own lines, and the caller's in their place.
local function build(line, extra)
  local lines, own = { line }, {}
  for _, each in ipairs(extra or {}) do
    own[header_name(each)] = true
    lines[#lines + 1] = each
  end
  for _, each in ipairs(base_lines) do
    if not own[header_name(each)] then lines[#lines + 1] = each end
  end
  return core.headers(lines)
end

local function without(text, secret)
  if type(text) ~= "string" then return text end
  local parts, start = {}, 1
  while true do
    local from, to = text:find(secret, start, true)
    if not from then return table.concat(parts) .. text:sub(start) end
    parts[#parts + 1] = text:sub(start, from - 1) .. "[redacted]"
    start = to + 1
  end
end

-- The secret as it may stand in an answer: as it is, or as JSON has it, with slashes escaped or not.
local function forms_of(secret)
  local escaped = core.encode { secret }
  escaped = escaped and escaped:sub(3, -3) or secret
  return { secret, escaped, (escaped:gsub("\\/", "/")), (escaped:gsub("\\/", "/"):gsub("/", "\\/")) }
end

-- Takes a secret out of all that an error can show.
local function redact(failure, secret)
  failure.message = without(failure.message, secret)
  local response = failure.response
  if response then
    response.body = without(response.body, secret)
    response.header_block = without(response.header_block, secret)
  end
  if failure.errors then
    local clean = {}
    for field, list in pairs(failure.errors) do
      if type(list) == "table" then
        local texts = {}
        for i, text in ipairs(list) do texts[i] = without(text, secret) end
        list = texts
      end
      clean[without(field, secret)] = without(list, secret)
    end
    failure.errors = clean
  end
end

--- Makes the client's credential.
-- @tparam table credential `{kind = "key", secret = ..}`, `{kind = "token", secret = ..}` or
-- `{kind = "login", username = .., secret = .., field = .., url = ..}`; see call/options.lua
function auth.new(credential)
  local self = setmetatable({ kind = credential.kind, generation = 0, settled = async.condition() }, Auth)
  local line
  local function accept(token)
    line = token
    self.generation = self.generation + 1
    self.headers_alone = build(line)
  end
  -- Headers with the caller's own lines are made anew; without, they are the same for every request.
  self.headers = function(extra)
    return extra and build(line, extra) or self.headers_alone
  end
  -- Too short a secret would turn up in any text by chance, and its redaction would tell it.
  self.redact = function(_, failure)
    for _, secret in ipairs { credential.secret, line and line:match("^Authorization: Bearer (.*)$") } do
      if #secret >= 4 then
        for _, form in ipairs(forms_of(secret)) do redact(failure, form) end
      end
    end
  end
  if credential.kind == "key" then
    accept("Authorization: " .. credential.secret)
  elseif credential.kind == "token" then
    accept("Authorization: Bearer " .. credential.secret)
  else
    self.login_url = credential.url
    self.accept_token = function(token) accept("Authorization: Bearer " .. token) end
    self.login_body = function()
      return core.encode { [credential.field] = credential.username, password = credential.secret }
    end
  end
  return self
end

--- Headers that carry no credential, for the login itself.
function auth.anonymous()
  return core.headers(base_lines)
end

local function settle(self)
  self.logging_in = false
  self.settled:announce()
end

--- Makes sure that there is a credential to send; logs in when there is none. Of many that ask at once one logs in,
-- and all share how it ends.
-- @tparam function login sends the login: gives a token, or nil and an error
-- @tparam number deadline monotonic
-- @treturn ?boolean true; or nil and the error
function Auth:ready(login, deadline)
  while not self.headers_alone do
    if self.logging_in then
      local flight = self.flight
      if not self.settled:wait(deadline) then return nil, nil end
      if flight.problem then return nil, flight.problem end
    else
      self.flight, self.logging_in = {}, true
      local _ <close> = setmetatable({}, { __close = function() settle(self) end })
      local token, problem = login()
      if not token then
        self.flight.problem = problem
        return nil, problem
      end
      self.accept_token(token)
    end
  end
  return true
end

--- The service did not accept the credential of `generation`. Whether it makes sense to ask `ready` for another.
function Auth:refused(generation)
  if self.kind ~= "login" then return false end
  if self.generation == generation then self.headers_alone = nil end
  return true
end

local hints = {
  key = "check `api_key` or PATCHWORKS_API_KEY",
  token = "check `token` or PATCHWORKS_TOKEN; tokens expire, 24 hours after the login by default",
  login = "check `username` and `password`, or PATCHWORKS_USERNAME and PATCHWORKS_PASSWORD, and `login_url`",
}

--- What to do about an error of this kind, or nil.
function Auth:hint(kind, operation)
  if kind == "unauthenticated" then return hints[self.kind] end
  if kind == "forbidden" and operation == "upload" and self.kind == "key" then
    return "upload needs an administrator; an API key has a manager's rights: use `token`, or `username` and `password`"
  end
  if kind == "forbidden" then return "the credential is good, but may not do this" end
end

return auth
