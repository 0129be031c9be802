-- Plans: what they refuse, how they are kept, and what applying them tests.
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"

local server, client, versions
local fast = 0.02

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client()
  versions = client.script_versions
end)
after_each(function()
  client:close()
  server:close()
end)

local function source(word) return ("def handle(data): return {'payload': '%s'}\n"):format(word) end

local function problem_of(manifest)
  local ok, message = pcall(client.plan, client, manifest)
  assert.is_false(ok)
  return message
end

describe("a manifest", function()
  local one = { id = 1, name = "orders", content = "x" }

  it("has no hole, and no names in its list", function()
    assert.matches("script 2 of the manifest is nil", problem_of { scripts = { one, nil, { id = 2, content = "y" } } })
    assert.matches("script 1 of the manifest is nil", problem_of { scripts = { nil, one } })
    assert.matches('`scripts` is a list, and has "orders" in it', problem_of { scripts = { one, orders = one } })
    assert.matches("names no script", problem_of { scripts = {} })
    assert.equal(0, server:count())
  end)

  it("has its scripts' names in errors", function()
    assert.matches("%(orders%): unknown option `fiel`", problem_of { scripts = { { id = 1, name = "orders", fiel = "x" } } })
    assert.matches("%(orders%).*test: unknown option", problem_of {
      scripts = { { id = 1, name = "orders", content = "x", test = { expcet = 1 } } },
    })
    local _, err = client:plan { scripts = { { id = 99, name = "stock", content = "x" } } }
    assert.same({ "not_found", 99 }, { err.kind, tonumber(err.failures[1].item.id) })
    assert.matches("^script 99 %(stock%): ", err.message)
  end)

  it("takes what a test sends and expects from files beside it", function()
    local folder = scratch.folder()
    local function write(name, text) scratch.write(folder .. "/" .. name, text) end
    write("a.py", "def handle(data): return {'payload': data['payload']}\n")
    write("in.json", '{"b": [1, 2],\n "a": 1}\n')
    write("out.json", '{"a":1,"b":[1,3]}\n')
    write("m.lua", [[return { scripts = { { id = 1, file = "a.py", test = { payload_file = "in.json", expect_file = "out.json" } } } }]])
    local plan = assert(client:plan(folder .. "/m.lua"))
    assert.equal(1, plan.tests)
    local report = client:apply(plan, { interval = fast })
    local err = report.scripts[1].error
    assert.same({ 1, "test_failed" }, { report.failed, err.kind })
    assert.matches("^payload%.b%[2%]: expected 3, got 2\n", err.difference)
    assert.matches("\n +%-    3\n +%+    2\n", tostring(report))
    scratch.remove(folder)
  end)
end)

describe("apply", function()
  it("tests what is unchanged, too", function()
    local manifest = { scripts = { { id = 1, name = "orders", content = source "one", test = { expect = "other" } } } }
    assert(versions:publish(1, { content = source "one", interval = fast }))
    local plan = assert(client:plan(manifest))
    assert.same({ 0, 1 }, { plan.changes, plan.tests })
    local report = client:apply(plan, { interval = fast })
    assert.same({ 1, 0, "test_failed" }, { report.failed, report.unchanged, report.scripts[1].error.kind })
    assert.equal("script 1 (orders)", tostring(report):match "script %d %(%a+%)")
  end)
end)

describe("a plan that is kept", function()
  local manifest = { scripts = { { id = 1, name = "orders", content = source "one", keep = 3, test = { expect = "one" } } } }

  it("is applied later, by another client", function()
    local text = assert(client:plan(manifest)):save()
    local other <close> = server:client()
    local kept = assert(other:load_plan(text))
    assert.equal(tostring(assert(client:plan(manifest))), tostring(kept))
    local report = other:apply(kept, { interval = fast })
    assert.same({ 1, "published" }, { report.published, report.scripts[1].action })
  end)

  it("is refused when what it saw has moved, but not when that is live again", function()
    assert(versions:publish(1, { content = source "before", interval = fast }))
    local text = assert(client:plan(manifest)):save()
    assert(versions:publish(1, { content = source "theirs", interval = fast }))
    local report = client:apply(assert(client:load_plan(text)), { interval = fast })
    assert.same({ 1, "conflict" }, { report.failed, report.scripts[1].error.kind })
    assert(versions:rollback(1, { interval = fast }))
    report = client:apply(assert(client:load_plan(text)), { interval = fast })
    assert.equal(1, report.published, tostring(report))
  end)

  it("is refused for another service, and when it is no plan", function()
    local text = assert(client:plan(manifest)):save()
    local other <close> = patchworks.new { base_url = "http://127.0.0.1:1", api_key = "k" }
    assert.equal("conflict", select(2, other:load_plan(text)).kind)
    for _, broken in ipairs { "", "{}", "7", text:sub(1, -5), (text:gsub('"action":"create"', '"action":"drop"')),
      (text:gsub('"id":"1"', '"id":"../1"')) } do
      assert.equal("file", select(2, client:load_plan(broken)).kind, broken)
    end
  end)

  it("holds what is sent and expected as it was: null, empty tables, many digits", function()
    local null = patchworks.null
    local test = { payload = { a = null }, expect = { a = null, big = 9007199254740993, list = {}, none = {} } }
    local answer = "import json\ndef handle(data):\n  a = json.loads(data['payload'])\n"
      .. "  return {'payload': json.dumps({**a, 'big': 2**53 + 1, 'list': [], 'none': {}})}\n"
    local text = assert(client:plan { scripts = { { id = 1, content = answer, test = test } } }):save()
    local report = client:apply(assert(client:load_plan(text)), { interval = fast })
    assert.equal(1, report.published, tostring(report))
  end)

  it("can't hold a function", function()
    local plan = assert(client:plan { scripts = { { id = 1, name = "orders", content = "x", test = { expect = print } } } })
    local ok, message = pcall(plan.save, plan)
    assert.is_false(ok)
    assert.matches("script 1 %(orders%): a function as `expect`", message)
  end)
end)
