--- The log entries of a script, whichever of its versions wrote them.
-- @module patchworks.project.logs
local live = require "patchworks.project.live"
local service = require "patchworks.service"

local logs = {}

local most_read = 1000 -- entries of a version; the service keeps seven days of them
local look_again = 20 -- seconds between looks whether another version has taken over

local levels = {
  debug = 1, info = 2, notice = 3, warning = 4, warn = 4, error = 5, critical = 6, alert = 7, emergency = 8,
}

local function wanted(entry, given)
  local message = tostring(entry.message or "")
  if given.grep and not message:find(given.grep, 1, true) then return false end
  local least = given.level and levels[given.level]
  return not least or (levels[tostring(entry.level or "info"):lower()] or 2) >= least
end

-- A service that counts in seconds gives many entries one time: those stay in the order in which they came.
local function sort(entries)
  for i, each in ipairs(entries) do each.order = i end
  table.sort(entries, function(left, right)
    if left.at ~= right.at then return left.at < right.at end
    return left.order < right.order
  end)
end

local function read_version(place, version, entries)
  local found, problem = place.versions:logs(version.id, { limit = most_read }):all()
  if not found then return nil, problem end
  local first, last = found[1], found[#found]
  local falling = first and (service.time(first.created_at) or 0) > (service.time(last.created_at) or 0)
  for i = falling and #found or 1, falling and 1 or #found, falling and -1 or 1 do
    local entry = found[i]
    entries[#entries + 1] = { entry = entry, version = version, at = service.time(entry.created_at) or 0 }
  end
  return true
end

--- Levels that `level` takes, as keys.
logs.levels = levels

--- The newest entries of a script, oldest first, across versions when one took over. 2 requests, 1 for each further
-- version and each 100 entries.
-- @tparam table place see patchworks.project.live
-- @tparam ?table given `since` (seconds: as far back), `tail` (so many, 100), `level` (this or a graver one), `grep` (a
-- text in the message)
-- @treturn ?table a list of `{entry, version, at}`; or nil and an error
function logs.read(place, given)
  given = given or {}
  local most = given.tail or given.limit or 100
  local from = given.since and os.time() - given.since
  local versions, problem = place.versions:list(place.id, { limit = 100 }):all()
  if not versions then return nil, problem end
  local entries = {}
  for _, version in ipairs(service.by_deployment(versions)) do
    local done, reason = read_version(place, version, entries)
    if not done then return nil, reason end
    local deployed = service.deployed_at(version)
    if from and deployed and deployed < from or not from and #entries >= most then break end
  end
  sort(entries)
  local kept = {}
  for _, each in ipairs(entries) do
    if wanted(each.entry, given) and (not from or each.at >= from) then kept[#kept + 1] = each end
  end
  return table.move(kept, math.max(1, #kept - most + 1), #kept, 1, {})
end

local function key_of(each)
  local entry = each.entry
  return ("%s %s %s %s"):format(each.version.id, entry.id or "", entry.created_at or "", entry.message or "")
end

--- Follows a script's logs, across versions when one takes over.
-- @tparam table place see patchworks.project.live
-- @tparam ?table given as for `read`, `timeout` (seconds), and `look_again` (20 s: how soon another version
-- that took over is noticed)
-- @tparam function tell is called with each `{entry, version, at}`; when it gives false, the following ends
-- @treturn ?boolean true at the end; or nil and an error
function logs.follow(place, given, tell)
  local before, problem = logs.read(place, { tail = most_read })
  if not before then return nil, problem end
  local seen, from = {}, nil
  for _, each in ipairs(before) do
    seen[key_of(each)] = true
    from = each.entry.created_at
  end
  local shown, reason = logs.read(place, given)
  if not shown then return nil, reason end
  for _, each in ipairs(shown) do
    if tell(each) == false then return true end
  end
  local pause = given and given.look_again or look_again
  local clock = place.versions._client._clock
  local ends = given and given.timeout and clock.now() + given.timeout or math.huge
  while clock.now() < ends do
    pause = math.min(pause, math.max(0.001, ends - clock.now()))
    local version, trouble = live.version(place)
    if trouble then return nil, trouble end
    if version then
      for entry in place.versions:tail(version.id, { from = from or "start", timeout = pause }) do
        local each = { entry = entry, version = version, at = service.time(entry.created_at) or 0 }
        local key = key_of(each)
        if not seen[key] then
          seen[key] = true
          from = entry.created_at or from
          if wanted(entry, given or {}) and tell(each) == false then return true end
        end
      end
    else
      clock.sleep(pause)
    end
  end
  return true
end

return logs
