--- The test of a release: one invocation of the version that is live, and what is said when it fails.
-- @module patchworks.release.test
local arguments = require "patchworks.call.arguments"
local core = require "patchworks.core"
local diff = require "patchworks.release.diff"
local service = require "patchworks.service"

local test = {}

local usual = 150 -- seconds: a script may run for 120

local function is_json_text(text) return type(text) == "string" and text:find "^%s*[%[{]" ~= nil end

-- The value of a text that is a JSON object or array, else the text itself.
local function value_of(text)
  if not is_json_text(text) then return text end
  local value = core.decode(text)
  if value == nil then return text end
  return value
end

local function show(value)
  if value == nil then return "nothing" end
  if type(value) == "string" then return arguments.show(value) end
  return core.encode(value) or tostring(value)
end

local most_differences = 10

-- Appends where two values differ, as "payload.items[2].price: expected 3, got 4".
local function compare(expected, got, path, list)
  if #list >= most_differences then return end
  if type(expected) ~= "table" or type(got) ~= "table" then
    if expected ~= got then list[#list + 1] = ("%s: expected %s, got %s"):format(path, show(expected), show(got)) end
    return
  end
  local names = {}
  for name in pairs(expected) do names[#names + 1] = name end
  for name in pairs(got) do
    if expected[name] == nil then names[#names + 1] = name end
  end
  table.sort(names, function(left, right) return tostring(left) < tostring(right) end)
  for _, name in ipairs(names) do
    local place = type(name) == "number" and ("[%d]"):format(name) or "." .. tostring(name)
    compare(expected[name], got[name], path .. place, list)
  end
end

local function without_last_newline(text) return (text:gsub("\r?\n$", "")) end

-- How a payload differs from what is expected; nil when it doesn't. JSON is compared as JSON, whichever side is a text;
-- of two texts a last newline doesn't count.
local function difference(expected, payload)
  local left, right = value_of(expected), value_of(payload)
  if type(left) == "table" or type(right) == "table" then
    local list = {}
    compare(left, right, "payload", list)
    return list[1] and table.concat(list, "\n")
  end
  left, right = without_last_newline(tostring(left)), without_last_newline(tostring(right))
  if left == right then return nil end
  if (left .. right):find "\n" then return (diff.unified(left, right, "expected", "payload")) end
  return ("payload: expected %s, got %s"):format(show(expected), show(payload))
end

-- Whether an answer is what a test expects: true; or false, why, and the difference.
local function judge(expect, answer)
  if expect == nil then return true end
  if type(expect) == "function" then
    local called, ok, reason = pcall(expect, answer)
    if not called then return false, tostring(ok) end
    if ok then return true end
    return false, reason and tostring(reason) or "the answer is not what is expected"
  end
  local found = difference(expect, answer.payload)
  if not found then return true end
  local first = found:find "\n" and found:find "^payload" and found:match "^[^\n]*" or found
  return false, first:find "\n" and "the payload is not what is expected" or first, found
end

local most_entries = 20

-- The log entries that appeared since the test began, oldest first; nil where they can't be read. The newest are on the
-- first page or on the last.
local function entries_since(job, version, began)
  local listing = job.resource:logs(version.id, job:options())
  local page = listing:page(1)
  if not page then return nil end
  local last = page.meta.last_page
  local pages = { page, math.type(last) == "integer" and last > 1 and listing:page(last) or nil }
  local list = {}
  for _, each in ipairs(pages) do
    for _, entry in ipairs(each.data) do
      local at = type(entry) == "table" and service.time(entry.created_at)
      if type(entry) == "table" and (not began or not at or at >= began) then list[#list + 1] = entry end
    end
  end
  table.sort(list, function(left, right)
    local left_at, right_at = service.time(left.created_at) or 0, service.time(right.created_at) or 0
    if left_at ~= right_at then return left_at < right_at end
    return (tonumber(left.id) or 0) < (tonumber(right.id) or 0)
  end)
  return { table.unpack(list, math.max(1, #list - most_entries + 1)) }
end

-- What time it is for the service, in whole seconds, as the answer to an earlier request said.
local function service_time(response)
  local date = response and response.headers and response.headers.date
  return date and core.date(date) or nil
end

--- Runs the test.
-- @tparam table job
-- @tparam table version that is deployed
-- @tparam table given the caller's `test`
-- @tparam ?table response of the last answer before, which tells the service's time; nil for a version that was made
-- just now: all its entries are new
-- @treturn ?boolean true; or nil and the fields of an error of kind "test_failed": `difference`, `logs`, `answer`, and
-- `cause` when the script itself failed
function test.run(job, version, given, response)
  local began = service_time(response)
  local answer, problem = job.resource:invoke(version.id, job:options {
    payload = given.payload,
    variables = given.variables,
    flow = given.flow,
    timeout = given.timeout or job.resource._client._settings.timeout or usual,
  })
  if not answer then
    return nil, {
      kind = "test_failed",
      message = "the test failed: " .. problem.message,
      logs = entries_since(job, version, began),
      cause = problem,
      status = problem.status,
      response = problem.response,
    }
  end
  local ok, reason, found = judge(given.expect, answer)
  if ok then return true end
  return nil, {
    kind = "test_failed",
    message = "the test failed: " .. reason,
    difference = found,
    logs = entries_since(job, version, began),
    answer = answer,
  }
end

return test
