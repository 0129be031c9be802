--- The login: a user's name and password for a token, over the client's own request path.
-- @module patchworks.call.login
local answer = require "patchworks.call.answer"
local errors = require "patchworks.errors"

local login = {}

local function is_token(value)
  return type(value) == "string" and value ~= "" and not value:find("[\r\n\0]")
end

-- What may be shown of a login's answer: it may hold a token, in whatever form.
local function withhold(response)
  if not response then return nil end
  return { status = response.status, body = "[withheld: a login's answer]", headers = {}, attempts = response.attempts }
end

--- Sends the login, within a deadline of its own. It may be repeated: one more token does no harm.
-- @tparam table client
-- @tparam function send_call gives a response, or nil and an error
-- @treturn ?string token; or nil and an error
function login.send(client, send_call)
  local credential = client._auth
  local call = {
    client = client,
    operation = "login",
    method = "POST",
    url = credential.login_url,
    body = credential.login_body(),
    delivery = "repeatable",
    timeout = client._settings.timeout or 60,
    attempt_timeout = client._settings.attempt_timeout or 30,
    max_attempts = client._settings.max_attempts,
    anonymous = true,
    on_event = client._settings.on_event,
  }
  client._counts.logins = client._counts.logins + 1
  local response, problem = send_call(call)
  local value, failure
  if response then
    value, failure = answer.unwrap("object", response)
    if value and is_token(value.token) then return value.token end
  end
  local wrong = problem or failure or {}
  return nil,
    errors.new {
      kind = problem and (problem.kind == "invalid" and "unauthenticated" or problem.kind) or "protocol",
      status = wrong.status or (response and response.status),
      message = problem and problem.message
        or "the login's answer holds no token" .. (failure and ", and is no JSON object" or ""),
      errors = wrong.errors,
      retry_after = wrong.retry_after,
      hint = problem and credential:hint "unauthenticated" or "is `login_url` right?",
      operation = "login",
      url = call.url,
      attempts = problem and problem.attempts or response.attempts,
      response = withhold(problem and problem.response or response),
    }
end

return login
