--- What goes wrong, and whose fault it is.
--
-- The world's failures are values of one class: a function returns `nil, err`. Misuse raises a string at the
-- caller's line.
--
--     kind                 when                                             status
--     unauthenticated      the credential was not accepted                  401
--     forbidden            it was, but may not do this                      403
--     not_found                                                             404
--     conflict                                                              409
--     too_large            the request was over what the service takes      413
--     invalid              the service refused a field; see `errors`        422
--     rate_limited                                                          429
--     server                                                                5xx
--     http                 any other status that is no success
--     network              not resolved, not connected, connection lost
--     tls                  no secure channel, or a certificate is not good
--     timeout              an attempt's or the call's time was up
--     protocol             not what HTTP or the contract allows
--     deployment_failed    the service could not deploy the version
--     test_failed          what was published fails its test
--     file                 a file of this machine can't be read, or doesn't hold what it must
--     cancelled            the task was cancelled, or the client closed
--     listener             the caller's own `on_event` raised; this one is raised
--
-- @module patchworks.errors
local errors = {}

local Error = { __name = "patchworks.error" }

local kinds = {
  [401] = "unauthenticated",
  [403] = "forbidden",
  [404] = "not_found",
  [409] = "conflict",
  [413] = "too_large",
  [422] = "invalid",
  [429] = "rate_limited",
}

--- The kind of an answer that is no success.
-- @tparam integer status
-- @treturn string
function errors.kind_of_status(status)
  if kinds[status] then return kinds[status] end
  return status >= 500 and status <= 599 and "server" or "http"
end

-- What to do where nothing more is known than the kind.
local unsure = "look whether it was done before doing it again"
local advice = {
  conflict = "look at what is there now, then decide again",
  invalid = "mend what the message names",
  deployment_failed = "mend the script, and publish again",
  not_found = "check the id: a version's id is not its number",
  too_large = "send less than 8 MB",
  rate_limited = "set `rate_limit`, or raise `timeout`",
  server = "the service's own failure: try again later",
  network = "check `base_url`, the network and `proxy`",
  tls = "check `base_url` and this machine's clock; an authority of your own goes into `ca_file`",
  timeout = "raise `timeout` or `attempt_timeout`",
  protocol = "is `base_url` the service itself?",
}

-- What is asked of a script, and not of a version of it.
local of_script = { list = true, create = true }

-- What a release has deployed, and could not leave live or take back, is known to be done.
local function doubt(err)
  return (err.overtaken or err.stage == "test") and " [it was deployed]" or " [it may have been done]"
end

function Error:__tostring()
  local parts = {}
  if self.operation then parts[#parts + 1] = self.operation .. ": " end
  parts[#parts + 1] = self.kind
  if self.status then parts[#parts + 1] = (" (%d)"):format(self.status) end
  parts[#parts + 1] = ": " .. self.message
  if self.outcome == "unknown" then parts[#parts + 1] = doubt(self) end
  if self.hint then parts[#parts + 1] = " (" .. self.hint .. ")" end
  return (table.concat(parts):gsub("%s+", " "))
end

--- Makes an error of the class.
-- @tparam table fields `kind` and `message` at least; `outcome` is "none" unless given, `hint` what the kind advises
-- @treturn table the same table
function errors.new(fields)
  fields.outcome = fields.outcome or "none"
  if fields.kind == "not_found" and of_script[fields.operation] then
    fields.hint = fields.hint or "there is no such script here: check its id, and which service is asked"
  end
  fields.hint = fields.hint or (fields.outcome == "unknown" and unsure or advice[fields.kind])
  return setmetatable(fields, Error)
end

--- Whether a value is an error of the class.
-- @param value anything
-- @treturn boolean
function errors.is_error(value)
  return getmetatable(value) == Error
end

-- Where this module's own files are, or the one file that holds them all: the first frame that lies elsewhere is the
-- caller's. Where a host has left `debug` out, a message has no line.
local getinfo = debug and debug.getinfo
local source = getinfo and getinfo(1, "S").source or ""
local own = source:match "^(@.*[/\\])[%w.]*errors%.lua$" or source

local function caller_level()
  if not getinfo then return 0 end
  local level = 2
  while true do
    local info = getinfo(level, "S")
    if not info then return 0 end
    if info.what ~= "C" and info.source:sub(1, #own) ~= own then return level - 1 end
    level = level + 1
  end
end

--- What misuse raises in place of a string: a prompt sets it, to show one line and no traceback.
errors.raising = nil

local last, last_raised -- what misuse raised last

--- The message of what misuse has just raised, without the place in a program.
-- @param raised what was caught
-- @treturn ?string nil where it is something else
function errors.misused(raised)
  local same = raised == last_raised or last and type(raised) == "string" and raised:sub(-#last) == last
  return same and last or nil
end

--- Raises for misuse, at the line of the code that called into patchworks.
-- @tparam string format as for string.format
-- @param ... its arguments
function errors.misuse(format, ...)
  local message = select("#", ...) > 0 and format:format(...) or format
  local level = caller_level()
  last, last_raised = message, errors.raising and errors.raising(message) or message
  error(last_raised, level)
end

return errors
