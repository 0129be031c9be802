-- Follows a version's logs for a while, and fails the build when an entry matches a pattern.
--
--   lua5.4 examples/follow.lua VERSION_ID SECONDS PATTERN
local patchworks = require "patchworks"

local id, seconds, pattern = arg[1], tonumber(arg[2]), arg[3]
if not pattern or not seconds then
  io.stderr:write "usage: lua5.4 examples/follow.lua VERSION_ID SECONDS PATTERN\n"
  os.exit(2)
end

local client <close> = patchworks.new()
local count = 0
for entry in client.script_versions:tail(id, { timeout = seconds }) do
  count = count + 1
  print(entry.created_at, entry.message)
  if entry.message:find(pattern) then
    io.stderr:write(("an entry matches %s: the build fails\n"):format(pattern))
    os.exit(1, true)
  end
end
print(("%d entries in %g s, none of them matches %s"):format(count, seconds, pattern))
