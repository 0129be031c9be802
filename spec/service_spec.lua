-- What the service's fields mean, in whatever way it fills them.
local service = require "patchworks.service"

describe("deploying", function()
  it("is under way unless the field says that nothing is", function()
    for _, value in ipairs { "", " ", "no", "No", "false", "0", "none", "null", "off", " Idle ", false, 0 } do
      assert.is_false(service.is_deploying { deploying = value }, tostring(value))
    end
    assert.is_false(service.is_deploying {})
    for _, value in ipairs { "yes", "deploying", "1", "2026-11-23T10:00:00Z", true, 1 } do
      assert.is_true(service.is_deploying { deploying = value }, tostring(value))
    end
    assert.equal("Deployed", service.state { status = "Deployed", deploying = "" })
    assert.equal("Draft, deploying", service.state { status = "Draft", deploying = "yes" })
    assert.equal("status unknown", service.state {})
  end)

  it("is idle where `deploying` is an empty list or object", function()
    assert.is_false(service.is_deploying { deploying = {} })
    assert.is_true(service.is_deploying { deploying = { since = "2026-01-01" } })
  end)
end)

describe("a version", function()
  it("is an object with a positive integer as its id", function()
    assert.is_true(service.is_version { id = 1 })
    for _, value in ipairs { 7, "x", true, {}, { id = 0 }, { id = -1 }, { id = "1" }, { id = 1.5 } } do
      assert.is_false(service.is_version(value))
    end
    assert.is_false(service.is_version(nil))
  end)

  it("is one of a script unless it names another", function()
    assert.is_true(service.is_of({ script_id = 7 }, 7))
    assert.is_true(service.is_of({ script_id = "7" }, 7))
    assert.is_true(service.is_of({ script_id = 7 }, "7"))
    assert.is_true(service.is_of({}, 7))
    assert.is_false(service.is_of({ script_id = 8 }, 7))
  end)

  it("is ordered by its number, or by its id where it has none", function()
    assert.equal(3, service.number { version = 3, id = 9 })
    assert.equal(9, service.number { version = "3", id = 9 })
    assert.equal(9, service.number { id = 9 })
    assert.equal(0, service.number { id = "9" })
    assert.equal(0, service.number {})
  end)

  it("was live when it is, or has a date of its deployment", function()
    assert.is_true(service.was_deployed { status = "Deployed" })
    assert.is_true(service.was_deployed { status = "Inactive", deployed_at = "2026-01-01" })
    assert.is_false(service.was_deployed { status = "Draft" })
  end)

  it("was in use when it was last deployed or invoked, whichever was later", function()
    local early, late = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    for _, dates in ipairs { { early, late }, { late, early }, { late, nil }, { nil, late } } do
      assert.equal(service.time(late), service.used_at { deployed_at = dates[1], last_invoked_on = dates[2] })
    end
    assert.is_nil(service.used_at {})
  end)

  it("that failed to be deployed says why, where the service does", function()
    assert.equal("SyntaxError", service.failure_reason { deployment_failure_reason = "SyntaxError" })
    for _, reason in ipairs { "", 7, false, {} } do
      assert.equal("the service gives no reason", service.failure_reason { deployment_failure_reason = reason })
    end
    assert.equal("the service gives no reason", service.failure_reason {})
  end)
end)

describe("versions by deployment", function()
  it("come with those that are live first, each kind from the last deployed on, and those that never were not at all", function()
    local ids = {}
    for i, version in ipairs(service.by_deployment {
      { id = 1, status = "Inactive", deployed_at = "2026-01-01" },
      { id = 2, status = "Draft" },
      { id = 3, status = "Deployed", deployed_at = "2026-01-02" },
      { id = 4, status = "Inactive", deployed_at = "2026-01-05" },
      { id = 5, status = "Inactive", deployed_at = "2026-01-03" },
      { id = 6, status = "Deployed", deployed_at = "2026-01-04" },
    }) do
      ids[i] = version.id
    end
    assert.same({ 6, 3, 4, 5, 1 }, ids)
  end)

  it("of the same moment come with the higher number first", function()
    local a, b = { id = 1, status = "Deployed", deployed_at = "2026-01-01" }, { id = 2, status = "Deployed", deployed_at = "2026-01-01" }
    assert.same({ false, true, false }, { service.deployed_later(a, b), service.deployed_later(b, a), service.deployed_later(a, a) })
    local none = { id = 3, status = "Deployed" }
    assert.same({ true, false }, { service.deployed_later(a, none), service.deployed_later(none, a) })
  end)
end)

describe("of two readings of a version", function()
  local function later(left, right) return service.later(left, right) == left and "left" or "right" end
  local first, second = "2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"

  it("the one with the later deployment is the later", function()
    assert.equal("left", later({ status = "Deployed", deployed_at = second }, { status = "Inactive", deployed_at = first }))
    assert.equal("right", later({ status = "Inactive", deployed_at = first }, { status = "Deployed", deployed_at = second }))
    assert.equal("left", later({ status = "Deployed", deployed_at = first }, { status = "Draft" }))
    assert.equal("right", later({ status = "Draft" }, { status = "Deployed", deployed_at = first }))
  end)

  it("with one date it is the one that was un-deployed since", function()
    local live, former = { status = "Deployed", deployed_at = first }, { status = "Inactive", deployed_at = first }
    assert.equal("left", later(former, live))
    assert.equal("right", later(live, former))
  end)

  it("without a date it is the one that is deployed", function()
    assert.equal("left", later({ status = "Deployed" }, { status = "Draft" }))
    assert.equal("right", later({ status = "Draft" }, { status = "Deployed" }))
  end)

  it("that are the same otherwise it is the one that is on its way again", function()
    assert.equal("right", later({ status = "Draft" }, { status = "Draft", deploying = "yes" }))
    assert.equal("left", later({ status = "Draft", deploying = "yes" }, { status = "Draft" }))
  end)
end)

