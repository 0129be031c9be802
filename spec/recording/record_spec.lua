-- What a client records: every attempt as it was, no credential in any form, and no call the worse for it.
local answers = require "spec.support.answers"
local cjson = require "cjson"
local commands = require "spec.support.commands"
local lua = require "spec.support.lua"
local mime = require "mime"
local patchworks = require "patchworks"
local raw_peer = require "spec.support.raw_peer"
local shell = require "spec.support.shell"
local uv = require "luv"

local state = commands.setup(before_each, after_each)

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- The lines behind the first, decoded.
local function attempts_in(path)
  local list = {}
  for line in io.lines(path) do
    -- Empty: another had not quite ended its line when this file was opened.
    local entry = line ~= "" and cjson.decode(line)
    if entry and entry.type == "attempt" then list[#list + 1] = entry end
  end
  return list
end

-- Every form of the secrets that a program which isn't ours finds in a file.
local finder = [[
import base64, html, json, sys, urllib.parse
text = open(sys.argv[1], encoding="utf-8").read()
def plainer(text):
    for _ in range(4):
        text = html.unescape(urllib.parse.unquote(text.replace("\\/", "/").replace('\\"', '"').replace("\\\\", "\\")))
        for code in range(32, 127):
            text = text.replace("\\u%04x" % code, chr(code)).replace("\\u%04X" % code, chr(code))
    return text
haystacks = [text, plainer(text)]
for secret in sys.argv[2:]:
    raw = secret.encode()
    forms = {secret, json.dumps(secret)[1:-1], urllib.parse.quote(secret, safe=""), html.escape(secret), raw.hex()}
    for before in range(3):
        # What of its base64 doesn't depend on what stands around it.
        code = base64.b64encode(b"x" * before + raw).decode().rstrip("=")
        core = code[(before * 8 + 5) // 6:(before + len(raw)) * 8 // 6]
        forms |= {core, core.replace("+", "-").replace("/", "_"), core.replace("/", "\\/"), urllib.parse.quote(core, safe="")}
    for form in forms:
        for haystack in haystacks:
            # In capitals it may still be taken; of base64 nothing is left then.
            if form in haystack or secret.lower() in haystack.lower(): print("%r of %r" % (form, secret))
]]

local function found_in(path, ...)
  local program = state.write("finder.py", finder)
  local words = { "python3 -IS", program, path }
  for _, secret in ipairs { ... } do words[#words + 1] = "'" .. secret:gsub("'", "'\\''") .. "'" end
  local pipe <close> = io.popen(table.concat(words, " ") .. " 2>&1")
  return pipe:read "a"
end

-- A service that answers everything with the same bytes.
local function peer(body, headers)
  local path = state.write("answer", ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s")
    :format(#body, headers or "", body))
  return raw_peer("bytes", path)
end

-- What python makes of a secret, by a list of expressions.
local function python(secret, expressions)
  local program = state.write("form.py", "import base64, html, json, sys, urllib.parse\ns = sys.argv[1]\nprint(json.dumps(["
    .. table.concat(expressions, ", ") .. "]))\n")
  local pipe <close> = io.popen(("python3 -IS %s '%s'"):format(program, secret))
  return cjson.decode(pipe:read "a")
end

-- Each is taken out in its place.
local plain_forms = {
  "s", "urllib.parse.quote(s, safe='')", "urllib.parse.quote_plus(s)", "s.encode().hex()",
  "base64.b64encode(s.encode()).decode()", "base64.b64encode(('user:' + s).encode()).decode()",
  "base64.b64encode(('Bearer ' + s).encode()).decode()", "base64.b64encode(('x' + s).encode()).decode()",
  "base64.urlsafe_b64encode(('a' + s).encode()).decode()",
  "urllib.parse.quote(base64.b64encode(('user:' + s + '\\n').encode()).decode(), safe='')",
}

-- Nobody would think of each of these: what holds one is withheld.
local odd_forms = {
  "json.dumps(s)[1:-1]", "json.dumps(json.dumps(s))[1:-1]", "html.escape(s)", "urllib.parse.quote(urllib.parse.quote(s, safe=''), safe='')",
  "''.join('&#%d;' % ord(c) for c in s)", "''.join('\\\\u%04x' % ord(c) for c in s)", "''.join('%%%02X' % ord(c) for c in s)",
  "s.upper()", "s[:5] + '\\n  ' + s[5:]", "s[0] + '\\\\u%04x' % ord(s[1]) + s[2:]",
}

describe("a recording", function()
  it("has a line for every attempt, with what was sent and what came", function()
    local path = state.folder .. "/r.jsonl"
    local client <close> = state.server:client { record_file = path }
    local versions = client.script_versions
    local version = assert(versions:create(1, { content = "def handle(data): return {}\n" }))
    state.server:fail { operation = "get", how = "status", status = 503, times = 1 }
    assert(versions:get(version.id, { include = "content" }))
    state.server:fail { operation = "get", how = "truncate", times = 1 }
    assert(versions:get(version.id))
    local all = attempts_in(path)
    assert.equal(5, #all)
    local create, failed, got, dropped = table.unpack(all)
    assert.same({ "create", "POST", "/api/v1/scripts/1/script-versions", state.server.url, "key" },
      { create.operation, create.method, create.path, create.origin, create.credential })
    assert.same({ content = "def handle(data): return {}\n" }, cjson.decode(create.request.body))
    assert.equal(201, create.response.status)
    assert.equal(version.id, cjson.decode(create.response.body).data.id)
    assert.equal("application/json", create.response.headers["content-type"])
    assert.equal("[redacted]", create.request.headers.authorization)
    assert.matches("gzip", create.request.headers["accept-encoding"], 1, true)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", create.time)
    assert.is_true(create.seconds > 0 and create.seconds < 30)
    assert.same({ 1, 503 }, { failed.number, failed.response.status })
    assert.same({ 1, "network" }, { dropped.number, dropped.failure.kind })
    assert.is_nil(dropped.response)
    assert.same({ 2, 200, "include=content" }, { got.number, got.response.status, got.query })
  end)

  it("is for its owner alone, and is appended to, also behind a line that was cut", function()
    local path = state.folder .. "/r.jsonl"
    for round = 1, 2 do
      local client <close> = state.server:client { record_file = path }
      client.script_versions:get(round)
    end
    assert.equal(tonumber("600", 8), uv.fs_stat(path).mode & 511)
    assert.equal(2, #attempts_in(path))
    local file = assert(io.open(path, "ab"))
    file:write '{"v":1,"type":"att'
    file:close()
    do
      local client <close> = state.server:client { record_file = path }
      client.script_versions:get(3)
    end
    local lines = commands.lines(read(path))
    assert.equal('{"v":1,"type":"att', lines[5])
    assert.equal("/api/v1/script-versions/3", cjson.decode(lines[7]).path)
  end)

  it("holds no credential, in whatever form the service gives it back", function()
    local secret = [[k3y/that+is"secret\x&<~]]
    local expressions, texts = { table.unpack(plain_forms) }, {}
    local forms = python(secret, table.move(odd_forms, 1, #odd_forms, #expressions + 1, expressions))
    for i, form in ipairs(forms) do
      local body = ('{"data":{"id":%d,"name":%s,%s:1}}'):format(i, cjson.encode(form), cjson.encode("x" .. form))
      texts[i] = ("HTTP/1.1 200 OK\r\nX-Echo: a\r\nServer: %s\r\nX-%s: 1\r\nContent-Length: %d\r\n\r\n%s"):format(
        form:gsub("[\r\n]", " "), form:gsub("[^%w]", "-"), #body, body)
    end
    local service <close> = answers(texts)
    local path = state.folder .. "/r.jsonl"
    do
      local client <close> = patchworks.new { base_url = service.peer.url, api_key = secret, max_attempts = 1, record_file = path }
      for i in ipairs(forms) do client.script_versions:get(i) end
    end
    local all = attempts_in(path)
    assert.equal(#forms, #all)
    assert.equal("", found_in(path, secret))
    for i, each in ipairs(all) do
      local kept = each.response.body
      if i > #plain_forms then
        assert.equal("a credential is in it", each.response.withheld, forms[i])
      else
        assert.equal(i, cjson.decode(kept).data.id)
      end
    end
  end)

  it("holds nothing of a login but names and numbers, and its token nowhere", function()
    local token, password, path = "eyJ0.t0ken/that+is-secret", "pa55 word&that\"is", state.folder .. "/r.jsonl"
    local service = peer(([[{"token":"%s","expires_in":86400,"refresh":"other-secret-0123","data":{"id":7,"name":"%s"},"%s":1}]])
      :format(token:gsub("/", "\\/"), mime.b64("x" .. token), token),
      ("X-Token: %s\r\nSet-Cookie: session=%s\r\n"):format(token, token))
    do
      local client <close> = patchworks.new { base_url = service.url, username = "me@example.com", password = password,
        record_file = path }
      assert(client.script_versions:get(7))
    end
    service:received()
    local login, got = table.unpack(attempts_in(path))
    assert.equal("login", login.operation)
    assert.same({ username = "[redacted]", password = "[redacted]" }, cjson.decode(login.request.body))
    local answer = cjson.decode(login.response.body)
    assert.same({ 86400, "[redacted]" }, { answer.expires_in, answer.refresh })
    assert.equal("[redacted]", login.response.headers["set-cookie"])
    assert.equal("get", got.operation)
    assert.equal("", found_in(path, token, password, "other-secret-0123"))
  end)

  it("holds nothing that looks like somebody's secret, nor headers that may be one", function()
    local path = state.folder .. "/r.jsonl"
    local client <close> = state.server:client { record_file = path }
    client.script_versions:invoke(7, {
      payload = '{"customer":{"password":"hunter22"},"n":1}', variables = { api_key = "shop-key-1", region = "eu" },
      headers = { ["X-Api-Key"] = "shop-key-2", Cookie = "c=shop-key-3" },
    })
    client:request("GET", "/scripts", { query = { access_token = "shop-key-4", page = 1 } })
    for name, value in pairs { code = "shop-key-5", sig = "shop-key-6", ["X-Amz-Signature"] = "shop-key-7", ["to[ken]"] = "shop-key-8",
      note = "Bearer Shop-key-9", filter = '{"password":"shop-key-10"}' } do
      client:request("GET", "/scripts", { query = { [name] = value } })
    end
    local text = read(path)
    assert.is_nil(text:find "hunter22")
    assert.is_nil(text:lower():find "shop%-key")
    local invoke, got = table.unpack(attempts_in(path))
    assert.equal("eu", cjson.decode(cjson.decode(invoke.request.body).variables).region)
    assert.equal("access_token=[redacted]&page=1", got.query)
  end)

  it("counts a long body, and does not keep it", function()
    local path = state.folder .. "/r.jsonl"
    local client <close> = state.server:client { record_file = path }
    local content = "#" .. ("x"):rep(1024 * 1024)
    local version = assert(client.script_versions:create(1, { content = content }))
    local kept = assert(client.script_versions:get(version.id, { include = "content" })).content.content
    assert.equal(#content, #kept)
    local create, got = table.unpack(attempts_in(path))
    assert.is_true(create.request.bytes > #content and got.response.bytes > #content)
    assert.same({ "it is long", "it is long" }, { create.request.withheld, got.response.withheld })
    assert.is_true(#read(path) < 4000)
  end)

  it("is JSON in UTF-8 whatever came", function()
    local path = state.folder .. "/r.jsonl"
    local service = peer('<p name="_token" value="csrf-0123456789">\xff\0\r\n\x1b[2J\u{2028}\xc3', "Content-Language: \xe9\r\n")
    do
      local client <close> = patchworks.new { base_url = service.url, api_key = "k3y-of-mine", max_attempts = 1, record_file = path }
      assert.is_nil((client.script_versions:get(7)))
    end
    service:received()
    local text = read(path)
    assert.truthy(utf8.len(text))
    assert.is_nil(text:find "csrf%-01")
    assert.equal(2, #commands.lines(text))
    assert.equal(1, #attempts_in(path))
  end)

  it("that can't be begun is an error before anything is sent", function()
    local open_for_all = state.write("open.jsonl", "")
    assert(uv.fs_chmod(open_for_all, tonumber("644", 8)))
    local pipe = state.folder .. "/pipe"
    os.execute("mkfifo -m 600 " .. pipe)
    for path, message in pairs {
      ["/dev/full"] = "no space left on device", ["/nowhere/r.jsonl"] = "no such file or directory", [state.folder] = "illegal operation on a directory",
      [open_for_all] = "others can read it", ["-"] = "name a file", [pipe] = "it is a fifo",
    } do
      local ok, problem = pcall(state.server.client, state.server, { record_file = path })
      assert.is_false(ok)
      assert.truthy(problem:find("can't record to " .. path .. ": " .. message, 1, true), problem)
    end
    local code, _, said = state.run("create 1 README.md --record " .. pipe)
    assert.equal(2, code)
    assert.truthy(said:find("it is a fifo", 1, true), said)
    assert.equal(0, #state.server:requests())
  end)

  it("goes into the file that was looked at, whatever its name stands for by then", function()
    local path, shared = state.folder .. "/r.jsonl", state.write("shared.jsonl", "theirs\n")
    local former = { fs_stat = uv.fs_stat, fs_fstat = uv.fs_fstat }
    for name, look in pairs(former) do
      uv[name] = function(...)
        local facts, problem = look(...)
        uv.fs_unlink(path)
        assert(uv.fs_symlink(shared, path))
        return facts, problem
      end
    end
    local ok, client = pcall(state.server.client, state.server, { record_file = path })
    for name, look in pairs(former) do uv[name] = look end
    assert.is_true(ok, tostring(client))
    client.script_versions:list(1):all()
    client:close()
    assert.equal("theirs\n", read(shared))
  end)

  it("that can't go on ends, is told once, and takes no call with it", function()
    local path = state.folder .. "/r.jsonl"
    local program = state.write("full.lua", [[
      local url, key, path = table.unpack(arg)
      local told = 0
      local client <close> = require("patchworks").new { base_url = url, api_key = key, record_file = path,
        on_event = function(event) if event.type == "record" then told = told + 1 print(event.message) end end }
      for i = 1, 20 do assert(client.script_versions:create(1, { content = "x" })) end
      print("told " .. told)
      print(client:stats().unrecorded)
    ]])
    local pipe = io.popen(("(trap '' XFSZ; ulimit -f 6; exec %s %s %s %s %s) 2>&1"):format(lua, program, state.server.url,
      state.server.key, path))
    local said = pipe:read "a"
    assert.is_true(pipe:close(), said)
    assert.truthy(said:find("r.jsonl: file too large; what was sent from now on is not recorded\ntold 1\n", 1, true), said)
    local unrecorded = tonumber(said:match "(%d+)\n$")
    assert.equal(20, state.server:count "create")
    local lines = commands.lines(read(path))
    local kept = 0
    for _, line in ipairs(lines) do kept = kept + (pcall(cjson.decode, line) and line:find '"operation"' and 1 or 0) end
    assert.is_true(kept > 2)
    assert.equal(20, kept + unrecorded)
  end)

  it("that can't go on makes the command's exit code 1, and what was done is done", function()
    local path = state.folder .. "/r.jsonl"
    local source = state.write("x.py", commands.upper)
    local code, out, said = state.run(("create 1 %s --record %s"):format(source, path), { before = "trap '' XFSZ; ulimit -f 1;" })
    assert.equal(1, code, said)
    assert.equal("script version 1 (script 1, v1, Draft)\n", out)
    assert.truthy(said:find("is not recorded", 1, true), said)
    assert.equal(1, state.server:count "create")
  end)

  it("is shared by commands that run at once, line by line", function()
    local path = state.folder .. "/r.jsonl"
    state.server:populate { script = 1, versions = 30 }
    local command = shell.command(state.server, "list 1 --record " .. path)
    assert(os.execute(("for i in 1 2 3 4; do %s >/dev/null & done; wait"):format(command)))
    assert.equal(8, #attempts_in(path))
  end)

  it("has an attempt that was cut off", function()
    local path = state.folder .. "/r.jsonl"
    state.server:fail { operation = "create", how = "slow", seconds = 20 }
    do
      local client <close> = state.server:client { record_file = path }
      patchworks.run(function(tasks)
        local task = tasks:spawn(function() return client.script_versions:create(1, { content = "x" }) end)
        patchworks.sleep(0.2)
        task:cancel()
      end)
    end
    local one = attempts_in(path)[1]
    assert.same({ "create", "cancelled", true }, { one.operation, one.failure.kind, one.failure.sent })
  end)

  it("is an option of the commands that ask a service, and of no other", function()
    for _, words in ipairs { "run x", "sandbox", "logout", "completion bash", "check-record x" } do
      local code, _, said = state.run(words .. " --record r.jsonl")
      assert.equal(2, code, words)
      assert.truthy(said:find("unknown option '--record'", 1, true), said)
    end
    local path = state.folder .. "/r.jsonl"
    state.write("orders.py", commands.upper)
    state.write("patchworks.project.lua", ([[return {
      scripts = { orders = { file = "orders.py" } }, environments = { here = { base_url = %q, scripts = { orders = 1 } } },
    }]]):format(state.server.url))
    local before = 0
    for _, words in ipairs { "whoami", "list 1", "status" } do
      state.inside(words .. " --record " .. path)
      local count = #attempts_in(path)
      assert.is_true(count > before, words)
      before = count
    end
  end)
end)
