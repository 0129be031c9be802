--- Plan and apply: a manifest of scripts, what publishing it would change, and doing it.
-- @module patchworks.release.plan
local arguments = require "patchworks.call.arguments"
local core = require "patchworks.core"
local counted = require "patchworks.counted"
local deadline = require "patchworks.time.deadline"
local diff = require "patchworks.release.diff"
local errors = require "patchworks.errors"
local jobs = require "patchworks.release.job"
local look = require "patchworks.release.look"
local listeners = require "patchworks.call.listener"
local manifest = require "patchworks.release.manifest"
local methods = require "patchworks.call.methods"
local service = require "patchworks.service"
local replace = require "patchworks.release.replace"
local takes = require "patchworks.release.methods"
local tasks = require "patchworks.time.tasks"
local testing = require "patchworks.release.test"

local plan = {}

local Step = { __name = "patchworks.plan.step" }
local Plan = { __name = "patchworks.plan" }
Plan.__index = Plan

local function tested(step) return step.test and " (with a test)" or "" end

function Step.__tostring(step)
  local label = manifest.label(step)
  if step.action == "unchanged" then return ("  %s: unchanged%s"):format(label, tested(step)) end
  return ("%s %s: %s, +%d -%d%s\n%s"):format(
    step.action == "create" and "+" or "~",
    label,
    step.action == "create" and "nothing is deployed yet" or "change of v" .. tostring(step.live.version),
    step.added,
    step.removed,
    tested(step),
    step.diff
  )
end

function Plan.__tostring(self)
  local parts = {}
  for i, step in ipairs(self.steps) do parts[i] = tostring(step) end
  parts[#parts + 1] = ("%d to publish, %d unchanged, %s"):format(
    self.changes,
    #self.steps - self.changes,
    counted(self.tests, "test")
  )
  return table.concat(parts, "\n")
end

local function new_plan(client, steps)
  local changes, tests = 0, 0
  for _, step in ipairs(steps) do
    setmetatable(step, Step)
    if step.action ~= "unchanged" then changes = changes + 1 end
    if step.test then tests = tests + 1 end
  end
  return setmetatable({ steps = steps, changes = changes, tests = tests, base_url = client.base_url }, Plan)
end

local function plan_script(job, script)
  local state, problem = look.at_live(job)
  if not state then return nil, problem end
  local live = state.live
  local step = { action = live and "publish" or "create" }
  for name, value in pairs(script) do step[name] = value end
  local old = ""
  if live then
    step.live = { id = live.id, script_id = live.script_id, version = live.version }
    local held, trouble = state:holds(live, script.content)
    if trouble then return nil, trouble end
    if held then
      step.action = "unchanged"
      return step
    end
    old = state:source(live)
  end
  local old_name = live and ("script %s v%s (live)"):format(script.id, tostring(live.version)) or "/dev/null"
  step.diff, step.added, step.removed = diff.unified(old, script.content, old_name, script.file or "content")
  return step
end

--- Says what publishing a manifest would change, and changes nothing. 1 request a script. `tostring` shows it, with a
-- unified diff for each script.
-- @tparam table client
-- @tparam table|string given the manifest, `{ scripts = { { id = 42, file = "orders.py", name = .., test = .. } } }`,
-- or the path of a Lua file that returns it; `file` is relative to that path
-- @tparam ?table options `concurrency` (8), `timeout` (for all of it), and those of every call
-- @treturn ?table plan: `steps` (each with `id`, `name`, `action`: "publish", "create" or "unchanged", `diff`, `added`,
-- `removed`, `live`, `test`), `changes` and `tests` (how many), `save()` (its text, for `load`); or nil and the first
-- error, with `failures`
function plan.make(client, given, options)
  methods.check(takes.plan, options)
  client:_check_open "plan"
  local scripts, problem = manifest.read(given)
  if not scripts then return nil, problem end
  local listener = listeners.of(client, options)
  options = setmetatable({ on_event = listener }, { __index = options })
  local whole = deadline.of(options.timeout)
  local steps, failures = tasks.map(scripts, function(script)
    local job = jobs.part(client.script_versions, "plan", script.id, options, whole)
    local step, trouble = job:run(plan_script, script)
    if step then return step end
    return nil, job:wrap(trouble, { message = manifest.label(script) .. ": " .. trouble.message })
  end, { concurrency = options.concurrency })
  if not failures then return listeners.settle(listener, "plan", new_plan(client, steps)) end
  local first = jobs.first(failures)
  for _, failure in ipairs(failures) do failure.item = { id = failure.item.id, name = failure.item.name } end
  return nil, errors.new {
    kind = first.kind,
    operation = "plan",
    message = first.message,
    status = first.status,
    cause = first,
    failures = failures,
  }
end

local format = 1

--- The plan as a text, to be applied later, or by another job: see `plan.load`. Raises for a test whose `expect` is a
-- function, which can't be kept.
-- @treturn string JSON
function Plan:save()
  local steps = {}
  for i, step in ipairs(self.steps) do
    if step.test and type(step.test.expect) == "function" then
      local label = manifest.label(step)
      errors.misuse("save: %s: a function as `expect` can't be kept: use a text, a table or `expect_file`", label)
    end
    steps[i] = {}
    for name, value in pairs(step) do steps[i][name] = value end
    steps[i].test = step.test and testing.kept(step.test)
  end
  return core.encode { patchworks_plan = format, base_url = self.base_url, steps = steps }
