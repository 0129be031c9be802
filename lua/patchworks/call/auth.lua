--- Who the client is: an API key, a token, or a login that gives tokens and is renewed when one expires.
--
-- Secrets live in closures and in the core's header objects (which overwrite their memory when they go), never in a
-- field that something could print.
--
-- @module patchworks.call.auth
local clock = require "patchworks.time.clock"
local condition = require "patchworks.time.condition"
local core = require "patchworks.core"
local redaction = require "patchworks.call.redaction"
local scheduler = require "patchworks.time.scheduler"

local Auth = { __name = "patchworks.auth" }
Auth.__index = Auth

local auth = {}

--- What the client calls itself.
auth.user_agent = "patchworks-lua/0.1.0"

-- What libcurl would write by itself is among them: it takes them as they are, and its own apart and together again.
local base_lines = {
  "Accept: application/json",
  "Content-Type: application/json",
  "User-Agent: " .. auth.user_agent,
  "Accept-Encoding: " .. core.versions().encodings,
}
local no_expect = "Expect:" -- with a body: libcurl would ask first whether a long one is wanted

local function header_name(line)
  return line:match("^[^:]*"):lower()
end

--- The header lines of a request but for the credential: the client's own, and the caller's in their place.
-- @tparam ?table extra the caller's
-- @tparam ?string line the credential's, which comes first
-- @param body what is sent with it, if anything is
-- @treturn table
function auth.lines(extra, line, body)
  local lines, own = { line }, {}
  for _, each in ipairs(extra or {}) do
    own[header_name(each)] = true
    lines[#lines + 1] = each
  end
  for _, each in ipairs(base_lines) do
    if not own[header_name(each)] then lines[#lines + 1] = each end
  end
  if body then lines[#lines + 1] = no_expect end
  return lines
end

local function build(line, extra, body) return core.headers(auth.lines(extra, line, body)) end

-- A header in which a secret is hidden keeps its name, one whose name hides it nothing.
local function clean_headers(block, clean)
  return (block:gsub("\r?\n[ \t]+", " "):gsub("[^\r\n]+", function(line)
    local plain = clean(line)
    if plain ~= redaction.withheld then return plain end
    local name = clean(line:match "^[^:]*")
    return (name == plain and "withheld" or name) .. ": " .. plain
  end))
end

local most_bytes = 64 * 1024 -- of an error's text: to look for a secret takes time, of which the call has only so much
local margin = 8 * 1024 -- at the end of what is kept of a longer one, where a secret may be cut into

-- Takes the secrets out of all that an error can show.
local function redact(failure, list)
  local function clean(text)
    if type(text) ~= "string" or #text <= most_bytes then return redaction.clean(text, list) or redaction.withheld end
    local start = redaction.clean(text:sub(1, most_bytes), list)
    if not start then return redaction.withheld end
    return ("%s... (%d bytes in all)"):format(start:sub(1, math.max(0, #start - margin)), #text)
  end
  local function clean_all(value)
    if type(value) ~= "table" then return clean(value) end
    local copy = {}
    for field, each in pairs(value) do copy[clean(field)] = clean_all(each) end
    return copy
  end
  failure.message = clean(failure.message)
  local response = failure.response
  if response and #(response.body or "") > most_bytes then failure.errors = nil end
  if response then
    if response._settle then response:_settle() end
    response.body = clean(response.body)
    response.header_block = response.header_block and clean_headers(response.header_block, clean)
  end
  failure.errors = failure.errors and clean_all(failure.errors)
end

local most_former = 8 -- tokens that are still taken out of errors

--- Makes the client's credential.
-- @tparam table credential `{kind = "key", secret = ..}`, `{kind = "token", secret = ..}` or
-- `{kind = "login", username = .., secret = .., field = .., url = ..}`; see options.lua
function auth.new(credential)
  local self = setmetatable({ kind = credential.kind, generation = 0, settled = condition.new() }, Auth)
  local line, with_body
  local secrets = { credential.secret } -- and the tokens, the newest last
  local function accept(token)
    line = token
    self.generation = self.generation + 1
    self.headers_alone, with_body = build(line), build(line, nil, true)
  end
  -- Headers with the caller's own lines are made anew; without, they are the same for every request.
  self.headers = function(extra, body)
    if extra then return build(line, extra, body) end
    return body and with_body or self.headers_alone
  end
  local forms_of = {} -- made when they are first needed
  -- A new list of each secret's forms.
  self.forms = function()
    local list = {}
    for i, secret in ipairs(secrets) do
      forms_of[secret] = forms_of[secret] or redaction.forms(secret)
      list[i] = forms_of[secret]
    end
    return list
  end
  self.redact = function(_, failure) redact(failure, self.forms()) end
  if credential.kind == "key" then
    accept("Authorization: " .. credential.secret)
  elseif credential.kind == "token" then
    accept("Authorization: Bearer " .. credential.secret)
  else
    self.login_url = credential.url
    self.accept_token = function(token)
      secrets[#secrets + 1] = token
      if #secrets > most_former then forms_of[table.remove(secrets, 2)] = nil end
      accept("Authorization: Bearer " .. token)
    end
    self.login_body = function()
      return core.encode { [credential.field] = credential.username, password = credential.secret }
    end
  end
  return self
end

--- Headers that carry no credential, for the login itself.
function auth.anonymous()
  return build(nil, nil, true)
end

-- The login as a job of its own, which all share who need it, and which outlives any of them.
local Login = { __name = "patchworks.login" }

local refused_for = 60 -- seconds for which a refused login stands: the same password would be refused again

local function run_login(login)
  local self = login.auth
  local _ <close> = setmetatable({}, { __close = function()
    self.login = nil
    self.settled:announce()
  end })
  local token, problem = login.send()
  if token then
    self.accept_token(token)
  else
    login.failed = problem
    if problem.kind == "unauthenticated" or problem.kind == "forbidden" then
      self.refusal = { problem = problem, until_then = clock.now() + refused_for }
    end
  end
end

--- For jobs: makes sure that there is a credential to send; logs in when there is none. Of many that ask at once one
-- starts the login, and all share how it ends, each until his own deadline.
-- @tparam function send sends the login: gives a token, or nil and an error
-- @tparam table deadline
-- @treturn ?boolean true; or nil and the login's error, or nil alone when the deadline came first
function Auth:ready(send, deadline)
  while not self.headers_alone do
    local refusal = self.refusal
    if refusal and clock.now() < refusal.until_then then return nil, refusal.problem end
    local login = self.login
    if not login then
      login = setmetatable({ auth = self, send = send, over = false, owner = false, _queue = false, _before = false,
        _after = false }, Login)
      self.login = login
      scheduler.start(login, run_login)
    end
    if self.login == login and not self.settled:wait(deadline.at) then return nil, nil end
    if login.failed then return nil, login.failed end
    if login.raised then error(login.raised, 0) end
  end
  return true
end

--- Ends a login that is under way, for a client that is closed.
function Auth:close()
  if self.login then scheduler.cancel(self.login) end
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
