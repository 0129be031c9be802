--- Deploying, and watching a deployment until it has ended.
--
-- The service goes on with a deployment whether anybody looks or not, so once it was begun nothing that a look meets is
-- its end: a failed look is taken again until the time is up, and what is lost from sight has the outcome "unknown".
--
-- @module patchworks.release.wait
local arguments = require "patchworks.call.arguments"
local deadline = require "patchworks.time.deadline"
local errors = require "patchworks.errors"
local jobs = require "patchworks.release.job"
local methods = require "patchworks.call.methods"
local service = require "patchworks.service"
local takes = require "patchworks.release.methods"
local tasks = require "patchworks.time.task"

local wait = {}

local usual = 300 -- seconds for a deployment

--- How long to pause between two looks at a deployment that was begun some seconds ago: it is seen to be over at most a
-- third of its own time late, or half a second, with 18 looks in the first minute.
-- @tparam number elapsed seconds since it was begun
-- @tparam ?number first the caller's first pause, in the place of ours
-- @tparam ?number most the caller's longest pause
-- @treturn number seconds
function wait.pause(elapsed, first, most)
  local least = first or (elapsed < 0.2 and 0.25 or 0.45)
  return math.min(math.max(least, 0.3 * elapsed), math.max(least, most or 20))
end

-- Kinds of a look's failure that no later look mends.
local lasting = { unauthenticated = true, forbidden = true, not_found = true, cancelled = true }

-- Those that may be over by the next look even where nothing is known to be under way.
local passing = { network = true, timeout = true, server = true, rate_limited = true }

local function deployment_failed(job, version, response)
  return job:error {
    kind = "deployment_failed",
    message = service.failure_reason(version),
    version = version,
    response = response,
  }
end

local function not_in_time(job, seconds, version, problem, begun)
  return job:error {
    kind = "timeout",
    message = ("the version was not deployed within %.3g s (it is %s)"):format(seconds, service.state(version)),
    version = version,
    outcome = begun and "unknown" or "none",
    cause = problem,
    hint = problem and "the last look failed: " .. tostring(problem)
      or (begun or service.is_deploying(version)) and "the service goes on with it: wait again, or raise the time"
      or "nobody deploys it: deploy it, or call `deploy_and_wait`",
  }
end

-- Whether a version failed to be deployed since `watched.before`: its failure is not the one that was there, nor older
-- than its last success. A service that counts in seconds may give two failures the same time: then that it was seen to
-- be deploying tells the new one.
local function has_failed(version, watched)
  local failed = service.failed_at(version)
  if not failed or not (watched.seen or failed ~= watched.failed_before) then return false end
  local deployed, at = service.deployed_at(version), service.time(failed)
  if not deployed then return true end
  -- What was deployed after it failed may have been superseded since.
  if at then return deployed <= at end
  return not service.is_deployed(version)
end

-- Whether a deployed version was deployed by what is watched: one that was deployed before stays so meanwhile.
local function is_anew(version, watched)
  local before = watched.before
  if not before or not service.is_deployed(before) or watched.seen then return true end
  local at, former = service.deployed_at(version), service.deployed_at(before)
  if at and former and (at ~= former or (watched.after ~= nil and at >= watched.after)) then return true end
  -- It tells nothing, so that it was not seen under way must do. Deploying what is deployed may change nothing: then
  -- its time stays, and it is the same source that is deployed in either case.
  return watched.looks >= (at and former and 6 or 3)
end

-- Whether a version was deployed since the first that was seen of it, and then un-deployed for somebody else's.
local function is_superseded(version, watched)
  local at, former = service.deployed_at(version), watched.first and service.deployed_at(watched.first)
  return watched.first ~= nil and at ~= nil and not service.is_deployed(version) and at > (former or -math.huge)
end

-- Whether a deployment has ended, by its dates, though `deploying` goes on saying what isn't known.
local function has_ended(version, watched)
  if not service.is_doubtful(version) then return false end
  local at, failed = service.deployed_at(version), service.failed_at(version)
  return (at ~= nil and at ~= service.deployed_at(watched.first))
    or (failed ~= nil and failed ~= service.failed_at(watched.first))
end

-- What a look tells: the version when it was deployed, be it superseded since; or nil and an error when it failed; or
-- nil while it goes on.
local function judge(job, version, response, watched)
  watched.looks = watched.looks + 1
  local first = watched.before
  watched.first = watched.first or (first and first.status ~= nil and first) or version
  if service.is_deploying(version) then
    watched.seen = true
    if not has_ended(version, watched) then return nil end
    job.passed[version.id] = true
  end
  if has_failed(version, watched) then return nil, deployment_failed(job, version, response) end
  if is_superseded(version, watched) then return version end
  return service.is_deployed(version) and is_anew(version, watched) and version or nil
end

-- How long to pause before the next look, and whether that is the last: it is where none would fit after it, and is
-- begun just so long before the end that its answer can be there in time.
local function next_pause(left, elapsed, took, given)
  local pause = wait.pause(elapsed, given.interval, given.max_interval)
  local margin = math.min(left / 2, math.max(0.02, 2 * took))
  if pause < left - 2 * margin then return pause, false end
  return left - margin, true
end

