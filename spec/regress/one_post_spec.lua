-- A kept-alive connection that dies before an answer: libcurl sends a POST with POSTFIELDS again by itself. Ours goes
-- out once. The first spec proves that the peer provokes it: it is what ours would be with POSTFIELDS put back.
local patchworks = require "patchworks"
local raw_peer = require "spec.support.raw_peer"

local program = [[
#include <curl/curl.h>
#include <string.h>
static size_t drop(char *bytes, size_t unit, size_t count, void *data) { (void)bytes, (void)data; return unit * count; }
int main(int count, char **words) {
  CURL *easy = curl_easy_init();
  (void)count;
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(easy, CURLOPT_URL, words[1]);
  if (curl_easy_perform(easy) != CURLE_OK) return 2;
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{\"content\":\"x\"}");
  CURLcode code = curl_easy_perform(easy);
  curl_easy_cleanup(easy);
  return code == CURLE_OK ? 0 : 1;
}
]]

describe("a POST on a kept-alive connection that dies", function()
  it("is sent twice by libcurl with POSTFIELDS", function()
    local path = os.tmpname()
    local file <close> = io.open(path .. ".c", "w")
    file:write(program)
    file:flush()
    assert(os.execute(("cc -o %s %s.c $(pkg-config --cflags --libs libcurl)"):format(path, path)))
    local peer <close> = raw_peer "good_once"
    assert(os.execute(("%s %s/api/v1/script-versions/7"):format(path, peer.url)))
    local _, lines = peer:received()
    assert.equal(3, #lines)
    assert.truthy(lines[2]:find "^POST" and lines[3]:find "^POST")
    os.remove(path)
    os.remove(path .. ".c")
  end)

  for _, operation in ipairs { "create", "invoke", "upload", "deploy", "delete" } do
    it("is sent once by us: " .. operation, function()
      local peer <close> = raw_peer "good_once"
      local client <close> = patchworks.new { base_url = peer.url, token = "t0ken", max_attempts = 1 }
      local versions = client.script_versions
      assert.equal(7, versions:get(7).id)
      local value, err = versions[operation](versions, 7, operation == "create" and { content = "x" } or nil)
      assert.is_nil(value)
      assert.same({ "network", "unknown" }, { err.kind, err.outcome })
      assert.equal(2, (peer:received()))
    end)
  end
end)
