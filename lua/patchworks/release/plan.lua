--- Plan and apply: a manifest of scripts, what publishing it would change, and doing it.
-- @module patchworks.release.plan
local arguments = require "patchworks.call.arguments"
local diff = require "patchworks.release.diff"
local errors = require "patchworks.errors"
local publish = require "patchworks.release.publish"
local release = require "patchworks.release.wait"
local requests = require "patchworks.call.request"
local service = require "patchworks.service"
local tasks = require "patchworks.time.tasks"

local plan = {}

local manifest_names = { scripts = true }
local script_names = { id = true, name = true, file = true, content = true, test = true, keep = true }

-- A manifest's file: Lua that returns a table, with nothing in reach but the table it makes.
local function read_manifest(path)
  local chunk, problem = loadfile(path, "t", {})
  if not chunk then errors.misuse("plan: can't read the manifest: %s", problem) end
  local ok, value = pcall(chunk)
  if not ok then errors.misuse("plan: the manifest fails: %s", tostring(value)) end
  if type(value) ~= "table" then errors.misuse("plan: %s returns no table", path) end
  return value, path:match "^(.*/)[^/]*$" or ""
end

local function check_script(script, number, folder, seen)
  local what = ("plan: script %d of the manifest"):format(number)
  if type(script) ~= "table" then errors.misuse("%s: expected a table, got %s", what, arguments.show(script)) end
  arguments.check_names(script, script_names, what)
  local id = arguments.check_id(script.id, what .. ": id")
  if seen[id] then errors.misuse("%s: script %s is there already", what, id) end
  seen[id] = true
  local file = script.file
  if type(file) == "string" and file:sub(1, 1) ~= "/" then file = folder .. file end
  local content = requests.content({ file = file, content = script.content }, what)
  publish.check { content = content, test = script.test, keep = script.keep }
  return {
    id = id,
    name = script.name,
    file = script.file,
    content = content,
    test = script.test,
    keep = script.keep,
  }
end

local function check_manifest(manifest)
  local folder = ""
  if type(manifest) == "string" then
    manifest, folder = read_manifest(manifest)
  end
  arguments.check_names(manifest, manifest_names, "plan: manifest")
  if type(manifest) ~= "table" or type(manifest.scripts) ~= "table" then
    errors.misuse("plan: expected a manifest { scripts = { { id = 42, file = \"orders.py\" }, .. } }, or its path")
  end
  local scripts, seen = {}, {}
  for i, script in ipairs(manifest.scripts) do scripts[i] = check_script(script, i, folder, seen) end
  if #scripts == 0 then errors.misuse("plan: the manifest names no script") end
  return scripts
end

local Step = { __name = "patchworks.plan.step" }
local Plan = { __name = "patchworks.plan" }

function Step.__tostring(step)
  local label = ("script %s%s"):format(step.id, step.name and " (" .. step.name .. ")" or "")
  if step.action == "unchanged" then return ("  %s: unchanged"):format(label) end
  return ("%s %s: %s, +%d -%d\n%s"):format(
    step.action == "create" and "+" or "~",
    label,
    step.action == "create" and "nothing is deployed yet" or "change of v" .. tostring(step.live.version),
    step.added,
    step.removed,
    step.diff
  )
end

