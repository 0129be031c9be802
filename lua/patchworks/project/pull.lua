--- From the account into the folder: pull, and what status and diff say.
-- @module patchworks.project.pull
local diff = require "patchworks.release.diff"
local errors = require "patchworks.errors"
local inside = require "patchworks.project.inside"
local live = require "patchworks.project.live"
local service = require "patchworks.service"
local state = require "patchworks.project.state"
local written = require "patchworks.project.written"

local pull = {}

local function label(version) return ("version %d (v%d)"):format(version.id, service.number(version)) end

-- Line ends and blanks at the ends are no difference to the service.
local function lines_of(source)
  local text = service.normal(source)
  return text == "" and text or text .. "\n"
end

local function unified(old, new, old_name, new_name)
  return diff.unified(lines_of(old), lines_of(new), old_name, new_name)
end

-- Both sides of what has come apart: what was changed here, and there, since the version that the file came from.
local function both(place, look)
  local there = label(look.live) .. " (live)"
  if not look.base then return nil, (unified(look.here, look.source, place.file .. " (here)", there)) end
  local base, from = service.source(look.base) or "", label(look.base)
  return (unified(base, look.here, from, place.file .. " (here)")), (unified(base, look.source, from, there))
end

local function refuse(place, look)
  local ours, theirs = both(place, look)
  local message = ("%s was changed here, and %s is live since"):format(place.file, label(look.live))
  if look.state == "unknown" then
    message = ("%s is not %s, and it is not known which version it came from"):format(place.file, label(look.live))
  end
  return nil, errors.new {
    kind = "conflict",
    operation = "pull",
    message = message,
    hint = ("nothing was overwritten: bring both together and publish with `--over %d`, or take theirs: `--theirs`")
      :format(look.live.id),
    live = look.live,
    ours = ours,
    theirs = theirs,
  }
end

-- What is replaced is kept, under a name of its own.
local function keep(place, text)
  local folder = place.root .. "/.patchworks/replaced"
  local stays, outside = inside.check(place.root, folder)
  if not stays then return nil, outside end
  local made, problem = written.folder(folder)
  if not made then return nil, live.file_error("pull", folder, problem) end
  local path = ("%s/%s-%s"):format(folder, os.date "!%Y%m%dT%H%M%SZ", place.file:match "[^/]+$")
  local free, number = path, 1
  while live.read(free, "pull") do
    number = number + 1
    free = ("%s.%d"):format(path, number)
  end
  local done, reason = written.whole(free, text)
  if not done then return nil, live.file_error("pull", free, reason) end
  return free
end

local function take(place, look, given)
  local kept, problem
  -- An editor may have saved while the service was asked.
  local now, reason = live.read(place.path, "pull")
  if reason then return nil, reason end
  if now ~= look.here then return pull.pull(place, given) end
  if given.theirs and look.here and look.state ~= "behind" then
    kept, problem = keep(place, look.here)
    if not kept then return nil, problem end
  end
  local folder = place.path:match "^(.+)/[^/]+$"
  local made, trouble = true, nil
  if folder then made, trouble = written.folder(folder) end
  if made then made, trouble = written.whole(place.path, look.source) end
  if not made then return nil, live.file_error("pull", place.path, trouble) end
  local id = look.live.id
  local fields = { from = id, live = id, known = false }
  local noted, lost = state.note(place.root, place.origin, place.id, fields, "pulled", id)
  if not noted then return nil, lost end
  return { action = "pulled", version = look.live, replaced = kept }
end

--- Brings what is live into the file, unless what was changed here would be lost. 1 or 2 requests.
-- @tparam table place see patchworks.project.live
-- @tparam ?table given `theirs`: take what is live all the same; what was here is kept below `.patchworks/replaced`
-- @treturn ?table `action` ("pulled", "unchanged", or "kept": it was changed here since it was taken from there),
-- `version`, `replaced` (the path of what was here); or nil and an error: kind "conflict" with `ours` and `theirs`,
-- unified diffs (`ours` is nil where it is not known what the file came from)
function pull.pull(place, given)
  given = given or {}
  local look, problem = live.look(place, "pull", given)
  if not look then return nil, problem end
  if not look.live then
    return nil, errors.new {
      kind = "not_found",
      operation = "pull",
      message = ("nothing of %s (script %s) is live"):format(place.name, place.id),
      hint = "publish it first",
    }
  end
  if look.state == "same" then
    local id = look.live.id
    if look.entry.from ~= id or look.entry.live ~= id then
      local noted, lost = state.note(place.root, place.origin, place.id, { from = id, live = id, known = false })
      if not noted then return nil, lost end
    end
    return { action = "unchanged", version = look.live }
  end
  if look.state == "missing" or look.state == "behind" or given.theirs then return take(place, look, given) end
  if look.state == "changed" then return { action = "kept", version = look.live } end
  return refuse(place, look)
end

--- How a script stands. 2 requests, 1 more where somebody else has published.
-- @tparam table place see patchworks.project.live
-- @treturn ?table `name`, `id`, `file`, `state` (see patchworks.project.live), `live` (version or nil), `deployed_at`
-- and `invoked_at` (seconds since 1970, or nil), `failure` (`version`, `reason`: one that is newer than the live one
-- could not be deployed), `under_way` (a version that is being deployed), `entry`; or nil and an error
function pull.status(place)
  local look, problem = live.look(place, "status")
  if not look then return nil, problem end
  local newest, reason = place.versions:list(place.id, { limit = 20, per_page = 20 }):all()
  if not newest then return nil, reason end
  local status = {
    name = place.name, id = place.id, file = place.file, state = look.state, live = look.live, entry = look.entry,
    deployed_at = look.live and service.deployed_at(look.live),
  }
  local floor = look.live and service.number(look.live) or 0
  for _, version in ipairs(newest) do
    local newer = service.number(version) > floor
    if service.is_deploying(version) then status.under_way = status.under_way or version end
    if newer and service.failed_at(version) and not service.is_deployed(version) and not status.failure then
      status.failure = { version = version, reason = service.failure_reason(version) }
    end
    local invoked = service.time(version.last_invoked_on)
    if invoked and invoked > (status.invoked_at or 0) then status.invoked_at = invoked end
  end
  return status
end

--- What publishing a file would change. 1 request.
-- @tparam table place see patchworks.project.live
-- @treturn ?string a unified diff, "" for nothing; or nil and an error
-- @treturn integer lines added
-- @treturn integer lines removed
function pull.diff(place)
  local here, problem = live.read(place.path, "diff")
  if not here then return nil, problem or live.file_error("diff", place.path, "there is no such file") end
  local version, reason = live.version(place)
  if reason then return nil, reason end
  local old = version and service.source(version) or ""
  if version and service.same(old, here) then return "", 0, 0 end
  return unified(old, here, version and label(version) .. " (live)" or "/dev/null", place.file)
end

--- What changed between two versions. 2 requests.
-- @tparam table versions a client's script_versions
-- @tparam integer|string old id
-- @tparam integer|string new id
-- @treturn ?string a unified diff, "" for nothing; or nil and an error
-- @treturn integer lines added
-- @treturn integer lines removed
function pull.between(versions, old, new)
  local read = {}
  for i, id in ipairs { old, new } do
    local version, problem = versions:get(id, { include = "content" })
    if not version then return nil, problem end
    read[i] = version
  end
  local before, after = service.source(read[1]) or "", service.source(read[2]) or ""
  if service.same(before, after) then return "", 0, 0 end
  return unified(before, after, label(read[1]), label(read[2]))
end

return pull
