--- What the service's fields mean. Nobody else reads `status`, `deploying`, `content` or the dates of a version.
--
-- The contract says little: `deploying` is "a string", `content` "an object", and any field can be missing. What is
-- taken for granted about them is taken here, so that it is wrong in one place at most.
--
-- @module patchworks.service
local service = {}

local function set(words)
  local found = {}
  for _, word in ipairs(words) do found[word] = true end
  return found
end

-- What `deploying` may hold where nothing is being deployed, and where something is. Whatever else it says is taken for
-- the second, but not believed for ever: see `is_doubtful`.
local idle = set { "", "0", "no", "false", "none", "null", "off", "idle" }
local busy = set { "1", "yes", "true", "on", "deploying", "building", "pending", "queued", "running", "started",
  "in progress", "in_progress" }

local function word_of(text) return text:lower():match "^%s*(.-)%s*$" end

--- Whether a version is being deployed right now, for the first time or again.
-- @tparam table version
-- @treturn boolean
function service.is_deploying(version)
  local value = version.deploying
  if type(value) == "string" then return not idle[word_of(value)] end
  if type(value) == "table" then return next(value) ~= nil end
  return value ~= nil and value ~= false and value ~= 0
end

--- What `deploying` holds, as it came.
-- @tparam table version
-- @return nil where it is missing
function service.deploying(version) return version.deploying end

--- Whether it is only for a word that isn't known that a version counts as being deployed: this may be how the service
-- says that it was.
-- @tparam table version
-- @treturn boolean
function service.is_doubtful(version)
  local value = version.deploying
  return service.is_deploying(version) and type(value) == "string" and not busy[word_of(value)]
end

local a_day = 86400

--- Whether such a word stands there for more than a day: no deployment takes that long.
-- @tparam table version
-- @tparam number now seconds since 1970
-- @treturn boolean
function service.is_stale(version, now)
  local changed = service.time(version.updated_at)
  return service.is_doubtful(version) and changed ~= nil and now - changed > a_day
end

--- Whether a version is deployed: several of a script may be.
-- @tparam table version
-- @treturn boolean
function service.is_deployed(version) return version.status == "Deployed" end

--- The state of a version in a few words.
-- @tparam table version
-- @treturn string such as "Deployed" or "Draft, deploying"
function service.state(version)
  local status = type(version.status) == "string" and version.status or "status unknown"
  return service.is_deploying(version) and status .. ", deploying" or status
end

--- Whether a value can be a version at all: an object with an id.
-- @param value anything
-- @treturn boolean
function service.is_version(value)
  return type(value) == "table" and math.type(value.id) == "integer" and value.id > 0
end

--- Whether a version can be one of a script: it names no other one.
-- @tparam table version
-- @param script id
-- @treturn boolean
function service.is_of(version, script)
  local named = tonumber(version.script_id)
  return named == nil or named == tonumber(script)
end

--- What orders the versions of a script by age: the number, or the id where a version has none.
-- @tparam table version
-- @treturn integer
function service.number(version)
  if math.type(version.version) == "integer" then return version.version end
  return math.type(version.id) == "integer" and version.id or 0
end

-- Days since 1970-01-01 of a day of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day - 719469
end

--- A date of the service: "2026-11-23T10:00:00.000000Z", "2026-11-23 10:00:00", with an offset, or without as UTC.
-- @param text
-- @treturn ?number seconds since 1970, or nil where it is no date
function service.time(text)
  if type(text) ~= "string" then return nil end
  local year, month, day, rest = text:match "^%s*(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$"
  if not year then return nil end
  local seconds = 86400 * days(math.tointeger(year), math.tointeger(month), math.tointeger(day))
  local hour, minute, zone = rest:match "^[T ](%d%d):(%d%d)(.*)$"
  if not hour then return seconds end
  local second, after = zone:match "^:(%d%d%.?%d*)(.*)$"
  seconds = seconds + 3600 * math.tointeger(hour) + 60 * math.tointeger(minute) + (tonumber(second) or 0)
  local sign, hours, minutes = (after or zone):match "^([+-])(%d%d):?(%d%d)"
  if not sign then return seconds end
  return seconds - (sign == "+" and 1 or -1) * (3600 * math.tointeger(hours) + 60 * math.tointeger(minutes))
end

--- When a version was last deployed.
-- @tparam table version
-- @treturn ?number seconds since 1970; nil where it never was, or the service doesn't say
function service.deployed_at(version) return service.time(version.deployed_at) end

--- Whether a version was ever live, as far as its fields tell.
-- @tparam table version
-- @treturn boolean
function service.was_deployed(version) return service.is_deployed(version) or service.deployed_at(version) ~= nil end

