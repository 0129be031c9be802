--- The engines that somebody waits for, and what they bring.
--
-- A transfer that is waited for while no other is, which is what a program that calls and waits has, is kept by itself:
-- it costs no entry in a table, and no timer. A second one beside it puts both where many are.
--
-- @module patchworks.time.engines
local clock = require "patchworks.time.clock"
local errors = require "patchworks.errors"
local timers = require "patchworks.time.timers"

local engines = {}

local waiting = setmetatable({}, { __mode = "k" }) -- transfer -> wait
local busy = {} -- engines that somebody waits for
local lone, lone_engine, lone_transfer = false, false, false -- a wait that is the only one
local spare = false -- a wait that has ended, for the next transfer: calls one after the other need one
local watch = false -- tells a host's loop whether anybody waits for an engine
local one = {} -- a list for the common case
local broken = setmetatable({}, { __mode = "k" }) -- engine -> why it can't be moved on
local heap = timers.heap

local function add(engine, transfer, wait)
  wait.transfer, wait.engine = transfer, engine
  waiting[transfer] = wait
  timers.add(wait)
  if busy[engine] then return end
  busy[engine] = true
  if watch then watch(engine, true) end
end

-- Puts the one that was alone where many are.
local function join_others()
  if not lone then return end
  local wait, engine, transfer = lone, lone_engine, lone_transfer
  lone, lone_engine, lone_transfer = false, false, false
  add(engine, transfer, wait)
end

--- Sets what is told when the first wait for an engine begins, and when the last one ends.
-- @tparam function|boolean fn called with the engine and a boolean; false for nothing
function engines.set_watch(fn)
  watch = fn
  if fn then join_others() end
end

--- Begins to wait for a transfer.
-- @tparam userdata engine
-- @tparam userdata transfer
-- @tparam number due the monotonic time at which the wait ends
-- @tparam table job whose wait it is
-- @treturn table the wait, for `leave` and `cut`
function engines.enter(engine, transfer, due, job)
  local wait = spare or timers.new_wait()
  spare = false
  wait.over, wait.expired, wait.due = false, false, due
  wait.owner, job._wait = job, wait
  if lone or watch or next(waiting) then
    join_others()
    add(engine, transfer, wait)
  else
    lone, lone_engine, lone_transfer = wait, engine, transfer
  end
  return wait
end

--- Takes a wait out of all that may end it.
function engines.cut(wait)
  if lone == wait then
    lone, lone_engine, lone_transfer = false, false, false
  elseif wait.transfer then
    waiting[wait.transfer] = nil
    wait.transfer, wait.engine = false, false
  end
  if wait.place then timers.remove(wait) end
end

--- Ends what `enter` began.
function engines.leave(wait)
  if wait.transfer or lone == wait then engines.cut(wait) end
  wait.owner = false
  spare = wait
end

local function check(ok, problem)
  if ok then return end
  error(errors.new { kind = "network", message = problem, outcome = "unknown" }, 0)
end

--- Looks whether anything is still under way on an engine, one of whose transfers was ended early.
function engines.settle(engine)
  if busy[engine] and engine:active() == 0 then engines.forget(engine) end
end

--- For a client that is closed: nobody waits for its engine any more.
function engines.forget(engine)
  if not busy[engine] then return end
  busy[engine] = nil
  if watch then watch(engine, false) end
end

-- Takes what an engine has finished; says whether there was anything.
local function dispatch(engine, woken)
  local transfer, more = engine:next()
  local any = transfer ~= nil
  while transfer do
    local wait = lone
    if not wait then
      wait = waiting[transfer]
    elseif transfer == lone_transfer then
      lone, lone_engine, lone_transfer = false, false, false -- they would keep a client and its answer
    else
      wait = nil
    end
    if wait then woken(wait, more) end
    if not more then break end -- or before the next wait, which lasts no time then
    transfer, more = engine:next()
  end
  if busy[engine] then engines.settle(engine) end
  return any
end

-- Ends the waits for an engine that can't be moved on, and no others: it is another process's since a fork, say.
local function give_up(engine, problem, woken)
  broken[engine] = problem
  join_others()
  local list = {}
  for transfer, wait in pairs(waiting) do
    if wait.engine == engine then list[transfer] = wait end
  end
  engines.forget(engine)
  for transfer, wait in pairs(list) do
    transfer:close()
    woken(wait, true)
  end
  return true
end

--- Why an engine can't be moved on any more, a sentence; nil where it can.
function engines.problem_of(engine) return broken[engine] end

--- Moves engines on without waiting.
-- @tparam table list
-- @tparam function woken called with each wait that has come to its end, and whether more have
-- @treturn boolean whether anything was finished
function engines.advance(list, woken)
  local any = false
  for _, engine in ipairs(list) do
    local ok, problem = engine:step(0)
    if not ok then
      any = give_up(engine, problem, woken)
    else
      any = dispatch(engine, woken) or any
    end
  end
  return any
end

-- Moves one engine on, waiting up to `seconds`.
local function poll_one(engine, seconds, woken)
  one[1] = engine
  local ok, problem = clock.wait(one, seconds)
  one[1] = nil
  if not ok then return give_up(engine, problem, woken) end
  return dispatch(engine, woken)
end

--- Waits for engines up to `seconds`.
-- @tparam number seconds
-- @tparam function woken as above
function engines.poll(seconds, woken)
  if lone then return poll_one(lone_engine, seconds, woken) end
  local first = next(busy)
  if first and next(busy, first) == nil then return poll_one(first, seconds, woken) end
  local list = {}
  for engine in pairs(busy) do list[#list + 1] = engine end
  if engines.advance(list, woken) or (seconds <= 0 and first) then return end
  check(clock.wait(list, seconds))
  engines.advance(list, woken)
end

--- The wait that is due first, of a transfer or of anything else; nil when there is none.
function engines.first_due()
  local first = heap[1]
  if lone and not (first and first.due <= lone.due) then return lone end
  return first
end

--- The busy engines that a host's loop has no descriptor of.
function engines.unhosted()
  local list = {}
  for engine in pairs(busy) do
    if not engine:fd() then list[#list + 1] = engine end
  end
  return list
end

return engines
