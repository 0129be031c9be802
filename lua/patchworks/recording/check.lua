--- Holds a recording against the contract, and against what isn't known of the service.
-- @module patchworks.recording.check
local answers = require "patchworks.recording.answers"
local cjson = require "cjson"
local contract = require "patchworks.recording.contract"
local deployments = require "patchworks.recording.deployments"
local errors = require "patchworks.errors"
local questions = require "patchworks.recording.questions"
local reader = require "patchworks.recording.reader"
local service = require "patchworks.service"

local check = {}

local most_deviations, most_answers = 200, 12

local json = cjson.new()
json.decode_invalid_numbers(false)

local function decode(text)
  if type(text) ~= "string" then return nil end
  local ok, value = pcall(json.decode, text)
  if ok then return value end
end

-- A version's fields without nulls, and integers as such.
local function plain(version)
  local copy = {}
  for name, value in pairs(version) do
    if value ~= cjson.null then copy[name] = math.type(value) == "float" and math.tointeger(value) or value end
  end
  return copy
end

local has_versions = { get = true, list = true, create = true, deploy = true }

local function versions_in(operation, id, body)
  local data = type(body) == "table" and has_versions[operation] and body.data
  if type(data) ~= "table" then return {} end
  local of_one = operation == "get" or operation == "deploy"
  local list = {}
  for _, each in ipairs(operation == "list" and data or { data }) do
    local version = type(each) == "table" and plain(each)
    if version and service.is_version(version) and not (of_one and version.id ~= id) then
      list[#list + 1] = version
    end
  end
  return list
end

local function names_of(text, value)
  if value == nil then return text and text ~= "" and "no JSON" or "an empty body" end
  if type(value) ~= "table" then return "a " .. type(value) end
  local names = {}
  for name, inner in pairs(value) do
    names[#names + 1] = type(inner) == "table" and tostring(name) .. " (an object)" or tostring(name)
  end
  table.sort(names)
  return names[1] and table.concat(names, ", ", 1, math.min(#names, 12)) or "an empty object"
end

local function table_in(entry, name)
  local value = entry[name]
  return type(value) == "table" and value or {}
end

-- An attempt as the rules take it, without a status where none came; nil for one that isn't of the API.
local function seen_of(entry, line)
  local request, response = table_in(entry, "request"), table_in(entry, "response")
  local status, method, path = math.tointeger(response.status), entry.method, entry.path
  if type(method) ~= "string" or type(path) ~= "string" then return nil end
  local operation, id = contract.operation(method, path)
  if not operation and entry.operation == "login" then operation = "login" end
  if not operation then return nil end
  local body = status and decode(response.body)
  local began = service.time(entry.time) or 0
  return {
    line = line, operation = operation, id = id, status = status, body = body, request = decode(request.body),
    names = names_of(response.body, body),
    headers = table_in(response, "headers"), credential = entry.credential,
    versions = status and status < 300 and versions_in(operation, id, body) or {},
    has_body = type(response.body) == "string",
    script = operation == "list" and id or nil,
    time = began, ended = began + (tonumber(entry.seconds) or 0),
  }
end

-- What a recording came to so far.
local Report = {}
Report.__index = Report

local function new_report(path)
  return setmetatable({
    path = path, attempts = 0, unanswered = 0, withheld = 0, other = 0, origins = {}, operations = {}, unread = {},
    deviations = {}, more_deviations = 0, by_text = {}, evidence = {},
  }, Report)
end

-- A question's answer in one place of the recording.
function Report:tell(name, text, line, example)
  local all = self.evidence[name] or {}
  self.evidence[name] = all
  for _, each in ipairs(all) do
    if each.text == text then
      each.count, each.line, each.last = each.count + 1, math.min(each.line, line), math.max(each.last or 0, line)
      return
    end
  end
  if #all < most_answers then all[#all + 1] = { text = text, line = line, count = 1, example = example } end
end

function Report:deviate(seen, path, problem, known)
  local text = table.concat({ seen.operation, seen.status, path, problem }, "\0")
  local found = self.by_text[text]
  if found then
    found.count = found.count + 1
  elseif #self.deviations == most_deviations then
    self.more_deviations = self.more_deviations + 1
  else
    found = { operation = seen.operation, status = seen.status, path = path, problem = problem, known = known or false,
      count = 1, line = seen.line }
    self.deviations[#self.deviations + 1], self.by_text[text] = found, found
  end
end

function Report:unreadable(line, problem)
  if #self.unread < 20 then self.unread[#self.unread + 1] = { line = line, problem = problem } end
end

-- One attempt of the recording.
function Report:take(entry, line, rules)
  self.attempts = self.attempts + 1
  local seen = seen_of(entry, line)
  local response = table_in(entry, "response")
  if not response.status then self.unanswered = self.unanswered + 1 end
  if response.withheld then self.withheld = self.withheld + 1 end
  if not seen or not seen.status then
    if response.status then self.other = self.other + 1 end
    if seen then
      for _, rule in ipairs(rules) do
        if rule.lost then rule:lost(seen) end
      end
    end
    return
  end
  self.operations[seen.operation] = (self.operations[seen.operation] or 0) + 1
  for _, rule in ipairs(rules) do rule:see(seen) end
  if seen.operation == "login" then return end
  local kind = seen.has_body and seen.headers["content-type"]
  contract.judge(seen.operation, seen.status, seen.body, type(kind) == "string" and kind or nil,
    function(path, problem, known) self:deviate(seen, path, problem, known) end)
end

local function verdict_of(question, all)
  if not all then return "not seen" end
  if question.documented and (#all > 1 or all[1].text ~= question.documented) then return "contradicted" end
  return (#all > 1 and not question.varies) and "contradicted" or "settled"
end

-- The habits that do what was seen, where that is sure.
local function habits_of(results)
  local list = {}
  for _, result in ipairs(results) do
    if result.habit and #result.answers == 1 then list[#list + 1] = result.habit end
  end
  return table.concat(list, ",")
end

-- How long a deployment takes, of those that were watched the one that was watched best.
local function usual_deployment(all)
  local best
  for _, each in ipairs(all or {}) do
    local span = each.example
    if not best or span.most - span.least < best.most - best.least then best = span end
  end
  return best and best.most
end

-- The report, without what it was made with.
local function finish(self)
  local results = {}
  for i, question in ipairs(questions) do
    local all = self.evidence[question.name]
    if all then table.sort(all, function(left, right) return left.line < right.line end) end
    local first = all and all[1]
    results[i] = {
      name = question.name, asks = question.asks, verdict = verdict_of(question, all), answers = all or {},
      usual = question.usual, documented = question.documented, show = question.show, note = question.note,
      habit = first and question.habit and first.text ~= question.usual and question.habit(first.text, first.example)
        or nil,
    }
  end
  self.questions, self.habits = results, habits_of(results)
  self.deploy_seconds = usual_deployment(self.evidence.deploy_seconds)
  local limits = self.evidence.rate_headers
  self.rate_limit = limits and limits[1].example or nil
  local sound = self.more_deviations == 0
  for _, each in ipairs(results) do sound = sound and each.verdict ~= "contradicted" end
  for _, each in ipairs(self.deviations) do sound = sound and each.known end
  self.as_known = sound
  self.evidence, self.by_text = nil, nil
  return setmetatable(self, nil)
end

local function failed(path, message, hint)
  return nil, errors.new { kind = "file", operation = "check", message = path .. ": " .. message, hint = hint }
end

local function origins_of(report)
  local list = {}
  for origin in pairs(report.origins) do list[#list + 1] = origin end
  table.sort(list)
  return list
end

local function entry_of(text)
  local entry = decode(text)
  return type(entry) == "table" and entry.v == 1 and entry or nil
end

-- Reads every line into the report.
-- @treturn boolean whether it is a recording at all
local function read(report, handle, origin, rules)
  local is_recording = false
  for line, text, whole in reader.lines(handle) do
    local entry = text and entry_of(text)
    if entry and entry.type == "attempt" and type(entry.origin) == "string" then
      local login = entry.operation == "login" -- which is elsewhere
      if not login and (origin == nil or entry.origin == origin) then report.origins[entry.origin] = true end
      if login or origin == nil or entry.origin == origin then report:take(entry, line, rules) end
    elseif not entry and text ~= "" then
      report:unreadable(line, not text and "is too long" or whole and "is no line of a recording"
        or "is not whole: the recording was interrupted there")
      if not is_recording then return false end
    end
    is_recording = is_recording or entry ~= nil
  end
  return is_recording
end

--- Checks a recording.
-- @tparam string path
-- @tparam ?table given `origin`: of several services only this one
-- @treturn ?table report: `questions` (each `name`, `asks`, `verdict`: "settled", "contradicted" or "not seen",
-- `answers`, a list of `text`, `line`, `count`; `usual`, `documented`, `show`, `note`, `habit`), `deviations` (each
-- `operation`, `status`, `path`, `problem`, `count`, `line`, `known`), `habits` (a text for the sandbox),
-- `deploy_seconds`, `rate_limit`, `attempts`, `operations`, `unanswered`, `withheld`, `other`, `origins`, `unread`,
-- `as_known` (nothing is contradicted, and nothing deviates that wasn't known to); or nil and an error of kind "file"
function check.check(path, given)
  local handle <close>, problem = io.open(path, "rb")
  if not handle then return failed(path, problem:match ": ([^:]*)$" or problem) end
  local _, unreadable = handle:read(0)
  if unreadable then return failed(path, unreadable) end
  local report = new_report(path)
  local function tell(...) report:tell(...) end
  local rules = { answers.new(tell), deployments.new(tell) }
  if not read(report, handle, given and given.origin, rules) then
    return failed(path, "is no recording: its first line is not one", "record one with --record FILE")
  end
  report.origins = origins_of(report)
  local origin = given and given.origin
  if origin and not report.origins[1] then
    return failed(path, "it has no answer of " .. origin, "name it as a line's `origin` has it")
  end
  if #report.origins > 1 then
    return failed(path, ("it has answers of several services: %s"):format(table.concat(report.origins, ", ")),
      "say which with --origin")
  end
  for _, rule in ipairs(rules) do
    if rule.finish then rule:finish() end
  end
  return finish(report)
end

return check
