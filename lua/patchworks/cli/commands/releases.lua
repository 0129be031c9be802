--- The commands that make releases.
-- @module patchworks.cli.commands.releases
local codes = require "patchworks.cli.codes"
local input = require "patchworks.cli.input"
local output = require "patchworks.cli.output"
local versions_commands = require "patchworks.cli.commands.versions"

local commands = {}

-- Steps on standard error as they happen.
local function steps(label)
  local began = os.time()
  return function(event)
    if event.type == "step" then
      local version = event.version
      output.say("%s%s%s", label or "", event.step, version and " " .. tostring(version) or "")
    else
      output.progress("%s%d s", label or "", os.time() - began)
    end
  end
end

-- Says what is live after a failure, and gives its exit code.
local function explain(err)
  output.complain(tostring(err))
  if err.stage then
    if err.rolled_back then
      output.say("live as before: %s", tostring(err.live))
    elseif err.rollback_error then
      output.say("the way back failed too: %s", tostring(err.rollback_error))
    elseif err.outcome == "unknown" and err.stage == "deploy" then
      output.say("it may still come live; live at the last look: %s", tostring(err.live or "nothing, or not known"))
    elseif err.live and err.version and err.live.id == err.version.id then
      output.say("LIVE, though its %s failed: %s", err.stage, tostring(err.live))
    elseif err.live then
      output.say("live now: %s", tostring(err.live))
    else
      output.say "nothing was live before, and nothing is now"
    end
  end
  return codes.of(err)
end

local function test_of(given)
  local invocation = input.invocation(given)
  local expect = given.expect
  if given.expect_file then expect = input.read(given.expect_file):gsub("\n$", "") end
  if not (invocation.payload or invocation.variables or expect) then return nil end
  invocation.expect = expect
  return invocation
end

local function finish(result, err)
  output.clear()
  if not result then return explain(err) end
  if result.prune_error then output.complain("pruning failed: " .. tostring(result.prune_error)) end
  if output.json then
    output.object("release", {
      action = result.action,
      version = result.version,
      previous = result.previous,
      pruned = result.pruned and #result.pruned,
    })
  else
    output.write(("%s: %s\n"):format(result.action, tostring(result.version or "nothing is live yet")))
  end
  return result.prune_error and codes.failed or codes.done
end

function commands.publish(context)
  local given = context.given
  return finish(context.client().script_versions:publish(context.script(given.script), {
    content = input.read(given.file),
    test = test_of(given),
    keep = given.keep,
    rollback = not given.no_rollback,
    timeout = given.timeout,
    interval = given.interval,
    dry_run = given.dry_run,
    on_event = steps(),
  }))
end

function commands.rollback(context)
  local given = context.given
  return finish(context.client().script_versions:rollback(context.script(given.script), {
    to = given.to,
    timeout = given.timeout,
    interval = given.interval,
    dry_run = given.dry_run,
    on_event = steps(),
  }))
end

function commands.prune(context)
  local given = context.given
  local versions, script = context.client().script_versions, context.script(given.script)
  if not given.keep then error("prune: say with --keep how many of the newest versions stay", 0) end
  if given.dry_run or not given.yes then
    local plan, err = versions:prune(script, { keep = given.keep, dry_run = true })
    if not plan then return explain(err) end
    for _, version in ipairs(plan.would_delete) do versions_commands.print(version) end
    if given.dry_run or #plan.would_delete == 0 then
      output.say("would delete %d, keep %d", #plan.would_delete, plan.kept)
      return codes.done
    end
    local go_on = versions_commands.agreed(context, ("Delete these %d versions?"):format(#plan.would_delete))
    if go_on ~= true then return go_on end
  end
  local done, err = versions:prune(script, { keep = given.keep, on_event = steps() })
  output.clear()
  if not done then
    output.say("%d were deleted, %d not", #(err.deleted or {}), #(err.failures or { 1 }))
    return explain(err)
  end
  output.say("deleted %d, kept %d", #done.deleted, done.kept)
end

local function plan_of(context)
  local given = context.given
  local plan, err = context.client():plan(given.manifest or "patchworks.lua", {
    on_event = function() output.progress "reading what is live" end,
  })
  output.clear()
  if not plan then error(err, 0) end
  return plan
end

local function print_plan(plan)
  if output.json then
    for _, step in ipairs(plan.steps) do
      output.object("plan", { id = step.id, name = step.name, action = step.action, diff = step.diff,
        added = step.added, removed = step.removed, live = step.live })
    end
    return
  end
  for line in (tostring(plan) .. "\n"):gmatch "([^\n]*)\n" do
    local colour = line:find "^%+" and "green" or line:find "^%-" and "red" or line:find "^@@" and "dim" or nil
    output.write(output.paint(line, colour), "\n")
  end
end

function commands.plan(context)
  local plan = plan_of(context)
  print_plan(plan)
  if context.given.detailed_exitcode and plan.changes > 0 then return codes.failed end
end

-- The worst of the scripts' codes: what most needs a person.
local function worst(report)
  local order = { codes.stuck, codes.unknown, codes.unauthorised, codes.rolled_back, codes.failed }
  local met = {}
  for _, each in ipairs(report.scripts) do
    if each.error then met[codes.of(each.error)] = true end
  end
  for _, code in ipairs(order) do
    if met[code] then return code end
  end
  return codes.done
end

function commands.apply(context)
  local given = context.given
  local plan = plan_of(context)
  if plan.changes == 0 or given.dry_run then
    print_plan(plan)
    return codes.done
  end
  if not given.yes then
    print_plan(plan)
    output.flush()
    local go_on = versions_commands.agreed(context, ("Publish these %d scripts?"):format(plan.changes))
    if go_on ~= true then return go_on end
  end
  local ended = 0
  local report = context.client():apply(plan, {
    concurrency = given.concurrency,
    timeout = given.timeout,
    interval = given.interval,
    on_event = function(event)
      if event.type ~= "script" then return output.progress("%d of %d scripts", ended, #plan.steps) end
      ended = ended + 1
      local result = event.result
      output.say("[%d/%d] %s script %s%s", ended, event.of, result.action, result.id,
        result.error and ": " .. tostring(result.error) or "")
    end,
  })
  output.clear()
  if output.json then
    for _, each in ipairs(report.scripts) do
      output.object("script", { id = each.id, name = each.name, action = each.action, version = each.version,
        error = each.error and tostring(each.error) })
    end
  else
    output.write(tostring(report), "\n")
  end
  return worst(report)
end

return commands
