--- luv, loaded so that it outlives whoever asked for it first.
--
-- luv runs every callback on the thread that loaded it, and doesn't keep that thread alive (1.44): when a coroutine was
-- the first to say `require "luv"`, as a task may be, the first callback after the coroutine was collected ends the
-- process. Here it is loaded by a thread that is kept.
--
-- @module patchworks.loop.uv
local thread = coroutine.create(require)
local loaded, uv = coroutine.resume(thread, "luv")
if not loaded then error(uv, 0) end

-- For as long as the Lua state is there.
package.loaded["patchworks.loop.uv thread"] = thread

return uv
