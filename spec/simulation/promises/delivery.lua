-- Said done: done exactly once, or at least once where it is repeatable. `none`: not done. `unknown`: at most once. Never
-- twice, but for a reconciled create that was done after all looks were over, or whose version somebody deleted before, or
-- another call adopted.
local plain = require("spec.simulation.service").plain

local effect_of = { create = "created", deploy = "accepted", delete = "deleted", invoke = "ran", upload = "uploaded" }

-- How often a call may have been done, by what was said: at least, at most.
local function bounds(call)
  local repeatable = call.op == "deploy"
  local most = repeatable and math.huge or 1
  if call.told then return 0, call.told.outcome == "none" and 0 or most end
  if call.killed or call.cancelled then return 0, most end
  if call.err then return 0, call.err.outcome == "none" and 0 or most end
  -- What an earlier attempt deleted, or what somebody else did meanwhile, and what an adopted create made.
  if call.op == "delete" or call.args.reconcile then return 0, most end
  return 1, most
end

local function said(call)
  if call.killed then return "killed" end
  if call.cancelled then return "cancelled" .. (call.told and ", outcome " .. call.told.outcome or "") end
  if call.err then return "failed, outcome " .. call.err.outcome end
  return "done"
end

local function key_of(call) return call.op .. " " .. tostring(call.subject or call.args.script .. call.args.content) end

-- Calls of one batch that ask for the same can't be told apart: they are judged together.
local function groups_of(evidence)
  local groups, list = {}, {}
  for _, call in ipairs(evidence.world.calls) do
    if effect_of[call.op] then
      local key = call.step .. "/" .. call.attempt .. "/" .. key_of(call)
      local group = groups[key]
      if not group then
        group = { least = 0, most = 0, calls = {}, key = key_of(call), words = {} }
        groups[key], list[#list + 1] = group, group
      end
      local least, most = bounds(call)
      group.least, group.most = group.least + least, group.most + most
      group.reconciles = group.reconciles or call.args.reconcile
      group.calls[#group.calls + 1] = call
      group.words[#group.words + 1] = said(call)
    end
  end
  return list
end

local function is_of(entry, call)
  if call.op == "create" then
    return entry.script == call.args.script and plain(entry.content) == plain(call.args.content)
  end
  return entry.version == call.subject
end

-- Whether a plain create of a script is under way at a time: what a look finds then is not adopted.
local function is_open(evidence, script, time)
  for _, call in ipairs(evidence.world.calls) do
    local plain_create = call.op == "create" and not call.args.reconcile and call.args.script == script
    if plain_create and call.began <= time and time <= call.ended then return true end
  end
  return false
end

-- How long after an unknown outcome the last look is, in seconds: a time-out says that the service is slow.
local function last_look(request) return request.given == "no answer in time" and 4 or 1 end

-- Whether a version that a reconciled create made could be seen by none of the looks between that and its next create: it
-- was done after them, somebody else had deleted it before, or another call had taken it. Whose looks they are isn't told
-- in a batch: there one that could not see it is enough.
local function was_missed(evidence, entry, call)
  local made = evidence.world.requests[entry.request]
  local is_late = entry.time > made.ended + last_look(made)
  local died, taken = evidence.died[entry.version] or math.huge, evidence:taken_at(entry.version, call) or math.huge
  local missed, met = false, false
  for _, request in ipairs(evidence:requests_of(call)) do
    local follows = request.number > entry.request and request.subject == entry.script
    if follows and request.operation == "create" and not call.batch then break end
    if follows and request.operation == "list" and request.answered == 200 and request.query.include then
      local gone = died <= request.arrived or taken <= request.ended
      missed = missed or gone or is_late and request.arrived < entry.time
      met = met or not gone and request.arrived >= entry.time and not is_open(evidence, entry.script, request.ended)
    end
  end
  return missed and (call.batch or not met)
end

local function check_group(evidence, group)
  local call = group.calls[1]
  local count, unseen = 0, 0
  for _, entry in ipairs(evidence:effects_of(call, effect_of[call.op])) do
    if is_of(entry, call) then
      count = count + 1
      if group.reconciles and was_missed(evidence, entry, call) then unseen = unseen + 1 end
    end
  end
  if count < group.least then
    evidence:lie("said done is done", call, "%s: %s, and done %d times", group.key, table.concat(group.words, "; "), count)
  elseif count - unseen > group.most then
    evidence:lie("never twice, none is none", call, "%s: %s, and done %d times", group.key, table.concat(group.words, "; "), count)
  end
end

local function check_values(evidence)
  local holders = {}
  for _, call in ipairs(evidence.world.calls) do
    local value = call.value
    if value and call.op == "get" and value.id ~= call.subject then
      evidence:lie("an answer is one's own", call, "asked for version %s, got %s", call.subject, value.id)
    elseif value and call.op == "create" then
      if holders[value.id] then evidence:lie("never two calls, one version", call, "version %s was given to two calls", value.id) end
      holders[value.id] = call
      local content = evidence.contents[value.id]
      if not content or plain(content) ~= plain(call.args.content) then
        evidence:lie("an answer is one's own", call, "version %s has another content", value.id)
      elseif evidence.born[value.id] < call.began then
        evidence:lie("never two calls, one version", call, "version %s was there before the call", value.id)
      end
    elseif call.op == "delete" and call.err and call.err.kind == "not_found" then
      if not call.batch and #evidence:effects_of(call, "deleted") > 0 then
        evidence:lie("said done is done", call, "version %d was deleted by this very call, which says not found", call.subject)
      end
    elseif value and call.op == "delete" then
      local version = evidence.world.service.versions[call.subject]
      if version then evidence:lie("said done is done", call, "version %d is still there", call.subject) end
    end
  end
end

return function(evidence)
  for _, group in ipairs(groups_of(evidence)) do check_group(evidence, group) end
  check_values(evidence)
end
