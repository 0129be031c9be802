-- An answer too many, which lies on a kept connection before the next request goes out, is nobody's: libcurl 7.88 takes a
-- connection that has something to read for one that lives, and what lies there for the next answer.
local patchworks = require "patchworks"
local raw_peer = require "spec.support.raw_peer"

describe("an answer that nobody asked for", function()
  for _, operation in ipairs { "deploy", "delete", "get" } do
    it("is not taken for that of the next call: " .. operation, function()
      local peer <close> = raw_peer "surplus"
      local client <close> = patchworks.new { base_url = peer.url, api_key = "key" }
      for _ = 1, 3 do
        assert.equal(7, assert(client.script_versions:get(7)).id)
        patchworks.sleep(0.1)
        local value, response = client.script_versions[operation](client.script_versions, 7)
        assert.equal(operation == "get" and 7 or "done", value and (value.id or value.message))
        assert.equal(1, #response.attempts)
        patchworks.sleep(0.1)
      end
      assert.equal(0, client:stats().retries)
      client:close()
      assert.equal(6, (peer:received()))
    end)
  end
end)
