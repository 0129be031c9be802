--- The door for hosts' loops: see docs/loops.md.
-- @module patchworks.async
local clock = require "patchworks.time.clock"
local scheduler = require "patchworks.time.scheduler"
local task = require "patchworks.time.task"

return {
  pump = scheduler.pump,
  set_host = scheduler.set_host,
  clock = clock,
  spawn = function(fn, on_end, ...) return task.make(fn, on_end, ...):_begin() end,
  current = scheduler.current,
}