describe("the live version", function()
  local function live(...) return (service.live { ... } or {}).id end

  it("is the deployed one that was deployed last", function()
    assert.is_nil(live())
    assert.is_nil(live { id = 1, status = "Inactive", deployed_at = "2026-01-01" })
    assert.equal(1, live(
      { id = 1, status = "Deployed", deployed_at = "2026-01-03T00:00:00Z" },
      { id = 2, status = "Deployed", deployed_at = "2026-01-02T00:00:00Z" },
      { id = 3, status = "Inactive", deployed_at = "2026-01-04T00:00:00Z" }
    ))
  end)

  it("may have no date", function()
    assert.equal(1, live { id = 1, status = "Deployed" })
    assert.equal(1, live({ id = 2, status = "Deployed" }, { id = 1, status = "Deployed", deployed_at = "2026-01-01" }))
  end)

  it("is found by time, not by text", function()
    assert.equal(2, live(
      { id = 1, status = "Deployed", deployed_at = "2026-01-01T10:00:00Z" },
      { id = 2, status = "Deployed", deployed_at = "2026-01-01T10:00:00.5Z" }
    ))
    assert.equal(1, live(
      { id = 1, status = "Deployed", deployed_at = "2026-01-01T10:00:00Z" },
      { id = 2, status = "Deployed", deployed_at = "2026-01-01T11:00:00+02:00" }
    ))
    assert.equal(7, live(
      { id = 9, version = 1, status = "Deployed", deployed_at = "2026-01-01 10:00:00" },
      { id = 7, version = 2, status = "Deployed", deployed_at = "2026-01-01T10:00:00.000000Z" }
    ))
  end)
end)

describe("a date", function()
  it("is read as the platform's calendar has it", function()
    for _, text in ipairs { "1970-01-01", "1600-03-01", "1999-03-01", "2000-02-29", "2024-12-31", "2026-03-01", "2100-03-01" } do
      local year, month, day = text:match "(%d+)-(%d+)-(%d+)"
      local file <close> = io.popen("date -u -d " .. text .. " +%s")
      assert.equal(file:read "n", service.time(text), text)
      assert.equal(service.time(text) + 3661.25, service.time(("%s-%s-%sT01:01:01.25Z"):format(year, month, day)))
    end
    assert.equal(service.time "2026-01-01T10:20", service.time "2026-01-01T10:20:00")
    assert.equal(service.time "2026-01-01T10:20:00", service.time "2026-01-01T12:50:00+02:30")
    assert.equal(service.time "2026-01-01T10:20:00", service.time "2026-01-01T06:05:00-0415")
    for _, value in ipairs { "yesterday", "", 7, true, {} } do assert.is_nil(service.time(value)) end
  end)
end)

describe("two sources", function()
  it("are the same but for line ends and the blanks at the ends", function()
    for _, stored in ipairs { "a\nb", "a\r\nb\r\n", "a\rb", "\n a\nb \t\n", "\v\f\0a\nb\0\v\f" } do
      assert.is_true(service.same("a\nb\n", stored), ("%q"):format(stored))
    end
    assert.is_false(service.same("a\nb", "a\n\nb"))
    assert.is_false(service.same("a b", "ab"))
    assert.equal("", service.normal " \n")
    assert.equal("a", service.normal "a")
  end)

  it("are compared in linear time", function()
    local blanks = (" "):rep(400000)
    local began = os.clock()
    assert.is_true(service.same("a" .. blanks .. "b" .. blanks, blanks .. "a" .. blanks .. "b"))
    assert.is_false(service.same(blanks .. "a" .. blanks .. "b", "a" .. blanks .. "c"))
    assert.is_true(os.clock() - began < 2, "it took " .. os.clock() - began)
  end)

  it("are found in whatever form the content comes back", function()
    for _, content in ipairs { "src", { content = "src" }, { code = "src", lines = 1 }, { nested = { "x", { body = " src\r\n" } } } } do
      assert.is_true(service.holds({ content = content }, "src"))
    end
    for _, content in ipairs { "other", {}, 7, true, { content = "src2" } } do
      assert.is_false(service.holds({ content = content }, "src"))
    end
    assert.is_false(service.holds({}, "src"))
  end)

  it("are shown from the field that is called content, or else the longest text", function()
    assert.equal("ab", service.source { content = { content = "ab", note = "longer" } })
    assert.equal("longer", service.source { content = { code = "longer", name = "x" } })
    assert.equal("text", service.source { content = "text" })
    assert.is_nil(service.source { content = { 7 } })
    assert.is_nil(service.source {})
  end)
end)
