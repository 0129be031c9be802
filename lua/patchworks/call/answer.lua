--- From an answer to what a method gives: unwrapping successes, and making errors of the rest.
-- @module patchworks.call.answer
local counted = require "patchworks.counted"
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local retry = require "patchworks.call.retry"

local clock = require "patchworks.time.clock"

local answers = {}

local Response = { __name = "patchworks.response" }

-- What a response tells only when asked: most callers never do, and a table a call is not free.
local derived = {
  attempts = function(response)
    local list = { table.unpack(response.earlier or {}) }
    list[#list + 1] = { started = response.started, seconds = response.seconds, status = response.status }
    return list
  end,
  headers = function(response) return core.parse_headers(response.header_block) end,
  timing = function(response) return (response.transfer:facts()) end,
  bytes = function(response) return (select(2, response.transfer:facts())) end,
  http_version = function(response) return (select(3, response.transfer:facts())) end,
}

local inner = { header_block = true, transfer = true, started = true, seconds = true, earlier = true }

-- For one that is shown in an error: what its transfer knows is worked out now, and the raw answer let go.
local function settle(response)
  if not rawget(response, "transfer") then return end
  for _, name in ipairs { "timing", "bytes", "http_version" } do
    local _ = response[name]
  end
  response.transfer = nil
end

function Response.__index(response, name)
  if name == "_settle" then return settle end
  local derive = derived[name]
  if not derive then return nil end
  local value = derive(response)
  rawset(response, name, value)
  return value
end

function Response.__pairs(response)
  for name in pairs(derived) do
    local _ = response[name]
  end
  return function(_, name)
    local value
    repeat
      name, value = next(response, name)
    until not inner[name]
    return name, value
  end
end

function Response.__tostring(response)
  return ("response %d, %s"):format(response.status, counted(#response.body, "byte"))
end

--- Makes the second value that every method returns.
-- @tparam integer status
-- @tparam string body raw, decompressed
-- @tparam string header_block raw
-- @tparam userdata transfer what knows the timing
-- @tparam number started seconds from the call's beginning to the attempt's
-- @tparam number seconds that the attempt took
-- @tparam ?table earlier the failed attempts before it
-- @treturn table `status`, `headers` (lower-case names), `body`, `attempts`, `timing` (seconds), `bytes`
function answers.response(status, body, header_block, transfer, started, seconds, earlier)
  return setmetatable({
    status = status,
    body = body,
    header_block = header_block,
    transfer = transfer,
    started = started,
    seconds = seconds,
    earlier = earlier,
  }, Response)
end

local function is_object(value)
  return type(value) == "table" and value[1] == nil
end

local function excerpt(body)
  local text = body:sub(1, 60):gsub("[^\32-\126]+", " ")
  return #body > 60 and text .. "..." or text
end

local function protocol(response, message)
  return nil, { kind = "protocol", message = message, status = response.status, response = response }
end

local function decode(response)
  local body = response.body
  if body == "" then return protocol(response, "the answer is empty where JSON is due") end
  local value, problem = core.decode(body)
  if value ~= nil then return value end
  -- Of a secret that is cut into, a part would stay.
  return protocol(response, function()
    local kind = core.header(response.header_block, "content-type") or "no content type"
    return ("the answer is not JSON (%s, starts with %q): %s"):format(kind, excerpt(response.body), problem)
  end)
end

local shapes = {}

local function is_id(id)
  return math.type(id) == "integer" and id >= 0 or type(id) == "string" and id:find "^[1-9]%d*$" ~= nil
end

function shapes.version(value, response)
  local data = type(value) == "table" and value.data
  if is_object(data) and is_id(data.id) then return data end
  if not is_object(data) or next(data) == nil then
    return protocol(response, "the answer holds no version (an object called data is due)")
  end
  return protocol(response, "the answer holds a version without an id")
end

function shapes.message(value, response)
  if not is_object(value) then return protocol(response, "the answer is no object with a message") end
  return value
end

function shapes.object(value, response)
  if type(value) ~= "table" then return protocol(response, "the answer is no object") end
  return value
end

function shapes.any(value) return value end

function shapes.page(value, response)
  if type(value) ~= "table" or type(value.data) ~= "table" or (value.data[1] == nil and next(value.data) ~= nil) then
    return protocol(response, "the answer is no page (a list called data is due)")
  end
  return value
end

--- Unwraps a success.
-- @tparam string shape `answer` of call/endpoints.lua
-- @tparam table response
-- @return the value; or nil and the fields of an error, whose `message` is a function where it shows a part of the
-- answer: to be called once that holds no secret any more
function answers.unwrap(shape, response)
  if response.status == 204 and response.body == "" and shape ~= "version" and shape ~= "page" then return {} end
  local value, problem = decode(response)
  if value == nil then return nil, problem end
  return shapes[shape](value, response)
end

-- What a failure's body says: `{message, errors}` usually; a proxy may have written HTML or nothing.
local function said(response)
  local value = response.body ~= "" and core.decode(response.body)
  if not is_object(value) then return nil, nil end
  local message = type(value.message) == "string" and value.message ~= "" and value.message or nil
  return message, type(value.errors) == "table" and next(value.errors) ~= nil and value.errors or nil
end

local function fallback(response)
  local kind = core.header(response.header_block, "content-type")
  if response.status >= 300 and response.status < 400 then
    return "the service redirects, which an API does not; is `base_url` right?"
  end
  if response.body == "" then return "the service answered " .. response.status .. " with an empty body" end
  return ("the service answered %d with %s instead of JSON"):format(response.status, kind or "something untyped")
end

-- A date is seen from the service's own clock, which its answer tells: this machine's may be off.
local function retry_after(header_block)
  local text = core.header(header_block, "retry-after")
  if not text then return nil end
  local sent = core.header(header_block, "date")
  local now = sent and core.date(sent)
  return retry.parse_after(text, core.date, now and function() return now end or clock.wall)
end

--- The fields of the error for an answer that is no success.
-- @tparam table response
function answers.failure(response)
  local status = response.status
  local message, fields = said(response)
  local redirect = status < 400
  return {
    kind = redirect and "protocol" or errors.kind_of_status(status),
    status = status,
    message = message or fallback(response),
    errors = fields,
    retry_after = retry_after(response.header_block),
    response = response,
  }
end

return answers
