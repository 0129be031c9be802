--- The command line: `patchworks COMMAND ..`.
-- @module patchworks.cli
local codes = require "patchworks.cli.codes"
local commands = require "patchworks.cli.commands"
local contexts = require "patchworks.cli.context"
local errors = require "patchworks.errors"
local output = require "patchworks.cli.output"
local parser = require "patchworks.cli.parser"

local cli = {}

local function run(given)
  output.json = given.json or false
  local context = contexts.new(given)
  local code = commands.load(given.command).run(context)
  output.flush()
  context:close()
  return code or codes.done
end

-- The exit code of what ended a command, told on standard error.
local function explain(problem)
  output.clear()
  if getmetatable(problem) == output.Broken then
    -- The reader has gone, as `head` does: nothing to tell. Anything else, such as a full disk, is a failure.
    if problem.number ~= 32 then output.complain("can't write the output: " .. tostring(problem.message)) end
    return codes.failed
  end
  if errors.is_error(problem) then
    output.complain(problem.kind == "file" and problem.message or tostring(problem))
    return codes.of(problem)
  end
  local text = tostring(problem)
  if text:find "interrupted!$" then
    output.say "interrupted"
    return codes.interrupted
  end
  -- Misuse raises with a place in this program's code, which says nothing to its user.
  output.complain((text:gsub("^[^%s:]+%.lua:%d+: ", "")))
  return codes.usage
end

--- Runs a command.
-- @tparam table words the words behind the program's name
-- @treturn integer the exit code
function cli.main(words)
  local given, problem, usage = parser.read(words)
  if not given then
    output.complain(problem)
    io.stderr:write(usage, "\n")
    return codes.usage
  end
  local done, result = xpcall(run, function(raised)
    local text = type(raised) == "string" and raised
    -- A defect of ours shows where it is.
    if text and text:find "attempt to" then return debug.traceback(text) end
    return raised
  end, given)
  if done then return result end
  return explain(result)
end

return cli
