--- What a release had under way when its command was cut off: told to who is there, kept in `.patchworks/` for the next
-- command of the project, which says it once.
-- @module patchworks.cli.underway
local lfs = require "lfs"
local output = require "patchworks.cli.output"
local progress = require "patchworks.release.progress"
local readings = require "patchworks.cli.readings"
local state = require "patchworks.project.state"
local uv = require "luv"
local words = require "patchworks.cli.words"

local underway = {}

-- The words of the command that goes on from there: those that were given. What a rollback goes back to is named: by
-- itself it would go back once more.
local function again(context, account)
  local list = table.move(context.words, 1, #context.words, 1, {})
  if account.operation == "rollback" and account.version and not context.given.to then
    list[#list + 1] = "--to"
    list[#list + 1] = tostring(account.version.id)
  end
  return list
end

local function advice(list, input)
  local command = words.command(list)
  return input and ("%s (give %s on standard input again)"):format(command, input) or command
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
    local script = state.script(known, state.place(context.environment), account.script)
    local list = again(context, account)
    script.under_way = not account.finished and {
      pid = uv.os_getpid(),
      words = words.are_text(list) and list or nil,
      input = readings.input(),
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
-- @tparam ?table context
-- @treturn ?table what was told: `accounts` (a list of texts), `go_on` (a command), `changed` (whether something was
-- done, or may have been); nil where nothing was under way
function underway.tell(context)
  local accounts, go_on, changed = {}, nil, false
  for _, account in pairs(context and context.under_way or {}) do
    accounts[#accounts + 1] = tostring(account)
    output.say("%s", accounts[#accounts])
    go_on = advice(again(context, account), readings.input())
    changed = changed or account:may_have_changed()
  end
  if not go_on then return nil end
  output.say("go on with: %s", go_on)
  return { accounts = accounts, go_on = go_on, changed = changed }
end

local function is_alive(pid) return math.type(pid) == "integer" and uv.kill(pid, 0) == 0 end

local function is_one_line(text) return text == nil or (type(text) == "string" and not text:find "%c") end

-- What is kept is a file that others may have written, and is printed: whatever isn't as `keep` writes it is left out.
local function is_account(kept, id, origin)
  return type(kept) == "table"
    and (kept.operation == "publish" or kept.operation == "rollback" or kept.operation == "prune")
    and kept.script == id
    and type(kept.step or "") == "string" and (kept.step or ""):find "^[%a_ -]*$" ~= nil
    and (origin == "sandbox" or origin:find "^https?://[%w.:%[%]_-]+$" ~= nil)
end

-- The commands that keep accounts: nothing else is advised, whatever is written there.
local goes_on = { publish = true, rollback = true, apply = true }

local function is_command(list)
  if type(list) ~= "table" or not goes_on[list[1]] then return false end
  for index, word in pairs(list) do
    if math.type(index) ~= "integer" or type(word) ~= "string" then return false end
  end
  return true
end

local function go_on_of(kept)
  if not is_command(kept.words) or not is_one_line(kept.input) then return "" end
  return "; go on with: " .. advice(kept.words, kept.input)
end

-- Somebody else's folder says nothing here: what it advises would be theirs.
local function is_own(root)
  for _, path in ipairs { root .. "/.patchworks", root .. "/.patchworks/state.json" } do
    if lfs.symlinkattributes(path, "uid") ~= uv.getuid() then return false end
  end
  return true
end

--- Tells what an earlier command of the project had under way, and forgets it.
-- @tparam table project
function underway.remind(project)
  local known = project.root and is_own(project.root) and state.read(project.root)
  local found = {}
  for origin, service in pairs(known and known.services or {}) do
    for id, script in pairs(service.scripts) do
      local kept = script.under_way
      if kept ~= nil and not (type(kept) == "table" and is_alive(kept.pid)) then
        found[#found + 1] = { origin = origin, id = id, kept = kept }
      end
    end
  end
  if #found == 0 then return end
  for _, each in ipairs(found) do
    local kept = each.kept
    if type(kept) == "table" and is_account(kept.progress, each.id, each.origin) then
      output.say("%s\n  at %s%s", tostring(progress.of(kept.progress)), each.origin, go_on_of(kept))
    end
  end
  state.update(project.root, function(current)
    for _, each in ipairs(found) do state.script(current, each.origin, each.id).under_way = nil end
  end)
end

return underway
