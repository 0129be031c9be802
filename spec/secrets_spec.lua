-- Keys, tokens and passwords turn up nowhere.
local answers = require "spec.support.answers"
local cjson = require "cjson"
local core = require "patchworks.core"
local lua = require "spec.support.lua"
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

local key, password = "k3y-that-is-secret", "pa55word-that-is-secret"

-- Fails when a secret is in a value, or in anything that it holds, as text, field or metatable.
local function assert_clean(value, where, seen)
  seen = seen or {}
  if type(value) == "string" then
    assert.is_nil(value:find("that-is-secret", 1, true), where .. ": " .. value)
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    assert_clean(tostring(value), where .. " (tostring)", seen)
    for name, each in pairs(value) do
      assert_clean(name, where, seen)
      assert_clean(each, where .. "." .. tostring(name), seen)
    end
    assert_clean(getmetatable(value), where .. " (metatable)", seen)
  end
end

describe("a secret", function()
  local server, events
  before_each(function()
    server = assert(sandbox.start { key = key, password = password })
    events = {}
  end)
  after_each(function() server:close() end)

  local function client(options)
    options.base_url = server.url
    options.max_attempts = 2
    options.on_event = function(event) events[#events + 1] = event end
    return patchworks.new(options)
  end

  local function try(one)
    local errors = {}
    for _, fault in ipairs { "drop_before", "garbage", "truncate", "status" } do
      server:fail { operation = "get", how = fault, times = 2 }
      local _, err = one.script_versions:get(1)
      errors[#errors + 1] = err
    end
    assert.is_true(#errors >= 4)
    return errors
  end

  it("is in no error and no event", function()
    for _, options in ipairs { { api_key = key }, { token = "t0ken-that-is-secret" }, { username = server.username, password = password },
      { username = server.username, password = "wrong-that-is-secret" } } do
      local one <close> = client(options)
      assert_clean(try(one), "errors")
      assert_clean(events, "events")
      assert_clean(tostring(one), "the client")
      assert_clean(one:stats(), "stats")
    end
  end)

  it("is in no field of the client", function()
    local one <close> = client { username = server.username, password = password }
    assert(one.script_versions:create(1, { content = "x" }))
    assert_clean(one, "client")
    local other <close> = client { api_key = key }
    other.script_versions:get(1)
    assert_clean(other, "client")
  end)

  it("that the service echoes is taken out of the error", function()
    local one <close> = client { api_key = key }
    for _, body in ipairs {
      ('{"message":"bad key %s, really %s"}'):format(key, key),
      ('{"message":"no","errors":{"key":["%s"],"%s":["x"]}}'):format(key, key),
      ("<html>%s</html>"):format(key),
    } do
      server:fail { operation = "get", how = "status", status = 422, body = body }
      local _, err = one.script_versions:get(1)
      assert_clean(err, "error")
      local shown = tostring(err) .. err.response.body .. tostring(err.errors and next(err.errors))
      assert.truthy(shown:find("[redacted]", 1, true))
    end
  end)

  it("that the service echoes as JSON has it is taken out too", function()
    local odd = 'a/b"c-that-is-secret'
    for _, form in ipairs { [[a\/b\"c-that-is-secret]], [[a/b\"c-that-is-secret]] } do
      local one <close> = client { token = odd }
      server:fail { operation = "get", how = "status", status = 403, body = ('{"message":"not you, %s"}'):format(form) }
      local _, err = one.script_versions:get(1)
      assert.equal("not you, [redacted]", err.message)
      assert_clean(err, "the error")
    end
  end)

  it("that the service echoes in odd escapes is replaced, or withheld with the text that it is in", function()
    local odd = [[p\u{e4}\065\x35word&#45that%2dis\u002DSECRET]]
    local body = cjson.encode { message = "no, " .. odd, errors = { x = { { k = odd } } } }
    local service <close> = answers { ("HTTP/1.1 422 No\r\nRetry-After: %s\r\nContent-Length: %d\r\n\r\n%s"):format(odd, #body, body) }
    local path = os.tmpname()
    os.remove(path) -- what others could read is not written to
    local err
    do
      local one <close> = patchworks.new { base_url = service.peer.url, api_key = "p\u{e4}55word-that-is-secret", max_attempts = 1,
        record_file = path }
      err = select(2, one.script_versions:get(1))
    end
    local withheld = "[withheld: a credential is in it]"
    assert.same({ withheld, withheld, withheld }, { err.message, err.response.body, err.response.headers["retry-after"] })
    assert.same({ x = { { k = withheld } } }, err.errors)
    local file <close> = io.open(path)
    local recorded = file:read "a"
    os.remove(path)
    assert.is_nil(recorded:lower():find("is\\u002d", 1, true))
    assert.truthy(recorded:find(('"retry-after":"%s"'):format(withheld), 1, true))
    assert.truthy(recorded:find('"withheld":"a credential is in it"', 1, true))
  end)

  it("with a newline is refused without being shown", function()
    for _, options in ipairs { { api_key = key .. "\n" }, { token = key .. "\r" }, { username = "u", password = key .. "\0" } } do
      local ok, message = pcall(patchworks.new, options)
      assert.is_false(ok)
      assert_clean(message, "message")
    end
  end)

  it("is in no argument of a process", function()
    local one <close> = client { api_key = key }
    one.script_versions:get(1)
    local pipe <close> = io.popen "ps -eo args"
    assert_clean(pipe:read "a", "ps")
  end)

  it("is overwritten in the core's memory when its headers go", function()
    local path = os.tmpname()
    local script <close> = io.open(path, "w")
    script:write [[
      local core = require "patchworks.core"
      local headers = core.headers { "Authorization: " .. ("marked"):rep(3) .. "-header" }
      print "1" io.stdout:flush() io.read()
      headers = nil
      collectgarbage()
      print "2" io.stdout:flush() io.read()
    ]]
    script:flush()
    -- Counts how often the header's line is in the child's memory, before and after.
    local program = [[
import re, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
def count():
    child.stdout.readline()
    total = 0
    with open(f"/proc/{child.pid}/maps") as maps, open(f"/proc/{child.pid}/mem", "rb", 0) as memory:
        for line in maps:
            area = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if area and "[v" not in line:
                start, end = (int(text, 16) for text in area.groups())
                if end - start > 1 << 30: continue
                try:
                    memory.seek(start)
                    total += memory.read(end - start).count(b"Authorization: " + b"marked" * 3 + b"-header")
                except OSError:
                    pass
    child.stdin.write("\n")
    child.stdin.flush()
    return total
print(count(), count())
]]
    local python_path = os.tmpname()
    local python <close> = io.open(python_path, "w")
    python:write(program)
    python:flush()
    local pipe <close> = io.popen(("python3 %s %s %s"):format(python_path, lua, path))
    local before, after = pipe:read("n", "n")
    os.remove(path)
    os.remove(python_path)
    -- One is Lua's own string, which is not ours to overwrite.
    assert.equal(1, before - after)
  end)

  it("has no way around: the core keeps none in what it shows", function()
    assert_clean(tostring(core.headers { "Authorization: " .. key }), "headers")
  end)
end)
