--- Projects as the reference shows them.
-- @module patchworks.reference.projects
local method = require("patchworks.call.methods").method

local projects = {
  name = "projects",
  class = "patchworks.project_module",
  dotted = true,
  says = "Projects: scripts by name, and the environments that they are published to, as `patchworks.project.lua` "
    .. "says.",
  example = [[local projects = require "patchworks.project"]],
  order = { "load", "none" },
  methods = {
    method {
      name = "load",
      says = "Reads a project. Without a path its file is looked for in the working directory, and above it up to the "
        .. "repository's root.",
      takes = { { "path", "any", "of its file", type = "string?" } },
      gives = "patchworks.project",
      given = "the project; or nil and an error of kind `file`",
      example = [[local project, err = projects.load "patchworks.project.lua"]],
    },
    method {
      name = "none",
      says = "What stands in for a project where there is none: nothing has a name.",
      gives = "patchworks.project",
      never_nil = true,
      example = [[print(#projects.none():scripts())]],
    },
  },
}

local an_environment = { "env", "any", "the environment's name; by default PATCHWORKS_ENV, the one at "
  .. "PATCHWORKS_BASE_URL, or the file's choice", type = "string?" }
local one = { "environment", "table", "what `environment` gave" }
local a_name = { "name", "string", "of the script" }
local another_url = { "base_url", "string", "the owner's word for another service, like PATCHWORKS_BASE_URL" }

local project = {
  name = "project",
  class = "patchworks.project",
  says = "A project: what `projects.load` gives. What goes wrong with its files is an error of kind `file`.",
  fields = {
    { "root?", "string", "its folder" },
    { "path?", "string", "its file" },
    { "notice?", "string", "a sentence about a file of old" },
  },
  order = {
    "scripts", "script", "source", "environments", "environment", "id", "settings", "client", "manifest", "plan",
    "sandbox", "run", "test", "watch", "keep", "pull", "status", "diff", "history", "logs", "publish", "rollback",
    "close",
  },
  methods = {
    method {
      name = "scripts",
      says = "The scripts, sorted by name.",
      gives = "table[]",
      given = "each `name`, `file`, `cases`, `keep`, `smoke`, `language`",
      never_nil = true,
      example = [[for _, script in ipairs(project:scripts()) do print(script.name, script.file) end]],
    },
    method {
      name = "script",
      says = "A script by its name.",
      takes = { a_name },
      gives = "table",
      given = "as `scripts` gives it; or nil and an error",
      example = [[local script, err = project:script "orders"]],
    },
    method {
      name = "source",
      says = "The source of a script, from its file.",
      takes = { a_name },
      gives = "string",
      given = "the source; or nil and an error",
      example = [[local source, err = project:source "orders"]],
    },
    method {
      name = "environments",
      says = "The names of the environments, sorted; `sandbox` comes last and is always there.",
      gives = "string[]",
      never_nil = true,
      example = [[print(table.concat(project:environments(), ", "))]],
    },
    method {
      name = "environment",
      says = "Which service an environment is. The sandbox is started for it.",
      takes = { an_environment },
      options = { another_url },
      gives = "table",
      given = "`name`, `base_url`, `origin`, `scripts` (ids by name), `settings`; or nil and an error",
      example = [[local environment, err = project:environment "sandbox"]],
    },
    method {
      name = "id",
      says = "The id of a script in an environment.",
      takes = { { "name", "id", "of the script, or its id, which is given back" }, one },
      gives = "string",
      given = "the id; or nil and an error",
      example = [[print(project:id("orders", assert(project:environment "sandbox")))]],
    },
    method {
      name = "settings",
      says = "What the file says about an environment's service, as options of patchworks.new; without a credential, "
        .. "and without whom TLS trusts.",
      takes = { one },
      gives = "patchworks.new_options",
      never_nil = true,
      example = [[print(project:settings(assert(project:environment "sandbox")).base_url)]],
    },
    method {
      name = "client",
      says = "A client of an environment, with the credential that may go there.",
      takes = { an_environment },
      options = {
        another_url,
        { "on_event", "function", "as for patchworks.new", type = "fun(event: patchworks.event)" },
        { "loop", "any", "as for patchworks.new", type = "table" },
        { "record_file", "string", "as for patchworks.new" },
      },
      gives = "patchworks.client",
      given = "the client, and its environment; or nil and an error",
      more = "table|patchworks.error",
      example = [[local client <close> = assert(project:client "sandbox")]],
    },
    method {
      name = "manifest",
      says = "What `client:plan` takes: scripts with their ids in an environment, and the sources in their files.",
      takes = { one, { "only", "any", "names of scripts; all by default", type = "string[]?" } },
      gives = "patchworks.manifest",
      given = "the manifest; or nil and an error",
      example = [[local manifest, err = project:manifest(assert(project:environment "sandbox"))]],
    },
    method {
      name = "plan",
      says = "What publishing the project would change. Takes what `client:plan` takes, too.",
      takes = { an_environment },
      options = { { "only", "table", "names of scripts; all by default", type = "string[]" }, another_url },
      gives = "patchworks.plan",
      given = "the plan, and the client to apply it with; or nil and an error",
      more = "patchworks.client|patchworks.error",
      requests = "1 a script",
      example = [[local plan, client = project:plan "sandbox"]],
    },
    method {
      name = "sandbox",
      says = "The project's sandbox, started when it isn't yet. `close` ends it; what was done there stays.",
      gives = "patchworks.sandbox",
      given = "the server; or nil and an error",
      example = [[local server, err = project:sandbox()]],
    },
    method {
      name = "close",
      says = "Ends what was started for the project.",
      example = [[project:close()]],
    },
  },
}

for _, each in ipairs(require "patchworks.reference.workbench") do table.insert(project.methods, each) end

return { projects, project }
