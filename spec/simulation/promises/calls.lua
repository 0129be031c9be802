-- What a call leaves, and what it tells of itself: nothing under way, every attempt, no secret.

local function check_left(evidence, call)
  if call.batch then return end
  for _, request in ipairs(evidence:requests_of(call)) do
    -- A login is everybody's, and outlives who asked for it first.
    local shared = request.path == "/fabric/api/login"
    if not shared and (not request.ended or request.ended > call.ended) then
      return evidence:lie("a call that has ended has nothing under way", call, "request #%d went on", request.number)
    end
  end
end

-- Whether an attempt that an error tells is what became of a request.
local function tells(attempt, request)
  if attempt.status ~= (request.answered or nil) then return false end
  return request.fault ~= "not connected" or not attempt.sent
end

-- Every attempt is in the error, in the order in which they went out, and there are no more than there may be, and no
-- fewer; the login's requests aren't the call's.
local function check_attempts(evidence, call)
  if not evidence.single[call.op] or call.batch or call.args.reconcile or call.killed then return end
  local sent, renewed = {}, 0
  for _, request in ipairs(evidence:requests_of(call)) do
    if request.operation == call.op then
      sent[#sent + 1] = request
      if request.answered == 401 and call.plan.credential == "login" then renewed = 1 end
    end
  end
  for i = 2, #sent do
    local before = sent[i - 1]
    local asked = before.answered == 503 and evidence:asked_by(before) or 0
    if sent[i].started < before.ended + asked - 0.002 then
      evidence:lie("a Retry-After is waited for", call, "request #%d went out after %.3f s of %.3f", sent[i].number,
        sent[i].started - before.ended, asked)
    end
  end
  local most = call.plan.max_attempts or 4
  if #sent > most + renewed then
    evidence:lie("no more attempts than there may be", call, "%d requests went out, and there may be %d", #sent, most + renewed)
  end
  if not call.err then return end
  local told = call.err.attempts or {}
  if #told ~= #sent then return evidence:lie("an error tells all attempts", call, "%d requests went out, and it tells %d", #sent, #told) end
  for i, attempt in ipairs(told) do
    if not tells(attempt, sent[i]) then
      return evidence:lie("an error tells all attempts", call, "attempt %d was request #%d, answered %s, and it tells %s", i, sent[i].number,
        tostring(sent[i].answered), tostring(attempt.status or attempt.kind))
    end
  end
  return sent, most + renewed
end

local repeated = { get = true, deploy = true, delete = true }
local passing = { [500] = true, [502] = true, [503] = true, [504] = true }
local longest_pause = 5 -- seconds before the fourth attempt, and those before it, at most; a Retry-After is longer

-- What may be tried again is, as long as there are attempts and time left.
local function check_patience(evidence, call, sent, most)
  local err = call.err
  if not sent or not repeated[call.op] or not sent[1] or #sent >= most or err.retry_after or err.login_url or call.closed then return end
  local last = sent[#sent]
  local passes = passing[last.answered] or not last.answered and err.kind == "network"
  if passes and call.ended < call.began + (call.timeout or 60) - longest_pause and not evidence:is_held(call) then
    evidence:lie("what may be tried again is", call, "%d attempts of %d, and it fails: %s", #sent, most, err.message)
  end
end

-- What must not be in anything that is shown: keys, passwords, every token there ever was.
local function secrets_of(evidence)
  local list = {}
  for token in pairs(evidence.world.service.tokens) do list[#list + 1] = token end
  for _, actor in ipairs(evidence.world.plan.actors) do list[#list + 1] = "key-" .. actor.name end
  list[#list + 1] = "password"
  return list
end

local function texts_of(value, list, depth)
  if type(value) == "string" then
    list[#list + 1] = value
  elseif type(value) == "table" and depth < 6 then
    for name, each in pairs(value) do
      if name ~= "transfer" and name ~= "client" then
        texts_of(name, list, depth)
        texts_of(each, list, depth + 1)
      end
    end
  end
  return list
end

local function check_secrets(evidence, call, secrets)
  if not call.err then return end
  local text = table.concat(texts_of(call.err, { tostring(call.err) }, 0), "\n")
  for _, secret in ipairs(secrets) do
    -- The field of a login's body is no secret.
    if text:find(secret, 1, true) and not (secret == "password" and text:find "`password`") then
      return evidence:lie("no secret in an error", call, "%s is in it", secret)
    end
  end
end

-- A token that has expired is renewed, once a call.
local function check_renewal(evidence, call)
  if not evidence.single[call.op] or call.batch or not call.err or call.err.kind ~= "unauthenticated" or call.killed then return end
  local refused, renewed = 0, false
  for _, request in ipairs(evidence:requests_of(call)) do
    if request.path == "/fabric/api/login" then
      renewed = request.answered == 200
    elseif request.answered == 401 then
      refused = refused + 1
    end
  end
  local login = call.plan and call.plan.credential == "login"
  if login and refused == 1 and (renewed or #evidence:requests_of(call) == 1) then
    evidence:lie("an expired token is renewed", call, "one 401, and the call failed")
  end
end

-- Where the first failure is to end the others, it does, and nothing begins after it.
local function check_stop(evidence, batch)
  local first
  for _, call in ipairs(evidence.world.calls) do
    local counts = call.batch == batch and not call.args.cancel
    if counts and call.err and not call.cancelled and not (first and first.ended <= call.ended) then first = call end
  end
  if not first or batch.killed or evidence:is_held(batch) then return end
  for _, call in ipairs(evidence.world.calls) do
    if call.batch == batch and call.ended > first.ended + 0.002 then
      return evidence:lie("the first failure ends the others", batch, "%s failed at %.3f, and %s went on to %.3f", first.op, first.ended,
        call.op, call.ended)
    end
  end
end

-- Of many who need a token one logs in.
local function check_logins(evidence)
  local under_way = {}
  for _, event in ipairs(evidence.world.events) do
    local request = event.request
    if request.path == "/fabric/api/login" then
      local client = request.client
      if event.kind == "started" and under_way[client] then
        return evidence:lie("one logs in for all", nil, "%s: #%d and #%d at once", request.actor, under_way[client].number, request.number)
      end
      if event.kind == "started" then under_way[client] = request end
      if event.kind == "ended" and under_way[client] == request then under_way[client] = nil end
    end
  end
end

return function(evidence)
  check_logins(evidence)
  local secrets = secrets_of(evidence)
  for _, call in ipairs(evidence.world.calls) do
    check_left(evidence, call)
    check_patience(evidence, call, check_attempts(evidence, call))
    check_secrets(evidence, call, secrets)
    check_renewal(evidence, call)
    if call.args.stop_on_error then check_stop(evidence, call) end
  end
end
