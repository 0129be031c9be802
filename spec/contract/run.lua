-- Runs all eight operations against the URL given, where an independent program judges each request (and, in front of
-- the sandbox, each answer) by the OpenAPI document.
--
--   lua5.4 spec/contract/run.lua mock|proxy URL [KEY TOKEN]
local core = require "patchworks.core"
local patchworks = require "patchworks"

local mode, url, key, token = table.unpack(arg)
local client <close> = patchworks.new { base_url = url, api_key = key or "any-key", max_attempts = 1 }
local admin <close> = patchworks.new { base_url = url, token = token or "any-token", max_attempts = 1 }
local versions = client.script_versions
local passed, failed = 0, 0

local function report(name, ok, detail)
  if ok then
    passed = passed + 1
  else
    failed = failed + 1
    io.stdout:write(("FAILED %s: %s\n"):format(name, detail or ""))
  end
end

local function succeeds(name, value, err)
  report(name, value ~= nil, value == nil and tostring(err) .. " " .. tostring(err.response and err.response.body))
  return value
end

-- The types that the client takes for granted, where a field is there.
local function is_version(name, value)
  local wrong
  for field, kind in pairs { id = "integer", script_id = "integer", version = "integer" } do
    if value[field] ~= nil and math.type(value[field]) ~= kind then wrong = field end
  end
  for _, field in ipairs { "name", "status", "deployed_at", "deploying", "created_at" } do
    if value[field] ~= nil and type(value[field]) ~= "string" then wrong = field end
  end
  report(name .. ": types", not wrong, wrong)
end

-- Someone who judges must be able to say no.
local function is_refused(name, method, path, body)
  local value, err = client:request(method, path, { body = body })
  report(name .. " is refused", value == nil and err.status == 422, tostring(err or "it was taken"))
end

-- The mock answers with a version of its own, whichever is asked for: which the client notices, and names.
local function read(name, value, err)
  if mode ~= "mock" or value then return succeeds(name, value, err) end
  report(name .. " names the other", tostring(err.message):find "^asked for script version 7, and got " ~= nil, tostring(err))
  local answer = core.decode(err.response.body)
  return succeeds(name, answer and answer.data, err)
end

if mode == "proxy" then
  local value, err = versions:get(1)
  report("a wrong answer is noticed", value == nil and err.response.body:find("VIOLATIONS", 1, true) ~= nil, tostring(err))
end

local created = succeeds("create", versions:create(1, { content = "def handle(data): return {'payload': 'x', 'logs': ['l']}" }))
is_version("create", created)
local id = mode == "mock" and 7 or created.id
is_version("get", read("get", versions:get(id, { include = { "content", "script" }, filter = { is_deployed = false }, page = 1, per_page = 100 })))
is_version("get", read("get bare", versions:get(id)))
succeeds("deploy", versions:deploy(id))
if mode == "proxy" then succeeds("wait", versions:wait(id, { interval = 0.05 })) end
succeeds("invoke with tables", versions:invoke(id, { payload = { a = 1 }, variables = { b = "c" }, flow = mode == "proxy" and '{"variables":"{}"}' or nil }))
succeeds("invoke with strings", versions:invoke(id, { payload = "p", variables = "{}" }))
succeeds("invoke bare", versions:invoke(id))
succeeds("upload", admin.script_versions:upload(id, { private = true }))
succeeds("logs", versions:logs(id):page(1))
local page = succeeds("list", versions:list(1, { include = "content", filter = { is_deployed = { true, false }, deployed_at = "2026-01-01" } }):page(1))
for _, each in ipairs(page.data) do is_version("list", each) end
report("list: meta", math.type(page.meta.last_page) == "integer" and math.type(page.meta.total) == "integer")
succeeds("delete", versions:delete(id))
is_refused("create without content", "POST", "/scripts/1/script-versions", "{}")
is_refused("create with empty content", "POST", "/scripts/1/script-versions", '{"content":""}')
is_refused("invoke with a table as payload", "POST", "/script-versions/7/invoke", '{"payload":{}}')
if mode == "mock" then
  local value, err = client:request("GET", "/scripts/1/script-versions", { query = { per_page = 101 } })
  report("per_page=101 is refused", value == nil and err.status == 422, tostring(err))
end

print(("contract (%s): %d passed, %d failed"):format(mode, passed, failed))
os.exit(failed == 0 and passed > 15, true)
