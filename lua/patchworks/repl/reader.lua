--- Lines that somebody types: with readline, completion and history on a terminal where it is there, plainly elsewhere.
--
-- Ctrl-C is seen by libuv, so that it ends what goes on and never the program: `interrupts` says whether it came.
--
-- @module patchworks.repl.reader
local screen = require "patchworks.terminal"

local reader = {}

local found, uv = pcall(require, "luv")
local signal, input, came

--- Begins to see Ctrl-C, until `release`.
function reader.catch()
  if not found then return end
  signal = uv.new_signal()
  signal:start("sigint", function() came = true end)
  signal:unref()
  -- One for the whole session: luv 1.44 may free a handle twice that is collected while it is closing.
  input = screen.input_terminal and uv.new_poll(0) or nil
end

--- Leaves Ctrl-C to what had it before.
function reader.release()
  if not signal then return end
  signal:close()
  if input then input:close() end
  -- luv 1.44 can't bear a handle that is closing still when the state ends, either.
  uv.run "nowait"
  signal, input = nil, nil
end

--- Whether Ctrl-C came since the last look.
-- @treturn boolean
function reader.interrupted()
  -- In a callback of libuv's its loop goes on already. A loop that nothing keeps alive does not look; a line's own
  -- `uv.run()` must not be kept from ending.
  if signal and not uv.loop_mode() then
    signal:ref()
    uv.run "nowait"
    signal:unref()
  end
  local was = came
  came = nil
  return was or false
end

-- Waits for something on standard input, a terminal: false when Ctrl-C came first.
local function wait_for_input()
  if not input then return true end
  local ready
  input:start("r", function()
    ready = true
    uv.stop()
  end)
  repeat uv.run "once" until ready or came
  input:stop()
  if ready then return true end
  came = nil
  return false
end

--- Reads a line where there is a terminal to ask on.
-- @tparam string question
-- @treturn ?string nil where nobody can be asked, or Ctrl-C was the answer
function reader.ask(question)
  if not screen.input_terminal then return nil end
  io.stderr:write(question)
  if wait_for_input() then return io.read "l" end
  io.stderr:write "\n"
end

local Reader = {}
Reader.__index = Reader

-- Without readline: the terminal's own line, or a pipe's.
local function plain_line(prompt)
  if screen.input_terminal then
    io.stdout:write(prompt)
    io.stdout:flush()
    if not wait_for_input() then
      io.stdout:write "\n"
      return false
    end
  end
  return io.read "l"
end

local function readline_line(readline, prompt)
  local line, done
  readline.handler_install(prompt, function(text)
    line, done = text, true
    readline.handler_remove()
  end)
  while not done do
    if not wait_for_input() then
      -- The handler stays: the next line's takes its place, and empties the line. To remove one in the middle of a line
      -- has lua-readline 3.2 use a stream that it has closed.
      io.stdout:write "^C\n"
      return false
    end
    readline.read_char()
  end
  return line
end

--- Reads a line.
-- @tparam string prompt
-- @return the line; nil at the end of the input; false when Ctrl-C took it back
function Reader:read(prompt)
  io.stdout:flush()
  if not self.readline then return plain_line(prompt) end
  return readline_line(self.readline, prompt)
end

--- Keeps a line for the arrow keys.
function Reader:remember(line)
  if self.readline then self.readline.add_history(line) end
end

-- readline stands for a word of its own making; what is offered stands for the end of the text.
local function completer(readline, complete)
  return function(text, from, to)
    readline.set_completion_append_character ""
    local before = text:sub(1, to - 1)
    local done, list, begins = pcall(complete, before)
    if not done then return {} end
    local matches = {}
    for i, each in ipairs(list) do
      local whole = before:sub(1, begins - 1) .. each
      matches[i] = whole:sub(from)
    end
    return matches
  end
end

--- Opens standard input.
-- @tparam function complete given a text, gives candidates and where the word begins that they stand for
-- @tparam table history lines, oldest first
-- @treturn table reader
function reader.open(complete, history)
  local there, readline = pcall(require, "readline")
  local usable = there and screen.input_terminal and screen.terminal
  local self = setmetatable({ readline = usable and readline or nil }, Reader)
  if self.readline then
    readline.set_options { histfile = "", auto_add = false }
    readline.set_readline_name "patchworks"
    readline.set_complete_function(completer(readline, complete))
    for _, line in ipairs(history) do readline.add_history(line) end
  end
  return self
end

return reader
