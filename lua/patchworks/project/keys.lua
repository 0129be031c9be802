--- API keys that were stored by `patchworks login`, each for one origin: `patchworks/keys.json` below XDG_CONFIG_HOME
-- (`~/.config`), which nobody else may read.
-- @module patchworks.project.keys
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local uv = require "patchworks.loop.uv"
local written = require "patchworks.project.written"

local keys = {}

local function failed(path, message, hint)
  return nil, errors.new { kind = "file", operation = "keys", message = path .. ": " .. message, hint = hint }
end

local function folder_of(getenv)
  local given = getenv "XDG_CONFIG_HOME"
  -- A relative one is to be ignored, says the specification.
  if given and given:find "^/" then return given .. "/patchworks" end
  local home = uv.os_homedir()
  return home and home .. "/.config/patchworks" or nil
end

--- Where the keys are.
-- @treturn ?string path, nil for somebody without a home
function keys.path(getenv)
  local folder = folder_of(getenv)
  return folder and folder .. "/keys.json"
end

--- Reads the keys.
-- @tparam function getenv
-- @treturn ?table keys by origin, empty where none are stored; or nil and an error of kind "file"
-- @treturn table PEM by origin: the certificates of a project that were trusted when its key was stored
function keys.read(getenv)
  local path = keys.path(getenv)
  local facts = path and uv.fs_stat(path)
  if not facts then return {}, {} end
  if facts.uid ~= uv.getuid() then return failed(path, "belongs to another user, so it is not used") end
  if facts.mode & tonumber("77", 8) ~= 0 then
    return failed(path, "others can read it, so it is not used", "chmod 600 " .. path)
  end
  local handle <close>, problem = io.open(path, "rb")
  if not handle then return failed(path, problem:match "([^:]*)$") end
  local stored = core.decode(handle:read "a" or "")
  local origins = type(stored) == "table" and stored.v == 1 and stored.origins
  if type(origins) ~= "table" then return failed(path, "is not what `patchworks login` writes", "delete it, log in") end
  local authorities = type(stored.authorities) == "table" and stored.authorities or {}
  return origins, authorities
end

--- Stores a key for an origin, or takes it away.
-- @tparam string origin
-- @tparam ?string key nil to forget it
-- @tparam function getenv
-- @tparam ?string certificates of a project that are trusted with it, PEM
-- @treturn ?string the file's path; or nil and an error of kind "file"
function keys.store(origin, key, getenv, certificates)
  local path = keys.path(getenv)
  if not path then return nil, errors.new { kind = "file", operation = "keys", message = "there is no home folder" } end
  local origins, authorities = keys.read(getenv)
  if not origins then return nil, authorities end
  origins[origin], authorities[origin] = key, certificates
  local made, reason = written.folder(folder_of(getenv))
  if not made then return failed(path, reason) end
  if not next(origins) then
    os.remove(path)
    return path
  end
  local kept = { v = 1, origins = origins, authorities = next(authorities) and authorities }
  local done, why = written.whole(path, assert(core.encode(kept)), tonumber("600", 8))
  if not done then return failed(path, why) end
  return path
end

return keys
