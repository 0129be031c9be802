-- What the service does in a way that isn't known, as it is switched: docs/sandbox.md says what each is.
local habits_of = {}

local usual = {
  invoke_deploys = false,
  one_deployed = false,
  redeploy_nothing = false,
  crlf = false,
  trim = false,
  logs_newest_first = false,
  create_status = 201,
  deploying = "deploying",
  idle = "",
}

-- "one_deployed,create_status=200" as a table.
local function parse(text)
  local habits = {}
  for name, equals, value in text:gmatch "([^,=%s]+)(=?)([^,]*)" do
    if equals == "" then
      habits[name] = true
    elseif type(usual[name]) == "number" then
      habits[name] = math.tointeger(tonumber(value)) or value
    else
      habits[name] = value
    end
  end
  return habits
end

local function names()
  local list = {}
  for name in pairs(usual) do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, ", ")
end

-- All of them, from a table or a text; or nil and a sentence.
function habits_of.read(given)
  if type(given) == "string" then given = parse(given) end
  if type(given) ~= "table" then return nil, "habits: expected a table or a text, got " .. tostring(given) end
  local habits = {}
  for name, value in pairs(usual) do habits[name] = value end
  for name, value in pairs(given) do
    local known = usual[name]
    if known == nil then return nil, ("habits: unknown habit `%s`; there are %s"):format(tostring(name), names()) end
    if type(value) ~= type(known) then
      return nil, ("habits: %s: expected a %s, got %s"):format(name, type(known), tostring(value))
    end
    habits[name] = value
  end
  if not math.tointeger(habits.create_status) or habits.create_status < 200 or habits.create_status > 299 then
    return nil, "habits: create_status: expected 200 to 299, got " .. tostring(habits.create_status)
  end
  return habits
end

return habits_of
