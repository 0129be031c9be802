-- The service as a model: scripts, versions, deployments that take virtual time, logs, tokens, a rate limit. It keeps a
-- journal of what was really done, which is all that the checker believes. What isn't known of the service is a habit.
local cjson = require "cjson"

local Service = {}
Service.__index = Service

local service = {}

--- What the vendor's pages leave open, and the choices for each. The first is the sandbox's.
service.habits = {
  order = { "falling", "rising" }, -- of a list of versions
  created = { 201, 200 },
  deployed_together = { true, false }, -- whether several versions stay Deployed, or the former turn Inactive
  deploying = { "true", "yes", "Deploying", "2026-11-24T06:00:00.000000Z" }, -- the field while it is being deployed
  idle = { "null", "absent", "empty" }, -- the field when it isn't
  content = { "content", "nested", "other" }, -- where the source is in what comes back
  stores = { "as sent", "trimmed", "line ends" },
  fraction = { 6, 0 }, -- digits of a second in times
  echoes = { false, true }, -- whether a refused credential stands in the answer
  limit_headers = { "all", "retry-after", "none" }, -- of a 429
  refusal = { "json", "html", "empty" }, -- the body of what is not a success
  deleted = { "message", "204" },
  log_pages = { true, false },
  log_order = { "rising", "falling" },
  cold_invoke = { "deploys", "refuses" }, -- invoking a version that isn't deployed
  accepted = { 200, 202 }, -- deploy's status
}

local wall_start = 1794900000 -- seconds since 1970 at the clock's zero

local second_known, second_text = -1, ""

-- A time as the service writes it.
local function date(self, time)
  local wall = wall_start + time
  local second = math.floor(wall)
  if second ~= second_known then
    second_known, second_text = second, os.date("!%Y-%m-%dT%H:%M:%S", second)
  end
  if self.habits.fraction == 0 then return second_text .. "Z" end
  return ("%s.%06dZ"):format(second_text, math.floor((wall - second) * 1e6))
end

--- A source as the service may have stored it: what is the same here is the same to it. nil gives nil.
function service.plain(text) return text and (text:gsub("\r\n?", "\n"):gsub("^%s+", ""):gsub("%s+$", "")) end

--- Makes a service.
-- @tparam table habits a choice for each of `service.habits`
-- @tparam table clock
-- @tparam ?integer limit requests a minute for each credential
function service.new(habits, clock, limit)
  return setmetatable({
    habits = habits,
    clock = clock,
    limit = limit,
    scripts = {}, -- id -> { id, versions, live }
    versions = {}, -- id -> version
    last_id = 0,
    building = {}, -- versions that are being deployed
    tokens = {}, -- token -> when it expires
    token_life = 86400,
    seen = {}, -- credential -> times of its requests
    journal = {},
  }, Service)
end

--- The wall clock's seconds since 1970.
function service.wall(time) return wall_start + time end

