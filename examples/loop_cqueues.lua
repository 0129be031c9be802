-- Invokes a version many times on a cqueues loop that does something else meanwhile, and shows that it was never held
-- up.
--
--   lua5.4 examples/loop_cqueues.lua VERSION_ID [TIMES]
local cqueues = require "cqueues"
local patchworks = require "patchworks"

local id, times = arg[1], tonumber(arg[2] or 20)
if not id then
  io.stderr:write "usage: lua5.4 examples/loop_cqueues.lua VERSION_ID [TIMES]\n"
  os.exit(2)
end

local controller = cqueues.new()
local client = patchworks.new { loop = require "patchworks.loop.cqueues" }
local open, done = times, 0

-- The something else: a coroutine that wants to run every 5 ms, and notes how late it is.
local latest, ticks = 0, 0
controller:wrap(function()
  while open > 0 do
    local due = cqueues.monotime() + 0.005
    cqueues.sleep(0.005)
    latest, ticks = math.max(latest, cqueues.monotime() - due), ticks + 1
  end
end)

-- Any coroutine of the loop may call; each waits for its own answer alone.
for i = 1, times do
  controller:wrap(function()
    local answer, err = client.script_versions:invoke(id, { payload = ("call %d"):format(i) })
    if answer then
      done = done + 1
    else
      io.stderr:write(tostring(err), "\n")
    end
    open = open - 1
  end)
end
assert(controller:loop())
print(("%d of %d calls done; meanwhile %d ticks, the latest %.1f ms late"):format(done, times, ticks, latest * 1000))
client:close()
