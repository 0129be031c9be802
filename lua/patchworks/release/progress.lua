--- An account of a release: what was made, what is live, and what may still come live.
--
-- It is brought up to date before each request that changes something, so that it holds whenever the release is cut
-- off: by an error, a cancelled task, or the end of the process, when somebody keeps it (`record` of `publish`). All
-- in it is plain data.
--
-- @module patchworks.release.progress
local service = require "patchworks.service"

local progress = {}

local Progress = { __name = "patchworks.progress" }
Progress.__index = Progress

-- What is kept of a version.
local function brief(version)
  return version and { id = version.id, version = version.version, script_id = version.script_id } or nil
end

-- A list without a version.
local function without(list, version)
  local rest = {}
  for _, each in ipairs(list) do
    if each.id ~= version.id then table.insert(rest, each) end
  end
  return rest
end

local function name(version)
  return ("v%s (script version %s)"):format(tostring(version.version or "?"), tostring(version.id))
end

--- Begins one.
-- @tparam string operation "publish", "rollback" or "prune"
-- @tparam string script its id
-- @treturn table `operation`, `script`, `step` (the last that was begun), `looked` (whether `live` is known), `live`,
-- `version` (made, or taken up), `made` (whether by this run), `changed` (something was deployed), `creating` (a create
-- is on its way), `deleting` (old versions are being deleted, or were), `pending` (a list: deployments that were begun
-- and not seen to end), `under_way` (a list: what was being deployed at the last look, whoever began it), `finished`;
-- versions as `{ id, version, script_id }`
function progress.new(operation, script)
  return setmetatable({ operation = operation, script = script, pending = {}, under_way = {} }, Progress)
end

--- What a look at the service showed.
-- @tparam ?table live version
-- @tparam ?table under_way versions that are being deployed; nil where that was not looked for
function Progress:saw(live, under_way)
  self.looked, self.live = true, brief(live)
  if not under_way then return end
  self.under_way = {}
  for i, version in ipairs(under_way) do self.under_way[i] = brief(version) end
end

--- A create goes out.
-- @treturn function takes the mark back, where surely nothing was made
function Progress:creates()
  self.creating = true
  return function() self.creating = nil end
end

--- A version was made, or one that is there already is taken up.
function Progress:has(version, made) self.version, self.made, self.creating = brief(version), made, nil end

--- Old versions are deleted from now on.
-- @treturn function takes the mark back, where surely none was
function Progress:deletes()
  self.deleting = true
  return function() self.deleting = nil end
end

--- A deployment is begun.
-- @treturn function takes the mark back, where it surely was not: what was marked before stays
function Progress:begins(version)
  local changed, pending = self.changed, self.pending
  self.changed, self.pending = true, without(pending, version)
  table.insert(self.pending, brief(version))
  return function() self.changed, self.pending = changed, pending end
end

--- A deployment has ended, whether well or not.
function Progress:ends(version)
  self.pending, self.under_way = without(self.pending, version), without(self.under_way, version)
end

--- Whether anything at the service was changed, or may have been.
-- @treturn boolean
function Progress:may_have_changed()
  return (self.creating or self.made or self.changed or self.deleting) == true
end

--- It is over: nothing is left to go on with.
function Progress:finish() self.finished = true end

--- The account, for people.
-- @treturn table a list of sentences
function Progress:sentences()
  local list = {}
  local function say(format, ...) list[#list + 1] = format:format(...) end
  if not self:may_have_changed() then say "nothing was changed" end
  if self.creating then say "a version may have been made: the answer had not come" end
  if self.version then say("%s: %s", self.made and "made" or "taken up", name(self.version)) end
  if self.looked then say("live at the last look: %s", self.live and name(self.live) or "nothing") end
  if self.deleting then say "old versions may have been deleted" end
  local others = self.under_way
  for _, version in ipairs(self.pending) do
    say("may still come live: %s", name(version))
    others = without(others, version)
  end
  for _, version in ipairs(others) do say("may still come live: %s, not begun by this run", name(version)) end
  return list
end

function Progress:__tostring()
  local head = ("%s of script %s %s"):format(
    self.operation,
    self.script,
    self.finished and "is over" or "was cut off" .. (self.step and (" (%s)"):format(self.step) or "")
  )
  return table.concat({ head, table.unpack(self:sentences()) }, "\n  ")
end

--- The account of a run before this one, from what was kept of it.
-- @tparam table kept the fields of one, as `record` was given it
-- @treturn table
function progress.of(kept)
  local fields = progress.new(tostring(kept.operation), tostring(kept.script))
  for _, field in ipairs { "step", "looked", "made", "changed", "creating", "deleting", "finished" } do
    fields[field] = kept[field]
  end
  for _, field in ipairs { "live", "version" } do
    fields[field] = service.is_version(kept[field]) and brief(kept[field]) or nil
  end
  for _, version in ipairs(type(kept.pending) == "table" and kept.pending or {}) do
    if service.is_version(version) then fields:begins(version) end
  end
  for _, version in ipairs(type(kept.under_way) == "table" and kept.under_way or {}) do
    if service.is_version(version) then table.insert(fields.under_way, brief(version)) end
  end
  return fields
end

return progress
