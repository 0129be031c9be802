-- Invokes a version many times on a libuv loop that does something else meanwhile, and shows that it was never held up.
--
--   lua5.4 examples/loop_luv.lua VERSION_ID [TIMES]
local patchworks = require "patchworks"
local uv = require "luv"

local id, times = arg[1], tonumber(arg[2] or 20)
if not id then
  io.stderr:write "usage: lua5.4 examples/loop_luv.lua VERSION_ID [TIMES]\n"
  os.exit(2)
end

-- The something else: a timer that is due every 5 ms, and notes how late it is.
local latest, ticks = 0, 0
local timer, due = uv.new_timer(), uv.hrtime() / 1e6 + 5
timer:start(5, 5, function()
  local now = uv.hrtime() / 1e6
  latest, ticks, due = math.max(latest, now - due), ticks + 1, now + 5
end)

local client = patchworks.new { loop = require "patchworks.loop.luv" }
patchworks.spawn(function()
  local items = {}
  for i = 1, times do items[i] = i end
  local answers, failures = patchworks.map(items, function(i)
    return client.script_versions:invoke(id, { payload = ("call %d"):format(i) })
  end)
  for _, failure in ipairs(failures or {}) do io.stderr:write(tostring(failure.error), "\n") end
  local done = 0
  for _ in pairs(answers) do done = done + 1 end
  print(("%d of %d calls done; meanwhile %d ticks, the latest %.1f ms late"):format(done, times, ticks, latest))
  client:close()
  timer:close()
end)
uv.run()
