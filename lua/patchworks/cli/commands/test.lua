--- `patchworks test`: runs cases, here or against what is deployed.
-- @module patchworks.cli.commands.test
local codes = require "patchworks.cli.codes"
local counted = require "patchworks.counted"
local loop = require "patchworks.cli.loop"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local results = require "patchworks.cli.results"
local show = require "patchworks.cli.show"
local uv = require "patchworks.loop.uv"

local test = { description = "Run the cases of scripts: here, or with --env what is deployed there." }

function test.declare(command)
  command:argument("names", "Scripts, or NAME/CASE; all."):args "*"
  command:option("--format", "tap, junit or github."):choices { "tap", "junit", "github" }
  command:flag("--update", "What came becomes what is expected.")
  command:flag("-w --watch", "Go on: run what changes.")
  readings.seconds(command, "--timeout", "Seconds that a case may run here (120).")
  readings.count(command, "--concurrency", "So many cases at a time (one for each processor).")
end

local function watch(project, words)
  return loop.run(function(guard)
    local began
    local session = show.check(project:watch(words.names, {
      start = guard(function(list)
        began = uv.hrtime()
        for _, each in ipairs(list) do results.warn(each.script) end
      end),
      results = guard(function(_, list) results.cases(list, words.format, (uv.hrtime() - began) / 1e9) end),
      problem = output.complain,
    }, { timeout = words.timeout, update = words.update }))
    if session.watcher.polled then output.say "the system has no watches left: looking once a second" end
    return session
  end)
end

function test.run(context)
  local words, project = context.given, context:project()
  if words.watch and (words.env or words.base_url) then error("--watch tests what is here: leave --env away", 0) end
  if words.update and words.env then error("--update writes what came from here: leave --env away", 0) end
  if not words.names[1] then context:names() end
  if words.watch then return watch(project, words) end
  local given = { timeout = words.timeout, concurrency = words.concurrency, update = words.update }
  local done = 0
  function given.on_result()
    done = done + 1
    output.progress("%s", counted(done, "case"))
  end
  if words.env or words.base_url then
    given.client = context:client()
    given.environment = context.environment
  else
    for _, each in ipairs(show.check(require("patchworks.project.workbench").selection(project, words.names))) do
      results.warn(each.script)
    end
  end
  local began = uv.hrtime()
  local list = show.check(project:test(words.names, given))
  local failed = results.cases(list, words.format, (uv.hrtime() - began) / 1e9)
  return failed == 0 and codes.done or codes.failed
end

return test
