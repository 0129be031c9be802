--- The project's file: where it is, and what it says.
--
-- Others wrote it: it is evaluated by the core in a state of its own, without a library, bounded in memory and time,
-- and everything that it says is checked here.
--
-- @module patchworks.project.file
local arguments = require "patchworks.call.arguments"
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local languages = require "patchworks.project.languages"
local origin = require "patchworks.call.origin"
local uv = require "patchworks.loop.uv"

local file = { name = "patchworks.project.lua", old_name = ".patchworks.lua" }

local most_bytes = 1024 * 1024

local function fail(path, format, ...)
  error(errors.new { kind = "file", operation = "project", message = ("%s: " .. format):format(path, ...) }, 0)
end

-- Whose file it is, nil where there is none. What is there and no file is no project that isn't there: another service
-- would be meant.
local function owner_of(path)
  local _, reason, code = uv.fs_lstat(path)
  if code == "ENOENT" or code == "ENOTDIR" then return nil end
  local facts, trouble = uv.fs_stat(path)
  if not facts then fail(path, "can't be read: %s; make it a file, or take it away", trouble or reason) end
  if facts.type ~= "file" then fail(path, "is a %s, not a file; take it away", facts.type) end
  return facts.uid
end

-- The folder that the search ends at, itself included: the repository's root, or the home folder where that is nearer;
-- where there is neither, the folder it begins in, since above it may be anybody's.
local function last_folder(start)
  local home = uv.os_homedir()
  home = home and uv.fs_realpath(home)
  local folder = start
  while true do
    if uv.fs_stat(folder .. "/.git") or folder == home then return folder end
    local parent = folder:match "^(.*)/[^/]+$"
    if not parent or parent == "" then return start end
    folder = parent
  end
end

--- Looks for the project's file: in the working directory, and above it up to the repository's root, never above the
-- home folder. Raises an error of kind "file" when it belongs to somebody else.
-- @tparam ?string start the folder to begin with
-- @treturn ?string path, or nil when there is none
function file.find(start)
  local folder = uv.fs_realpath(start or uv.cwd() or ".")
  if not folder then return nil end
  local last = last_folder(folder)
  while true do
    for _, name in ipairs { file.name, file.old_name } do
      local path = (folder == "/" and "" or folder) .. "/" .. name
      local owner = owner_of(path)
      if owner == uv.getuid() then return path end
      if owner then
        fail(path, "belongs to another user (%d), and you are %d; make it yours with chown, or work elsewhere", owner,
          uv.getuid())
      end
    end
    if folder == last then return nil end
    folder = folder:match "^(.*)/[^/]+$"
  end
end

--- Evaluates a file that holds data as Lua.
-- @tparam string path
-- @return what it returns; raises an error of kind "file" when it can't be used
function file.evaluate(path)
  local handle <close>, problem = io.open(path, "rb")
  local text, reason
  if handle then text, reason = handle:read(most_bytes + 1) end
  if not text then fail(path, "can't be read: %s", problem and problem:match "([^:]*)$" or reason or "it is empty") end
  if #text > most_bytes then fail(path, "is longer than 1 MiB; it should hold names, ids and settings") end
  local value, sentence = core.chunk(text, path:match "[^/]*$")
  if value == nil then fail(path, "can't be used: %s", sentence) end
  if type(value) ~= "table" then fail(path, "returns a %s; expected a table", type(value)) end
  return value
end

-- What each part may say, and of which type.
local parts = {
  project = { scripts = "table", environments = "table", environment = "string" },
  script = { file = "string", cases = "string", keep = "integer", smoke = "table", language = "string" },
  environment = {
    base_url = "string", login_url = "string", login_field = "string", ca_file = "string", rate_limit = "integer",
    scripts = "table",
  },
}
local secrets = { api_key = true, token = true, password = true, username = true }

local function kind_of(value) return math.type(value) == "integer" and "integer" or type(value) end

-- Checks the names and types of one part. `where` is its place for messages, such as "scripts.orders".
local function check_part(path, part, given, where)
  local prefix = where and where .. ": " or ""
  if type(given) ~= "table" then fail(path, "%s: expected a table, got %s", where, arguments.show(given)) end
  for name, value in pairs(given) do
    if secrets[name] then
      fail(path, "%sa credential (%s) must not be in a file that others read; set PATCHWORKS_API_KEY or run: "
        .. "patchworks login", prefix, name)
    end
    local expected = parts[part][name]
    if not expected then
      local near = type(name) == "string" and arguments.nearest(name, parts[part])
      fail(path, "%sunknown name %s%s", prefix, type(name) == "string" and "`" .. name .. "`" or arguments.show(name),
        near and "; did you mean `" .. near .. "`?" or "")
    end
    if kind_of(value) ~= expected then
      fail(path, "%s%s: expected %s, got %s", prefix, name, expected == "integer" and "an integer" or "a " .. expected,
        arguments.show(value))
    end
  end
