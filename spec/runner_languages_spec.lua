-- Languages whose scripts are built, and versions of an interpreter. How building goes is shown by a compiler that is
-- none, so that it is shown everywhere; the real ones run where they are installed.
local cjson = require "cjson"
local runner = require "patchworks.runner"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local uv = require "luv"

local function result_of(given)
  local run <close> = assert(runner.start(given))
  assert.is_true(run:wait(240))
  return run:result()
end

-- Writes a program for a shell.
local function write_program(path, text)
  scratch.write(path, text)
  assert(uv.fs_chmod(path, tonumber("755", 8)))
end

-- What it builds answers with the script's text; it notes each time that it is asked to.
local compiler = [[
#!/bin/sh
[ "$1" != --version ] || { echo "rustc 1.82.0 (a day)"; exit; }
echo built >>FOLDER/times
! grep -q BAD script.rs || { echo "script.rs:2:5: error: bad" >&2; exit 1; }
! grep -q SLOW script.rs || sleep 60
! grep -q LOUD script.rs || head -c 9000000 /dev/zero
printf '#!/bin/sh\ntest -t 0\nprintf "answer\\0{\\"payload\\":\\"%%s\\"}\\0a log" "$(cat script.rs 2>/dev/null || echo built)" >result\n' >program
chmod +x program
]]

describe("a language whose scripts are built", function()
  local folder
  before_each(function()
    folder = scratch.folder()
    for _, path in ipairs { folder, scratch.write(folder .. "/times", "") } do assert(uv.fs_chmod(path, tonumber("777", 8))) end
    write_program(folder .. "/bin/rustc", compiler:gsub("FOLDER", folder))
    uv.os_setenv("PATCHWORKS_RUST", folder .. "/bin/rustc")
  end)
  after_each(function()
    uv.os_unsetenv "PATCHWORKS_RUST"
    scratch.remove(folder)
  end)

  local function times()
    local count = 0
    for _ in io.lines(folder .. "/times") do count = count + 1 end
    return count
  end

  it("is built once for each source, by a run or by a check", function()
    local source = "fn handle() {} // " .. folder
    local given = { language = "rust", source = source, isolated = false }
    for _ = 1, 2 do
      local result = result_of(given)
      assert.is_nil(result.error, result.errors)
      assert.equal("built", cjson.decode(result.answer).payload) -- the source isn't there any more
      assert.same({ "a log" }, result.logs)
    end
    assert.equal(1, times())
    assert.is_true(runner.check("rust", source))
    assert.equal(1, times())
    assert.is_nil(result_of({ language = "rust", source = source .. "\n", isolated = false }).error)
    assert.equal(2, times())
  end)

  it("sees what was built in namespaces of its own too", function()
    local result = result_of { language = "rust", source = "fn handle() {} // isolated " .. folder }
    assert.is_nil(result.error, result.errors)
    assert.equal("built", cjson.decode(result.answer).payload)
  end)

  it("says what the compiler says, and where", function()
    local bad = "fn handle() {}\nBAD"
    assert.same({ kind = "raised", message = "script.rs:2:5: error: bad", line = 2 }, result_of({ language = "rust", source = bad }).error)
    local good, problem = runner.check("rust", bad)
    assert.is_nil(good)
    assert.same({ kind = "syntax", message = "script.rs:2:5: error: bad", line = 2 }, problem)
    good, problem = runner.check("rust", "fn main() {}")
    assert.is_nil(good)
    assert.equal("the script has no function handle(data)", problem.message)
  end)

  it("can be cancelled while it is built, and leaves nothing", function()
    local run <close> = assert(runner.start { language = "rust", source = "fn handle() {} // SLOW " .. folder })
    assert.is_false(run:wait(0.3))
    run:cancel()
    assert.equal("cancelled", run:result().error.kind)
  end)

  it("is bounded while it is built", function()
    local result = result_of { language = "rust", source = "fn handle() {} // LOUD " .. folder }
    assert.same({ kind = "output", message = "what builds the script wrote more than 8 MB" }, result.error)
  end)

  it("is built when it is deployed, and called when it is invoked", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 0 })
    local client <close> = server:client()
    local versions = client.script_versions
    local script = server:create_script { name = "Orders", language = "rust1.82" }
    assert.equal("rust1.82", server:scripts()[#server:scripts()].language)
    local bad = assert(versions:create(script.id, { content = "fn handle() {}\nBAD" }))
    local _, problem = versions:deploy_and_wait(bad.id, { interval = 0.02 })
    assert.equal("deployment_failed", problem.kind)
    assert.matches("script.rs:2:5: error: bad", problem.message, 1, true)
    local good = assert(versions:create(script.id, { content = "fn handle() {} // deployed" .. folder }))
    assert(versions:deploy_and_wait(good.id, { interval = 0.02 }))
    assert.equal("built", assert(versions:invoke(good.id)).payload)
  end)
end)

