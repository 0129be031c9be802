-- After each release what is live is what was said; nobody's version was overwritten unseen; a second run converges.
local plain = require("spec.simulation.service").plain

-- Whether somebody else, or a request that nobody waited for any more, changed what is live after a time.
local function changed_by_others(evidence, call, script, from, to)
  for _, entry in ipairs(evidence.lives[script] or {}) do
    local own = entry.step == call.step and entry.attempt == call.attempt and not entry.late
    if entry.time > from and entry.time <= to and not own then return true end
  end
  return false
end

-- When a call's own deployment made the version live, the last time, what was live before, and by which request.
local function made_live(evidence, call, script, id)
  local when, former, request
  for _, entry in ipairs(evidence.lives[script] or {}) do
    local own = entry.step == call.step and entry.attempt == call.attempt
    if own and entry.version == id and entry.deployed == id and entry.time <= call.ended then
      when, former, request = entry.time, entry.former, evidence.world.requests[entry.request]
    end
  end
  return when, former, request
end

-- When the call saw for the last time what is live; nil when it did not look again after a time. What prune lists after
-- a publish is no such look.
local function last_sight(evidence, call, script, since)
  local seen
  for _, request in ipairs(evidence:looks_of(call, script)) do
    if request.arrived and request.arrived > since and not (seen and call.args.keep) then seen = request.arrived end
  end
  return seen
end

-- Whether a version came live, the last time before another, since what was live in a call was deleted: nobody put it there.
local function fell_back(evidence, call, script, id, before)
  local came
  for _, entry in ipairs(evidence.lives[script] or {}) do
    if entry.time >= before then break end
    if entry.version == id then came = entry end
  end
  return came ~= nil and came.time >= call.began and came.deployed ~= id
end

local function check_live_now(evidence, call, script, id, since)
  local seen = since and last_sight(evidence, call, script, since)
  if seen and evidence:live_at(script, seen) ~= id then
    return evidence:lie("what is live is what was said", call, "said that version %s is live, and saw that %s is", tostring(id),
      tostring(evidence:live_at(script, seen)))
  end
  if changed_by_others(evidence, call, script, since or call.began, call.ended) then return end
  local live = evidence:live_at(script, call.ended)
  if live ~= id then
    evidence:lie("what is live is what was said", call, "said that version %s is live, and %s is", tostring(id), tostring(live))
  end
end

-- When a version was deployed the last time in a call, by whomever: somebody else's way back may lead to it.
local function last_deployed(evidence, call, script, id)
  local last
  for _, entry in ipairs(evidence.lives[script] or {}) do
    if entry.deployed == id and entry.time >= call.began and entry.time <= call.ended then last = entry.time end
  end
  return last
end

-- What is said to be overwritten was made live by somebody else, in the call and before ours. Of two that were deployed
-- in one second nobody can tell which came last, nor which is live.
local function check_overwrote(evidence, call, script, version, before)
  if not version then return end
  local last = evidence.world.plan.habits.fraction > 0 and before or call.ended
  for _, entry in ipairs(evidence.lives[script] or {}) do
    local own = entry.step == call.step and entry.attempt == call.attempt and not entry.late
    local is_it = entry.version == version.id or entry.deployed == version.id
    if is_it and not own and entry.time >= call.began and entry.time <= last then return end
  end
  evidence:lie("what is said to be overwritten was", call, "version %s was not", tostring(version.id))
end

-- Whether a version is not among the newest 100: one that comes live, and is replaced, between two looks is seen there alone.
local function is_beyond_look(evidence, script, id, time)
  local newer = 0
  for _, entry in ipairs(evidence.world.service.journal) do
    local there = entry.what == "created" and entry.script == script and entry.time <= time
    if there and entry.version > id and not evidence:was_deleted(entry.version, time) then newer = newer + 1 end
  end
  return newer >= 99 -- and its own, or somebody else's, that is made by the look afterwards
end

