-- From what a caller gives to what goes on the wire, byte for byte.
local core = require "patchworks.core"
local scripted = require "spec.support.scripted"

local service, client, versions

before_each(function()
  service = scripted()
  client = service:client()
  versions = client.script_versions
end)
after_each(function()
  client:close()
  service:__close()
end)

local base = "http://127.0.0.1:1/api/v1"
local version = '{"data":{"id":7}}'

-- The request that a call makes.
local function sent(fn, body)
  service:will { body = body or version }
  fn()
  return service.requests[#service.requests]
end

local function refused(fn, ...)
  local ok, problem = pcall(fn, ...)
  assert.is_false(ok)
  assert.equal(0, #service.answers)
  return (tostring(problem):gsub("^[^:]*request_spec.lua:%d+: ", ""))
end

describe("a query", function()
  local function of(given) return sent(function() versions:get(7, given) end).url:sub(#base + 1) end

  it("has include, filter and pages, in this order, and is left out where there is none", function()
    assert.equal("/script-versions/7", of {})
    assert.equal("/script-versions/7?include=content", of { include = "content" })
    assert.equal("/script-versions/7?include=content%2Cscript", of { include = { "content", "script" } })
    assert.equal("/script-versions/7?include=content%2Cscript", of { include = "content,script" })
    assert.equal("/script-versions/7?page=2&per_page=5", of { page = 2, per_page = 5 })
    assert.equal("/script-versions/7?include=script&filter%5Bis_deployed%5D=false&filter%5Bdeployed_at%5D=2026-01-01%2C2026-02-01&page=1&per_page=1",
      of { include = "script", filter = { is_deployed = false, deployed_at = { "2026-01-01", "2026-02-01" } }, page = 1, per_page = 1 })
    assert.equal("/script-versions/7?filter%5Bdeployed_at%5D=2026", of { filter = { deployed_at = 2026 } })
  end)

  it("refuses what the service would not know", function()
    local function get(given) return refused(versions.get, versions, 7, given) end
    assert.equal('get: include takes content, script, got "x"', get { include = "x" })
    assert.equal('get: include takes content, script, got "scripts"; did you mean `script`?', get { include = { "content", "scripts" } })
    assert.equal("get: include: expected at least one value, got an empty list", get { include = {} })
    assert.equal("get: include: expected a string, a boolean, a number or a list of them, got a table", get { include = { {} } })
    assert.equal("get: filter.deployed_at: expected a string, a boolean, a number or a list of them, got a function",
      get { filter = { deployed_at = print } })
  end)

  it("of any other request has its names in order, and lists as one", function()
    local function any(query) return sent(function() client:request("GET", "/x", { query = query }) end).url:sub(#base + 1) end
    assert.equal("/x", any())
    assert.equal("/x", any {})
    assert.equal("/x?a=1&b=true&c=x%2C2", any { c = { "x", 2 }, a = 1, b = true })
    local function wrong(query) return refused(client.request, client, "GET", "/x", { query = query }) end
    assert.equal("request: query: expected names as keys, got 1", wrong { "x" })
    assert.equal("request: query.a: expected at least one value, got an empty list", wrong { a = {} })
    assert.matches("request: query: expected a table, got 7", wrong(7))
  end)
end)

describe("a body", function()
  local function body_of(fn) return core.decode(sent(fn).body) end

  it("of a create is the content, of a string or of a file", function()
    assert.same({ content = "x" }, body_of(function() versions:create(1, { content = "x" }) end))
    local path = os.tmpname()
    local file <close> = io.open(path, "wb")
    file:write "from a file"
    file:flush()
    assert.same({ content = "from a file" }, body_of(function() versions:create(1, { file = path }) end))
    os.remove(path)
  end)

  it("of a create needs one of content and file", function()
    local function create(given) return refused(versions.create, versions, 1, given) end
    assert.equal("create: expected either `content` or `file`, got neither", create {})
    assert.equal("create: expected either `content` or `file`, got both", create { content = "x", file = "y" })
    assert.equal("create: the content is empty; a version needs at least one character", create { content = "" })
    assert.equal("create: content: expected a string, got 7", create { content = 7 })
    assert.equal("create: file: expected a string, got 7", create { file = 7 })
  end)

  it("from a file that can't be read is the world's failure", function()
    local path = os.tmpname()
    for _, case in ipairs {
      { "/no/such.py", "can't read /no/such.py: No such file or directory" },
      { "/", "can't read /: Is a directory" },
      { path, path .. " is empty; a version needs at least one character" },
    } do
      local value, err = versions:create(1, { file = case[1] })
      assert.is_nil(value)
      assert.same({ "file", "create", "none", case[2], "a path is relative to where the program runs" },
        { err.kind, err.operation, err.outcome, err.message, err.hint })
    end
    os.remove(path)
  end)

  it("of an invoke has strings as they are, and tables as their JSON", function()
    local function invoke(given) return body_of(function() versions:invoke(7, given) end) end
    assert.same({}, invoke())
    assert.same({ payload = "a", variables = "{}", flow = "f" }, invoke { payload = "a", variables = "{}", flow = "f" })
    local flow = { name = "f", variables = { a = 1 } }
    assert.same({ payload = "[1]", variables = '{"b":2}', flow = { name = "f", variables = '{"a":1}' } },
      invoke { payload = { 1 }, variables = { b = 2 }, flow = flow })
    assert.same({ name = "f", variables = { a = 1 } }, flow)
    assert.same({ flow = { name = "f" } }, invoke { flow = { name = "f" } })
    local function wrong(given) return refused(versions.invoke, versions, 7, given) end
    assert.equal("invoke: flow: expected a string or a table, got 7", wrong { flow = 7 })
    assert.equal("invoke: flow.variables: expected a string or a table, got 7", wrong { flow = { variables = 7 } })
    assert.matches("invoke: flow.variables: it can't be written as JSON: ", wrong { flow = { variables = { print } } })
    assert.matches("invoke: payload: it can't be written as JSON: ", wrong { payload = { print } })
    assert.matches("invoke: variables: it can't be written as JSON: ", wrong { variables = { print } })
  end)

  it("of an upload says whether it is private, as the contract has it", function()
    local function upload(given) return body_of(function() versions:upload(7, given) end) end
    assert.same({ private = "true" }, upload { private = true })
    assert.same({ private = "false" }, upload { private = false })
    assert.same({ private = "true" }, upload { private = "true" })
    assert.same({}, upload())
    assert.equal("upload: private: expected a string, got 7", refused(versions.upload, versions, 7, { private = 7 }))
  end)

  it("of any other request is a string as it is, a table as JSON, or none", function()
    local function any(body) return sent(function() client:request("POST", "/x", { body = body }) end).body end
    assert.equal("a b", any "a b")
    assert.equal('{"a":1}', any { a = 1 })
    assert.is_nil(any())
  end)
end)

describe("a caller's header", function()
  local function headers_of(headers) return sent(function() versions:get(7, { headers = headers }) end).headers end

  it("goes out as it is, also an integer", function()
    local lines = headers_of { ["X-A"] = "b c", ["X-Number"] = 7, ["X-!#$%&'*+.^_`|~-"] = "" }
    for _, line in ipairs { "X-A: b c", "X-Number: 7", "X-!#$%&'*+.^_`|~-: " } do
      assert.truthy((lines .. "\n"):find("\n" .. line .. "\n", 1, true), line)
    end
    assert.truthy(lines:find("X-!.*X-A.*X-Number"))
  end)

  it("is refused where it is no header, or the client's own", function()
    local function wrong(headers) return refused(versions.get, versions, 7, { headers = headers }) end
    assert.matches("get: headers: expected a table, got 7", wrong(7))
    for _, name in ipairs { "", "a b", "a:", "a\n", "ä", 1 } do
      assert.matches("get: headers: .* is no header name", wrong { [name] = "x" })
    end
    for _, value in ipairs { "a\rb", "a\nb", "a\0b", 1.5, true, {} } do
      assert.matches("get: headers: X%-A: expected a string without CR, LF or NUL, got ", wrong { ["X-A"] = value })
    end
    for name, reason in pairs {
      Authorization = "pass `api_key`, `token` or `username` and `password` to `new`", Host = "pass `base_url` to `new`",
      CONNECTION = "the client keeps connections by itself", ["Content-Length"] = "it follows from the body",
      ["transfer-encoding"] = "it follows from the body", Expect = "the client never sends it",
    } do
      assert.equal(("get: headers: %s can't be set here; %s"):format(name, reason), wrong { [name] = "x" })
    end
  end)
end)

describe("a path", function()
  local function url_of(path) return sent(function() client:request("GET", path) end).url end

  it("goes below /api/v1, also where it names that", function()
    assert.equal(base .. "/scripts/1", url_of "/scripts/1")
    assert.equal(base .. "/scripts/1", url_of "/api/v1/scripts/1")
    assert.equal(base .. "/a-b.c_d~!$&'()*+,;=:@/%20%2b", url_of "/a-b.c_d~!$&'()*+,;=:@/%20%2b")
    assert.equal(base .. "/a/...", url_of "/a/...")
  end)

  it("is refused where it would mean another", function()
    local function wrong(path) return refused(client.request, client, "GET", path) end
    assert.equal("request: path: expected a path that starts with /, got nil", wrong(nil))
    assert.equal('request: path: expected a path that starts with /, got "x"', wrong "x")
    for _, path in ipairs { "/a?b", "/a#b" } do assert.matches("has a query; pass it as `query`", wrong(path)) end
    for _, path in ipairs { "/a b", "/a\"", "/a\0", "/ä", "/a[", "/%", "/%2", "/%g0", "/%0g", "/a%2", "/a%" } do
      assert.matches("holds a character that a path can't; percent-encode it", wrong(path), 1, true)
    end
    for _, path in ipairs { "/", "//", "/a/", "/a//b", "/.", "/..", "/a/../b", "/a/%2e", "/%2E%2e/b", "/.%2e", "/a%2fb", "/a%2Fb" } do
      assert.matches("has an empty segment, or one that climbs", wrong(path))
    end
  end)
end)
