--- Hosts patchworks in a libuv loop, through luv.
--
--     local client = patchworks.new { loop = require "patchworks.loop.luv" }
--     patchworks.spawn(function() print(client.script_versions:get(7)) end)
--     uv.run()
--
-- Calls in tasks suspend those alone, and the loop goes on; a call outside of a task holds the loop up until it is
-- done. The loop ends by itself when nothing is under way.
--
-- @module patchworks.loop.luv
local scheduler = require "patchworks.time.scheduler"
local uv = require "patchworks.loop.uv"

local loop = {}

local polls = {} -- engine -> the handle on its descriptor
-- Stopped handles by their descriptor, for the next engine that gets it. They are never closed: luv 1.44 can't bear a
-- handle that is still closing when the program ends, and closing one takes a descriptor with the same number, which is
-- another engine's by now, out of the loop.
local idle = {}
local descriptors = {} -- engine -> its descriptor
local timer

local function pump()
  local engines = {}
  for engine in pairs(polls) do engines[#engines + 1] = engine end
  scheduler.pump(table.unpack(engines))
end

--- Called by the scheduler: pump after that many seconds at the latest; nil for nothing due.
function loop.schedule(seconds)
  if seconds then
    timer:start(math.ceil(seconds * 1000), 0, pump)
  else
    timer:stop()
  end
end

--- Called by the scheduler: an engine that nobody waits for doesn't keep the loop running.
function loop.watch(engine, active)
  local poll = polls[engine]
  if not poll then return end
  if active then
    poll:ref()
  else
    poll:unref()
  end
end

--- Called by a client when it is made.
function loop.attach(engine)
  timer = timer or uv.new_timer()
  local fd = engine:fd()
  local poll = idle[fd] or assert(uv.new_poll(fd))
  idle[fd], polls[engine], descriptors[engine] = nil, poll, fd
  assert(poll:start("r", pump))
  poll:unref()
  scheduler.set_host(loop)
end

--- Called by a client when it is closed.
function loop.detach(engine)
  local poll = polls[engine]
  if not poll then return end
  poll:stop()
  idle[descriptors[engine]] = poll
  polls[engine], descriptors[engine] = nil, nil
end

return loop
