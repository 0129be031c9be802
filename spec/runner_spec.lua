-- Scripts run by the handler contract, with no service.
local cjson = require "cjson"
local lua = require "spec.support.lua"
local runner = require "patchworks.runner"
local scratch = require "spec.support.scratch"
local uv = require "luv"

local function result_of(given)
  local run <close> = assert(runner.start(given))
  assert.is_true(run:wait(60))
  return run:result()
end

local function python(source, given)
  given = given or {}
  given.language, given.source = "python", source
  return result_of(given)
end

describe("the runner", function()
  it("gives the handler its data and takes answer, logs and output", function()
    local result = python(
      'def handle(data):\n  print("hello")\n  return {"payload": "out", "got": data, "logs": ["one", 2, {"b": None}]}',
      { payload = 'in "é"\n', variables = { region = "eu", list = { 1, true } }, meta = { id = 7, none = {} }, flow = '{"variables":{"a":"b"}}' }
    )
    assert.is_nil(result.error)
    local answer = cjson.decode(result.answer)
    assert.same({
      payload = 'in "é"\n',
      variables = { region = "eu", list = { 1, true } },
      meta = { id = 7, none = {} },
      flow = { variables = { a = "b" } },
    }, answer.got)
    assert.same({ "one", "2", '{"b": null}' }, result.logs)
    assert.equal("hello\n", result.output)
    assert.equal(0, result.exit_code)
    assert.is_true(result.seconds > 0)
  end)

  local scripts = {
    python = { good = "def handle(data): return data", bad = "\ndef handle(:", raises = "def handle(data):\n  raise ValueError('no')", message = "ValueError: no" },
    javascript = { good = "module.exports = async (data) => data", bad = "\nlet a = = 1", raises = "module.exports = () => {\n  throw new Error('no')\n}", message = "Error: no" },
    php = { good = "<?php function handle($data) { return $data; }", bad = "<?php\nfunction (", raises = "<?php function handle($data) {\n  throw new Exception('no'); }", message = "Exception: no" },
    ruby = { good = "def handle(data) = data", bad = "\ndef handle(\n", raises = "def handle(data)\n  raise 'no'\nend", message = "RuntimeError: no" },
  }

  for name, script in pairs(scripts) do
    it("runs and checks " .. name .. ", and says in which line it fails", function()
      local result = result_of { language = name, source = script.good, payload = "x" }
      assert.is_nil(result.error, result.errors)
      assert.equal("x", cjson.decode(result.answer).payload)
      assert.is_true(runner.check(name, script.good))
      local good, problem = runner.check(name, script.bad)
      assert.is_nil(good)
      assert.equal("syntax", problem.kind)
      assert.equal(2, problem.line, problem.message)
      result = result_of { language = name, source = script.raises }
      assert.same({ kind = "raised", message = script.message, line = 2 }, result.error)
      assert.is_nil(result.answer)
    end)
  end

  it("awaits what a Python handler gives, whatever can be awaited", function()
    for _, source in ipairs {
      "async def handle(data): return 'x'",
      "import types\n@types.coroutine\ndef handle(data):\n  return 'x'\n  yield",
      "class Later:\n  def __await__(self):\n    return 'x'\n    yield\ndef handle(data): return Later()",
    } do
      local result = python(source)
      assert.equal('"x"', result.answer, result.errors)
    end
    assert.matches("^TypeError: .*generator", python("def handle(data): yield 'x'").error.message)
  end)

  it("has a Python script's module among the others, where pickle and type hints look for it", function()
    local result = python(
      "import pickle\nclass Order: number = 7\ndef handle(data):\n  return [pickle.loads(pickle.dumps(Order())).number, __name__, __file__]"
    )
    assert.is_nil(result.error, result.errors)
    assert.same({ 7, "script", "script.py" }, cjson.decode(result.answer))
  end)

  it("tells of a Python script's memory that ended", function()
    -- Most of it is reserved and never touched (its zeroes are the system's); what is left goes in small pieces.
    local result = python [[
def handle(data):
  kept = []
  try:
    while True: kept.append(bytes(1 << 24))
  except MemoryError: pass
  while True: kept.append(bytes(1 << 12))
]]
    assert.same({ kind = "raised", message = "MemoryError", line = 6 }, result.error, result.errors)
  end)

  it("checks a source that is good once", function()
    local folder = scratch.folder()
    finally(function()
      uv.os_unsetenv "PATCHWORKS_PHP"
      scratch.remove(folder)
    end)
    local function answer_with(code)
      assert(uv.fs_chmod(scratch.write(folder .. "/php", "#!/bin/sh\nexit " .. code .. "\n"), tonumber("755", 8)))
    end
    uv.os_setenv("PATCHWORKS_PHP", folder .. "/php")
    answer_with(1)
    assert.is_nil((runner.check("php", "one")))
    answer_with(0)
    assert.is_true(runner.check("php", "one")) -- what is bad is checked again
    answer_with(1)
    assert.is_true(runner.check("php", "one"))
    assert.is_nil((runner.check("php", "another")))
    assert.is_not_nil(result_of({ language = "php", source = "one" }).error) -- and it runs each time
  end)

  it("takes a file, whose name tells the language", function()
    local folder = scratch.folder()
    local result = result_of { file = scratch.write(folder .. "/orders.py", "def handle(data): return {'payload': 'from a file'}") }
    scratch.remove(folder)
    assert.equal("from a file", cjson.decode(result.answer).payload)
    local run, problem = runner.start { file = "/nowhere/orders.py" }
    assert.is_nil(run)
    assert.matches("/nowhere/orders.py: No such file", problem)
  end)

  it("refuses what it can't use", function()
    assert.error_matches(function() runner.start { source = "x" } end, "language")
    assert.error_matches(function() runner.start { language = "cobol", source = "x" } end, "cobol")
    assert.error_matches(function() runner.start { language = "python" } end, "source")
    assert.error_matches(function() runner.start { language = "python", source = "x", payload = 1 } end, "payload")
    assert.error_matches(function() runner.start { language = "python", source = "x", variables = { print } } end, "variables")
    assert.error_matches(function() runner.start { language = "python", source = "x", meta = { a = 0 / 0 } } end, "meta")
    assert.error_matches(function() runner.start { language = "python", source = "x", timeout = -1 } end, "timeout")
  end)

  it("says which languages there are, and their versions", function()
    local known = {}
    for _, language in ipairs(runner.languages()) do known[language.name] = language end
    assert.matches("^3%.%d", known.python.version)
    assert.matches("python3$", known.python.program)
    for name in pairs(scripts) do assert.matches("^%.", known[name].ending) end
  end)

  it("runs many at once, and tells by a descriptor when there is news", function()
    local runs = {}
    for i = 1, 6 do
      runs[i] = assert(runner.start { language = "python", source = "def handle(data): return data", payload = tostring(i) })
      assert.is_true(math.type(runs[i]:fd()) == "integer")
    end
    for i = 6, 1, -1 do
      assert.is_true(runs[i]:wait(60))
      assert.equal(tostring(i), cjson.decode(runs[i]:result().answer).payload)
      runs[i]:close()
      assert.is_nil(runs[i]:fd())
    end
  end)

  it("is hosted by luv's loop", function()
    local path = scratch.write(os.tmpname(), [[
      local uv = require "luv"
      local runner = require "patchworks.runner"
      local run <close> = assert(runner.start { language = "python", source = "def handle(data): return data", payload = "x" })
      local poll = uv.new_poll(run:fd())
      poll:start("r", function()
        if run:done() then poll:close() end
      end)
      uv.run()
      print(run:result().answer)
    ]])
    local pipe = io.popen(("exec timeout 30 %s %s 2>&1"):format(lua, path))
    assert.matches('"payload": "x"', pipe:read "a")
    assert.is_true(pipe:close())
    os.remove(path)
  end)

  it("stops at its time, and when it is told to", function()
    local forever = "import time\ndef handle(data):\n  while True: time.sleep(1)"
    local result = python(forever, { timeout = 0.3 })
    assert.equal("timeout", result.error.kind)
    assert.matches("0%.3 seconds", result.error.message)
    local run <close> = assert(runner.start { language = "python", source = forever })
    assert.is_false(run:wait(0.05))
    assert.is_nil(run:result())
    run:cancel()
    assert.equal("cancelled", run:result().error.kind)
  end)
end)
