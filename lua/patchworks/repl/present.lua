--- Values as people read them: versions as a table, one as a card, an error with its hint, a source with line numbers;
-- long ones in portions.
-- @module patchworks.repl.present
local cards = require "patchworks.repl.cards"
local errors = require "patchworks.errors"
local rows = require "patchworks.repl.rows"
local screen = require "patchworks.terminal"
local service = require "patchworks.service"

local present = {}

local most_depth, most_lines = 6, 2000

--- Whether a version is what flows take; a session sets what asks for it.
function present.is_live() return false end

local function name_of(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, "__name") or nil
end

local function is_version(value)
  if type(value) ~= "table" then return false end
  return name_of(value) == "patchworks.version" or value.script_id ~= nil and service.is_version(value)
end

local function is_entry(value)
  return type(value) == "table" and value.message ~= nil and value.created_at ~= nil and value.kind == nil
end

-- A feed gives one line after the other, and nil after the last.
local function feed(lines)
  local at = 0
  return function()
    at = at + 1
    return lines[at]
  end
end

local function by_name(left, right)
  if type(left) == type(right) and (type(left) == "number" or type(left) == "string") then return left < right end
  return tostring(left) < tostring(right)
end

local function quote(text) return (("%q"):format(text):gsub("\\\n", "\\n"):gsub("\r", "\\r")) end

local function scalar(value) return type(value) == "string" and screen.clean(quote(value)) or tostring(value) end

local function keys_of(value)
  local keys = {}
  for key in pairs(value) do
    if type(key) ~= "string" or not key:find "^_" then keys[#keys + 1] = key end
  end
  table.sort(keys, by_name)
  return keys
end

local function label(key, index)
  if key == index then return "" end
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return key .. " = " end
  return "[" .. scalar(key) .. "] = "
end

-- A table in one line, or nil where it is longer than that.
local function in_line(value, room, depth)
  if type(value) ~= "table" or (getmetatable(value) and getmetatable(value).__tostring) then
    local text = scalar(value)
    return #text <= room and text or nil
  end
  if depth > 2 then return nil end
  local parts, length = {}, 4
  for i, key in ipairs(keys_of(value)) do
    local text = in_line(value[key], room - length, depth + 1)
    if not text then return nil end
    parts[i] = label(key, i) .. text
    length = length + #parts[i] + 2
    if length > room then return nil end
  end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

local function append(lines, value, before, indent, depth, width)
  local short = in_line(value, width - #indent - #before, 1)
  if short or type(value) ~= "table" then
    lines[#lines + 1] = indent .. before .. (short or scalar(value)) .. (depth > 1 and "," or "")
    return
  elseif depth > most_depth or #lines > most_lines then
    lines[#lines + 1] = indent .. before .. "{ .. },"
    return
  end
  lines[#lines + 1] = indent .. before .. "{"
  for i, key in ipairs(keys_of(value)) do append(lines, value[key], label(key, i), indent .. "  ", depth + 1, width) end
  lines[#lines + 1] = indent .. "}" .. (depth > 1 and "," or "")
end

local function plain(value)
  local lines = {}
  append(lines, value, "", "", 1, select(2, screen.size()))
  return lines
end

local function each_line(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = screen.clean(line) end
  return lines
end

-- A listing's items, page after page as they are asked for.
local function listing_feed(listing)
  local next_page = listing:pages()
  local current, titled = feed {}, true
  return function()
    while current do
      local line = current()
      if line then return line end
      local page = next_page()
      if page and #page.data > 0 then
        current, titled = feed(present.items(page.data, titled)), false
      elseif not page then
        current, titled = titled and feed { "nothing is there" } or nil, false
      end
    end
  end
end

--- The lines of a list: of versions as a table, of log entries, or of anything.
-- @tparam table list
-- @tparam boolean titled whether a table has its headings
function present.items(list, titled)
  if is_version(list[1]) then return rows.versions(list, present.is_live, titled) end
  local lines = {}
  for _, each in ipairs(list) do
    table.move(is_entry(each) and rows.entry(each) or plain(each), 1, most_lines, #lines + 1, lines)
  end
  return lines
end

local by_class = {
  ["patchworks.version"] = function(value) return cards.version(value, present.is_live(value)) end,
  ["patchworks.error"] = cards.error,
  ["patchworks.response"] = cards.response,
}

--- A value as a feed of lines.
-- @param value anything
-- @treturn function gives the next line, nil after the last
function present.feed(value)
  local class = name_of(value)
  if class == "patchworks.listing" then return listing_feed(value) end
  if class and by_class[class] then return feed(by_class[class](value)) end
  if type(value) == "string" and value:find "\n" then return feed(cards.source(value)) end
  local meta = type(value) == "table" and getmetatable(value)
  if type(meta) == "table" and meta.__tostring then return feed(each_line(tostring(value))) end
  if type(value) == "table" then
    local card = require("patchworks.repl.help").card(value)
    if card then return feed(card) end
    if is_version(value[1]) or is_entry(value[1]) then return feed(present.items(value, true)) end
    if is_version(value) then return feed(by_class["patchworks.version"](value)) end
    if is_entry(value) then return feed(rows.entry(value)) end
  end
  return feed(plain(value))
end

-- What of a call's results is shown: its value or its error, not the response behind the value.
local function shown(results)
  local first, second = results[1], results[2]
  if first == nil and errors.is_error(second) then return { second, n = 1 } end
  local class = name_of(second)
  if class == "patchworks.response" or name_of(first) == "patchworks.listing" then return { first, n = 1 } end
  return results
end

--- The results of a line as a feed of lines.
-- @tparam table results as of table.pack
function present.results(results)
  local values = shown(results)
  local number, current = 0, nil
  return function()
    while true do
      local line = current and current()
      if line then return line end
      if number >= values.n then return nil end
      number = number + 1
      current = present.feed(values[number])
    end
  end
end

local rest

--- Writes as many lines as fit, and keeps the others for `more`.
-- @tparam function lines a feed
function present.write(lines)
  local room = screen.terminal and screen.size() - 2 or most_lines
  for _ = 1, room do
    local line = lines()
    if not line then
      rest = nil
      return
    end
    io.stdout:write(line, "\n")
  end
  local held = lines()
  rest = held and function()
    local line = held
    held = nil
    return line or lines()
  end
  if rest then io.stdout:write(screen.paint("more() shows the rest", "dim"), "\n") end
end

--- Writes what comes after what was written last.
function present.more()
  if rest then
    present.write(rest)
  else
    io.stdout:write "that was all\n"
  end
end

--- Whether there is more.
function present.has_more() return rest ~= nil end

return present
