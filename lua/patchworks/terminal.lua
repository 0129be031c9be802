--- What people read on: whether it is a terminal, its size and colours, and what may be written to it.
-- @module patchworks.terminal
local terminal = {}

local function is_terminal(descriptor)
  local found, uv = pcall(require, "patchworks.loop.uv")
  return found and uv.guess_handle(descriptor) == "tty"
end

-- Whether standard input, output and error are a terminal.
terminal.input_terminal, terminal.terminal, terminal.error_terminal = is_terminal(0), is_terminal(1), is_terminal(2)

--- Whether the cursor can be moved.
terminal.moves = os.getenv "TERM" ~= "dumb"

local plain = os.getenv "NO_COLOR" ~= nil and os.getenv "NO_COLOR" ~= "" or os.getenv "TERM" == "dumb"
local colours = { green = 32, red = 31, yellow = 33, cyan = 36, dim = 2, bold = 1 }

local ours = { ["[0m"] = true }
for _, number in pairs(colours) do ours[("[%dm"):format(number)] = true end

local function paint(text, colour, coloured)
  if plain or not coloured or not colour then return text end
  return ("\27[%dm%s\27[0m"):format(colours[colour], text)
end

--- A text for standard output, in colour where that is a terminal.
-- @tparam string text
-- @tparam ?string colour "green", "red", "yellow", "cyan", "dim" or "bold"
function terminal.paint(text, colour) return paint(text, colour, terminal.terminal) end

--- A text for standard error, in colour where that is a terminal.
function terminal.paint_error(text, colour) return paint(text, colour, terminal.error_terminal) end

local function spelled(bytes) return ("\\x%02x"):format(bytes:byte(-1)) end

--- A text of somebody else's, for people: what would steer a terminal is shown, and not obeyed. Lines stay lines.
function terminal.visible(text)
  return (text:gsub("[%z\1-\8\11-\31\127]", spelled):gsub("\xc2[\x80-\x9f]", spelled))
end

--- A text that goes to people, with what others wrote in it: as `visible`, but that our own colours stay and end with
-- it, and lines end as lines of any system do.
function terminal.safe(text)
  local last
  text = text:gsub("\r\n", "\n"):gsub("(\27?)([^\27]*)", function(escape, rest)
    local colour = escape ~= "" and rest:match "^%[%d+m"
    if ours[colour] then
      last = colour
    elseif escape ~= "" then
      escape = spelled(escape)
    end
    return escape .. terminal.visible(rest)
  end)
  return (last or "[0m") == "[0m" and text or text .. "\27[0m"
end

--- The same as `visible`, in one line: a tab is two blanks, a newline is shown.
function terminal.clean(text) return (terminal.visible(text):gsub("\t", "  "):gsub("\n", "\\n")) end

local function from_environment(name, least)
  local number = math.tointeger(tonumber(os.getenv(name)))
  return number and number > least and number or nil
end

-- Asks the terminal for its size, at most once a display.
local function asked()
  if not terminal.terminal then return nil end
  local pipe <close> = io.popen "stty size </dev/tty 2>/dev/null"
  local rows, columns = pipe:read "n", pipe:read "n"
  return math.tointeger(rows), math.tointeger(columns)
end

--- How much fits.
-- @treturn integer rows
-- @treturn integer columns
function terminal.size()
  local rows, columns = from_environment("LINES", 10), terminal.columns()
  if rows and columns then return rows, columns end
  local known_rows, known_columns = asked()
  rows = rows or known_rows and known_rows > 3 and known_rows or 40
  columns = columns or known_columns and known_columns > 20 and known_columns or 100
  return rows, columns
end

--- How many columns somebody asked for, by COLUMNS; nil where nobody did.
function terminal.columns() return from_environment("COLUMNS", 20) end

--- How wide a text is, in characters.
function terminal.length(text) return utf8.len(text) or #text end

--- A text cut to a width.
function terminal.clip(text, width)
  if terminal.length(text) <= width then return text end
  local stop = utf8.len(text) and utf8.offset(text, width) or width
  return text:sub(1, stop - 1) .. "…"
end

--- A text filled up with blanks.
function terminal.pad(text, width) return text .. (" "):rep(width - terminal.length(text)) end

return terminal
