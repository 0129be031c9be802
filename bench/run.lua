-- The whole bench: see scripts/bench.
local cjson = require "cjson"
local core = require "patchworks.core"
local patchworks = require "patchworks"
local plot = require "bench.plot"
local sandbox = require "patchworks.sandbox"
local start_server = require "bench.server"

local smoke, long = arg[1] == "--smoke", arg[1] == "--long"
local pairs_of_runs = smoke and 1 or long and 9 or 5
local rows = {}

local function median(values)
  table.sort(values)
  local middle = (#values + 1) // 2
  return #values % 2 == 1 and values[middle] or (values[middle] + values[middle + 1]) / 2
end

local function report(group, name, value, unit, bar, note)
  local verdict = ""
  if bar then verdict = (bar.most and value <= bar.most or bar.least and value >= bar.least) and "holds" or "MISSED" end
  local row = { group = group, name = name, value = value, unit = unit, bar = bar, verdict = verdict, note = note }
  rows[#rows + 1] = row
  local bar_text = bar and (bar.most and "<= " .. bar.most or ">= " .. bar.least) or ""
  local format = "%-22s %-34s %9.3f %-6s %-9s %-6s %s"
  print(format:format(group, name, value, unit, bar_text, verdict, note or ""))
  io.stdout:flush()
end

local function missing(group, name, why)
  print(("%-22s %-34s missing: %s"):format(group, name, why))
  rows[#rows + 1] = { group = group, name = name, verdict = "missing", note = why }
end

local function read_number(command)
  local pipe = io.popen(command .. " 2>&1")
  local said = pipe:read "a"
  local ok = pipe:close()
  return ok and tonumber(said:match "^%s*([%d.e+-]+)%s*$"), said
end

-- A peer against the bare loop, in short turns: what else the machine does changes slower than they do. Each begins
-- with a hundred gets that are not counted. Gives the median of the ratios; or nil and what went wrong.
local function against_bare(server, program, pairs_wanted, prefix)
  local count = smoke and 50 or 1000
  local function run(what)
    return read_number(("%s%s %s bench-key %d"):format(prefix or "", what, server.url, count))
  end
  local ratios = {}
  for i = 1, pairs_wanted do
    local floor = assert(run "build/bench/bare")
    local took, said = run(program)
    if not took then return nil, said:gsub("%s+$", ""):match "[^\n]*$" end
    ratios[i] = floor / took
  end
  return median(ratios)
end

local own_program = "lua5.4 bench/peers/patchworks.lua"

local function sequential(server)
  local peers = {
    { "patchworks (decodes, checks)", own_program, { least = 0.9 } },
    { "luasocket's http + cjson", "lua5.4 bench/peers/socket_http.lua" },
    { "a hand-made socket + cjson", "lua5.4 bench/peers/luasocket.lua" },
    { "Python requests", "/usr/bin/python3 bench/peers/python_requests.py" },
    { "Node fetch", "node bench/peers/fetch.mjs" },
  }
  for _, peer in ipairs(peers) do
    local name, program, bar = table.unpack(peer)
    local turns = bar and pairs_of_runs * 5 or pairs_of_runs
    local ratio, problem = against_bare(server, program, turns)
    if ratio then
      report("sequential get", name, ratio, "x bare", bar)
    else
      missing("sequential get", name, problem)
    end
  end
end

-- Client and server in turns on one processor: nobody waits to be woken there, and what is left is the instructions.
local function on_one_processor(server)
  local name = "patchworks, on one processor"
  local pipe = io.popen "taskset -cp $$ 2>&1"
  local allowed = pipe:read("a"):match "list: (%d[%d,-]*)"
  pipe:close()
  if not allowed then return missing("sequential get", name, "no taskset here") end
  local first = allowed:match "%d+"
  local pin = "taskset -acp %s %d >/dev/null"
  os.execute(pin:format(first, server.pid))
  local ratio = against_bare(server, own_program, pairs_of_runs * 3, "taskset -c " .. first .. " ")
  report("sequential get", name, assert(ratio), "x bare", nil, "nobody is woken up: instructions alone")
  os.execute(pin:format(allowed, server.pid))
end

-- Seconds of processor time that a process has taken, in hundredths; nil where /proc has none.
-- Instructions don't depend on what else the machine does: those of a get, beside libcurl's loop and cjson's decode.
local function instructions(server)
  local path = "build/bench/body.json"
  local file = assert(io.open(path, "wb"))
  file:write(server.body)
  file:close()
  local function counted(program, subject, count)
    local command = "valgrind --tool=callgrind --callgrind-out-file=/dev/null %s %s bench-key %d 2>&1"
    local pipe = io.popen(command:format(program, subject, count))
    return tonumber(pipe:read("a"):match "Collected : (%d+)")
  end
  local function each(program, subject)
    -- As many as several rounds of the collector take.
    local few, many = counted(program, subject, 1), counted(program, subject, 3001)
    return few and many and (many - few) / 3000
  end
  local ours = each(own_program, server.url)
  if not ours then return missing("sequential get", "instructions", "valgrind is not there") end
  local bare, decode = each("build/bench/bare", server.url), each("lua5.4 bench/peers/decode.lua", path)
  local note = ("%d beside %d and %d"):format(ours // 1, bare // 1, decode // 1)
  report("sequential get", "instructions, by callgrind", ours / (bare + decode), "x", { most = 1.6 }, note)
end

local function processor_time(pid)
  local file <close> = io.open(("/proc/%d/stat"):format(pid))
  if not file then return nil end
  local user, system = file:read("a"):match "%) %S %d+ %d+ %d+ %-?%d+ %-?%d+ %d+ %d+ %d+ %d+ %d+ (%d+) (%d+)"
  return (tonumber(user) + tonumber(system)) / 100
end

local function server_load(server)
  local name = "busy in the bare loop"
  local before = processor_time(server.pid)
  if not before then return missing("the server", name, "no /proc here") end
  local took = assert(read_number(("build/bench/bare %s bench-key %d"):format(server.url, smoke and 50 or 10000)))
  report("the server", name, (processor_time(server.pid) - before) / took, "of 1", nil,
    "of the time: below 1 it is not the limit")
end

local function timed(fn)
  local began = core.now()
  fn()
  return core.now() - began
end

local function repeated(runs, fn)
  local values = {}
  for i = 1, runs do values[i] = fn() end
  return median(values)
end

local function listings()
  local server <close> = assert(sandbox.start())
  local pages = smoke and 10 or 100
  server:populate { script = 1, versions = pages * 100 }
  for _, latency in ipairs(smoke and { 0.01 } or { 0.01, 0.05 }) do
    server:latency(latency)
    for _, ahead in ipairs { 1, 4, 8, 16 } do
      local client <close> = server:client { max_connections = 16 }
      local value = repeated(smoke and 1 or 3, function()
        local count = 0
        local took = timed(function()
          for _ in client.script_versions:list(1, { read_ahead = ahead }) do count = count + 1 end
        end)
        assert(count == pages * 100)
        return took / (latency * (1 + (pages - 1) / ahead))
      end)
      report("listing", ("%d pages at %d ms, read_ahead %d"):format(pages, latency * 1000, ahead), value, "x ideal",
        latency == 0.05 and ahead == 8 and { most = 1.3 } or nil)
    end
  end
end

local function maps()
  local server <close> = assert(sandbox.start { deploy_seconds = 1000 })
  local count = smoke and 64 or 640
  server:populate { script = 1, versions = count }
  server:latency(0.05)
  local ids = {}
  for i = 1, count do ids[i] = i end
  for _, concurrency in ipairs { 1, 2, 4, 8, 16, 32, 64 } do
    local client <close> = server:client { max_connections = 64 }
    local items = table.move(ids, 1, math.min(count, concurrency * 20), 1, {})
    local value = repeated(smoke and 1 or 3, function()
      local failures
      local took = timed(function()
        _, failures = patchworks.map(items, function(id) return client.script_versions:deploy(id) end,
          { concurrency = concurrency })
      end)
      assert(not failures, failures and tostring(failures[1].error))
      return took / (#items / concurrency * 0.05)
    end)
    report("map", ("%d deploys at 50 ms, concurrency %d"):format(#items, concurrency), value, "x ideal",
      concurrency == 32 and { most = 1.25 } or nil)
  end
end

local function decoding()
  local item = {
    id = 7, created_at = "2026-11-23T13:31:20.123456Z", script_id = 42, name = "Orders v3", version = 3,
    status = "Deployed", deployed_at = "2026-11-23T13:32:00.000000Z", deploying = cjson.null,
  }
  local page = { data = {}, meta = { current_page = 1, last_page = 1 } }
  for i = 1, 100 do page.data[i] = item end
  local text = cjson.encode(page)
  local times = smoke and 20 or 400
  local own = cjson.new()
  local function run(decode)
    return timed(function()
      for _ = 1, times do decode(text) end
    end)
  end
  local value = repeated(smoke and 1 or 35, function()
    local alone = run(own.decode)
    return run(core.decode) / alone
  end)
  report("decode", "a page of 100 versions", value, "x cjson", { most = 1.25 })
end

local function start_up()
  local program = [[
    local clock = require("socket").gettime
    local began = clock()
    local core = require "patchworks.core"
    local loaded = clock()
    local patchworks = require "patchworks"
    local client = patchworks.new { api_key = "k", base_url = "http://127.0.0.1:1" }
    print(("%.6f %.6f"):format((clock() - began) * 1000, (loaded - began) * 1000))
  ]]
  local whole, curl = {}, {}
  for i = 1, smoke and 1 or 15 do
    local pipe = io.popen(("lua5.4 -e '%s'"):format(program:gsub("\n", " ")))
    whole[i], curl[i] = pipe:read("n", "n")
    pipe:close()
  end
  report("start-up", "require and new", median(whole), "ms", { most = 15 })
  report("start-up", "of it the core, with libcurl", median(curl), "ms")
end

-- Kilobytes of this process that are resident, by a child that reports them.
local function child(program, ...)
  local path = os.tmpname()
  local file <close> = io.open(path, "w")
  file:write([[
    local function resident()
      collectgarbage() collectgarbage()
      for line in io.lines "/proc/self/status" do
        local size = line:match "^VmRSS:%s+(%d+)"
        if size then return tonumber(size) end
      end
    end
    local patchworks = require "patchworks"
  ]], program)
  file:flush()
  local pipe = io.popen(("lua5.4 %s %s"):format(path, table.concat({ ... }, " ")))
  local value = pipe:read "n"
  pipe:close()
  os.remove(path)
  return value
end

local function memory(server)
  local gets = smoke and 2000 or long and 1000000 or 100000
  local growth = child([[
    local client = patchworks.new { base_url = arg[1], api_key = "k" }
    for _ = 1, 1000 do client.script_versions:get(7) end
    local before = resident()
    for _ = 1, arg[2] do client.script_versions:get(7) end
    print(resident() - before)
  ]], server.base, gets)
  report("memory", ("%d gets, growth"):format(gets), growth, "KB", { most = 256 })
  local sand <close> = assert(sandbox.start())
  local count = smoke and 2000 or 100000
  sand:populate { script = 1, versions = count }
  local peak = child([[
    local client = patchworks.new { base_url = arg[1], api_key = arg[2] }
    local function most()
      for line in io.lines "/proc/self/status" do
        local size = line:match "^VmHWM:%s+(%d+)"
        if size then return tonumber(size) end
      end
    end
    client.script_versions:list(1):first()
    local before, seen = resident(), 0
    for _ in client.script_versions:list(1) do seen = seen + 1 end
    assert(seen == tonumber(arg[3]))
    print(most() - before)
  ]], sand.url, sand.key, count)
  report("memory", ("%d versions listed, above start"):format(count), peak / 1024, "MB", { most = 12 })
  local tasks = child([[
    local before = resident()
    local after
    patchworks.run(function(tasks)
      for _ = 1, 10000 do tasks:spawn(function() patchworks.sleep(0.3) end) end
      after = resident()
    end)
    print(after - before)
  ]])
  report("memory", "10,000 tasks that wait", tasks / 1024, "MB", { most = 60 })
end

local function write_csv()
  local file <close> = assert(io.open("build/bench/results.csv", "w"))
  file:write "group,name,value,unit,bar,verdict,note\n"
  for _, row in ipairs(rows) do
    local bar = row.bar and (row.bar.most and "<=" .. row.bar.most or ">=" .. row.bar.least) or ""
    local value = row.value and ("%.4f"):format(row.value) or ""
    local cells = { row.group, row.name, value, row.unit or "", bar, row.verdict, row.note or "" }
    for i, cell in ipairs(cells) do cells[i] = '"' .. cell:gsub('"', '""') .. '"' end
    file:write(table.concat(cells, ","), "\n")
  end
end

local versions = core.versions()
local heading = "%s, libcurl %s, %s; medians of %d pairs or more"
print(heading:format(_VERSION, versions.libcurl, versions.tls, pairs_of_runs))
do
  local server <close> = start_server()
  sequential(server)
  on_one_processor(server)
  instructions(server)
  server_load(server)
  memory(server)
end
decoding()
start_up()
listings()
maps()
require "bench.workbench"(report, smoke)
write_csv()
plot(rows, "build/bench/results.svg")
print "build/bench/results.csv, build/bench/results.svg"
local failed = 0
for _, row in ipairs(rows) do
  if row.verdict == "MISSED" then failed = failed + 1 end
end
os.exit(failed == 0 or smoke, true)
