--- The command line: `patchworks COMMAND ..`.
-- @module patchworks.cli
require "patchworks.cli.streams"
local codes = require "patchworks.cli.codes"
local commands = require "patchworks.cli.commands"
local contexts = require "patchworks.cli.context"
local errors = require "patchworks.errors"
local output = require "patchworks.cli.output"
local parser = require "patchworks.cli.parser"
local patience = require "patchworks.cli.patience"
local show = require "patchworks.cli.show"
local underway = require "patchworks.cli.underway"

local cli = {}

local context -- the command's

local function run(given, words)
  context = contexts.new(given, words)
  local _ <close> = context
  local code = commands.load(given.command).run(context)
  underway.over(context)
  output.flush()
  code = code or codes.done
  return patience.ended() or code == codes.done and context.unrecorded and codes.failed or code
end

-- For a command that is cut off.
local function tell_what_was_under_way(code, word)
  output.say("%s", word)
  local told = underway.tell(context) or {}
  local may = context and context.may
  if may then output.say("%s", may) end
  if output.done then output.say("it was done all the same: %s", output.done) end
  if output.json then
    pcall(output.object, "error", { -- where nobody reads it, the code still says what ended it
      kind = "interrupted", message = may and word .. ": " .. may or word, exit_code = code,
      outcome = (may or told.changed or output.done) and "unknown" or "none",
      accounts = told.accounts, go_on = told.go_on,
    })
  end
  return code
end

-- For what was to be printed, and couldn't be. A reader that has gone, as `head` does, is no failure to tell of; what
-- was done is told whatever it is.
local function tell_what_was_done(problem)
  if problem.number ~= 32 then output.complain("can't write the output: " .. tostring(problem.message)) end
  if output.done then output.say("it was done all the same: %s", output.done) end
  return codes.failed
end

-- A failure; where it came after what the command was to do, that was done, whatever the kind.
local function tell_failure(problem)
  local code = show.failure(problem, output.done and codes.failed or nil)
  if output.done then output.say("it was done all the same: %s", output.done) end
  return code
end

-- The exit code of what ended a command, told on standard error.
local function explain(problem)
  output.clear()
  if getmetatable(problem) == output.Broken then return tell_what_was_done(problem) end
  if getmetatable(problem) == patience.Ended then return tell_what_was_under_way(problem.code, "ended by a signal") end
  if errors.is_error(problem) then
    if context then underway.over(context) end
    return tell_failure(problem)
  end
  local text = tostring(problem)
  if text:find "interrupted!$" then return tell_what_was_under_way(codes.interrupted, "interrupted") end
  if text:find "^a defect: " then
    output.complain(text)
    return codes.failed
  end
  -- Misuse raises with a place in this program's code, which says nothing to its user.
  return tell_failure((text:gsub("^[^%s:]+:%d+: ", "")))
end

-- A defect of ours shows where it is; whatever else is raised is about what the command was given.
local function note_defect(raised)
  if type(raised) ~= "string" or not raised:find "^[^:]+:%d+: attempt to " then return raised end
  return "a defect: " .. debug.traceback(raised)
end

-- Does something, and tells what ends it; what can't be told any more ends it too.
local function guarded(act, ...)
  local done, result = xpcall(act, note_defect, ...)
  if done then return result end
  local told, code = pcall(explain, result)
  return told and code or codes.failed
end

local function act(words)
  local given, problem, usage = parser.read(words)
  if given and given.text then return output.write(given.text, "\n") end
  if given then return run(given, words) end
  local code = show.failure(problem)
  io.stderr:write(usage, "\n")
  return code
end

--- Runs a command.
-- @tparam table words the words behind the program's name
-- @treturn integer the exit code
function cli.main(words)
  -- Also where the words can't be read.
  for _, word in ipairs(words) do output.json = output.json or word == "--json" end
  return guarded(function()
    local code = act(words)
    output.flush()
    return code or codes.done
  end)
end

return cli
