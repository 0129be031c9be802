--- Publishing a project's script from a command: its file, its smoke cases, and nobody else's work lost.
-- @module patchworks.cli.publishing
local cases = require "patchworks.project.cases"
local errors = require "patchworks.errors"
local runs = require "patchworks.project.run"
local workbench = require "patchworks.project.workbench"

local publishing = {}

-- The cases that are run after a deployment, as one test of `publish`: the first is its invocation, the others are
-- invoked when that was good.
local function smoke_test(root, script, versions, events)
  if not (script.smoke and script.smoke[1]) then return nil end
  local list = {}
  for i, name in ipairs(script.smoke) do
    local found, problem = cases.find(script.cases_folder or "", name, root)
    if not found then error(problem, 0) end
    if found[1].problem then
      error(errors.new { kind = "file", operation = "publish",
        message = ("%s/%s: %s"):format(script.name, name, found[1].problem) }, 0)
    end
    list[i] = found[1]
  end
  local function judge(case, outcome)
    local ok, problem, difference = cases.judge(case, outcome)
    return ok, not ok and ("%s/%s: %s"):format(script.name, case.name, problem) or nil, difference
  end
  local first = list[1]
  return {
    payload = first.payload,
    variables = first.variables,
    flow = first.flow,
    expect = function(answer, response)
      local ok, reason, difference = judge(first, runs.remote_outcome(answer, response))
      for i = 2, ok and #list or 1 do
        local case = list[i]
        ok, reason, difference = judge(case, runs.remote_outcome(versions:invoke(events.deployed, {
          payload = case.payload, variables = case.variables, flow = case.flow,
        })))
        if not ok then break end
      end
      return ok, reason, difference
    end,
  }
end

--- Publishes a script of a project.
-- @tparam table context see patchworks.cli.context
-- @tparam string name of the script
-- @tparam table options of patchworks.project.publish; `test` and `keep` come from the project unless given
-- @return as patchworks.project.publish
function publishing.publish(context, name, options)
  local project, client = context:project(), context:client()
  local script, problem = workbench.script(project, name, "publish")
  if not script then error(problem, 0) end
  local events, listener = {}, options.on_event
  options.client, options.environment = client, context.environment
  options.test = options.test or smoke_test(project.root, script, client.script_versions, events)
  options.keep = options.keep or script.keep
  options.save = options.save or (options.keep and context:saver(name)) or nil
  options.on_event = function(event)
    if event.type == "step" and event.version then events.deployed = event.version.id end
    if listener then listener(event) end
  end
  return project:publish(name, options)
end

return publishing
