--- Publishing: from a source file to a version that is live and was seen to work, or back to the one before.
--
-- Safe to run again after anything: content that is live already is left alone, a draft with the same content is taken
-- up, a create whose answer was lost is found again.
--
-- @module patchworks.release.publish
local arguments = require "patchworks.call.arguments"
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local reconcile = require "patchworks.release.reconcile"
local release = require "patchworks.release.wait"
local requests = require "patchworks.call.request"
local service = require "patchworks.service"

local publish = {}

local names = {}
for name in
  ([[content file test keep rollback timeout interval max_interval on_event dry_run expected_live]]):gmatch "%S+"
do
  names[name] = true
end

local test_names = { payload = true, variables = true, flow = true, expect = true, timeout = true }

local function same(left, right)
  if type(left) ~= "table" or type(right) ~= "table" then return left == right end
  for name, value in pairs(left) do
    if not same(value, right[name]) then return false end
  end
  for name in pairs(right) do
    if left[name] == nil then return false end
  end
  return true
end

-- Whether an answer is what a test expects: a function judges the whole answer; a string is the payload, a table the
-- payload's JSON.
local function judge(expect, answer)
  if expect == nil then return true end
  if type(expect) == "function" then
    local called, ok, reason = pcall(expect, answer)
    if not called then return false, tostring(ok) end
    return ok, reason and tostring(reason)
  end
  local payload = answer.payload
  if type(expect) == "table" and type(payload) == "string" then payload = core.decode(payload) end
  if same(expect, payload) then return true end
  return false, ("expected the payload %s, got %s"):format(
    type(expect) == "table" and core.encode(expect) or tostring(expect),
    tostring(answer.payload)
  )
end

-- Runs the smoke test: true, or nil and an error.
local function run_test(self, version, test)
  local answer, problem = self:invoke(version.id, {
    payload = test.payload,
    variables = test.variables,
    flow = test.flow,
    timeout = test.timeout,
  })
  if not answer then return nil, problem end
  local ok, reason = judge(test.expect, answer)
  if ok then return true end
  return nil,
    errors.new {
      kind = "deployment_failed",
      operation = "publish",
      message = "the smoke test failed: " .. (reason or "the answer is not what is expected"),
      answer = answer,
    }
end

--- The live version of a script, with its content: the one that was deployed last. 1 request.
-- @return version, or nil where none is deployed; or nil and an error
function publish.live(self, script, given)
  local listing = self:list(script, { filter = { is_deployed = true }, include = "content", on_event = given.on_event })
  local deployed, problem = listing:all()
  if not deployed then return nil, problem end
  return service.live(deployed)
end

local function is(version, other)
  if not version or not other then return version == other end
  return version.id == other.id and service.deployed_at(version) == service.deployed_at(other)
end

local function moved(script, now)
  return errors.new {
    kind = "conflict",
    operation = "publish",
    message = ("somebody else has published script %s meanwhile: %s is live"):format(
      script,
      tostring(now or "nothing")
    ),
    live = now,
    hint = "nothing was overwritten: look at what is live, and publish again",
  }
end

-- The version to deploy: a draft that has the content already and is newer than the live one, or a new one.
local function make(self, script, content, live, given)
  local newest, problem = self:list(script, { limit = 1, include = "content", on_event = given.on_event }):first()
  if errors.is_error(problem) then return nil, problem end
  local floor = newest and service.number(newest) or 0
  local newer = newest and (not live or floor > service.number(live))
  if newer and not service.is_deployed(newest) and service.holds(newest, content) then
    newest.content = nil
    release.tell(self, given, "reuse", { version = newest })
    return newest
  end
  local version, failure = reconcile.create(self, script, { content = content, on_event = given.on_event }, floor)
  if not version then return nil, failure end
  setmetatable(version, self.version_class)
  release.tell(self, given, "create", { version = version })
  return version
end

-- Deploys the version again that was live before.
local function deploy_again(self, version, previous, given, failure)
  release.tell(self, given, "rollback", { version = previous, from = version })
  local back, problem = release.deploy(self, previous, given, version)
  if back then
    failure.rolled_back, failure.live = true, back
  else
    failure.rollback_error = problem
  end
  return nil, failure
end

-- Whether a deployment surely came to nothing; one that was only lost from sight may still come live.
local function is_over(failure)
  return failure.kind == "deployment_failed" or (failure.operation == "deploy" and failure.outcome == "none")
end

