-- Deletes old versions of every script that is named: for a nightly cron job.
--
--   lua5.4 examples/nightly_prune.lua KEEP SCRIPT_ID...
local patchworks = require "patchworks"

local keep = math.tointeger(tonumber(arg[1]))
if not keep or #arg < 2 then
  io.stderr:write "usage: lua5.4 examples/nightly_prune.lua KEEP SCRIPT_ID...\n"
  os.exit(2)
end

-- 200 of the service's 240 requests a minute: daytime's jobs of another time zone may be running.
local client <close> = patchworks.new { rate_limit = 200, timeout = 3600 }
local failed = false
for i = 2, #arg do
  local done, err = client.script_versions:prune(arg[i], { keep = keep })
  if done then
    print(("script %s: deleted %d, kept %d"):format(arg[i], #done.deleted, done.kept))
  else
    failed = true
    io.stderr:write(("script %s: %s\n"):format(arg[i], tostring(err)))
  end
end
os.exit(not failed, true)