-- Watches a version until its deployment has ended. `watched`: `before` (the version as it was), `after` (when the one
-- was deployed whose place it takes), `failed_before`, `begun` (it was surely begun), `timeout`.
local function watch(job, id, watched)
  local clock, given = job.clock, job.given
  local began, limit = clock.now(), deadline.of(watched.timeout, job.deadline)
  local seconds = limit:left()
  local last, final = watched.before, false
  watched.looks = 0
  while true do
    local asked = clock.now()
    local version, response = job.resource:get(id, job:options { timeout = limit })
    local now, trouble = clock.now(), nil
    if version then
      last = version
      local done, failure = judge(job, version, response, watched)
      if done or failure then return done, failure or response end
    else
      trouble = response
      if lasting[trouble.kind] or not (watched.begun or (last and passing[trouble.kind])) then
        if not watched.begun then return nil, trouble end
        return nil, job:wrap(trouble, { outcome = "unknown", version = last })
      end
    end
    local left = limit:left()
    if final or left <= 0 then return nil, not_in_time(job, seconds, last, trouble, watched.begun) end
    local pause
    pause, final = next_pause(left, now - began, now - asked, given)
    clock.sleep(pause)
  end
end

-- After a request to deploy whose answer was lost: whether the version is being deployed, or was.
local function was_begun(job, id, watched)
  local version, response = job.resource:get(id, job:options())
  if not version then return false end
  watched.looks = 0
  local done, failure = judge(job, version, response, watched)
  return watched.seen or done ~= nil or failure ~= nil
end

--- Deploys a version that was just read, and watches until that has ended.
-- @tparam table job
-- @tparam table version
-- @tparam string step what the listener is told
-- @tparam ?table from the version whose place it takes
-- @return version, response; or nil and an error. Its outcome is "none" where the version surely doesn't come live. A
-- version that is not deployed was, and somebody else's took its place
function wait.deploy(job, version, step, from)
  local progress = job.progress
  if job.deadline:left() <= 0 then return nil, job:late "the deployment was begun" end
  local undo = progress:begins(version)
  local begun, refusal = job:begin(undo, step, { version = version, from = from })
  if not begun then
    refusal.message = ("%s was not deployed: %s"):format(tostring(version), refusal.message)
    return nil, refusal
  end
  local watched = {
    before = version,
    after = from and service.deployed_at(from),
    failed_before = job.given.failed_before or service.failed_at(version),
    timeout = job.given.deploy_timeout or usual,
    begun = true,
  }
  local _, problem = job.resource:deploy(version.id, job:options())
  if errors.is_error(problem) and not (problem.outcome == "unknown" and was_begun(job, version.id, watched)) then
    if problem.outcome ~= "unknown" then undo() end
    return nil, problem
  end
  local mark <close> = tasks.uncertain()
  local message = "the service goes on with the deployment"
  mark.problem = job:error { kind = "cancelled", message = message, outcome = "unknown", version = version }
  local deployed, failure = watch(job, version.id, watched)
  mark.problem = nil
  if deployed or failure.kind == "deployment_failed" then progress:ends(version) end
  if deployed and service.is_deployed(deployed) then progress:saw(deployed) end
  return deployed, failure
end

--- Waits until somebody's deployment has ended, well or not.
-- @tparam table job
-- @tparam table version
-- @tparam table limit a deadline
-- @treturn ?boolean true; or nil and an error
function wait.settle(job, version, limit)
  local _, problem = watch(job, version.id, {
    before = version,
    seen = true,
    failed_before = service.failed_at(version),
    timeout = limit,
  })
  local ended = not errors.is_error(problem) or problem.kind == "deployment_failed" or problem.kind == "not_found"
  if ended then return true end
  return nil, problem
end

-- What was deployed and is not any more is not what was waited for. `outcome` is "unknown" where this call has deployed
-- it.
local function live_still(job, outcome, version, response)
  if not version or service.is_deployed(version) then return version, response end
  return nil, job:error {
    kind = "conflict",
    message = ("%s was deployed, and somebody else's came after it"):format(tostring(version)),
    version = version,
    outcome = outcome,
    overtaken = true,
    response = response,
    hint = "look at what is live; deploy it again to replace that",
  }
end

--- Adds the methods to the resource's class.
-- @tparam table class ScriptVersions
function wait.extend(class)
  --- Waits until a version that is being deployed is live. 1 request a look; looks come at growing intervals.
  -- @tparam integer|string id
  -- @tparam ?table given `timeout` (300 s), `interval` and `max_interval` (20 s): the first and the longest pause
  -- between looks; `failed_before` (the deployment_failed_at from before the deployment, so that an old failure is not
  -- taken for a new one)
  -- @treturn ?table version; or nil and an error, of kind "deployment_failed" with the service's reason, or "conflict"
  -- with `overtaken` when somebody else's took its place by then
  function class:wait(id, given)
    methods.check(takes.wait, given)
    id = arguments.check_id(id, "wait: script version id")
    local job = jobs.new(self, "wait", id, given, given and given.timeout or usual)
    return job:run(function()
      return live_still(job, "none", watch(job, id, { failed_before = job.given.failed_before }))
    end)
  end

  --- Deploys a version and waits until it is live. 2 requests and 1 for each look: the first tells an old failure from
  -- a new one.
  -- @tparam integer|string id
  -- @tparam ?table given as for `wait`
  -- @treturn ?table version; or nil and an error, as for `wait`
  function class:deploy_and_wait(id, given)
    methods.check(takes.deploy_and_wait, given)
    id = arguments.check_id(id, "deploy_and_wait: script version id")
    local job = jobs.new(self, "deploy_and_wait", id, given, given and given.timeout or usual)
    return job:run(function()
      local version, problem = { id = id }, nil
      if job.given.failed_before == nil then
        version, problem = job.resource:get(id, job:options())
      end
      if not version then return nil, problem end
      return live_still(job, "unknown", wait.deploy(job, version, "deploy"))
    end)
  end
end

return wait
