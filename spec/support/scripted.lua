-- A service that answers what a spec tells it to, on a clock of its own: no socket, no sleep.
--
--     local service <close> = scripted()
--     local client = service:client { timeout = 5 }
--     service:will({ status = 503, headers = { "Retry-After: 2" } }, { body = '{"data":{"id":7}}' })
--     client.script_versions:get(7)
--     service.requests[1]   `method`, `url`, `body`, `headers` (one text), `at`, `once`, `timeout`, `connect_timeout`
--
-- An answer has `status` (200), `body` ("{}"), `headers` (lines) and `after` (seconds, 0.01); or `fails`, the kind of a
-- failure, with `message` and `sent` (false); or `never`, with `sent` (true); or `refuses`, why it can't be begun. It may
-- be a function of the request that gives one. `service.slept` has the waits in which nothing was under way.
--
--     local service, client, versions -- in a spec whose tests each have their own
--     scripted.setup(before_each, after_each, { max_attempts = 1 }, function(...) service, client, versions = ... end)
local core = require "patchworks.core"

local Engine, Transfer, Service = {}, {}, {}
Engine.__index, Transfer.__index, Service.__index = Engine, Transfer, Service

local function finish(transfer, ...)
  local engine = transfer.engine
  transfer.result = table.pack(...)
  engine.under_way[transfer] = nil
  engine.finished[#engine.finished + 1] = transfer
end

local function block_of(answer)
  local lines = { ("HTTP/1.1 %d X"):format(answer.status or 200), table.unpack(answer.headers or { "Content-Type: application/json" }) }
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function deliver(transfer)
  local answer = transfer.answer_to_give
  if answer.fails then return finish(transfer, nil, answer.fails, answer.message or "it failed", answer.sent or false) end
  finish(transfer, answer.status or 200, answer.body or "{}", block_of(answer))
end

function Engine:start(method, url, headers, body, once, timeout, connect_timeout)
  local service = self.service
  local request = {
    method = method, url = url, body = body, once = once, timeout = timeout, connect_timeout = connect_timeout,
    headers = table.concat(service.lines_of[headers], "\n"), at = service.clock.time,
  }
  service.requests[#service.requests + 1] = request
  local answer = table.remove(service.answers, 1) or error("nothing is to be answered to " .. method .. " " .. url)
  if type(answer) == "function" then answer = answer(request) end
  if answer.refuses then return nil, answer.refuses end
  local due = answer.never and math.huge or service.clock.time + (answer.after or 0.01)
  local transfer = setmetatable({ engine = self, number = #service.requests, answer_to_give = answer, due = due }, Transfer)
  self.under_way[transfer] = true
  return transfer
end

-- Goes to whatever comes next, `seconds` ahead at most.
function Engine:step(seconds)
  local clock = self.service.clock
  local limit = clock.time + math.max(0, seconds)
  if self.finished[1] then return true end
  local due, came = math.huge, {}
  for transfer in pairs(self.under_way) do due = math.min(due, transfer.due) end
  clock.time = math.max(clock.time, math.min(due, limit))
  for transfer in pairs(self.under_way) do
    if transfer.due <= clock.time then came[#came + 1] = transfer end
  end
  table.sort(came, function(left, right) return left.number < right.number end)
  for _, transfer in ipairs(came) do deliver(transfer) end
  return true
end

function Engine:next() return table.remove(self.finished, 1), self.finished[1] ~= nil end
function Engine:fd() end -- luacheck: no self

function Engine:active()
  local count = 0
  for _ in pairs(self.under_way) do count = count + 1 end
  return count
end

function Engine:counts() return { active = self:active(), multiplexed = 0 } end

function Engine:close()
  self.closed = true
  for transfer in pairs(self.under_way) do transfer:close() end
end

function Transfer:done() return self.result ~= nil end
function Transfer:answer() return table.unpack(self.result, 1, self.result.n) end

function Transfer:close()
  if self.result then return end
  self.result = table.pack(nil, "cancelled", "the transfer was cancelled", self.answer_to_give.sent ~= false)
  self.engine.under_way[self] = nil
end

function Transfer:facts() -- luacheck: no self
  return { total = 0.01 }, { sent = 1, received = 2 }, 1.1
end

Transfer.__close = Transfer.close

--- Says what is answered to the next requests, one after the other.
function Service:will(...)
  for _, answer in ipairs { ... } do self.answers[#self.answers + 1] = answer end
end

--- A client of it.
function Service:client(options)
  local given = { base_url = "http://127.0.0.1:1" }
  for name, value in pairs(options or {}) do given[name] = value end
  if not (given.token or given.username) then given.api_key = given.api_key or "k3y-of-a-client" end
  return require("patchworks.client").new(given, setmetatable({ service = self, under_way = {}, finished = {} }, Engine))
end

--- Puts a call's clock and headers back.
function Service:__close()
  self.restore()
  core.headers = self.real_headers
end

local function start(random)
  local state_clock = require "patchworks.time.clock"
  local service = setmetatable({ requests = {}, answers = {}, slept = {}, lines_of = setmetatable({}, { __mode = "k" }) }, Service)
  local clock = { time = 1000 }
  function clock.now() return clock.time end
  function clock.wall() return 1700000000 + math.floor(clock.time) end
  function clock.random() return random or 1 end
  function clock.wait(engines, seconds)
    if engines[1] then return engines[1]:step(seconds) end
    if seconds > 0 then
      service.slept[#service.slept + 1] = math.floor(seconds * 1e6 + 0.5) / 1e6
      clock.time = clock.time + seconds
    end
    return true
  end
  service.clock = clock
  local former = state_clock.use(clock)
  function service.restore() state_clock.use(former) end
  service.real_headers = core.headers
  function core.headers(lines)
    local headers = service.real_headers(lines)
    service.lines_of[headers] = lines
    return headers
  end
  return service
end

local scripted = {}

--- Has each spec of a file begin with a service and a client of its own.
-- @tparam function before_each of the file, and `after_each`
-- @tparam ?table options of the client
-- @tparam function take is given the service, the client and its script_versions, whenever there are new ones
-- @treturn function makes another client in the place of the last, with the options that it is given
function scripted.setup(before_each, after_each, options, take)
  local service, client
  local function open(given)
    if client then client:close() end
    client = service:client(given)
    take(service, client, client.script_versions)
  end
  before_each(function()
    service, client = start(), nil
    open(options)
  end)
  after_each(function()
    client:close()
    service:__close()
  end)
  return open
end

return setmetatable(scripted, { __call = function(_, random) return start(random) end })
