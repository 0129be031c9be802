--- What a recording tells of deployments: how long they take, what the fields hold meanwhile, who is un-deployed.
--
-- A version is followed from reading to reading. A deployment that was asked for has ended where a later reading has
-- another date than the last one before it; what was read in between was read during it.
--
-- @module patchworks.recording.deployments
local service = require "patchworks.service"

local Deployments = {}
Deployments.__index = Deployments

local deployments = {}

--- @tparam function tell is given a question's name, what was seen, the line, and an example of what was seen
function deployments.new(tell)
  return setmetatable({ tell = tell, versions = {}, scripts = {}, shortest = math.huge }, Deployments)
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
    state = {}
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

local function end_watch(self, state, ending, now, seen)
  local watch, line = state.watch, seen.line
  state.watch, state.own = nil, true
  if ending == "failed" then
    self.tell("failed_deployment", ("status %s, deployment_failed_at is set, the reason %s"):format(now.status,
      now.reason and "is given" or "is not"), line)
  else
    if watch.before.deployed then self.tell("redeploy_nothing", "it is deployed anew", line) end
    local span = { least = watch.last - watch.began, most = seen.ended - watch.began }
    if span.most < self.shortest then self.shortest = span.most end
    self.tell("deploy_seconds", ("%.3g to %.3g s"):format(span.least, span.most), line, span)
    for text, value in pairs(watch.values) do self.tell("deploying", text, value.line, value.example) end
  end
end

local function follow(self, state, now, version, seen)
  local watch = state.watch
  local ending = watch and watch.before and has_ended(watch.before, now)
  local text, example = described(service.deploying(version))
  if ending then
    end_watch(self, state, ending, now, seen)
  elseif watch then
    watch.before, watch.last = watch.before or now, seen.ended
    watch.values[text] = watch.values[text] or { line = seen.line, example = example }
    watch.same = { line = seen.line, seconds = seen.ended - watch.began, idle = not service.is_deploying(version) }
  end
  if not watch or ending == "deployed" then
    if state.own and not state.invoked then self.tell("idle", text, seen.line, example) end
  end
  return ending
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
  else
    answer = ("refused with %d"):format(invoked.status)
  end
  self.tell("invoke_deploys", answer, invoked.line)
end

-- A version as it was read.
function Deployments:reading(version, seen)
  local id, script = version.id, version.script_id or seen.script
  local state = state_of(self, id)
  local now = {
    deployed = service.is_deployed(version), at = service.deployed_at(version), failed = service.failed_at(version),
    status = tostring(version.status), reason = version.deployment_failure_reason ~= nil,
  }
  if seen.operation == "create" then state.own = true end
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

local function deploy(self, seen, state)
  if state.watch and not state.watch.before then state.watch = nil end
  if state.watch and state.reading and not state.reading.deployed then
    self.tell("deploy_while_deploying", ("answered %d"):format(seen.status), seen.line)
  elseif state.reading and state.reading.deployed and seen.status >= 400 and seen.status < 500 then
    self.tell("redeploy_nothing", ("refused with %d"):format(seen.status), seen.line)
  end
  if seen.status >= 300 or state.watch then return end
  state.watch = { began = seen.time, last = seen.time, before = state.reading, values = {} }
end

-- What says nothing of the version: who asks, what isn't there, how often, and failures of the service itself.
local function says_nothing(status)
  return status == 401 or status == 403 or status == 404 or status == 413 or status == 429 or status >= 500
end

local function invoke(self, seen, state)
  if not state.reading or state.watch then return end
  if state.reading.deployed then
    if seen.status >= 400 and not says_nothing(seen.status) then
      self.tell("failed_run", ("answered %d with %s"):format(seen.status, seen.names), seen.line)
    end
  elseif not says_nothing(seen.status) then
    state.invoked = { line = seen.line, status = seen.status, before = state.reading }
  end
end

-- No more is read of a version: what needed a later look has had it, or hasn't.
local function conclude(self, state)
  local watch, invoked = state.watch, state.invoked
  local same = watch and watch.before and watch.before.deployed and watch.same
  local patience = self.shortest < math.huge and math.max(1, 3 * self.shortest) or 600
  if same and same.idle and same.seconds >= patience then
    self.tell("redeploy_nothing", "nothing changes", same.line)
  end
  if invoked then
    self.tell("invoke_deploys", invoked.status < 300 and "it is deployed and run"
      or ("refused with %d"):format(invoked.status), invoked.line)
  end
end

--- An attempt that was answered.
-- @tparam table seen see patchworks.recording.check
function Deployments:see(seen)
  local operation = seen.operation
  local state = seen.id and seen.operation ~= "list" and operation ~= "create" and state_of(self, seen.id)
  if operation == "deploy" then deploy(self, seen, state) end
  if operation == "invoke" then invoke(self, seen, state) end
  if operation == "delete" then
    if state.watch and not (state.watch.before or {}).deployed and not says_nothing(seen.status) then
      self.tell("delete_while_deploying", ("answered %d"):format(seen.status), seen.line)
    end
    if seen.status < 300 then
      conclude(self, state)
      self.versions[seen.id] = nil
    end
  end
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
end

return deployments
