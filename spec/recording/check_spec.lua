-- What a recording is found to show: each habit of the sandbox, each deviation from the contract, and no more than that.
local cjson = require "cjson"
local commands = require "spec.support.commands"
local lua = require "spec.support.lua"
local recordings = require "patchworks.recording.check"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local shell = require "spec.support.shell"

local state = commands.setup(before_each, after_each)

local good = "def handle(data):\n  return {'payload': '%s', 'logs': ['one', 'two']}\n"

-- Asks a sandbox what examples/settle.sh asks a service.
local function play(habits, path)
  local deploy_seconds = 0.3
  local server <close> = assert(sandbox.start { habits = habits, deploy_seconds = deploy_seconds })
  local client <close> = server:client { record_file = path, max_attempts = 1 }
  local versions, waiting = client.script_versions, { interval = 0.05, max_interval = 0.1, timeout = 20 }
  local first = assert(versions:create(1, { content = good:format "first" }))
  versions:get(first.id, { include = { "content" } })
  versions:invoke(first.id)
  versions:get(first.id)
  local second = assert(versions:create(1, { content = good:format "second" }))
  assert(versions:deploy_and_wait(second.id, waiting))
  local third = assert(versions:create(1, { content = good:format "third" }))
  assert(versions:deploy_and_wait(third.id, waiting))
  assert(versions:list(1):all())
  assert(versions:invoke(third.id))
  assert(versions:logs(third.id):all())
  assert(versions:deploy(third.id))
  local broken = assert(versions:create(1, { content = "def (" }))
  versions:deploy_and_wait(broken.id, waiting)
  local fourth
  repeat -- until it is still being deployed when it is to be deleted
    fourth = assert(versions:create(1, { content = "def handle(data): raise ValueError()" }))
    assert(versions:deploy(fourth.id))
    assert(versions:deploy(fourth.id))
  until not versions:delete(fourth.id)
  assert(versions:deploy_and_wait(fourth.id, waiting))
  versions:invoke(fourth.id)
  versions:upload(fourth.id, { private = true })
  require("socket").sleep(math.max(0, 1.1 - deploy_seconds))
  versions:get(third.id)
  server:close()
end

local function check(path, given) return assert(recordings.check(path, given)) end

local function question(report, name)
  for _, each in ipairs(report.questions) do
    if each.name == name then return each end
  end
end

local function answer(report, name)
  local found = question(report, name)
  return found.verdict, found.answers[1] and found.answers[1].text
end

local function write_lines(path, lines)
  local file <close> = assert(io.open(path, "wb"))
  file:write(table.concat(lines, "\n"), "\n")
end

