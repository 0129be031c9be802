-- Pruning spares what may be needed, as of right before each deletion.
local sandbox = require "patchworks.sandbox"

local server, client, versions
local fast = 0.02

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  client = server:client()
  versions = client.script_versions
  server:populate { script = 1, versions = 6 }
end)
after_each(function()
  client:close()
  server:close()
end)

local function reasons(stays)
  local set = {}
  for _, each in ipairs(stays) do set[each.version.version] = each.reason end
  return set
end

describe("prune", function()
  it("keeps what somebody deploys between its first look and the deletion", function()
    local deployed
    local done = assert(versions:prune(1, { keep = 1, concurrency = 1, on_event = function(event)
      if event.type ~= "page" or deployed then return end
      deployed = true
      assert(versions:deploy_and_wait(1, { interval = fast }))
      assert(versions:deploy(2))
    end }))
    assert.equal(3, #done.deleted)
    assert.equal("it is deployed", reasons(done.stays)[1])
    assert.matches("deployed", reasons(done.stays)[2])
    assert.equal("Deployed", assert(versions:get(1)).status)
  end)

  it("says why something stays in spite of keep", function()
    assert(versions:deploy_and_wait(2, { interval = fast }))
    assert(versions:deploy_and_wait(3, { interval = fast }))
    local done = assert(versions:prune(1, { keep = 0, dry_run = true }))
    assert.same({ [2] = "rollback would go back to it", [3] = "it is deployed" }, reasons(done.stays))
    assert.same({ 4, 2 }, { #done.would_delete, done.kept })
  end)

  it("saves each source first, and keeps what can't be saved", function()
    local saved = {}
    local done = assert(versions:prune(1, { keep = 1, save = function(version, source)
      if version.version == 2 then return nil, "no room" end
      if version.version == 3 then error "no such folder" end
      saved[version.version] = source
    end }))
    assert.equal(3, #done.deleted)
    for _, number in ipairs { 1, 4, 5 } do assert.matches("def handle", saved[number]) end
    local why = reasons(done.stays)
    assert.matches("could not be saved: no room", why[2])
    assert.matches("could not be saved: .*no such folder", why[3])
    assert.same({ 5, 3 }, { server:count "get", server:count "delete" })
  end)

  it("counts as done what somebody else has deleted meanwhile", function()
    local gone
    local done = assert(versions:prune(1, { keep = 5, on_event = function(event)
      if event.type ~= "page" or gone then return end
      gone = true
      assert(versions:delete(1))
    end }))
    assert.equal(1, #done.deleted)
  end)
end)
