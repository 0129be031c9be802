--- Publishing: from a source to a version that is live and was seen to work, or back to the one before.
--
-- Safe to run again after anything: content that is live already is only tested, a version of the same content that is
-- newer than the live one is taken up, a create whose answer was lost is found again, and what is under way, whoever
-- began it, is waited for first.
--
-- @module patchworks.release.publish
local arguments = require "patchworks.call.arguments"
local deadline = require "patchworks.time.deadline"
local errors = require "patchworks.errors"
local jobs = require "patchworks.release.job"
local look = require "patchworks.release.look"
local methods = require "patchworks.call.methods"
local reconcile = require "patchworks.release.reconcile"
local replace = require "patchworks.release.replace"
local requests = require "patchworks.call.request"
local service = require "patchworks.service"
local takes = require "patchworks.release.methods"
local tests = require "patchworks.release.test"
local wait = require "patchworks.release.wait"

local publish = {}

local function same_version(left, right) return (left and left.id) == (right and right.id) end

local function conflict(job, message, fields)
  fields.kind, fields.message = "conflict", message
  fields.hint = fields.hint or "nothing was overwritten: look at what is live, and publish again"
  return job:error(fields)
end

local function moved(job, now, made)
  local message = "somebody else has published script %s meanwhile: %s is live"
  return conflict(job, message:format(job.script, tostring(now or "nothing")), { live = now, version = made })
end

local function under_way(job, version, fields)
  fields.under_way = version
  return conflict(job, ("%s is under way, and not by this run"):format(tostring(version)), fields)
end

-- Looks, and waits first until nothing is being deployed: by an earlier run that was cut off, or by somebody else,
-- whose deployment would come live after ours. Gives the state and what was live at first.
local function settle(job)
  local state, problem = look.at(job)
  if not state then return nil, problem end
  job:pass(state)
  local first = state.live
  local limit = deadline.of(job.given.deploy_timeout or 300, job.deadline)
  local seconds = limit:left()
  while state.under_way[1] do
    local version = state.under_way[1]
    if limit:left() <= 0 then
      local hint = ("it had not ended after %.3g s; nothing was changed; %s"):format(seconds, look.way_out(version))
      return nil, under_way(job, version, { live = state.live, hint = hint })
    end
    job:tell("wait", { version = version })
    local ended, trouble = wait.settle(job, version, limit)
    if not ended and trouble.kind ~= "timeout" then return nil, trouble end
    state, problem = look.at(job)
    if not state then return nil, problem end
  end
  return state, first
end

-- The failure of a release: what is live and what was tried, beside what went wrong.
local function fail(job, problem, fields)
  if errors.is_error(problem) then return nil, job:wrap(problem, fields) end
  for name, value in pairs(problem) do fields[name] = value end
  return nil, job:error(fields)
end

-- Deploys the version again that was live before; says whether that was, or may have been, begun.
local function deploy_again(job, previous, state, fields)
  local back, problem = replace.with(job, previous, "rollback", state)
  if not back then
    fields.rollback_error = problem
    if problem.outcome ~= "unknown" then return false end
    fields.may_come_live = previous
    return true
  end
  fields.live = back.state and back.state.live
  fields.under_way = back.state and back.state.under_way[1]
  fields.rolled_back, fields.overwrote = back.is_live, back.overwrote or fields.overwrote
  if back.problem then fields.rollback_error = job:wrap(back.problem, { outcome = "unknown" }) end
  return true
end

-- What was deployed by this call, and not taken back, is not told as nothing.
local function as_deployed(fields)
  if fields.rolled_back then return fields end
  fields.outcome = "unknown"
  fields.hint = "look at what is live, then publish again or roll back"
  return fields
end

