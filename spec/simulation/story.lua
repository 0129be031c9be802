-- Tells a history that was played, line by line.
local story = {}

local function show_error(err)
  if type(err) ~= "table" then return tostring(err) end
  return ("%s [outcome %s]"):format(tostring(err), tostring(err.outcome))
end

local function show_arguments(call)
  local args, parts = call.args, {}
  if call.subject then parts[#parts + 1] = "version " .. call.subject end
  local names = {}
  for name, value in pairs(args) do
    local kind = type(value)
    if name ~= "op" and name ~= "seed" and name ~= "number" and not name:find "^sent" and name ~= "pause" and name ~= "pick" and kind ~= "table" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do parts[#parts + 1] = ("%s = %s"):format(name, type(args[name]) == "string" and ("%q"):format(args[name]) or tostring(args[name])) end
  for _, script in ipairs(args.scripts or {}) do parts[#parts + 1] = ("script %d = %q"):format(script.id, script.content) end
  if args.items then parts[#parts + 1] = #args.items .. " calls" end
  return table.concat(parts, ", ")
end

local function show_value(value)
  if type(value) ~= "table" then return tostring(value) end
  if value.scripts then return tostring(value):gsub("\n", "; ") end
  if value.action then
    local function id(version) return version and tostring(version.id) or "none" end
    return ("%s: version %s, before %s%s"):format(value.action, id(value.version), id(value.previous), value.overwrote and ", overwrote " .. id(value.overwrote) or "")
  end
  if value.deleted then
    local ids = {}
    for i, version in ipairs(value.deleted) do ids[i] = version.id end
    return "deleted " .. table.concat(ids, ", ")
  end
  if #value > 0 or next(value) == nil then
    local ids = {}
    for i, item in ipairs(value) do ids[i] = type(item) == "table" and tostring(item.id) or tostring(item) end
    return "[" .. table.concat(ids, " ") .. "]"
  end
  if value.id then return tostring(value) end
  return "an answer"
end

local function show_call(call) return ("%s (%d%s)"):format(call.op, call.step, call.attempt > 1 and ", run " .. call.attempt or "") end

local lines = {}

function lines.call(_, call) return ("%-5s %s %s"):format(call.actor, show_call(call), show_arguments(call)) end

function lines.said(_, call)
  local what
  if call.killed then what = "says nothing: killed"
  elseif call.cancelled then what = "was cancelled"
  elseif call.err ~= nil then what = "fails: " .. show_error(call.err)
  else what = "gives " .. tostring((show_value(call.value))) end
  return ("%-5s %s %s"):format(call.actor, show_call(call), what)
end

function lines.started(event, request)
  local fault = event[1]
  return ("%-5s   #%d %s %s%s%s"):format(request.actor, request.number, request.method, request.path,
    request.query_text ~= "" and "?" .. request.query_text or "", fault.kind and "   << " .. fault.kind or "")
end

function lines.arrived(_, request)
  return ("         #%d at the service: %d%s%s"):format(request.number, request.status,
    request.ids and " [" .. table.concat(request.ids, " ") .. "]" or "", request.late and " (nobody waits for it any more)" or "")
end

function lines.ended(event, request)
  if event[1] then return ("%-5s   #%d answered: %d"):format(request.actor, request.number, event[1]) end
  return ("%-5s   #%d fails: %s, %s"):format(request.actor, request.number, event[2], event[3])
end

function lines.killed(_, request) return ("%-5s   is killed"):format(request.actor) end

function lines.closed(_, request) return ("%-5s   closes the client"):format(request.actor) end

local function show_entry(entry)
  local parts = {}
  for _, name in ipairs { "script", "version", "former", "payload", "was" } do
    if entry[name] ~= nil then parts[#parts + 1] = name .. " " .. tostring(entry[name]) end
  end
  return ("         service: %s %s%s%s"):format(entry.what, table.concat(parts, ", "),
    entry.content and (" %q"):format(entry.content) or "", entry.request and " (#" .. entry.request .. ")" or "")
end

--- The story of a world.
-- @tparam table world from play.run
-- @treturn string
function story.tell(world)
  local merged = {}
  for _, event in ipairs(world.events) do
    local line = lines[event.kind]
    if line then merged[#merged + 1] = { event.time, #merged + 1, line(event, event.request) } end
  end
  for i, entry in ipairs(world.service.journal) do
    merged[#merged + 1] = { entry.time, entry.at + i / (#world.service.journal + 1), show_entry(entry) }
  end
  table.sort(merged, function(left, right)
    if left[1] ~= right[1] then return left[1] < right[1] end
    return left[2] < right[2]
  end)
  local plan, text = world.plan, {}
  text[1] = ("seed %d (%s); times in seconds"):format(plan.seed, plan.kind)
  local habits = {}
  for name, value in pairs(plan.habits) do habits[#habits + 1] = name .. "=" .. tostring(value) end
  table.sort(habits)
  text[2] = "habits: " .. table.concat(habits, ", ")
  for _, line in ipairs(merged) do text[#text + 1] = ("%10.3f %s"):format(line[1] - plan.start, (line[3]:gsub("[\r\n]+", "\\n"))) end
  return table.concat(text, "\n")
end

return story
