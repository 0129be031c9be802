--- Many calls at once: `patchworks.run` and `patchworks.map`.
--
-- A task is a coroutine; a call inside one suspends that one alone, and the others go on. A task fails when its
-- function raises, or returns nil and an error as the methods of this module do.
--
-- @module patchworks.time.tasks
local arguments = require "patchworks.call.arguments"
local errors = require "patchworks.errors"
local methods = require "patchworks.call.methods"
local scheduler = require "patchworks.time.scheduler"
local task = require "patchworks.time.task"

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
local function failure_of(ended)
  local results = ended._results
  if not ended._ok then return results[1] == nil and "nil" or results[1] end
  if results[1] == nil and errors.is_error(results[2]) then return results[2] end
end

-- A task that has ended well is forgotten; one that failed is kept, and may end the others.
local function on_end(ended)
  local group = ended._group
  local failure = failure_of(ended)
  -- Cut off by somebody else's failure, in the middle of something: that is nobody's wish.
  local lost = ended._cancelled and group._stopped and failure.outcome == "unknown"
  local failed = lost or (not ended._cancelled and failure ~= nil)
  group._did = group._did or ended._did or (ended._cancelled and failure.outcome == "unknown")
  if not failed then group._all[ended] = nil end
  if failed and group._stop_on_error and not group._stopped then
    group._stopped = true
    group:cancel_all()
  end
end

--- Starts a function as a task of the group. It runs at once, up to its first wait. After the end that `stop_on_error`
-- makes nothing is started any more: the task is a cancelled one.
-- @tparam function fn
-- @param ... its arguments
-- @treturn table task: `join()` waits for it (true and its results, or false and what it raised), `cancel()` ends it
function Group:spawn(fn, ...)
  arguments.check_callable(fn, "spawn")
  if fn == nil then errors.misuse("spawn: expected a function, got nil") end
  self._started = self._started + 1
  local made = task.make(fn, on_end, ...)
  made._group, made._number = self, self._started
  self._all[made] = true
  if self._stopped then
    made:cancel()
  else
    made:_begin()
  end
  return made
end

--- Ends a task of the group: what it waits for is closed. It is not counted as a failure.
-- @tparam table given a task
-- @treturn boolean whether it was ended
function Group:cancel(given) -- luacheck: no self
  if not task.is(given) then errors.misuse("cancel: expected a task, got %s", arguments.show(given)) end
  return given:cancel()
end

-- The group's tasks that have not ended, or those that failed, in the order in which they were started.
local function list_of(group, failed)
  local list = {}
  for each in pairs(group._all) do
    if (each._finished or false) == failed then list[#list + 1] = each end
  end
  table.sort(list, function(left, right) return left._number < right._number end)
  return list
end

--- Ends all tasks of the group, in the order in which they were started, or in any where there is no memory for a
-- list. One that can't be ended, for want of memory, keeps no other; what a hook raises is raised when all have ended.
function Group:cancel_all()
  local listed, list = pcall(list_of, self, false)
  local failed, problem = not listed and list ~= "not enough memory", list
  for key, each in (listed and ipairs or pairs)(listed and list or self._all) do
    local ok, raised = pcall(task.cancel, each == true and key or each)
    if not ok and not failed then
      failed, problem = true, raised
    end
  end
  if failed then error(problem, 0) end
end

-- What the group's tasks have done, whoever waits for them has done.
function Group.__close(group)
  group:cancel_all()
  local owner = scheduler.current_owner()
  if owner and group._did then owner._did = true end
end

local function new_group(given)
  return setmetatable({
    _all = {}, _started = 0, _stopped = false, _did = false, _stop_on_error = given.stop_on_error or false,
  }, Group)
end

-- Joins whatever is not over; tasks may start others meanwhile.
local function wait_all(group)
  local list = list_of(group, false)
  while #list > 0 do
    for _, each in ipairs(list) do each:_until_ended() end
    list = list_of(group, false)
  end
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
  wait_all(group)
  local failures = {}
  for i, each in ipairs(list_of(group, true)) do failures[i] = { task = each, error = failure_of(each) } end
  if #failures > 0 then return nil, failures end
  return true
end

-- Nobody may be there to take a lone task's failure: it is said where it can't be missed.
local function report(ended)
  if ended._ok or ended._joined or ended._cancelled then return end
  if io then io.stderr:write("patchworks: a task failed: ", tostring(ended._results[1]), "\n") end
end

--- Starts a function as a task of its own, for a host's loop: it goes on while the loop runs. What it raises is written
-- to standard error, unless somebody joins it first.
-- @tparam function fn
-- @param ... its arguments
-- @treturn table task: `join()`, `cancel()`
-- @usage patchworks.spawn(function() print(versions:get(7)) end)
function tasks.spawn(fn, ...)
  if type(fn) ~= "function" then errors.misuse("spawn: expected a function, got %s", arguments.show(fn)) end
  return task.make(fn, report, ...):_begin()
end

-- One of the workers of a map: takes the next item until there is none.
local function work(state, items, fn)
  local self = scheduler.current_owner()
  while state.next <= #items and not state.stopped do
    local index = state.next
    state.next = index + 1
    state.group._did = state.group._did or self._did
    self._item, self._did = index, nil -- of the item under way alone
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
        state.stopped, state.group._stopped = true, true
        state.group:cancel_all()
        return
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
  wait_all(group)
  -- Workers that were cut off in the middle of something, or for want of memory.
  for _, lost in ipairs(list_of(group, true)) do
    local index = lost._item or 0
    state.failures[#state.failures + 1] = { index = index, item = items[index], error = failure_of(lost) }
  end
  table.sort(state.failures, function(left, right) return left.index < right.index end)
  return state.results, #state.failures > 0 and state.failures or nil
end

return tasks
