--- Publishing and rolling back from a project: never over what somebody else has published, unseen.
--
-- The service has no condition for a deployment. So it is looked at what is live before anything is made, and again
-- right before the deployment; what is live must be what was live when somebody here last pulled, published or
-- rolled back, or the version that `over` names. Where nothing is remembered, as in a fresh checkout, it goes on.
--
-- @module patchworks.project.publish
local errors = require "patchworks.errors"
local live = require "patchworks.project.live"
local pruned = require "patchworks.project.pruned"
local service = require "patchworks.service"
local state = require "patchworks.project.state"

local publish = {}

local function conflict(place, operation, entry, version, over)
  local message
  if over then
    message = ("%s: version %s is live, not %s"):format(place.name, version and version.id or "none", over)
  else
    message = ("%s: somebody else made version %d (v%d) live; from here, version %d was the last to be seen"):format(
      place.name, version.id, service.number(version), entry.live or entry.from or entry.pending
    )
  end
  return nil, errors.new {
    kind = "conflict",
    operation = operation,
    message = message,
    live = version,
    hint = not version and "nothing is live: leave `--over` away"
      or ("`patchworks pull %s` shows both; `--over %d` goes on all the same"):format(place.name, version.id),
  }
end

--- Whether something may take the place of what is live.
-- @tparam table place see patchworks.project.live
-- @tparam string operation
-- @tparam table entry what is remembered
-- @tparam ?table version what is live
-- @tparam ?integer|string over the id of the version that may be replaced
-- @treturn ?boolean true; or nil and an error of kind "conflict"
function publish.may_replace(place, operation, entry, version, over)
  if over then
    if version and tostring(version.id) == tostring(over) then return true end
    return conflict(place, operation, entry, version, over)
  end
  local remembered = entry.live or entry.from or entry.pending
  if not version or not remembered or live.is_known(entry, version) then return true end
  return conflict(place, operation, entry, version)
end

local own = { over = true, content = true }

local function options_of(given, fields)
  local options = {}
  for name, value in pairs(given) do
    if not own[name] then options[name] = value end
  end
  for name, value in pairs(fields) do options[name] = value end
  return options
end

local function note(place, fields, what, version)
  return state.note(place.root, place.origin, place.id, fields, what, version)
end

