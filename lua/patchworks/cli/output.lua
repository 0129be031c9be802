--- What the command line prints: data on standard output, words on standard error.
-- @module patchworks.cli.output
local document = require "patchworks.json.document"
local streams = require "patchworks.cli.streams"
local terminal = require "patchworks.terminal"

local output = {
  json = false,
  --- What this command has done, in words, for when it can't be printed.
  done = nil,
}

-- Whether standard output and error are a terminal, and texts for them: see patchworks.terminal.
for _, name in ipairs { "terminal", "error_terminal", "paint", "paint_error", "visible" } do
  output[name] = terminal[name]
end

--- Raised when standard output can't take more: a closed pipe, a full disk.
output.Broken = {}

local function check(done, problem, number)
  if streams.closed.stdout then done, problem = nil, "standard output is closed" end
  if not done then error(setmetatable({ message = problem, number = number }, output.Broken), 0) end
end

--- Writes to standard output: as it is, but to a terminal nothing that steers it.
function output.write(...)
  if not output.terminal then return check(io.stdout:write(...)) end
  check(io.stdout:write(terminal.safe(table.concat { ... })))
end

--- Writes what is left; raises as `write` does.
function output.flush() check(io.stdout:flush()) end

--- Says something on standard error. What others wrote in it steers no terminal.
function output.say(format, ...)
  local text = select("#", ...) > 0 and format:format(...) or format
  output.clear()
  io.stderr:write(terminal.safe(text), "\n")
end

--- Says what went wrong.
function output.complain(text)
  output.clear()
  io.stderr:write(output.paint_error("patchworks: ", "red"), terminal.safe(text), "\n")
end

-- Ids are integers in every object, also where a command got them as words.
local ids = { id = true, script = true, script_id = true, version_id = true }

local function plain_fields(given)
  local fields = {}
  for name, value in pairs(given) do
    if ids[name] and type(value) == "string" then value = math.tointeger(tonumber(value)) or value end
    if type(value) ~= "function" then fields[name] = value end
  end
  return fields
end

--- One object of data as a line of JSON, with the version of its form.
function output.object(kind, given)
  local object = plain_fields(given)
  object.v, object.type = 1, kind
  local value, problem = document.of(object)
  if not value then error(problem, 0) end
  output.write(document.line(value), "\n")
end

--- A list for `object`: an array though nothing is in it.
output.list = document.list

--- An answer of the service for `object`, digit by digit as it came.
-- @param answer what the method gave
-- @tparam table response its second value
function output.exact(answer, response) return document.exact(response.body) or answer end

--- A table with aligned columns on a terminal; plain, tab-separated, without a heading elsewhere.
-- @tparam table headings
-- @tparam table rows lists of strings
-- @tparam ?function colour_of gives a colour for a row
function output.table(headings, rows, colour_of)
  if not output.terminal then
    for _, row in ipairs(rows) do output.write(table.concat(row, "\t"), "\n") end
    return
  end
  local widths = {}
  for i, heading in ipairs(headings) do
    widths[i] = #heading
    for _, row in ipairs(rows) do widths[i] = math.max(widths[i], terminal.length(row[i])) end
  end
  local left = terminal.columns() or 10000
  for i = 1, #widths do
    if i == #widths then widths[i] = math.max(4, math.min(widths[i], left)) end
    left = left - widths[i] - 2
  end
  local function line(cells, colour)
    local parts = {}
    for i, cell in ipairs(cells) do
      local text = terminal.clip(cell, widths[i])
      parts[i] = i < #cells and terminal.pad(text, widths[i]) or text
    end
    output.write(output.paint(table.concat(parts, "  "), colour), "\n")
  end
  line(headings, "bold")
  for _, row in ipairs(rows) do line(row, colour_of and colour_of(row)) end
end

--- Begins at the top of an empty screen.
function output.clear_screen()
  if output.terminal and terminal.moves then check(io.stdout:write "\27[H\27[2J") end
end

local frames, shown = { "|", "/", "-", "\\" }, 0

--- Shows that something goes on: on a terminal only, in one line that is written over.
function output.progress(format, ...)
  if not output.error_terminal or not terminal.moves or output.json then return end
  shown = shown + 1
  io.stderr:write("\r\27[K", frames[shown % #frames + 1], " ", terminal.safe(format:format(...)))
  io.stderr:flush()
end

--- Takes the line of `progress` away.
function output.clear()
  if shown > 0 then io.stderr:write "\r\27[K" end
  shown = 0
end

--- Whether somebody can be asked: on a terminal.
function output.can_ask() return terminal.input_terminal and output.error_terminal end

--- Asks for a yes. Without a terminal to ask on it is no.
-- @treturn ?boolean nil when nobody can be asked
function output.confirm(question)
  if not output.can_ask() then return nil end
  io.stderr:write(terminal.safe(question), " [y/N] ")
  local answer = io.read "l"
  return answer ~= nil and answer:lower():find "^y" ~= nil
end

return output
