--- Going back to a version that was live before.
-- @module patchworks.release.rollback
local arguments = require "patchworks.call.arguments"
local errors = require "patchworks.errors"
local release = require "patchworks.release.wait"
local service = require "patchworks.service"

local rolling = {}

local rollback_names = { to = true, dry_run = true }
for name in ("timeout interval max_interval on_event"):gmatch "%S+" do rollback_names[name] = true end

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
  local deployed = service.by_deployment(found)
  local live = deployed[1]
  if given.to ~= nil then
    local version, failure = named_target(self, script, given)
    return version, version and live or failure
  end
  if not deployed[2] then
    found, problem = self:list(script, { on_event = given.on_event }):all()
    if not found then return nil, problem end
    deployed = service.by_deployment(found)
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

--- Adds the method to the resource's class.
-- @tparam table class ScriptVersions
function rolling.extend(class)
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
end

return rolling
