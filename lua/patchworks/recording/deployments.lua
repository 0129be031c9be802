--- What a recording tells of deployments: how long they take, what the fields hold meanwhile, who is un-deployed.
--
-- A version is followed from reading to reading. A deployment that was asked for has ended where a later reading has
-- another date than the last one before it; what was read in between was read during it. Whatever may have been
-- otherwise is not told: of two requests at once nobody knows which the service took first, of one without an answer
-- whether it began something, and of two deployments which of them a date is of.
--
-- @module patchworks.recording.deployments
local service = require "patchworks.service"

local Deployments = {}
Deployments.__index = Deployments

local deployments = {}

local blur = 0.001 -- seconds: times of day are recorded in milliseconds

--- @tparam function tell is given a question's name, what was seen, the line, and an example of what was seen
function deployments.new(tell)
  return setmetatable({
    tell = tell, versions = {}, scripts = {}, deleted = {},
    shortest = math.huge, least = math.huge, -- of the quickest deployment, what it took at most, and at least
  }, Deployments)
end

-- What a field holds, in words: dates differ each time, and are one answer all the same.
local function described(value)
  if value == nil then return "null", "" end
  if type(value) == "table" then return "an object", nil end
  local text = tostring(value)
  if service.time(value) then return "a date", text end
  return type(value) == "string" and ('"%s"'):format(value) or ("%s, no string"):format(text), text
end

local function state_of(self, id)
  local state = self.versions[id]
  if not state then
    state = { idle = {} }
    self.versions[id] = state
  end
  return state
end

local function has_ended(before, now)
  if now.failed ~= nil and now.failed ~= before.failed then return "failed" end
  -- It may be superseded by the time that it is read.
  if now.at ~= nil and now.at ~= before.at or (now.deployed and not before.deployed) then return "deployed" end
end

-- Of the others of a script that were deployed, when another one has come after them.
local function compare_with_newest(self, script, id, now, line)
  local seen = self.scripts[script]
  if not seen then return end
  local newest, was = seen.newest, seen.deployed[id]
  if newest and newest.id ~= id and was and was < newest.line then
    self.tell("one_deployed", now.deployed and "several at once" or "one: the others become " .. now.status, line)
  end
  seen.deployed[id] = now.deployed and line or nil
end

local function note_deployed(self, script, id, line)
  local seen = self.scripts[script] or { deployed = {} }
  self.scripts[script] = seen
  seen.deployed[id] = seen.deployed[id] or line
  seen.newest = { id = id, line = line }
end

-- Whether a request was surely sent after another one was answered.
local function is_after(seen, ended) return seen.time >= ended - blur end

-- Something may be under way from here on: what was read of a version that is idle is told, but for what was read while
-- the request was on its way.
local function disturb(self, state, time)
  for _, each in ipairs(state.idle) do
    if each.ended <= time + blur then self.tell("idle", each.text, each.line, each.example) end
  end
  state.idle, state.calm = {}, false
end

-- Begins to watch what a deploy has begun. `calm`: surely nothing else was under way.
local function watch_from(seen, before, calm)
  return {
    line = seen.line, began = seen.time, answered = seen.ended, last = seen.ended, before = before, calm = calm,
    values = {}, asked = {},
  }
end

local function end_watch(self, state, ending, now, seen)
  local watch, line = state.watch, seen.line
  state.watch, state.during = nil, watch.values
  state.calm = watch.calm and not state.unsure
  if ending == "failed" then
    self.tell("failed_deployment", ("status %s, deployment_failed_at is set, the reason %s"):format(now.status,
      now.reason and "is given" or "is not"), line)
    return
  end
  if watch.before.deployed then self.tell("redeploy_nothing", "it is deployed anew", line) end
  for text, value in pairs(watch.values) do self.tell("deploying", text, value.line, value.example) end
  if state.unsure then return end
  local span = { least = watch.last - watch.answered, most = seen.ended - watch.began }
  self.shortest, self.least = math.min(self.shortest, span.most), math.min(self.least, span.least)
  self.tell("deploy_seconds", ("%.3g to %.3g s"):format(span.least, span.most), line, span)
