--- Files as a project writes them: whole or not at all.
-- @module patchworks.project.written
local uv = require "patchworks.loop.uv"

local written = {}

--- Writes a file: its bytes first, on the disk, then its name, so that a reader finds the old or the new one. The
-- mode of a file that is there stays; a link is written through.
-- @tparam string path
-- @tparam string text
-- @tparam ?integer mode of a new file (0644, less the process's mask)
-- @treturn ?boolean true; or nil and a sentence
function written.whole(path, text, mode)
  path = uv.fs_realpath(path) or path
  local before = uv.fs_stat(path)
  mode = before and before.mode & 511 or mode or tonumber("644", 8)
  local temporary = ("%s.%d.%d"):format(path, uv.os_getpid(), uv.hrtime())
  local fd, problem = uv.fs_open(temporary, "wx", mode)
  if not fd then return nil, problem end
  local size, reason = uv.fs_write(fd, text)
  local synced, trouble = uv.fs_fsync(fd)
  uv.fs_close(fd)
  problem = not size and reason or size ~= #text and "the disk is full" or not synced and trouble
  if not problem then
    local moved, why = uv.fs_rename(temporary, path)
    if moved then return true end
    problem = why
  end
  uv.fs_unlink(temporary)
  return nil, problem
end

--- Makes a folder, and those above it.
-- @tparam string path
-- @treturn ?boolean true; or nil and a sentence
function written.folder(path)
  local made, problem, code = uv.fs_mkdir(path, tonumber("755", 8))
  if made or code == "EEXIST" then return true end
  local above = path:match "^(.+)/[^/]+$"
  if code ~= "ENOENT" or not above then return nil, problem end
  local there, reason = written.folder(above)
  if not there then return nil, reason end
  made, problem = uv.fs_mkdir(path, tonumber("755", 8))
  return made and true, problem
end

--- Takes a folder away that could not be filled, with the files in it.
-- @tparam string path
function written.take_back(path)
  local names = uv.fs_scandir(path)
  while names do
    local name = uv.fs_scandir_next(names)
    if not name then break end
    uv.fs_unlink(path .. "/" .. name)
  end
  uv.fs_rmdir(path)
end

return written
