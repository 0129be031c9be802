--- `patchworks logs`: a version's log entries, or a script's across its versions, and those that come.
-- @module patchworks.cli.commands.logs
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local service = require "patchworks.service"
local show = require "patchworks.cli.show"

local logs = { description = "Print the log entries of a version or of a project's script, the newest last." }

local seconds_in = { s = 1, m = 60, h = 3600, d = 86400 }

local function read_span(text)
  local number, unit = text:match "^(%d+)([smhd]?)$"
  if not number then return nil, ("--since: expected a time such as 30s, 10m, 2h or 1d, got '%s'"):format(text) end
  return math.tointeger(tonumber(number)) * (seconds_in[unit] or 1)
end

function logs.declare(command)
  command:argument("version", "Id of the version, or a script's name in the project.")
  command:option("--since", "Of a script: as far back, such as 30s, 10m, 2h or 1d."):convert(read_span)
  readings.count(command, "--tail", "Of a script: so many of the newest (100).")
  command:option("--level", "Of a script: this level or a graver one.")
    :choices { "debug", "info", "notice", "warning", "error", "critical" }
  command:option("--grep", "Of a script: those with this text."):argname "TEXT"
  command:flag("-f --follow", "Go on with what comes.")
  command:option("--from", "With --follow: now, start, or a date."):default "now"
  readings.seconds(command, "--timeout", "With --follow: end after so many seconds.")
  readings.count(command, "--limit", "Only the newest; with --follow the first that come.")
end

-- Each entry is a row: further lines of it stand below its first, in its column.
local function print_entry(entry)
  if output.json then return output.object("log", entry) end
  local at = tostring(entry.created_at or "-")
  local level = entry.level and entry.level ~= "info" and entry.level .. ": " or ""
  local gap = output.terminal and "  " or "\t"
  local first, rest = (level .. tostring(entry.message)):gsub("[\r\n]+$", ""):match "^([^\r\n]*)(.*)$"
  output.write(output.paint(at, "dim"), gap, first, "\n")
  local indent = output.terminal and (" "):rep(#at) .. gap or gap
  for line in rest:gmatch "\r?\n?([^\r\n]*)" do
    if line ~= "" then output.write(indent, line, "\n") end
  end
  output.flush()
end

local function earlier(left, right)
  local first, second = service.time(left.created_at), service.time(right.created_at)
  return first ~= nil and second ~= nil and first < second
end

-- The newest entries, the oldest of them first. The contract doesn't say in which order they come: the dates on the
-- first page tell at which end the newest are, and no more pages are read than hold them.
local function newest(listing, limit)
  local first = show.check(listing:page(1))
  local last = math.type(first.meta.last_page) == "integer" and first.meta.last_page or 1
  local falling = #first.data > 1 and earlier(first.data[#first.data], first.data[1])
  local list = {} -- the newest first
  local from, to, step = last, 1, -1
  if falling then from, to, step = 1, last, 1 end
  for number = from, to, step do
    local entries = number == 1 and first.data or show.check(listing:page(number)).data
    for i = 1, #entries do list[#list + 1] = entries[falling and i or #entries + 1 - i] end
    if #list >= limit then break end
  end
  return table.move(list, 1, math.min(limit, #list), 1, {})
end

local function follow(context, id)
  local given = context.given
  if output.error_terminal then output.say("following version %s; Ctrl-C ends it", id) end
  local count = 0
  for entry in context:versions():tail(id, { from = given.from, timeout = given.timeout }) do
    print_entry(entry)
    count = count + 1
    if given.limit and count >= given.limit then break end
  end
end

local function of_script(context)
  local given, script_logs = context.given, require "patchworks.project.logs"
  local place = show.check(require("patchworks.project.workbench").place(
    context:project(), given.version, context:client(), context.environment
  ))
  local count = 0
  local function tell(each)
    print_entry(each.entry)
    count = count + 1
    return not given.limit or count < given.limit
  end
  if given.follow then
    show.check(script_logs.follow(place, given, tell))
  else
    for _, each in ipairs(show.check(script_logs.read(place, given))) do tell(each) end
  end
  return codes.done
end

function logs.run(context)
  local given = context.given
  if context:project().file.scripts[given.version] then return of_script(context) end
  local id = context:version(given.version)
  if given.follow then return follow(context, id) end
  local listing = context:versions():logs(id)
  if given.limit then
    local list = newest(listing, given.limit)
    for i = #list, 1, -1 do print_entry(list[i]) end
  else
    for entry in listing do print_entry(entry) end
  end
  return codes.done
end

return logs