-- After a failure: sees to it that what was live before is live, unless somebody else's is by now, or is on its way.
-- `after` is a look at what came of the deployment, where there was one.
local function go_back(job, problem, fields, state, after)
  local previous, version, tested = fields.previous, fields.version, fields.stage == "test"
  fields.rolled_back = false
  local deployed = tested
  local leave = not previous or job.given.rollback == false
  if tested and leave then
    if after then
      fields.live, fields.under_way = after.live, after.under_way[1]
    else
      fields.live = version
    end
    return fail(job, problem, as_deployed(fields))
  end
  job:turn_back()
  local now, trouble = look.at(job, state)
  fields.live = now and now.live
  if not tested and problem.outcome == "unknown" then -- lost from sight: it may still come live
    fields.outcome, fields.may_come_live = "unknown", version
  elseif not now then
    fields.outcome = not tested and "unknown" or nil
    if tested then fields.live, fields.rollback_error = version, trouble end
  elseif now.live and now.live.id ~= version.id then
    fields.rolled_back = same_version(now.live, previous)
  elseif now.under_way[1] then
    fields.under_way = now.under_way[1]
  elseif not leave then
    deployed = deploy_again(job, previous, now, fields) or tested
  end
  return fail(job, problem, deployed and as_deployed(fields) or fields)
end

-- The content is live: it is tested, whoever made it live. When the test fails there is no way back by itself.
local function test_live(job, state, first)
  local live, given = state.live, job.given
  local action = same_version(live, first) and "unchanged" or "published"
  if given.dry_run then return { action = "unchanged", version = live } end
  if given.test then
    job:tell("test", { version = live })
    local ok, failure = tests.run(job, live, given.test, state.response)
    if not ok then
      return fail(job, failure, { stage = "test", version = live, live = live, rolled_back = false })
    end
  end
  return { action = action, version = live, previous = action == "published" and first or nil }
end

local function would_publish(job, state, candidate)
  local version = candidate
  if not version then
    local number = state.newest and service.number(state.newest) + 1 or 1
    version = { script_id = math.tointeger(tonumber(job.script)), version = number, status = "Draft" }
    setmetatable(version, job.resource._version_class)
  end
  return { action = "would publish", version = version, made = candidate == nil, previous = state.live }
end

local fresh = 1 -- seconds that a look is good for

-- Makes a version, and looks again meanwhile: gives the version, and that look where it is still good.
local function create(job, state, content)
  local undo = job.progress:creates()
  local begun, refusal = job:begin(undo)
  if not begun then return nil, refusal end
  local looked = job.clock.now()
  local answers, problem = job:ask {
    function()
      local version, failure = reconcile.create(job.resource, job.script, job:options { content = content }, state)
      if version then
        job.progress:has(version, true)
      elseif failure.outcome ~= "unknown" then
        undo()
      end
      return version, failure
    end,
    function() return look.at(job, state) or false end,
  }
  if not answers then return nil, problem end
  return answers[1], job.clock.now() - looked <= fresh and answers[2] or nil
end

-- What is under way beside a version that is not: a draft says so too where the word for it isn't known.
local function others_in(state, version)
  for _, each in ipairs(state.under_way) do
    if each.id ~= version.id or not service.is_doubtful(each) then return each end
  end
end

-- The version to deploy, and a look that sees what happened since the first.
local function make(job, state, candidate, content)
  local version, second, problem = candidate, nil, nil
  if candidate then
    job.progress:has(candidate, false)
  else
    version, second = create(job, state, content)
    if not version then return nil, second end
  end
  job:tell(candidate and "reuse" or "create", { version = version })
  if not second then
    second, problem = look.at(job, state)
  end
  if not second then return fail(job, problem, { version = version, live = state.live }) end
  if not same_version(second.live, state.live) then return nil, moved(job, second.live, version) end
  local others = others_in(second, version)
  if others then return nil, under_way(job, others, { live = second.live, version = version }) end
  return version, second
end

local function deploy_and_test(job, version, state)
  local test, made = job.given.test, job.progress.made
  local fields = { version = version, previous = state.live }
  local done, problem = replace.with(job, version, "deploy", state, test and function(deployed, response)
    job:tell("test", { version = deployed })
    return tests.run(job, deployed, test, not made and response or nil)
  end)
  if not done then
    fields.stage = "deploy"
    return go_back(job, problem, fields, state)
  end
  fields.version, fields.overwrote = done.version, done.overwrote
  if done.meanwhile and not done.meanwhile[1] then
    fields.stage = "test"
    return go_back(job, done.meanwhile[2], fields, state, done.state)
  end
  if not done.state then
    fields.outcome = "unknown"
    fields.hint = "it was deployed, but what is live then could not be seen: publish again to know"
    return fail(job, done.problem, fields)
  end
  if not done.is_live then
    fields.live, fields.under_way, fields.overtaken = done.state.live, done.state.under_way[1], true
    fields.outcome = "unknown"
    fields.hint = "publish again to replace it"
    local message = "%s was deployed, and somebody else's came after it: %s is live"
    return nil, conflict(job, message:format(tostring(done.version), tostring(fields.live or "nothing")), fields)
  end
  return {
    action = "published",
    version = done.version,
    previous = state.live,
    overwrote = done.overwrote,
    under_way = done.state.under_way[1],
  }
