-- A listing gives each id that was there all the time exactly once, in order, where its pages showed what moved.

-- Which ids were in a script all the time, and in which order: that of their making.
local function lifetimes(evidence)
  local born, died, owner = {}, {}, {}
  for _, entry in ipairs(evidence.world.service.journal) do
    if entry.what == "created" then born[entry.version], owner[entry.version] = entry.time, entry.script end
    if entry.what == "deleted" then died[entry.version] = entry.time end
  end
  return born, died, owner
end

-- Whether a version came live in a call: then a filter lets it in, wherever it stands.
local function came_live(evidence, call, id)
  for _, entry in ipairs(evidence.world.service.journal) do
    if entry.what == "live" and entry.version == id and entry.time > call.began and entry.time <= call.ended then return true end
  end
  return false
end

-- Whether something moved that the pages don't tell: as many went as came between two of them.
local function moved_unseen(call, born, died, owner)
  local came, went = false, false
  for id, script in pairs(owner) do
    if script == call.args.script then
      if born[id] > call.began and born[id] <= call.ended then came = true end
      if died[id] and died[id] > call.began and died[id] <= call.ended then went = true end
    end
  end
  return came and went, came, went
end

-- What was there all the time is in order; what came meanwhile is where the pages had it.
local function check_order(evidence, call, ids, steady)
  local falling = evidence.world.plan.habits.order == "falling"
  local seen, previous = {}, nil
  for _, id in ipairs(ids) do
    if seen[id] then evidence:lie("a listing gives each once", call, "version %d came twice", id) end
    seen[id] = true
    if steady(id) then
      if previous and (falling and id > previous or not falling and id < previous) then
        evidence:lie("a listing is in order", call, "version %d after %d", id, previous)
      end
      previous = id
    end
  end
  return seen
end

local function check_complete(evidence, call, seen, ids, steady, born, died, owner)
  if moved_unseen(call, born, died, owner) then return end
  local limit = call.args.limit
  if call.args.how == "break" then limit = math.min(limit or 3, 3) end
  for id in pairs(owner) do
    if steady(id) and not seen[id] and not (limit and #ids >= limit) then
      evidence:lie("a listing gives each once", call, "version %d was there all the time and is missing", id)
      return
    end
  end
end

local function check_logs(evidence, call)
  local ids, seen, all = {}, {}, {}
  for i, entry in ipairs(call.value) do ids[i] = entry.id end
  for _, id in ipairs(ids) do
    if seen[id] then evidence:lie("logs give each once", call, "entry %d came twice", id) end
    seen[id] = true
  end
  for _, entry in ipairs(evidence.world.service.journal) do
    if entry.what == "ran" and entry.version == call.subject then all[#all + 1] = entry end
  end
  for i, entry in ipairs(all) do
    local id = i + call.subject * 1000
    if entry.time < call.began and not seen[id] and call.op == "logs" then
      evidence:lie("logs give each once", call, "entry %d was there all the time and is missing", id)
    end
  end
end

-- The looks of a tail where nothing went wrong: when each began and ended; between two is a pause.
local function looks_of(evidence, call)
  local looks = {}
  for _, request in ipairs(evidence:requests_of(call)) do
    if request.operation == "logs" then
      local last = looks[#looks]
      if request.answered ~= 200 and request.given ~= "cancelled" or request.fault then return {} end
      if last and request.started - last.ended < 0.9 then
        last.ended = request.ended
      else
        looks[#looks + 1] = { began = request.started, ended = request.ended }
      end
    end
  end
  looks[#looks] = nil -- the end of the time may have cut it off
  return looks
end

-- What was there before a look began comes with it; from "now" on, what came after the first look.
local function check_tail(evidence, call)
  if evidence:is_held(call) then return end
  local looks = looks_of(evidence, call)
  if not looks[1] then return end
  local only_new, number, given = call.args.from == "now", 0, {}
  for _, entry in ipairs(call.value) do given[entry.id] = true end
  for _, entry in ipairs(evidence.world.service.journal) do
    if entry.what == "ran" and entry.version == call.subject then
      number = number + 1
      local id = number + call.subject * 1000
      local is_old = only_new and entry.time < looks[1].began
      if is_old and given[id] then
        return evidence:lie("a tail gives what comes", call, "entry %d was there before", id)
      end
      local is_due = entry.time < looks[#looks].began and not (only_new and entry.time <= looks[1].ended)
      if is_due and not given[id] then
        return evidence:lie("a tail gives what comes", call, "entry %d is missing", id)
      end
    end
  end
end

-- What one page tells: the first item, and how many there are.
local function check_one(evidence, call)
  local last
  for _, request in ipairs(evidence:requests_of(call)) do
    if request.operation == "list" and request.answered == 200 and request.given then last = request end
  end
  local how, value = call.args.how, call.value
  if not last then return end
  if how == "count" and value ~= last.total then
    evidence:lie("a count is the service's", call, "it says %d, and there were %d", value, last.total)
  elseif how == "first" and (value[1] and value[1].id) ~= last.ids[1] then
    evidence:lie("the first is the first", call, "version %s, and the first was %s", tostring(value[1] and value[1].id),
      tostring(last.ids[1]))
  end
end

return function(evidence)
  for _, call in ipairs(evidence.world.calls) do
    local value = call.value
    if call.op == "list" and type(value) == "table" then
      local ids = {}
      for i, version in ipairs(value) do ids[i] = version.id end
      if call.args.limit and #ids > call.args.limit then
        evidence:lie("a limit holds", call, "%d items for a limit of %d", #ids, call.args.limit)
      end
      local born, died, owner = lifetimes(evidence)
      local function steady(id)
        local there = owner[id] == call.args.script and born[id] < call.began and (not died[id] or died[id] > call.ended)
        return there and not (call.args.filter and came_live(evidence, call, id))
      end
      local seen = check_order(evidence, call, ids, steady)
      if not call.args.filter and call.args.how ~= "first" then
        check_complete(evidence, call, seen, ids, steady, born, died, owner)
      end
    elseif (call.op == "logs" or call.op == "tail") and value then
      check_logs(evidence, call)
      if call.op == "tail" then check_tail(evidence, call) end
    end
    if value and call.op == "list" and not call.batch then check_one(evidence, call) end
  end
end
