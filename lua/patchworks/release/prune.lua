--- Deleting the versions that nobody needs.
--
-- A virtual environment may pin a script to a version, which its fields don't say: what was in use lately stays, and
-- what was ever live goes only when that is asked for. Whether it may go is looked at again right before.
--
-- @module patchworks.release.prune
local core = require "patchworks.core"
local arguments = require "patchworks.call.arguments"
local errors = require "patchworks.errors"
local jobs = require "patchworks.release.job"
local look = require "patchworks.release.look"
local methods = require "patchworks.call.methods"
local rollback = require "patchworks.release.rollback"
local service = require "patchworks.service"
local takes = require "patchworks.release.methods"
local tasks = require "patchworks.time.tasks"

local prune = {}

local lately = 30 -- days

-- The service's time: a clock of this machine that is behind doesn't make versions old.
local function service_now(job, versions)
  local now = job.clock.wall()
  for _, version in ipairs(versions) do
    now = math.max(now, service.used_at(version) or 0, service.time(version.created_at) or 0)
  end
  return now
end

-- Why a version stays whatever else there is; nil when it may go.
local function needed(version, now, given)
  if service.is_deploying(version) and not service.is_stale(version, now) then return "it is being deployed" end
  if service.is_deployed(version) then return "it is deployed" end
  local used = service.used_at(version)
  if used and now - used < lately * 86400 then return ("it was in use within %d days"):format(lately) end
  if service.was_deployed(version) and not given.ever_deployed then return "it was live once" end
end

-- The versions that may go, oldest first, those that stay though they are not among the newest, each with its reason,
-- and the newest.
local function sort_out(state, now, given)
  local current = service.by_deployment(state.versions)[1]
  local back = rollback.target(state.versions, current)
  local go, stays, newest = {}, {}, {}
  for i, version in ipairs(state.versions) do
    if i > given.keep then
      local reason = version == current and not service.is_deployed(version) and "it was deployed last"
        or version == back and "rollback would go back to it"
        or needed(version, now, given)
      if reason then
        stays[#stays + 1] = { version = version, reason = reason }
      else
        table.insert(go, 1, version)
      end
    else
      newest[i] = version
    end
  end
  return go, stays, newest
end

-- Reads a version once more, and gives why it stays after all: somebody may have deployed it, or it is gone.
local function look_again(job, version, now)
  local given = job.given
  local fresh, response = job.resource:get(version.id, job:options { include = given.save and "content" or nil })
  if not fresh then return nil, response end
  -- By the service's own clock, where it tells: this machine's may be ahead.
  local date = core.date(response.headers.date or "")
  local reason = needed(fresh, date or now, given)
    or service.deployed_at(fresh) ~= service.deployed_at(version) and "it was deployed meanwhile"
    or nil
  if reason or not given.save then return { reason = reason } end
  local called, saved, trouble = pcall(given.save, version, service.source(fresh) or "")
  if called and not (saved == nil and trouble ~= nil) then return {} end
  return { reason = "its source could not be saved: " .. tostring(called and trouble or saved) }
end

-- Deletes one: gives the version, or `{ reason }` when it stays; or nil and an error.
local function delete(job, version, now)
  local seen, problem = look_again(job, version, now)
  if not seen then
    if problem.kind == "not_found" then return version end
    return nil, problem
  end
  if seen.reason then return seen end
  if job.deadline:left() <= 0 then return nil, job:late "it was deleted" end
  job.progress:deletes()
  job:tell("delete", { version = version })
  local _, failure = job.resource:delete(version.id, job:options())
  if errors.is_error(failure) then return nil, failure end
  return version
end

local function run(job)
  local given = job.given
  local state, problem = look.at_all(job)
  if not state then return nil, problem end
  local count, now = #state.versions, service_now(job, state.versions)
  local list, stays, newest = sort_out(state, now, given)
  if given.dry_run then return { deleted = {}, would_delete = list, stays = stays, newest = newest,
    kept = count - #list } end
  local results, failures = tasks.map(list, function(version) return delete(job, version, now) end, {
    concurrency = given.concurrency or 4,
  })
  local deleted = {}
  for i, version in ipairs(list) do
    if results[i] == version then
      deleted[#deleted + 1] = version
    elseif results[i] then
      stays[#stays + 1] = { version = version, reason = results[i].reason }
    end
  end
  if not failures then return { deleted = deleted, stays = stays, newest = newest, kept = count - #deleted } end
  return nil, job:wrap(jobs.first(failures), { deleted = deleted, stays = stays, newest = newest,
    failures = failures })
end

--- Adds the method to the resource's class.
-- @tparam table class ScriptVersions
function prune.extend(class)
  --- Deletes old versions. Never one that is deployed or being deployed, one that was deployed or invoked within 30
  -- days, the one that was deployed last, or the one that `rollback` would go back to; one that was ever live only with
  -- `ever_deployed`. Looks at each again right before. 1 request for each 100 versions, 2 for each that is deleted.
  -- @tparam integer|string script id
  -- @tparam table given `keep` (how many of the newest stay whatever they are), `ever_deployed`, `save` (called with a
  -- version and its source before it goes; it stays when that gives nil and a reason), `dry_run`, `concurrency` (4),
  -- `timeout` (for all of it)
  -- @treturn ?table `deleted` (versions), `kept` (how many), `newest` (versions that stay as such), `stays` (a list of
  -- `{ version, reason }`: those that are not among the newest), with `dry_run` also `would_delete`; or nil and the
  -- first error, with `deleted`, `newest`, `stays` and `failures`
  function class:prune(script, given)
    methods.check(takes.prune, given)
    script = arguments.check_id(script, "prune: script id")
    local job = jobs.new(self, "prune", script, given, given.timeout)
    return job:run(run)
  end
end

return prune
