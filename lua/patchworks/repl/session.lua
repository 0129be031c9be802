--- What a prompt works with: a client whose calls are seen as they go, asked about before they change anything that
-- isn't
-- a sandbox, and remembered.
-- @module patchworks.repl.session
local counted = require "patchworks.counted"
local errors = require "patchworks.errors"
local screen = require "patchworks.terminal"
local service = require "patchworks.service"

local Session = { __name = "patchworks.repl.session" }
Session.__index = Session

local session = {}

-- What is done to a version by an operation, for the question.
local doing = {
  create = "make a version", deploy = "deploy", invoke = "run", upload = "upload", delete = "delete for good",
}

local function is_loopback(url)
  local host = url:match "^https?://(%[[%x:]+%])" or url:match "^https?://([^:/]+)" or ""
  return host == "localhost" or host == "[::1]" or host:find "^127%." ~= nil
end

local Last = { __name = "patchworks.repl.last" }

-- What is known of a call is asked of its response or its error.
function Last.__index(last, name)
  local from = rawget(last, "error") or rawget(last, "response")
  if name == "attempts" then return from and from.attempts or {} end
  return nil
end

function Last.__tostring(last)
  local from = last.error or last.response
  local came = last.error and last.error.kind or from and tostring(from.status) or "under way"
  return ("%s %s: %s after %.3f s, %s; curl(last), last.attempts, last.response, last.error"):format(
    last.method, last.url, came, last.seconds or 0,
    counted(#last.attempts, "attempt"))
end

local function remember_item(self, item)
  if not service.is_version(item) then return end
  local script = math.type(item.script_id) == "integer" and item.script_id or nil
  if script then
    self.versions_seen[item.id] = script
    self.scripts_seen[script] = true
  end
end

-- Keeps the ids that came, for completion.
local function remember(self, value)
  if type(value) ~= "table" then return end
  if value.data ~= nil and type(value.data) == "table" then
    for _, item in ipairs(value.data) do remember_item(self, item) end
  else
    remember_item(self, value)
  end
end

-- Asks before the first call of a line that changes something; the answer holds for the whole line.
local function agreed(self, call)
  if self.is_sandbox or call.delivery == "read" or self.agreed then return true end
  if self.refused then return false end
  local what = doing[call.operation] or call.operation
  local about = call.url:sub(#self.client._root + 1)
  local answer = self.ask(("This will %s on %s (%s). Go on, with all that this line does? [y/N] "):format(
    what, self.client.base_url, about))
  self.agreed = answer ~= nil and answer:lower():find "^%s*y" ~= nil
  self.refused = not self.agreed
  return self.agreed
end

local function refusal(call)
  return errors.new {
    kind = "cancelled",
    operation = call.operation,
    message = "nothing was sent: it was not agreed to",
    url = call.url,
    hint = "answer y to the question; with nobody to ask, use the command line's --yes, or a sandbox",
  }
end

local function trace_start(call) io.stderr:write(screen.paint(("-> %s %s\n"):format(call.method, call.url), "dim")) end

local function trace_end(last)
  local from = last.error or last.response
  io.stderr:write(screen.paint(("<- %s in %.3f s%s\n"):format(
    last.error and last.error.kind or tostring(from.status),
    last.seconds,
    #last.attempts > 1 and (", %d attempts"):format(#last.attempts) or ""
  ), last.error and "red" or "dim"))
end

-- Notes what a call brought: `run` gives the value and the response, or nil and an error.
local function observe(self, call, run)
  local clock = self.client._clock
  local last = setmetatable({ method = call.method, url = call.url, body = call.body,
    headers = call.header_lines or nil, began = clock.now() }, Last)
  self.calls = self.calls + 1
  if self.tracing then trace_start(call) end
  local value, second = run()
  last.seconds = clock.now() - last.began
  if value == nil and errors.is_error(second) then
    last.error, last.response = second, second.response
  else
    last.response = second
    remember(self, value)
    if call.delivery ~= "read" then self.live_known = {} end
  end
  if self.tracing then trace_end(last) end
  self.on_call(last)
  return value, second
end

-- Every call of the client goes through here: those that are waited for at once, and pages, which are begun ahead.
local function watch(self)
  local client = self.client
  local perform, begin = client._perform, client._begin
  function client._perform(of, call, shape)
    if not agreed(self, call) then return nil, refusal(call) end
    return observe(self, call, function() return perform(of, call, shape) end)
  end
  function client._begin(of, call, shape)
    local pending = begin(of, call, shape)
    return {
      wait = function() return observe(self, call, function() return pending:wait() end) end,
      done = function() return pending:done() end,
      cancel = function() pending:cancel() end,
    }
  end
end

--- Whether a version is what flows take. One request for a script, kept until something is changed here.
-- @tparam table version
-- @treturn boolean
function Session:is_live(version)
  if not service.is_deployed(version) then return false end
  local script = version.script_id
  local known = self.live_known[script]
  if known == nil then
    local options = { filter = { is_deployed = true }, timeout = 5, max_attempts = 1 }
    local found, list = pcall(function() return (self.client.script_versions:list(script, options):all()) end)
    local live = found and list and service.live(list)
    known = live and live.id or false
    self.live_known[script] = known
  end
  return known == version.id
end

--- Before a line: what was agreed to is asked again.
function Session:begin_line()
  self.agreed, self.refused, self.calls = nil, nil, 0
end

--- Makes a session.
-- @tparam table client
-- @tparam table given `server`, a sandbox of this process; `scripts`, names to ids; `ask(question)` gives what was
-- answered, or nil; `on_call(last)` is told of each call
-- @treturn table session
function session.new(client, given)
  local self = setmetatable({
    client = client,
    server = given.server,
    is_sandbox = given.server ~= nil or is_loopback(client.base_url),
    ask = given.ask,
    on_call = given.on_call,
    scripts = given.scripts or {},
    scripts_seen = {},
    versions_seen = {}, -- id -> script id
    live_known = {}, -- script id -> the live version's id, or false
    calls = 0,
    tracing = false,
  }, Session)
  for _, script in ipairs(given.server and given.server:scripts() or {}) do self.scripts_seen[script.id] = true end
  for _, id in pairs(self.scripts) do self.scripts_seen[id] = true end
  watch(self)
  return self
end

return session
