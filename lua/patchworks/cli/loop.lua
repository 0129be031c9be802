--- A command that goes on until somebody ends it: luv's loop, with Ctrl-C and, on a terminal, keys.
-- @module patchworks.cli.loop
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local uv = require "patchworks.loop.uv"

local loop = {}

local function read_keys(on_key, finish)
  if uv.guess_handle(0) ~= "tty" then return nil end
  local terminal = uv.new_tty(0, true)
  if not terminal then return nil end
  terminal:set_mode(1) -- raw: a key comes as it is pressed
  terminal:read_start(function(problem, text)
    if problem or not text then return finish(codes.done) end
    for key in text:gmatch "." do
      if key == "\3" then return finish(codes.interrupted) end
      on_key(key, finish)
    end
  end)
  return terminal
end

--- Runs luv's loop until a key's function calls `finish(code)`, or Ctrl-C comes.
-- @tparam function begin is given `guard`, which makes a function one that may be called in the loop; it may give what
-- is to be closed at the end
-- @tparam ?function on_key is given each key that is pressed, and `finish`; only on a terminal
-- @treturn integer an exit code
function loop.run(begin, on_key)
  local code, problem
  local function finish(with)
    code = code or with
    uv.stop()
  end
  -- What a callback raises would end the process: it ends the loop, and is raised there.
  local function guard(act)
    return function(...)
      local ok, raised = pcall(act, ...)
      if ok then return raised end
      problem = problem or raised
      uv.stop()
    end
  end
  local interrupt = uv.new_signal()
  interrupt:start("sigint", function() finish(codes.interrupted) end)
  local terminal = on_key and read_keys(guard(on_key), finish)
  local ok, opened = pcall(begin, guard)
  if not ok then problem = opened end
  if not (problem or code) then uv.run() end
  if type(opened) == "table" and opened.close then opened:close() end
  interrupt:close()
  if terminal then
    uv.tty_reset_mode()
    terminal:close()
  end
  -- luv 1.44 ends the process when a state is closed while a handle is still on its way out.
  uv.run "nowait"
  if problem then error(problem, 0) end
  output.flush()
  return code or codes.done
end

return loop
