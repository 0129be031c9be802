--- Deploying, and waiting until a version is live.
-- @module patchworks.release.wait
local arguments = require "patchworks.call.arguments"
local errors = require "patchworks.errors"
local service = require "patchworks.service"

local release = {}

local wait_names = { timeout = true, interval = true, max_interval = true, on_event = true, failed_before = true }

local function deployment_failed(version, response)
  return errors.new {
    kind = "deployment_failed",
    operation = "wait",
    message = service.failure_reason(version),
    version = version,
    response = response,
    stage = "deploy",
  }
end

local function not_in_time(timeout, version, problem)
  return errors.new {
    kind = "timeout",
    operation = "wait",
    message = ("the version was not deployed within %.3g s (it is %s)"):format(
      timeout,
      version and service.state(version) or "?"
    ),
    version = version,
    outcome = "unknown",
    hint = problem and "the last look failed: " .. tostring(problem)
      or "the service goes on with it: wait again, or raise `timeout`",
  }
end

-- Failures of a look that may be over by the next one: the deployment goes on whether anybody looks or not.
local passing = { network = true, timeout = true, server = true, rate_limited = true }

-- Whether a version failed to be deployed: its failure is not the one that was there before, nor older than its last
-- success. A service that counts in seconds may give two failures the same time: then `seen`, that it was deploying
-- since, tells the new one.
local function has_failed(version, before, seen)
  local failed = service.failed_at(version)
  if not failed then return false end
  if not service.is_deployed(version) then return seen or failed ~= before end
  return failed ~= before and not ((service.deployed_at(version) or -1) > (service.time(failed) or 0))
end

-- What a look tells: the version when it is deployed (no earlier than `after`), or nil and an error when it failed, or
-- nil while it goes on.
local function judge(version, response, given, seen)
  if service.is_deploying(version) then return nil end
  if has_failed(version, given.failed_before, seen) then return nil, deployment_failed(version, response) end
  local late_enough = not given.after or (service.deployed_at(version) or -1) >= given.after
  return service.is_deployed(version) and late_enough and version or nil
end

-- Waits until a version is no longer deploying, reading it at growing intervals. `failed_before` is the
-- deployment_failed_at that it had before this deployment: an old failure stays there until the next one. `after` is
-- the deployed_at of the version that it is to take the place of; `last` is what was known of this one, if anything.
local function wait(self, id, given)
  given = given or {}
  local clock = self.client.clock
  local deadline = clock.now() + (arguments.check_seconds(given.timeout, "wait: timeout") or 300)
  local interval = arguments.check_seconds(given.interval, "wait: interval") or 1
  local most = arguments.check_seconds(given.max_interval, "wait: max_interval") or 10
  local last, seen, trouble = given.last, nil, nil
  while true do
    local left = math.max(0.001, deadline - clock.now())
    local version, response = self:get(id, { timeout = left, on_event = given.on_event })
    if version then
      last, seen, trouble = version, seen or service.is_deploying(version), nil
      local done, failure = judge(version, response, given, seen)
      if done or failure then return done, failure or response end
    elseif clock.now() < deadline or response.kind ~= "timeout" then
      if not (passing[response.kind] and last) then return nil, response end
      trouble = response
    end
    if deadline - clock.now() < interval then return nil, not_in_time(given.timeout or 300, last, trouble) end
    clock.sleep(interval)
    interval = math.min(most, interval * 1.5)
  end
end

--- Checks the options of waiting before anything is sent; raises for misuse.
-- @tparam ?table given
-- @tparam string what the method, for the message
function release.check_waits(given, what)
  for _, name in ipairs(given and { "timeout", "interval", "max_interval" } or {}) do
    arguments.check_seconds(given[name], what .. ": " .. name)
  end
end

--- Tells a listener about a step of a release.
-- @tparam table self script_versions
-- @tparam table given the caller's options
-- @tparam string step its name
-- @tparam ?table fields what else the event holds
function release.tell(self, given, step, fields)
  local listener = given.on_event or self.client.settings.on_event
  if not listener then return end
  local event = { type = "step", step = step }
  for name, value in pairs(fields or {}) do event[name] = value end
  listener(event)
end

--- Deploys a version that was just read, and waits until it is live.
-- @tparam table self script_versions
-- @tparam table version
-- @tparam table given the caller's options
-- @tparam ?table from the version whose place it takes: it is live once it was deployed no earlier than that
-- @return version, response; or nil and an error
function release.deploy(self, version, given, from)
  local id = version.id
  local _, problem = self:deploy(id, { on_event = given.on_event })
  if problem and errors.is_error(problem) then return nil, problem end
  return wait(self, id, {
    timeout = given.timeout,
    interval = given.interval,
    max_interval = given.max_interval,
    on_event = given.on_event,
    failed_before = service.failed_at(version),
    after = from and service.deployed_at(from),
    last = version,
  })
end

--- Adds the methods to the resource's class.
-- @tparam table class ScriptVersions
function release.extend(class)
  --- Waits until a version that is being deployed is live. 1 request a look; looks come at growing intervals.
  -- @tparam integer|string id
  -- @tparam ?table given `timeout` (300 s), `interval` (1 s) and `max_interval` (10 s) between looks, `failed_before`
  -- (the deployment_failed_at from before the deployment, so that an old failure is not taken for a new one)
  -- @treturn ?table version; or nil and an error, of kind "deployment_failed" with the service's reason
  function class:wait(id, given)
    arguments.check_names(given, wait_names, "wait")
    return wait(self, id, given)
  end

  --- Deploys a version and waits until it is live. 2 requests and 1 for each look: the first tells an old failure from
  -- a new one.
  -- @tparam integer|string id
  -- @tparam ?table given as for `wait`
  -- @treturn ?table version; or nil and an error, of kind "deployment_failed" with the service's reason
  function class:deploy_and_wait(id, given)
    arguments.check_names(given, wait_names, "deploy_and_wait")
    release.check_waits(given, "deploy_and_wait")
    given = given or {}
    local version, problem = { id = id, deployment_failed_at = given.failed_before }, nil
    if given.failed_before == nil then
      version, problem = self:get(id, { on_event = given.on_event })
    end
    if not version then return nil, problem end
    return release.deploy(self, version, given)
  end
end

return release