end

-- A name stands on a command line beside ids, options and cases.
local function check_name(path, name, where)
  if type(name) ~= "string" or name:find "^%d+$" or not name:find "^[%w_][%w_.-]*$" then
    fail(path, "%s: %s is no name: letters, digits, _, - and . are, but not digits alone", where, arguments.show(name))
  end
end

-- A file of others must not make this program read what lies elsewhere, and publish it.
local function check_below(path, given, where)
  if given and (given:find "^/" or ("/" .. given .. "/"):find("/../", 1, true)) then
    fail(path, "%s: expected a path below the project's folder, got %s", where, given)
  end
end

local function check_scripts(path, scripts)
  for name, script in pairs(scripts) do
    check_name(path, name, "scripts")
    local where = "scripts." .. name
    check_part(path, "script", script, where)
    if not script.file then fail(path, "%s: `file` is missing: where is its source?", where) end
    check_below(path, script.file, where .. ".file")
    check_below(path, script.cases, where .. ".cases")
    if script.keep and script.keep < 1 then fail(path, "%s: keep: expected at least 1", where) end
    if script.language and not languages.find(script.language) then
      fail(path, "%s: language: expected %s, perhaps with a version behind it (php8.1), got %s", where, languages.words,
        arguments.show(script.language))
    end
    for _, case in ipairs(script.smoke or {}) do
      if type(case) ~= "string" then fail(path, "%s: smoke: expected names of cases", where) end
    end
  end
end

local function check_ids(path, ids, where, scripts)
  local seen = {}
  for name, id in pairs(ids) do
    check_name(path, name, where)
    if scripts and not scripts[name] then
      local near = arguments.nearest(name, scripts)
      fail(path, "%s: there is no script `%s`%s", where, name, near and "; did you mean `" .. near .. "`?" or "")
    end
    if math.type(id) ~= "integer" or id < 1 then
      fail(path, "%s.%s: expected the script's id, got %s", where, name, arguments.show(id))
    end
    if seen[id] then fail(path, "%s: %s and %s have the same id, %d", where, seen[id], name, id) end
    seen[id] = name
  end
end

local function check_urls(path, environment, where)
  for _, name in ipairs { "base_url", "login_url" } do
    local place, problem = origin.parse(environment[name] or origin.vendor)
    if not place then fail(path, "%s%s: %s", where, name, problem) end
  end
end

local function check(path, given)
  check_part(path, "project", given)
  local scripts, environments = given.scripts or {}, given.environments or {}
  check_scripts(path, scripts)
  for name, environment in pairs(environments) do
    check_name(path, name, "environments")
    local where = "environments." .. name
    if name == "sandbox" then fail(path, "%s: the sandbox is always there; it needs no entry", where) end
    check_part(path, "environment", environment, where)
    check_urls(path, environment, where .. ".")
    check_ids(path, environment.scripts or {}, where .. ".scripts", scripts)
  end
  local chosen = given.environment
  if chosen and chosen ~= "sandbox" and not environments[chosen] then
    fail(path, "environment: there is none called `%s`", chosen)
  end
  return { path = path, scripts = scripts, environments = environments, environment = chosen }
end

-- `.patchworks.lua` of old: one service, and ids by name.
local function read_old(path)
  local given = file.evaluate(path)
  check_part(path, "environment", given)
  check_urls(path, given, "")
  check_ids(path, given.scripts or {}, "scripts")
  return {
    path = path,
    old = true,
    scripts = {},
    environments = { default = given },
    environment = "default",
    notice = ("%s is read for one release more: move it to %s, as { environments = { production = { .. } } }, with the "
      .. "scripts' files under `scripts`"):format(path, file.name),
  }
end

--- Reads a project's file. Raises an error of kind "file" when it can't be used.
-- @tparam string path
-- @treturn table `path`, `scripts`, `environments`, `environment`; `notice` says what to do about a file of old
function file.read(path)
  owner_of(path)
  if path:match "[^/]*$" == file.old_name then return read_old(path) end
  return check(path, file.evaluate(path))
end

return file
