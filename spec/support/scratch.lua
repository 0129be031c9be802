-- Files and folders for specs, without a process for each.
local lfs = require "lfs"

local scratch = {}

--- Makes a folder, and those above it that are missing.
function scratch.make(path)
  if lfs.attributes(path, "mode") == "directory" then return path end
  local above = path:match "^(.+)/[^/]+/*$"
  if above then scratch.make(above) end
  assert(lfs.mkdir(path))
  return path
end

--- A new folder in that for temporary files.
function scratch.folder()
  local path = os.tmpname()
  os.remove(path)
  return scratch.make(path)
end

--- Writes a file, into a folder that is made when it isn't there.
function scratch.write(path, text)
  local above = path:match "^(.+)/[^/]*$"
  if above then scratch.make(above) end
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
  return path
end

--- Removes a file, or a folder with all that is in it; a link, not what it names. Nothing where there is none.
function scratch.remove(path)
  if lfs.symlinkattributes(path, "mode") == "directory" then
    for name in lfs.dir(path) do
      if name ~= "." and name ~= ".." then scratch.remove(path .. "/" .. name) end
    end
    assert(lfs.rmdir(path))
  elseif lfs.symlinkattributes(path) then
    assert(os.remove(path))
  end
end

return scratch
