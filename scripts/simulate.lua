-- Plays histories; scripts/simulate says how to call it.
local run = require "spec.simulation.run"
local story = require "spec.simulation.story"

local function read_options(words)
  local options, i = {}, 1
  while words[i] do
    local name = words[i]:match "^%-%-(%a+)$"
    if name == "seed" or name == "histories" then
      options[name] = math.tointeger(tonumber(words[i + 1]))
      if not options[name] then error(("--%s takes an integer, not %s"):format(name, tostring(words[i + 1])), 0) end
      i = i + 1
    elseif name == "survey" or name == "story" then
      options[name] = true
    else
      error("unknown option " .. words[i] .. "; see scripts/simulate", 0)
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

local function main(words)
  local options = read_options(words)
  local first = options.seed or 1
  local count = options.histories or (options.seed and 1 or 1000)
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
  local seconds = math.max(1e-6, os.clock() - began)
  print(("%d histories, %d requests, %d faults in %.1f s: %.0f histories and %.0f faults a second; %d end in a lie")
    :format(count, runner.requests, runner.faults, seconds, count / seconds, runner.faults / seconds, broken))
  os.exit(broken == 0)
end

main(arg)
