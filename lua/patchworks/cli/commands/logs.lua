--- `patchworks logs`: a version's log entries, and those that come.
-- @module patchworks.cli.commands.logs
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"

local logs = { description = "Print the log entries of a version." }

function logs.declare(command)
  readings.version(command)
  command:flag("-f --follow", "Go on with what comes.")
  command:option("--from", "With --follow: now, start, or a date."):default "now"
  readings.seconds(command, "--timeout", "With --follow: end after so many seconds.")
  readings.count(command, "--limit", "At most so many.")
end

local function print_entry(entry)
  if output.json then return output.object("log", entry) end
  local level = entry.level and entry.level ~= "info" and entry.level .. ": " or ""
  output.write(output.paint(entry.created_at or "-", "dim"), output.terminal and "  " or "\t", level,
    tostring(entry.message), "\n")
  output.flush()
end

function logs.run(context)
  local given = context.given
  local versions = context:versions()
  if not given.follow then
    for entry in versions:logs(given.version, { limit = given.limit }) do print_entry(entry) end
    return codes.done
  end
  if output.error_terminal then output.say("following version %s; Ctrl-C ends it", given.version) end
  local count = 0
  for entry in versions:tail(given.version, { from = given.from, timeout = given.timeout }) do
    print_entry(entry)
    count = count + 1
    if given.limit and count >= given.limit then break end
  end
end

return logs
