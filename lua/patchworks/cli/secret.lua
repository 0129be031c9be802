--- Reads a secret that nobody shall see: from a terminal without echo, else a line of standard input.
-- @module patchworks.cli.secret
local screen = require "patchworks.terminal"
local streams = require "patchworks.cli.streams"
local uv = require "luv"

local secret = {}

local erase = { ["\8"] = true, ["\127"] = true }

-- What was typed up to the end of the line; or nil and the end that came instead.
local function collect(state, text)
  for key in text:gmatch "." do
    if key == "\r" or key == "\n" then return state.typed end
    if key == "\3" then return nil, "interrupted!" end
    if key == "\4" then return nil, "nothing was typed" end
    state.typed = erase[key] and state.typed:sub(1, -2) or state.typed .. key
  end
end

local function from_terminal(prompt)
  local terminal = assert(uv.new_tty(0, true))
  terminal:set_mode(1) -- raw: no echo, and Ctrl-C is a key
  io.stderr:write(screen.clean(prompt))
  local state, value, problem = { typed = "" }, nil, nil
  terminal:read_start(function(failure, text)
    if failure or not text then
      problem = "nothing was typed"
    else
      value, problem = collect(state, text)
    end
    if value or problem then uv.stop() end
  end)
  uv.run()
  uv.tty_reset_mode()
  terminal:close()
  uv.run() -- a handle is closed in a turn of the loop, and must be before the state is
  io.stderr:write "\n"
  if problem then error(problem, 0) end
  return value
end

--- Whether somebody can be asked.
function secret.is_terminal() return not streams.closed.stdin and uv.guess_handle(0) == "tty" end

--- Asks for a secret. Raises a sentence where none comes.
-- @tparam string prompt
-- @treturn string
function secret.ask(prompt)
  local text
  if secret.is_terminal() then
    text = from_terminal(prompt)
  else
    text = not streams.closed.stdin and io.read "l" or ""
  end
  text = text:match "^%s*(.-)%s*$"
  if text == "" then error("no key was given", 0) end
  return text
end

return secret
