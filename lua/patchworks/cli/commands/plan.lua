--- `patchworks plan`: shows what publishing the project, or a manifest, would change; may keep the plan for `apply`.
-- @module patchworks.cli.commands.plan
local codes = require "patchworks.cli.codes"
local errors = require "patchworks.errors"
local output = require "patchworks.cli.output"
local readings = require "patchworks.cli.readings"
local show = require "patchworks.cli.show"

local plan = { description = "Show what publishing the project, or a manifest, would change." }

function plan.declare(command)
  readings.manifest(command)
  readings.only(command)
  command:option("--out", "Keep the plan in a file, for: patchworks apply FILE.")
  command:flag("--detailed-exitcode", "Exit with 7 when there is something to publish.")
end

local old_manifest = "patchworks.lua"

-- What is planned: a manifest's path, or the project's own manifest.
local function subject(context)
  local path = context.given.manifest
  if path then return path end
  local project = context:project()
  if #project:scripts() > 0 then
    context:client()
    local only = context:only()
    return show.check(project:manifest(context.environment, only and context:named(only)))
  end
  local file <close> = io.open(old_manifest, "rb")
  if not file then
    error("there is nothing to plan here: no patchworks.project.lua that names scripts; make one with: "
      .. "patchworks init", 0)
  end
  output.say("%s is read for one release more: move its scripts to patchworks.project.lua", old_manifest)
  return old_manifest
end

-- Leaves the scripts of a plan that were asked for.
local function pick(made, only)
  if not only then return made end
  local wanted, steps = {}, {}
  for _, name in ipairs(only) do wanted[name] = true end
  for _, step in ipairs(made.steps) do
    local name = step.name and wanted[step.name] and step.name or step.id
    if wanted[name] then steps[#steps + 1] = step end
    wanted[name] = nil
  end
  local missing = next(wanted)
  if missing then error(("--only: the plan has no script %s"):format(missing), 0) end
  made.steps, made.changes, made.tests = steps, 0, 0
  for _, step in ipairs(steps) do
    made.changes = made.changes + (step.action == "unchanged" and 0 or 1)
    made.tests = made.tests + (step.test and 1 or 0)
  end
  return made
end

--- The plan of what the command was given. Raises what kept it from being made.
function plan.of(context)
  local given = subject(context)
  local made, err = context:client():plan(given, {
    on_event = context:listener(function() output.progress "reading what is live" end),
  })
  output.clear()
  return pick(show.check(made, err), context:only())
end

local function keep(made, path)
  local done, problem = require("patchworks.project.written").whole(path, made:save())
  if done then return end
  local message = ("--out: can't write %s: %s"):format(path, problem)
  error(errors.new { kind = "file", operation = "plan", message = message }, 0)
end

function plan.run(context)
  local given = context.given
  local made = plan.of(context)
  if given.out then keep(made, given.out) end
  show.plan(made)
  if given.detailed_exitcode and made.changes > 0 then return codes.changes end
end

return plan
