--- A project: scripts by name, and the environments that they are published to, as `patchworks.project.lua` says.
--
--     return {
--       scripts = { orders = { file = "scripts/orders.py", cases = "cases/orders", keep = 10 } },
--       environments = {
--         production = { scripts = { orders = 42 } },
--         staging = { base_url = "https://staging.example.com", scripts = { orders = 7 } },
--       },
--       environment = "staging",     -- unless PATCHWORKS_ENV, or who asks, says another
--     }
--
-- An environment `sandbox` is always there: the whole service on this machine, with the project's own names, kept in
-- `.patchworks/sandbox.db`.
--
-- @module patchworks.project
local arguments = require "patchworks.call.arguments"
local credential = require "patchworks.call.credential"
local environments = require "patchworks.project.environment"
local errors = require "patchworks.errors"
local files = require "patchworks.project.file"
local inside = require "patchworks.project.inside"
local keys = require "patchworks.project.keys"
local origin = require "patchworks.call.origin"
local seeding = require "patchworks.project.seeding"
local trust = require "patchworks.project.trust"
local uv = require "patchworks.loop.uv"

local Project = { __name = "patchworks.project" }
Project.__index = Project

local project = {}

local function fail(format, ...)
  return nil, errors.new { kind = "file", operation = "project", message = format:format(...) }
end

--- Reads a project.
-- @tparam ?string path of its file; by default it is looked for in the working directory, and above it up to the
-- repository's root, never above the home folder
-- @treturn ?table project: `root` (its folder), `path` (its file), `notice` (a sentence about a file of old, or nil);
-- or nil and an error of kind "file"
function project.load(path)
  local ok, file = pcall(function()
    local found = path or files.find()
    return found and files.read(found)
  end)
  if not ok then
    if errors.is_error(file) then return nil, file end
    error(file, 0)
  end
  if not file then return fail("there is no %s here; make one with: patchworks init", files.name) end
  local root = uv.fs_realpath(file.path):match "^(.*)/[^/]*$"
  root = root ~= "" and root or "/"
  return setmetatable({ root = root, path = file.path, notice = file.notice, file = file }, Project)
end

--- What stands in for a project where there is none: nothing has a name.
-- @treturn table project
function project.none()
  return setmetatable({ file = { scripts = {}, environments = {} } }, Project)
end

-- Where a name was looked for, for messages.
local function place(self) return self.path and "in " .. self.path or "and there is no " .. files.name .. " here" end

local most_named = 10 -- of the scripts, where none is like what was said