describe("a version of the interpreter", function()
  local here
  setup(function()
    local pipe <close> = assert(io.popen(runner.find "python" .. " --version"))
    here = pipe:read("l"):match "^Python ([%d.]+)"
  end)
  after_each(function() uv.os_unsetenv "PATCHWORKS_PYTHON" end)

  it("is the one that is asked for", function()
    local source = "import sys\ndef handle(data): return {'payload': '%d.%d.%d' % sys.version_info[:3]}"
    local wanted = here:match "^%d+%.%d+"
    local result = result_of { language = "python" .. wanted, source = source }
    assert.is_nil(result.error, result.errors)
    assert.matches("^" .. wanted:gsub("%.", "%%.") .. "%.", cjson.decode(result.answer).payload)
    assert.equal(runner.find "python", runner.find "python3")
    assert.is_true(runner.check("python" .. wanted, source))
  end)

  it("that isn't here is an error that names those that are", function()
    local result = result_of { language = "python2.5", source = "x" }
    assert.equal("missing", result.error.kind)
    assert.matches("there is no Python 2.5 on this machine: install it, or take what is here (" .. here, result.error.message, 1, true)
    local path, problem = runner.find "python2.5"
    assert.is_nil(path)
    assert.equal(result.error.message, problem)
    for _, name in ipairs { "python3.", "python.3", "python-3", "python3.1.1.1.1.1.1.1.1.1", "cobol85" } do
      assert.error_matches(function() runner.start { language = name, source = "x" } end, "language: no language is called " .. name, 1, true)
    end
  end)

  it("3.1 isn't 3.11", function()
    local path = runner.find("python" .. here:match "^%d+%.%d")
    if here:find "^%d+%.%d%d" then assert.is_nil(path) else assert.is_string(path) end
  end)

  it("is the owner's, where a variable names the program", function()
    local folder = scratch.folder()
    local program = folder .. "/python3"
    write_program(program, "#!/bin/sh\necho Python 3.99.1\n")
    uv.os_setenv("PATCHWORKS_PYTHON", program)
    assert.equal(program, runner.find "python")
    assert.equal(program, runner.find "python3.99")
    uv.os_setenv("PATCHWORKS_PYTHON", folder .. "/nothing")
    local path, problem = runner.find "python"
    assert.is_nil(path)
    assert.equal(("PATCHWORKS_PYTHON names %s/nothing, which is no program that can be run: give a whole path, or take it away"):format(folder), problem)
    scratch.remove(folder)
  end)

  it("is a script's in the sandbox, and in its fixtures", function()
    local server <close> = assert(sandbox.start {
      deploy_seconds = 0,
      seed = { scripts = { { id = 3, language = "python2.5", versions = { { id = 7, content = "x = 1" } } }, { id = 4, language = "node20" } } },
    })
    local client <close> = server:client()
    local _, problem = client.script_versions:deploy_and_wait(7, { interval = 0.02 })
    assert.matches("there is no Python 2.5 on this machine", problem.message, 1, true)
    for _, name in ipairs { "python.2", "python2.", "cobol", "python2x" } do
      assert.error_matches(function() server:seed { scripts = { { language = name } } } end, "language must be one of")
      assert.error_matches(function() server:create_script { name = "x", language = name } end, "perhaps with a version behind it")
    end
  end)
end)

