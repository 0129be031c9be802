--- A manifest: the scripts that a plan is made of, checked, with their files read.
-- @module patchworks.release.manifest
local arguments = require "patchworks.call.arguments"
local core = require "patchworks.core"
local errors = require "patchworks.errors"
local methods = require "patchworks.call.methods"
local requests = require "patchworks.call.request"
local takes = require "patchworks.release.methods"
local tests = require "patchworks.release.test"

local manifest = {}

-- What a script of a manifest has.
local scripts = methods.method {
  options = {
    { "id", "id", "the script's", required = true },
    { "name", "string", "how messages call it" },
    { "file", "string", "the path of a file to read the source from, relative to the manifest; this or `content`" },
    { "content", "string", "the source; this or `file`" },
    { "test", "table", "as for `publish`, with `payload_file` and `expect_file` also from files", fields = {
      { "payload_file", "string", "the path of a file with the payload" },
      { "expect_file", "string", "the path of a file with the payload that is expected" },
      table.unpack(takes.publish.known.test.fields),
    } },
    { "keep", "integer", "as for `publish`", least = 0 },
  },
}

local function file_error(format, ...)
  return nil, errors.new { kind = "file", operation = "plan", message = format:format(...) }
end

-- A manifest's file: Lua that returns a table, with nothing in reach, bounded in memory and time.
local function load_manifest(path)
  local text, problem = requests.read(path, "plan")
  if not text then return nil, problem end
  local value, reason = core.chunk(text, path:match "[^/]*$")
  if value == nil then return file_error("the manifest fails: %s", reason) end
  if type(value) ~= "table" then return file_error("%s returns no table", path) end
  return value
end

--- How messages call a script: by its id, and its name where it has one.
-- @tparam table script
-- @treturn string
function manifest.label(script)
  return ("script %s%s"):format(tostring(script.id), script.name and (" (%s)"):format(script.name) or "")
end

local function in_folder(folder, file) return file:sub(1, 1) == "/" and file or folder .. file end

-- An error that says which script it is about.
local function named(script, problem)
  return errors.new {
    kind = problem.kind,
    operation = "plan",
    message = manifest.label(script) .. ": " .. problem.message,
    cause = problem,
  }
end

-- The test with its files read: `payload_file` and `expect_file` stand for `payload` and `expect`.
local function read_test(script, folder, what)
  local given = script.test
  if not given then return nil end
  local test = {}
  for name, value in pairs(given) do test[name] = value end
  for name, file in pairs { payload = "payload_file", expect = "expect_file" } do
    if given[file] ~= nil then
      if given[name] ~= nil then errors.misuse("%s: test: expected either `%s` or `%s`, got both", what, name, file) end
      local text, problem = requests.read(in_folder(folder, given[file]), what)
      if not text then return nil, named(script, problem) end
      test[name], test[file] = text, nil
    end
  end
  tests.check(test, what)
  return test
end

local function read_script(script, number, folder, seen)
  local what = ("plan: script %d of the manifest"):format(number)
  if type(script) ~= "table" then errors.misuse("%s: expected a table, got %s", what, arguments.show(script)) end
  if type(script.name) == "string" then what = ("%s (%s)"):format(what, script.name) end
  methods.check(scripts, script, what)
  local id = arguments.check_id(script.id, what .. ": id")
  if seen[id] then errors.misuse("%s: script %s is there already", what, id) end
  seen[id] = true
  local file = script.file and in_folder(folder, script.file)
  local content, problem = requests.content({ file = file, content = script.content }, what)
  if not content then return nil, named(script, problem) end
  local test, trouble = read_test(script, folder, what)
  if trouble then return nil, trouble end
  return { id = id, name = script.name, file = script.file, content = content, test = test, keep = script.keep }
end

-- A list in Lua ends at its first hole: a name that is misspelt would leave out all that comes after it.
local function check_list(list)
  local count = 0
  for place in pairs(list) do
    if math.type(place) ~= "integer" then
      errors.misuse("plan: `scripts` is a list, and has %s in it", arguments.show(place))
    end
    count = math.max(count, place)
  end
  if count == 0 then errors.misuse("plan: the manifest names no script") end
  for place = 1, count do
    if list[place] == nil then
      errors.misuse("plan: script %d of the manifest is nil: is a name misspelt there?", place)
    end
  end
  return count
end

-- The scripts of a manifest. Raises for what can't be one.
local function read(given, folder)
  arguments.check_names(given, { scripts = true }, "plan: manifest")
  if type(given) ~= "table" or type(given.scripts) ~= "table" then
    errors.misuse("plan: expected a manifest { scripts = { { id = 42, file = \"orders.py\" }, .. } }, or its path")
  end
  local list, seen = {}, {}
  for place = 1, check_list(given.scripts) do
    local script, problem = read_script(given.scripts[place], place, folder, seen)
    if not script then return nil, problem end
    list[place] = script
  end
  return list
end

--- Reads a manifest. A table that is none is misuse, which raises; a file that is none is an error, like one that can't
-- be read.
-- @tparam table|string given the manifest, or the path of a Lua file that returns it
-- @treturn ?table a list of `{ id, name, file, content, test, keep }`; or nil and an error of kind "file"
function manifest.read(given)
  if type(given) ~= "string" then return read(given, "") end
  local value, problem = load_manifest(given)
  if not value then return nil, problem end
  local ok, list, reason = pcall(read, value, given:match "^(.*/)[^/]*$" or "")
  if ok then return list, reason end
  local message = errors.misused(list)
  if not message then error(list, 0) end
  return file_error("%s: %s", given, (message:gsub("^plan: ", "")))
end

return manifest
