-- Where a list rises, its last page holds the newest version. Somebody deleted a version between the first page and the
-- last, which was empty then: what was older than the create passed for newer, and was adopted.
local cjson = require "cjson"
local sandbox = require "patchworks.sandbox"

local function page(number, last, ...)
  local items = {}
  for i, id in ipairs { ... } do
    items[i] = { id = id, version = id, content = { content = id >= 4 and "mine" or "old" } }
  end
  local data = #items > 0 and cjson.encode(items) or "[]"
  local body = ('{"data":%s,"meta":{"current_page":%d,"last_page":%d,"total":5}}'):format(data, number, last)
  return { operation = "list", how = "status", status = 200, body = body }
end

describe("a reconciled create", function()
  it("adopts nothing older where the list shrinks while its newest version is looked for", function()
    local server <close> = assert(sandbox.start())
    local client <close> = server:client()
    server:fail(page(1, 3, 1, 2))
    server:fail(page(3, 2)) -- one was deleted
    server:fail(page(2, 2, 3, 4))
    server:fail { operation = "create", how = "drop_after" }
    server:fail(page(1, 1, 1, 2, 3, 4, 5))
    assert.equal(5, assert(client.script_versions:create(1, { content = "mine", reconcile = true })).id)
  end)
end)