end

local function no_plan(message)
  return nil, errors.new { kind = "file", operation = "load_plan", message = message, hint = "make the plan again" }
end

local actions = { publish = true, create = true, unchanged = true }

local function is_step(step)
  return type(step) == "table"
    and type(step.id) == "string"
    and step.id:find "^[1-9]%d*$" ~= nil
    and type(step.content) == "string"
    and actions[step.action]
    and (step.action == "create") == (step.live == nil)
    and (step.live == nil or service.is_version(step.live))
    and (step.action == "unchanged" or (type(step.diff) == "string" and step.added ~= nil and step.removed ~= nil))
    and (step.test == nil or type(step.test) == "table")
end

--- Takes up what `save` of a plan gave.
-- @tparam table client
-- @tparam string text
-- @treturn ?table plan; or nil and an error, of kind "file" where it is no plan, or "conflict" where it was made for
-- another service
function plan.load(client, text)
  arguments.check_type(text, "string", "load_plan: text")
  local kept = text and core.decode(text)
  if type(kept) ~= "table" or kept.patchworks_plan ~= format or type(kept.steps) ~= "table" then
    return no_plan "this is no plan that `save` gave"
  end
  for place, step in ipairs(kept.steps) do
    if not is_step(step) then return no_plan(("step %d of the plan is not what `save` gave"):format(place)) end
  end
  if kept.base_url ~= client.base_url then
    return nil, errors.new {
      kind = "conflict",
      operation = "load_plan",
      message = ("the plan was made for %s, and this client calls %s"):format(tostring(kept.base_url), client.base_url),
    }
  end
  return new_plan(client, kept.steps)
end

local Report = { __name = "patchworks.report" }

function Report.__tostring(self)
  local lines = {}
  for _, each in ipairs(self.scripts) do
    local problem = each.error and ": " .. tostring(each.error) or ""
    lines[#lines + 1] = ("%-12s %s%s"):format(each.action, manifest.label(each), problem)
    local told = each.error and errors.is_error(each.error) and each.error or each
    for line in (told.difference or ""):gmatch "[^\n]+" do
      if not problem:find(line, 1, true) then lines[#lines + 1] = ("%-12s %s"):format("", line) end
    end
    for _, sentence in ipairs(replace.sentences(told)) do lines[#lines + 1] = ("%-12s %s"):format("", sentence) end
  end
  lines[#lines + 1] = ("%d published, %d unchanged, %d failed"):format(self.published, self.unchanged, self.failed)
  return table.concat(lines, "\n")
end

local passed_on = { "deploy_timeout", "while_deploying", "interval", "max_interval", "on_event", "record", "headers",
  "attempt_timeout", "max_attempts" }

local function apply_step(client, step, options, whole)
  if client._closed then return nil, jobs.closed "publish" end
  local given = { content = step.content, test = step.test, keep = step.keep, timeout = whole }
  given.expected_live = step.live or false
  for _, name in ipairs(passed_on) do given[name] = options[name] end
  return client.script_versions:publish(step.id, given)
end

--- Does what a plan says, many scripts at once; a script that fails doesn't keep the others back. What was unchanged is
-- looked at again, and tested when it has a test. A script whose live version is not the one that the plan saw is
-- refused (kind "conflict"). Run `plan` and `apply` again to finish.
-- @tparam table client
-- @tparam table made what `plan` or `load_plan` gave
-- @tparam ?table options `concurrency` (8), `on_event` (also called with `{type = "script", ..}` as each ends),
-- `timeout` (for all of it but the ways back), and as for `publish`: `deploy_timeout`, `interval`, `max_interval`,
-- `record`, `while_deploying`
-- @treturn table report: `scripts` (each `id`, `name`, `action`: "published", "unchanged" or "failed", `version`,
-- `error`, and what else `publish` gives: `previous`, `overwrote`, `under_way`), `published`, `unchanged`, `failed`
-- (how many); `tostring` sums it up
function plan.apply(client, made, options)
  if getmetatable(made) ~= Plan then errors.misuse("apply: expected what `plan` gave, got %s", arguments.show(made)) end
  methods.check(takes.apply, options)
  client:_check_open "apply"
  local listener = listeners.of(client, options)
  options = setmetatable({ on_event = listener }, { __index = options })
  local whole = deadline.of(options.timeout)
  local report = setmetatable({ scripts = {}, published = 0, unchanged = 0, failed = 0 }, Report)
  tasks.map(made.steps, function(step, index)
    local ok, result, problem = pcall(apply_step, client, step, options, whole)
    if not ok then
      result = { action = "failed", error = result }
    elseif not result then
      result = { action = "failed", error = problem }
    end
    result.id, result.name = step.id, step.name
    report.scripts[index] = result
    report[result.action] = report[result.action] + 1
    if listener then listener { type = "script", result = result, of = #made.steps } end
    return result
  end, { concurrency = options.concurrency })
  return listeners.settle(listener, "apply", report)
end

return plan
