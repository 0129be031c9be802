--- Creating a version when answers get lost: after an unknown outcome, look before creating again.
--
-- The newest version's number is read first. When a create's outcome is unknown, a version that is newer than that
-- and has the same content is the one that was made; only if there is none is it created again.
--
-- Two creates of the same content at once can't tell whose a version is that both find, nor need they: they are the
-- same. Each version is given to one call; a call whose own answer names a version that another has taken takes
-- another, or creates again.
--
-- @module patchworks.release.reconcile
local claims = require "patchworks.release.claims"
local endpoints = require "patchworks.call.endpoints"
local jobs = require "patchworks.release.job"
local look = require "patchworks.release.look"
local requests = require "patchworks.call.request"
local service = require "patchworks.service"
local tasks = require "patchworks.time.task"

local reconcile = {}

local function newest_in(page)
  local most = 0
  for _, version in ipairs(page.data) do
    if service.is_version(version) then most = math.max(most, service.number(version)) end
  end
  return most
end

-- The number of the newest version: of the first page, and of the last where the service lists in rising order.
local function newest_number(job)
  -- Each page has the time that is left by then.
  local function read(number) return job.resource:list(job.script, job:options { per_page = 2 }):page(number) end
  local page, problem = read(1)
  if not page then return nil, problem end
  local most, last = newest_in(page), page.meta.last_page
  if last <= 1 or not look.rises(page) then return most end
  local number
  repeat
    number = last
    page, problem = read(number)
    if not page then return nil, problem end
    last = page.meta.last_page
  until page.data[1] or last >= number -- somebody may have deleted what made it the last page
  return math.max(most, newest_in(page))
end

-- The oldest version newer than `floor` with this content that no other call of this process holds, and the response
-- that it came in; or nil, or nil and an error. Reads on as long as a page has any that is newer, or the list rises.
local function find(job, floor, source, claim)
  local found, response
  local number = 1
  repeat
    local given = job:options { per_page = 100, include = "content" }
    local page, problem = job.resource:list(job.script, given):page(number)
    if not page then return nil, problem end
    local oldest = math.huge
    for _, version in ipairs(page.data) do
      local flaw = look.flaw(job, version)
      if flaw then return nil, look.wrong(job, flaw, page.response) end
      local each = service.number(version)
      oldest = math.min(oldest, each)
      local fits = each > floor and not claim.ids[version.id] and (not found or each < service.number(found))
      if fits and service.holds(version, source) then
        found, response = version, page.response
      end
    end
    if not look.rises(page) and oldest <= floor then break end
    number = number + 1
  until number > page.meta.last_page
  return found, response
end

-- Finds, when no plain create is under way that may have made what is found: gives the version and the response, nil
-- where there is none, or nil and an error; or nil, nil and true where the time is up before that.
local function find_free(job, floor, source, claim)
  while true do
    while claim:is_open() do
      if job.deadline:left() <= 0.1 then return nil, nil, true end
      job.clock.sleep(0.1)
    end
    local found, response = find(job, floor, source, claim)
    -- Another call may have taken it, or begun a plain create, while the pages were read.
    if not found or not (claim.ids[found.id] or claim:is_open()) then return found, response end
  end
end

-- Looks for what an unknown outcome may have made: at once, and again later, since the service may still be at it; a
-- time-out says that it is slow, and gets one more look. Gives the version and the response; or nil and the error of a
-- look that failed; or nil, nil, and whether all looks were taken.
local function search(job, floor, source, claim, slow)
  for _, pause in ipairs(slow and { 0, 1, 3 } or { 0, 1 }) do
    if job.deadline:left() <= pause then return nil, nil, false end
    if pause > 0 then job.clock.sleep(pause) end
    local found, response, late = find_free(job, floor, source, claim)
    if late then return nil, nil, false end
    if found or response then return found, response end
  end
  return nil, nil, true
end

local function unknown(job, problem, hint)
  return nil, job:wrap(problem, { outcome = "unknown", hint = hint })
end

local function taken(job)
  local message = "another call of this process has taken the version that this one made"
  return job:error { kind = "conflict", message = message }
end

-- What is wrong with a version that is said to be made and was there before; nil where it wasn't.
local function is_old(version, before)
  if not (before.by_id and before.by_id[version.id]) then return nil end
  return ("the service says that it made %s, which was there before"):format(tostring(version))
end

-- Creates until a version is this call's own: gives it and the response; or nil and an error.
local function create(job, call, before, source, claim)
  local creates, uncertain = 0, false
  local mark <close> = tasks.uncertain()
  if job.deadline:left() <= 0 then return nil, job:late "the version was created" end
  while true do
    creates = creates + 1
    call.timeout = job.deadline:left()
    local version, problem = job.resource._client:_perform(call, "version")
    if version then setmetatable(version, job.resource._version_class) end
    local flaw = version and (look.flaw(job, version) or is_old(version, before))
    local is_one = version and not flaw
    if is_one and not claim.ids[version.id] then return version, problem end
    if version then problem = is_one and taken(job) or look.wrong(job, flaw, problem, "unknown") end
    uncertain = uncertain or problem.outcome == "unknown"
    mark.problem = uncertain and problem or nil
    -- An earlier create of this call may still be done late.
    if not is_one and problem.outcome ~= "unknown" then
      if uncertain then return unknown(job, problem) end
      return nil, problem
    end
    local found, response, thorough = search(job, before.floor, source, claim, problem.kind == "timeout")
    if found then
      found.content = nil
      return found, response
    end
    if response then return unknown(job, problem, "looking for it failed too: " .. tostring(response)) end
    if not thorough or creates >= call.max_attempts or job.deadline:left() <= 0 then return nil, problem end
  end
end

--- Creates a version, and after an unknown outcome adopts the one that was made.
-- @tparam table self script_versions
-- @param script id
-- @tparam table given as for create
-- @tparam ?table before a look that was taken before, which saves one
-- @return version, response; or nil and an error
function reconcile.create(self, script, given, before)
  local source, unread = requests.content(given, "create")
  if not source then return nil, unread end
  local plain = {}
  for name in pairs(endpoints.create.known) do plain[name] = given[name] end
  plain.content, plain.file, plain.reconcile = source, nil, nil
  local call = self._client:_prepare(endpoints.create, script, plain)
  local job = jobs.new(self, "create", tostring(script), given, call.timeout)
  call.on_event = job.listener
  local claim <close> = claims.enter(self._client, script, true)
  return job:run(function()
    local floor = before and (before.newest and service.number(before.newest) or 0)
    if not floor then
      local found, failure = newest_number(job)
      if not found then return nil, failure end
      floor = found
    end
    job.progress:creates()
    local known = { floor = floor, by_id = before and before.by_id }
    local version, response = create(job, call, known, source, claim)
    if version then claim:take(version) end
    return version, response
  end)
end

return reconcile