-- Whether the dates of a service that counts in seconds hide what a version came to: it was deployed, or failed, twice in one.
local function is_doubtful(evidence, id, time)
  if evidence.world.plan.habits.fraction > 0 then return false end
  local count = 0
  for _, entry in ipairs(evidence.world.service.journal) do
    local came = entry.what == "live" and entry.deployed == id or entry.what == "failed" and entry.version == id
    if came and entry.time <= time and entry.time > time - 2 then count = count + 1 end
  end
  return count > 1
end

local function was_tested(evidence, call, id)
  for _, entry in ipairs(evidence:effects_of(call, "ran")) do
    if entry.version == id and entry.payload ~= "wrong" then return true end
  end
  return false
end

local function check_published(evidence, call, script, wanted, tested, result)
  local id, content = result.version.id, evidence.contents[result.version.id]
  if plain(content) ~= plain(wanted) then
    evidence:lie("what is live is what was said", call, "version %s has another content", tostring(id))
  end
  if not evidence:was_live(script, id, call.began, call.ended) then
    return evidence:lie("what is live is what was said", call, "version %s was never live in the call", tostring(id))
  end
  if tested and not was_tested(evidence, call, id) then
    evidence:lie("green is tested", call, "%s, and version %s passed no test", result.action, tostring(id))
  end
  if result.action == "unchanged" then
    if #evidence:effects_of(call, "created", script) + #evidence:effects_of(call, "accepted", script) > 0 then
      evidence:lie("what was done is told", call, "said that nothing changed, and made or deployed something")
    end
    return
  end
  local when, former, by = made_live(evidence, call, script, id)
  check_live_now(evidence, call, script, id, when)
  check_overwrote(evidence, call, script, result.overwrote, when and last_deployed(evidence, call, script, id))
  local previous = result.previous and result.previous.id
  if not former or former == id or former == previous or result.overwrote then return end
  if by.operation == "invoke" then return end -- the test itself deployed it again, at once with the look afterwards
  if is_beyond_look(evidence, script, former, when) or is_doubtful(evidence, former, when) then return end
  local gone = evidence:was_deleted(former, last_sight(evidence, call, script, when) or call.ended)
  if not gone and not fell_back(evidence, call, script, former, when) then
    evidence:lie("nobody's version is overwritten unseen", call, "version %s was live when %s came live, and %s was said to be",
      tostring(former), tostring(id), tostring(previous))
  end
end

-- What a failed publish says of what it left.
local function check_failed(evidence, call, script, err)
  local accepted = evidence:effects_of(call, "accepted", script)
  check_overwrote(evidence, call, script, err.overwrote)
  if err.kind == "conflict" and not err.overtaken and #accepted > 0 then
    evidence:lie("what was done is told", call, "said that nothing was overwritten, and deployed version %d", accepted[1].version)
  end
  local said = err.live and err.live.id
  if err.rolled_back then
    if not said then return evidence:lie("what was done is told", call, "rolled back, and to what isn't said") end
    check_live_now(evidence, call, script, said, made_live(evidence, call, script, said))
  elseif said and not evidence:was_live(script, said, call.began, call.ended) then
    evidence:lie("what is live is what was said", call, "said that version %d is live, which it never was in the call", said)
  end
  if err.outcome == "unknown" then return end
  for _, entry in ipairs(evidence.lives[script] or {}) do
    local own = entry.step == call.step and entry.attempt == call.attempt
    if own and not entry.late and entry.time > call.ended then
      evidence:lie("what was begun is told as begun", call, "outcome none, and version %s came live afterwards", tostring(entry.version))
    end
  end
  local last
  for _, entry in ipairs(evidence.lives[script] or {}) do
    if entry.time <= call.ended then last = entry end
  end
  local own = last and last.step == call.step and last.attempt == call.attempt and not last.late
  if own and #accepted > 0 and said ~= last.version then
    evidence:lie("what was begun is told as begun", call, "outcome none, and version %s is live by it", tostring(last.version))
  end
end

