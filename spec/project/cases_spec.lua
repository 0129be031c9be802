-- Cases as folders.
local cases = require "patchworks.project.cases"
local cjson = require "cjson"
local scratch = require "spec.support.scratch"

local folder

local function write(name, text)
  local path = folder .. "/" .. name
  scratch.write(path, text)
end

local function read(name)
  local file <close> = assert(io.open(folder .. "/" .. name, "rb"))
  return file:read "a"
end

before_each(function()
  folder = scratch.folder()
end)
after_each(function() scratch.remove(folder) end)

describe("project.cases", function()
  it("reads each folder as a case, in the order of the names", function()
    write("gb/payload.json", '{"a": 1}\n')
    write("gb/variables.json", '{"region":"gb"}')
    write("gb/flow.json", '{"variables":{"x":"1"}}')
    write("gb/expect.json", '{"b":2}')
    write("de/payload.xml", "<a>\r\n</a>")
    write("de/expect.txt", "b")
    write("empty/.keep", "")
    write("a-file", "")
    local list = assert(cases.find(folder))
    assert.equal(3, #list)
    assert.same({ "de", "empty", "gb" }, { list[1].name, list[2].name, list[3].name })
    assert.same({ "<a>\r\n</a>", "b" }, { list[1].payload, list[1].expect })
    assert.same({ nil, nil, nil, nil }, { list[2].payload, list[2].expect, list[2].variables, list[2].problem })
    assert.same({ '{"a": 1}\n', "gb", "1" }, { list[3].payload, list[3].variables.region, list[3].flow.variables.x })
    assert.same({ "gb" }, { assert(cases.find(folder, "gb"))[1].name })
  end)

  it("says what is wrong with a case, and where there is none", function()
    write("two/payload.json", "1")
    write("two/payload.txt", "1")
    write("list/variables.json", "[]")
    write("bad/expect.json", "{")
    for _, case in ipairs(cases.find(folder)) do
      local ok, problem = cases.judge(case, { payload = "1" })
      assert.is_false(ok)
      assert.truthy(problem:find(({ two = "a case has one payload", list = "expected an object", bad = "expect.json: line 1" })[case.name]))
    end
    assert.equal("file", select(2, cases.find(folder .. "/nowhere")).kind)
    assert.truthy(select(2, cases.find(folder, "nobody")).message:find "no such case")
  end)

  it("takes no folder whose name would begin another line of a report", function()
    assert(require("lfs").mkdir(folder .. "/bad\nok 2 - all"))
    local list = assert(cases.find(folder))
    assert.equal("bad\\nok 2 - all", list[1].name)
    assert.matches("control character in it: rename it", list[1].problem)
  end)

  it("compares JSON as JSON, with a difference by lines", function()
    write("x/expect.json", '{"total": 10.0, "lines": [{"sku": "A", "note": null}]}')
    local case = cases.find(folder)[1]
    assert.is_true(cases.judge(case, { payload = '{"lines":[{"note":null,"sku":"A"}],"total":10}' }))
    local ok, problem, shown = cases.judge(case, { payload = '{"lines":[{"sku":"A"}],"total":10}' })
    assert.same({ false, "payload.lines[1].note: expected null, got nothing" }, { ok, problem })
    assert.truthy(shown:find('\n-      "note": null,\n', 1, true), shown)
    assert.is_false(cases.judge(case, { payload = "hello" }))
    assert.is_false(cases.judge(case, {}))
    assert.same({ false, "it raised" }, { cases.judge(case, { failure = "it raised" }) })
  end)

  it("compares anything else byte by byte", function()
    write("x/expect.csv", "a,b\n")
    local case = cases.find(folder)[1]
    assert.is_true(cases.judge(case, { payload = "a,b\n" }))
    assert.is_false(cases.judge(case, { payload = "a,b" }))
    assert.is_false(cases.judge(case, { payload = "a, b\n" }))
  end)

  it("passes without an expectation when the script answers", function()
    write("x/payload.txt", "a")
    local case = cases.find(folder)[1]
    assert.is_true(cases.judge(case, {}))
    assert.is_false(cases.judge(case, { failure = "no" }))
  end)

  it("writes what came, and is then content with it", function()
    write("json/expect.json", "1")
    write("bytes/expect.csv", "old")
    write("none/payload.txt", "a")
    write("other/expect.json", "{}")
    local came = { json = '{"b":1,"a":2}', bytes = '{"b":1}', none = "<x/>", other = "text" }
    for _, case in ipairs(cases.find(folder)) do assert(cases.update(case, { payload = came[case.name] })) end
    for _, case in ipairs(cases.find(folder)) do assert.is_true(cases.judge(case, { payload = came[case.name] })) end
    assert.equal('{\n  "a": 2,\n  "b": 1\n}\n', read "json/expect.json")
    assert.same({ '{"b":1}', "<x/>", "text" }, { read "bytes/expect.csv", read "none/expect.xml", read "other/expect.txt" })
  end)

  it("keeps an invocation as a case that reads back", function()
    local path = assert(cases.save(folder .. "/new", "first", {
      payload = '{"b":1}', variables = { region = "gb" }, flow = { variables = { x = "1" } }, answer = "done",
    }))
    assert.equal(folder .. "/new/first", path)
    local case = cases.find(folder .. "/new", "first")[1]
    assert.same({ '{"b":1}', { region = "gb" }, { variables = { x = "1" } }, "done" }, { case.payload, case.variables, case.flow, case.expect })
    assert.truthy(select(2, cases.save(folder .. "/new", "first", {})).message:find "is there already")
    for _, name in ipairs { "", "../up", "a/b", ".hidden", "-x" } do
      assert.equal("file", select(2, cases.save(folder .. "/new", name, {})).kind)
    end
  end)
end)

describe("project.report", function()
  local report = require "patchworks.project.report"
  local results = {
    { name = "orders/gb", script = "orders", case = "gb", ok = true, seconds = 0.0123 },
    { name = "orders/d#e", script = "orders", case = "d#e", ok = false, seconds = 0.5, problem = "it's <not> 100 %",
      diff = "-a\n+b\1\n", path = "cases/orders/d,e/expect.json" },
  }

  it("is TAP", function()
    assert.equal([[
TAP version 14
1..2
ok 1 - orders/gb
  ---
  duration_ms: 12.3
  ...
not ok 2 - orders/d\#e
  ---
  duration_ms: 500.0
  message: |
    it's <not> 100 %
  diff: |
    -a
    +b]] .. "\1\n  ...\n", report.tap(results))
  end)

  it("is JUnit's XML that a parser takes", function()
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write(report.junit(results))
    file:close()
    local pipe = io.popen(([[python3 -c "
import json, xml.etree.ElementTree as tree
root = tree.parse('%s').getroot()
failure = root[1][0]
print(json.dumps([root.attrib, [each.attrib for each in root], failure.attrib['message'], failure.text]))"]]):format(path))
    local attributes, each, message, text = table.unpack(cjson.decode(pipe:read "a"))
    pipe:close()
    os.remove(path)
    assert.same({ "2", "1", "0.512" }, { attributes.tests, attributes.failures, attributes.time })
    assert.same({ "orders", "gb", "0.012" }, { each[1].classname, each[1].name, each[1].time })
    assert.same({ "it's <not> 100 %", "-a\n+b?\n" }, { message, text })
  end)

  it("is GitHub's annotations", function()
    assert.equal("::error file=cases/orders/d%2Ce/expect.json,title=orders/d#e::it's <not> 100 %25%0A-a%0A+b\1%0A\n2 cases, 1 failed\n",
      report.github(results))
  end)
end)