-- After a failure: sees to it that what was live before is live, unless somebody else's is by now; says in the error
-- what is. A deployment that may still be under way is left alone: it would come live after whatever is deployed now.
local function go_back(self, script, version, previous, given, failure)
  failure.version, failure.previous, failure.rolled_back = version, previous, false
  local tested = failure.stage == "test"
  local leave = not previous or given.rollback == false
  if tested and leave then
    failure.live = version
    return nil, failure
  end
  local now, problem = publish.live(self, script, given)
  if now then now.content = nil end
  failure.live = now
  if problem and tested then
    failure.live, failure.rollback_error = version, problem
  elseif problem or not (tested or is_over(failure)) then
    failure.outcome = "unknown"
  elseif now and now.id ~= version.id then
    failure.rolled_back = previous ~= nil and now.id == previous.id
  elseif not leave then
    return deploy_again(self, version, previous, given, failure)
  end
  return nil, failure
end

local function at_stage(failure, stage)
  failure.stage = stage
  return failure
end

local function deploy_and_test(self, script, version, previous, given)
  release.tell(self, given, "deploy", { version = version })
  local deployed, problem = release.deploy(self, version, given, previous)
  if not deployed then return go_back(self, script, version, previous, given, at_stage(problem, "deploy")) end
  if given.test then
    release.tell(self, given, "test", { version = deployed })
    local ok, failure = run_test(self, deployed, given.test)
    if not ok then return go_back(self, script, deployed, previous, given, at_stage(failure, "test")) end
  end
  return deployed
end

--- Checks the options of `publish`; raises for misuse.
-- @tparam table given
-- @treturn string the source
function publish.check(given)
  arguments.check_names(given, names, "publish")
  release.check_waits(given, "publish")
  arguments.check_names(given.test, test_names, "publish: test")
  arguments.check_seconds(given.test and given.test.timeout, "publish: test: timeout")
  arguments.check_integer(given.keep, 0, math.maxinteger, "publish: keep")
  arguments.check_type(given.rollback, "boolean", "publish: rollback")
  return requests.content(given, "publish")
end

local function run(self, script, given, content)
  release.tell(self, given, "look", { script = script })
  local live, problem = publish.live(self, script, given)
  if problem then return nil, problem end
  if live and service.holds(live, content) then
    live.content = nil
    return { version = live, action = "unchanged" }
  end
  local expected = given.expected_live
  if expected ~= nil and not is(live, expected or nil) then return nil, moved(script, live) end
  if given.dry_run then return { version = live, previous = live, action = "would publish" } end
  local version, failure = make(self, script, content, live, given)
  if not version then return nil, failure end
  -- Between the look and here somebody else may have published.
  local now, trouble = publish.live(self, script, given)
  if trouble then return nil, trouble end
  if not is(now, live) then return nil, moved(script, now) end
  if live then live.content = nil end
  local deployed, reason = deploy_and_test(self, script, version, live, given)
  if not deployed then return nil, reason end
  local result = { version = deployed, previous = live, action = "published" }
  if given.keep then
    local pruned, prune_error = self:prune(script, { keep = given.keep, on_event = given.on_event })
    result.pruned, result.prune_error = pruned and pruned.deleted, not pruned and prune_error or nil
  end
  return result
end

--- Adds the method to the resource's class.
-- @tparam table class ScriptVersions
function publish.extend(class)
  --- Makes a source the live version of a script. 1 request when it is live already; else 5 (look, newest, create, look
  -- again, deploy), 1 for each look at the deployment, 1 for the test, and those of `prune` with `keep`.
  -- @tparam integer|string script id
  -- @tparam table given
  --
  -- - `content` (the source) or `file` (a path)
  -- - `test`: `payload`, `variables`, `flow` as for `invoke`, and `expect`: a string (the payload), a table (the
  --   payload's JSON), or a function that is given the answer and gives true, or false and a reason
  -- - `rollback` (true): after a failed test, deploy again what was live before
  -- - `keep`: prune to so many afterwards
  -- - `timeout`, `interval`, `max_interval` for each deployment, as for `wait`; `dry_run`
  -- @treturn ?table `version`, `action` ("published", "unchanged", "would publish"), `previous` (what was live),
  -- `pruned`, `prune_error`; or nil and an error: kind "conflict" when somebody else published meanwhile; with `stage`
  -- ("deploy" or "test") when that failed, `rolled_back` (whether what was live before is live), `live` (what is, as of
  -- the last look), `previous`, `version`, and `rollback_error` when the way back failed too. A deployment that may
  -- still come live has the outcome "unknown". A failure costs 1 request more, the way back 1 and its looks
  -- @usage local done, err = versions:publish(42, { file = "orders.py", test = { payload = order, expect = result } })
  function class:publish(script, given)
    given = given or {}
    local content = publish.check(given)
    script = arguments.check_id(script, "publish: script id")
    return run(self, script, given, content)
  end
end

return publish
