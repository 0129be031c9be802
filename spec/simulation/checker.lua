-- Compares what was said with what was done. Knows the documented promises and nothing of the client's code.
local checker = {}

local promises = { "delivery", "calls", "listing", "release", "prune", "account", "asked", "limits", "requests" }

for i, name in ipairs(promises) do promises[i] = require("spec.simulation.promises." .. name) end

local function put(lists, key, value)
  local list = lists[key] or {}
  lists[key] = list
  list[#list + 1] = value
end

-- The lists of a call, of a kind and of a script: a fleet's one call has thousands of requests.
local function key_of(call, ...) return table.concat({ call.step, call.attempt, ... }, "/") end

-- The evidence, put in order once for all promises.
local function evidence_of(world)
  local evidence = {
    world = world, effects = {}, requests = {}, looks = {}, contents = {}, born = {}, died = {}, scripts = {}, lives = {}, lies = {},
  }
  for _, entry in ipairs(world.service.journal) do
    if entry.step then
      put(evidence.effects, key_of(entry, entry.what), entry)
      if entry.script then put(evidence.effects, key_of(entry, entry.what, entry.script), entry) end
    end
    if entry.what == "created" then
      evidence.contents[entry.version], evidence.born[entry.version] = entry.content, entry.time
      evidence.scripts[entry.version] = entry.script
    end
    if entry.what == "deleted" then evidence.died[entry.version] = entry.time end
    if entry.what == "live" then put(evidence.lives, entry.script, entry) end
  end
  for number = 1, world.requests_made or 0 do
    local request = world.requests[number]
    if request then
      put(evidence.requests, key_of(request), request)
      local of_script = request.operation == "list" or request.operation == "create"
      local script = of_script and request.subject or evidence.scripts[request.subject]
      if script then put(evidence.requests, key_of(request, "", script), request) end
      local came = not request.fault or request.fault == "slow"
      local looked = request.operation == "list" and request.answered == 200 and came
      if looked and request.subject then put(evidence.looks, key_of(request, request.subject), request) end
    end
  end
  return evidence
end

-- Which call was given a version that it made, or found.
local function holders_of(world)
  local holders = {}
  local function hold(version, call)
    if type(version) == "table" and version.id then holders[version.id] = holders[version.id] or call end
  end
  for _, call in ipairs(world.calls) do
    local told = call.value or call.err
    if call.op == "create" then hold(call.value, call) end
    if call.op == "publish" and not call.args.dry_run and type(told) == "table" then hold(told.version, call) end
    for _, each in ipairs(call.op == "apply" and call.value and call.value.scripts or {}) do
      hold(each.version or each.error and each.error.version, call)
    end
  end
  return holders
end

local none = {}

local Evidence = {
  single = { create = true, get = true, deploy = true, delete = true, invoke = true, upload = true }, -- one call each
}
Evidence.__index = Evidence

--- What a call really did: entries of the journal, of one kind and, where it is named, to one script.
function Evidence:effects_of(call, what, script)
  return self.effects[key_of(call, what, script)] or none
end

--- What a call sent; of one script, where it is named, and of its versions.
function Evidence:requests_of(call, script)
  return self.requests[script and key_of(call, "", script) or key_of(call)] or none
end

--- What an answer asked for, in seconds from its end; it may not say.
function Evidence:asked_by(request) -- luacheck: no self
  return request.asks or math.max(0, (request.asks_until or 0) - request.ended)
end

--- Its lists of a script's versions that were answered.
function Evidence:looks_of(call, script) return self.looks[key_of(call, script)] or none end

--- Whether a version was deleted by a time.
function Evidence:was_deleted(id, time)
  local died = self.died[id]
  return died ~= nil and died <= time
end

--- Whether a version that a call made was taken by another, which wanted the same: then it makes one more.
function Evidence:was_taken(id, call)
  self.holders = self.holders or holders_of(self.world)
  local holder = self.holders[id]
  return holder ~= nil and holder ~= call and (holder.step ~= call.step or holder.attempt ~= call.attempt)
end

--- When another call took a version that a call made, which wanted the same; nil where none did.
function Evidence:taken_at(id, call)
  if not self:was_taken(id, call) then return nil end
  local holder = self.holders[id]
  if holder.op == "create" then return holder.ended end
  -- A release takes it as a look after its own create shows it.
  local creates = false
  for _, request in ipairs(self:requests_of(holder)) do
    creates = creates or request.operation == "create" and request.subject == self.scripts[id]
    for _, shown in ipairs(creates and request.query.include and request.answered == 200 and request.ids or none) do
      if shown == id then return request.ended end
    end
  end
end

--- The id of the version that is live at a time, or nil.
function Evidence:live_at(script, time)
  local live
  for _, entry in ipairs(self.lives[script] or none) do
    if entry.time > time then break end
    live = entry.version
  end
  return live
end

--- Whether a version (nil for none) was live at any time in a call.
function Evidence:was_live(script, id, from, to)
  if self:live_at(script, from) == id then return true end
  for _, entry in ipairs(self.lives[script] or none) do
    if entry.time > to then break end
    if entry.time >= from and entry.version == id then return true end
  end
  return false
end

--- Whether a script stood still in a call, but for what the call did itself: nobody else changed or ran anything of it, nor
-- did a request that nobody waited for any more.
function Evidence:is_alone(call, script)
  for _, entry in ipairs(self.world.service.journal) do
    local own = entry.step == call.step and entry.attempt == call.attempt and not entry.late
    local of = entry.script or self.scripts[entry.version]
    if not own and of == script and entry.time >= call.began and entry.time <= call.ended then return false end
  end
  return true
end

--- Whether somebody else waits where nothing can yield, in a call of the history: then the calls of others go on, and they
-- themselves when that ends.
function Evidence:is_held(call)
  for _, actor in ipairs(self.world.plan.actors) do
    for _, step in ipairs(actor.steps) do
      if actor.name ~= call.actor and step.mode and step.mode ~= "plain" then return true end
    end
  end
  return false
end

--- Notes a lie.
-- @tparam string promise its name
-- @tparam table call
-- @tparam string text
function Evidence:lie(promise, call, text, ...)
  local lie = { promise = promise, call = call, text = select("#", ...) > 0 and text:format(...) or text }
  self.lies[#self.lies + 1] = lie
end

--- Checks a world in which a history was played.
-- @treturn table list of lies `{promise, call, text}`; empty when all is well
function checker.check(world)
  local evidence = setmetatable(evidence_of(world), Evidence)
  if world.hung then evidence:lie("everything ends", nil, tostring(world.hung)) end
  for _, call in ipairs(world.calls) do
    if call.raised then evidence:lie("nothing raises", call, tostring(call.raised)) end
    if not call.ended then evidence:lie("everything ends", call, "the call never ended") end
  end
  if #evidence.lies > 0 then return evidence.lies end
  for _, check in ipairs(promises) do check(evidence) end
  return evidence.lies
end

return checker