local function near(name, names)
  local nearest = arguments.nearest(name, names)
  if nearest then return "; did you mean " .. nearest .. "?" end
  local all = {}
  for each in pairs(names or {}) do all[#all + 1] = each end
  table.sort(all)
  local more = #all > most_named and ", .." or ""
  return #all > 0 and (" (it has %s%s)"):format(table.concat(all, ", ", 1, math.min(#all, most_named)), more) or ""
end

function Project:__tostring() return ("patchworks project (%s)"):format(self.path or "none") end

local function describe(self, name)
  local script = self.file.scripts[name]
  return {
    name = name,
    file = self.root .. "/" .. script.file,
    cases = script.cases and self.root .. "/" .. script.cases,
    keep = script.keep,
    smoke = script.smoke,
    language = script.language,
  }
end

--- The scripts, sorted by name.
-- @treturn table a list of `{name, file, cases, keep, smoke, language}`: `file` and `cases` are paths, `keep` how many
-- versions stay after a publish, `smoke` the names of the cases to run after one, `language` what the file's name
-- doesn't tell ("php8.1"); all but the first two may be nil
function Project:scripts()
  local list = {}
  for name in pairs(self.file.scripts) do list[#list + 1] = describe(self, name) end
  table.sort(list, function(left, right) return left.name < right.name end)
  return list
end

--- A script by its name.
-- @tparam string name
-- @treturn ?table as `scripts` gives it; or nil and an error of kind "file", also where a link leads its file or its
-- cases out of the project's folder
function Project:script(name)
  if not self.file.scripts[name] then
    return fail("no script is called %s %s%s", name, place(self), near(name, self.file.scripts))
  end
  local script = describe(self, name)
  for _, path in ipairs { script.file, script.cases } do
    local stays, problem = inside.check(self.root, path)
    if not stays then return nil, problem end
  end
  return script
end

--- The source of a script, from its file.
-- @tparam string name
-- @treturn ?string source; or nil and an error of kind "file"
function Project:source(name)
  local script, problem = self:script(name)
  if not script then return nil, problem end
  local handle <close>, reason = io.open(script.file, "rb")
  local text, why
  if handle then text, why = handle:read "a" end
  if not text then return fail("%s: can't read %s", name, reason or script.file .. ": " .. why) end
  if text == "" then return fail("%s: %s is empty", name, script.file) end
  return text
end

--- The names of the environments, sorted; `sandbox` comes last and is always there.
-- @treturn table a list
function Project:environments() return environments.names(self.file) end

--- Which service an environment is. The sandbox is started for it.
-- @tparam ?string env name; by default PATCHWORKS_ENV, or the environment at PATCHWORKS_BASE_URL, or the file's choice
-- @tparam ?table given `base_url`: the owner's word for another service, like PATCHWORKS_BASE_URL
-- @treturn ?table `name` (nil where no environment is meant), `base_url`, `origin`, `scripts` (ids by name), `settings`
-- (what the file says of it); or nil and an error of kind "file"
function Project:environment(env, given)
  local found, problem = environments.resolve(self.file, { env = env, base_url = given and given.base_url }, os.getenv)
  if not found then return nil, problem end
  if found.name == "sandbox" then
    local server, reason = self:sandbox()
    if not server then return nil, reason end
    found.base_url, found.scripts, found.api_key = server.url, self.sandbox_ids, server.key
  end
  found.origin, found.settings = origin.of(found.base_url), found.settings or {}
  return found
end

--- The id of a script in an environment.
-- @tparam string|integer name of the script, or its id, which is given back
-- @tparam table environment what `environment` gave
-- @treturn ?string id; or nil and an error of kind "file"
function Project:id(name, environment)
  if math.type(name) == "integer" or name:find "^[1-9]%d*$" then return tostring(name) end
  local id = environment.scripts[name]
  if id then return tostring(id) end
  local where = environment.name and "the environment " .. environment.name or environment.base_url
  if self.file.scripts[name] and environment.name == "sandbox" then
    return fail("%s: the sandbox can't tell its language: add language = \"python\", or another, to it in %s", name,
      self.path)
  elseif self.file.scripts[name] then
    return fail("%s has no id in %s: add scripts = { %s = ID } to it in %s", name, where, name, self.path)
  end
  -- The sandbox has scripts that the file doesn't name.
  local where_else = environment.name == "sandbox" and "in the sandbox of " .. self.path or place(self)
  return fail("no script is called %s %s%s", name, where_else, near(name, environment.scripts))
end

local client_names = { base_url = true, on_event = true, loop = true, record_file = true }

-- The credential that may go to an environment, as options of patchworks.new.
local function credential_for(self, environment)
  if environment.api_key then return { api_key = environment.api_key } end
  -- The stored ones are read when they are asked for: what the environment has wins over them.
  local problem
  local function kept(its_origin)
    local stored, authorities = keys.read(os.getenv)
    if stored then return stored[its_origin], authorities[its_origin] end
    problem = authorities
  end
  local login_url = environment.settings.login_url
  local granted, reason = credential.grant({
    base_url = environment.base_url,
    file = environment.file,
    login_url = login_url,
    login_file = login_url and self.path,
  }, os.getenv, kept)
  if not granted then
    return nil, problem or errors.new { kind = "file", operation = "credential", message = reason }
  end
  local certificates, refused = trust.certificates(self, environment, function()
    local key, trusted = kept(environment.origin)
    return key == granted.api_key and trusted or nil
  end, os.getenv)
  granted.ca_pem = certificates
  return not refused and granted or nil, problem or refused
end

--- What the file says about an environment's service, as options of patchworks.new; without a credential, and without
-- whom TLS trusts.
-- @tparam table environment what `environment` gave
-- @treturn table `base_url`, `login_url`, `login_field`, `rate_limit`
function Project:settings(environment) -- luacheck: no self
  local options = { base_url = environment.base_url }
  for _, name in ipairs { "login_url", "login_field", "rate_limit" } do options[name] = environment.settings[name] end
  return options
end

--- A client of an environment, with the credential that may go there: the environment variables', else one stored by
-- `patchworks login`. A service that only the project's file names gets none, but an error that says what to do; so
-- does one whose `ca_file` only the project names, see patchworks.project.trust.
-- @tparam ?string env name of the environment; see `environment`
-- @tparam ?table given `base_url` (the owner's word for another service), `on_event`, `loop`, `record_file`, as for
-- patchworks.new
-- @treturn ?table client; or nil and an error of kind "file"
-- @treturn table the environment
function Project:client(env, given)
  arguments.check_names(given, client_names, "client")
  given = given or {}
  local environment, problem = self:environment(env, given)
  if not environment then return nil, problem end
  local granted, reason = credential_for(self, environment)
  if not granted then return nil, reason end
  local options = self:settings(environment)
  for name, value in pairs(granted) do options[name] = value end
  options.on_event, options.loop, options.record_file = given.on_event, given.loop, given.record_file
  return require("patchworks").new(options), environment
end

-- The test of a release, from the case that is to be run after one. A case is data, so that a plan can be kept.
local function smoke_test(self, script)
  if not (script.smoke and script.smoke[1]) then return nil end
  if script.smoke[2] then
    return fail("%s: smoke: a plan runs one case after a deployment, and %d are named", script.name, #script.smoke)
  end
  local cases = require "patchworks.project.cases"
  local found, problem = cases.find(script.cases or self.root .. "/cases", script.smoke[1], self.root)
  if not found then return nil, problem end
  local case = found[1]
  if case.problem then return fail("%s/%s: %s", script.name, case.name, case.problem) end
  return { payload = case.payload, variables = case.variables, flow = case.flow,
    expect = case.expect, compare = case.compare }
end

--- What `client:plan` takes: scripts with their ids in an environment and the sources in their files.
-- @tparam table environment what `environment` gave
-- @tparam ?table only names of scripts; all by default
-- @treturn ?table manifest, with the `smoke` case of a script as its test; or nil and an error of kind "file"
function Project:manifest(environment, only)
  local scripts = {}
  for _, name in ipairs(only or {}) do scripts[#scripts + 1] = { name = name } end
  if not only then scripts = self:scripts() end
  if #scripts == 0 then return fail("%s names no script", self.path or "nothing here") end
  local manifest = { scripts = {} }
  for i, script in ipairs(scripts) do
    local source, problem = self:source(script.name)
    if not source then return nil, problem end
    local id, reason = self:id(script.name, environment)
    if not id then return nil, reason end
    local known = self:script(script.name)
    local test, trouble = smoke_test(self, known)
    if trouble then return nil, trouble end
    manifest.scripts[i] = { id = id, name = script.name, content = source, keep = known.keep, test = test }
  end
  return manifest
end

--- What publishing the project would change.
-- @tparam ?string env name of the environment; see `environment`
-- @tparam ?table given `only` (a list of scripts' names; all), `base_url`, and what `client:plan` takes
-- @treturn ?table plan, see patchworks.release.plan; or nil and an error
-- @treturn table client, to apply it with, and to be closed
function Project:plan(env, given)
  local options = {}
  for name, value in pairs(given or {}) do options[name] = value end
  local only, base_url = options.only, options.base_url
  options.only, options.base_url = nil, nil
  local client, environment = self:client(env, { base_url = base_url })
  if not client then return nil, environment end
  local manifest, problem = self:manifest(environment, only)
  local plan
  if manifest then plan, problem = client:plan(manifest, options) end
  if plan then return plan, client end
  client:close()
  return nil, problem
end

-- The folder's own, so that a plan, a recording and a page in the browser still fit tomorrow: below those that systems
-- give away by themselves.
local function usual_port(root)
  local sum = 5381
  for _, byte in ipairs { root:byte(1, -1) } do sum = (sum * 33 + byte) & 0xffffffff end
  return 20000 + sum % 12000
end

local function start_sandbox(sandbox, root, data)
  local server, problem = sandbox.start { data = data, port = usual_port(root) }
  if server or not problem:find "Address already in use" then return server, problem end
  return sandbox.start { data = data }
end

--- The project's sandbox, started when it isn't yet. `close` ends it; what was done there stays.
-- @treturn ?table server, see patchworks.sandbox; or nil and an error of kind "file"
function Project:sandbox()
  if self.server then return self.server end
  if not self.root then return fail "the environment sandbox belongs to a project, and there is none here" end
  local found, sandbox = pcall(require, "patchworks.sandbox")
  if not found then return fail "the sandbox is not installed: luarocks install patchworks-sandbox" end
  local folder = self.root .. "/.patchworks"
  for _, path in ipairs { folder, folder .. "/sandbox.db" } do
    local stays, trouble = inside.check(self.root, path)
    if not stays then return nil, trouble end
  end
  uv.fs_mkdir(folder, tonumber("700", 8))
  local server, problem = start_sandbox(sandbox, uv.fs_realpath(self.root) or self.root, folder .. "/sandbox.db")
  if not server and problem:find "in use by another sandbox" then
    return fail("another command has this project's sandbox open (`dev`, or `logs --follow`): end that one first; "
      .. "in `dev` p publishes, and l shows the logs")
  end
  if not server then return fail("%s", problem) end
  local ids, reason = seeding.seed(self, server)
  if not ids then
    server:close()
    return nil, reason
  end
  self.server, self.sandbox_ids = server, ids
  return server
end

--- Ends what was started for the project.
function Project:close()
  if self.server then self.server:close() end
  self.server = nil
end

Project.__close = Project.close

-- What is done with a project is loaded when it is first used: see patchworks.project.workbench.
for _, name in ipairs {
  "run", "test", "watch", "keep", "pull", "status", "diff", "history", "logs", "publish", "rollback",
} do
  Project[name] = function(self, ...) return require("patchworks.project.workbench")[name](self, ...) end
end

return project
