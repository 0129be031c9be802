--- How runs and cases are shown.
-- @module patchworks.cli.results
local counted = require "patchworks.counted"
local imports = require "patchworks.project.imports"
local output = require "patchworks.cli.output"
local runs = require "patchworks.project.run"

local results = {}

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "a"
end

--- Warns of what a script imports that the platform hasn't got.
function results.warn(script)
  local source = read(script.path)
  for _, each in ipairs(source and imports.missing(runs.language(script), source) or {}) do
    output.say("%s %s, %s", output.paint_error("warning:", "yellow"), script.file, each.sentence)
  end
end

local function time_of(seconds)
  return seconds < 10 and ("%.0f ms"):format(seconds * 1000) or ("%.1f s"):format(seconds)
end

--- Time and memory, for people.
function results.cost(outcome)
  local text = time_of(outcome.seconds or 0)
  local memory = outcome.memory_bytes
  return memory and memory > 0 and ("%s, %.0f MB"):format(text, memory / 1e6) or text
end

local function say_lines(text, prefix, colour)
  for line in (text:gsub("\n$", "") .. "\n"):gmatch "([^\n]*)\n" do
    output.say("%s%s", output.paint_error(prefix, colour), line)
  end
end

local function say_source(script, line)
  local source, number = read(script.path) or "", 0
  for text in (source .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    if number == line then return output.say("  %s %s", output.paint_error(line .. " |", "dim"), text) end
  end
end

--- A run: its payload on standard output, all else on standard error.
-- @treturn boolean whether the script answered
function results.outcome(script, outcome)
  if output.json then
    output.object("run", {
      script = script.name, ok = not outcome.failure, payload = outcome.payload, logs = output.list(outcome.logs),
      error = outcome.failure, line = outcome.line, printed = outcome.printed, errors = outcome.errors,
      seconds = outcome.seconds, memory_bytes = outcome.memory_bytes,
    })
    return not outcome.failure
  end
  for _, line in ipairs(outcome.logs) do say_lines(line, "log: ", "dim") end
  if outcome.printed and outcome.printed ~= "" then say_lines(outcome.printed, "printed: ", "dim") end
  if outcome.failure then
    if outcome.errors and outcome.errors ~= "" then say_lines(outcome.errors, "  ", "dim") end
    output.complain(outcome.failure)
    if outcome.line then say_source(script, outcome.line) end
  end
  if outcome.seconds then output.say("%s", output.paint_error(results.cost(outcome), "dim")) end
  if outcome.payload then output.write(outcome.payload, "\n") end
  output.flush()
  return not outcome.failure
end

--- Says where a case was kept, and what was left out of it. Raises the error when it could not be.
-- @param path what `project:keep` gave
-- @param left its second value
function results.kept(path, left)
  if not path then error(left, 0) end
  output.say("kept as %s", path)
  if left[1] then output.say("left out, since it looks like a secret: %s", table.concat(left, ", ")) end
end

--- A unified diff, in colour on a terminal.
-- @tparam string text
-- @tparam ?string indent
function results.diff(text, indent)
  for line in (text:gsub("\n$", "") .. "\n"):gmatch "([^\n]*)\n" do
    local colour = line:find "^%+" and "green" or line:find "^%-" and "red" or line:find "^@@" and "dim" or nil
    output.write(indent or "", output.paint(line, colour), "\n")
  end
end

local function case(result)
  if output.json then
    return output.object("case", {
      name = result.name, script = result.script, case = result.case, ok = result.ok, problem = result.problem,
      diff = result.diff, seconds = result.seconds, path = result.path, updated = result.updated,
    })
  end
  local mark = result.ok and output.paint("ok  ", "green") or output.paint("FAIL", "red")
  local note = result.updated and "wrote " .. result.updated or result.seconds and time_of(result.seconds) or ""
  output.write(mark, "  ", result.name, result.case == "syntax" and " (no cases: its syntax)" or "", "  ",
    output.paint(note, "dim"), "\n")
  if result.ok then return end
  for line in (result.problem .. "\n"):gmatch "([^\n]*)\n" do
    output.write("      ", output.visible(line), "\n")
  end
  local more = result.diff
  if more and more:match "^[^\n]*" == result.problem then more = more:match "\n(.+)$" end
  if more then results.diff(more, "      ") end
  for _, line in ipairs(result.logs or {}) do
    output.write("      ", output.paint("log: " .. output.visible(line), "dim"), "\n")
  end
end

--- Cases that were run.
-- @tparam table list results, see patchworks.project.run
-- @tparam ?string format "tap", "junit" or "github"
-- @tparam ?number seconds all of it took
-- @treturn integer how many failed
function results.cases(list, format, seconds)
  output.clear()
  local failed = 0
  for _, result in ipairs(list) do failed = failed + (result.ok and 0 or 1) end
  if format then
    output.write(require("patchworks.project.report")[format](list))
  else
    for _, result in ipairs(list) do case(result) end
  end
  output.flush()
  if not output.json then
    output.say("%s, %s%s", counted(#list, "case"),
      failed == 0 and output.paint_error("all good", "green") or output.paint_error(failed .. " failed", "red"),
      seconds and ", " .. time_of(seconds) or "")
  end
  return failed
end

return results
