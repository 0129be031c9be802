-- What was asked for is kept to: nothing done in a dry run, nothing begun where another version is expected, no more at
-- a time than was said, no longer than was said, no more deleted than was said, and back to where a rollback goes.

local changing = { create = true, deploy = true, delete = true, invoke = true, upload = true }

local function check_dry(evidence, call)
  for _, request in ipairs(evidence:requests_of(call)) do
    if changing[request.operation] then
      return evidence:lie("a dry run changes nothing", call, "#%d, %s, went out", request.number, request.operation)
    end
  end
end

local function first_effect(evidence, call, script)
  local first
  for _, what in ipairs { "created", "accepted" } do
    local entry = evidence:effects_of(call, what, script)[1]
    if entry and (not first or entry.time < first.time) then first = entry end
  end
  return first
end

-- What was expected was live at some time before the first change.
local function check_expected(evidence, call, script, expected)
  local first = first_effect(evidence, call, script)
  if first and not evidence:was_live(script, expected, call.began, first.time) then
    evidence:lie("what is expected is live before it begins", call, "version %s was not live in script %d",
      tostring(expected), script)
  end
end

local function check_planned(evidence, call)
  for _, step in ipairs(call.planned and call.planned.steps or {}) do
    check_expected(evidence, call, tonumber(step.id), step.live and step.live.id or nil)
  end
end

-- What a report counts.
local function check_counts(evidence, call)
  local counts = { published = 0, unchanged = 0, failed = 0 }
  for _, each in ipairs(call.value and call.value.scripts or {}) do counts[each.action] = counts[each.action] + 1 end
  for action, count in pairs(call.value and counts or {}) do
    if call.value[action] ~= count then
      evidence:lie("what was done is told", call, "%d are %s, and it counts %s", count, action, tostring(call.value[action]))
    end
  end
end

-- How many scripts have something under way at once.
local function check_apply(evidence, call)
  check_planned(evidence, call)
  check_counts(evidence, call)
  local under_way, count = {}, 0
  for _, event in ipairs(evidence.world.events) do
    local request = event.request
    if request.step == call.step and request.attempt == call.attempt and request.operation then
      local listed = request.operation == "list" or request.operation == "create"
      local script = listed and request.subject or evidence.scripts[request.subject] or 0
      local change = event.kind == "started" and 1 or event.kind == "ended" and -1 or 0
      local before = under_way[script] or 0
      under_way[script] = before + change
      if before == 0 and change == 1 then count = count + 1 end
      if before == 1 and change == -1 then count = count - 1 end
      if count > call.args.concurrency then
        return evidence:lie("no more at a time than asked for", call, "%d scripts at once, of %d", count, call.args.concurrency)
      end
    end
  end
end

local function check_batch(evidence, call)
  local count = 0
  for _, event in ipairs(evidence.world.events) do
    local inner = event.request
    if inner.batch == call then
      count = count + (event.kind == "call" and 1 or event.kind == "said" and -1 or 0)
      if count > call.args.concurrency then
        return evidence:lie("no more at a time than asked for", call, "%d calls at once, of %d", count, call.args.concurrency)
      end
    end
  end
end

-- Of a script's versions at least `keep` that are newer stayed: those that were there when it began, or made since.
local function check_keep(evidence, call)
  local deleted = evidence:effects_of(call, "deleted")
  if #deleted == 0 then return end
  for _, entry in ipairs(deleted) do
    local newer = 0
    for id, script in pairs(evidence.scripts) do
      local there = script == entry.script and id > entry.version and evidence.born[id] < entry.time
      if there and not evidence:was_deleted(id, call.began) then newer = newer + 1 end
    end
    if newer < call.args.keep then
      return evidence:lie("prune keeps as many as asked for", call, "version %d was one of the newest %d", entry.version, call.args.keep)
    end
  end
end

local function check_kept(evidence, call)
  local value = call.value
  if not value or call.args.dry_run or not evidence:is_alone(call, call.args.script) then return end
  local there = 0
  for id, script in pairs(evidence.scripts) do
    if script == call.args.script and evidence.born[id] < call.ended and not evidence:was_deleted(id, call.ended) then there = there + 1 end
  end
  if value.kept ~= there or #value.stays + #value.newest ~= there then
    evidence:lie("what was done is told", call, "%d versions stay, and %d are said to: %d newest and %d others", there, value.kept,
      #value.newest, #value.stays)
  end
end

local checks = { apply = check_apply, batch = check_batch }

function checks.prune(evidence, call)
  check_keep(evidence, call)
  check_kept(evidence, call)
end

function checks.rollback(evidence, call)
  local value, err = call.value, call.err
  if call.args.to or not evidence:is_alone(call, call.args.script) then return end
  local none = err and err.kind == "not_found"
  local to = value and value.version.id
  if (value or none) and to ~= call.back then
    evidence:lie("a rollback goes to what was live before", call, "to version %s, and that is %s", tostring(to or "none"),
      tostring(call.back or "none"))
  end
end

-- Whether something of a call went wrong on its way.
local function is_troubled(evidence, call)
  for _, request in ipairs(evidence:requests_of(call)) do
    if request.fault or request.answered == 429 or request.answered == 401 then return true end
  end
  return false
end

local grain = 0.01 -- seconds

function checks.publish(evidence, call)
  if call.args.keep then check_keep(evidence, call) end
  if call.expects then check_expected(evidence, call, call.args.script, call.expected) end
  local value, err = call.value, call.err
  if value and call.args.keep and not call.args.dry_run and not (value.pruned or value.prune_error) then
    evidence:lie("prune keeps as many as asked for", call, "%s, and nothing was pruned", value.action)
  end
  local seconds = call.ended - call.began
  if value and call.args.timeout and seconds > call.args.timeout + grain and not evidence:is_held(call) then
    evidence:lie("every call ends by its deadline", call, "it took %.3f s of %.3f", seconds, call.args.timeout)
  end
  if not err or err.stage ~= "test" or not err.previous or call.closed or is_troubled(evidence, call) then return end
  if call.args.rollback == false then
    if err.rolled_back then evidence:lie("what fails its test is taken back", call, "and was, though not asked for") end
  elseif not err.rolled_back and evidence:is_alone(call, call.args.script) then
    local reason = err.rollback_error
    if reason and reason.kind == "deployment_failed" then return end
    evidence:lie("what fails its test is taken back", call, "version %d was not: %s", err.version.id, tostring(reason))
  end
end

return function(evidence)
  for _, call in ipairs(evidence.world.calls) do
    if call.args.dry_run then check_dry(evidence, call) end
    local check = checks[call.op]
    if check and not call.killed and not call.cancelled then check(evidence, call) end
  end
end
