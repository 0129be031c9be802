-- Calls, listings, cancellations, failures and closings at random: nothing may hang, and nothing may be left.
local patchworks = require "patchworks"
local sandbox = require "patchworks.sandbox"

-- A loop that never takes over: a hosted engine is then driven by the call itself, through its one descriptor.
local idle_loop = { attach = function() end, detach = function() end }

local function one_call(versions)
  if math.random(4) == 1 then
    return versions:list(1, { limit = math.random(250), read_ahead = math.random(4) }):all()
  end
  return versions:get(math.random(300))
end

local function disturb(server)
  server:clear_faults()
  server:latency(math.random(0, 3) / 1000)
  if math.random(3) == 1 then
    server:fail { how = "status", status = ({ 500, 503, 429 })[math.random(3)], times = math.random(20), retry_after = 0 }
  end
end

local function round(server, loop)
  disturb(server)
  local counts = { served = 0, failed = 0, cancelled = 0, neither = 0 }
  local first <close> = server:client { max_connections = math.random(6), loop = loop, max_attempts = 3 }
  local second <close> = server:client { max_connections = 2, loop = loop }
  patchworks.run(function(tasks)
    local list = {}
    for i = 1, math.random(40) do
      local client = math.random(4) == 1 and second or first
      list[i] = tasks:spawn(function()
        if math.random(5) == 1 then patchworks.sleep(math.random() / 500) end
        local value, err = one_call(client.script_versions)
        local name = value and "served" or patchworks.is_error(err) and "failed" or "neither"
        counts[name] = counts[name] + 1
      end)
    end
    for _ = 1, math.random(0, 10) do
      if math.random(2) == 1 then patchworks.sleep(math.random() / 1000) end
      if tasks:cancel(list[math.random(#list)]) then counts.cancelled = counts.cancelled + 1 end
    end
    if math.random(6) == 1 then first:close() end
  end)
  assert.same({ 0, nil, nil }, { second:stats().active, next(first._flights), next(second._flights) })
  assert.equal(0, counts.neither)
  server:clear_faults()
  assert.equal(1, assert(second.script_versions:get(1)).id)
  return counts
end

describe("a storm", function()
  for name, loop in pairs { ["of a client's own waiting"] = false, ["on one descriptor"] = idle_loop } do
    it(name .. " leaves nothing under way, and the next call is served", function()
      local server <close> = assert(sandbox.start())
      server:populate { script = 1, versions = 300 }
      local sums = { served = 0, failed = 0, cancelled = 0 }
      for seed = 1, 25 do
        math.randomseed(seed)
        local counts = round(server, loop or nil)
        for what, sum in pairs(sums) do sums[what] = sum + counts[what] end
      end
      for what, count in pairs(sums) do assert.is_true(count > 0, what) end
    end)
  end
end)
