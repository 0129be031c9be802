-- A proxy that refuses the tunnel: libcurl counts its CONNECT as request bytes, and nothing of the request was sent.
local clock_of = require "spec.support.clock"
local patchworks = require "patchworks"
local raw_peer = require "spec.support.raw_peer"

describe("a create behind a proxy that refuses the tunnel", function()
  it("did nothing, and is sent again", function()
    local peer <close> = raw_peer "no_tunnel"
    local _ <close> = clock_of.skipping()
    local client <close> = patchworks.new {
      base_url = "https://nowhere.invalid", proxy = peer.url, api_key = "s3cret-key", max_attempts = 3,
    }
    local _, err = client.script_versions:create(1, { content = "x" })
    assert.same({ "network", "none", 3 }, { err.kind, err.outcome, #err.attempts })
    assert.is_false(err.attempts[1].sent)
    local count, lines = peer:received()
    assert.equal(3, count)
    for _, line in ipairs(lines) do assert.matches("^CONNECT nowhere.invalid:443 HTTP/1.1 patchworks%-lua/[%d.]+$", line) end
  end)
end)
