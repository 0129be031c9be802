--- What is done with a project: its methods beside those that say what is in it.
--
-- Scripts are given by name; `run` takes a path too, and `test` the name of one case, `orders/gb`. What asks a service
-- takes `env` (the environment's name) and `base_url` as `project:client` does, and `client`, one that is open already
-- with its `environment`.
--
-- @module patchworks.project.workbench
local cases = require "patchworks.project.cases"
local errors = require "patchworks.errors"
local live = require "patchworks.project.live"
local state = require "patchworks.project.state"
local uv = require "patchworks.loop.uv"
local written = require "patchworks.project.written"

local workbench = {}

local function fail(operation, format, ...)
  return nil, errors.new { kind = "file", operation = operation, message = format:format(...) }
end

-- A path as people know it: below the project's folder.
local function shown(project, path)
  local root = project.root and project.root .. "/"
  return root and path:sub(1, #root) == root and path:sub(#root + 1) or path
end

local function as_script(project, script)
  return {
    name = script.name,
    file = shown(project, script.file),
    path = script.file,
    cases_folder = script.cases,
    smoke = script.smoke,
    keep = script.keep,
    language = script.language,
  }
end

local function named(project, name)
  local script, problem = project:script(name)
  if not script then return nil, problem end
  return as_script(project, script)
end

--- A script that is named, or whose file is; without a word the only one there is.
-- @treturn ?table `name`, `file` (as it is shown), `path`, `cases_folder`, `smoke`, `keep`; or nil and an error
function workbench.script(project, word, operation)
  local all = project:scripts()
  if not word then
    if #all == 1 then return named(project, all[1].name) end
    return fail(operation, "say which script: a name in the project, or a file")
  end
  for _, script in ipairs(all) do
    if script.name == word or script.file == word or shown(project, script.file) == word then
      return named(project, script.name)
    end
  end
  local file = io.open(word, "rb")
  if not file then
    local _, problem = project:script(word)
    return nil, problem
  end
  file:close()
  return { name = word:match "([^/]+)%.%w+$" or word, file = word, path = word }
end

-- Whether a script's source can be read: before it is run, so that what can't be is no script that fails.
local function check_source(script, operation)
  local text, problem = live.read(script.path, operation)
  if text then return true end
  if problem then return nil, problem end
  return fail(operation, "%s: there is no file %s", script.name, script.file)
end

--- Runs a script here and now, with no account. See patchworks.project.run.
-- @tparam table project
-- @tparam ?string word its name, or a file; the only one there is
-- @tparam ?table given `payload` (string), `variables`, `flow` (tables), `timeout` (120 s)
-- @treturn ?table outcome: `payload`, `logs`, `failure`, `seconds`, ..; or nil and an error of kind "file"
-- @treturn table the script
-- @usage local outcome = project:run("orders", { payload = order })
function workbench.run(project, word, given)
  local script, problem = workbench.script(project, word, "run")
  if not script then return nil, problem end
  local there, reason = check_source(script, "run")
  if not there then return nil, reason end
  return require("patchworks.project.run").once(script, given), script
end

--- What is to be tested: scripts with their cases.
-- @tparam table project
-- @tparam ?table names of scripts, or `NAME/CASE`; all
-- @treturn ?table a list of `{script, cases}`; or nil and an error of kind "file"
function workbench.selection(project, names)
  local list = {}
  local function add(script, only)
    local found, problem = {}, nil
    if script.cases_folder then
      found, problem = cases.find(script.cases_folder, only, project.root)
    elseif only then
      return fail("test", "%s has no cases: add `cases` to it in %s", script.name, project.path)
    end
    if not found then return nil, problem end
    for _, case in ipairs(found) do
      if case.expect_path then case.expect_path = shown(project, case.expect_path) end
    end
    list[#list + 1] = { script = script, cases = found }
    return true
  end
  if not names or #names == 0 then
    names = {}
    for i, script in ipairs(project:scripts()) do names[i] = script.name end
    if #names == 0 then return fail("test", "the project names no scripts") end
  end
  for _, word in ipairs(names) do
    local name, only = word:match "^([^/]+)/(.+)$"
    local script, problem = project:script(name or word)
    if not script then return nil, problem end
    local added, reason = add(as_script(project, script), only)
    if not added then return nil, reason end
  end
  return list
end

-- The cases of one script, against its version that is live.
local function test_live(place, each, tell)
  local run = require "patchworks.project.run"
  local tasks = require "patchworks.time.tasks"
  local version, problem = live.version(place)
  if not version then
    local failure = problem and tostring(problem) or ("nothing of %s is live"):format(place.name)
    for i, case in ipairs(each.cases) do tell(i, run.judge(each.script, case, { failure = failure, logs = {} })) end
    return
  end
  local passed = {}
  tasks.map(each.cases, function(case, index)
    local began = os.clock()
    local outcome = { logs = {} }
    if not case.problem then
      local answer, response = place.versions:invoke(version.id, {
        payload = case.payload, variables = case.variables, flow = case.flow,
      })
      outcome = run.remote_outcome(answer, response)
      outcome.seconds = response and response.timing and response.timing.total or os.clock() - began
    end
    local result = run.judge(each.script, case, outcome)
    if result.ok then passed[#passed + 1] = case.name end
    tell(index, result)
    return true
  end)
  table.sort(passed)
  state.note(place.root, place.origin, place.id, { passed = { version = version.id, cases = passed } })
end

local function count_failed(results)
  local failed = 0
  for _, result in ipairs(results) do failed = failed + (result.ok and 0 or 1) end
  return failed
end

--- Runs cases: here, on every core; or, with `env`, what is deployed there.
-- @tparam table project
-- @tparam ?table names of scripts, or `NAME/CASE`; all
-- @tparam ?table given `on_result` (called with each as it comes), `concurrency`, `timeout` (120 s, for each), `update`
-- (what came becomes what is expected); or `env`, `base_url`, `client` for what is deployed
-- @treturn ?table results, each `name`, `script`, `case`, `ok`, `problem`, `diff`, `seconds`, `path`; or nil and an
-- error. A case that fails is no error
-- @treturn integer how many failed
-- @usage local results, failed = project:test({ "orders" })
function workbench.test(project, names, given)
  given = given or {}
  local list, problem = workbench.selection(project, names)
  if not list then return nil, problem end
  if not (given.env or given.client) then
    for _, each in ipairs(list) do
      local there, reason = check_source(each.script, "test")
      if not there then return nil, reason end
    end
    local results = require("patchworks.project.run").cases(list, given)
    return results, count_failed(results)
  end
  local results = {}
  local done, reason = workbench.with_client(project, given, function(client, environment)
    for _, each in ipairs(list) do
      if #each.cases > 0 then
        local place, trouble = workbench.place(project, each.script.name, client, environment)
        if not place then return nil, trouble end
        local before = #results
        test_live(place, each, function(index, result)
          results[before + index] = result
          if given.on_result then given.on_result(result) end
        end)
      end
    end
    return true
  end)
  if not done then return nil, reason end
  return results, count_failed(results)
end

--- Does something with a client of an environment: the one that is given, or one that is closed afterwards.
function workbench.with_client(project, given, act)
  if given.client then return act(given.client, given.environment) end
  local client, environment = project:client(given.env, { base_url = given.base_url })
  if not client then return nil, environment end
  local open <close> = client -- luacheck: ignore (it is closed at the end)
  return act(client, environment)
end

--- A script at a service. See patchworks.project.live.
-- @treturn ?table place; or nil and an error of kind "file"
function workbench.place(project, name, client, environment)
  local script, problem = project:script(name)
  if not script then return nil, problem end
  local id, reason = project:id(name, environment)
  if not id then return nil, reason end
  return {
    root = project.root,
    name = name,
    file = shown(project, script.file),
    path = script.file,
    id = id,
    origin = state.place(environment),
    versions = client.script_versions,
    script = as_script(project, script),
  }
end

-- A method that does something with one script at a service.
local function at_place(module, act)
  return function(project, name, given)
    given = given or {}
    local options = {}
    for key, value in pairs(given) do options[key] = value end
    for _, key in ipairs { "env", "base_url", "client", "environment" } do options[key] = nil end
    return workbench.with_client(project, given, function(client, environment)
      local place, problem = workbench.place(project, name, client, environment)
      if not place then return nil, problem end
      return require("patchworks.project." .. module)[act](place, options)
    end)
  end
end

--- Brings what is live into a script's file, unless what was changed here would be lost: see patchworks.project.pull.
-- @function pull
-- @tparam table project
-- @tparam string name
-- @tparam ?table given `theirs`
workbench.pull = at_place("pull", "pull")

--- How a script stands: see patchworks.project.pull.
-- @function status
workbench.status = at_place("pull", "status")

--- What publishing a script's file would change, as a unified diff: see patchworks.project.pull.
-- @function diff
workbench.diff = at_place("pull", "diff")

--- A script's history: see patchworks.project.history.
-- @function history
workbench.history = at_place("history", "read")

--- A script's newest log entries, across its versions: see patchworks.project.logs.
-- @function logs
workbench.logs = at_place("logs", "read")

--- Makes a script's file the live version, never over somebody else's unseen: see patchworks.project.publish.
-- @function publish
workbench.publish = at_place("publish", "publish")

--- Makes the version live again that was live before: see patchworks.project.publish.
-- @function rollback
workbench.rollback = at_place("publish", "rollback")

--- Watches a project in luv's loop, and runs what changed: see patchworks.project.session.
-- @tparam table project
-- @tparam ?table names of scripts, or `NAME/CASE`; all
-- @tparam table on `start(list)`, `results(list, results)`, `problem(sentence)`
-- @tparam ?table given `timeout`, `update`
-- @treturn ?table session: `rerun`, `close`; or nil and an error of kind "file"
function workbench.watch(project, names, on, given)
  return require("patchworks.project.session").new(project, names, on, given)
end

--- Keeps an invocation as a case of a script, without what looks like a secret: see patchworks.project.secrets.
-- @tparam table project
-- @tparam string name of the script
-- @tparam string case its name, which must be new
-- @tparam table given `payload` (string), `variables`, `flow` (tables), `answer` (the payload that came), `known`
-- (texts that are secrets; the credential in the environment is one)
-- @treturn ?string the case's folder; or nil and an error of kind "file"
-- @treturn table what was left out, such as `{"variables.api_key"}`
function workbench.keep(project, name, case, given)
  local core = require "patchworks.core"
  local secrets = require "patchworks.project.secrets"
  local script, problem = project:script(name)
  if not script then return nil, problem end
  if not script.cases then
    return fail("save", '%s has no folder of cases: add cases = "cases/%s" to it in %s', name, name, project.path)
  end
  local kept, left, known = {}, {}, { table.unpack(given.known or {}) }
  for _, variable in ipairs { "PATCHWORKS_API_KEY", "PATCHWORKS_TOKEN", "PATCHWORKS_PASSWORD" } do
    known[#known + 1] = os.getenv(variable)
  end
  for _, field in ipairs { "payload", "variables", "flow", "answer" } do
    local value = given[field]
    if value ~= nil then
      local text = type(value) == "table" and assert(core.encode(value)) or value
      local clean, found = secrets.without(text, field, known)
      table.move(found, 1, #found, #left + 1, left)
      kept[field] = type(value) == "table" and core.decode(clean) or clean
    end
  end
  local folder = script.cases .. "/" .. case
  local was_there = uv.fs_lstat(folder)
  local path, reason = cases.save(script.cases, case, kept)
  if not path then
    if not was_there then written.take_back(folder) end -- half a case would be run as a whole one
    return nil, reason
  end
  return shown(project, path), left
end

return workbench
