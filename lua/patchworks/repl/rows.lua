--- Versions and log entries as rows of a table.
-- @module patchworks.repl.rows
local counted = require "patchworks.counted"
local screen = require "patchworks.terminal"
local service = require "patchworks.service"

local rows = {}

--- How long ago a time was, in words.
-- @tparam ?number at seconds since 1970
-- @treturn string "-" where there is none
function rows.age(at)
  if not at then return "-" end
  local seconds = os.time() - at
  if seconds < 5 then return "just now" end
  if seconds < 90 then return ("%d s ago"):format(seconds // 1) end
  if seconds < 5400 then return ("%d min ago"):format(seconds // 60) end
  if seconds < 129600 then return ("%d h ago"):format(seconds // 3600) end
  if seconds < 60 * 86400 then return counted(seconds // 86400, "day") .. " ago" end
  return os.date("!%Y-%m-%d", at // 1)
end

--- The state of a version in words, and the colour of it.
-- @tparam table version
-- @tparam boolean live whether it is what flows take
function rows.state(version, live)
  local words = screen.clean(service.state(version))
  if live then return words .. ", LIVE", "green" end
  if service.failed_at(version) and not service.is_deployed(version) then return words .. ", failed", "red" end
  return words, service.is_deploying(version) and "cyan" or not service.was_deployed(version) and "yellow" or nil
end

local function text(value) return value == nil and "?" or screen.clean(tostring(value)) end

local headings = { "ID", "VERSION", "STATUS", "DEPLOYED", "CREATED" }

local function cells_of(version, live)
  local state, colour = rows.state(version, live)
  return {
    text(version.id),
    "v" .. text(version.version),
    state,
    rows.age(service.deployed_at(version)),
    rows.age(service.time(version.created_at)),
  }, colour
end

--- A list of versions as lines, the first of them headings.
-- @tparam table versions a list
-- @tparam function is_live whether a version is what flows take
-- @tparam boolean titled whether headings come first
-- @treturn table lines
function rows.versions(versions, is_live, titled)
  local table_of, widths = {}, {}
  for i, heading in ipairs(headings) do widths[i] = #heading end
  for i, version in ipairs(versions) do
    local cells, colour = cells_of(version, is_live(version))
    table_of[i] = { cells, colour }
    for column, cell in ipairs(cells) do widths[column] = math.max(widths[column], screen.length(cell)) end
  end
  local lines = {}
  local function line(cells, colour, whole)
    local parts = {}
    for column, cell in ipairs(cells) do
      local padded = column == #cells and cell or screen.pad(cell, widths[column])
      parts[column] = (whole or column == 3) and screen.paint(padded, colour) or padded
    end
    lines[#lines + 1] = table.concat(parts, "  ")
  end
  if titled then line(headings, "bold", true) end
  for _, each in ipairs(table_of) do line(each[1], each[2]) end
  return lines
end

local levels = { error = "red", warning = "yellow", warn = "yellow" }

--- A log entry as lines: a message of several goes on below its beginning.
function rows.entry(entry)
  local lines = {}
  local level = type(entry.level) == "string" and screen.clean(entry.level) or nil
  local head = ("%-10s  "):format(rows.age(service.time(entry.created_at)))
  if level and level ~= "info" then head = head .. level .. ": " end
  for each in (tostring(entry.message) .. "\n"):gmatch "([^\n]*)\n" do
    local begin = #lines == 0 and head or (" "):rep(#head)
    lines[#lines + 1] = begin .. screen.paint(screen.clean(each), levels[level])
  end
  return lines
end

return rows
