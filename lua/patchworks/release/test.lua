--- The test of a release: one invocation of the version that is live, and what is said when it fails.
-- @module patchworks.release.test
local core = require "patchworks.core"
local expected = require "patchworks.release.expected"
local misuse = require("patchworks.errors").misuse
local service = require "patchworks.service"

local test = {}

local usual = 150 -- seconds: a script may run for 120

-- Whether an answer is what a test expects: true; or false, why, and the difference.
local function judge(given, answer, response)
  local expect = given.expect
  if expect == nil then return true end
  if type(expect) ~= "function" then
    local payload, problem = expected.payload(response.body)
    if problem then return false, "the answer is not what a script returns: " .. problem end
    local sentence, more = expected.differs(assert(expected.read(expect, given.compare)), payload)
    return not sentence, sentence, more
  end
  local called, ok, reason, found = pcall(expect, answer, response)
  if not called then return false, tostring(ok) end
  if ok then return true end
  return false, reason and tostring(reason) or "the answer is not what is expected", found
end

local most_entries = 20

-- The log entries that appeared since the test began, oldest first; nil where they can't be read. The newest are on the
-- first page or on the last.
local function entries_since(job, version, began)
  local listing = job.resource:logs(version.id, job:options())
  local page = listing:page(1)
  if not page then return nil end
  local last = page.meta.last_page
  local pages = { page, last > 1 and listing:page(last) or nil }
  local list = {}
  for _, each in ipairs(pages) do
    for _, entry in ipairs(each.data) do
      local at = service.time(entry.created_at)
      if not began or not at or at >= began then list[#list + 1] = entry end
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

--- Checks what a test expects. Raises for what no payload can be.
-- @tparam ?table given the caller's `test`
-- @tparam string what whose test, for messages
function test.check(given, what)
  local expect = given and given.expect
  if expect == nil or type(expect) == "function" then return end
  local value, problem = expected.read(expect, given.compare)
  if not value then misuse("%s: test: expect: %s", what, problem) end
end

--- What of a test can be kept as JSON: nothing of it is another one when it is read again.
-- @tparam table given the caller's `test`, whose `expect` is no function
-- @treturn table
function test.kept(given)
  local kept = {}
  for name, value in pairs(given) do kept[name] = value end
  for _, name in ipairs { "payload", "variables" } do
    if type(kept[name]) == "table" then kept[name] = core.encode(kept[name]) end
  end
  if kept.expect ~= nil then kept.expect, kept.compare = expected.kept(kept.expect, kept.compare) end
  return kept
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
  local ok, reason, found = judge(given, answer, problem)
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