local function note(self, what, request, fields)
  fields.what, fields.time = what, self.clock.time
  if request then
    fields.request, fields.actor, fields.step, fields.attempt = request.number, request.actor, request.step, request.attempt
  end
  fields.at = self.on_note and self.on_note() or 0
  fields.late = request and request.late -- done when nobody waited for it any more
  self.journal[#self.journal + 1] = fields
end

-- The live version, by what everybody can see: deployed, the latest date, then the number.
local function live_of(script)
  local live
  for _, version in ipairs(script.versions) do
    if version.status == "Deployed" then
      if not live or version.deployed_text >= live.deployed_text then live = version end
    end
  end
  return live
end

-- What was deployed last, be it deployed still or not, and of the versions with a lower number what was deployed last.
local function deployed_last(script)
  local last, former
  for _, version in ipairs(script.versions) do
    if version.deployed and (not last or version.deployed_text >= last.deployed_text) then last = version end
  end
  for _, version in ipairs(script.versions) do
    if version == last then break end
    if version.deployed and (not former or version.deployed_text >= former.deployed_text) then former = version end
  end
  return last, former
end

--- Where a rollback goes: of the versions with a lower number than the live one, the one that was deployed last.
-- @tparam integer id of the script
-- @treturn ?integer the version's id
function Service:way_back(id)
  local script = self.scripts[id]
  local live, former = script and live_of(script), nil
  for _, version in ipairs(live and script.versions or {}) do
    if version == live then break end
    if version.deployed and (not former or version.deployed_text >= former.deployed_text) then former = version end
  end
  return former and former.id
end

-- When a version was deployed or invoked, the last time; nil where it never was.
local function used_of(version)
  if not (version.deployed and version.invoked) then return version.deployed or version.invoked end
  return math.max(version.deployed, version.invoked)
end

local function note_live(self, script, request, fields)
  local live = live_of(script)
  local id = live and live.id
  if id == script.live and not fields then return end
  local former = script.live
  script.live = id
  note(self, "live", request, { script = script.id, version = id, former = former, deployed = fields and fields.deployed })
end

local function add_version(self, script, content, request)
  self.last_id = self.last_id + 1
  script.last_number = script.last_number + 1
  local version = {
    id = self.last_id,
    number = script.last_number,
    script = script,
    content = content,
    created = date(self, self.clock.time),
    status = "Draft",
    logs = {},
  }
  version.updated = version.created
  self.versions[version.id] = version
  script.versions[#script.versions + 1] = version
  note(self, "created", request, { script = script.id, version = version.id, content = content })
  return version
end

local function set_deployed(self, version, request)
  local script = version.script
  version.building = nil
  if not self.habits.deployed_together then
    for _, other in ipairs(script.versions) do
      if other.status == "Deployed" and other ~= version then other.status = "Inactive" end
    end
  end
  version.status, version.deployed, version.deployed_text = "Deployed", self.clock.time, date(self, self.clock.time)
  version.updated = version.deployed_text
  note_live(self, script, request, { deployed = version.id })
end

local function end_build(building)
  local self, version = building.service, building.version
  if version.building ~= building or version.deleted then return end
  if building.reason then
    version.building = nil
    version.failed_text, version.reason = date(self, self.clock.time), building.reason
    if version.status ~= "Deployed" then version.status = "Inactive" end
    note(self, "failed", building.request, { script = version.script.id, version = version.id })
  else
    set_deployed(self, version, building.request)
  end
end

-- What a source does is written in it: "breaks" can't be deployed, "slow N" takes so long.
local function build(self, version, request)
  local seconds = tonumber(version.content:match "slow (%d+)") or self.build_seconds or 2
  local building = { service = self, version = version, request = request }
  if version.content:find("breaks", 1, true) then building.reason = "SyntaxError: line 1" end
  version.building = building
  note(self, "accepted", request, { script = version.script.id, version = version.id })
  self.clock:at(self.clock.time + seconds, end_build, building)
end

local function add_entry(self, version, message, time, request)
  local entry = { id = #version.logs + 1 + version.id * 1000, created_at = date(self, time), message = message }
  version.logs[#version.logs + 1] = entry
  local payload = version.content:find("wrong", 1, true) and "wrong" or "ran " .. version.content
  note(self, "ran", request, { version = version.id, payload = payload })
  return payload
end

--- Puts a script there without a request.
-- @tparam integer id
-- @tparam table contents of its versions, oldest first
-- @tparam ?table deployed numbers of versions that are deployed, in this order, a minute apart in the past
-- @tparam ?table failed numbers of versions that could not be deployed once
-- @tparam ?number days ago that all this was
-- @tparam ?table ran how many log entries each has
function Service:seed(id, contents, deployed, failed, days, ran)
  local before = self.clock.time - 86400 * (days or 0)
  local script = { id = id, versions = {}, last_number = 0 }
  self.scripts[id] = script
  for _, content in ipairs(contents) do add_version(self, script, content) end
  for i, number in ipairs(deployed or {}) do
    local version = script.versions[number]
    if not self.habits.deployed_together then
      for _, other in ipairs(script.versions) do
        if other.status == "Deployed" then other.status = "Inactive" end
      end
    end
    version.status, version.deployed = "Deployed", before - 60 * (#deployed - i + 1)
    version.deployed_text = date(self, version.deployed)
  end
  for _, number in ipairs(failed or {}) do
    local version = script.versions[number]
    version.failed_text, version.reason = date(self, before - 3600), "SyntaxError: long ago"
  end
  for number, count in ipairs(ran or {}) do
    local version = script.versions[number] -- a shorter history may have none
    for _ = 1, version and count or 0 do add_entry(self, version, "run long ago", before) end
  end
  note_live(self, script)
end

local null = cjson.null

local content_forms = {
  content = function(text) return { content = text } end,
  nested = function(text) return { language = "python", source = { code = text, size = #text } } end,
  other = function(text) return { id = 7, body = text } end,
}

local function show(self, version, include)
  local idle = self.habits.idle
  local deploying = version.building and self.habits.deploying
  if not deploying then deploying = idle == "null" and null or idle == "empty" and "" or nil end
  return {
    id = version.id,
    created_at = version.created,
    updated_at = version.updated,
    script_id = version.script.id,
    name = "v" .. version.number,
    version = version.number,
    status = version.status,
    deployed_at = version.deployed_text or (idle ~= "absent" and null or nil),
    deployment_failed_at = version.failed_text or (idle ~= "absent" and null or nil),
    deployment_failure_reason = version.reason,
    last_invoked_on = version.invoked_text,
    deploying = deploying,
    content = include and include:find("content", 1, true) and content_forms[self.habits.content](version.content) or nil,
  }
end

local page_format = '{"data":[%s],"meta":{"current_page":%d,"last_page":%d,"per_page":%d,"total":%d,"path":"%s",'
  .. '"from":null,"to":null},"links":{"first":"%s?page=1","last":"?page=%d","prev":null,"next":null}}'

local function page_of(items, query, showing, path)
  local per_page = math.min(100, tonumber(query.per_page) or 15)
  local number, total = tonumber(query.page) or 1, #items
  local last = math.max(1, (total + per_page - 1) // per_page)
  local data = {}
  for i = (number - 1) * per_page + 1, math.min(total, number * per_page) do data[#data + 1] = cjson.encode(showing(items[i])) end
  return 200, page_format:format(table.concat(data, ","), number, last, per_page, total, path, path, last)
end

local function reversed(list)
  local copy, count = {}, #list
  for i = 1, count do copy[i] = list[count - i + 1] end
  return copy
end

local function stored(self, content)
  if self.habits.stores == "trimmed" then return (content:gsub("^%s+", ""):gsub("%s+$", "")) end
  if self.habits.stores == "line ends" then return (content:gsub("\r\n?", "\n")) end
  return content
end

local operations = {}

function operations.list(self, request, id)
  local script = self.scripts[id]
  if not script then return 404, { message = "Not Found" } end
  local items = script.versions
  if request.query["filter[is_deployed]"] == "true" then
    items = {}
    for _, version in ipairs(script.versions) do
      if version.status == "Deployed" then items[#items + 1] = version end
    end
  end
  if self.habits.order == "falling" then items = reversed(items) end
  request.ids, request.total = {}, #items
  local include = request.query.include
  return page_of(items, request.query, function(version)
    request.ids[#request.ids + 1] = version.id
    return show(self, version, include)
  end, request.path)
end

function operations.create(self, request, id)
  local script = self.scripts[id]
  if not script then return 404, { message = "Not Found" } end
  local body = cjson.decode(request.body)
  if type(body.content) ~= "string" or body.content == "" then
    return 422, { message = "The content field is required.", errors = { content = { "required" } } }
  end
  local version = add_version(self, script, stored(self, body.content), request)
  return self.habits.created, { data = show(self, version) }
end

function operations.get(self, request, id)
  local version = self.versions[id]
  if not version then return 404, { message = "Not Found" } end
  return 200, { data = show(self, version, request.query.include) }
end

function operations.delete(self, request, id)
  local version = self.versions[id]
  if not version then return 404, { message = "Not Found" } end
  local script = version.script
  local last, former = deployed_last(script)
  note(self, "deleted", request, {
    script = script.id, version = id, was = version.status, building = version.building ~= nil, live = script.live == id,
    used = used_of(version), deployed = version.deployed, is_last = version == last, is_former = version == former,
  })
  self.versions[id], version.deleted = nil, true
  for i, each in ipairs(script.versions) do
    if each == version then table.remove(script.versions, i) end
  end
  note_live(self, script, request)
  if self.habits.deleted == "204" then return 204, "" end
  return 200, { message = "Deleted" }
end

function operations.deploy(self, request, id)
  local version = self.versions[id]
  if not version then return 404, { message = "Not Found" } end
  build(self, version, request)
  return self.habits.accepted, { message = "Deploying", data = { id = id } }
end

function operations.upload(self, request, id)
  if not self.versions[id] then return 404, { message = "Not Found" } end
  if request.kind == "key" then return 403, { message = "This action is unauthorized." } end
  note(self, "uploaded", request, { version = id })
  return 200, { message = "Uploaded" }
end

function operations.invoke(self, request, id)
  local version = self.versions[id]
  if not version then return 404, { message = "Not Found" } end
  if version.status ~= "Deployed" then
    if self.habits.cold_invoke == "refuses" then return 409, { message = "The version is not deployed." } end
    set_deployed(self, version, request)
  end
  version.invoked, version.invoked_text = self.clock.time, date(self, self.clock.time)
  local payload = add_entry(self, version, "run " .. request.number, self.clock.time, request)
  return 200, { payload = payload }
end

function operations.logs(self, request, id)
  local version = self.versions[id]
  if not version then return 404, { message = "Not Found" } end
  local items = version.logs
  if self.habits.log_order == "falling" then items = reversed(items) end
  local query = self.habits.log_pages and { page = request.query.page, per_page = 5 } or { per_page = 100 }
  return page_of(items, query, function(entry) return entry end, request.path)
end

local routes = {
  { "GET", "^/scripts/(%d+)/script%-versions$", "list" },
  { "POST", "^/scripts/(%d+)/script%-versions$", "create" },
  { "GET", "^/script%-versions/(%d+)$", "get" },
  { "DELETE", "^/script%-versions/(%d+)$", "delete" },
  { "POST", "^/script%-versions/(%d+)/deploy$", "deploy" },
  { "POST", "^/script%-versions/(%d+)/upload$", "upload" },
  { "POST", "^/script%-versions/(%d+)/invoke$", "invoke" },
  { "GET", "^/script%-versions/(%d+)/logs$", "logs" },
}

--- The operation that a request asks for, and its subject.
function service.route(method, path)
  for _, route in ipairs(routes) do
    if route[1] == method then
      local id = path:match(route[2])
      if id then return route[3], tonumber(id) end
    end
  end
end

local function login(self, request)
  local body = cjson.decode(request.body)
  if body.password ~= "password" then return 401, { message = "These credentials do not match our records." } end
  local token = ("token-%s-%d"):format(body.username, request.number)
  self.tokens[token] = self.clock.time + self.token_life
  note(self, "logged in", request, {})
  return 200, { message = "ok", token = token, expires_in = self.token_life }
end

local function authorised(self, request)
  local credential = request.authorization
  if credential == "key-" .. request.actor then
    request.kind = "key"
    return true
  end
  local token = credential and credential:match "^Bearer (.*)$"
  local expires = token and self.tokens[token]
  return expires ~= nil and self.clock.time < expires
end

-- Seconds until the credential's limit lets another request in; nil when it does now.
local function over_limit(self, request)
  if not self.limit then return nil end
  local times = self.seen[request.authorization] or {}
  self.seen[request.authorization] = times
  local now = self.clock.time
  while times[1] and times[1] <= now - 60 do table.remove(times, 1) end
  if #times >= self.limit then return times[1] + 60 - now end
  times[#times + 1] = now
end

local function http_date(second) return os.date("!%a, %d %b %Y %H:%M:%S GMT", second) end

--- The header that asks to come again after some seconds, as a number or as a date; notes with the request what was asked.
function Service:retry_after(request, seconds)
  if not self.dates then
    request.asks = math.ceil(seconds)
    return ("Retry-After: %d\r\n"):format(request.asks)
  end
  local second = math.ceil(wall_start + self.clock.time + seconds)
  request.asks_until = second - wall_start
  local date_header = self.dates == "with Date" and ("Date: %s\r\n"):format(http_date(math.floor(wall_start + self.clock.time))) or ""
  return ("%sRetry-After: %s\r\n"):format(date_header, http_date(second))
end

--- The headers of a 429.
function Service:refusal_headers(request, seconds)
  local form = self.habits.limit_headers
  if form == "none" then return "" end
  local headers = self:retry_after(request, seconds)
  if form == "retry-after" then return headers end
  return headers .. ("X-RateLimit-Limit: %d\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: %d\r\n"):format(
    self.limit or 240, math.ceil(wall_start + self.clock.time + seconds))
end

--- Does what a request asks for.
-- @tparam table request `number`, `actor`, `step`, `method`, `path`, `query`, `body`, `authorization`
-- @treturn integer status
-- @treturn string body
-- @treturn ?string headers, each with its line end
function Service:handle(request)
  if request.path == "/fabric/api/login" then
    local status, answer = login(self, request)
    return status, cjson.encode(answer)
  end
  if not authorised(self, request) then return 401, self:refuse(request) end
  local seconds = over_limit(self, request)
  if seconds then return 429, self:refuse(request), self:refusal_headers(request, seconds) end
  local operation, id = service.route(request.method, request.path)
  if not operation then return 404, cjson.encode { message = "Not Found" } end
  local status, answer = operations[operation](self, request, id)
  local headers
  if self.limit and self.habits.limit_headers == "all" then
    headers = ("X-RateLimit-Limit: %d\r\nX-RateLimit-Remaining: %d\r\n"):format(self.limit,
      self.limit - #self.seen[request.authorization])
  end
  return status, type(answer) == "string" and answer or cjson.encode(answer), headers
end

--- The body of an answer that a proxy or a limiter gives.
function Service:refuse(request)
  if self.habits.echoes then return cjson.encode { message = "No: " .. tostring(request.authorization) } end
  local form = self.habits.refusal
  return form == "json" and '{"message":"Too Many Attempts."}' or form == "html" and "<html>no</html>" or ""
end

return service
