--- One thing as a card: a version, an error, a response.
-- @module patchworks.repl.cards
local counted = require "patchworks.counted"
local rows = require "patchworks.repl.rows"
local screen = require "patchworks.terminal"
local service = require "patchworks.service"

local cards = {}

local function field(lines, name, value, colour)
  if value == nil then return end
  local first = true
  for each in (tostring(value) .. "\n"):gmatch "([^\n]*)\n" do
    local label = first and screen.paint(screen.pad(name, 10), "dim") or (" "):rep(10)
    lines[#lines + 1] = "  " .. label .. screen.paint(screen.clean(each), colour)
    first = false
  end
end

local function date(at)
  return at and os.date("!%Y-%m-%d %H:%M:%S", at // 1) .. " UTC, " .. rows.age(at)
end

--- A source with the numbers of its lines.
-- @tparam string source
-- @treturn table lines
function cards.source(source)
  local lines, number = {}, 0
  for each in (source:gsub("\n$", "") .. "\n"):gmatch "([^\n]*)\r?\n" do
    number = number + 1
    lines[#lines + 1] = screen.paint(("%4d  "):format(number), "dim") .. screen.clean((each:gsub("\r$", "")))
  end
  return lines
end

--- A version.
-- @tparam table version
-- @tparam boolean live whether it is what flows take
-- @treturn table lines
function cards.version(version, live)
  local lines = {}
  local state, colour = rows.state(version, live)
  local script = type(version.script) == "table" and version.script.name
  lines[1] = screen.paint(("script version %s"):format(screen.clean(tostring(version.id))), "bold")
    .. "  " .. screen.paint(state, colour)
  field(lines, "script", tostring(version.script_id) .. (script and " " .. tostring(script) or ""))
  field(lines, "name", version.name)
  field(lines, "number", version.version and "v" .. tostring(version.version))
  field(lines, "created", date(service.time(version.created_at)))
  field(lines, "deployed", date(service.deployed_at(version)))
  field(lines, "failed", date(service.time(service.failed_at(version))), "red")
  if service.failed_at(version) then field(lines, "reason", service.failure_reason(version), "red") end
  field(lines, "invoked", date(service.invoked_at(version)))
  local source = service.source(version)
  if source then
    lines[#lines + 1] = ""
    for _, each in ipairs(cards.source(source)) do lines[#lines + 1] = each end
  end
  return lines
end

local outcomes = {
  none = "none: the service did nothing",
  unknown = "unknown: it may have been done; look before doing it again",
}

local function attempts_of(lines, attempts)
  for i, each in ipairs(attempts) do
    local what = each.status or each.kind or "?"
    local words = ("%d: %s after %.3f s"):format(i, what, each.seconds or 0)
    field(lines, i == 1 and "attempts" or "", words .. (each.message and ", " .. each.message or ""))
  end
end

local function fields_of(lines, fields)
  local names = {}
  for name in pairs(fields) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for _, name in ipairs(names) do
    local said = fields[name]
    field(lines, "field", name .. ": " .. (type(said) == "table" and table.concat(said, "; ") or tostring(said)))
  end
end

--- An error, with what led to it.
-- @tparam table err
-- @treturn table lines
function cards.error(err)
  local lines = {}
  local status = err.status and (" (%d)"):format(err.status) or ""
  lines[1] = screen.paint(err.kind .. status, "red") .. (err.operation and "  " .. screen.clean(err.operation) or "")
  field(lines, "", err.message)
  if type(err.errors) == "table" then fields_of(lines, err.errors) end
  field(lines, "to do", err.hint, "yellow")
  field(lines, "outcome", outcomes[err.outcome] or err.outcome, err.outcome == "unknown" and "red" or nil)
  field(lines, "retry in", err.retry_after and ("%.3g s"):format(err.retry_after))
  field(lines, "url", err.url)
  if err.live then field(lines, "live", err.live) end
  if type(err.attempts) == "table" then attempts_of(lines, err.attempts) end
  if err.cause ~= nil then field(lines, "cause", err.cause) end
  lines[#lines + 1] = screen.paint(("  help %q says more of this kind"):format(err.kind), "dim")
  return lines
end

--- A response.
-- @treturn table lines
function cards.response(response)
  local head = screen.paint("response " .. tostring(response.status), "bold")
  local lines = { head .. "  " .. counted(#response.body, "byte") }
  local names = {}
  for name in pairs(response.headers or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = "  " .. screen.clean(name .. ": " .. tostring(response.headers[name]))
  end
  lines[#lines + 1] = ""
  for each in (response.body .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = screen.clean(each) end
  return lines
end

return cards
