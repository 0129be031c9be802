-- Prune deletes what it may, and says what it did; by itself and at the end of a publish.
local plain = require("spec.simulation.service").plain

-- When the service was last looked at, by this call, before a request.
local function last_look(evidence, call, version, script, before, time)
  local at = -math.huge
  for _, request in ipairs(evidence:requests_of(call)) do
    local looks = (request.operation == "get" and request.subject == version)
      or (request.operation == "list" and request.subject == script)
    local came = request.number < before and request.arrived and request.arrived < time and request.status == 200
    if looks and came then at = math.max(at, request.arrived) end
  end
  return at
end

-- Whether the call saw that a version was deployed, or on its way, when it deleted it.
local function was_seen_deployed(evidence, entry, look)
  if entry.was ~= "Deployed" and not entry.building then return false end
  local since = -math.huge
  for _, each in ipairs(evidence.world.service.journal) do
    if (each.what == "accepted" or each.what == "live") and each.version == entry.version and each.time <= entry.time then
      since = math.min(since == -math.huge and each.time or since, each.time)
      if each.time > look then since = each.time end
    end
  end
  return since <= look
end

local lately = 30 * 86400 -- seconds

-- What goes was saved before, where that was asked for.
local function check_saved(evidence, call, entry)
  local saved = call.saved and call.saved[entry.version]
  if not call.saved or saved and not saved.refused and saved.time <= entry.time
    and plain(saved.source) == plain(evidence.contents[entry.version]) then return end
  evidence:lie("prune saves the source first", call, "version %d: %s", entry.version,
    not saved and "nobody was given its source" or saved.refused and "it could not be saved" or "something else was saved, or too late")
end

local function check_deleted(evidence, call, entry)
  check_saved(evidence, call, entry)
  local look = last_look(evidence, call, entry.version, entry.script, entry.request, entry.time)
  if was_seen_deployed(evidence, entry, look) then
    evidence:lie("prune spares what is deployed", call, "version %d was deployed, or on the way, and seen so", entry.version)
  elseif entry.deployed and entry.deployed <= look and not call.args.ever_deployed then
    evidence:lie("prune spares what was ever live", call, "version %d was, and that was not asked for", entry.version)
  elseif entry.used and entry.used <= look and entry.used > entry.time - lately then
    evidence:lie("prune spares what was used lately", call, "version %d was used %.0f s ago", entry.version, entry.time - entry.used)
  elseif (entry.is_last or entry.is_former) and evidence:is_alone(call, entry.script) then
    evidence:lie("prune leaves a way back", call, "version %d was deployed last, or is where a rollback would go", entry.version)
  end
end

local function check_prune(evidence, call)
  local value, gone = call.value or call.err, {}
  for _, entry in ipairs(evidence:effects_of(call, "deleted")) do
    gone[entry.version] = true
    if not entry.late then check_deleted(evidence, call, entry) end
  end
  for _, version in ipairs(value and (value.deleted or value.pruned) or {}) do
    if not gone[version.id] and evidence.world.service.versions[version.id] then
      evidence:lie("said done is done", call, "version %d was not deleted", version.id)
    end
  end
end

return function(evidence)
  for _, call in ipairs(evidence.world.calls) do
    local prunes = call.op == "prune" or call.op == "publish" and call.args.keep
    if prunes and not call.killed and not call.cancelled then check_prune(evidence, call) end
  end
end
