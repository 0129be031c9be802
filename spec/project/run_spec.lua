-- Scripts of a project, run here: one, or all their cases on every core.
local cases = require "patchworks.project.cases"
local run = require "patchworks.project.run"
local scratch = require "spec.support.scratch"
local uv = require "luv"

local folder

local function write(name, text)
  local path = folder .. "/" .. name
  scratch.write(path, text)
  return { name = name:match "([^/]+)%.%w+$", file = name, path = path }
end

before_each(function()
  folder = scratch.folder()
end)
after_each(function() scratch.remove(folder) end)

local sources = {
  ["x.py"] = "def handle(data): return {'payload': data['payload'].upper() + data['variables']['a'], 'logs': ['ran']}",
  ["x.js"] = "module.exports = async (data) => ({ payload: data.payload.toUpperCase() + data.variables.a, logs: ['ran'] })",
  ["x.rb"] = "def handle(data) = { 'payload' => data['payload'].upcase + data['variables']['a'], 'logs' => ['ran'] }",
  ["x.php"] = "<?php function handle($data) { return ['payload' => strtoupper($data['payload']) . $data['variables']['a'], 'logs' => ['ran']]; }",
}

describe("project.run", function()
  it("runs each language's handler, and gives payload, logs, time and memory", function()
    for name, source in pairs(sources) do
      local outcome = run.once(write(name, source), { payload = "abc", variables = { a = "!" } })
      assert.same({ nil, "ABC!", "ran" }, { outcome.failure, outcome.payload, outcome.logs[1] })
      assert.is_true(outcome.seconds > 0 and math.type(outcome.memory_bytes) == "integer", name)
    end
  end)

  it("says the script's own line when it raises", function()
    local outcome = run.once(write("scripts/bad.py", "import json\n\ndef handle(data):\n    return data['nope']\n"), {})
    assert.equal("scripts/bad.py:4: KeyError: 'nope'", outcome.failure)
    outcome = run.once(write("bad.rb", "def handle(data)\n  raise 'no'\nend\n"), {})
    assert.truthy(outcome.failure:find("bad.rb:2: ", 1, true), outcome.failure)
  end)

  it("says a place once, as it is in the script's own file", function()
    local script = write("scripts/bad.rb", "x = 1\n\ndef handle(\n")
    local outcome = run.once(script, {})
    assert.equal("scripts/bad.rb:3: SyntaxError: syntax error, unexpected end-of-input, expecting ')'", outcome.failure:match "[^\n]*")
    local results = run.cases { { script = script, cases = {} } }
    assert.equal("scripts/bad.rb:3: syntax error, unexpected end-of-input, expecting ')'", results[1].problem:match "[^\n]*")
    results = run.cases { { script = write("script.js", "\nlet a = = 1"), cases = {} } }
    local _, places = results[1].problem:gsub("script%.js:2", "")
    assert.equal(1, places, results[1].problem)
    if not require("patchworks.runner").find "go" then return pending "go isn't installed" end
    results = run.cases { { script = write("scripts/bad.go", "package main\n\nfunc handle(data string) string { return x + y }\n"), cases = {} } }
    assert.equal("scripts/bad.go:3:42: undefined: x\nscripts/bad.go:3:46: undefined: y", results[1].problem)
  end)

  it("runs a script in the language that the project says, and its version", function()
    local script = write("old.txt", "def handle(data): return {'payload': 'ran'}")
    script.language = "python3"
    assert.equal("ran", run.once(script, {}).payload)
    assert.is_true(run.cases({ { script = script, cases = {} } })[1].ok)
    script.language = "python2.5"
    local outcome = run.once(script, {})
    assert.same({ "missing", nil }, { outcome.kind, outcome.payload })
    assert.matches("there is no Python 2.5 on this machine", run.cases({ { script = script, cases = {} } })[1].problem, 1, true)
  end)

  it("gives a payload that is no string as JSON, and no payload as none", function()
    local outcome = run.once(write("x.py", "def handle(data): return {'payload': {'b': [1, None], 'a': 1.0}}"), {})
    assert.equal('{\n  "a": 1,\n  "b": [\n    1,\n    null\n  ]\n}', outcome.payload)
    assert.is_nil(run.remote_outcome({}, { body = "{}" }).payload)
    assert.truthy(run.once(write("z.py", "def handle(data): return 5"), {}).failure:find "no object")
    assert.equal("file", run.once({ name = "q", file = "q.py", path = folder .. "/q.py" }, {}).kind)
  end)

  -- The last of them expects something else.
  local function make_cases(count)
    local script = write("x.py", "def handle(data): return {'payload': data['payload'] * 2}\n")
    for i = 1, count do
      write(("cases/c%03d/payload.txt"):format(i), ("<%d>"):format(i))
      write(("cases/c%03d/expect.txt"):format(i), i == count and "wrong" or ("<%d><%d>"):format(i, i))
    end
    return { { script = script, cases = assert(cases.find(folder .. "/cases")) } }
  end

  it("runs cases side by side, and gives results in their order", function()
    local told = 0
    local results = run.cases(make_cases(4), { on_result = function() told = told + 1 end })
    assert.same({ 4, 4 }, { told, #results })
    for i, result in ipairs(results) do
      assert.same({ ("x/c%03d"):format(i), i ~= 4 }, { result.name, result.ok })
      assert.equal(not result.ok, result.diff ~= nil)
    end
    assert.truthy(results[4].path:find "c004/expect%.txt$")
  end)

  it("writes what came, and passes then", function()
    local results = run.cases(make_cases(2), { update = true })
    assert.truthy(results[2].ok and results[2].updated:find "c002/expect%.txt$")
    assert.is_nil(results[1].updated)
    local again = { assert(cases.find(folder .. "/cases"))[2] }
    assert.is_true(run.cases({ { script = { name = "x", file = "x.py", path = folder .. "/x.py" }, cases = again } })[1].ok)
  end)

  it("goes on in luv's loop, and ends there or when it is cancelled", function()
    local ended = false
    local results = run.cases(make_cases(3), { in_loop = true, on_end = function() ended = true end })
    uv.run()
    assert.same({ 3, true }, { #results, ended })
    local script = write("slow.py", "import time\ndef handle(data): time.sleep(60)\n")
    local began = os.time()
    local pool
    results, pool = run.cases({ { script = script, cases = { { name = "a", folder = folder }, { name = "b", folder = folder } } } },
      { in_loop = true, on_end = function() error "it did not end" end })
    local timer = uv.new_timer()
    uv.update_time()
    timer:start(50, 0, function()
      pool:cancel()
      timer:close()
    end)
    uv.run()
    assert.same({ 0, true }, { #results, os.time() - began < 30 })
  end)

  it("checks a script that has no cases", function()
    local good, bad = write("good.js", "module.exports = (data) => data"), write("bad.py", "x = 1\ndef (\n")
    local results = run.cases { { script = good, cases = {} }, { script = bad, cases = {} } }
    assert.same({ true, false }, { results[1].ok, results[2].ok })
    assert.truthy(results[2].problem:find("bad.py:2", 1, true), results[2].problem)
  end)
end)
