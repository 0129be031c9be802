--- Hosts patchworks in a program's own loop, in C: see include/patchworks.h and docs/embedding.md.
--
--     local client = patchworks.new { loop = require "patchworks.loop.host" }
--     patchworks.spawn(function() print(client.script_versions:get(7)) end)
--
-- One descriptor stands for all of the state's clients, and for their timers: the program polls it and calls `pump`.
-- Calls in tasks suspend those alone; a call outside of a task holds the program up until it is done.
--
-- @module patchworks.loop.host
local async = require "patchworks.async"
local core = require "patchworks.core"

local loop = {}

local engines = {} -- a list
local watched = {} -- engine -> its descriptor, as long as it is watched
local descriptor
local due -- seconds of the monotonic clock

--- The descriptor: readable when there is something to `pump`.
-- @treturn integer
function loop.fd()
  descriptor = descriptor or assert(core.descriptor())
  return descriptor:fd()
end

--- How long a wait may last before `pump` has to be called.
-- @treturn ?number seconds; nil when nothing is due
function loop.timeout() return due and math.max(0, due - core.now()) end

--- Called by the scheduler: pump after that many seconds at the latest; nil for nothing due.
function loop.schedule(seconds)
  due = seconds and core.now() + seconds
  loop.fd()
  descriptor:arm(seconds)
end

--- Moves everything on without waiting.
function loop.pump()
  loop.fd()
  descriptor:drain()
  due = nil
  local seconds = async.pump(table.unpack(engines))
  if seconds then loop.schedule(seconds) end
end

--- Called by the scheduler.
function loop.watch() end

--- Called by a client when it is made.
function loop.attach(engine)
  loop.fd()
  engines[#engines + 1] = engine
  watched[engine] = engine:fd()
  assert(descriptor:watch(engine:fd(), true), "the system can't watch another descriptor")
  async.set_host(loop)
end

--- Called by a client when it is closed.
function loop.detach(engine)
  if not watched[engine] then return end
  descriptor:watch(watched[engine], false)
  watched[engine] = nil
  for i = #engines, 1, -1 do
    if engines[i] == engine then table.remove(engines, i) end
  end
end

return loop
