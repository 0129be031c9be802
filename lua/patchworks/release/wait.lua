--- What people do with versions, made of the eight operations and nothing else: waiting, rolling back, pruning.
-- @module patchworks.release.wait
local arguments = require "patchworks.call.arguments"
local errors = require "patchworks.errors"
local reconcile = require "patchworks.release.reconcile"
local tasks = require "patchworks.time.tasks"

local release = {}

local wait_names = { timeout = true, interval = true, max_interval = true, on_event = true, failed_before = true }

local function deployment_failed(version, response)
  return errors.new {
    kind = "deployment_failed",
    operation = "wait",
    message = version.deployment_failure_reason or "the service gives no reason",
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
      version and version.status == "Deployed" and "Deployed since " .. tostring(version.deployed_at)
        or version and version.status
        or "?"
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
  local failed = version.deployment_failed_at
  if not failed then return false end
  if version.status ~= "Deployed" then return seen or failed ~= before end
  return failed ~= before and not (version.deployed_at and version.deployed_at > failed)
end

-- What a look tells: the version when it is deployed (no earlier than `after`), or nil and an error when it failed, or
-- nil while it goes on.
local function judge(version, response, given, seen)
  if version.deploying then return nil end
  if has_failed(version, given.failed_before, seen) then return nil, deployment_failed(version, response) end
  local late_enough = not given.after or tostring(version.deployed_at) >= given.after
  return version.status == "Deployed" and late_enough and version or nil
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
      last, seen, trouble = version, seen or version.deploying ~= nil, nil
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
    failed_before = version.deployment_failed_at,
    after = from and from.deployed_at,
    last = version,
  })
end

-- Later deployments come first; of two in the same moment the higher number.
local function deployed_later(left, right)
  if left.deployed_at ~= right.deployed_at then return left.deployed_at > right.deployed_at end
  return reconcile.number(left) > reconcile.number(right)
end

--- The versions that were ever deployed, the live one first.
-- @tparam table versions a list
function release.by_deployment(versions)
  local list = {}
  for _, version in ipairs(versions) do
    if type(version.deployed_at) == "string" then list[#list + 1] = version end
  end
  table.sort(list, deployed_later)
  -- Whatever was un-deployed since is behind those that are.
  local live, former = {}, {}
  for _, version in ipairs(list) do table.insert(version.status == "Deployed" and live or former, version) end
  table.move(former, 1, #former, #live + 1, live)
  return live
end

local rollback_names = { to = true, dry_run = true }
for name in pairs(wait_names) do rollback_names[name] = name ~= "failed_before" or nil end

local function no_target(message, hint)
  return nil, errors.new { kind = "not_found", operation = "rollback", message = message, hint = hint }
end

-- The version that is asked for by its id.
local function named_target(self, script, given)
  local wanted = arguments.check_id(given.to, "rollback: to")
  local version, problem = self:get(wanted, { on_event = given.on_event })
  if version and tostring(version.script_id or script) == tostring(script) then return version end
  if not version and problem.kind ~= "not_found" then return nil, problem end
  return no_target(
    ("script %s has no version with the id %s"):format(script, wanted),
    "ids are not version numbers: `list` shows both"
  )
end

-- The version to go back to, and the live one; or nil and an error. Only where a single one is deployed need all be
-- read: a former one may have been un-deployed since.
local function rollback_target(self, script, given)
  local filter = { is_deployed = true }
  local found, problem = self:list(script, { filter = filter, on_event = given.on_event }):all()
  if not found then return nil, problem end
  local deployed = release.by_deployment(found)
  local live = deployed[1]
  if given.to ~= nil then
    local version, failure = named_target(self, script, given)
    return version, version and live or failure
  end
  if not deployed[2] then
    found, problem = self:list(script, { on_event = given.on_event }):all()
    if not found then return nil, problem end
    deployed = release.by_deployment(found)
  end
  if deployed[2] then return deployed[2], live end
  return no_target(("script %s has no earlier deployed version to go back to"):format(script))
end

local function rollback(self, script, given)
  local target, live = rollback_target(self, script, given)
  if not target then return nil, live end
  if live and live.id == target.id then return { version = live, action = "unchanged" } end
  if given.dry_run then return { version = target, previous = live, action = "would roll back" } end
  release.tell(self, given, "rollback", { version = target, from = live })
  local version, failure = release.deploy(self, target, given, live)
  if not version then return nil, failure end
  return { version = version, previous = live, action = "rolled back" }
end

local prune_names = { keep = true, dry_run = true, on_event = true, concurrency = true }

-- The versions that nobody needs: not among the newest, not deployed or on the way, not what a rollback would take, nor
-- the last deployed one of a script that the service has put into cold storage: it is deployed again when it is called.
local function prunable(all, keep)
  table.sort(all, function(left, right) return reconcile.number(left) > reconcile.number(right) end)
  local current, before = table.unpack(release.by_deployment(all), 1, 2)
  local list = {}
  for i, version in ipairs(all) do
    local needed = i <= keep or version.status == "Deployed" or version.deploying
    if not (needed or version == current or version == before) then list[#list + 1] = version end
  end
  return list
end

local function prune(self, script, given)
  local keep = arguments.check_integer(given.keep, 0, math.maxinteger, "prune: keep")
  if not keep then errors.misuse("prune: expected `keep`, how many of the newest versions stay") end
  local all, problem = self:list(script, { on_event = given.on_event }):all()
  if not all then return nil, problem end
  local count = #all
  local list = prunable(all, keep)
  if given.dry_run then return { deleted = {}, would_delete = list, kept = count - #list } end
  local deleted, failures = tasks.map(list, function(version)
    release.tell(self, given, "delete", { version = version })
    local _, failure = self:delete(version.id, { on_event = given.on_event })
    if errors.is_error(failure) then return nil, failure end
    return version
  end, { concurrency = given.concurrency or 4 })
  local done = {}
  for i = 1, #list do done[#done + 1] = deleted[i] end
  if failures then
    local first = failures[1].error
    if not errors.is_error(first) then error(first, 0) end
    first.deleted, first.failures = done, failures
    return nil, first
  end
  return { deleted = done, kept = count - #done }
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

  --- Makes the version live that was live before, or another one. 1 request (2 with `to`; where only one version is
  -- deployed 1 more for each 100 versions), 1 to deploy, 1 for each look.
  -- @tparam integer|string script id
  -- @tparam ?table given `to` (id of a version), `dry_run`, and as for `wait`
  -- @treturn ?table `version`, `previous` (what was live), `action` ("rolled back", "unchanged", "would roll back"); or
  -- nil and an error
  function class:rollback(script, given)
    arguments.check_names(given, rollback_names, "rollback")
    release.check_waits(given, "rollback")
    script = arguments.check_id(script, "rollback: script id")
    if given and given.to ~= nil then arguments.check_id(given.to, "rollback: to") end
    return rollback(self, script, given or {})
  end

  --- Deletes old versions. Never one that is deployed or being deployed, and never the one that `rollback` would take.
  -- Collects first, deletes after: 1 request for each 100 versions, 1 for each that is deleted.
  -- @tparam integer|string script id
  -- @tparam table given `keep` (how many of the newest stay whatever they are), `dry_run`, `concurrency` (4)
  -- @treturn ?table `deleted` (versions), `kept` (how many), with `dry_run` also `would_delete`; or nil and the first
  -- error, with `deleted` and `failures`
  function class:prune(script, given)
    arguments.check_names(given, prune_names, "prune")
    return prune(self, script, given or {})
  end
end

return release
