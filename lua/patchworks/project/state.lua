--- What this machine remembers of a project: `.patchworks/state.json` below its folder.
--
--     {"v": 1, "services": {"https://core.wearepatchworks.com": {"scripts": {"42": {
--       "from": 17,                                the version that the file here was taken from
--       "live": 18,                                the one that was live when a hand was last in it from here
--       "pending": 19,                             one that was on the way when it was last heard of
--       "known": [17],                             until that is settled: what was live then, and what else began
--       "passed": {"version": 18, "cases": ["gb"]},
--       "did": [{"at": 1764000000, "what": "published", "version": 18}]
--     }}}}}
--
-- It is written whole and renamed, under a lock that goes with the process that holds it. What it says is a hint to be
-- checked against the service, so it holds ids alone; a file that isn't as written here is an error, never a guess:
-- what forgets whose version a file came from overwrites somebody's work.
--
-- @module patchworks.project.state
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local lfs = require "lfs"
local uv = require "patchworks.loop.uv"
local written = require "patchworks.project.written"

local state = {}

local most_deeds = 200 -- of a script; older ones are forgotten
local patience = 10 -- seconds to wait for another process, which needs milliseconds

local function failed(path, message, hint)
  return nil, errors.new { kind = "file", operation = "state", message = path .. ": " .. message, hint = hint }
end

local function is_id(value) return math.type(value) == "integer" and value > 0 end

local function each(list, check)
  if type(list) ~= "table" then return false end
  for key, value in pairs(list) do
    if not check(value, key) then return false end
  end
  return true
end

local function is_deed(deed)
  return type(deed) == "table"
    and type(deed.at) == "number"
    and type(deed.what) == "string"
    and (deed.version == nil or is_id(deed.version))
end

local function is_passed(passed)
  return type(passed) == "table"
    and is_id(passed.version)
    and each(passed.cases, function(name) return type(name) == "string" end)
end

local function is_script(script, id)
  return type(script) == "table"
    and type(id) == "string"
    and id:find "^[1-9]%d*$" ~= nil
    and (script.from == nil or is_id(script.from))
    and (script.live == nil or is_id(script.live))
    and (script.pending == nil or is_id(script.pending))
    and (script.known == nil or each(script.known, is_id))
    and (script.passed == nil or is_passed(script.passed))
    and each(script.did, is_deed)
end

local function is_service(service, origin)
  return type(origin) == "string" and type(service) == "table" and each(service.scripts, is_script)
end

local function folder_of(root) return root .. "/.patchworks" end

-- A link would have the state of one project written into another's, or anywhere; a pipe would be waited for.
local function check_folder(folder)
  local kind = lfs.symlinkattributes(folder, "mode")
  for _, name in ipairs(kind == "directory" and { "/state.json", "/lock" } or {}) do
    local found = lfs.symlinkattributes(folder .. name, "mode")
    if found and found ~= "file" then
      return failed(folder .. name, "is a " .. found .. ", not a file", "take it away; patchworks makes it anew")
    end
  end
  if kind == nil or kind == "directory" then return true end
  return failed(folder, "is a " .. kind .. ", not a folder", "take it away; patchworks makes it anew")
end

local start_again = "look at it, then delete it: `pull` and `status` compare with what is live and start it anew"

--- Reads what is remembered.
-- @tparam string root the project's folder
-- @treturn ?table `services`, by origin; empty where nothing is remembered yet. Or nil and an error of kind "file"
function state.read(root)
  local folder = folder_of(root)
  local path = folder .. "/state.json"
  local fine, problem = check_folder(folder)
  if not fine then return nil, problem end
  if lfs.symlinkattributes(path, "mode") == nil then return { v = 1, services = {} } end
  local file <close>, reason = io.open(path, "rb")
  if not file then return failed(path, reason:gsub("^[^:]*: ", ""), "make it readable") end
  local text = file:read "a"
  local known = text and core.decode(text)
  if type(known) ~= "table" or math.type(known.v) ~= "integer" then
    return failed(path, "is not what patchworks writes there", start_again)
  end
  if known.v > 1 then return failed(path, "was written by a newer patchworks", "update patchworks") end
  if known.v ~= 1 or not each(known.services, is_service) then
    return failed(path, "is not what patchworks writes there", start_again)
  end
  return known
end

