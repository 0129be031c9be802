--- What a release had under way when its command was cut off: told to who is there, kept in `.patchworks/` for the next
-- command of the project, which says it once.
-- @module patchworks.cli.underway
local output = require "patchworks.cli.output"
local progress = require "patchworks.release.progress"
local state = require "patchworks.project.state"
local uv = require "luv"

local underway = {}

-- The command that goes on from there.
local function again(given)
  local words = { "patchworks", given.command, given.script or given.manifest }
  if given.file then words[#words + 1] = given.file end
  if given.env then words[#words + 1] = "--env " .. given.env end
  return table.concat(words, " ")
end

local function plain(account)
  local copy = {}
  for name, value in pairs(account) do copy[name] = value end
  return copy
end

-- Keeps an account, or takes it away when it is final. That a project can't be written to is said once, and no reason
-- to stop.
local function keep(context, account)
  local root = context:project().root
  if not root or context.unwritable then return end
  local _, problem = state.update(root, function(known)
    local script = state.script(known, context.environment.origin, account.script)
    script.under_way = not account.finished and {
      pid = uv.os_getpid(),
      again = again(context.given),
      progress = plain(account),
    } or nil
  end)
  if not problem then return end
  context.unwritable = true
  output.say("what is under way can't be kept: %s", problem.message)
end

--- What `record` of a release is to be.
-- @tparam table context see patchworks.cli.context
-- @treturn function
function underway.record(context)
  context.under_way = context.under_way or {}
  return function(account)
    context.under_way[account.script] = not account.finished and account or nil
    keep(context, account)
  end
end

--- The releases of this command are over, and what came of them was told.
function underway.over(context)
  for id, account in pairs(context.under_way or {}) do
    account:finish()
    keep(context, account)
    context.under_way[id] = nil
  end
end

--- Tells what this command had under way, for a command that is cut off.
function underway.tell(context)
  local any = false
  for _, account in pairs(context and context.under_way or {}) do
    output.say("%s", tostring(account))
    any = true
  end
  if any then output.say("go on with: %s", again(context.given)) end
end

local function is_alive(pid) return math.type(pid) == "integer" and uv.kill(pid, 0) == 0 end

--- Tells what an earlier command of the project had under way, and forgets it.
-- @tparam table project
function underway.remind(project)
  local known = project.root and state.read(project.root)
  local found = {}
  for origin, service in pairs(known and known.services or {}) do
    for id, script in pairs(service.scripts) do
      local kept = script.under_way
      if type(kept) == "table" and type(kept.progress) == "table" and not is_alive(kept.pid) then
        found[#found + 1] = { origin = origin, id = id, kept = kept }
      end
    end
  end
  if #found == 0 then return end
  for _, each in ipairs(found) do
    output.say("%s\n  at %s; go on with: %s", tostring(progress.of(each.kept.progress)), each.origin,
      tostring(each.kept.again))
  end
  state.update(project.root, function(current)
    for _, each in ipairs(found) do state.script(current, each.origin, each.id).under_way = nil end
  end)
end

return underway
