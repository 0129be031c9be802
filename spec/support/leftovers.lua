-- What a file of specs leaves behind: descriptors, processes, files, tasks. Needs /proc; elsewhere it sees files alone.
--
--   local before = leftovers.look()
--   leftovers.since(before)      a list of sentences, empty when all is as it was
local lfs = require "lfs"
local scratch = require "spec.support.scratch"
local found_luv, uv = pcall(require, "luv")

local leftovers = {}

-- Temporary files go into a folder of the run's own, so that other programs' don't count.
local folder

local function name_folder()
  local name = os.tmpname()
  os.remove(name)
  return name .. ".specs"
end

-- libuv's default loop lasts as long as the process: it is there before the first file is.
local function wake_libuv()
  if not found_luv then return end
  local watcher = uv.new_fs_event()
  watcher:start(".", {}, function() end)
  watcher:close()
  uv.run "nowait"
end

--- Makes the folder, and has os.tmpname use it.
function leftovers.begin()
  wake_libuv()
  folder = name_folder()
  assert(lfs.mkdir(folder))
  local count = 0
  os.tmpname = function() -- luacheck: ignore (the specs of a run share it)
    count = count + 1
    local path = ("%s/%d"):format(folder, count)
    assert(io.open(path, "wb")):close()
    return path
  end
end

--- Removes the folder, unless a process that was left still writes into it.
function leftovers.finish() pcall(scratch.remove, folder) end

local function names_in(path)
  local names = {}
  if lfs.attributes(path, "mode") ~= "directory" then return names end
  for name in lfs.dir(path) do
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  return names
end

local function descriptors()
  local found = {}
  for _, name in ipairs(names_in "/proc/self/fd") do
    local target = lfs.symlinkattributes("/proc/self/fd/" .. name, "target")
    if target and target ~= "/proc/self/fd" and not target:find "/fd$" then found[name .. " " .. target] = "descriptor" end
  end
  return found
end

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read "a"
  if file then file:close() end
  return text
end

-- The parent of a process, and what it is called.
local function facts(pid)
  local name, parent = (read(("/proc/%s/stat"):format(pid)) or ""):match "%((.*)%) %a (%d+)"
  return parent, name
end

-- Whether a process was started by this run: scripts/test names the run in its environment.
local function is_of_run(pid)
  local run = os.getenv "PATCHWORKS_RUN"
  local environment = run and read(("/proc/%s/environ"):format(pid))
  return environment and ("\0" .. environment):find("\0PATCHWORKS_RUN=" .. run .. "\0", 1, true) ~= nil
end

-- Children, and what lost its parent.
local function processes()
  local found = {}
  local own = (read "/proc/self/stat" or ""):match "^%d+"
  for _, pid in ipairs(own and names_in "/proc" or {}) do
    if pid:find "^%d+$" and pid ~= own then
      local parent, name = facts(pid)
      if parent == own or (parent == "1" and is_of_run(pid)) then found[pid .. " " .. name] = "process" end
    end
  end
  return found
end

local function files()
  local found = {}
  for _, name in ipairs(names_in(folder)) do found[folder .. "/" .. name] = "file" end
  for _, name in ipairs(names_in ".") do found[name] = "file" end
  return found
end

-- What the scheduler of the file that has just run knows of tasks and calls that have not ended.
local function tasks()
  local found, seen = {}, {}
  local function visit(value)
    if type(value) == "function" and not seen[value] then
      seen[value] = true
      for i = 1, 60 do
        local name, upvalue = debug.getupvalue(value, i)
        if not name then break end
        if name ~= "_ENV" then visit(upvalue) end
      end
    elseif type(value) == "table" and not seen[value] then
      seen[value] = true
      local class = getmetatable(value)
      local called = type(class) == "table" and rawget(class, "__name")
      if (called == "patchworks.task" or called == "patchworks.flight") and not rawget(value, "finished") then
        found[("%s %p"):format(called, value)] = "task"
      end
      for key, each in next, value do
        visit(key)
        visit(each)
      end
    end
  end
  for _, name in ipairs { "patchworks.time.scheduler", "patchworks.time.timers", "patchworks.async" } do
    local module = package.loaded[name]
    for _, fn in pairs(type(module) == "table" and module or {}) do
      if type(fn) == "function" then visit(fn) end
    end
  end
  return found
end

--- What there is now.
function leftovers.look()
  for _ = 1, 4 do collectgarbage() end -- what has a finalizer goes in steps
  local all = {}
  for _, look in ipairs { descriptors, processes, files, tasks } do
    for name, kind in pairs(look()) do all[name] = kind end
  end
  return all
end

--- What there is beside what there was before. A process that was told to end gets a moment for it, and so does a socket:
-- a thread of libcurl's that still looks a name up has two, when its engine is closed already.
function leftovers.since(before)
  local list
  for _ = 1, 40 do
    local may_go = false
    list = {}
    for name, kind in pairs(leftovers.look()) do
      if not before[name] then
        list[#list + 1] = kind .. " " .. name
        may_go = may_go or kind == "process" or name:find "socket:" ~= nil
      end
    end
    if not may_go then break end
    if found_luv then uv.sleep(50) else os.execute "sleep 0.05" end
  end
  table.sort(list)
  return list
end

return leftovers
