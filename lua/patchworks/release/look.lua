--- Looking at what a script has on the service: what is live, what is being deployed, what was made last.
--
-- One look is two requests at once: the newest 100 versions, without their sources, and those that are deployed, 10
-- with their sources. A version beyond the newest 100 that is deployed for the first time, or again after it was
-- un-deployed, is not seen to be on its way.
--
-- @module patchworks.release.look
local counted = require "patchworks.counted"
local service = require "patchworks.service"

local look = {}

local State = { __name = "patchworks.look" }
State.__index = State

local per_page, with_sources = 100, 10

--- The error for an answer that can't be to what was asked.
-- @tparam table job
-- @tparam string message
-- @tparam ?table response
-- @tparam ?string outcome
-- @treturn table error
function look.wrong(job, message, response, outcome)
  return job:error {
    kind = "protocol",
    outcome = outcome,
    message = message,
    response = response,
    status = response and response.status,
  }
end

--- Whether a page tells that the service lists the oldest first, which the contract allows.
-- @tparam table page
-- @treturn boolean
function look.rises(page)
  local first, last = page.data[1], page.data[#page.data]
  return service.is_version(first) and service.is_version(last) and service.number(first) < service.number(last)
end

-- The first page of a listing. One that holds nothing of what it counts doesn't say that there is nothing.
local function first_page(job, options)
  local page, problem = job.resource:list(job.script, job:options(options)):page(1)
  if not page then return nil, problem end
  local total = page.meta.total
  if page.data[1] ~= nil or math.type(total) ~= "integer" or total <= 0 then return page end
  return nil, look.wrong(job, "the first page is empty, and counts " .. counted(total, "version"), page.response)
end

-- The pages that hold the newest versions: the first, or the last two where they come in rising order.
local function newest_pages(job)
  local page, problem = first_page(job, { per_page = per_page })
  if not page then return nil, problem end
  local last = page.meta.last_page
  if last <= 1 or not look.rises(page) then return { page } end
  local questions = {}
  for number = math.max(2, last - 1), last do
    questions[#questions + 1] = function()
      return job.resource:list(job.script, job:options { per_page = per_page }):page(number)
    end
  end
  local pages, trouble = job:ask(questions)
  if not pages then return nil, trouble end
  table.insert(pages, page)
  return pages
end

local deployed_ones = { is_deployed = true }

local function deployed_with_sources(job)
  return first_page(job, { filter = deployed_ones, include = "content", per_page = with_sources })
end

local function all_deployed(job)
  return job.resource:list(job.script, job:options { filter = deployed_ones }):all()
end

--- What is wrong with something as a version of the script; nil where it is one.
-- @tparam table job
-- @param version
-- @treturn ?string
function look.flaw(job, version)
  if not service.is_version(version) then return "the service gives something that is no version: it has no id" end
  if service.is_of(version, job.script) then return nil end
  return ("the service gives %s, which is of script %s, for script %s"):format(
    tostring(version),
    tostring(version.script_id),
    job.script
  )
end

-- Takes versions over; of two readings of one the later. Their sources are kept apart, so that nothing that is shown or
-- handed out holds one.
local function add(state, job, versions)
  for _, version in ipairs(versions) do
    local flaw = look.flaw(job, version)
    if flaw then return nil, look.wrong(job, flaw) end
    if version.content ~= nil then
      state.contents[version.id] = { content = version.content }
      version.content = nil
    end
    local known = state.by_id[version.id]
    state.by_id[version.id] = known and service.later(known, version) or version
  end
  return true
end

local function complete(state)
  for _, version in pairs(state.by_id) do table.insert(state.versions, version) end
  table.sort(state.versions, function(left, right) return service.number(left) > service.number(right) end)
  state.live = service.live(state.versions)
  state.newest = state.versions[1]
  state.under_way = {}
  for _, version in ipairs(state.versions) do
    local is_under_way = service.is_deploying(version) and not state.job.passed[version.id]
    if is_under_way then table.insert(state.under_way, version) end
  end
  return state
end

--- Looks. 2 requests at once; 1 where `again` is a look at a script of at most 100 versions.
-- @tparam table job
-- @tparam ?table again an earlier look, whose sources stay known
-- @treturn ?table state: `versions` (newest first), `live`, `newest`, `under_way` (a list), `by_id`, `response` (of
-- one of the requests); or nil and an error
function look.at(job, again)
  local state = setmetatable({ job = job, versions = {}, by_id = {}, contents = again and again.contents or {} }, State)
  local questions = { function() return newest_pages(job) end }
  if not again then
    questions[2] = function() return deployed_with_sources(job) end
  elseif again.beyond then
    questions[2] = function() return all_deployed(job) end
  end
  local answers, problem = job:ask(questions)
  if not answers then return nil, problem end
  local pages, deployed = answers[1], answers[2]
  state.beyond, state.response = pages[1].meta.last_page > 1, pages[1].response
  local lists = {}
  for _, page in ipairs(pages) do table.insert(lists, page.data) end
  if deployed then table.insert(lists, deployed.data or deployed) end
  if state.beyond and not again and deployed.meta.last_page > 1 then
    local rest, trouble = all_deployed(job)
    if not rest then return nil, trouble end
    table.insert(lists, rest)
  end
  for _, list in ipairs(lists) do
    local ok, trouble = add(state, job, list)
    if not ok then return nil, trouble end
  end
  complete(state)
  job.progress:saw(state.live, state.under_way)
  return state
end

-- A look that takes the versions as they came.
local function of_list(job, versions)
  local state = setmetatable({ job = job, versions = {}, by_id = {}, contents = {} }, State)
  local ok, problem = add(state, job, versions)
  if not ok then return nil, problem end
  state.beyond = #versions > per_page
  complete(state)
  job.progress:saw(state.live, state.under_way)
  return state
end

--- What is live, with its source. 1 request; 1 for each 100 and 1 more where more than 10 versions are deployed.
-- @tparam table job
-- @treturn ?table state, as `at` gives it, with the deployed versions alone; or nil and an error
function look.at_live(job)
  local page, problem = deployed_with_sources(job)
  if not page then return nil, problem end
  local versions = page.data
  if page.meta.last_page > 1 then
    local all, trouble = all_deployed(job)
    if not all then return nil, trouble end
    versions = table.move(all, 1, #all, #versions + 1, versions)
  end
  return of_list(job, versions)
end

--- All versions of a script. 1 request for each 100.
-- @tparam table job
-- @treturn ?table state, as `at` gives it; or nil and an error
function look.at_all(job)
  local versions, problem = job.resource:list(job.script, job:options()):all()
  if not versions then return nil, problem end
  if not versions[1] then -- a first page that is empty may not have been all
    local _, trouble = first_page(job, { per_page = 1 })
    if trouble then return nil, trouble end
  end
  return of_list(job, versions)
end

--- How to go on where a version is said to be under way, and is not.
-- @tparam table version
-- @treturn string
function look.way_out(version)
  local word = service.deploying(version)
  return ("if it isn't being deployed (`deploying` says %s), set `while_deploying`"):format(
    type(word) == "string" and ("%q"):format(word) or tostring(word)
  )
end

-- Reads the sources of versions that are not known yet, all at once.
local function read_sources(state, versions)
  local questions = {}
  for _, version in ipairs(versions) do
    if not state.contents[version.id] then
      questions[#questions + 1] = function()
        local read, problem = state.job.resource:get(version.id, state.job:options { include = "content" })
        if not read then return nil, problem end
        state.contents[version.id] = { content = read.content }
        return read
      end
    end
  end
  if #questions == 0 then return true end
  return state.job:ask(questions)
end

--- The source of the live version, or of another. No request where the look brought it.
-- @tparam table version
-- @treturn ?string "" where there is none; or nil and an error
function State:source(version)
  local ok, problem = read_sources(self, { version })
  if not ok then return nil, problem end
  return service.source(self.contents[version.id]) or ""
end

--- Whether a version holds a source. No request where the look brought it.
-- @treturn ?boolean or nil and an error
function State:holds(version, source)
  local ok, problem = read_sources(self, { version })
  if not ok then return nil, problem end
  return service.holds(self.contents[version.id], source)
end

local most_candidates = 10

--- The newest version that holds a source and is newer than the live one: what an earlier run has made. 1 request for
-- each of the newest 10 whose source is not known, all at once.
-- @tparam string source
-- @return version, nil where there is none; or nil and an error
function State:candidate(source)
  local newer = {}
  for _, version in ipairs(self.versions) do
    if #newer == most_candidates then break end
    if not self.live or service.number(version) > service.number(self.live) then newer[#newer + 1] = version end
  end
  local ok, problem = read_sources(self, newer)
  if not ok then return nil, problem end
  for _, version in ipairs(newer) do
    if service.holds(self.contents[version.id], source) then return version end
  end
end

return look
