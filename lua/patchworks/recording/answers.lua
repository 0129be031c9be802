--- What single answers of a recording tell: statuses, how a source comes back, the order of logs, the rate limit.
-- @module patchworks.recording.answers
local service = require "patchworks.service"

local Answers = {}
Answers.__index = Answers

local answers = {}

local most_sources = 500 -- that were sent, and not read back yet

--- @tparam function tell is given a question's name, what was seen, the line, and an example of what was seen
function answers.new(tell) return setmetatable({ tell = tell, sent = {}, order = {} }, Answers) end

local function remember(self, id, source)
  self.sent[id] = source
  self.order[#self.order + 1] = id
  if #self.order > most_sources then self.sent[table.remove(self.order, 1)] = nil end
end

local function line_ends(text)
  if text:find("\r\n", 1, true) then return "CRLF" end
  return text:find("\n", 1, true) and "LF" or nil
end

local function compare_source(self, sent, came, line)
  local before, after = line_ends(sent:match "^%s*(.-)%s*$"), line_ends(came:match "^%s*(.-)%s*$")
  if before and after then
    self.tell("crlf", before == after and "as they came" or ("%s becomes %s"):format(before, after), line)
  end
  local first, last = sent:find "^%s" ~= nil, sent:find "%s$" ~= nil
  if first or last then
    local kept = (came:find "^%s" ~= nil) == first and (came:find "%s$" ~= nil) == last
    self.tell("trim", kept and "they stay" or "they are gone", line)
  end
end

local function names_of(object)
  local names = {}
  for name, value in pairs(object) do
    names[#names + 1] = type(value) == "table" and tostring(name) .. " (an object)" or tostring(name)
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local function see_content(self, version, line)
  local content = version.content
  if content == nil then return end
  self.tell("content", type(content) == "table" and ("an object: %s"):format(names_of(content))
    or ("a %s"):format(type(content)), line)
  local sent, came = self.sent[version.id], service.source(version)
  if sent and came then
    self.sent[version.id] = nil
    compare_source(self, sent, came, line)
  end
end

local function see_logs(self, seen)
  local entries = type(seen.body) == "table" and seen.body.data
  if type(entries) ~= "table" then return end
  local first, last = entries[1], entries[#entries]
  if type(first) ~= "table" or type(last) ~= "table" then return end
  self.tell("log_entry", names_of(first), seen.line)
  local meta = type(seen.body.meta) == "table" and seen.body.meta or {}
  if type(meta.per_page) == "number" then self.tell("logs_per_page", ("%.0f"):format(meta.per_page), seen.line) end
  local from, to = service.time(first.created_at), service.time(last.created_at)
  if not (from and to) or from == to then from, to = tonumber(first.id), tonumber(last.id) end
  if from and to and from ~= to then
    self.tell("logs_newest_first", from < to and "oldest first" or "newest first", seen.line)
  end
end

local function limit_headers(headers)
  local names = {}
  for name in pairs(headers) do
    name = tostring(name)
    if name == "retry-after" or name:find "^x%-ratelimit" or name:find "^ratelimit" then names[#names + 1] = name end
  end
  table.sort(names)
  return names[1] and table.concat(names, ", ") or "no header"
end

local function see_limit(self, seen)
  if seen.operation == "login" then return end
  if seen.status == 429 then
    local wait = tonumber(seen.headers["retry-after"])
    self.tell("rate_limit", ("%s; body: %s"):format(limit_headers(seen.headers), seen.names), seen.line, wait)
  elseif seen.status < 300 then
    local limit = math.tointeger(tonumber(seen.headers["x-ratelimit-limit"]))
    self.tell("rate_headers", limit_headers(seen.headers) .. (limit and (": %d"):format(limit) or ""), seen.line, limit)
  end
end

--- An attempt that was answered.
-- @tparam table seen see patchworks.recording.check
function Answers:see(seen)
  local operation, done = seen.operation, seen.status < 300
  see_limit(self, seen)
  if operation == "create" and done then
    self.tell("create_status", ("%d"):format(seen.status), seen.line, seen.status)
    local made, sent = seen.versions[1], seen.request
    if made and type(sent) == "table" and type(sent.content) == "string" then remember(self, made.id, sent.content) end
  elseif operation == "deploy" and done then
    self.tell("deploy_status", ("%d with %s"):format(seen.status, seen.names), seen.line)
  elseif operation == "upload" and seen.credential == "key" and (done or seen.status == 403) then
    self.tell("upload_by_key", done and ("taken with %d"):format(seen.status) or "refused with 403", seen.line)
  elseif operation == "login" and done and type(seen.body) == "table" and type(seen.body.expires_in) == "number" then
    self.tell("token_life", ("%.0f s"):format(seen.body.expires_in), seen.line)
  elseif operation == "logs" and done then
    see_logs(self, seen)
  end
  for _, version in ipairs(seen.versions) do see_content(self, version, seen.line) end
end

return answers
