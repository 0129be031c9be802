--- Where the command line learns about the service: environment variables, then `.patchworks.lua` in the project, then
-- flags. A flag wins over the file, the file over the environment; a credential comes from the environment alone.
-- @module patchworks.cli.profile
local arguments = require "patchworks.call.arguments"

local profile = {}

local names = {
  base_url = true,
  login_url = true,
  login_field = true,
  ca_file = true,
  rate_limit = true,
  scripts = true,
}
local secrets = { api_key = true, token = true, password = true, username = true }

local function find_file()
  local folder = os.getenv "PWD" or "."
  while true do
    local path = folder .. "/.patchworks.lua"
    local file = io.open(path, "rb")
    if file then
      file:close()
      return path
    end
    local parent = folder:match "^(.*)/[^/]+$"
    if not parent then return nil end
    folder = parent
  end
end

local function fail(path, format, ...) error(("%s: " .. format):format(path, ...), 0) end

local function check(path, given)
  if type(given) ~= "table" then fail(path, "it returns no table") end
  for name in pairs(given) do
    if secrets[name] then
      fail(path, "a credential (%s) must not be in a project's file; set PATCHWORKS_API_KEY or PATCHWORKS_TOKEN", name)
    elseif not names[name] then
      local near = type(name) == "string" and arguments.nearest(name, names)
      fail(path, "unknown name `%s`%s", tostring(name), near and "; did you mean `" .. near .. "`?" or "")
    end
  end
  for name, id in pairs(given.scripts or {}) do
    if type(name) ~= "string" or math.type(id) ~= "integer" or id < 1 then
      fail(path, "scripts: expected names to ids, such as orders = 42")
    end
  end
  return given
end

--- Reads the project's file, if there is one. Raises a sentence when it can't be used.
-- @treturn table `base_url`, `scripts`, ..; `path` where it came from
function profile.read()
  local path = find_file()
  if not path then return { scripts = {} } end
  local chunk, problem = loadfile(path, "t", {})
  if not chunk then fail(path, "can't be read: %s", problem) end
  local ok, given = pcall(chunk)
  if not ok then fail(path, "it fails: %s", tostring(given)) end
  check(path, given)
  local copy = { scripts = {}, path = path }
  for name, value in pairs(given) do copy[name] = value end
  return copy
end

--- The id of a script that was given by id or by its name in the project's file.
-- @treturn ?string id; or nil and a sentence
function profile.script(known, given)
  if given:find "^[1-9]%d*$" then return given end
  local id = known.scripts[given]
  if id then return tostring(id) end
  local near = arguments.nearest(given, known.scripts)
  local where = known.path and "in " .. known.path or "and there is no .patchworks.lua that names scripts"
  return nil, ("no script is called %s %s%s"):format(given, where, near and "; did you mean " .. near .. "?" or "")
end

return profile
