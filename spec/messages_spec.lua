-- The messages that people meet most, as one page to read: what was written, and below it what is said. Each says what, to
-- what, and what to do next; at a prompt and in a build's log alike.
local lua = require "spec.support.lua"
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

local page = [=[
patchworks.new { api_key = "k", token = "t" }
  `new` has api_key and token; exactly one kind of credential is needed
patchworks.new { api_key = "k\n" }
  api_key: it holds CR, LF or NUL (is there a newline at its end?)
patchworks.new { apikey = "k" }
  patchworks.new: unknown option `apikey`; did you mean `api_key`?
patchworks.new { api_key = "k", base_url = "core.wearepatchworks.com" }
  base_url: expected a URL like https://core.wearepatchworks.com, without a query, got "core.wearepatchworks.com"
patchworks.new { api_key = "k", base_url = "http://10.0.0.7" }
  base_url: http:// would send the credential to 10.0.0.7 for all to read; use https://, or set `allow_insecure = true`
patchworks.new { api_key = "k", timeout = "5" }
  patchworks.new: timeout: expected a positive number of seconds, got "5"
patchworks.new { api_key = "k", max_attempts = 0 }
  patchworks.new: max_attempts: expected an integer from 1 to 100, got 0
patchworks.new { api_key = "k", ca_file = "/no/such.pem" }
  ca_file: can't read /no/such.pem: No such file or directory
versions.get(7)
  get: called with a dot: write versions:get(..), with a colon
some_version.deploy()
  deploy: called with a dot: write version:deploy(..), with a colon
versions:get()
  get: script version id: expected a positive integer or its decimal string, got nil
versions:get "7?x=1"
  get: script version id: expected a positive integer or its decimal string, got "7?x=1"
versions:get(some_version)
  get: script version id: expected a positive integer or its decimal string, got a table (pass its `id`)
versions:get(7, { inculde = "content" })
  get: unknown option `inculde`; did you mean `include`?
versions:get(7, { include = "contents" })
  get: include takes content, script, got "contents"; did you mean `content`?
versions:get(7, "content")
  get: expected a table of options, got "content"
versions:list(1, { per_page = 500 })
  list: per_page: expected an integer from 1 to 100, got 500
versions:list(1, { filter = { deployed = true } })
  list: filter: unknown option `deployed`; it takes deployed_at, is_deployed
#versions:list(1)
  a listing is read page by page, and is no table; for its length write listing:count(), or #listing:all()
versions:list(1)[1]
  a listing is read page by page, and is no table; for an item by its place write listing:all()[n], and for all `for item in listing do`
versions:create(1)
  create: expected either `content` or `file`, got neither
versions:create(1, { content = "" })
  create: the content is empty; a version needs at least one character
versions:create(1, { file = "/no/such.py" })
  create: file: can't read /no/such.py: No such file or directory (a path is relative to where the program runs)
versions:invoke(7, { payload = 7 })
  invoke: payload: expected a string or a table, got 7
versions:invoke(7, { payload = { call = print } })
  invoke: payload: it can't be written as JSON: Cannot serialise function: type not supported
versions:prune(1)
  prune: expected `keep`: how many of the newest stay whatever they are
versions:prune(1, { keep = -1 })
  prune: keep: expected an integer of at least 0, got -1
versions:tail(7, { from = "yesterday" })
  tail: from: expected "now", "start" or a date such as "2026-11-23", got "yesterday"
versions:publish(1, { content = "x", test = { expects = "y" } })
  publish: test: unknown option `expects`; did you mean `expect`?
client:request("FETCH", "/scripts")
  request: expected GET, POST, PUT, PATCH or DELETE as the method, got "FETCH"
client:request("GET", "scripts")
  request: path: expected a path that starts with /, got "scripts"
client:request("GET", "/scripts?page=2")
  request: path: "/scripts?page=2" has a query; pass it as `query`
versions:get(7, { headers = { Authorization = "x" } })
  get: headers: Authorization can't be set here; pass `api_key`, `token` or `username` and `password` to `new`
patchworks.map(7, print)
  map: expected a list, got 7
versions:get(99)
  get: not_found (404): No query results for model [ScriptVersion] 99 (check the id: a version's id is not its number)
versions:delete(99)
  delete: not_found (404): No query results for model [ScriptVersion] 99 (check the id: a version's id is not its number)
with_wrong_key:get(1)
  get: unauthenticated (401): Unauthenticated. (check `api_key` or PATCHWORKS_API_KEY)
versions:upload(1)
  upload: forbidden (403): This action is unauthorized. (upload needs an administrator; an API key has a manager's rights: use `token`, or `username` and `password`)
failing("get", { how = "status", status = 500 }):get(1)
  get: server (500): Server Error (the service's own failure: try again later)
failing("create", { how = "status", status = 502 }):create(1, { content = source })
  create: server (502): Server Error [it may have been done] (look whether it was done before doing it again)
failing("get", { how = "status", status = 429, retry_after = 90 }):get(1)
  get: rate_limited (429): Too Many Attempts. (set `rate_limit`, or raise `timeout`)
failing("get", { how = "slow", seconds = 9 }):get(1, { attempt_timeout = 0.05 })
  get: timeout: no answer within 0.05 s (raise `timeout` or `attempt_timeout`)
failing("get", { how = "garbage", status = 200 }):get(1)
  get: protocol (200): the answer is not JSON (application/json, starts with "<<<this is no JSON>>>"): Expected value but found invalid token at character 1 (is `base_url` the service itself?)
failing("get", { how = "status", status = 302 }):get(1)
  get: protocol (302): Server Error (is `base_url` the service itself?)
nowhere:get(1)
  get: network: Failed to connect to 127.0.0.1 port 1 after 0 ms: Could not connect to server (check `base_url`, the network and `proxy`)
versions:invoke(2)
  invoke: conflict (409): The script version is not deployed. (look at what is there now, then decide again)
versions:invoke(raising)
  invoke: invalid (422): The script failed: TypeError: 'NoneType' object is not subscriptable (mend what the message names)
versions:deploy_and_wait(broken)
  deploy_and_wait: deployment_failed: SyntaxError: .. (mend the script, and publish again)
versions:rollback(1)
  rollback: not_found: script 1 has no earlier deployed version to go back to (a newer version than the live one is deployed by name, with `to`)
closed:get(1)
  get: the client is closed; make another with patchworks.new
$ patchworks lst 1
  patchworks: unknown command 'lst'
  Did you mean 'list'?
$ patchworks list
  patchworks: missing argument 'script'
$ patchworks list orders
  patchworks: there is no patchworks.project.lua in this folder, nor above it up to the repository's root; make one with: patchworks init
$ patchworks show 99
  patchworks: get: not_found (404): No query results for model [ScriptVersion] 99 (check the id: a version's id is not its number)
$ patchworks delete 1
  patchworks: Delete script version 1 (script 1, v1, Draft) for good? Nobody can be asked here: pass --yes to go on
$ patchworks create 1 /no/such.py
  patchworks: the source: can't read /no/such.py: No such file or directory
$ patchworks logs 1 --limit many
  patchworks: --limit: expected a whole number from 1, got 'many'
]=]

-- Lines that begin with $ are given to a shell, all others are Lua.
local function entries()
  local list = {}
  for line in page:gmatch "[^\n]+" do
    local said = line:match "^  (.*)$"
    if said then
      list[#list].said = list[#list].said and list[#list].said .. "\n" .. said or said
    else
      list[#list + 1] = { written = line }
    end
  end
  return list
end

describe("a message", function()
  local server = assert(sandbox.start { deploy_seconds = 0 })
  local clients = {}

  local function new(options)
    local client = server:client(options)
    clients[#clients + 1] = client
    return client
  end

  local client = new { max_attempts = 2 }
  local versions = client.script_versions
  local good = "def handle(data): return {'payload': data['payload']}"
  server:populate { script = 1, versions = 8, content = good }
  local broken = assert(versions:create(1, { content = "def handle(data: return" }))
  local raising = assert(versions:create(1, { content = "def handle(data):\n  return data['payload']['x']" }))
  assert(raising:deploy_and_wait())

  -- The resource of a client of its own, at a service that fails so.
  local function failing(operation, how, options)
    how.operation, how.times = operation, math.huge
    server:clear_faults()
    server:fail(how)
    return new(options or { max_attempts = 1 }).script_versions
  end

  local closed = new()
  closed:close()
  local surroundings = setmetatable({
    patchworks = patchworks, client = client, versions = versions, some_version = versions:get(3), source = good,
    broken = broken.id, raising = raising.id, failing = failing, closed = closed.script_versions,
    with_wrong_key = new({ api_key = "wrong" }).script_versions,
    nowhere = new({ base_url = "http://127.0.0.1:1", max_attempts = 1 }).script_versions,
  }, { __index = _G })

  teardown(function()
    for _, each in ipairs(clients) do each:close() end
    server:close()
  end)

  local function of_lua(written)
    local chunk = assert(load("return " .. written, "=page", "t", surroundings))
    local ok, value, problem = pcall(chunk)
    server:clear_faults()
    return not ok and tostring(value) or value == nil and tostring(problem) or "it gave " .. tostring(value)
  end

  local function of_shell(written)
    local environment = ("env -u PATCHWORKS_TOKEN NO_COLOR=1 PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s LUA=%s"):format(
      server.url, server.key, lua)
    local command = written:gsub("^%$ patchworks", environment .. " bin/patchworks")
    local pipe <close> = assert(io.popen(command .. " 2>&1 >/dev/null </dev/null"))
    -- The usage behind a wrong word is not looked at here.
    return (pipe:read("a"):gsub("\nUsage:.*", ""):gsub("\n$", ""))
  end

  -- Without what is different each time, or with another libcurl or Python: places in this file, times, their words.
  local function steady(text)
    text = text:gsub("^[^%s:]+:%d+: ", ""):gsub("after %d+ ms", "after 0 ms"):gsub("Couldn't connect", "Could not connect")
    return (text:gsub("SyntaxError: .- %(", "SyntaxError: .. ("):gsub('File "script.py".-SyntaxError', "SyntaxError"))
  end

  it("says what, to what, and what to do next", function()
    local made, list = {}, entries()
    for _, each in ipairs(list) do
      local said = each.written:find "^%$" and of_shell(each.written) or of_lua(each.written)
      made[#made + 1] = each.written .. "\n  " .. steady(said):gsub("\n", "\n  ")
    end
    assert.is_true(#list >= 50)
    assert.equal(page, table.concat(made, "\n") .. "\n")
  end)
end)
