--- Whether a path stays in a project's folder, wherever the links on it lead, and is what a project has there: a cloned
-- project must not have this program read, publish or write what lies elsewhere, nor wait for a pipe without end.
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

local most_bytes = 64 * 1024 * 1024 -- of a file: the longest answer that a client takes has no more

--- What is wrong with what is there, asked before it is opened.
-- @tparam string path
-- @treturn ?string nil where that is a file or a folder, or where nothing is
function inside.oddity(path)
  local facts = uv.fs_stat(path)
  if not facts or facts.type == "directory" then return nil end
  if facts.type ~= "file" then return "is no file but a " .. facts.type end
  if facts.size > most_bytes then return "is longer than 64 MiB" end
end

--- Checks a path.
-- @tparam string root the project's folder
-- @tparam string path below it, which need not be there yet
-- @treturn ?boolean true; or nil and an error of kind "file"
function inside.check(root, path)
  local folder = uv.fs_realpath(root)
  local real, problem = resolve(path)
  local stays = folder and real and (folder == "/" or (real .. "/"):sub(1, #folder + 1) == folder .. "/")
  local odd = stays and inside.oddity(real)
  if stays and not odd then return true end
  return nil, errors.new {
    kind = "file",
    operation = "project",
    message = ("%s %s"):format(path, odd or problem or "leads out of the project, to " .. tostring(real)),
    hint = odd and "put a file there that a script or a case can be"
      or "put the file itself there, in place of the link",
  }
end

return inside
