--- What happened to a script, on one line of time: what the service tells of its versions, and what was done from here.
-- @module patchworks.project.history
local live = require "patchworks.project.live"
local service = require "patchworks.service"

local history = {}

-- The service keeps the last date of each kind alone: a version that was deployed twice shows the second time.
local function events_of(version, list)
  local function add(at, what, detail)
    if at then list[#list + 1] = { at = at, what = what, version = version, detail = detail } end
  end
  add(service.time(version.created_at), "created")
  add(service.deployed_at(version), "deployed")
  add(service.time(version.deployment_failed_at), "failed", service.failure_reason(version))
  add(service.time(version.last_invoked_on), "last invoked")
end

local order = { created = 1, failed = 2, deployed = 3, ["last invoked"] = 4 }

--- The history of a script, oldest first. 1 request for each 100 versions.
-- @tparam table place see patchworks.project.live
-- @tparam ?table given `limit`: so many of the newest versions (100)
-- @treturn ?table a list of `{at, what, version, detail, here}`: `at` in seconds since 1970; `what` is "created",
-- "deployed", "failed" or "last invoked" (the service keeps the last date of each), or, with `here`, what was done from
-- this folder; `version` has at least an `id`; or nil and an error
function history.read(place, given)
  local limit = given and given.limit or 100
  local entry, problem = live.entry(place)
  if not entry then return nil, problem end
  local versions, reason = place.versions:list(place.id, { limit = limit }):all()
  if not versions then return nil, reason end
  local list, by_id = {}, {}
  for _, version in ipairs(versions) do
    by_id[version.id] = version
    events_of(version, list)
  end
  for _, deed in ipairs(entry.did) do
    local version = deed.version and (by_id[deed.version] or { id = deed.version, gone = true })
    list[#list + 1] = { at = deed.at, what = deed.what, version = version, here = true }
  end
  for i, event in ipairs(list) do event.place = i end
  table.sort(list, function(left, right)
    -- This machine's clock counts in seconds, and what it did is told after what came of it.
    local first, second = math.floor(left.at), math.floor(right.at)
    if first ~= second then return first < second end
    if left.here ~= right.here then return not left.here end
    if left.at ~= right.at then return left.at < right.at end
    local one, other = order[left.what], order[right.what]
    if not left.here and one ~= other then return one < other end
    return left.place < right.place
  end)
  for _, event in ipairs(list) do event.place = nil end
  return list
end

return history
