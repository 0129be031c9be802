--- Sources of versions that are pruned, which stay on this machine: `.patchworks/pruned/orders-v3-17.py` is version 3
-- of the script orders, whose id was 17.
-- @module patchworks.project.pruned
local inside = require "patchworks.project.inside"
local service = require "patchworks.service"
local written = require "patchworks.project.written"

local pruned = {}

local function save(root, name, ending, version, source)
  local folder = root .. "/.patchworks/pruned"
  local stays, outside = inside.check(root, folder)
  if not stays then return nil, outside.message end
  local made, problem = written.folder(folder)
  if not made then return nil, ("%s: %s"):format(folder, problem) end
  local path = ("%s/%s-v%d-%d%s"):format(folder, name, service.number(version), version.id, ending)
  local done, reason = written.whole(path, source)
  return done and path, reason and ("%s: %s"):format(path, reason)
end

--- What saves the source of a version before it is deleted, as `prune` and `publish` take it.
-- @tparam table place `root` (the folder), `name` (of the script, or nil) and `id`, `file` (for its ending, or nil)
-- @treturn function
-- @treturn table what became of it: `paths` by the versions' ids, `problem` (the first sentence, or nil)
function pruned.saver(place)
  local account = { paths = {} }
  local name = place.name or ("script-%s"):format(place.id)
  local ending = place.file and place.file:match "%.%w+$" or ""
  return function(version, source)
    local path, problem = save(place.root, name, ending, version, source)
    account.paths[version.id] = path
    account.problem = account.problem or problem
    return path, problem
  end, account
end

return pruned
