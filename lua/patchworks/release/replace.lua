--- Making a version live in another one's place, and seeing that it is.
--
-- The API has no condition for a deployment: what somebody else deploys between our look and our request is
-- overwritten, or comes live after ours. So there is a look afterwards, and what it shows is said.
--
-- @module patchworks.release.replace
local look = require "patchworks.release.look"
local service = require "patchworks.service"
local wait = require "patchworks.release.wait"

local replace = {}

-- Whether a version was deployed since a look.
local function deployed_since(version, state)
  if not service.was_deployed(version) then return false end
  local before, at = state.by_id[version.id], service.deployed_at(version)
  if before and service.is_deployed(before) then return at ~= service.deployed_at(before) end
  if before and at then return at ~= service.deployed_at(before) end
  local live_at = state.live and service.deployed_at(state.live)
  return not (at and live_at) or at >= live_at
end

-- What somebody else made live between the look and our deployment, and is not any more: the last of them.
local function overwritten(state, after, version)
  local ours, last = after.by_id[version.id] or version, nil
  local at = service.deployed_at(ours) or math.huge
  for _, each in ipairs(after.versions) do
    local known = each.id == version.id or (state.live and each.id == state.live.id) or each == after.live
    local theirs = not known and deployed_since(each, state) and (service.deployed_at(each) or at) <= at
    if theirs and (not last or service.deployed_later(each, last)) then last = each end
  end
  return last
end

-- Where the service counts in seconds, two deployments within one can't be told apart, and the higher number wins.
local function is_tie(state, after, version)
  local live, ours = after.live, after.by_id[version.id]
  return live and ours and state.live and live.id == state.live.id and service.is_deployed(ours)
    and service.deployed_at(live) == service.deployed_at(ours)
end

--- What somebody else did meanwhile, for people.
-- @tparam table told what a release gave, or its error: `overwrote`, `under_way`
-- @treturn table a list of sentences
function replace.sentences(told)
  local list = {}
  if told.overwrote then list[#list + 1] = "overwritten: somebody else's " .. tostring(told.overwrote) end
  if told.under_way then list[#list + 1] = "somebody else has begun meanwhile: " .. tostring(told.under_way) end
  return list
end

--- Deploys a version and looks what is live then.
-- @tparam table job
-- @tparam table version
-- @tparam string step what the listener is told
-- @tparam table state the last look before: its live version is the one that is replaced
-- @tparam ?function meanwhile called with the version and the response when it is deployed, at once with the look; not
-- when somebody else's has taken its place by then
-- @treturn ?table `version`, `state` (the look afterwards; nil and `problem` where it failed), `is_live`, `overwrote`
-- (a version that somebody else made live in between), `meanwhile` (what the function gave); or nil and an error
-- @tparam ?boolean again whether this is the second try after a tie
function replace.with(job, version, step, state, meanwhile, again)
  -- As the look shows it: what somebody else's deployment of it came to before is not what ours does.
  version = state.by_id[version.id] or version
  local deployed, response = wait.deploy(job, version, step, state.live)
  if not deployed then return nil, response end
  local questions = {
    function()
      local after, problem = look.at(job, state)
      return { state = after, problem = problem }
    end,
  }
  if meanwhile and service.is_deployed(deployed) then
    questions[2] = function() return { meanwhile(deployed, response) } end
  end
  local answers = assert(job:ask(questions))
  local after = answers[1].state
  if after and not again and job.deadline:left() > 1 and is_tie(state, after, version) then
    job.clock.sleep(1)
    local done, failure = replace.with(job, version, step, after, meanwhile, true)
    if done then done.overwrote = done.overwrote or overwritten(state, after, version) end
    return done, failure
  end
  return {
    version = deployed,
    state = after,
    problem = answers[1].problem,
    is_live = after ~= nil and after.live ~= nil and after.live.id == version.id,
    overwrote = after and overwritten(state, after, version),
    meanwhile = answers[2],
  }
end

return replace
