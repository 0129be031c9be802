--- `patchworks check-record`: what a recording settles of what isn't known of the service, and what is not as the
-- contract says.
-- @module patchworks.cli.commands.check_record
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local recordings = require "patchworks.recording.check"
local show = require "patchworks.cli.show"
local words = require "patchworks.cli.words"

local check_record = {
  description = "Say what a recording settles, contradicts or doesn't show, and where it isn't as the contract says.",
  offline = true,
}

function check_record.declare(command)
  command:argument("file", "A recording, as --record FILE makes it.")
  command:option("--origin", "Of several services the one at this URL."):argname "URL"
end

-- Texts of the service's, for people.
local function shown(text)
  text = output.visible(text:gsub("%s+", " "))
  return #text > 120 and text:sub(1, 117) .. "..." or text
end

local most_answers = 3 -- that are shown of a question

local function answers_of(result)
  local list = {}
  for i, each in ipairs(result.answers) do
    list[i] = i <= most_answers and ("%s (line %d)"):format(each.text, each.line) or nil
  end
  local more = #result.answers - #list
  return table.concat(list, "; ") .. (more > 0 and ("; and %d more"):format(more) or "")
end

local function remark(result)
  if result.documented and result.verdict == "contradicted" then return "documented: " .. result.documented end
  if result.verdict == "contradicted" then return "the lines contradict each other" end
  if result.habit then return "--habits " .. result.habit end
  if not result.usual then return "-" end
  if result.answers[1].text == result.usual then return output.terminal and "-" or "as in the sandbox" end
  return "in the sandbox: " .. result.usual
end

-- The commands that would show something, as they are typed.
local function commands_for(result, path)
  local list, record = {}, words.command({ "--record", path }):match " (.*)$"
  for i, each in ipairs(result.show) do list[i] = ("patchworks %s %s"):format(each, record) end
  return table.concat(list, "; ") .. (result.note and (" (%s)"):format(result.note) or "")
end

-- Rows of four texts: on a terminal the last below the others, since neither is to be cut; elsewhere as tables are.
local function show_rows(rows, widths, colours)
  if not output.terminal then return output.table({}, rows) end
  local form = ("%%-%ds  %%-%ds  "):format(widths[1], widths[2])
  for _, row in ipairs(rows) do
    output.write(output.paint(form:format(row[1], row[2]), colours[row[1]]), row[3], "\n")
    if row[4] ~= "-" then output.write((" "):rep(widths[1] + 2), row[4], "\n") end
  end
end

local function show_questions(report)
  local rows, count = {}, { settled = 0, contradicted = 0, ["not seen"] = 0 }
  for _, result in ipairs(report.questions) do
    count[result.verdict] = count[result.verdict] + 1
    local seen = result.verdict ~= "not seen"
    rows[#rows + 1] = { result.verdict, result.name, seen and shown(answers_of(result)) or result.asks,
      seen and shown(remark(result)) or commands_for(result, report.path) }
  end
  output.say("%d questions: %d settled, %d contradicted, %d not seen", #rows, count.settled, count.contradicted,
    count["not seen"])
  show_rows(rows, { 12, 22 }, { settled = "green", contradicted = "red" })
end

-- What is the same of several answers in one row, and what is news before what isn't.
local function grouped(deviations)
  local groups, by_text, news = {}, {}, 0
  for _, each in ipairs(deviations) do
    local text = table.concat({ tostring(each.known), (each.path:gsub("^data%[%]", "data")), each.problem }, "\0")
    local group = by_text[text]
    if not group then
      group = { known = each.known, path = each.path, problem = each.problem, line = each.line, count = 0,
        answers = {} }
      groups[#groups + 1], by_text[text] = group, group
      if not each.known then news = news + 1 end
    end
    group.count = group.count + each.count
    group.answers[#group.answers + 1] = ("%s %d"):format(each.operation, each.status)
  end
  table.sort(groups, function(left, right)
    if left.known ~= right.known then return right.known end
    return left.line < right.line or (left.line == right.line and left.path < right.path)
  end)
  return groups, news
end

local function show_deviations(report)
  local groups, news = grouped(report.deviations)
  local rows = {}
  for i, each in ipairs(groups) do
    local times = each.count == 1 and "once" or each.count .. " times"
    rows[i] = { each.known and "known" or "new", table.concat(each.answers, ", "),
      shown(each.path ~= "" and each.path or "-"),
      shown(("%s (%s, first in line %d)"):format(each.problem, times, each.line)) }
  end
  output.say("OpenAPI: %d deviations that are news, %d that are known", news, #rows - news)
  if report.more_deviations > 0 then output.say("%d more are not listed", report.more_deviations) end
  show_rows(rows, { 5, 30 }, { new = "red" })
end

local function say_what_it_holds(report)
  for _, each in ipairs(report.unread) do output.say("line %d %s; it is left out", each.line, each.problem) end
  local counts = {}
  for name, count in pairs(report.operations) do counts[#counts + 1] = ("%s %d"):format(name, count) end
  table.sort(counts)
  output.say("%d attempts at %s: %s", report.attempts, shown(report.origins[1] or "no service"),
    counts[1] and table.concat(counts, ", ") or "none was answered")
  if report.unanswered > 0 then output.say("%d had no answer", report.unanswered) end
  if report.other > 0 then output.say("%d are not in the contract", report.other) end
  if report.withheld > 0 then output.say("%d bodies were not kept, and are not checked", report.withheld) end
end

local function sandbox_for(report)
  local list = { "sandbox" }
  if report.deploy_seconds then
    table.move({ "--deploy-seconds", ("%.3g"):format(report.deploy_seconds) }, 1, 2, #list + 1, list)
  end
  if report.rate_limit then
    table.move({ "--rate-limit", tostring(report.rate_limit) }, 1, 2, #list + 1, list)
  end
  if report.habits ~= "" then table.move({ "--habits", report.habits }, 1, 2, #list + 1, list) end
  return words.command(list)
end

function check_record.run(context)
  local report = show.check(recordings.check(context.given.file, { origin = context.given.origin }))
  local code = report.as_known and codes.done or codes.failed
  if output.json then
    for _, result in ipairs(report.questions) do output.object("question", result) end
    for _, each in ipairs(report.deviations) do output.object("deviation", each) end
    output.object("recording", { attempts = report.attempts, unread = #report.unread, origin = report.origins[1],
      habits = report.habits, sandbox = sandbox_for(report), as_known = report.as_known })
    return code
  end
  say_what_it_holds(report)
  show_questions(report)
  output.flush()
  show_deviations(report)
  output.flush()
  output.say "a sandbox that does what was seen:"
  output.write(sandbox_for(report), "\n")
  return code
end

return check_record