-- The system takes such a lock away when its process ends, however that ends.
local function lock(folder)
  local path = folder .. "/lock"
  local file, problem = io.open(path, "a")
  if not file then return failed(path, problem:gsub("^[^:]*: ", ""), "make the folder writable") end
  local last = uv.hrtime() + patience * 1e9
  while not lfs.lock(file, "w") do
    if uv.hrtime() > last then
      file:close()
      return failed(path, "another patchworks has held it for 10 seconds", "see what it does, and end it")
    end
    uv.sleep(2)
  end
  return file
end

--- Changes what is remembered: reads it, has `change` change it, and writes it, with no other process in between.
-- @tparam string root the project's folder
-- @tparam function change is given what `read` gives, and changes it in place; it must not wait for anything. When it
-- gives false, nothing is written
-- @treturn ?table what is remembered now; or nil and an error of kind "file"
function state.update(root, change)
  local folder = folder_of(root)
  local fine, problem = check_folder(folder)
  if not fine then return nil, problem end
  local made, reason, code = uv.fs_mkdir(folder, tonumber("700", 8))
  if not made and code ~= "EEXIST" then return failed(folder, reason, "make the project's folder writable") end
  local held <close>, trouble = lock(folder)
  if not held then return nil, trouble end
  local known, failure = state.read(root)
  if not known then return nil, failure end
  if change(known) == false then return known end
  assert(each(known.services, is_service), "what is to be remembered has another form than what can be read")
  local path = folder .. "/state.json"
  local done, why = written.whole(path, assert(core.encode(known)), tonumber("600", 8))
  if not done then return failed(path, why, "make room on the disk, and let the folder be writable") end
  return known
end

--- Under which name an environment's service is remembered: the sandbox is the project's own, at another port each
-- time.
-- @tparam table environment see patchworks.project
-- @treturn string its origin, or "sandbox"
function state.place(environment) return environment.name == "sandbox" and "sandbox" or environment.origin end

--- The entry of a script, made when it isn't there.
-- @tparam table known what `read` gave, or `update` hands out
-- @tparam string origin of the service, such as "https://core.wearepatchworks.com"
-- @tparam integer|string id of the script
-- @treturn table `from`, `live`, `pending`, `known`, `passed`, `did`
function state.script(known, origin, id)
  local service = known.services[origin] or { scripts = {} }
  known.services[origin] = service
  local key = tostring(id)
  local script = service.scripts[key] or { did = {} }
  service.scripts[key] = script
  return script
end

--- Remembers something about a script.
-- @tparam string root the project's folder
-- @tparam string origin of the service
-- @tparam integer|string id of the script
-- @tparam table fields what changes in the entry: `from`, `live`, `pending`, `known`, `passed`; false takes
-- one out
-- @tparam ?string what was done from here: "pulled", "published", "rolled back", ..
-- @tparam ?integer version its id
-- @treturn ?table what is remembered now; or nil and an error of kind "file"
function state.note(root, origin, id, fields, what, version)
  return state.update(root, function(known)
    local script = state.script(known, origin, id)
    for name, value in pairs(fields) do script[name] = value or nil end
    if what then table.insert(script.did, { at = os.time(), what = what, version = version }) end
    while #script.did > most_deeds do table.remove(script.did, 1) end
  end)
end

--- Remembers that a deployment begins. What is on its way already stays known: it may still come live.
-- @tparam string root the project's folder
-- @tparam string origin of the service
-- @tparam integer|string id of the script
-- @tparam integer version that is to come live
-- @tparam ?integer live the version that it takes the place of
-- @treturn ?table what is remembered now; or nil and an error of kind "file"
function state.begin(root, origin, id, version, live)
  return state.update(root, function(known)
    local script = state.script(known, origin, id)
    local ids = { [script.pending or version] = true, [live or version] = true }
    for _, each_id in ipairs(script.known or {}) do ids[each_id] = true end
    ids[version] = nil
    local list = {}
    for each_id in pairs(ids) do list[#list + 1] = each_id end
    table.sort(list)
    script.pending, script.known = version, list[1] and list or nil
  end)
end

--- Sees that what is to come can be remembered, by writing what is.
-- @tparam string root the project's folder
-- @treturn ?table what is remembered; or nil and an error of kind "file"
function state.check(root) return state.update(root, function() end) end

return state
