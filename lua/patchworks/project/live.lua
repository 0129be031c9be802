--- What is live, beside what is here: the one comparison that pull, status, diff and publish go by.
--
-- A *place* is a script of a project at one service: `root` (the project's folder), `name`, `file` (as the project
-- names it), `path` (where it is), `id`, `origin` (of the service) and `versions` (a client's script_versions).
--
-- Of what a machine remembers only ids are used, and what they stand for is read from the service.
--
-- @module patchworks.project.live
local errors = require "patchworks.errors"
local service = require "patchworks.service"
local state = require "patchworks.project.state"

local live = {}

--- The error that a file can't be read or written.
function live.file_error(operation, path, message, hint)
  return errors.new { kind = "file", operation = operation, message = path .. ": " .. message, hint = hint }
end

--- A file's text.
-- @treturn ?string nil where there is no such file; or nil and an error of kind "file"
function live.read(path, operation)
  local file <close>, problem, code = io.open(path, "rb")
  if not file then
    if code == 2 then return nil end -- ENOENT
    return nil, live.file_error(operation, path, problem:gsub("^.*: ", ""))
  end
  local text, reason = file:read "a"
  if not text then return nil, live.file_error(operation, path, tostring(reason)) end
  return text
end

--- What is remembered of a place.
-- @treturn ?table see patchworks.project.state; or nil and an error
function live.entry(place)
  local known, problem = state.read(place.root)
  if not known then return nil, problem end
  return state.script(known, place.origin, place.id)
end

--- The version of the script that is live, with its content. 1 request.
-- @treturn ?table nil where none is; or nil and an error
function live.version(place, given)
  local listing = place.versions:list(place.id, {
    filter = { is_deployed = true },
    include = "content",
    on_event = given and given.on_event,
  })
  local deployed, problem = listing:all()
  if not deployed then return nil, problem end
  return service.live(deployed)
end

--- Whether what is live is what was live when somebody here last pulled, published or rolled back; or, where a run was
-- cut off, what it had begun or saw live when it began. A version that was live before that is not: somebody else went
-- back to it, and meant it.
-- @tparam table entry what is remembered
-- @tparam table version
-- @treturn boolean
function live.is_known(entry, version)
  if version.id == (entry.live or entry.from) or version.id == entry.pending then return true end
  for _, id in ipairs(entry.known or {}) do
    if version.id == id then return true end
  end
  return false
end

-- The version that the file came from, with its source; nil where it is gone. 1 request where it is not the live one.
local function read_base(place, entry, live_version)
  if entry.from == live_version.id then return live_version end
  local version, problem = place.versions:get(entry.from, { include = "content" })
  if version then
    -- What is remembered may belong to another script by now.
    local own = version.script_id == nil or tostring(version.script_id) == tostring(place.id)
    return own and version or nil
  end
  if problem.kind == "not_found" then return nil end
  return nil, problem
end

local function state_of(look)
  local entry, version = look.entry, look.live
  if not version then return look.here and "new" or "nothing" end
  if not look.here then return "missing" end
  if service.holds(version, look.here) then return "same" end
  if live.is_known(entry, version) then return "changed" end
  if not entry.from then return "unknown" end
  return look.base and service.holds(look.base, look.here) and "behind" or "both"
end

--- Compares. 1 request, 1 more where somebody else has published.
-- @tparam table place
-- @tparam string operation who asks, for errors
-- @tparam ?table given `on_event`
-- @treturn ?table look: `here` (the file's text, or nil), `live` (version, or nil), `source` (its text), `entry` (what
-- is remembered), `base` (the version that the file came from, where that is not the live one and still there), and
-- `state`:
--
-- - "same": what is here is what is live
-- - "changed": here, since it was taken from what is live
-- - "behind": somebody else has published or rolled back; nothing was changed here
-- - "both": that, and what is here was changed too
-- - "unknown": they differ, and it is not known which version the file came from
-- - "new": nothing is live; "missing": there is no file; "nothing": neither
--
-- or nil and an error
function live.look(place, operation, given)
  local here, problem = live.read(place.path, operation)
  if problem then return nil, problem end
  local entry, reason = live.entry(place)
  if not entry then return nil, reason end
  local version, failure = live.version(place, given)
  if failure then return nil, failure end
  local look = { here = here, live = version, entry = entry, source = version and service.source(version) }
  if version and not look.source then
    return nil, errors.new {
      kind = "protocol",
      operation = operation,
      message = ("%s comes without its source"):format(tostring(version)),
    }
  end
  local foreign = version and entry.from and not live.is_known(entry, version)
  if foreign and here and not service.holds(version, here) then
    look.base, problem = read_base(place, entry, version)
    if problem then return nil, problem end
  end
  look.state = state_of(look)
  return look
end

return live
