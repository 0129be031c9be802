--- What values are shown on: its size, its colours, and what may be written to it.
-- @module patchworks.repl.screen
local screen = {}

local function is_terminal(descriptor)
  local found, uv = pcall(require, "luv")
  return found and uv.guess_handle(descriptor) == "tty"
end

-- Whether standard input and output are a terminal.
screen.input_terminal, screen.terminal = is_terminal(0), is_terminal(1)

local plain = os.getenv "NO_COLOR" ~= nil and os.getenv "NO_COLOR" ~= "" or os.getenv "TERM" == "dumb"
local colours = { green = 32, red = 31, yellow = 33, cyan = 36, dim = 2, bold = 1 }

--- A text in colour, where there is any.
-- @tparam string text
-- @tparam ?string colour "green", "red", "yellow", "cyan", "dim" or "bold"
function screen.paint(text, colour)
  if plain or not screen.terminal or not colour then return text end
  return ("\27[%dm%s\27[0m"):format(colours[colour], text)
end

--- A text of somebody else's as it can be written: a terminal must not take it for a command.
function screen.clean(text)
  return (text:gsub("%c", function(char) return char == "\t" and "  " or ("\\%d"):format(char:byte()) end))
end

-- Asks the terminal for its size, at most once a display.
local function asked()
  if not screen.terminal then return nil end
  local pipe <close> = io.popen "stty size </dev/tty 2>/dev/null"
  local rows, columns = pipe:read "n", pipe:read "n"
  return math.tointeger(rows), math.tointeger(columns)
end

local function from_environment(name)
  local number = math.tointeger(tonumber(os.getenv(name)))
  return number and number > 10 and number or nil
end

--- How much fits.
-- @treturn integer rows
-- @treturn integer columns
function screen.size()
  local rows, columns = from_environment "LINES", from_environment "COLUMNS"
  if rows and columns then return rows, columns end
  local known_rows, known_columns = asked()
  rows = rows or known_rows and known_rows > 3 and known_rows or 40
  columns = columns or known_columns and known_columns > 20 and known_columns or 100
  return rows, columns
end

--- How wide a text is, in characters.
function screen.length(text) return utf8.len(text) or #text end

--- A text cut to a width.
function screen.clip(text, width)
  if screen.length(text) <= width then return text end
  local stop = utf8.len(text) and utf8.offset(text, width) or width
  return text:sub(1, stop - 1) .. "…"
end

--- A text filled up with blanks.
function screen.pad(text, width) return text .. (" "):rep(width - screen.length(text)) end

return screen
