--- Creating a version when answers get lost: after an unknown outcome, look before creating again.
--
-- The newest version's number is read first. When a create's outcome is unknown, a version that is newer than that
-- and has the same content is the one that was made; only if there is none is it created again.
--
-- @module patchworks.release.reconcile
local endpoints = require "patchworks.call.endpoints"
local options = require "patchworks.call.options"
local requests = require "patchworks.call.request"
local service = require "patchworks.service"

local reconcile = {}

-- `bounds` are the caller's own options and the `deadline` of all.
local function page_of(self, script, bounds, page, per_page, include)
  local left = math.max(0.001, bounds.deadline - self.client.clock.now())
  local given = { page = page, per_page = per_page, include = include, timeout = left }
  for name, value in pairs(bounds.options) do given[name] = value end
  return self.client:call(endpoints.list, script, given)
end

local function newest_in(page)
  local most = 0
  for _, version in ipairs(page.data) do most = math.max(most, service.number(version)) end
  return most
end

-- The number of the newest version: of the first page, and of the last where the service lists in rising order.
local function newest_number(self, script, bounds)
  local page, problem = page_of(self, script, bounds, 1, 2)
  if not page then return nil, problem end
  local first, second = page.data[1], page.data[2]
  local most = newest_in(page)
  local last = type(page.meta) == "table" and page.meta.last_page
  if first and second and service.number(first) > service.number(second) then return most end
  if math.type(last) ~= "integer" or last <= 1 then return most end
  page, problem = page_of(self, script, bounds, last, 2)
  if not page then return nil, problem end
  return math.max(most, newest_in(page))
end

-- The oldest version newer than `floor` with this content that no other call of this client holds. Reads on as long
-- as a page has any that is newer, or the list rises.
local function find(self, script, bounds, floor, source, claimed)
  local found
  local number, last = 1, 1
  while number <= last do
    local page, problem = page_of(self, script, bounds, number, 100, "content")
    if not page then return nil, problem end
    last = type(page.meta) == "table" and math.type(page.meta.last_page) == "integer" and page.meta.last_page or 1
    local previous, falling = nil, #page.data > 1
    for _, version in ipairs(page.data) do
      local each = service.number(version)
      if previous and each > previous then falling = false end
      previous = each
      if
        each > floor
        and not claimed[version.id]
        and (not found or each < service.number(found))
        and service.holds(version, source)
      then
        found = version
      end
    end
    if falling and previous <= floor then break end
    number = number + 1
  end
  return found
end

-- Looks for what an unknown outcome may have made: at once, and again later, since the service may still be at it; a
-- time-out says that it is slow, and gets one more look. Gives the version; or nil, whether all looks were taken, and
-- the error of one that failed.
local function look(self, script, bounds, floor, source, claimed, problem)
  local clock = self.client.clock
  local pauses = problem.kind == "timeout" and { 0, 1, 3 } or { 0, 1 }
  for _, pause in ipairs(pauses) do
    if clock.now() + pause >= bounds.deadline then return nil, false end
    clock.sleep(pause)
    local found, failure = find(self, script, bounds, floor, source, claimed)
    if found or failure then return found, false, failure end
  end
  return nil, true
end

-- The ids that this client's own calls hold, by script, while any reconciled create of that script is under way: two
-- calls with the same content must not adopt one version.
local function claims_of(self, script)
  self.claims = self.claims or {}
  local key = tostring(script)
  local claims = self.claims[key] or { users = 0, ids = {} }
  self.claims[key] = claims
  claims.users = claims.users + 1
  return setmetatable({ ids = claims.ids }, {
    __close = function()
      claims.users = claims.users - 1
      if claims.users == 0 then self.claims[key] = nil end
    end,
  })
end

local function bounds_of(given, deadline)
  local own = {}
  for name in pairs(options.per_call) do
    if name ~= "timeout" then own[name] = given[name] end
  end
  return { options = own, deadline = deadline }
end

-- Explains that the look itself failed: the outcome of the create stays unknown.
local function blind(problem, failure)
  problem.hint = ("looking for it failed too: %s"):format(tostring(failure))
  return nil, problem
end

--- Creates a version, and after an unknown outcome adopts the one that was made.
-- @tparam table self script_versions
-- @param script id
-- @tparam table given as for create
-- @tparam ?integer floor the newest version's number, where it is known already
-- @return version, response; or nil and an error
function reconcile.create(self, script, given, floor)
  local clock = self.client.clock
  local source = requests.content(given, "create")
  local plain = { content = source }
  for name in pairs(options.per_call) do plain[name] = given[name] end
  local call = self.client:prepare(endpoints.create, script, plain)
  local bounds = bounds_of(given, clock.now() + call.timeout)
  local claims <close> = claims_of(self, script)
  local problem
  if not floor then
    floor, problem = newest_number(self, script, bounds)
    if not floor then return nil, problem end
  end
  local creates, uncertain = 0, false
  while true do
    creates = creates + 1
    call.timeout = math.max(0.001, bounds.deadline - clock.now())
    local version, response = self.client:perform(call, "version")
    if version then
      if version.id then claims.ids[version.id] = true end
      return version, response
    end
    problem = response
    if problem.outcome ~= "unknown" then
      -- An earlier create of this call may still be done late.
      if uncertain then problem.outcome = "unknown" end
      return nil, problem
    end
    uncertain = true
    local found, thorough, failure = look(self, script, bounds, floor, source, claims.ids, problem)
    if failure then return blind(problem, failure) end
    if found then
      claims.ids[found.id] = true
      found.content = nil
      return found, problem.response
    end
    if not thorough or creates >= call.max_attempts or clock.now() >= bounds.deadline then return nil, problem end
  end
end

return reconcile
