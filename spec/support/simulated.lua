-- A client and the service as a model, on a virtual clock: nothing sleeps, and every time is exact. A request takes 0.05 s,
-- a deployment 2 s. See spec/simulation.
--
--   local world = simulated { contents = { "one", "two" }, deployed = { 1 } }   script 1, its versions, and what is deployed
--   world:fault("create", 1, "lost after")       what happens to the first create; nil for all of them
--   world:answer("get", 2, 200, { data = .. })   the second get has no effect, and this answer
--   world:before("deploy", 1, function(request) .. end)   called as the first deploy arrives; `request.headers_with` go
--                                                with the answer
--   world:theirs("POST", "/script-versions/2/deploy")   what somebody else does, now; `begins` and `goes_live` for more
--   world:sent()                                 "list list create", in the order in which they went out
local cjson = require "cjson"
local clock = require "spec.simulation.clock"
local engine = require "spec.simulation.engine"
local library = require "spec.simulation.library"
local service = require "spec.simulation.service"

local World = {}
World.__index = World

local universe
local worlds = 0 -- each is at an origin of its own: what this process holds of one is nothing to the next

local function habits_of(given)
  local habits = {}
  for name, choices in pairs(service.habits) do habits[name] = choices[1] end
  for name, choice in pairs(given or {}) do habits[name] = choice end
  return habits
end

-- What is to happen to a request that is one more of its operation.
local function next_of(world, request)
  local operation = request.operation or "other"
  local number = (world.counts[operation] or 0) + 1
  world.counts[operation] = number
  world.requests[#world.requests + 1] = request
  request.header_lines = world.header_lines
  local fault = { connect = 0.01, there = 0.02, back = 0.02, seconds = 5, gives_up = 0.1, after = 0.01, asks = 1 }
  for _, each in ipairs(world.plans) do
    if each.operation == operation and (each.number or number) == number then
      for name, value in pairs(each.fault or {}) do fault[name] = value end
      request.answer_with, request.calls = each.answer or request.answer_with, each.calls or request.calls
    end
  end
  return fault
end


--- Makes a world.
-- @tparam ?table given `contents` (sources of script 1's versions, oldest first), `deployed` (numbers, in their order),
-- `failed`, `days` ago; `scripts` (more, `{ id, contents, .. }`), `habits`, `client` (options), `start` (s), `build_seconds`
local function simulated(given)
  given = given or {}
  universe = universe or library.load()
  local world = setmetatable({ clock = clock.new(given.start or 1000), plans = {}, counts = {}, requests = {} }, World)
  world.service = service.new(habits_of(given.habits), world.clock)
  world.service.build_seconds = given.build_seconds or 2
  world.random = function() return 0.5 end
  local number = 0
  world.number = function()
    number = number + 1
    return number
  end
  world.log = function() end
  world.credential_of = function(headers)
    world.header_lines = universe.lines_of[headers]
    return library.credential(universe, headers)
  end
  local model = world.service
  world.engine_service = setmetatable({ handle = function(_, request)
    if request.calls then request.calls(request) end
    local status, text, headers
    if request.answer_with then
      status, text = table.unpack(request.answer_with)
    else
      status, text, headers = model:handle(request)
    end
    return status, text, (headers or "") .. (request.headers_with or "")
  end }, { __index = model })
  world.new_engine = function(options)
    local seen = setmetatable({ service = world.engine_service }, { __index = world })
    return engine.new(seen, { name = "anna", fault = function(request) return next_of(world, request) end },
      options.max_connections)
  end
  model:seed(1, given.contents or {}, given.deployed, given.failed, given.days)
  for _, script in ipairs(given.scripts or {}) do
    model:seed(script.id, script.contents or {}, script.deployed, script.failed, script.days)
  end
  universe.world = world
  world.require = universe.require -- of the modules that the client is made of
  world.patchworks = universe.require "patchworks"
  worlds = worlds + 1
  local options = { base_url = ("https://simulated-%d.example"):format(worlds), api_key = "key-anna" }
  for name, value in pairs(given.client or {}) do options[name] = value end
  world.client = world.patchworks.new(options)
  world.versions = world.client.script_versions
  world.start = world.clock.time
  return world
end

function World:fault(operation, number, kind, fields)
  local fault = { kind = kind }
  for name, value in pairs(fields or {}) do fault[name] = value end
  self.plans[#self.plans + 1] = { operation = operation, number = number, fault = fault }
end

function World:answer(operation, number, status, body)
  local text = type(body) == "string" and body or cjson.encode(body)
  self.plans[#self.plans + 1] = { operation = operation, number = number, answer = { status, text } }
end

function World:before(operation, number, fn)
  self.plans[#self.plans + 1] = { operation = operation, number = number, calls = fn }
end

--- Calls a function when so many seconds have passed.
function World:at(seconds, fn) self.clock:at(self.start + seconds, fn) end

--- What somebody else does, now: the answer's data.
function World:theirs(method, path, body)
  local status, text = self.service:handle {
    actor = "ben",
    number = 0,
    authorization = "key-ben",
    method = method,
    path = path,
    query = {},
    body = body and cjson.encode(body),
  }
  assert(status < 300, text)
  return text ~= "" and cjson.decode(text).data or nil
end

--- Somebody else makes a version and begins to deploy it.
function World:begins(content)
  local made = self:theirs("POST", "/scripts/1/script-versions", { content = content })
  self:theirs("POST", ("/script-versions/%d/deploy"):format(made.id))
  return made
end

--- Somebody else makes a version, and it is live at once.
function World:goes_live(content)
  local made = self:theirs("POST", "/scripts/1/script-versions", { content = content })
  self:theirs("POST", ("/script-versions/%d/invoke"):format(made.id)) -- which deploys what isn't
  return made
end

--- A version as the service has it, by its number.
function World:version(number, script)
  for _, version in ipairs(self.service.scripts[script or 1].versions) do
    if version.number == number then return version end
  end
end

function World:sent()
  local names = {}
  for i, request in ipairs(self.requests) do names[i] = request.operation end
  return table.concat(names, " ")
end

function World:count(operation) return self.counts[operation] or 0 end

--- Calls a function with each item, at once; raises what one of them raises.
function World:all(items, fn)
  local results, failures = self.patchworks.map(items, fn)
  if failures then error(failures[1].error, 0) end
  return results
end

--- The seconds since it began.
function World:seconds() return math.floor((self.clock.time - self.start) * 1000 + 0.5) / 1000 end

function World:forget() self.counts, self.requests, self.start = {}, {}, self.clock.time end

return simulated
