-- What the service's fields mean, in whatever way it fills them.
local service = require "patchworks.service"

describe("deploying", function()
  it("is under way unless the field says that nothing is", function()
    for _, value in ipairs { "", " ", "no", "No", "false", "0", "none", false, 0 } do
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
    for _, text in ipairs { "1970-01-01", "2000-02-29", "2024-12-31", "2026-03-01", "2100-03-01" } do
      local year, month, day = text:match "(%d+)-(%d+)-(%d+)"
      local file <close> = io.popen("date -u -d " .. text .. " +%s")
      assert.equal(file:read "n", service.time(text), text)
      assert.equal(service.time(text) + 3661.25, service.time(("%s-%s-%sT01:01:01.25Z"):format(year, month, day)))
    end
    for _, value in ipairs { "yesterday", "", 7, true, {} } do assert.is_nil(service.time(value)) end
  end)
end)

describe("two sources", function()
  it("are the same but for line ends and the blanks at the ends", function()
    for _, stored in ipairs { "a\nb", "a\r\nb\r\n", "a\rb", "\n a\nb \t\n" } do
      assert.is_true(service.same("a\nb\n", stored), ("%q"):format(stored))
    end
    assert.is_false(service.same("a\nb", "a\n\nb"))
    assert.is_false(service.same("a b", "ab"))
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