local function check_rollback(evidence, call)
  local result, script = call.value, call.args.script
  if not result then return check_failed(evidence, call, script, call.err) end
  if result.action == "unchanged" then return end
  local id = result.version.id
  local when = made_live(evidence, call, script, id)
  if not evidence:was_live(script, id, call.began, call.ended) then
    return evidence:lie("what is live is what was said", call, "version %s was never live in the call", tostring(id))
  end
  check_live_now(evidence, call, script, id, when)
  check_overwrote(evidence, call, script, result.overwrote, when and last_deployed(evidence, call, script, id))
  local previous = result.previous and result.previous.id
  if not call.args.to and previous and id > previous then
    evidence:lie("rollback never goes forward", call, "from version %d to %d", previous, id)
  end
end

-- When a version failed to be deployed, the last time in a call.
local function failed_at(evidence, call, id)
  local last = -math.huge
  for _, entry in ipairs(evidence.world.service.journal) do
    if entry.what == "failed" and entry.version == id and entry.time <= call.ended then last = entry.time end
  end
  return last
end

local function check_deploy_and_wait(evidence, call)
  local id, ok = call.subject, false
  local what = call.value and "live" or "failed"
  for _, entry in ipairs(evidence.world.service.journal) do
    local matches = entry.what == what and (entry.deployed == id or entry.version == id)
    if matches and entry.time >= call.began and entry.time <= call.ended then ok = true end
  end
  if call.value and not ok and is_doubtful(evidence, id, failed_at(evidence, call, id)) then return end
  if call.value and not ok then evidence:lie("said done is done", call, "version %d was not deployed in the call", id) end
  if not call.err then return end
  if call.err.kind == "deployment_failed" then
    if not ok and is_doubtful(evidence, id, call.ended) then return end
    if not ok then evidence:lie("a failure is a fresh one", call, "no deployment of version %d failed in the call", id) end
    return
  end
  local when = made_live(evidence, call, evidence.scripts[id], id)
  if call.err.outcome == "none" and when then
    evidence:lie("what was begun is told as begun", call, "outcome none, and version %d is live by it", id)
  end
  -- What somebody else has taken the place of since can't be waited for.
  if call.err.kind ~= "timeout" or not when or evidence:is_held(call) then return end
  if evidence:live_at(evidence.scripts[id], call.ended) ~= id then return end
  for _, entry in ipairs(evidence.world.service.journal) do
    local again = entry.what == "accepted" and entry.version == id and entry.step ~= call.step
    if again and entry.time >= call.began and entry.time <= call.ended then return end -- it is under way once more
  end
  for _, request in ipairs(evidence:requests_of(call)) do
    if request.fault or request.answered == 401 then return end -- a 429 lasts, and a login takes its time
  end
  local round_trip = 0.2 * (evidence.world.plan.slow or 1) -- more than twice what a look takes at most
  if when < call.began + (call.timeout or 300) - round_trip then
    evidence:lie("a wait looks once more at its end", call, "live %.3f s before the time was up", call.ended - when)
  end
end

-- A wait changes nothing, and ends well where the version is live.
local function check_wait(evidence, call)
  local id = call.subject
  local script, version = evidence.scripts[id], evidence.world.service.versions[id]
  local was = not version or (call.err and version.failed_text or version.deployed) -- what is gone tells nothing
  if call.value and not was then evidence:lie("said done is done", call, "version %d was never deployed", id) end
  if not call.err then return end
  if call.err.outcome ~= "none" then evidence:lie("a wait changes nothing", call, "outcome %s", tostring(call.err.outcome)) end
  if call.err.kind == "deployment_failed" and not was then
    evidence:lie("a failure is one that was", call, "no deployment of version %d ever failed", id)
  end
  local troubled, looked = evidence:is_held(call), false -- a login may take all of the time
  for _, entry in ipairs(evidence.world.service.journal) do
    troubled = troubled or entry.what == "accepted" and entry.version == id and entry.time <= call.ended -- it may go on
  end
  for _, request in ipairs(evidence:requests_of(call)) do
    troubled = troubled or request.fault or request.answered ~= 200
    looked = looked or request.operation == "get"
  end
  if call.err.kind == "timeout" and looked and not troubled and script and evidence:is_alone(call, script)
    and evidence:live_at(script, call.began) == id then
    evidence:lie("a wait ends where the version is live", call, "it was live all the time")
  end
