--- Cases: what a script is given and what should come, each a folder.
--
--     cases/orders/gb/payload.json     as it is, byte by byte; any ending; or none
--                     variables.json   an object
--                     flow.json        an object, with `variables`
--                     expect.json      compared as JSON; or expect.*, byte by byte; or none: it must only answer
--
-- @module patchworks.project.cases
local core = require "patchworks.core"
local document = require "patchworks.json.document"
local errors = require "patchworks.errors"
local expected = require "patchworks.release.expected"
local inside = require "patchworks.project.inside"
local lfs = require "lfs"
local terminal = require "patchworks.terminal"
local written = require "patchworks.project.written"

local cases = {}

local function failed(path, message, hint)
  return nil, errors.new { kind = "file", operation = "cases", message = path .. ": " .. message, hint = hint }
end

local function read(path, root)
  local stays, outside = true, nil
  if root then stays, outside = inside.check(root, path) end
  if not stays then return nil, outside.message end
  local file <close>, problem = io.open(path, "rb")
  if not file then return nil, problem end
  local text, reason = file:read "a"
  return text, text == nil and path .. ": " .. tostring(reason) or nil
end

-- The names in a folder, sorted; without what editors and systems hide.
local function names_in(folder)
  local names = {}
  for name in lfs.dir(folder) do
    if not name:find "^%." and not name:find "~$" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- The one file called `stem.*`: its name, or nil; or nil and a sentence where there are two.
local function single(names, stem)
  local found
  for _, name in ipairs(names) do
    if name == stem or name:sub(1, #stem + 1) == stem .. "." then
      if found then return nil, ("%s and %s: a case has one %s"):format(found, name, stem) end
      found = name
    end
  end
  return found
end

-- An object in a file of a case; nil where there is none.
local function object(case, names, name)
  local there = false
  for _, each in ipairs(names) do there = there or each == name end
  if not there then return nil end
  local text, problem = read(case.folder .. "/" .. name, case.root)
  if not text then return nil, problem end
  local value, sentence = document.parse(text)
  if value and value.kind ~= "object" then sentence = "expected an object, got " .. value.kind end
  if sentence then return nil, name .. ": " .. sentence end
  return (core.decode(text))
end

local function fill(case)
  local stays, outside = true, nil
  if case.root then stays, outside = inside.check(case.root, case.folder) end
  if not stays then return outside.message end
  local names = names_in(case.folder)
  local payload, problem = single(names, "payload")
  if problem then return problem end
  if payload then
    case.payload_path = case.folder .. "/" .. payload
    case.payload, problem = read(case.payload_path, case.root)
    if problem then return problem end
  end
  for _, field in ipairs { "variables", "flow" } do
    case[field], problem = object(case, names, field .. ".json")
    if problem then return problem end
  end
  local expect
  expect, problem = single(names, "expect")
  if problem or not expect then return problem end
  case.expect_path = case.folder .. "/" .. expect
  case.expect, problem = read(case.expect_path, case.root)
  if problem then return problem end
  case.compare = expect:find "%.json$" and "json" or "bytes"
  case.wanted, problem = expected.read(case.expect, case.compare)
  return problem and expect .. ": " .. problem
end

--- The cases below a folder, by name.
-- @tparam string folder
-- @tparam ?string only the name of one case
-- @tparam ?string root the project's folder, which no link in a case may lead out of
-- @treturn ?table a list, each with `name`, `folder`, `payload` (string), `payload_path`, `variables`, `flow` (tables),
-- `expect_path`, `expect` (string), `compare` ("json" or "bytes"), `wanted` (see patchworks.release.expected), or
-- `problem`, a sentence, where a case can't be used; or nil and an error of kind "file"
function cases.find(folder, only, root)
  if lfs.attributes(folder, "mode") ~= "directory" then
    return failed(folder, "there is no such folder", "make it with a case inside, or take `cases` out of the project")
  end
  local list = {}
  for _, name in ipairs(names_in(folder)) do
    local path = folder .. "/" .. name
    if (not only or name == only) and lfs.attributes(path, "mode") == "directory" then
      local case = { name = terminal.clean(name), folder = path, root = root }
      -- In a list of results, or a report, a line end would begin another case's line.
      case.problem = name:find "%c" and "its folder's name has a control character in it: rename it" or fill(case)
      case.root = nil
      list[#list + 1] = case
    end
  end
  if only and not list[1] then return failed(folder .. "/" .. only, "there is no such case") end
  return list
end

--- Whether what came is what a case expects.
-- @tparam table case
-- @tparam table outcome `payload` (string, or nil for none), `failure` (a sentence, when the script did not answer)
-- @treturn boolean
-- @treturn ?string a sentence, which names the path in JSON
-- @treturn ?string the whole difference, in lines; see patchworks.release.expected
function cases.judge(case, outcome)
  if case.problem then return false, case.problem end
  if outcome.failure then return false, outcome.failure end
  if not case.wanted then return true end
  local sentence, more = expected.differs(case.wanted, outcome.payload)
  return not sentence, sentence, more
end

-- A payload's kind of file, and the bytes for it: JSON is written in its normal form.
local function as_file(text)
  local value = document.parse(text)
  if value and (value.kind == "object" or value.kind == "array") then return "json", document.write(value) end
  return text:find "^%s*<" and "xml" or "txt", text
end

--- Makes what came the thing that a case expects.
-- @tparam table case
-- @tparam table outcome that has a payload
-- @treturn ?string the path that was written; or nil and a sentence
function cases.update(case, outcome)
  local ending, text = as_file(outcome.payload or "")
  local path = case.expect_path
  if case.compare == "json" and ending ~= "json" then
    -- Another kind of file from now on.
    local value = document.parse(outcome.payload or "null")
    if value then
      text = document.write(value)
    else
      os.remove(path)
      path = nil
    end
  elseif case.compare == "bytes" then
    text = outcome.payload or ""
  end
  path = path or ("%s/expect.%s"):format(case.folder, ending)
  local done, problem = written.whole(path, text)
  if not done then return nil, problem end
  return path
end

--- Keeps an invocation as a case.
-- @tparam string folder the script's folder of cases
-- @tparam string name of the case, which must not be there yet
-- @tparam table given `payload` (string), `variables`, `flow` (tables), `answer` (string, the payload that came)
-- @treturn ?string the case's folder; or nil and an error of kind "file"
function cases.save(folder, name, given)
  if not name:find "^%w[%w%._-]*$" then
    return failed(name, "a case's name has letters, digits, dots, dashes and underscores")
  end
  local path = folder .. "/" .. name
  if lfs.symlinkattributes(path, "mode") then return failed(path, "is there already", "take another name") end
  local made, problem = written.folder(path)
  if not made then return failed(path, problem) end
  local files = {}
  if given.payload then files["payload." .. as_file(given.payload)] = given.payload end
  for _, field in ipairs { "variables", "flow" } do
    if given[field] and next(given[field]) then
      files[field .. ".json"] = document.write(assert(document.parse(assert(core.encode(given[field])))))
    end
  end
  if given.answer then
    local ending, text = as_file(given.answer)
    files["expect." .. ending] = text
  end
  for file, text in pairs(files) do
    local done, reason = written.whole(path .. "/" .. file, text)
    if not done then return failed(path .. "/" .. file, reason) end
  end
  return path
end

return cases