end

-- A reading that shows a deployment not to have ended: so it had not when what was answered before was asked.
local function goes_on(self, watch, version, text, example, seen)
  watch.last = math.max(watch.last, seen.time)
  watch.looked = watch.looked or seen.line ~= watch.line
  watch.values[text] = watch.values[text] or { line = seen.line, example = example }
  watch.same = { line = seen.line, seconds = seen.ended - watch.began, idle = not service.is_deploying(version) }
  for i = #watch.asked, 1, -1 do
    local each = watch.asked[i]
    if each.line == seen.line or is_after(seen, each.ended) then
      self.tell(each.name, each.text, each.line)
      table.remove(watch.asked, i)
    end
  end
end

local function follow(self, state, now, version, seen)
  local watch = state.watch
  local text, example = described(service.deploying(version))
  if not watch then
    local lingers = state.during and state.during[text] and service.is_deploying(version)
    if state.calm and not lingers then
      table.insert(state.idle, { text = text, line = seen.line, ended = seen.ended, example = example })
    end
    return
  end
  local is_own = seen.line == watch.line
  if not is_own and not is_after(seen, watch.answered) then return end
  local ending = watch.before and has_ended(watch.before, now)
  if ending then
    -- The answer to another deploy that shows it: there the next one begins.
    end_watch(self, state, ending, now, seen)
    if seen.operation == "deploy" and not is_own then
      state.watch = watch_from(seen, now, false)
      state.watch.values[text] = { line = seen.line, example = example }
    end
    return ending
  end
  watch.before = watch.before or now
  goes_on(self, watch, version, text, example, seen)
end

-- What came of invoking a version that wasn't deployed, as the next reading tells.
local function settle_invoked(self, state, now)
  local invoked = state.invoked
  state.invoked = nil
  local answer
  if invoked.status < 300 then
    answer = now.deployed and "it is deployed and run" or "it is run, and not deployed"
  elseif now.failed ~= nil and now.failed ~= invoked.before.failed then
    answer = "it is deployed and run"
  elseif not now.deployed then
    answer = ("refused with %d"):format(invoked.status)
  end
  if answer then self.tell("invoke_deploys", answer, invoked.line) end
end

-- A version as it was read.
function Deployments:reading(version, seen)
  local id, script = version.id, version.script_id or seen.script
  local state = state_of(self, id)
  local now = {
    deployed = service.is_deployed(version), at = service.deployed_at(version), failed = service.failed_at(version),
    status = tostring(version.status), reason = version.deployment_failure_reason ~= nil,
  }
  if seen.operation == "create" then state.calm = true end
  if state.invoked then settle_invoked(self, state, now) end
  local ending = follow(self, state, now, version, seen)
  state.reading = now
  if script == nil then return end
  if ending == "deployed" and now.deployed then
    note_deployed(self, script, id, seen.line)
  else
    self.scripts[script] = self.scripts[script] or { deployed = {} }
    compare_with_newest(self, script, id, now, seen.line)
  end
end

-- What says nothing of the version: who asks, what isn't there, how often, and failures of the service itself.
local function says_nothing(status)
  return status == 401 or status == 403 or status == 404 or status == 413 or status == 429 or status >= 500
end

-- Whether something may have been done, though nobody says so.
local function is_lost(status) return status == nil or status >= 500 or status == 408 or status == 499 end

-- What was asked in the middle of a deployment, as a later reading has to show.
local function ask(watch, name, seen)
  if watch.before.deployed or not is_after(seen, watch.answered) then return end
  local text = ("answered %d"):format(seen.status)
  table.insert(watch.asked, { name = name, text = text, line = seen.line, ended = seen.ended })
end

