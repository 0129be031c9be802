--- Going back to a version that was live before.
-- @module patchworks.release.rollback
local arguments = require "patchworks.call.arguments"
local jobs = require "patchworks.release.job"
local look = require "patchworks.release.look"
local methods = require "patchworks.call.methods"
local replace = require "patchworks.release.replace"
local service = require "patchworks.service"
local takes = require "patchworks.release.methods"

local rollback = {}

--- The version to go back to: among those with a lower number than the live one, the one that was deployed last. So it
-- is never a version whose test has just failed, and going back twice goes back twice.
-- @tparam table versions a list
-- @tparam ?table live
-- @treturn ?table version
function rollback.target(versions, live)
  if not live then return nil end
  local older = {}
  for _, version in ipairs(versions) do
    if service.number(version) < service.number(live) and service.was_deployed(version) then
      older[#older + 1] = version
    end
  end
  table.sort(older, service.deployed_later)
  return older[1]
end

local function not_found(job, message, hint)
  return nil, job:error { kind = "not_found", message = message, hint = hint }
end

-- The version that is asked for by its id.
local function named(job, state)
  local wanted = job.given.to
  local version = state.by_id[math.tointeger(tonumber(wanted))]
  if version then return version end
  local problem
  version, problem = job.resource:get(wanted, job:options())
  if not version and problem.kind ~= "not_found" then return nil, problem end
  if version and not look.flaw(job, version) then return version end
  return not_found(
    job,
    ("script %s has no version with the id %s"):format(job.script, wanted),
    "ids are not version numbers: `list` shows both"
  )
end

local function find_target(job, state)
  if job.given.to ~= nil then return named(job, state) end
  local target = rollback.target(state.versions, state.live)
  if target then return target end
  return not_found(
    job,
    ("script %s has no earlier deployed version to go back to"):format(job.script),
    state.live and "a newer version than the live one is deployed by name, with `to`" or "nothing is live"
  )
end

local function lost(job, target, problem, state)
  local unknown = problem.outcome == "unknown"
  return nil, job:wrap(problem, {
    stage = "deploy",
    version = target,
    live = state.live,
    may_come_live = unknown and target or nil,
  })
end

local function run(job)
  local ask_all = job.given.to == nil
  job:tell("look", { script = job.script })
  local state, problem = (ask_all and look.at_all or look.at)(job)
  if not state then return nil, problem end
  local target, failure = find_target(job, state)
  if not target then return nil, failure end
  job:pass(state)
  local live, others = state.live, state.under_way[1]
  if others then
    return nil, job:error {
      kind = "conflict",
      message = ("%s is under way: it would come live afterwards"):format(tostring(others)),
      under_way = others,
      live = live,
      hint = "nothing was changed: `wait` for it, and roll back then; " .. look.way_out(others),
    }
  end
  if live and live.id == target.id then return { version = live, action = "unchanged" } end
  if job.given.dry_run then return { version = target, previous = live, action = "would roll back" } end
  job.progress:has(target, false)
  local done, trouble = replace.with(job, target, "rollback", state)
  if not done then return lost(job, target, trouble, state) end
  if done.problem then return nil, job:wrap(done.problem, { version = done.version, outcome = "unknown" }) end
  local begun = done.state.under_way[1]
  if not done.is_live then
    local now = done.state.live
    return nil, job:error {
      kind = "conflict",
      message = ("%s was deployed, and somebody else's came after it: %s is live"):format(
        tostring(done.version),
        tostring(now or "nothing")
      ),
      version = done.version,
      live = now,
      overwrote = done.overwrote,
      under_way = begun,
      overtaken = true,
      outcome = "unknown",
      hint = "it was deployed: look at what is live, then decide again",
    }
  end
  return {
    version = done.version,
    previous = live,
    action = "rolled back",
    overwrote = done.overwrote,
    under_way = begun,
  }
end

--- Adds the method to the resource's class.
-- @tparam table class ScriptVersions
function rollback.extend(class)
  --- Goes back: among the versions with a lower number than the live one, the one that was deployed last is deployed
  -- again. Never forward; twice goes back twice. 1 request for each 100 versions (2 with `to`), 1 to deploy, 1 for each
  -- look at it, 1 to see what is live then.
  -- @tparam integer|string script id
  -- @tparam ?table given `to` (id of a version, be it newer), `dry_run`, `timeout` (for all of it), and as for
  -- `publish`: `deploy_timeout`, `interval`, `max_interval`, `record`, `while_deploying`
  -- @treturn ?table `version`, `previous` (what was live), `action` ("rolled back", "unchanged", "would roll back"),
  -- `overwrote`, `under_way`; or nil and an error, of kind "conflict" where a deployment is under way
  function class:rollback(script, given)
    methods.check(takes.rollback, given)
    script = arguments.check_id(script, "rollback: script id")
    if given and given.to ~= nil then arguments.check_id(given.to, "rollback: to") end
    local job = jobs.new(self, "rollback", script, given, given and given.timeout)
    return job:run(function()
      local result, problem = run(job)
      if not job.progress.pending[1] then job:finish() end
      return result, problem
    end)
  end
end

return rollback
