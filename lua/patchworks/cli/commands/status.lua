--- `patchworks status`: one line a script, what is live beside what is here.
-- @module patchworks.cli.commands.status
local ago = require "patchworks.cli.ago"
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local service = require "patchworks.service"

local status = { description = "Say how each script stands: live, changed here, behind." }

function status.declare(command) command:argument("names", "Scripts; all."):args "*" end

local words = {
  same = "the same",
  changed = "changed here",
  behind = "behind: somebody else has published",
  both = "changed here, and somebody else has published",
  unknown = "not what is live; where it came from is not known",
  new = "not published yet",
  missing = "no file here",
  nothing = "no file, and nothing live",
}
local colours = {
  same = "green", changed = "yellow", new = "yellow", behind = "red", both = "red", unknown = "red", missing = "red",
}

local function notes_of(each)
  local notes = { words[each.state] }
  if each.under_way then notes[#notes + 1] = ("version %d is being deployed"):format(each.under_way.id) end
  if each.entry.pending and not (each.live and each.live.id == each.entry.pending) then
    notes[#notes + 1] = ("version %d was on its way when this was last told of it"):format(each.entry.pending)
  end
  if each.failure then
    notes[#notes + 1] = ("version %d could not be deployed: %s"):format(
      each.failure.version.id, (each.failure.reason:gsub("%s+", " "))
    )
  end
  return table.concat(notes, "; ")
end

local function row_of(each)
  local live = each.live and ("v%d (%d)"):format(service.number(each.live), each.live.id) or "-"
  return { each.name, live, ago(each.deployed_at), ago(each.invoked_at), notes_of(each) }
end

local function object_of(each)
  return {
    name = each.name, id = each.id, state = each.state, live = each.live and each.live.id,
    deployed_at = each.live and each.live.deployed_at, failure = each.failure and each.failure.reason,
    failed = each.failure and each.failure.version.id, under_way = each.under_way and each.under_way.id,
    from = each.entry.from, pending = each.entry.pending, invoked_at = each.invoked_at,
  }
end

function status.run(context)
  local project, names = context:project(), context:names()
  local client = context:client()
  local list, failures = require("patchworks.time.tasks").map(names, function(name)
    return project:status(name, { client = client, environment = context.environment })
  end, { concurrency = 8 })
  output.clear()
  if failures then error(failures[1].error, 0) end
  local rows, states = {}, {}
  for i, each in ipairs(list) do
    if output.json then output.object("status", object_of(each)) end
    rows[i] = row_of(each)
    states[rows[i]] = each.state
  end
  if output.json then return codes.done end
  output.table({ "SCRIPT", "LIVE", "SINCE", "INVOKED", "HERE" }, rows, function(row) return colours[states[row]] end)
end

return status