--- When a version last ran.
-- @tparam table version
-- @treturn ?number seconds since 1970
function service.invoked_at(version) return service.time(version.last_invoked_on) end

--- When a version was last in use: deployed or invoked.
-- @tparam table version
-- @treturn ?number seconds since 1970
function service.used_at(version)
  local deployed, invoked = service.deployed_at(version), service.time(version.last_invoked_on)
  if deployed and invoked then return math.max(deployed, invoked) end
  return deployed or invoked
end

--- Whether a version was deployed after another: what has no date was deployed before whatever has one, and of two in
-- the same moment the lower number. For table.sort.
-- @tparam table left
-- @tparam table right
-- @treturn boolean
function service.deployed_later(left, right)
  local left_at, right_at = service.deployed_at(left) or -math.huge, service.deployed_at(right) or -math.huge
  if left_at ~= right_at then return left_at > right_at end
  return service.number(left) > service.number(right)
end

--- The versions that were ever deployed, the live one first, and what was un-deployed since behind those that are.
-- @tparam table versions a list
-- @treturn table a list
function service.by_deployment(versions)
  local deployed, former = {}, {}
  for _, version in ipairs(versions) do
    if service.was_deployed(version) then table.insert(service.is_deployed(version) and deployed or former, version) end
  end
  table.sort(deployed, service.deployed_later)
  table.sort(former, service.deployed_later)
  return table.move(former, 1, #former, #deployed + 1, deployed)
end

--- The live version: of those that are deployed the one that was deployed last. Flows take it unless told otherwise.
-- @tparam table versions a list
-- @treturn ?table version, nil where none is deployed
function service.live(versions)
  local first = service.by_deployment(versions)[1]
  return first and service.is_deployed(first) and first or nil
end

-- What a date tells of when it came after none.
local function moment(version) return service.deployed_at(version) or -math.huge end

--- Which of two readings of one version is the later: they may have crossed on their way. A deployment tells, and else
-- that it was un-deployed since, or is on its way again.
-- @tparam table left
-- @tparam table right
-- @treturn table one of them
function service.later(left, right)
  if moment(left) ~= moment(right) then return moment(left) > moment(right) and left or right end
  if service.is_deployed(left) ~= service.is_deployed(right) then
    local has_date = service.deployed_at(left) ~= nil
    return service.is_deployed(left) ~= has_date and left or right
  end
  return service.is_deploying(right) and right or left
end

--- What tells one failure to be deployed from the next: it stays until the next try has ended.
-- @tparam table version
-- @return nil where none is known
function service.failed_at(version) return version.deployment_failed_at end

--- Why a version could not be deployed.
-- @tparam table version
-- @treturn string
function service.failure_reason(version)
  local reason = version.deployment_failure_reason
  return type(reason) == "string" and reason ~= "" and reason or "the service gives no reason"
end

local blank = { [9] = true, [10] = true, [11] = true, [12] = true, [13] = true, [32] = true, [0] = true }

--- A source in normal form: what the service stores may differ in its line ends, and in the blanks at its ends, from
-- what it was sent (Laravel trims). Takes time in proportion to its length.
-- @tparam string text
-- @treturn string
function service.normal(text)
  local first, last = 1, #text
  while first <= last and blank[text:byte(first)] do first = first + 1 end
  while last >= first and blank[text:byte(last)] do last = last - 1 end
  return (text:sub(first, last):gsub("\r\n?", "\n"))
end

--- Whether two sources are the same.
-- @tparam string left
-- @tparam string right
-- @treturn boolean
function service.same(left, right) return left == right or service.normal(left) == service.normal(right) end

--- Whether a version, read with its content, holds a source. In which field of the object it comes back is not known.
-- @tparam table version
-- @tparam string source
-- @treturn boolean
function service.holds(version, source)
  local normal = service.normal(source)
  local function inside(content)
    if type(content) == "string" then return content == source or service.normal(content) == normal end
    if type(content) ~= "table" then return false end
    for _, value in pairs(content) do
      if inside(value) then return true end
    end
    return false
  end
  return inside(version.content)
end

local function longest_in(content)
  if type(content) == "string" then return content end
  local longest
  for _, value in pairs(type(content) == "table" and content or {}) do
    local text = longest_in(value)
    if text and (not longest or #text > #longest) then longest = text end
  end
  return longest
end

--- The source of a version that was read with its content: `content.content`, or else the longest string in it.
-- @tparam table version
-- @treturn ?string nil where there is none
function service.source(version)
  local content = version.content
  local named = type(content) == "table" and content.content
  return type(named) == "string" and named or longest_in(content)
end

return service
