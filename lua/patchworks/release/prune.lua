--- Deleting the versions that nobody needs.
-- @module patchworks.release.prune
local arguments = require "patchworks.call.arguments"
local errors = require "patchworks.errors"
local release = require "patchworks.release.wait"
local service = require "patchworks.service"
local tasks = require "patchworks.time.tasks"

local pruning = {}

local prune_names = { keep = true, dry_run = true, on_event = true, concurrency = true }

-- The versions that nobody needs: not among the newest, not deployed or on the way, not what a rollback would take, nor
-- the last deployed one of a script that the service has put into cold storage: it is deployed again when it is called.
local function prunable(all, keep)
  table.sort(all, function(left, right) return service.number(left) > service.number(right) end)
  local current, before = table.unpack(service.by_deployment(all), 1, 2)
  local list = {}
  for i, version in ipairs(all) do
    local needed = i <= keep or service.is_deployed(version) or service.is_deploying(version)
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

--- Adds the method to the resource's class.
-- @tparam table class ScriptVersions
function pruning.extend(class)
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

return pruning
