-- The workbench as people feel it: from a save to a tested answer, idle watching, and many cases on every core.
local uv = require "luv"

local root = uv.cwd()
local bars = { python = 300, ruby = 300, javascript = 400, php = 400 }
local order = { "python", "ruby", "javascript", "php" }
local command = ("lua5.4 '%s/bin/patchworks'"):format(root)

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

local function run(folder, words)
  return os.execute(("cd %s && %s %s >/dev/null 2>&1 </dev/null"):format(folder, command, words))
end

-- The processor time that a process has had, in seconds.
local function processor_time(pid)
  local fields = {}
  for field in read(("/proc/%s/stat"):format(pid)):match("%) (.*)"):gmatch "%S+" do fields[#fields + 1] = field end
  return (tonumber(fields[12]) + tonumber(fields[13])) / 100
end

local function watch(folder)
  local words = "cd %s && echo $$ && exec %s test --watch --json 2>/dev/null </dev/null"
  local pipe = io.popen(words:format(folder, command))
  local pid = pipe:read "l"
  assert(pipe:read "l", "it watches nothing")
  return pipe, pid
end

local function percentile(values, share)
  table.sort(values)
  return values[math.max(1, math.ceil(#values * share))]
end

local function saves(report, folder, language, count, idle)
  assert(run(folder, "init orders --language " .. language), language .. ": no project")
  local path
  for name in io.popen(("ls %s/scripts"):format(folder)):lines() do path = folder .. "/scripts/" .. name end
  local source, mark = read(path), language == "javascript" and "//" or language == "php" and "//" or "#"
  local pipe, pid = watch(folder)
  local times = {}
  for i = 1, count do
    uv.sleep(50)
    local began = uv.hrtime()
    write(path, ("%s%s %d\n"):format(source, mark, i))
    assert(pipe:read("l"):find '"ok":true', "the case fails")
    times[i] = (uv.hrtime() - began) / 1e6
  end
  report("workbench", "save to answer, " .. language, percentile(times, 0.95), "ms", { most = bars[language] },
    ("p95 of %d; median %.0f"):format(count, percentile(times, 0.5)))
  if idle then
    local before = processor_time(pid)
    uv.sleep(idle * 1000)
    report("workbench", "watching, idle", processor_time(pid) - before, "s", { most = 0 },
      ("of the processor in %d s"):format(idle))
  end
  uv.kill(math.tointeger(tonumber(pid)), "sigkill")
  pipe:close()
end

-- All cases, beside as many bare starts of the interpreter on as many processors.
local function many_cases(report, folder, count)
  assert(run(folder, "init orders --language python"))
  local first = folder .. "/cases/orders/first/"
  local payload, expect = read(first .. "payload.json"), read(first .. "expect.json")
  for i = 2, count do
    local case = ("%s/cases/orders/c%d"):format(folder, i)
    uv.fs_mkdir(case, 493)
    write(case .. "/payload.json", payload)
    write(case .. "/expect.json", expect)
  end
  local began = uv.hrtime()
  assert(run(folder, "test"))
  local seconds = (uv.hrtime() - began) / 1e9
  began = uv.hrtime()
  local bare_start = "/usr/bin/python3 -I -c 'import json, runpy, inspect, traceback'"
  os.execute(("seq %d | xargs -P %d -I{} %s 2>/dev/null"):format(count, #uv.cpu_info(), bare_start))
  local bare = (uv.hrtime() - began) / 1e9
  local note = ("%.2f s, %.2f s bare"):format(seconds, bare)
  report("workbench", count .. " cases, beside bare starts", seconds / bare, "ratio", { most = 1.5 }, note)
end

return function(report, smoke)
  local folder = io.popen("mktemp -d"):read "l"
  for i, language in ipairs(order) do
    local project = folder .. "/" .. language
    uv.fs_mkdir(project, 493)
    saves(report, project, language, smoke and 3 or 60, i == 1 and (smoke and 1 or 10))
  end
  uv.fs_mkdir(folder .. "/many", 493)
  many_cases(report, folder .. "/many", smoke and 10 or 200)
  os.execute("rm -rf " .. folder)
end
