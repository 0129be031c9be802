--- Watches a project in luv's loop: what changed is run through its cases, at once.
-- @module patchworks.project.session
local run = require "patchworks.project.run"
local uv = require "patchworks.loop.uv"
local watch = require "patchworks.project.watch"
local workbench = require "patchworks.project.workbench"

local session = {}

local Session = { __name = "patchworks.project.session" }
Session.__index = Session

local function folder_of(path) return path:match "^(.+)/[^/]*$" or "." end

-- The folders to watch: those of the scripts and of the project's file; and the trees of cases.
local function places_of(self)
  local folders, trees, seen = {}, {}, {}
  local function add(list, path)
    if path and not seen[path] then
      seen[path] = true
      list[#list + 1] = path
    end
  end
  add(folders, folder_of(self.project.path))
  for _, script in ipairs(self.project:scripts()) do
    add(folders, folder_of(script.file))
    add(trees, script.cases)
  end
  return folders, trees
end

local function is_below(path, folder) return folder and path:sub(1, #folder + 1) == folder .. "/" end

-- The names of the scripts that paths belong to, among those that are watched.
local function touched(self, paths)
  local names = {}
  for _, script in ipairs(self.project:scripts()) do
    for _, path in ipairs(paths) do
      if path == script.file or is_below(path, script.cases) then names[script.name] = true end
    end
  end
  return names
end

-- What of the selection belongs to these scripts; all, without names.
local function selection(self, names)
  local list, problem = workbench.selection(self.project, self.names)
  if not list then return nil, problem end
  local some = {}
  for _, each in ipairs(list) do
    if not names or names[each.script.name] then some[#some + 1] = each end
  end
  return some
end

-- Runs the cases of these scripts; what was still under way is taken along.
local function start(self, names)
  if self.pool then
    self.pool:cancel()
    self.pool = nil
    for name in pairs(names and self.under_way or {}) do names[name] = true end
    if self.under_way == nil then names = nil end
  end
  self.under_way = names
  local list, problem = selection(self, names)
  if not list then return self.on.problem(tostring(problem)) end
  if #list == 0 then return end
  self.on.start(list)
  local ended, results = false, nil
  local function finish()
    ended = true
    if not results then return end
    self.pool = nil
    self.on.results(list, results)
  end
  local pool
  results, pool = run.cases(list, { in_loop = true, on_end = finish, timeout = self.timeout, update = self.update })
  if ended then return finish() end
  self.pool = pool
end

local function reload(self)
  local project, problem = require("patchworks.project").load(self.project.path)
  if not project then return self.on.problem(tostring(problem)) end
  project.server, project.sandbox_ids = self.project.server, self.project.sandbox_ids
  self.project = project
  self.watcher:set(places_of(self))
  start(self, nil)
end

local function changed(self, paths)
  for _, path in ipairs(paths) do
    if path == self.project.path then return reload(self) end
  end
  local names = touched(self, paths)
  if next(names) then start(self, names) end
end

--- Runs everything again.
function Session:rerun() start(self, nil) end

--- Stops watching, and ends what runs.
function Session:close()
  self.watcher:close()
  if self.pool then self.pool:cancel() end
  -- luv 1.44 crashes where a state is closed while a handle is on its way out; inside of the loop, that sees to it.
  if not uv.loop_mode() then uv.run "nowait" end
end

Session.__close = Session.close

--- Watches a project's scripts and cases, runs all once, and then what changed, in luv's loop.
-- @tparam table project
-- @tparam ?table names of scripts, or `NAME/CASE`; all
-- @tparam table on functions that are called in the loop: `start(list)`, `results(list, results)`, `problem(sentence)`;
-- `list` and `results` as in patchworks.project.run
-- @tparam ?table given `timeout` (120 s, for each case), `update`
-- @treturn ?table session: `rerun`, `close`, `project` (the newest reading of its file), `watcher`; or nil and an error
function session.new(project, names, on, given)
  local list, problem = workbench.selection(project, names)
  if not list then return nil, problem end
  local self = setmetatable({ project = project, names = names, on = on }, Session)
  self.timeout, self.update = given and given.timeout, given and given.update
  local folders, trees = places_of(self)
  self.watcher = watch.new(folders, trees, function(paths) changed(self, paths) end)
  start(self, nil)
  return self
end

return session
