--- What a test run says to other programs: TAP 14, JUnit's XML, GitHub's annotations.
-- @module patchworks.project.report
local counted = require "patchworks.counted"

local report = {}

-- A result is `{name, script, case, ok, problem, diff, seconds, path}`; `path` is the file that the problem is about.

local function tap_name(text) return (text:gsub("[\\#]", "\\%0")) end

local function tap_block(lines, name, text)
  lines[#lines + 1] = ("  %s: |"):format(name)
  for line in (text:gsub("\n$", "") .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = "    " .. line end
end

--- The Test Anything Protocol.
-- @tparam table results a list
-- @treturn string
function report.tap(results)
  local lines = { "TAP version 14", ("1..%d"):format(#results) }
  for i, result in ipairs(results) do
    lines[#lines + 1] = ("%s %d - %s"):format(result.ok and "ok" or "not ok", i, tap_name(result.name))
    if not result.ok or result.seconds then
      lines[#lines + 1] = "  ---"
      if result.seconds then lines[#lines + 1] = ("  duration_ms: %.1f"):format(result.seconds * 1000) end
      if not result.ok then tap_block(lines, "message", result.problem) end
      if result.diff then tap_block(lines, "diff", result.diff) end
      lines[#lines + 1] = "  ..."
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local entities = { ["<"] = "&lt;", [">"] = "&gt;", ["&"] = "&amp;", ['"'] = "&quot;", ["\n"] = "&#10;" }

-- Without what XML can't hold: most control characters, and bytes that are no UTF-8.
local function xml(text)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
  return (text:gsub('[<>&"\n]', entities):gsub("[%z\1-\8\11\12\14-\31]", "?"))
end

--- JUnit's XML, as most continuous integration reads it.
-- @tparam table results a list
-- @treturn string
function report.junit(results)
  local failures, seconds = 0, 0
  for _, result in ipairs(results) do
    failures = failures + (result.ok and 0 or 1)
    seconds = seconds + (result.seconds or 0)
  end
  local lines = {
    '<?xml version="1.0" encoding="UTF-8"?>',
    ('<testsuite name="patchworks" tests="%d" failures="%d" errors="0" skipped="0" time="%.3f">'):format(
      #results, failures, seconds
    ),
  }
  for _, result in ipairs(results) do
    local head = ('  <testcase classname="%s" name="%s" time="%.3f"'):format(
      xml(result.script), xml(result.case), result.seconds or 0
    )
    if result.ok then
      lines[#lines + 1] = head .. "/>"
    else
      lines[#lines + 1] = head .. ">"
      lines[#lines + 1] = ('    <failure message="%s">%s</failure>'):format(xml(result.problem), xml(result.diff or ""))
      lines[#lines + 1] = "  </testcase>"
    end
  end
  lines[#lines + 1] = "</testsuite>"
  return table.concat(lines, "\n") .. "\n"
end

local function command_data(text) return (text:gsub("[%%\r\n]", { ["%"] = "%25", ["\r"] = "%0D", ["\n"] = "%0A" })) end

local function command_property(text)
  return (command_data(text):gsub("[:,]", { [":"] = "%3A", [","] = "%2C" }))
end

--- Workflow commands of GitHub Actions: an annotation for each failure.
-- @tparam table results a list
-- @treturn string
function report.github(results)
  local lines, failures = {}, 0
  for _, result in ipairs(results) do
    if not result.ok then
      failures = failures + 1
      local more = result.diff ~= result.problem and result.diff
      local text = result.problem .. (more and "\n" .. more or "")
      lines[#lines + 1] = ("::error file=%s,title=%s::%s"):format(
        command_property(result.path or ""), command_property(result.name), command_data(text)
      )
    end
  end
  lines[#lines + 1] = ("%s, %d failed"):format(counted(#results, "case"), failures)
  return table.concat(lines, "\n") .. "\n"
end

return report
