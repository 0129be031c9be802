-- Plays histories; scripts/simulate says how to call it.
local uv = require "luv"
local run = require "spec.simulation.run"
local story = require "spec.simulation.story"

local function refuse(message)
  io.stderr:write(message, "; scripts/simulate tells the options at its head\n")
  os.exit(2)
end

local function read_options(words)
  local options, i = {}, 1
  while words[i] do
    local name = words[i]:match "^%-%-(%a+)$"
    if name == "seed" or name == "histories" or name == "processes" then
      local least, number = name == "seed" and math.mininteger or 1, math.tointeger(tonumber(words[i + 1]))
      if not number or number < least then
        local wanted = name == "seed" and "an integer" or "an integer from 1"
        refuse(("--%s takes %s, not %s"):format(name, wanted, tostring(words[i + 1])))
      end
      options[name] = number
      i = i + 1
    elseif name == "survey" or name == "story" or name == "part" then
      options[name] = true
    else
      refuse("unknown option " .. words[i])
    end
    i = i + 1
  end
  return options
end

local function survey(found)
  local keys = {}
  for key in pairs(found) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    print(("%6d  %s"):format(found[key].count, key))
    for _, example in ipairs(found[key].examples) do print("          " .. example) end
  end
end

local function note(found, seed, lies)
  local had = {}
  for _, lie in ipairs(lies) do
    local key = lie.promise .. " / " .. (lie.call and lie.call.op or "-")
    if not had[key] then
      had[key] = true
      found[key] = found[key] or { count = 0, examples = {} }
      found[key].count = found[key].count + 1
      if found[key].count <= 3 then
        local step = lie.call and (", step %d"):format(lie.call.step) or ""
        table.insert(found[key].examples, ("seed %d%s: %s"):format(seed, step, lie.text))
      end
    end
  end
end

local function summary(total, seconds)
  local histories, faults = total.histories / seconds, total.faults / seconds
  print(("%d histories, %d requests, %d faults in %.1f s: %.0f histories and %.0f faults a second"):format(
    total.histories, total.requests, total.faults, seconds, histories, faults))
  print(("%d end in a lie"):format(total.broken))
end

-- Plays a range of seeds in this process.
local function play(first, count, options)
  local runner, began, found, broken = run.new(), os.clock(), {}, 0
  for seed = first, first + count - 1 do
    local lies, world = runner:seed(seed)
    if options.story then print(story.tell(world)) end
    if #lies > 0 then
      broken = broken + 1
      if not options.survey then
        print(runner:explain(seed, lies[1]))
        os.exit(1)
      end
      note(found, seed, lies)
    end
  end
  survey(found)
  local total = { histories = count, requests = runner.requests, faults = runner.faults, broken = broken }
  if options.part then
    print(("part %d %d %d %d"):format(total.histories, total.requests, total.faults, total.broken))
  else
    summary(total, math.max(1e-6, os.clock() - began))
  end
  os.exit(broken == 0)
end

-- A process each for its own range of seeds, side by side; the first that finds a lie ends the others.
local function share(first, count, options)
  local interpreter = 0
  while arg[interpreter - 1] do interpreter = interpreter - 1 end
  local processes, total = {}, { histories = 0, requests = 0, faults = 0, broken = 0 }
  local failed, began = false, uv.hrtime()
  local function fail(output)
    if failed then return end
    failed = true
    io.write(output)
    for _, process in ipairs(processes) do process.handle:kill "sigterm" end
  end
  local function ended(process, code)
    local told = false
    local text = process.output:gsub("part (%d+) (%d+) (%d+) (%d+)\n", function(histories, requests, faults, broken)
      told = true
      total.histories, total.requests = total.histories + histories, total.requests + requests
      total.faults, total.broken = total.faults + faults, total.broken + broken
      return ""
    end)
    if told then return io.write(text) end
    local ending = ("the process of seeds %d to %d ended with %d\n"):format(process.first, process.last, code)
    fail(text == "" and ending or text)
  end
  for i = 1, options.processes do
    local from = first + count * (i - 1) // options.processes
    local to = first + count * i // options.processes - 1
    local process = { first = from, last = to, output = "", pipe = uv.new_pipe(), open = 2 }
    processes[i] = process
    local words = { "scripts/simulate.lua", "--part", "--seed", tostring(from), "--histories", tostring(to - from + 1) }
    for _, name in ipairs { "survey", "story" } do
      if options[name] then words[#words + 1] = "--" .. name end
    end
    local function close(code)
      process.code = code or process.code
      process.open = process.open - 1
      if process.open == 0 then ended(process, process.code) end
    end
    local given = { args = words, stdio = { nil, process.pipe, 2 } }
    process.handle = assert(uv.spawn(arg[interpreter], given, function(code)
      process.handle:close()
      close(code)
    end))
    process.pipe:read_start(function(_, chunk)
      if chunk then
        process.output = process.output .. chunk
      else
        process.pipe:close()
        close()
      end
    end)
  end
  uv.run()
  if not failed then summary(total, (uv.hrtime() - began) / 1e9) end
  os.exit(not failed and total.broken == 0)
end

local function main(words)
  local options = read_options(words)
  local first = options.seed or 1
  local count = options.histories or (options.seed and 1 or 1000)
  options.processes = options.processes or uv.available_parallelism and uv.available_parallelism() or #uv.cpu_info()
  options.processes = math.min(options.processes, math.max(1, count // 100))
  if options.part or options.processes == 1 then return play(first, count, options) end
  share(first, count, options)
end

main(arg)
