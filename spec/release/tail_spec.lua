-- Following logs of a service that lists the newest first, which the contract allows.
local patchworks = require "patchworks"
local raw_peer = require "spec.support.raw_peer"
local sandbox = require "patchworks.sandbox"

local function follow(given)
  local peer <close> = raw_peer "falling_logs"
  local client <close> = patchworks.new { base_url = peer.url, api_key = "k" }
  local ids = {}
  given.interval, given.timeout = 0.02, 0.3
  for entry in client.script_versions:tail(7, given) do ids[#ids + 1] = entry.id end
  local _, lines = peer:received()
  return ids, lines
end

describe("tail, where the newest entries come first", function()
  it("gives all from the start, oldest first, each once", function()
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, (follow { from = "start" }))
  end)

  it("reads on until it meets what it knows, however much is new, and one page when nothing is", function()
    local ids, lines = follow {}
    assert.same({ 6, 7, 8, 9 }, ids)
    local path = "GET /api/v1/script-versions/7/logs%s HTTP/1.1"
    local expected = { "", "", "?page=2", "?page=3", "" }
    for i, query in ipairs(expected) do assert.equal(path:format(query), lines[i]) end
  end)
end)

describe("tail", function()
  it("raises the error of a page of the wrong shape, as every reader of pages does", function()
    local server <close> = assert(sandbox.start())
    local client <close> = server:client()
    local id = assert(client.script_versions:create(1, { content = "x" })).id
    for _, body in ipairs {
      '{"data":[1,null],"meta":{"current_page":1,"last_page":1}}',
      '{"data":[]}',
      '{"data":[],"meta":{"current_page":1,"last_page":"9"}}',
      '{"data":[],"meta":{"current_page":2,"last_page":9}}',
    } do
      server:fail { operation = "logs", how = "status", status = 200, body = body }
      local ok, err = pcall(client.script_versions:tail(id, { timeout = 0.1 }))
      assert.same({ false, "protocol", "logs" }, { ok, err.kind, err.operation })
    end
  end)
end)