end

local function check_epilogue(evidence, call)
  local breaks = call.args.content:find("breaks", 1, true)
  if breaks then return end
  if not call.value then
    return evidence:lie("a second run converges", call, "the run without trouble fails: %s", tostring(call.err))
  end
  if call.args.epilogue == 2 and call.value.action ~= "unchanged" then
    evidence:lie("a second run converges", call, "the second run without trouble: %s", call.value.action)
  end
  if plain(evidence.contents[evidence:live_at(call.args.script, call.ended)]) ~= plain(call.args.content) then
    evidence:lie("a second run converges", call, "what is live has another content")
  end
end

-- Whether what another step began to deploy had ended before a call.
local function has_ended(evidence, accepted, call)
  for _, entry in ipairs(evidence.world.service.journal) do
    local ends = entry.what == "live" and entry.deployed == accepted.version or entry.what == "failed" and entry.version == accepted.version
    if ends and entry.time >= accepted.time and entry.time < call.began then return true end
  end
  return false
end

-- Who is alone meets nobody: neither somebody else's version, nor, without a kill, anything under way.
local function check_alone(evidence, call)
  local err, step = call.err, call.args
  if call.op ~= "publish" and call.op ~= "rollback" then return end
  if #evidence.world.plan.actors > 1 or call.args.epilogue or not err or err.kind ~= "conflict" or err.stage == "test" then return end
  if call.expects then return end
  for _, entry in ipairs(evidence.world.service.journal) do
    if entry.late then return end
    local others = entry.what == "accepted" and (entry.step ~= call.step or entry.attempt ~= call.attempt and call.op == "rollback")
    if others and not has_ended(evidence, entry, call) then return end
  end
  if not step.kills then return evidence:lie("a conflict has somebody else", call, "%s", err.message) end
  for _, request in ipairs(evidence:requests_of(call)) do
    if request.fault then return end
  end
  evidence:lie("a run after a kill goes on from there", call, "%s", err.message)
end

-- Runs of one step after kills: what the first has made the next takes up.
local function check_runs(evidence)
  if #evidence.world.plan.actors > 1 then return end
  local made = {}
  for _, entry in ipairs(evidence.world.service.journal) do
    if entry.what == "created" and entry.step and entry.step < 1000 and not entry.late then
      local key = entry.step .. "/" .. entry.script .. "/" .. plain(entry.content)
      made[key] = (made[key] or 0) + 1
      made[entry.step] = made[entry.step] or made[key] > 1 and entry or nil
    end
  end
  for _, call in ipairs(evidence.world.calls) do
    if made[call.step] and (call.op == "publish" or call.op == "apply") and not call.killed then
      local entry = made[call.step]
      evidence:lie("a run after a kill makes no second version", call, "script %d got version %d besides", entry.script, entry.version)
    end
  end
end

local checks = {}

function checks.publish(evidence, call)
  if call.value then
    check_published(evidence, call, call.args.script, call.args.content, call.args.test, call.value)
  else
    check_failed(evidence, call, call.args.script, call.err)
  end
  if call.args.epilogue then check_epilogue(evidence, call) end
end

function checks.apply(evidence, call)
  for i, each in ipairs(call.value and call.value.scripts or {}) do
    local wanted = call.args.scripts[i]
    -- Effects of several scripts in one call: those of this one are told apart by the script.
    if each.action == "failed" then
      check_failed(evidence, call, wanted.id, each.error)
    else
      check_published(evidence, call, wanted.id, wanted.content, wanted.test, each)
    end
  end
end

checks.rollback, checks.deploy_and_wait, checks.wait = check_rollback, check_deploy_and_wait, check_wait

return function(evidence)
  check_runs(evidence)
  for _, call in ipairs(evidence.world.calls) do
    local check = checks[call.op]
    if check and not call.killed and not call.cancelled and not call.args.dry_run then
      check(evidence, call)
      check_alone(evidence, call)
    end
  end
end
