--- Running a project's scripts here and now, by the platform's contract, with no account: one, or all their cases on
-- every core.
-- @module patchworks.project.run
local cases = require "patchworks.project.cases"
local expected = require "patchworks.release.expected"
local languages = require "patchworks.project.languages"
local runner = require "patchworks.runner"
local uv = require "patchworks.loop.uv"

local run = {}

-- What a handler returned, as far as a caller of the service sees it.
local function read_answer(outcome, text)
  local payload, problem = expected.payload(text)
  outcome.payload, outcome.failure = payload, problem and "the handler returned no object: " .. problem
end

-- A problem's sentence, with its place: `file:line: ..`. What a checker says has places in it already, in a file called
-- script.
local function with_place(script, problem)
  local said = problem.message:gsub("%f[%w_./]%.?/?script%.%l+%f[:(]", function() return script.file end)
  local begins = said:sub(1, #script.file + 1)
  if not problem.line or begins == script.file .. ":" or begins == script.file .. "(" then return said end
  return ("%s:%d: %s"):format(script.file, problem.line, said)
end

-- A run's result in the words of a project: `file:line` where the script is to blame.
local function outcome_of(script, result)
  local outcome = {
    logs = result.logs,
    printed = result.output,
    errors = result.errors,
    seconds = result.seconds,
    memory_bytes = result.memory_bytes,
    answer = result.answer,
  }
  local problem = result.error
  if problem then
    outcome.kind, outcome.line = problem.kind, problem.line
    outcome.failure = with_place(script, problem)
  else
    read_answer(outcome, result.answer)
  end
  return outcome
end

--- What an answer of the service comes to, in the form of a run here.
-- @tparam ?table answer what `versions:invoke` gave
-- @tparam table response its second value, or the error
-- @treturn table as `run.once`
function run.remote_outcome(answer, response)
  if not answer then return { failure = tostring(response), error = response, logs = {} } end
  local logs = {}
  for i, line in ipairs(type(answer.logs) == "table" and answer.logs or {}) do logs[i] = tostring(line) end
  local outcome = { logs = logs, answer = response.body }
  read_answer(outcome, response.body)
  return outcome
end

--- The language that a script says it is in, perhaps with a version ("php8.1"), or its file's name.
-- @treturn ?string
function run.language(script) return script.language or languages.of_file(script.path) end

local function start(script, given)
  return runner.start {
    file = script.path,
    language = run.language(script),
    payload = given.payload,
    variables = given.variables,
    flow = given.flow,
    timeout = given.timeout,
  }
end

local function unreadable(problem) return { failure = problem, kind = "file", logs = {} } end

--- Runs a script, and waits for it.
-- @tparam table script `path`, `file` (as it is to be shown), `language` (nil: by the file's ending)
-- @tparam ?table given `payload` (string), `variables`, `flow` (tables), `timeout` (120 s)
-- @treturn table `payload` (string; nil for none), `logs` (a list of strings), `failure` (a sentence, with the script's
-- own line where it is known) and its `kind` and `line`, `printed` and `errors` (what it printed), `answer` (all that
-- the handler returned, in JSON), `seconds`, `memory_bytes`
function run.once(script, given)
  local started <close>, problem = start(script, given or {})
  if not started then return unreadable(problem) end
  started:wait()
  return outcome_of(script, started:result())
end

local Pool = { __name = "patchworks.project.pool" }
Pool.__index = Pool

--- How many runs go on at once: one for each processor.
function run.processors() return math.max(1, #(uv.cpu_info() or {})) end

-- A pool runs jobs, `{script, given, done}`, a few at a time; `done` is called with each outcome. Without a loop it is
-- driven by `wait`; with one, each run's descriptor is watched in it.
local function new_pool(jobs, limit, in_loop)
  return setmetatable({ jobs = jobs, next = 1, active = {}, limit = limit, in_loop = in_loop }, Pool)
end

local function unwatch(each)
  if each.poll then
    each.poll:stop()
    each.poll:close()
  end
  each.poll = nil
end

-- The descriptor may be another's once the run is over, so nothing watches it while the run takes in what came.
local function watch_run(self, each)
  local fd = each.run:fd()
  if not fd then return end
  local function wake()
    unwatch(each)
    self:step()
  end
  each.poll = uv.new_poll(fd)
  if each.poll then
    each.poll:start("r", wake)
  else
    -- Somebody else's handle in this loop still holds the descriptor's number.
    each.poll = uv.new_timer()
    each.poll:start(5, 0, wake)
  end
end

local function finish(each)
  unwatch(each)
  local result = each.run:result()
  each.run:close()
  each.job.done(outcome_of(each.job.script, result))
end

local function fill(self)
  while #self.active < self.limit and self.jobs[self.next] do
    local job = self.jobs[self.next]
    self.next = self.next + 1
    local started, problem = start(job.script, job.given)
    if started then
      local each = { run = started, job = job }
      self.active[#self.active + 1] = each
    else
      job.done(unreadable(problem))
    end
  end
end

--- Takes in what has come, and starts what there is room for. True when all is done.
function Pool:step()
  if self.cancelled then return true end
  for i = #self.active, 1, -1 do
    local each = self.active[i]
    if each.run:done() then
      table.remove(self.active, i)
      finish(each)
    end
  end
  fill(self)
  if self.in_loop then
    for i = #self.active, 1, -1 do
      local each = self.active[i]
      if not each.poll then watch_run(self, each) end
      -- One that was over before it could be watched.
      if not each.poll then return self:step() end
    end
  end
  local over = #self.active == 0 and not self.jobs[self.next]
  if over and not self.over then
    self.over = true
    if self.on_end then self.on_end() end
  end
  return over
end

--- Ends all runs; nothing more is told.
function Pool:cancel()
  self.cancelled = true
  for _, each in ipairs(self.active) do
    unwatch(each)
    each.run:close()
  end
  self.active = {}
end

--- Waits until all is done. A run that ends frees a place within two milliseconds.
function Pool:wait()
  local turn = 0
  while not self:step() do
    turn = turn % #self.active + 1
    self.active[turn].run:wait(0.002)
  end
end

local function judge(script, case, outcome)
  local ok, problem, shown = cases.judge(case, outcome)
  return {
    name = script.name .. "/" .. case.name, script = script.name, case = case.name, ok = ok, problem = problem,
    diff = shown, seconds = outcome.seconds, memory_bytes = outcome.memory_bytes, logs = outcome.logs,
    errors = outcome.errors, path = not ok and not outcome.failure and case.expect_path or script.file,
  }
end
run.judge = judge

-- A script without cases is checked by its language's own checker.
local function check(script)
  local result = { name = script.name, script = script.name, case = "syntax", path = script.file, logs = {} }
  local began = uv.hrtime()
  local file <close>, reason = io.open(script.path, "rb")
  if not file then
    result.ok, result.problem = false, reason
    return result
  end
  local good, problem = runner.check(run.language(script), file:read "a")
  result.seconds = (uv.hrtime() - began) / 1e9
  result.ok = good or false
  if not good then
    result.problem = with_place(script, problem)
  end
  return result
end

-- A case that was run: as it passed, or as what came makes it.
local function settle(script, case, outcome, update)
  local result = judge(script, case, outcome)
  if result.ok or not update or outcome.failure or case.problem then return result end
  local path, problem = cases.update(case, outcome)
  if path then
    result.ok, result.updated, result.problem, result.diff = true, path, nil, nil
  else
    result.problem = problem
  end
  return result
end

-- What is to be run, in the order of the list; `tell` is given the place of each result.
local function jobs_of(list, given, tell)
  local jobs, count = {}, 0
  for _, each in ipairs(list) do
    if #each.cases == 0 then
      count = count + 1
      tell(count, check(each.script))
    end
    for _, case in ipairs(each.cases) do
      count = count + 1
      local index = count
      local function done(outcome) tell(index, settle(each.script, case, outcome, given.update)) end
      if case.problem then
        done { failure = case.problem, logs = {} }
      else
        local data = { payload = case.payload, variables = case.variables, flow = case.flow, timeout = given.timeout }
        jobs[#jobs + 1] = { script = each.script, given = data, done = done }
      end
    end
  end
  return jobs
end

--- Runs cases, and waits for them; with `in_loop` they go on in luv's loop.
-- @tparam table list of `{script, cases}`: `script` as for `once`, with `name`; `cases` as `cases.find` gives them. A
-- script without any is checked by its language's own checker
-- @tparam ?table given `on_result` (called with each as it comes), `concurrency` (one for each processor), `timeout`
-- (seconds, for each), `update` (what came becomes what is expected), `in_loop`, `on_end` (called in the loop)
-- @treturn table results, in the order of the list: each `name`, `script`, `case`, `ok`, `problem`, `diff`, `seconds`,
-- `memory_bytes`, `logs`, `path` (what the problem is about), `updated` (a path)
-- @treturn ?table with `in_loop`: its `cancel` method ends the runs
function run.cases(list, given)
  given = given or {}
  local results = {}
  local jobs = jobs_of(list, given, function(index, result)
    results[index] = result
    if given.on_result then given.on_result(result) end
  end)
  local pool = new_pool(jobs, given.concurrency or run.processors(), given.in_loop)
  pool.on_end = given.on_end
  if given.in_loop then
    pool:step()
    return results, pool
  end
  pool:wait()
  return results
end

return run