--- Remembers what a release begins before it does, and what it takes the place of: after a kill or a lost answer, on
-- the way there or back, it may still come live, as ours. What can't be remembered is refused.
-- @tparam table place see patchworks.project.live
-- @tparam ?function record of the caller, which is given the account too
-- @treturn function `record` for a release
function publish.record(place, record)
  local noted
  return function(account)
    local version, problem = account.pending[#account.pending], nil
    if version and version.id ~= noted then
      local was_live = account.live and account.live.id
      problem = select(2, state.begin(place.root, place.origin, place.id, version.id, was_live))
      if not problem then noted = version.id end
    end
    local kept, refusal = true, nil
    if record then kept, refusal = record(account) end -- be it refused here: a way back goes on
    if problem then return nil, problem end
    return kept, refusal
  end
end

-- After a failure: what is on the way stays so while that isn't known.
local function note_failure(place, failure)
  local version, now = failure.version, failure.live
  if not version then return true end
  local open = failure.may_come_live ~= nil
  if now and now.id == version.id then
    local fields = { from = version.id, live = version.id }
    if not open then fields.pending, fields.known = false, false end
    return note(place, fields, "published, failing", version.id)
  end
  local is_known = failure.overtaken or failure.stage == "test"
  if open or (failure.outcome == "unknown" and not is_known) then return true end
  local entry, problem = live.entry(place)
  if not entry then return nil, problem end
  -- What stayed live, or was made so again, is what the run saw when it began.
  local stays = now and live.is_known(entry, now) and now.id or nil
  return note(place, { live = stays, pending = false, known = false }, "failed", version.id)
end

-- Whether what came live while a publish waited is what an earlier run of ours had begun, and no conflict.
local function came_as_ours(entry, before, failure)
  local now = failure.kind == "conflict" and not failure.version and not failure.under_way and failure.live
  return now and entry.pending and now.id ~= (before and before.id) and live.is_known(entry, now)
end

-- What is to be published: what is given, or the file.
local function source_of(place, given)
  if given.content then return given.content end
  local text, problem = live.read(place.path, "publish")
  if text then return text end
  return nil, problem or live.file_error("publish", place.path, "there is no such file", "`pull` fetches what is live")
end

-- The release itself, once more where only our own came live before it.
local function release(place, given, entry, before, text)
  local function attempt(expected)
    return place.versions:publish(place.id, options_of(given, {
      content = text,
      expected_live = expected or false,
      save = given.keep and (given.save or (pruned.saver(place))),
      record = publish.record(place, given.record),
    }))
  end
  local result, failure = attempt(before)
  if result or given.over or not came_as_ours(entry, before, failure) then return result, failure end
  return attempt(failure.live)
end

--- Makes the file here the live version. The requests of `versions:publish`, and 1.
-- @tparam table place see patchworks.project.live
-- @tparam ?table given `over` (id of the live version that may be replaced though it is somebody else's), `content`
-- (another source in place of the file's), and as for `versions:publish`, without `file` and `expected_live`; what
-- `keep` prunes is kept in `.patchworks/pruned`
-- @treturn ?table as `versions:publish`; or nil and an error: kind "conflict" when what is live is not what the file
-- came from, with `live`. Either has `state_error` where what came of it could not be remembered
function publish.publish(place, given)
  given = given or {}
  local text, problem = source_of(place, given)
  if not text then return nil, problem end
  if not given.dry_run then
    local writable, refused = state.check(place.root)
    if not writable then return nil, refused end
  end
  local entry, reason = live.entry(place)
  if not entry then return nil, reason end
  local before, trouble = live.version(place, given)
  if trouble then return nil, trouble end
  local unchanged = before and service.holds(before, text)
  if not unchanged or given.over then
    local allowed, refusal = publish.may_replace(place, "publish", entry, before, given.over)
    if not allowed then return nil, refusal end
  end
  local result, failure = release(place, given, entry, before, text)
  if given.dry_run then return result, failure end
  local noted, lost
  if not result then
    noted, lost = note_failure(place, failure)
    failure.state_error = not noted and lost or nil
    return nil, failure
  end
  local id = result.version and result.version.id
  local what = result.action == "published" and (given.over and "overwrote" or "published") or nil
  local fields = { live = id, pending = false, known = false }
  -- The file came from elsewhere where it is not what was published.
  if not given.content then fields.from = id end
  noted, lost = note(place, fields, what, id)
  if not noted then result.state_error = lost end
  return result
end

--- Makes the version live again that was live before. The requests of `versions:rollback`, and 1.
-- @tparam table place see patchworks.project.live
-- @tparam ?table given `over`, and as for `versions:rollback`
-- @treturn ?table as `versions:rollback`; or nil and an error: kind "conflict" when what is live is somebody else's.
-- Either has `state_error`, as for `publish`
function publish.rollback(place, given)
  given = given or {}
  if not given.dry_run then
    local writable, refused = state.check(place.root)
    if not writable then return nil, refused end
  end
  local entry, reason = live.entry(place)
  if not entry then return nil, reason end
  local before, trouble = live.version(place, given)
  if trouble then return nil, trouble end
  local allowed, refusal = publish.may_replace(place, "rollback", entry, before, given.over)
  if not allowed then return nil, refusal end
  local result, failure = place.versions:rollback(place.id, options_of(given, {
    record = publish.record(place, given.record),
  }))
  if given.dry_run then return result, failure end
  if not result then
    local noted, lost = note_failure(place, failure)
    failure.state_error = not noted and lost or nil
    return nil, failure
  end
  -- Between the look and the deployment somebody may have published: it is told, since it can't be prevented.
  if result.previous and before and result.previous.id ~= before.id then result.overwrote = result.previous end
  local fields = { live = result.version.id, pending = false, known = false }
  local noted, lost = note(place, fields, result.action, result.version.id)
  if not noted then result.state_error = lost end
  return result
end

--- Which steps of a plan would replace what somebody else has published.
-- @tparam table steps of a plan, see patchworks.release.plan
-- @tparam table places of the steps' scripts, by their ids as strings
-- @tparam ?table over ids of live versions that may be replaced, as keys
-- @treturn ?table a list of errors of kind "conflict"; or nil and an error
function publish.conflicts(steps, places, over)
  local refusals = {}
  for _, step in ipairs(steps) do
    local place = places[tostring(step.id)]
    if place and step.live and step.action ~= "unchanged" and not (over and over[tostring(step.live.id)]) then
      local entry, problem = live.entry(place)
      if not entry then return nil, problem end
      local allowed, refusal = publish.may_replace(place, "apply", entry, step.live)
      -- What a kept plan saw may have moved since, which applying it tells by itself.
      local now, failure
      if not allowed then now, failure = live.version(place) end
      if failure then return nil, failure end
      if now and now.id == step.live.id then refusals[#refusals + 1] = refusal end
    end
  end
  return refusals
end

--- Remembers what applying a plan came to.
-- @tparam table scripts of the report, see patchworks.release.plan
-- @tparam table places of the steps' scripts, by their ids as strings
-- @treturn ?boolean true; or nil and an error
function publish.note_report(scripts, places)
  for _, each in ipairs(scripts) do
    local place = places[tostring(each.id)]
    local id = each.version and each.version.id
    local done, problem = true, nil
    if place and each.error then
      done, problem = note_failure(place, each.error)
    elseif place and each.action == "published" then
      done, problem = note(place, { from = id, live = id, pending = false, known = false }, "published", id)
    elseif place and id then
      done, problem = note(place, { from = id, live = id, known = false })
    end
    if not done then return nil, problem end
  end
  return true
end

return publish
