-- What people do: the library's methods, called with what a step of a history says.
local function test_of()
  return { payload = "ping", expect = function(answer)
    if answer.payload == "wrong" then return false, "it is wrong" end
    return type(answer.payload) == "string" and answer.payload:find("^ran ") ~= nil
  end }
end

--- What each step does: called with the actor, the step and the call, in which is noted what the checker needs.
local operations = {}

function operations.create(actor, step, call)
  return actor.versions:create(step.script, { content = step.content, reconcile = step.reconcile, timeout = call.timeout })
end

for _, name in ipairs { "get", "deploy", "delete", "invoke", "upload" } do
  operations[name] = function(actor, _, call)
    return actor.versions[name](actor.versions, call.subject, { timeout = call.timeout })
  end
end

local function gather(list, ...)
  local items = {}
  for item in ... do
    items[#items + 1] = item
    if list.most and #items >= list.most then break end
  end
  return items
end

function operations.list(actor, step, call)
  local given = { per_page = step.per_page, read_ahead = step.read_ahead, limit = step.limit,
    filter = step.filter and { is_deployed = true }, timeout = call.timeout }
  local listing = actor.versions:list(step.script, given)
  if step.how == "all" then return listing:all() end
  if step.how == "count" then return listing:count() end
  if step.how == "first" then
    local first, problem = listing:first()
    return problem == nil and { first } or nil, problem
  end
  if step.how == "pages" then
    local items = {}
    for page in listing:pages() do table.move(page.data, 1, #page.data, #items + 1, items) end
    return items
  end
  return gather({ most = step.how == "break" and 3 or nil }, actor.versions:list(step.script, given))
end

function operations.logs(actor, step, call)
  return actor.versions:logs(call.subject, { read_ahead = step.read_ahead, timeout = call.timeout }):all()
end

function operations.tail(actor, step, call)
  call.timeout = step.seconds
  return gather({}, actor.versions:tail(call.subject, { from = step.from or "start", timeout = step.seconds }))
end

function operations.deploy_and_wait(actor, step, call)
  call.timeout = step.timeout
  return actor.versions:deploy_and_wait(call.subject, { timeout = step.timeout })
end

function operations.wait(actor, step, call)
  call.timeout = step.timeout
  return actor.versions:wait(call.subject, { timeout = step.timeout })
end

-- What is kept of an account: what changes something must be in it first. `step.refuses`: the number of the time that
-- it can't be kept.
local function recorder(actor, step, call)
  local count = 0
  return function(progress)
    count = count + 1
    local kept = { step = progress.step, creating = progress.creating, deleting = progress.deleting, pending = {},
      refused = count == step.refuses }
    for _, version in ipairs(progress.pending) do kept.pending[version.id] = true end
    call.accounts[tonumber(progress.script)] = progress
    actor.world.log("kept", { key = call.step .. "/" .. call.attempt .. "/" .. progress.script, kept = kept })
    if kept.refused then return nil, "the disk is full" end
    return true
  end
end

local function expected_of(call)
  if not call.expects then return nil end
  return call.expected and { id = call.expected } or false
end

function operations.publish(actor, step, call)
  return actor.versions:publish(step.script, {
    content = step.content,
    test = step.test and test_of(),
    rollback = step.rollback,
    keep = step.keep,
    ever_deployed = step.ever_deployed,
    timeout = step.timeout,
    dry_run = step.dry_run,
    while_deploying = step.while_deploying,
    expected_live = expected_of(call),
    record = recorder(actor, step, call),
    on_event = function(event)
      if event.type == "step" then call.steps[#call.steps + 1] = event.step end
    end,
  })
end

function operations.rollback(actor, step, call)
  local to = step.to and call.subject or nil
  return actor.versions:rollback(step.script, { to = to, dry_run = step.dry_run, while_deploying = step.while_deploying, record = recorder(actor, step, call) })
end

-- `step.saves`: the number of the time that a source can't be saved; 0 for none.
local function saver(actor, step, call)
  if not step.saves then return nil end
  local count = 0
  call.saved = {}
  return function(version, source)
    count = count + 1
    local refused = count == step.saves
    call.saved[version.id] = { time = actor.world.clock.time, source = source, refused = refused }
    if refused then return nil, "the disk is full" end
  end
end

function operations.prune(actor, step, call)
  return actor.versions:prune(step.script, { keep = step.keep, ever_deployed = step.ever_deployed, dry_run = step.dry_run,
    save = saver(actor, step, call) })
end

function operations.apply(actor, step, call)
  local scripts = {}
  for i, script in ipairs(step.scripts) do
    scripts[i] = { id = script.id, content = script.content, test = script.test and test_of() }
  end
  local plan, problem = actor.client:plan({ scripts = scripts }, { concurrency = step.concurrency })
  call.planned = plan
  if not plan then return nil, problem end
  return actor.client:apply(plan, { concurrency = step.concurrency, while_deploying = step.while_deploying,
    record = recorder(actor, step, call) })
end

return operations
