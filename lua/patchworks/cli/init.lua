--- The command line: `patchworks COMMAND ..`.
-- @module patchworks.cli
local codes = require "patchworks.cli.codes"
local errors = require "patchworks.errors"
local output = require "patchworks.cli.output"
local parser = require "patchworks.cli.parser"
local profile = require "patchworks.cli.profile"

local cli = {}

local groups = {
  list = "versions", show = "versions", create = "versions", deploy = "versions", invoke = "versions",
  logs = "versions", delete = "versions", upload = "versions",
  publish = "releases", rollback = "releases", prune = "releases", plan = "releases", apply = "releases",
  sandbox = "setup", whoami = "setup", doctor = "setup", completion = "setup",
}

local function tell_event(event)
  if event.type == "attempt" then
    output.say("%s: attempt %d: %s, %.3f s", event.operation, event.number, event.status or event.kind, event.seconds)
  elseif event.type == "retry" or event.type == "wait" then
    output.say("%s: %s, waiting %.1f s", event.operation, event.type, event.seconds)
  end
end

-- What a command works with: its arguments, the project's file, and a client made when it is needed.
local function context_of(given)
  local known = profile.read()
  local context = { given = given, profile = known }
  function context.client()
    if not context.made then
      context.made = require("patchworks").new {
        base_url = given.base_url or known.base_url,
        login_url = known.login_url,
        login_field = known.login_field,
        ca_file = known.ca_file,
        rate_limit = known.rate_limit,
        on_event = given.verbose and tell_event or nil,
      }
    end
    return context.made
  end
  function context.script(name)
    local id, problem = profile.script(known, name)
    if not id then error(problem, 0) end
    return id
  end
  return context
end

local function run(given)
  output.json = given.json or false
  local context = context_of(given)
  local code = require("patchworks.cli.commands." .. groups[given.command])[given.command](context)
  output.flush()
  if context.made then context.made:close() end
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
    output.complain(tostring(problem))
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
  local parse = parser.new()
  local ok, given = parse:pparse(words)
  if not ok then
    output.complain(given)
    io.stderr:write(parse:get_usage(), "\n")
    return codes.usage
  end
  local done, result = xpcall(run, function(problem)
    local text = type(problem) == "string" and problem
    -- A defect of ours shows where it is.
    if text and text:find "attempt to" then return debug.traceback(text) end
    return problem
  end, given)
  if done then return result end
  return explain(result)
end

return cli
