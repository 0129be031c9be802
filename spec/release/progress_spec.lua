-- The account of a release, as people read it, and as a run after it takes it up.
local progress = require "patchworks.release.progress"

local function version(id) return { id = id, version = id + 10, script_id = 1, content = "not kept" } end

describe("the account of a release", function()
  it("says nothing was changed until something may have been", function()
    local account = progress.new("publish", "42")
    assert.same({ "nothing was changed" }, account:sentences())
    assert.equal("publish of script 42 was cut off\n  nothing was changed", tostring(account))
    account.step = "look"
    account:saw(version(1))
    assert.same({ "nothing was changed", "live at the last look: v11 (script version 1)" }, account:sentences())
    assert.equal("publish of script 42 was cut off (look)", tostring(account):match "^[^\n]*")
    account:saw(nil)
    assert.same({ "nothing was changed", "live at the last look: nothing" }, account:sentences())
  end)

  it("says what may have been made, what was made and what was taken up", function()
    local account = progress.new("publish", "42")
    account:creates()
    assert.same({ "a version may have been made: the answer had not come" }, account:sentences())
    account:has(version(2), true)
    assert.same({ "made: v12 (script version 2)" }, account:sentences())
    account:has(version(3), false)
    assert.same({ "nothing was changed", "taken up: v13 (script version 3)" }, account:sentences())
    account:has({ id = 4 }, true)
    assert.same({ "made: v? (script version 4)" }, account:sentences())
  end)

  it("says that old versions may have been deleted", function()
    local account = progress.new("prune", "42")
    assert.is_false(account:may_have_changed())
    account:deletes()
    assert.is_true(account:may_have_changed())
    assert.same({ "old versions may have been deleted" }, account:sentences())
    assert.is_true(progress.of({ operation = "prune", script = "42", deleting = true }).deleting)
  end)

  it("says what may still come live, each once, until it has ended", function()
    local account = progress.new("publish", "42")
    account:begins(version(1))
    account:begins(version(2))
    account:begins(version(1))
    assert.same({ "may still come live: v12 (script version 2)", "may still come live: v11 (script version 1)" }, account:sentences())
    account:ends(version(2))
    account:ends(version(7))
    assert.same({ "may still come live: v11 (script version 1)" }, account:sentences())
    account:ends(version(1))
    assert.same({}, account:sentences())
    account:finish()
    assert.equal("publish of script 42 is over", tostring(account))
  end)

  it("takes back a mark, and leaves what was marked before", function()
    local account = progress.new("publish", "42")
    for _, mark in ipairs { "creates", "deletes", "begins" } do
      account[mark](account, version(1))()
      assert.same({ "nothing was changed" }, account:sentences())
    end
    account:begins(version(1))
    account:begins(version(2))()
    account:begins(version(1))()
    assert.same({ true, "may still come live: v11 (script version 1)" }, { account.changed, table.unpack(account:sentences()) })
  end)

  it("says what others are deploying, as of the last look, and not what this run is", function()
    local account = progress.new("publish", "42")
    account:saw(version(1), { version(2), version(3) })
    assert.same({ "nothing was changed", "live at the last look: v11 (script version 1)",
      "may still come live: v12 (script version 2), not begun by this run",
      "may still come live: v13 (script version 3), not begun by this run" }, account:sentences())
    assert.is_false(account:may_have_changed())
    account:begins(version(3))
    account:saw(version(1), { version(3), version(2) })
    assert.same({ "live at the last look: v11 (script version 1)", "may still come live: v13 (script version 3)",
      "may still come live: v12 (script version 2), not begun by this run" }, account:sentences())
    account:saw(version(2)) -- by a look at that alone
    assert.equal(2, #account.under_way)
    account:begins(version(2))() -- which was refused: that one still is somebody's
    assert.equal("may still come live: v12 (script version 2), not begun by this run", account:sentences()[3])
    account:ends(version(2))
    account:ends(version(3))
    assert.same({ "live at the last look: v12 (script version 2)" }, account:sentences())
    account:saw(version(1), { version(2) })
    account:saw(version(2), {})
    assert.same({ "live at the last look: v12 (script version 2)" }, account:sentences())
  end)

  it("holds plain data, and of a version no more than what names it", function()
    local account = progress.new("publish", "42")
    account:saw(version(1))
    account:has(version(2), true)
    account:begins(version(2))
    local brief = { id = 2, version = 12, script_id = 1 }
    assert.same({ { id = 1, version = 11, script_id = 1 }, brief, { brief } }, { account.live, account.version, account.pending })
  end)

  it("is taken up from what was kept of it", function()
    assert.is_true(progress.of({ operation = "rollback", script = "42", changed = true }).changed)
    local account = progress.new("rollback", "42")
    account.step = "rollback"
    account:saw(version(1), { version(3) })
    account:has(version(2), true)
    account:creates()
    account:begins(version(2))
    account:finish()
    local plain = {}
    for name, value in pairs(account) do plain[name] = value end
    local taken = progress.of(plain)
    assert.same(plain, (function()
      local fields = {}
      for name, value in pairs(taken) do fields[name] = value end
      return fields
    end)())
    assert.equal(tostring(account), tostring(taken))
  end)

  it("takes up nothing that is no version", function()
    local taken = progress.of { operation = "publish", script = 42, live = { id = "x" }, version = 7, pending = { { id = 1 }, "x" } }
    assert.same({ "publish", "42", 1 }, { taken.operation, taken.script, #taken.pending })
    assert.is_nil(taken.live)
    assert.is_nil(taken.version)
    assert.same({}, progress.of({ operation = "publish", script = 42, pending = "x" }).pending)
    assert.same({}, progress.of({ operation = "publish", script = 42, under_way = "x" }).under_way)
    assert.same({ { id = 1 } }, progress.of({ operation = "publish", script = 42, under_way = { 7, { id = 1, x = 2 } } }).under_way)
  end)
end)