local function deploy(self, seen, state)
  if state.watch and not state.watch.before then state.watch = nil end
  local watch, calm = state.watch, state.calm
  if says_nothing(seen.status) then return end
  if watch then
    ask(watch, "deploy_while_deploying", seen)
  elseif seen.status >= 400 and not state.unsure and state.reading and state.reading.deployed then
    self.tell("redeploy_nothing", ("refused with %d"):format(seen.status), seen.line)
  end
  if seen.status >= 300 then return end
  disturb(self, state, seen.time)
  state.invoked = nil
  if watch then
    state.unsure = true -- of which of the two an ending is
  else
    state.watch = watch_from(seen, state.reading, calm)
  end
end

--- An attempt whose outcome nobody knows.
-- @tparam table seen see patchworks.recording.check
function Deployments:lost(seen)
  if not seen.id or (seen.operation ~= "deploy" and seen.operation ~= "invoke") then return end
  local state = state_of(self, seen.id)
  if seen.operation == "invoke" and state.reading and state.reading.deployed then return end
  disturb(self, state, seen.time)
  state.unsure, state.invoked = true, nil
end

local function invoke(self, seen, state)
  if not state.reading or state.watch then return end
  if state.reading.deployed then
    if seen.status >= 400 and not says_nothing(seen.status) then
      self.tell("failed_run", ("answered %d with %s"):format(seen.status, seen.names), seen.line)
    end
  elseif not says_nothing(seen.status) then
    disturb(self, state, seen.time) -- it may be deployed for that
    state.invoked = { line = seen.line, status = seen.status, before = state.reading }
  end
end

-- No more is read of a version: what needed a later look has had it, or hasn't.
local function conclude(self, state)
  disturb(self, state, math.huge)
  local watch, invoked = state.watch, state.invoked
  local same = watch and watch.before and watch.before.deployed and watch.same
  local patience = self.shortest < math.huge and math.max(1, 3 * self.shortest) or 600
  if same and same.idle and not state.unsure and same.seconds >= patience then
    self.tell("redeploy_nothing", "nothing changes", same.line)
  end
  if invoked and invoked.status >= 300 then
    self.tell("invoke_deploys", ("refused with %d"):format(invoked.status), invoked.line)
  end
end

-- What is deleted is not seen again: that its deployment had not ended follows where it was looked at after that was
-- begun, and no deployment that was seen took less than twice as long as this one was given.
local function delete(self, seen, state)
  local watch = state.watch
  if watch and watch.before and not says_nothing(seen.status) then
    if seen.status >= 300 then
      ask(watch, "delete_while_deploying", seen)
    elseif watch.looked and not watch.before.deployed and is_after(seen, watch.answered) then
      table.insert(self.deleted, { took = seen.ended - watch.began, line = seen.line, status = seen.status })
    end
  end
  if seen.status >= 300 then return end
  conclude(self, state)
  self.versions[seen.id] = nil
end

--- An attempt that was answered.
-- @tparam table seen see patchworks.recording.check
function Deployments:see(seen)
  local operation = seen.operation
  local state = seen.id and seen.operation ~= "list" and operation ~= "create" and state_of(self, seen.id)
  if is_lost(seen.status) then return self:lost(seen) end
  if operation == "deploy" then deploy(self, seen, state) end
  if operation == "invoke" then invoke(self, seen, state) end
  if operation == "delete" then delete(self, seen, state) end
  local deployed = 0
  for _, version in ipairs(seen.versions) do
    deployed = deployed + (service.is_deployed(version) and 1 or 0)
    self:reading(version, seen)
  end
  if deployed > 1 then self.tell("one_deployed", "several at once", seen.line) end
end

--- The recording is over.
function Deployments:finish()
  for _, state in pairs(self.versions) do conclude(self, state) end
  for _, each in ipairs(self.deleted) do
    if self.least < math.huge and 2 * each.took <= self.least then
      self.tell("delete_while_deploying", ("answered %d"):format(each.status), each.line)
    end
  end
end

return deployments
