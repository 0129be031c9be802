--- What the steps of a release have in common: the options of each request, the time that is left, who is told.
-- @module patchworks.release.job
local deadline = require "patchworks.time.deadline"
local errors = require "patchworks.errors"
local listeners = require "patchworks.call.listener"
local progress = require "patchworks.release.progress"
local tasks = require "patchworks.time.tasks"

local job = {}

local Closed = {} -- raised inside of a job whose client was closed between two of its requests

local Job = { __name = "patchworks.job" }
Job.__index = Job

local usual = 60 -- seconds that a call has where neither the client nor the release says so

--- The error of what a client that is closed meanwhile does no more.
-- @tparam string operation the method's name
-- @treturn table error
function job.closed(operation)
  return errors.new { kind = "cancelled", operation = operation, message = "the client was closed", outcome = "none" }
end

--- Begins one.
-- @tparam table resource script_versions
-- @tparam string operation the method's name
-- @tparam string script its id
-- @tparam ?table given the caller's options, checked
-- @tparam ?number|table timeout of the whole of it: seconds, or a deadline; no end
function job.new(resource, operation, script, given, timeout)
  resource._client:_check_open(operation)
  return job.part(resource, operation, script, given, timeout)
end

--- The same inside of a method that has begun.
function job.part(resource, operation, script, given, timeout)
  return setmetatable({
    resource = resource,
    operation = operation,
    script = script,
    given = given or {},
    listener = listeners.of(resource._client, given),
    clock = resource._client._clock,
    deadline = deadline.of(timeout),
    progress = progress.new(operation, script),
    passed = {}, -- ids of versions that are not under way, whatever they say
    returning = false, -- whether it takes back what it has deployed
  }, Job)
end

--- The options of a request: those that the caller gave for every call, and the time that is left.
-- @tparam ?table more what else goes into it; its `timeout`, a number, is cut to what is left when a request is made
-- @treturn table
function Job:options(more)
  local given = self.given
  if self.resource._client._closed then error(Closed, 0) end
  local options = {
    headers = given.headers,
    attempt_timeout = given.attempt_timeout,
    max_attempts = given.max_attempts,
    on_event = self.listener,
  }
  for name, value in pairs(more or {}) do options[name] = value end
  local own = options.timeout or self.resource._client._settings.timeout or usual
  if type(own) == "number" then options.timeout = self.deadline:each(own) end
  return options
end

--- Takes the caller's word (`while_deploying`) for it that what a look shows to be under way is not.
-- @tparam table state the look
function Job:pass(state)
  if not self.given.while_deploying then return end
  for _, version in ipairs(state.under_way) do self.passed[version.id] = true end
  state.under_way = {}
  self.progress:saw(state.live, state.under_way)
end

--- From here on, what was deployed is taken back: that has its own time, and is begun though it can't be kept.
function Job:turn_back() self.deadline, self.returning = deadline.of(), true end

-- Gives the account to whoever keeps it: true; or nil and an error where it could not be kept.
local function keep(self)
  if not self.given.record then return true end
  local kept, problem = self.given.record(self.progress)
  if kept ~= nil or problem == nil then return true end
  if not errors.is_error(problem) then
    problem = errors.new { kind = "file", message = "the account could not be kept: " .. tostring(problem) }
  end
  return nil, self:wrap(problem, {})
end

local function notify(self, step, fields)
  if not self.listener then return end
  local event = { type = "step", step = step, progress = self.progress }
  for name, value in pairs(fields or {}) do event[name] = value end
  self.listener(event)
end

--- Tells the listener about a step that changes nothing, and whoever keeps the account.
-- @tparam string step its name
-- @tparam ?table fields what else the event holds
function Job:tell(step, fields)
  self.progress.step = step
  keep(self)
  notify(self, step, fields)
end

--- The same before a request that changes something. What can't be kept is not begun: its mark in the account is taken
-- back then.
-- @tparam function undo takes the mark back
-- @tparam ?string step its name; nobody is told without
-- @tparam ?table fields what else the event holds
-- @treturn ?boolean true; or nil and an error: leave it undone
function Job:begin(undo, step, fields)
  local account = self.progress
  local before = account.step
  account.step = step or before
  local kept, refusal = keep(self)
  if not kept and not self.returning then
    undo()
    account.step = before
    return nil, refusal
  end
  if step then notify(self, step, fields) end
  return true
end

-- What the method came to, or its end where the client was closed between two of its requests.
local function ended(self, ok, value, second)
  if ok then return self:settle(value, second) end
  if value ~= Closed then error(value, 0) end
  local account = self.progress
  local unknown = account.creating or account.changed or account.deleting or account.pending[1]
  local problem = job.closed(self.operation)
  problem.outcome, problem.progress = unknown and "unknown" or "none", account
  return self:settle(nil, problem)
end

--- Runs the method's work.
-- @tparam function fn gives a value, or nil and an error
-- @param ... its arguments, after the job
function Job:run(fn, ...) return ended(self, pcall(fn, self, ...)) end

--- Gives what the method came to, or raises what the listener has raised, with that.
function Job:settle(value, second) return listeners.settle(self.listener, self.operation, value, second) end

--- The account is final: nothing is left to go on with.
function Job:finish()
  self.progress:finish()
  keep(self)
end

--- Asks several things at once.
-- @tparam table questions functions that give a value, or nil and an error
-- @treturn ?table the values by index; or nil and the first error
function Job:ask(questions) -- luacheck: no self
  if #questions == 1 then
    local value, problem = questions[1]()
    if errors.is_error(problem) and value == nil then return nil, problem end
    return { value }
  end
  local values, failures = tasks.map(questions, function(question) return question() end, { concurrency = #questions })
  if not failures then return values end
  return nil, job.first(failures)
end

--- The first of several failures. What a listener or a caller's function raised is raised again: it is nobody's answer.
-- @tparam table failures as `map` gives them
-- @treturn table error
function job.first(failures)
  for _, failure in ipairs(failures) do
    local problem = failure.error
    if not errors.is_error(problem) or problem.kind == "listener" then error(problem, 0) end
  end
  return failures[1].error
end

--- An error of the release itself.
-- @tparam table fields `kind` and `message` at least
function Job:error(fields)
  fields.operation = fields.operation or self.operation
  return errors.new(fields)
end

local carried = { "kind", "message", "status", "errors", "hint", "response", "retry_after", "attempts", "outcome" }

--- The error of a release whose time is up before something that would change the service.
-- @tparam string what is left undone
function Job:late(what)
  return self:error { kind = "timeout", message = ("the time was up before %s"):format(what), outcome = "none" }
end

--- Wraps what a step failed with: its kind and words stay, `cause` is the error as it came.
-- @tparam table problem
-- @tparam table fields what this adds
function Job:wrap(problem, fields)
  for _, name in ipairs(carried) do
    if fields[name] == nil then fields[name] = problem[name] end
  end
  fields.operation, fields.cause = self.operation, problem
  return errors.new(fields)
end

return job
