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
local async = require "patchworks.async"
local uv = require "patchworks.loop.uv"

local loop = {}

local polls = {} -- engine -> the handle on its descriptor
local timer

local function pump()
  local engines = {}
  for engine in pairs(polls) do engines[#engines + 1] = engine end
  local seconds = async.pump(table.unpack(engines))
  if seconds then
    loop.schedule(seconds)
  else
    timer:stop()
  end
end

--- Called by async: pump after that many seconds at the latest.
function loop.schedule(seconds)
  timer:start(math.ceil(seconds * 1000), 0, pump)
end

--- Called by async: an engine that nobody waits for doesn't keep the loop running.
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
  local poll = assert(uv.new_poll(engine:fd()))
  polls[engine] = poll
  assert(poll:start("r", pump))
  poll:unref()
  async.set_host(loop)
end

--- Called by a client when it is closed.
function loop.detach(engine)
  local poll = polls[engine]
  polls[engine] = nil
  if not poll then return end
  poll:stop()
  poll:close()
end

return loop