describe("C#, Go and Rust", function()
  local scripts = {
    csharp = {
      good = [[
using System.Collections.Generic;

public class Script
{
    public object Handle(dynamic data)
    {
        System.Console.WriteLine("hello");
        if (data["payload"] == "raise") throw new System.ArgumentException("no");
        data["flow"]["variables"]["a"] = "c";
        IDictionary<string, object> answer = data;
        answer["logs"] = new object[] { "one", null, 2, new { b = true } };
        return answer;
    }
}
]],
      -- Text for text, and for a task; and there may be a Main.
      other = [[
using System.Threading.Tasks;

class Any
{
    static async Task<string> handle(string data) { await Task.Yield(); return data; }
    static void Main() { }
}
]],
      bad = "public class Script {\n  public object Handle(dynamic data) { return nothing; }\n}",
      message = "ArgumentException: no", line = 8,
    },
    go = {
      -- Its data and answer have a type; the example of a project has a map, and an error.
      good = [[
package function

import (
	"fmt"
	"strconv"
	"syscall"
)

type data struct {
	Payload   string                       `json:"payload"`
	Variables interface{}                  `json:"variables"`
	Meta      interface{}                  `json:"meta"`
	Flow      map[string]map[string]string `json:"flow"`
	Logs      []interface{}                `json:"logs"`
}

func handle(given data) data {
	fmt.Println("hello")
	var last []byte
	for taken := 0; given.Payload == "memory"; taken += 1 << 24 {
		block, problem := syscall.Mmap(-1, 0, 1<<24, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if problem != nil {
			syscall.Munmap(last) // room to say it
			given.Payload = strconv.Itoa(taken)
		}
		last = block
	}
	for given.Payload == "time" {
	}
	if given.Payload == "room" {
		var about syscall.Statfs_t
		syscall.Statfs(".", &about)
		given.Payload = strconv.FormatUint(about.Blocks*uint64(about.Bsize), 10)
	}
	if given.Payload == "raise" {
		_ = given.Variables.(int)
	}
	given.Flow["variables"]["a"] = "c"
	given.Logs = []interface{}{"one", nil, 2, map[string]bool{"b": true}}
	return given
}
]],
      bad = "package main\nfunc handle(data string) string { return nothing }\n",
      message = "panic: interface conversion: interface {} is map[string]interface {}, not int", line = 36,
    },
    rust = {
      good = "use serde_json::{json, Value};\n\npub fn handle(mut data: serde_json::Value) -> Value {\n    println!(\"hello\");\n"
        .. "    if data[\"payload\"].as_str() == Some(\"raise\") {\n        panic!(\"no\")\n    }\n"
        .. "    data[\"flow\"][\"variables\"][\"a\"] = json!(\"c\");\n    data[\"logs\"] = json!([\"one\", null, 2, {\"b\": true}]);\n    data\n}\n",
      -- The example of a project answers with a Result.
      bad = "use serde_json::Value;\nfn handle(data: Value) -> Value { nothing }\n",
      message = "panic: no", line = 6,
    },
  }

  -- A word for why it can't be tried here, or nil.
  local function missing(name)
    local path, problem = runner.find(name)
    return not path and problem
  end

  for name, script in pairs(scripts) do
    it("runs " .. name .. ", with its data, logs and output", function()
      if missing(name) then return pending(missing(name)) end
      local given = { language = name, source = script.good, payload = 'in "é" \u{1F600}\n\t\\', variables = { n = 1.5, list = { 1, true } }, flow = { variables = { a = "b" } } }
      local result = result_of(given)
      assert.is_nil(result.error, result.error and result.error.message)
      local answer = cjson.decode(result.answer)
      assert.same({ payload = given.payload, variables = given.variables, meta = {}, flow = { variables = { a = "c" } } },
        { payload = answer.payload, variables = answer.variables, meta = answer.meta, flow = answer.flow })
      assert.same({ "one", "2", '{"b":true}' }, result.logs)
      assert.equal("hello\n", result.output)
      if script.other then
        result = result_of { language = name, source = script.other, payload = "x" }
        assert.is_nil(result.error, result.error and result.error.message)
        assert.equal("x", cjson.decode(result.answer).payload)
      end
    end)

    it("says in which line " .. name .. " fails", function()
      if missing(name) then return pending(missing(name)) end
      local good, problem = runner.check(name, script.bad)
      assert.is_nil(good)
      assert.same({ "syntax", 2 }, { problem.kind, problem.line }, problem.message)
      assert.matches("nothing", problem.message)
      local raised = result_of { language = name, source = script.good, payload = "raise" }
      assert.same({ kind = "raised", message = script.message, line = script.line }, raised.error)
      assert.matches("the script has no", (result_of { language = name, source = "" }).error.message)
    end)
  end

  it("are bounded as the others are", function()
    if missing "go" then return pending(missing "go") end
    local result = result_of { language = "go", source = scripts.go.good, payload = "memory" }
    assert.is_nil(result.error, result.error and result.error.message)
    assert.is_true(tonumber(cjson.decode(result.answer).payload) <= 768 * 1024 * 1024, result.answer)
    result = result_of { language = "go", source = scripts.go.good, payload = "time", timeout = 0.2 }
    assert.equal("timeout", result.error.kind)
    assert.matches("the script ran longer than 0.2 seconds", result.error.message, 1, true)
  end)

  it("have no more room for files than the others, once they are built", function()
    if missing "go" then return pending(missing "go") end
    local result = result_of { language = "go", source = scripts.go.good, payload = "room" }
    assert.is_nil(result.error, result.error and result.error.message)
    if result.isolated then assert.is_true(tonumber(cjson.decode(result.answer).payload) <= 65 * 1024 * 1024, result.answer) end
  end)

  it("have an example whose case passes, and which answers with an error where it must", function()
    local start = require "patchworks.project.start"
    local projects = require "patchworks.project"
    for name in pairs(scripts) do
      local program = runner.find(name)
      -- The example is for .NET: Mono has no JSON.
      if program and not program:find "mcs$" then
        local folder = scratch.folder()
        local source = assert(start.from_nothing(folder, { language = name }))[2]
        local project <close> = assert(projects.load(folder .. "/patchworks.project.lua"))
        local results, failed = project:test()
        assert.equal(0, failed, results[1].problem)
        assert.equal(1, #results)
        local refused = result_of { file = folder .. "/" .. source, payload = "no order" }
        assert.is_nil(refused.answer)
        assert.equal("raised", refused.error.kind)
        scratch.remove(folder)
      end
    end
  end)
end)
