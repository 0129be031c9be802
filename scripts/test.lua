-- Runs each file of specs in a process of its own, two at a time for each processor and one more, and sums what busted
-- counted. scripts/test says how to call it.
package.path = "./?.lua;" .. package.path
local lua = require "spec.support.lua"
local uv = require "luv"

local build = os.getenv "PATCHWORKS_BUILD" or "build"
local log_folder, times_path = build .. "/specs", build .. "/specs/times"

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "a" or ""
end

-- Files and folders that are named, a seed, and what is busted's.
local function read_words(words)
  local roots, given, seed, shuffled = {}, {}, nil, false
  for i, word in ipairs(words) do
    if uv.fs_stat(word) then
      roots[#roots + 1] = word
    elseif word:find "_spec%.lua$" or word:find "^spec/" then
      io.stderr:write("there is no ", word, "\n")
      os.exit(2)
    else
      given[#given + 1] = word
      shuffled = shuffled or word:find "^%-%-shuffle" ~= nil
      seed = seed or word:match "^%-%-seed=(%d+)$" or (words[i - 1] == "--seed" and word) or nil
    end
  end
  if shuffled and not seed then
    seed = uv.hrtime() // 1000 % 100000
    given[#given + 1] = "--seed=" .. seed
  end
  return roots[1] and roots or { "spec" }, given, shuffled and tonumber(seed)
end

local function files_of(roots)
  local _, _, list_files = require "busted.modules.test_file_loader"({}, { "lua" })
  return list_files(roots, { "_spec" }, { excludes = {}, recursive = true })
end

-- What takes longest, for a first run: one of these that began last would leave the other processors idle.
local longest = {
  "simulation/fleet", "recording/settle", "listing/walk", "cli/traps", "hosts/hosts", "release/release",
  "cli/workbench", "runner_languages", "pages", "core/parts", "recording/check", "runner_limits",
  "sandbox", "cli/releases", "raising_hook", "cli/told", "runner", "cli/codes", "faults/matrix", "cli/ended",
  "cli/objects", "release/green", "recording/record", "cli/setup", "project/guide", "project/authors",
  "sandbox_load", "sandbox_limits", "project/run",
}

-- The longest come first, as far as former runs tell; in a random order when that is asked for.
local function put_in_order(files, times, seed)
  local key = {}
  if seed then math.randomseed(seed) end
  for i, name in ipairs(longest) do key["spec/" .. name .. "_spec.lua"] = i - 1000 end
  for i, path in ipairs(files) do
    key[path] = seed and math.random() or times[path] and -times[path] or key[path] or i
  end
  table.sort(files, function(a, b) return key[a] < key[b] end)
end

local function read_times()
  local times = {}
  for seconds, path in read(times_path):gmatch "(%S+) (%S+)\n" do times[path] = tonumber(seconds) end
  return times
end

local function write_times(times)
  local file <close> = assert(io.open(times_path, "wb"))
  for path, seconds in pairs(times) do file:write(("%.1f %s\n"):format(seconds, path)) end
end

local running = {}

-- Starts a file; `done` is called with how it ended and what was said.
local function start(path, index, given, done)
  local log = ("%s/%d.log"):format(log_folder, index)
  local output = assert(uv.fs_open(log, "w", 420)) -- rw-r--r--
  local words = { "scripts/specs.lua", table.unpack(given) }
  words[#words + 1] = path
  local environment = {}
  for name, value in pairs(uv.os_environ()) do
    if name == "PATCHWORKS_RUN" then value = value .. "." .. index end
    environment[#environment + 1] = name .. "=" .. value
  end
  local options = { args = words, env = environment, stdio = { nil, output, output } }
  local handle
  handle = assert(uv.spawn(lua, options, function(code, signal)
    handle:close()
    running[handle] = nil
    done(signal ~= 0 and "signal " .. signal or code ~= 0 and "exit code " .. code or nil, read(log))
    os.remove(log)
  end))
  running[handle] = true
  uv.fs_close(output)
end

-- What a process says: its figures, and what is to be read at the end, if anything. One that ended otherwise than its
-- figures say has failed.
local function judge(ending, said)
  local body, passed, failed, skipped = said:match "^(.-)(%d+) passed, (%d+) failed, (%d+) skipped\n$"
  if not passed then return { 0, 1, 0 }, said .. "\nit ended before its figures: " .. (ending or "exit code 0") end
  local figures = { tonumber(passed), tonumber(failed), tonumber(skipped) }
  if figures[1] + figures[2] == 0 then ending, body = nil, body:gsub("no spec ran\n$", "") end
  local told = body:match "%d+ error[^\n]* seconds\n(.*)$" or body
  told = told:gsub("the order was that of[^\n]*\n", "")
  if ending and figures[2] == 0 then
    figures[2] = 1
    told = told .. "it passed, and then ended badly: " .. ending
  end
  return figures, told:find "%S" and told or nil
end

local sums, told = { 0, 0, 0 }, {}

-- What is to be read of each file; what failed stands last.
local function report()
  table.sort(told, function(a, b)
    if a.failed ~= b.failed then return b.failed end
    return a.path < b.path
  end)
  for _, each in ipairs(told) do io.stdout:write("\n== ", each.path, "\n", each.text, "\n") end
end

local function run(files, given, times, at_once)
  local next_index, under_way = 1, 0
  local function go_on()
    while under_way < at_once and files[next_index] do
      local path, began = files[next_index], uv.hrtime()
      under_way = under_way + 1
      start(path, next_index, given, function(ending, said)
        under_way = under_way - 1
        times[path] = (uv.hrtime() - began) / 1e9
        local figures, more = judge(ending, said)
        for i = 1, 3 do sums[i] = sums[i] + figures[i] end
        io.stdout:write(said:match "^[^\n]+" or path, figures[2] > 0 and "  FAILED" or "", "\n")
        io.stdout:flush()
        if more then told[#told + 1] = { path = path, text = more, failed = figures[2] > 0 } end
        go_on()
      end)
      next_index = next_index + 1
    end
  end
  go_on()
  uv.run()
end

-- Who ends this ends what it has started, and is told what failed so far.
local function end_with(name, number)
  local handler = uv.new_signal()
  handler:start(name, function()
    for handle in pairs(running) do handle:kill(name) end
    report()
    os.exit(128 + number)
  end)
  handler:unref()
end

local roots, given, seed = read_words(arg)
local files = files_of(roots)
if #files == 1 then -- with all it says, as it comes
  table.insert(given, files[1])
  arg = given -- luacheck: ignore (specs.lua reads the global)
  return dofile "scripts/specs.lua"
end
os.execute("mkdir -p " .. log_folder)
end_with("sigterm", 15)
end_with("sigint", 2)
local times = read_times()
put_in_order(files, times, seed)
-- What waits for others leaves a processor to the next: on two, five files at a time took 0.89 of the time of three.
run(files, given, times, tonumber(os.getenv "PATCHWORKS_JOBS") or 2 * uv.available_parallelism() + 1)
write_times(times)
report()
if seed then io.stdout:write(("the order was that of --seed=%d\n"):format(seed)) end
if sums[1] + sums[2] == 0 then io.stdout:write "no spec ran\n" end
io.stdout:write(("%d passed, %d failed, %d skipped\n"):format(sums[1], sums[2], sums[3]))
os.exit(sums[1] > 0 and sums[2] == 0)