end

local function run(job, content)
  local given = job.given
  job:tell("look", { script = job.script })
  local state, first = settle(job)
  if not state then return nil, first end
  local live = state.live
  if live then
    local held, problem = state:holds(live, content)
    if problem then return nil, problem end
    if held then return test_live(job, state, first) end
  end
  if given.expected_live ~= nil and not same_version(live, given.expected_live or nil) then
    return nil, moved(job, live)
  end
  local candidate, trouble = state:candidate(content)
  if trouble then return nil, trouble end
  if given.dry_run then return would_publish(job, state, candidate) end
  local version, second = make(job, state, candidate, content)
  if not version then return nil, second end
  return deploy_and_test(job, version, second)
end

local function prune(job, result)
  local given = job.given
  local options = job:options {
    keep = given.keep,
    ever_deployed = given.ever_deployed,
    save = given.save,
    timeout = job.deadline,
  }
  local undo = job.progress:deletes()
  local begun, refusal = job:begin(undo)
  if not begun then
    result.prune_error = refusal
    return
  end
  local pruned, problem = job.resource:prune(job.script, options)
  if pruned and not pruned.deleted[1] then undo() end
  result.pruned, result.stays = pruned and pruned.deleted, pruned and pruned.stays
  result.prune_error = not pruned and problem or nil
end

--- Adds the method to the resource's class.
-- @tparam table class ScriptVersions
function publish.extend(class)
  --- Makes a source the live version of a script. 2 requests at once when it is live already, and 1 for the test; else
  -- 6 (two looks, create, deploy), 1 for each look at the deployment, 1 for the test, and those of `prune` with `keep`.
  -- @tparam integer|string script id
  -- @tparam table given
  --
  -- - `content` (the source) or `file` (a path)
  -- - `test`: `payload`, `variables`, `flow`, `timeout` as for `invoke`, and `expect`: a string or a table (the
  --   payload, JSON as JSON; see `compare`), or a function that is given the answer and the response, and gives true,
  --   or false, a reason and the difference
  -- - `rollback` (true): after a failed test, deploy again what was live before
  -- - `keep`, `ever_deployed`, `save`: prune afterwards
  -- - `timeout` (for all of it but the way back), `deploy_timeout` (300 s, for each deployment), `interval`,
  --   `max_interval`; `dry_run`
  -- - `while_deploying`: begin at once, though the service says that versions are being deployed
  -- - `expected_live`: the version that must be live, or false
  -- - `record`: called with the account of it (see patchworks.release.progress) before each change, which is not made
  --   where that gives nil and a reason, but for the way back
  -- @treturn ?table `version`, `action` ("published", "unchanged", "would publish"), `previous` (what was live),
  -- `overwrote` (what somebody else made live in between), `under_way` (what somebody else began meanwhile), `pruned`,
  -- `stays`, `prune_error`; or nil and an error: kind "conflict" when somebody else published meanwhile; with `stage`
  -- ("deploy" or "test") when that failed, `rolled_back` (whether what was live before is live), `live` (what is, as of
  -- the last look), `previous`, `version`, `overwrote` and `under_way` as above, and `rollback_error` when the way back
  -- failed too. A deployment that may still come live has the outcome "unknown", or is `may_come_live`. A failed test
  -- has the kind "test_failed", `difference`, `logs`, `answer` or `cause`
  -- @usage local done, err = versions:publish(42, { file = "orders.py", test = { payload = order, expect = result } })
  function class:publish(script, given)
    given = given or {}
    methods.check(takes.publish, given)
    script = arguments.check_id(script, "publish: script id")
    tests.check(given.test, "publish")
    local content, problem = requests.content(given, "publish")
    if not content then return nil, problem end
    local job = jobs.new(self, "publish", script, given, given.timeout)
    return job:run(function()
      local result, failure = run(job, content)
      if result and given.keep and not given.dry_run then prune(job, result) end
      if not job.progress.pending[1] then job:finish() end
      return result, failure
    end)
  end
end

return publish
