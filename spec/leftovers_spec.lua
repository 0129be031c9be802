-- The run of the specs says what a file of them leaves behind, and fails for it.
local lua = require "spec.support.lua"

-- Runs a file of specs with this body; gives what it said, and whether it succeeded.
local function run(body)
  local unnamed = os.tmpname()
  local path = unnamed .. "_spec.lua"
  assert(os.rename(unnamed, path))
  local file <close> = assert(io.open(path, "wb"))
  file:write('it("passes", function()\n', body, "\nend)\n")
  file:close()
  local pipe = io.popen(("PATCHWORKS_RUN=inner.$$ %s scripts/specs.lua %s 2>&1"):format(lua, path))
  local said = pipe:read "a"
  local ok = pipe:close()
  os.remove(path)
  return said, ok
end

describe("a run of specs", function()
  it("is content with one that leaves nothing", function()
    local said, ok = run "assert.is_true(true)"
    assert.is_true(ok, said)
    assert.matches("1 passed, 0 failed", said)
  end)

  for what, body in pairs {
    ["descriptor %d+ socket"] = [[kept = require("socket").bind("127.0.0.1", 0); package.loaded.kept = kept]],
    -- In the middle of becoming another program a process has no environment to be told by.
    ["process %d+ sleep"] = [[os.execute "sleep 600 >/dev/null 2>&1 & until grep -q sleep /proc/$!/comm; do :; done"]],
    ["file /tmp"] = "os.tmpname()",
    ["task patchworks"] = [[
      local patchworks = require "patchworks"
      patchworks.spawn(function() patchworks.sleep(100) end)]],
  } do
    it("fails for what it leaves: " .. what:match "^%a+", function()
      local said, ok = run(body)
      assert.is_nil(ok, said)
      assert.matches("_spec.lua left [^\n]*" .. what, said)
      assert.matches("1 passed, 1 failed", said)
      local pid = said:match "process (%d+) sleep"
      if pid then os.execute("kill " .. pid) end
    end)
  end
end)
