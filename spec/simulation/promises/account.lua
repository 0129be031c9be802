-- The account of a release is true: what changes something is in it first, what is not seen to end stays in it, and it
-- doesn't say that something is left where nothing is.

-- Whether an account that was kept names what a request changes; the way back is begun though it could not be kept.
local function names(kept, request)
  if kept.refused and kept.step ~= "rollback" then return false end
  if request.operation == "create" then return kept.creating end
  if request.operation == "delete" then return kept.deleting end
  return kept.pending[request.subject]
end

local changes = { create = true, deploy = true, delete = true }
local kept_by = { publish = true, rollback = true, apply = true }

local function check_kept(evidence)
  local calls, last = {}, {}
  for _, call in ipairs(evidence.world.calls) do calls[call.step .. "/" .. call.attempt] = call end
  for _, event in ipairs(evidence.world.events) do
    local request = event.request
    if event.kind == "kept" then
      last[request.key] = request.kept
    elseif event.kind == "started" and changes[request.operation] then
      local key = request.step .. "/" .. request.attempt
      local call = calls[key]
      local script = request.operation == "create" and request.subject or evidence.scripts[request.subject]
      local kept = last[key .. "/" .. tostring(script)]
      if call and kept_by[call.op] and not (kept and names(kept, request)) then
        evidence:lie("what changes something is kept first", call, "#%d, %s, was not in the account%s", request.number,
          request.operation, kept and kept.refused and ", which could not be kept" or "")
      end
    end
  end
end

-- The first of a call's deployments of each version: what is done twice, when an answer was lost, ends once for it.
local function begun_by(evidence, call, script)
  local first = {}
  for _, entry in ipairs(evidence:effects_of(call, "accepted", script)) do first[entry.version] = first[entry.version] or entry end
  return first
end

-- Whether a deployment had ended by a time, well or not, or with its version.
local function has_ended(evidence, accepted, by)
  if evidence:was_deleted(accepted.version, by) then return true end
  for _, entry in ipairs(evidence.world.service.journal) do
    local of = entry.what == "live" and entry.deployed or entry.what == "failed" and entry.version
    if of == accepted.version and entry.time >= accepted.time and entry.time <= by then return true end
  end
  return false
end

-- Whether somebody else's deployment of a version ended well in a call.
local function others_ended(evidence, call, script, version)
  for _, entry in ipairs(evidence.lives[script] or {}) do
    local own = entry.step == call.step and entry.attempt == call.attempt
    if not own and entry.deployed == version and entry.time >= call.began and entry.time <= call.ended then return true end
  end
  return false
end

local function effects(evidence, call, script)
  return #evidence:effects_of(call, "created", script) + #evidence:effects_of(call, "accepted", script)
    + #evidence:effects_of(call, "deleted", script)
end

-- What a call says of a script: what it gave or failed with.
local function said_of(call, script)
  if call.op ~= "apply" then return call.value, call.err or call.told end
  for _, each in ipairs(call.value and call.value.scripts or {}) do
    if tonumber(each.id) == script then return not each.error and each or nil, each.error end
  end
end

local function check_account(evidence, call, script, account)
  local function lie(...) evidence:lie("the account is true", call, ...) end
  local value, err = said_of(call, script)
  local pending = {}
  for _, version in ipairs(account.pending) do pending[version.id] = true end
  if not account:may_have_changed() and effects(evidence, call, script) > 0 then
    return lie("it says that nothing was changed in script %d", script)
  end
  for version, accepted in pairs(begun_by(evidence, call, script)) do
    -- Where somebody else's deployment of it has ended meanwhile, that may be taken for one's own.
    local is_live = evidence:live_at(script, call.ended) == version or others_ended(evidence, call, script, version)
    if not (pending[version] or is_live) and not has_ended(evidence, accepted, call.ended) then
      return lie("it doesn't say that version %d may still come live", version)
    end
  end
  -- Who is cancelled takes nothing back.
  local ended = account.finished or value or err and err.outcome == "none" and not call.cancelled
  if account.pending[1] and ended then
    return lie("it says that version %d may still come live, and the release is over", account.pending[1].id)
  end
  if not value then return end
  if not account.finished then return lie "it doesn't say that the release is over" end
  local live = account.live and account.live.id
  if not call.args.keep and value.action ~= "would publish" and value.action ~= "would roll back" and live ~= value.version.id then
    return lie("it says that version %s is live, and the release that %s is", tostring(live), tostring(value.version.id))
  end
  for _, entry in ipairs(evidence:effects_of(call, "created", script)) do
    if entry.version == value.version.id and not account.made then return lie("version %d was made, and it says taken up", entry.version) end
  end
end

return function(evidence)
  check_kept(evidence)
  for _, call in ipairs(evidence.world.calls) do
    for script, account in pairs(call.accounts) do
      if not call.killed then check_account(evidence, call, script, account) end
    end
  end
end
