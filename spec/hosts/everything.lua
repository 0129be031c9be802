-- Every operation, listing, task and release once, in plain Lua: for an interpreter that the specs' own tools don't run on.
--
--     lua spec/hosts/everything.lua     with PATCHWORKS_BASE_URL and PATCHWORKS_API_KEY
local patchworks = require "patchworks"

local client <close> = patchworks.new {}
local versions = client.script_versions
local source = "def handle(data): return {'payload': '%d', 'logs': ['a line']}"

local done = {}
local function step(name, fn)
  fn()
  done[#done + 1] = name
end

local first
step("create", function() first = assert(versions:create(1, { content = source:format(1) })) end)
step("create, reconciled", function() assert(versions:create(1, { content = source:format(3), reconcile = true })) end)
step("get", function()
  local got = assert(versions:get(first.id, { include = { "content", "script" } }))
  assert(got.content and got.script.id == 1 and math.type(got.id) == "integer")
end)
step("deploy", function() assert(first:deploy()) end)
step("wait", function() assert(first:wait { interval = 0.02 }) end)
step("invoke", function()
  local answer = assert(first:invoke { payload = { a = { 1, 2.5, "x", true } }, variables = { b = "c" } })
  assert(answer)
end)
step("logs", function() assert(versions:logs(first.id):first().message == "a line") end)
step("tail", function()
  local count = 0
  for entry in versions:tail(first.id, { from = "start", timeout = 5 }) do
    assert(entry.message)
    count = count + 1
    if count == 1 then break end
  end
  assert(count == 1)
end)
step("upload", function()
  local value, err = versions:upload(first.id, { private = true })
  assert(value == nil and err.kind == "forbidden")
end)
step("delete", function()
  local other = assert(versions:create(1, { content = source:format(2) }))
  assert(other:delete())
  local value, err = versions:get(other.id)
  assert(value == nil and err.kind == "not_found" and err.outcome == "none" and tostring(err):find "not_found")
end)
step("list", function()
  for i = 1, 12 do assert(versions:create(1, { content = source:format(100 + i) })) end
  local seen, count = {}, 0
  for each in versions:list(1, { per_page = 3 }) do
    assert(not seen[each.id])
    seen[each.id], count = true, count + 1
  end
  assert(count == versions:list(1):count() and #versions:list(1, { limit = 5 }):all() == 5)
  for each in versions:list(1) do
    if each then break end
  end
  assert(versions:list(1):first() and versions:list(1):page(1).data)
end)
step("paginate and request", function()
  assert(client:paginate("/scripts/1/script-versions"):first())
  assert(client:request("GET", "/script-versions/" .. first.id))
end)
step("tasks", function()
  local ids = patchworks.map({ 1, 2, 3, 4, 5, 6 }, function() return assert(versions:get(first.id)).id end, { concurrency = 3 })
  for i = 1, 6 do assert(ids[i] == first.id) end
  patchworks.run(function(tasks)
    local slow = tasks:spawn(function() patchworks.sleep(60) end)
    local quick = tasks:spawn(function() return versions:get(first.id) end)
    assert(quick:join())
    assert(slow:cancel())
  end)
end)
step("publish", function()
  local content = source:format(7)
  assert(versions:publish(1, { content = content, test = { payload = {} } }).action == "published")
  assert(versions:publish(1, { content = content }).action == "unchanged")
end)
step("rollback", function() assert(versions:rollback(1)) end)
step("prune", function() assert(versions:prune(1, { keep = 2 })) end)
step("plan and apply", function()
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(source:format(9))
  file:flush()
  local plan = assert(client:plan { scripts = { { id = 1, name = "one", file = path } } })
  assert(tostring(plan):find "'9'")
  assert(client:apply(plan))
  os.remove(path)
end)
step("errors", function()
  local ok, problem = pcall(versions.get, versions, -1)
  assert(not ok and problem:find "positive integer")
  ok, problem = pcall(versions.create, versions, 1, { contents = "x" })
  assert(not ok and problem:find "did you mean `content`")
end)
print(_VERSION .. ": " .. table.concat(done, ", "))
