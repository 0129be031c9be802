--- The login: a user's name and password for a token, over the client's own request path.
-- @module patchworks.call.login
local answers = require "patchworks.call.answer"
local errors = require "patchworks.errors"

local login = {}

local function is_token(value)
  return type(value) == "string" and value ~= "" and not value:find("[\r\n\0]")
end

--- Sends the login. It may be repeated: one more token does no harm.
-- @tparam table client
-- @tparam number deadline monotonic
-- @tparam function send_call see patchworks.call.send
-- @treturn ?string token; or nil and an error
function login.send(client, deadline, send_call)
  local credential = client.auth
  local call = {
    operation = "login",
    method = "POST",
    url = credential.login_url,
    body = credential.login_body(),
    delivery = "repeatable",
    timeout = math.max(0.001, deadline - client.clock.now()),
    attempt_timeout = client.settings.attempt_timeout or 30,
    max_attempts = client.settings.max_attempts,
    anonymous = true,
    on_event = client.settings.on_event,
  }
  client.counts.logins = client.counts.logins + 1
  local response, problem = send_call(client, call)
  if not response then
    if problem.kind == "invalid" then problem.kind = "unauthenticated" end
    problem.hint = credential:hint("unauthenticated")
    problem.outcome = "none"
    return nil, problem
  end
  local value, failure = answers.unwrap("object", response)
  if value and is_token(value.token) then return value.token end
  failure = failure or { message = "the login's answer holds no token" }
  return nil,
    errors.new {
      kind = "protocol",
      message = failure.message,
      status = response.status,
      hint = "is `login_url` right?",
      operation = call.operation,
      url = call.url,
      attempts = response.attempts,
    }
end

--- The error of a call whose login failed with `problem`.
function login.refused(call, problem)
  local copy = {}
  for name, value in pairs(problem) do copy[name] = value end
  copy.message = "the login failed: " .. problem.message
  copy.operation, copy.url, copy.login_url = call.operation, call.url, problem.url
  return nil, errors.new(copy)
end

return login
