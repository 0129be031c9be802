--- Notices what changes in folders, through libuv: the system tells, nothing is polled.
--
-- Folders are watched, not files: most editors write a new file and rename it. What the system tells is only that
-- something happened; what changed is found by comparing the files' times, sizes and numbers with those of before, once
-- the folder has been quiet for a moment. So a save is one change, however many steps the editor takes, and a file that
-- was only read is none.
--
-- @module patchworks.project.watch
local uv = require "patchworks.loop.uv"

local watch = {}

local quiet_ms = 15 -- without news, before a look; two writes of one save lie closer together
local most_ms = 200 -- after the first news, a look comes though there is no quiet
local poll_ms = 1000 -- where the system has no more watches to give

local Watch = { __name = "patchworks.watch" }
Watch.__index = Watch

local function hidden(name) return name:find "^%." or name:find "~$" end

local function signature(stat)
  return ("%d:%d:%d:%d:%s"):format(stat.mtime.sec, stat.mtime.nsec, stat.size, stat.ino, stat.type)
end

-- The files of a folder, path -> signature; and the folders in it, by path.
local function read(folder)
  local files, folders = {}, {}
  local scan = uv.fs_scandir(folder)
  while scan do
    local name = uv.fs_scandir_next(scan)
    if not name then break end
    local path = folder .. "/" .. name
    local stat = not hidden(name) and uv.fs_stat(path)
    if stat and stat.type == "directory" then
      folders[#folders + 1] = path
    elseif stat then
      files[path] = signature(stat)
    end
  end
  return files, folders
end

local function is_folder(path)
  local stat = uv.fs_stat(path)
  return stat and stat.type == "directory" and stat.ino
end

-- A folder that isn't there is waited for where it would come.
local function nearest(path)
  while not is_folder(path) do
    path = path:match "^(.+)/[^/]*$" or "/"
    if path == "/" then break end
  end
  return path
end

-- All that is to be watched now: folder -> its files, for those whose files count, or false.
local function wanted(self)
  local now = {}
  for _, folder in ipairs(self.folders) do
    if is_folder(folder) then
      now[folder] = read(folder)
    else
      local above = nearest(folder)
      now[above] = now[above] or false
    end
  end
  local rest = { table.unpack(self.trees) }
  while rest[1] do
    local folder = table.remove(rest)
    if is_folder(folder) then
      local folders
      now[folder], folders = read(folder)
      table.move(folders, 1, #folders, #rest + 1, rest)
    else
      local above = nearest(folder)
      now[above] = now[above] or false
    end
  end
  return now
end

local function stop(handle)
  if not handle:is_closing() then handle:close() end
end

-- Watches what is new, lets go of what is gone. The same path may be another folder by now.
local function follow(self, now)
  self.polled = false
  for folder, each in pairs(self.handles) do
    if now[folder] == nil or is_folder(folder) ~= each.number then
      stop(each.handle)
      self.handles[folder] = nil
    end
  end
  for folder in pairs(now) do
    if not self.handles[folder] then
      local handle = uv.new_fs_event()
      local ok = handle:start(folder, {}, function() self:news() end)
      if ok then
        self.handles[folder] = { handle = handle, number = is_folder(folder) }
      else
        stop(handle)
        self.polled = true
      end
    end
  end
  if self.polled then self.poll:start(poll_ms, poll_ms, function() self:look() end) else self.poll:stop() end
end

local function files_of(now)
  local all = {}
  for _, files in pairs(now) do
    for path, mark in pairs(files or {}) do all[path] = mark end
  end
  return all
end

--- Something happened: a look follows, when it is quiet.
function Watch:news()
  if self.closed then return end
  self.first = self.first or uv.hrtime()
  local passed = (uv.hrtime() - self.first) // 1000000
  self.timer:start(math.max(0, math.min(quiet_ms, most_ms - passed)), 0, function() self:look() end)
end

--- Looks what has changed since the last look, and tells it.
function Watch:look()
  if self.closed then return end
  self.first = nil
  local now = wanted(self)
  follow(self, now)
  local files, changed = files_of(now), {}
  for path, mark in pairs(files) do
    if self.files[path] ~= mark then changed[#changed + 1] = path end
  end
  for path in pairs(self.files) do
    if files[path] == nil then changed[#changed + 1] = path end
  end
  self.files = files
  if not changed[1] then return end
  table.sort(changed)
  self.on_change(changed)
end

--- Watches other folders from now on. What is in them now is no change.
-- @tparam table folders paths: the files right in them count
-- @tparam table trees paths: all files below them count
function Watch:set(folders, trees)
  self.folders, self.trees = folders, trees
  local now = wanted(self)
  follow(self, now)
  local before = self.files
  self.files = files_of(now)
  -- What changed since the last look is still to be told.
  for path in pairs(self.files) do
    if before[path] then self.files[path] = before[path] end
  end
  self:news()
end

--- Stops watching. A second call does nothing.
function Watch:close()
  if self.closed then return end
  self.closed = true
  for _, each in pairs(self.handles) do stop(each.handle) end
  stop(self.timer)
  stop(self.poll)
  self.handles = {}
end

Watch.__close = Watch.close

--- Watches folders in luv's loop.
-- @tparam table folders paths: the files right in them count
-- @tparam table trees paths: all files below them count
-- @tparam function on_change is called in the loop with a sorted list of paths that came, changed or went; a folder may
-- be away for a time
-- @treturn table `set`, `close`; `polled` where the system has no watches left, and each second a look is taken instead
function watch.new(folders, trees, on_change)
  local self = setmetatable({
    handles = {},
    files = {},
    on_change = on_change,
    timer = uv.new_timer(),
    poll = uv.new_timer(),
  }, Watch)
  self.folders, self.trees = folders, trees
  local now = wanted(self)
  follow(self, now)
  self.files = files_of(now)
  -- A file that changed while the watches were set up was not told.
  self:news()
  return self
end

return watch
