--- Which environment of a project is meant, and which service that is: what was asked for by name wins, then the
-- owner's `base_url`, then what the project's file says.
-- @module patchworks.project.environment
local arguments = require "patchworks.call.arguments"
local errors = require "patchworks.errors"
local origin = require "patchworks.call.origin"

local environment = {}

local function fail(format, ...)
  return nil, errors.new { kind = "file", operation = "environment", message = format:format(...) }
end

local function sorted(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function present(value) return value ~= nil and value ~= "" and value or nil end

-- What the owner of the credentials said, and where.
local function owners_word(given, getenv)
  if given.base_url then return given.base_url, "--base-url" end
  return present(getenv "PATCHWORKS_BASE_URL"), "PATCHWORKS_BASE_URL"
end

local function base_of(file, name)
  return origin.base(origin.parse(file.environments[name].base_url or origin.vendor))
end

local function named(file, name, base_url, word)
  if name == "sandbox" then
    if base_url then return fail("the environment sandbox is here, and %s is %s: unset one", word, base_url) end
    return { name = name, scripts = {} }
  end
  local entry = file.environments[name]
  if not entry then
    local near = arguments.nearest(name, file.environments)
    return fail("no environment is called %s%s%s", name, file.path and " in " .. file.path or "",
      near and "; did you mean " .. near .. "?" or "; there is: " .. table.concat(environment.names(file), ", "))
  end
  local base = base_of(file, name)
  if base_url and origin.of(base) ~= origin.of(base_url) then
    return fail("the environment %s is at %s, and %s is %s: unset one", name, base, word, base_url)
  end
  return { name = name, base_url = base_url or base, file = not base_url and entry.base_url and file.path or nil,
    scripts = entry.scripts or {}, settings = entry }
end

-- The environment that stands at a service: the project's own choice when it does, else the only one that does.
local function at(file, base_url)
  local found = {}
  for _, name in ipairs(sorted(file.environments)) do
    if origin.of(base_of(file, name)) == origin.of(base_url) then
      if name == file.environment then return name end
      found[#found + 1] = name
    end
  end
  return #found == 1 and found[1] or nil
end

--- The names of a project's environments, sorted; `sandbox` is always there.
function environment.names(file)
  local names = sorted(file.environments)
  names[#names + 1] = "sandbox"
  return names
end

-- The one that the file chooses, or its only one; nil where there is none.
local function default(file)
  if file.environment or not next(file.environments) then return file.environment end
  local names = sorted(file.environments)
  if #names == 1 then return names[1] end
  return fail("say which environment with --env or PATCHWORKS_ENV: %s", table.concat(environment.names(file), ", "))
end

--- Resolves what was asked for.
-- @tparam table file what patchworks.project.file reads
-- @tparam table given `env`, `base_url`: what was asked for, or nil
-- @tparam function getenv
-- @treturn ?table `name` (nil where no environment is meant), `base_url`, `scripts` (ids by name), `file` (who named
-- the service, where it was not its owner), `settings` (what the file says); or nil and an error of kind "file"
function environment.resolve(file, given, getenv)
  local base_url, word = owners_word(given, getenv)
  if base_url then
    local place, path = origin.parse(base_url)
    if not place then return fail("%s: %s", word, path) end
    base_url = origin.base(place, path)
  end
  local name = given.env or present(getenv "PATCHWORKS_ENV")
  if name then return named(file, name, base_url, word) end
  if file.old then
    local entry = file.environments.default
    return { base_url = base_url or base_of(file, "default"), scripts = entry.scripts or {}, settings = entry,
      file = not base_url and entry.base_url and file.path or nil }
  end
  if base_url then
    name = at(file, base_url)
    return name and named(file, name, base_url, word) or { base_url = base_url, scripts = {} }
  end
  local problem
  name, problem = default(file)
  if problem then return nil, problem end
  return name and named(file, name) or { base_url = origin.vendor, scripts = {} }
end

return environment