local function read_lines(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

local plain

-- The lines of what a sandbox without habits is asked: it is asked once.
local function plain_lines()
  if not plain then
    local path = scratch.folder() .. "/r.jsonl"
    play("", path)
    plain = read_lines(path)
    scratch.remove(path:match "^(.*)/")
  end
  return plain
end

local function line_of(method, path, status, body, more)
  local entry = { v = 1, type = "attempt", time = "2026-11-28T10:00:00.000Z", operation = "x", number = 1, credential = "key",
    method = method, origin = "https://s.example", path = "/api/v1" .. path, request = {},
    response = { status = status, headers = { ["content-type"] = "application/json" }, body = body }, seconds = 0.1 }
  for name, value in pairs(more or {}) do entry[name] = value end
  return cjson.encode(entry)
end

describe("check-record", function()
  for _, habits in ipairs { "", "redeploy_nothing,trim,deploying=busy since noon", "invoke_deploys,idle=no",
    "deploying=true,idle=false,logs_newest_first,one_deployed,crlf", "create_status=200,crlf,trim,deploying=2026-11-24T00:00:00Z,one_deployed,redeploy_nothing,invoke_deploys,logs_newest_first" } do
    it("finds the habits " .. (habits == "" and "that are none" or habits), function()
      local path = state.folder .. "/r.jsonl"
      if habits == "" then write_lines(path, plain_lines()) else play(habits, path) end
      local report, lines = check(path), read_lines(path)
      local found, expected = {}, {}
      for each in report.habits:gmatch "[^,]+" do found[#found + 1] = each end
      for each in habits:gmatch "[^,]+" do expected[#expected + 1] = each end
      table.sort(found)
      table.sort(expected)
      assert.same(expected, found)
      for _, each in ipairs(report.questions) do
        if each.name ~= "rate_limit" and each.name ~= "token_life" then
          assert.truthy(each.verdict ~= "not seen", each.name)
          assert.equal("attempt", cjson.decode(lines[each.answers[1].line]).type)
        end
      end
      -- The vendor documents one thing, and the sandbox does another unless it is told to.
      assert.equal(habits:find "invoke_deploys" and "settled" or "contradicted", (answer(report, "invoke_deploys")))
      assert.is_true(report.deploy_seconds >= 0.3 and report.deploy_seconds < 10)
      for _, each in ipairs(report.deviations) do assert.is_true(each.known, each.problem) end
      assert.same(0, #report.unread)
    end)
  end

  it("says what a 429 holds, how long a token lives, and what the rate limit is", function()
    local path = state.folder .. "/r.jsonl"
    do
      local server <close> = assert(sandbox.start { rate_limit = 5 })
      local client <close> = require("patchworks").new { base_url = server.url, username = server.username,
        password = server.password, record_file = path, max_attempts = 1 }
      for _ = 1, 6 do client.script_versions:get(1) end
    end
    local report = check(path)
    assert.same({ "settled", "86400 s" }, { answer(report, "token_life") })
    assert.matches("retry%-after, x%-ratelimit%-limit.*body: message", select(2, answer(report, "rate_limit")))
    assert.equal("not seen", (answer(report, "rate_headers")))
  end)

  it("says what is contradicted, with both lines", function()
    local path = state.folder .. "/r.jsonl"
    local body = '{"data":{"id":%d,"script_id":1,"status":"Draft","content":{"content":"x"}}}'
    write_lines(path, {
      line_of("POST", "/scripts/1/script-versions", 200, body:format(1)),
      line_of("POST", "/scripts/1/script-versions", 201, body:format(2)),
      line_of("POST", "/script-versions/2/upload", 200, "{}"),
    })
    local report = check(path)
    local found = question(report, "create_status")
    assert.same({ "contradicted", 1, 2 }, { found.verdict, found.answers[1].line, found.answers[2].line })
    assert.same({ "contradicted", "taken with 200" }, { answer(report, "upload_by_key") })
    assert.equal("", report.habits)
    assert.is_false(report.as_known)
    local code, out = shell.run(nil, "check-record " .. path)
    assert.equal(1, code)
    assert.truthy(out:find("contradicted\tcreate_status\t200 (line 1); 201 (line 2)\t", 1, true), out)
    assert.truthy(out:find("contradicted\tupload_by_key\ttaken with 200 (line 3)\tdocumented: refused with 403", 1, true), out)
  end)

  -- What a recording says of version 1, which was made in it: each attempt its second, its method and what comes after the
  -- id, its status, and, where the version comes back, its `deploying`, `deployed_at` and id.
  local function told_by(attempts)
    local path, lines = state.folder .. "/r.jsonl", {}
    table.insert(attempts, 1, { 0, "POST", nil, 201, { cjson.null } })
    for i, each in ipairs(attempts) do
      local second, method, rest, status, fields, more = table.unpack(each, 1, 6)
      local body = fields and { data = { id = fields[3] or 1, script_id = 1, deploying = fields[1], deployed_at = fields[2] or cjson.null,
        status = fields[2] and "Deployed" or "Draft" } }
      more = more or {}
      more.time = ("2026-11-28T10:%02d:%06.3fZ"):format(second // 60, second % 60)
      if status == nil then more.response = {} end
      lines[i] = line_of(method, rest and ("/script-versions/%d%s"):format(each.id or 1, rest) or "/scripts/1/script-versions", status,
        body and cjson.encode(body), more)
    end
    write_lines(path, lines)
    local report, told = check(path), {}
    for _, name in ipairs { "idle", "deploying", "deploy_while_deploying", "delete_while_deploying", "redeploy_nothing" } do
      local texts = {}
      for j, each in ipairs(question(report, name).answers) do texts[j] = each.text end
      told[name] = texts[1] and table.concat(texts, "; ")
    end
    return told
  end

  local on, off, first, second = "deploying", cjson.null, "2026-11-28T10:00:02Z", "2026-11-28T10:00:05Z"
  local begun = { 1, "POST", "/deploy", 200, { on } }

  it("tells a second deploy from one in the middle of the first", function()
    -- The first had ended; what the answer says is of the second.
    assert.same({ idle = "null", deploying = '"deploying"' }, told_by { begun, { 3, "POST", "/deploy", 200, { on, first } } })
    assert.same({ idle = "null", deploy_while_deploying = "answered 200" }, told_by { begun, { 1.5, "POST", "/deploy", 200, { on } } })
    -- An answer without the version says nothing by itself: the next reading does.
    for _, status in ipairs { 200, 409 } do
      local expected = "answered " .. status
      assert.same({ idle = "null", deploy_while_deploying = expected }, told_by { begun, { 1.5, "POST", "/deploy", status }, { 2, "GET", "", 200, { on } } })
      assert.same({ idle = "null", deploying = '"deploying"' }, told_by { begun, { 1.5, "POST", "/deploy", status }, { 3, "GET", "", 200, { off, first } } })
    end
    -- Nor does one that was sent before the deploy was answered, or came from who guards the service.
    assert.same({ idle = "null" }, told_by { begun, { 1.05, "POST", "/deploy", 409 }, { 2, "GET", "", 200, { on } } })
    assert.same({ idle = "null" }, told_by { begun, { 1.5, "POST", "/deploy", 429 }, { 2, "GET", "", 200, { on } } })
    assert.same({ idle = "null", deploying = '"deploying"' }, told_by { begun, { 3, "GET", "", 200, { off, first } }, { 4, "POST", "/deploy", 429 } })
  end)

  it("takes nothing for idle while a deployment may be under way", function()
    assert.same({ idle = 'null; "done"', deploying = '"deploying"' },
      told_by { begun, { 3, "GET", "", 200, { "done", first } }, { 4, "GET", "", 200, { "done", first } } })
    -- Of two deployments the first has ended.
    assert.same({ idle = "null", deploying = '"deploying"', deploy_while_deploying = "answered 200" }, told_by { begun,
      { 1.5, "POST", "/deploy", 200, { on } }, { 3, "GET", "", 200, { on, first } }, { 4, "GET", "", 200, { "busy", first } } })
    -- The dates may be there before the word has gone.
    assert.same({ idle = "null", deploying = '"deploying"' },
      told_by { begun, { 3, "GET", "", 200, { on, first } }, { 4, "GET", "", 200, { on, first } } })
    -- Deployments that no answer tells of.
    for _, request in ipairs { { "/deploy" }, { "/deploy", 503 }, { "/invoke" }, { "/invoke", 409 } } do
      assert.same({ idle = "null" }, told_by { { 1, "POST", request[1], request[2] }, { 2, "GET", "", 200, { on } } })
    end
    -- A look that was on its way with the deploy, and came before it.
    assert.same({ idle = "null" }, told_by { { 1.01, "GET", "", 200, { on } }, { 1, "POST", "/deploy", 200, { on }, { seconds = 0.5 } } })
    -- A version of which nobody knows what was under way before.
    assert.same({ idle = "null", deploying = '"deploying"' }, told_by { { 1, "GET", "", 200, { on, nil, 2 }, id = 2 },
      { 2, "POST", "/deploy", 200, { on, nil, 2 }, id = 2 }, { 3, "GET", "", 200, { on, first, 2 }, id = 2 }, { 4, "GET", "", 200, { "x", first, 2 }, id = 2 } })
  end)

  it("says what a delete did in the middle of a deployment where a later look shows that it was", function()
    local refused = { 1.5, "DELETE", "", 409 }
    assert.same({ idle = "null", delete_while_deploying = "answered 409" }, told_by { begun, refused, { 2, "GET", "", 200, { on } } })
    assert.same({ idle = "null", deploying = '"deploying"' }, told_by { begun, refused, { 3, "GET", "", 200, { off, first } } })
    -- One that was deleted is not seen again: others have to have taken twice as long.
    local looked, deleted = { 1.2, "GET", "", 200, { on } }, { 1.5, "DELETE", "", 200 }
    assert.same({ idle = "null" }, told_by { begun, looked, deleted })
    for least, expected in pairs { [4] = "answered 200", [2.5] = false } do
      assert.equal(expected or nil, told_by { begun, looked, deleted, { 2, "POST", nil, 201, { off, nil, 2 } },
        { 2, "POST", "/deploy", 200, { on, nil, 2 }, id = 2 }, { least, "GET", "", 200, { on, nil, 2 }, id = 2 },
        { 5, "GET", "", 200, { off, second, 2 }, id = 2 } }.delete_while_deploying)
    end
  end)

  it("names what deviates from the contract by its place in the body", function()
    local path = state.folder .. "/r.jsonl"
    write_lines(path, {
      line_of("GET", "/script-versions/7", 200, '{"data":{"id":"seven","status":"Gone","colour":"red","created_at":"yesterday",'
        .. '"deployed_at":null,"version":1.5,"script":[1]},"more":1}'),
      line_of("GET", "/scripts/1/script-versions", 200, '{"data":[{"id":1},{"id":[]}],"meta":{"total":"2","from":null,"last_page":null},'
        .. '"links":{"next":"page two","first":null}}'),
      line_of("DELETE", "/script-versions/7", 204, nil),
      line_of("POST", "/script-versions/7/deploy", 422, '{"message":7,"errors":{"script":"no"}}'),
      line_of("POST", "/script-versions/7/invoke", 200, '["x"]'),
      line_of("GET", "/script-versions/7", 200, '<html>', { response = { status = 200, headers = { ["content-type"] = "text/html" }, body = "<html>" } }),
    })
    local report = check(path)
    local news = {}
    for _, each in ipairs(report.deviations) do
      if not each.known then news[#news + 1] = ("%d %s %d %s: %s"):format(each.line, each.operation, each.status, each.path, each.problem) end
    end
    table.sort(news)
    assert.same({
      "1 get 200 data.colour: is not declared",
      "1 get 200 data.created_at: is yesterday, and a date as 2026-11-28T10:00:00Z is due",
      "1 get 200 data.id: is a string, and an integer is due",
      "1 get 200 data.script: is an array, and an object is due",
      "1 get 200 data.status: is Gone, and one of Draft, Inactive, Deployed is due",
      "1 get 200 data.version: is a number, and an integer is due",
      "1 get 200 more: is not declared",
      "2 list 200 data[].id: is empty, and an integer is due",
      "2 list 200 links.first: is null, and a string is due",
      "2 list 200 links.next: is page two, and a URI is due",
      "2 list 200 meta.last_page: is null, and an integer is due",
      "2 list 200 meta.total: is a string, and an integer is due",
      "3 delete 204 : status 204 is not declared: 200, 401, 403 are",
      "4 deploy 422 errors.script: is a string, and an array is due",
      "4 deploy 422 message: is an integer, and a string is due",
      "5 invoke 200 : is an array, and an object is due",
      "6 get 200 : the answer is text/html, and application/json is due",
    }, news)
    local code, out = shell.run(nil, "check-record " .. path)
    assert.equal(1, code)
    assert.truthy(out:find("new\tget 200\tdata.colour\tis not declared (once, first in line 1)", 1, true), out)
  end)

  it("says which command shows what wasn't seen, and exits with 0 when nothing is wrong", function()
    local path = state.folder .. "/r.jsonl"
    assert.equal(1, (state.run("show 7 --record " .. path)))
    local code, out, said = shell.run(nil, "check-record " .. path)
    assert.equal(0, code)
    assert.truthy(out:find(("not seen\tone_deployed\twhether several versions of a script may be deployed\tpatchworks publish SCRIPT SOURCE "
      .. "--record %s; patchworks publish SCRIPT OTHER --record %s; patchworks list SCRIPT --record %s\n"):format(path, path, path), 1, true), out)
    assert.truthy(out:find "\npatchworks sandbox\n$", out)
    assert.truthy(said:find("22 questions: 0 settled, 0 contradicted, 22 not seen", 1, true), said)
  end)

  it("gives objects with --json", function()
    local path = state.folder .. "/r.jsonl"
    state.run("show 7 --record " .. path)
    local code, out = shell.run(nil, "check-record --json " .. path)
    assert.equal(0, code)
    local types = {}
    for _, line in ipairs(commands.lines(out)) do
      local object = cjson.decode(line)
      types[object.type] = (types[object.type] or 0) + 1
    end
    assert.same({ question = 22, deviation = 1, recording = 1 }, types)
  end)

  it("goes on without lines that were cut, and says so", function()
    local path = state.folder .. "/r.jsonl"
    local whole = line_of("GET", "/script-versions/7", 404, '{"message":"no"}')
    local file = assert(io.open(path, "wb"))
    file:write(whole, "\n", whole:sub(1, 100), "\n", whole, "\n", whole:sub(1, -20))
    file:close()
    local report = check(path)
    assert.equal(2, report.attempts)
    assert.same({ { line = 2, problem = "is no line of a recording" },
      { line = 4, problem = "is not whole: the recording was interrupted there" } }, report.unread)
    local code, _, said = shell.run(nil, "check-record " .. path)
    assert.equal(0, code)
    assert.truthy(said:find("line 4 is not whole: the recording was interrupted there; it is left out\n", 1, true), said)
  end)

  it("refuses what is no recording, and answers of several services", function()
    for path, message in pairs {
      ["/nowhere"] = "/nowhere: No such file or directory", ["README.md"] = "README.md: is no recording", ["/dev/zero"] = "/dev/zero: is no recording",
      ["."] = "Is a directory", ["/dev/null"] = "/dev/null: is no recording",
    } do
      local code, _, said = shell.run(nil, "check-record " .. path)
      assert.equal(2, code)
      assert.truthy(said:find(message, 1, true), said)
    end
    local path = state.folder .. "/r.jsonl"
    write_lines(path, { line_of("GET", "/script-versions/7", 404, "{}"), line_of("GET", "/script-versions/7", 200, '{"data":{"id":7}}',
      { origin = "https://t.example" }) })
    local report, err = recordings.check(path)
    assert.is_nil(report)
    assert.truthy(err.message:find("several services: https://s.example, https://t.example", 1, true))
    assert.equal(1, check(path, { origin = "https://t.example" }).attempts)
    assert.is_nil((recordings.check(path, { origin = "https://u.example" })))
  end)

  it("reads 4,000 lines in seconds", function()
    local path, lines, many = state.folder .. "/r.jsonl", plain_lines(), {}
    for i = 1, 4000 do many[i] = lines[(i - 1) % #lines + 1] end
    write_lines(path, many)
    local began = os.clock()
    assert.equal(4000, check(path).attempts + (4000 + #lines - 1) // #lines)
    assert.is_true(os.clock() - began < 4)
  end)

  it("takes what others made of a line without failing", function()
    local path, lines = state.folder .. "/r.jsonl", plain_lines()
    local values = { cjson.null, 7, -1.5, 1e300, "text", "\27[2J\n", true, { "a" }, { a = { b = 1 } }, {} }
    local function each_place(value, act)
      for name, inner in pairs(value) do
        act(value, name, inner)
        if type(inner) == "table" then each_place(inner, act) end
      end
    end
    local made = {}
    local function take(entry) made[#made + 1] = cjson.encode(entry) end
    for i = 1, #lines, 3 do
      local entry = cjson.decode(lines[i])
      each_place(entry, function(holder, name, inner)
        for _, value in ipairs(values) do
          holder[name] = value
          take(entry)
        end
        holder[name] = inner
      end)
      local response = type(entry.response) == "table" and entry.response
      local body = response and response.body and cjson.decode(response.body)
      if body then
        each_place(body, function(holder, name, inner)
          for _, value in ipairs(values) do
            holder[name] = value
            response.body = cjson.encode(body)
            take(entry)
          end
          holder[name] = inner
        end)
      end
    end
    assert.is_true(#made > 1000)
    table.insert(made, 1, lines[1]) -- what begins otherwise is no recording
    local origin = cjson.decode(lines[2]).origin
    write_lines(path, made)
    local report = check(path, { origin = origin })
    assert.is_true(report.attempts > 1000)
    local marked = { lines[1] }
    for _, line in ipairs(made) do marked[#marked + 1] = line:find("u001b", 1, true) and line or nil end
    assert.is_true(#marked > 100)
    write_lines(path, marked)
    local code, out, said = shell.run(nil, ("check-record %s --origin %s"):format(path, origin))
    assert.equal(1, code)
    assert.is_nil((out .. said):find "\27")
  end)

  it("holds against the contract as it is: what it knows of it is made from it", function()
    local pipe <close> = io.popen(lua .. " scripts/openapi.lua")
    local file <close> = assert(io.open("lua/patchworks/recording/openapi.lua", "rb"))
    assert.equal(pipe:read "a", file:read "a")
  end)
end)
