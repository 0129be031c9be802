--- `patchworks run`: runs a script here and now, with no account.
-- @module patchworks.cli.commands.run
local codes = require "patchworks.cli.codes"
local loop = require "patchworks.cli.loop"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local results = require "patchworks.cli.results"
local show = require "patchworks.cli.show"
local workbench = require "patchworks.project.workbench"

local run = { description = "Run a script here and now, with no account, and print its payload.", offline = true }

function run.declare(command)
  command:argument("script", "Its name in the project, or a file; the only one there is."):args "?"
  readings.invoking(command)
  readings.seconds(command, "--timeout", "Seconds that it may run (120).")
  command:option("--save", "Keep payload, variables and answer as a case of this name."):argname "CASE"
  command:flag("-w --watch", "Run it again whenever it, or the payload's file, changes.")
end

local function once(project, script, given)
  local outcome = show.check(project:run(script.path, given))
  return results.outcome(script, outcome), outcome
end

local function watch(project, script, context)
  local words = context.given
  local function again()
    local ok, given = pcall(readings.invocation, words)
    if not ok then return output.complain(given) end
    given.timeout = words.timeout
    output.say("%s", output.paint_error(("-- %s %s"):format(os.date "%H:%M:%S", script.file), "dim"))
    once(project, script, given)
  end
  local watched = { [script.path] = true }
  local folders = { script.path:match "^(.+)/[^/]*$" or "." }
  if words.payload_file then
    folders[2] = words.payload_file:match "^(.+)/[^/]*$" or "."
    watched[words.payload_file] = true
    watched[folders[2] .. "/" .. words.payload_file:match "[^/]*$"] = true
  end
  watched[folders[1] .. "/" .. script.path:match "[^/]*$"] = true
  return loop.run(function(guard)
    local watcher = require("patchworks.project.watch").new(folders, {}, guard(function(paths)
      for _, path in ipairs(paths) do
        if watched[path] then return again() end
      end
    end))
    again()
    return watcher
  end)
end

-- The payload of the first case, for a script that was given none.
local function some_payload(script)
  local cases = script.cases_folder and require("patchworks.project.cases").find(script.cases_folder)
  for _, case in ipairs(cases or {}) do
    if case.payload_path then return case.payload_path end
  end
end

function run.run(context)
  local words, project = context.given, context:project()
  local script = show.check(workbench.script(project, words.script, "run"))
  results.warn(script)
  if words.watch then
    if words.save then error("give --watch or --save, not both", 0) end
    if words.payload_file == "-" then error("--watch reads the payload again each time: give it as a file", 0) end
    return watch(project, script, context)
  end
  if words.save then show.check(project:script(script.name)) end -- only the project's have cases
  local given = readings.invocation(words)
  given.timeout = words.timeout
  local ok, outcome = once(project, script, given)
  local payload = not ok and not given.payload and some_payload(script)
  if payload then output.say("it was given no payload; one of its cases has one: --payload-file %s", payload) end
  if ok and words.save then
    output.done = script.name .. " was run"
    results.kept(project:keep(script.name, words.save, {
      payload = given.payload, variables = given.variables, answer = outcome.payload,
    }))
  end
  return ok and codes.done or codes.failed
end

return run
