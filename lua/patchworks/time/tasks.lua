--- Many calls at once: `patchworks.run` and `patchworks.map`.
--
-- A task is a coroutine; a call inside one suspends that one alone, and the others go on. A task fails when its
-- function raises, or returns nil and an error as the methods of this module do.
--
-- @module patchworks.time.tasks
local arguments = require "patchworks.call.arguments"
local async = require "patchworks.async"
local errors = require "patchworks.errors"
local methods = require "patchworks.call.methods"

local tasks = {}

local method = methods.method
local stop_on_error = { "stop_on_error", "boolean", "the first failure ends all the others", default = false }

--- What the functions take and give: see patchworks.call.methods.
tasks.methods = {
  run = method {
    name = "run",
    of = "patchworks",
    says = "Runs a function that starts tasks, and waits for all of them. When the function itself raises, its "
      .. "tasks are "
      .. "cancelled and the error goes on.",
    takes = { { "fn", "function", "called with the group", type = "fun(tasks: patchworks.tasks)" } },
    options = { stop_on_error },
    gives = "true",
    given = "true when no task failed; else nil and a list of `{task, error}`",
    more = "table[]",
    example = [[patchworks.run(function(tasks)
  tasks:spawn(function() print(versions:get(7)) end)
  tasks:spawn(function() print(versions:get(8)) end)
end)]],
  },
  map = method {
    name = "map",
    of = "patchworks",
    says = "Calls a function for each item of a list, several at a time. It fails by raising, or by giving nil and an "
      .. "error.",
    takes = {
      { "items", "table", "a list", type = "any[]" },
      { "fn", "function", "called with an item and its index", type = "fun(item: any, index: integer): any" },
    },
    options = {
      { "concurrency", "integer", "how many at a time", most = 100000, default = 8 },
      stop_on_error,
    },
    gives = "any[]",
    given = "the functions' first results, by the index of their item; and when any failed, a list of "
      .. "`{index, item, error}`",
    more = "table[]",
    never_nil = true,
    example = [[local found, failures = patchworks.map({ 7, 8 }, function(id) return versions:get(id) end)]],
  },
  spawn = method {
    name = "spawn",
    of = "patchworks",
    says = "Starts a function as a task of its own, for a host's loop. What it raises is written to standard "
      .. "error, unless "
      .. "somebody joins it first.",
    takes = { { "fn", "function", "the task" }, { "...", "any", "its arguments" } },
    gives = "patchworks.task",
    never_nil = true,
    example = [[patchworks.spawn(function() print(versions:get(7)) end):join()]],
  },
}

local Group = { __name = "patchworks.tasks" }
Group.__index = Group

-- What a task failed with, or nil.
local function failure_of(task)
  local results = task.results
  if not task.ok then return results[1] == nil and "nil" or results[1] end
  if results[1] == nil and errors.is_error(results[2]) then return results[2] end
end

