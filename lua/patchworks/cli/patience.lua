--- What the command line does while it waits: it says what it waits for, and notices that it is to end.
--
-- SIGTERM and SIGHUP are taken here, through luv, and nowhere else: the library touches no signal. They end a wait, so
-- that what was under way is kept and told. Before there is a client, and while a person is asked, they do what they
-- always do.
--
-- @module patchworks.cli.patience
local clock = require "patchworks.time.clock"
local output = require "patchworks.cli.output"
local uv = require "luv"

local patience = {
  --- Raised by a wait that a signal ends; `code` is the exit code.
  Ended = {},
}

local codes = { sigterm = 143, sighup = 129 }
local first_notice = 2 -- seconds without an answer
local longest_slice = 1 -- seconds: a signal may reach another thread than the one that waits

local handles, ended = {}, nil
local about, since, due -- what is waited for; since when; when that is said next

-- On a terminal one line that counts; elsewhere a line as often as the time doubles.
local function say_so(now)
  local tell = output.error_terminal and output.progress or output.say
  tell("waiting for %s: no answer for %.0f s", about, now - since)
  due = output.error_terminal and now + 1 or now + (now - since)
end

-- The longest time until there is something to say.
local function until_notice()
  local now = clock.now()
  if not since then since, due = now, now + first_notice end
  if now >= due then say_so(now) end
  return due - now
end

--- Something came: what is waited for from now on is something else.
function patience.heard() since = nil end

-- A loop with nothing that keeps it alive does not even look; one that goes on already, as in its callbacks, will.
local function check()
  if not uv.loop_mode() then
    handles.sigterm:ref()
    uv.run "nowait"
    handles.sigterm:unref()
  end
  if ended then error(setmetatable({ code = ended }, patience.Ended), 0) end
end

local function take_signals()
  for name, handle in pairs(handles) do
    handle:start(name, function()
      ended = codes[name]
      uv.stop()
    end)
    handle:unref()
  end
end

--- Begins to watch over the waits of this process.
-- @tparam string what is waited for, such as a base URL
function patience.begin(what)
  about = what
  if next(handles) then return end
  local system = clock.use(nil)
  clock.use {
    wait = function(engines, seconds)
      if engines[1] and seconds > 0 then
        seconds = math.min(seconds, until_notice())
      elseif seconds > 0 then
        since = nil -- a pause of our own
      end
      local ok, problem = system.wait(engines, math.min(seconds, longest_slice))
      if handles.sigterm then check() end
      return ok, problem
    end,
  }
  for name in pairs(codes) do handles[name] = uv.new_signal() end
  take_signals()
end

--- Calls a function that asks a person: a signal ends the process there, since nothing is under way.
-- @return what the function gives
function patience.aside(ask, ...)
  for _, handle in pairs(handles) do handle:stop() end
  local function after(...)
    take_signals()
    return ...
  end
  return after(ask(...))
end

--- The exit code where a signal has said that this is to end, or nil.
function patience.ended() return ended end

--- Lets go of what was taken; a handle is closed in a turn of the loop, and must be before the state is.
function patience.finish()
  for name, handle in pairs(handles) do
    handle:close()
    handles[name] = nil
  end
  uv.run "nowait"
end

return patience
