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

-- What somebody else made live between the look and our deployment, and is not any more.
local function overwritten(state, after, version)
  for _, each in ipairs(after.versions) do
    local ours = each.id == version.id or (state.live and each.id == state.live.id) or each == after.live
    if not ours and deployed_since(each, state) then return each end
  end
end

-- Where the service counts in seconds, two deployments within one can't be told apart, and the higher number wins.
local function is_tie(state, after, version)
  local live, ours = after.live, after.by_id[version.id]
  return live and ours and state.live and live.id == state.live.id and service.is_deployed(ours)
    and service.deployed_at(live) == service.deployed_at(ours)
end

--- Deploys a version and looks what is live then.
-- @tparam table job
-- @tparam table version
-- @tparam string step what the listener is told
-- @tparam table state the last look before: its live version is the one that is replaced
-- @tparam ?function meanwhile called with the deployed version and the response when it is, at once with the look
-- @treturn ?table `version`, `state` (the look afterwards; nil and `problem` where it failed), `is_live`, `overwrote`
-- (a version that somebody else made live in between), `meanwhile` (what the function gave); or nil and an error
function replace.with(job, version, step, state, meanwhile)
  local deployed, response = wait.deploy(job, version, step, state.live)
  if not deployed then return nil, response end
  local questions = {
    function()
      local after, problem = look.at(job, state)
      return { state = after, problem = problem }
    end,
  }
  if meanwhile then questions[2] = function() return { meanwhile(deployed, response) } end end
  local answers = assert(job:ask(questions))
  local after = answers[1].state
  if after and is_tie(state, after, version) then
    job.clock.sleep(1)
    return replace.with(job, after.by_id[version.id], step, after)
  end
  return {
    version = deployed,
    state = after,
    problem = answers[1].problem,
    is_live = after ~= nil and after.live ~= nil and after.live.id == version.id,
    overwrote = after and overwritten(state, after, version),
    meanwhile = answers[2] or {},
  }
end

return replace
