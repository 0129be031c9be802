--- Whether a path stays in a project's folder, wherever the links on it lead: a cloned project must not have this
-- program read, publish or write what lies elsewhere.
-- @module patchworks.project.inside
local errors = require "patchworks.errors"
local uv = require "patchworks.loop.uv"

local inside = {}

-- Where a path really leads: itself or, where it isn't there yet, the nearest folder above it that is.
local function resolve(path)
  local real = uv.fs_realpath(path)
  if real then return real end
  if uv.fs_lstat(path) then return nil, "is a link that leads nowhere" end
  local above = path:match "^(.+)/[^/]+$"
  return resolve(above or path:find "^/" and "/" or ".")
end

--- Checks a path.
-- @tparam string root the project's folder
-- @tparam string path below it, which need not be there yet
-- @treturn ?boolean true; or nil and an error of kind "file"
function inside.check(root, path)
  local folder = uv.fs_realpath(root)
  local real, problem = resolve(path)
  if folder and real and (folder == "/" or (real .. "/"):sub(1, #folder + 1) == folder .. "/") then return true end
  return nil, errors.new {
    kind = "file",
    operation = "project",
    message = ("%s %s"):format(path, problem or "leads out of the project, to " .. tostring(real)),
    hint = "put the file itself there, in place of the link",
  }
end

return inside