function Plan.__tostring(self)
  local parts = {}
  for i, step in ipairs(self.steps) do parts[i] = tostring(step) end
  parts[#parts + 1] = ("%d to publish, %d unchanged"):format(self.changes, #self.steps - self.changes)
  return table.concat(parts, "\n")
end

local function plan_script(versions, script, given)
  local live, problem = publish.live(versions, script.id, given)
  if problem then return nil, problem end
  local step = setmetatable({
    id = script.id,
    name = script.name,
    file = script.file,
    test = script.test,
    keep = script.keep,
    content = script.content,
    live = live,
    action = live and "publish" or "create",
  }, Step)
  if live and service.holds(live, script.content) then
    step.action = "unchanged"
  else
    local old = live and service.source(live) or ""
    local old_name = live and ("script %s v%s (live)"):format(script.id, live.version) or "/dev/null"
    step.diff, step.added, step.removed = diff.unified(old, script.content, old_name, script.file or "content")
  end
  if live then live.content = nil end
  return step
end

local plan_names = { concurrency = true, on_event = true }

--- Says what publishing a manifest would change, and changes nothing. 1 request a script. `tostring` shows it, with a
-- unified diff for each script.
-- @tparam table client
-- @tparam table|string manifest `{ scripts = { { id = 42, file = "orders.py", name = .., test = .. } } }`, or
-- the path of a Lua file that returns it; `file` is relative to that path
-- @tparam ?table given `concurrency` (8), `on_event`
-- @treturn ?table plan: `steps` (each with `id`, `name`, `action`: "publish", "create" or "unchanged", `diff`, `added`,
-- `removed`, `live`), `changes` (how many); or nil and the first error, with `failures`
function plan.make(client, manifest, given)
  arguments.check_names(given, plan_names, "plan")
  given = given or {}
  local scripts = check_manifest(manifest)
  local steps, failures = tasks.map(scripts, function(script)
    return plan_script(client.script_versions, script, given)
  end, { concurrency = given.concurrency })
  if failures then
    local first = failures[1].error
    if errors.is_error(first) then first.failures = failures end
    return nil, first
  end
  local changes = 0
  for _, step in ipairs(steps) do
    if step.action ~= "unchanged" then changes = changes + 1 end
  end
  return setmetatable({ steps = steps, changes = changes }, Plan)
end

local Report = { __name = "patchworks.report" }

function Report.__tostring(self)
  local lines = {}
  for _, each in ipairs(self.scripts) do
    local label = ("script %s%s"):format(each.id, each.name and " (" .. each.name .. ")" or "")
    lines[#lines + 1] = ("%-12s %s%s"):format(each.action, label, each.error and ": " .. tostring(each.error) or "")
  end
  lines[#lines + 1] = ("%d published, %d unchanged, %d failed"):format(self.published, self.unchanged, self.failed)
  return table.concat(lines, "\n")
end

local apply_names = { concurrency = true, on_event = true, timeout = true, interval = true, max_interval = true }

local function apply_step(client, step, given)
  if step.action == "unchanged" then
    return { id = step.id, name = step.name, action = "unchanged", version = step.live }
  end
  local result, problem = client.script_versions:publish(step.id, {
    content = step.content,
    test = step.test,
    keep = step.keep,
    expected_live = step.live or false,
    timeout = given.timeout,
    interval = given.interval,
    max_interval = given.max_interval,
    on_event = given.on_event,
  })
  if not result then return { id = step.id, name = step.name, action = "failed", error = problem } end
  result.id, result.name = step.id, step.name
  return result
end

--- Does what a plan says, many scripts at once; a script that fails doesn't keep the others back. A script whose live
-- version is not the one that the plan saw is refused (kind "conflict"). Run `plan` and `apply` again to finish.
-- @tparam table client
-- @tparam table made what `plan` gave
-- @tparam ?table given `concurrency` (8), `on_event` (also called with `{type = "script", ..}` as each ends), and
-- `timeout`, `interval`, `max_interval` for each deployment
-- @treturn table report: `scripts` (each `id`, `name`, `action`: "published", "unchanged" or "failed", `version`,
-- `error`), `published`, `unchanged`, `failed` (how many); `tostring` sums it up
function plan.apply(client, made, given)
  if getmetatable(made) ~= Plan then errors.misuse("apply: expected what `plan` gave, got %s", arguments.show(made)) end
  arguments.check_names(given, apply_names, "apply")
  release.check_waits(given, "apply")
  given = given or {}
  local report = setmetatable({ scripts = {}, published = 0, unchanged = 0, failed = 0 }, Report)
  tasks.map(made.steps, function(step, index)
    local ok, result = pcall(apply_step, client, step, given)
    if not ok then result = { id = step.id, name = step.name, action = "failed", error = result } end
    report.scripts[index] = result
    report[result.action] = report[result.action] + 1
    if given.on_event then given.on_event { type = "script", result = result, of = #made.steps } end
    return result
  end, { concurrency = given.concurrency })
  return report
end

return plan