--- Starts a function as a task of the group. It runs at once, up to its first wait.
-- @tparam function fn
-- @param ... its arguments
-- @treturn table task: `join()` waits for it (true and its results, or false and what it raised), `cancel()` ends it
function Group:spawn(fn, ...)
  arguments.check_callable(fn, "spawn")
  if fn == nil then errors.misuse("spawn: expected a function, got nil") end
  local group = self
  group.running = group.running + 1
  local started
  local function on_end(task)
    group.running = group.running - 1
    group.all[task] = nil
    local failure = failure_of(task)
    if failure ~= nil and not task.cancelled then
      group.failures[#group.failures + 1] = { task = task, error = failure }
      if group.stop_on_error then group:cancel_all() end
    end
    if group.running == 0 then group.idle:announce() end
  end
  started = async.spawn(fn, on_end, ...)
  if not started.finished then group.all[started] = true end
  return started
end

--- Ends a task of the group: what it waits for is closed. It is not counted as a failure.
-- @tparam table task
-- @treturn boolean whether it was ended
function Group:cancel(task) -- luacheck: no self
  task.cancelled = true
  return task:cancel()
end

--- Ends all tasks of the group.
function Group:cancel_all()
  local all = {}
  for task in pairs(self.all) do all[#all + 1] = task end
  for _, task in ipairs(all) do self:cancel(task) end
end

Group.__close = Group.cancel_all

local function new_group(given)
  return setmetatable({
    all = {},
    running = 0,
    failures = {},
    idle = async.condition(),
    stop_on_error = given.stop_on_error,
  }, Group)
end

local function wait_idle(group)
  while group.running > 0 do group.idle:wait() end
end

--- Runs a function that starts tasks, and waits for all of them. When the function itself raises, its tasks are
-- cancelled and the error goes on.
-- @tparam function fn called with the group: `tasks:spawn(fn, ...)`, `tasks:cancel(task)`, `tasks:cancel_all()`
-- @tparam ?table given `stop_on_error`: the first failure cancels the others
-- @treturn ?boolean true when no task failed; else nil and a list of `{task, error}`
-- @usage patchworks.run(function(tasks)
--   tasks:spawn(function() print(versions:get(7)) end)
--   tasks:spawn(function() print(versions:get(8)) end)
-- end)
function tasks.run(fn, given)
  if type(fn) ~= "function" then errors.misuse("run: expected a function, got %s", arguments.show(fn)) end
  methods.check(tasks.methods.run, given)
  local group <close> = new_group(given or {})
  fn(group)
  wait_idle(group)
  if #group.failures > 0 then return nil, group.failures end
  return true
end

-- Nobody may be there to take a lone task's failure: it is said where it can't be missed.
local function report(task)
  if task.ok or task.joined or task.cancelled then return end
  io.stderr:write("patchworks: a task failed: ", tostring(task.results[1]), "\n")
end

--- Starts a function as a task of its own, for a host's loop: it goes on while the loop runs. What it raises is written
-- to standard error, unless somebody joins it first.
-- @tparam function fn
-- @param ... its arguments
-- @treturn table task: `join()`, `cancel()`
-- @usage patchworks.spawn(function() print(versions:get(7)) end)
function tasks.spawn(fn, ...)
  if type(fn) ~= "function" then errors.misuse("spawn: expected a function, got %s", arguments.show(fn)) end
  return async.spawn(fn, report, ...)
end

-- One of the workers of a map: takes the next item until there is none.
local function work(state, items, fn)
  while state.next <= #items and not state.stopped do
    local index = state.next
    state.next = index + 1
    local results = table.pack(pcall(fn, items[index], index))
    local failure
    if not results[1] then
      failure = results[2]
    elseif results[2] == nil and errors.is_error(results[3]) then
      failure = results[3]
    end
    if failure ~= nil then
      state.failures[#state.failures + 1] = { index = index, item = items[index], error = failure }
      if state.stop_on_error then
        state.stopped = true
        state.group:cancel_all()
      end
    else
      state.results[index] = results[2]
    end
  end
end

--- Calls a function for each item of a list, several at a time.
-- @tparam table items a list
-- @tparam function fn called with an item and its index; fails by raising, or by giving nil and an error
-- @tparam ?table given `concurrency` (8): how many at a time; `stop_on_error`: the first failure ends it all
-- @treturn table the functions' first results, by the index of their item
-- @treturn ?table when any failed: a list of `{index, item, error}`, by index
-- @usage local answers, failures = patchworks.map(ids, function(id) return versions:deploy(id) end)
function tasks.map(items, fn, given)
  if type(items) ~= "table" then errors.misuse("map: expected a list, got %s", arguments.show(items)) end
  if type(fn) ~= "function" then errors.misuse("map: expected a function, got %s", arguments.show(fn)) end
  methods.check(tasks.methods.map, given)
  given = given or {}
  local concurrency = given.concurrency or 8
  local group <close> = new_group {}
  local state = {
    next = 1,
    results = {},
    failures = {},
    group = group,
    stop_on_error = given.stop_on_error,
  }
  for _ = 1, math.min(concurrency, #items) do group:spawn(work, state, items, fn) end
  wait_idle(group)
  table.sort(state.failures, function(left, right) return left.index < right.index end)
  return state.results, #state.failures > 0 and state.failures or nil
end

return tasks
