--- What a command works with: the words it was given, the project, and a client that is made when it is needed.
-- @module patchworks.cli.context
local codes = require "patchworks.cli.codes"
local errors = require "patchworks.errors"
local output = require "patchworks.cli.output"
local patience = require "patchworks.cli.patience"
local show = require "patchworks.cli.show"
local underway = require "patchworks.cli.underway"
local words = require "patchworks.cli.words"

local Context = {}
Context.__index = Context

local context = {}

--- @tparam table given what the parser read
-- @tparam table list the words that it was read from
function context.new(given, list) return setmetatable({ given = given, words = list }, Context) end

-- The value, or its error raised for the command line to explain.
local function check(value, err)
  if value == nil then error(err, 0) end
  return value, err
end

--- The project that the command runs in, or one without names where there is none. Raises when its file can't be used.
function Context:project()
  if not self.loaded then
    local project = require "patchworks.project"
    self.loaded = require("patchworks.project.file").find() and check(project.load()) or project.none()
    if self.loaded.notice then output.say("%s", self.loaded.notice) end
    underway.remind(self.loaded)
  end
  return self.loaded
end

local function tell_event(event)
  if event.type == "attempt" then
    output.say("%s: attempt %d: %s, %.3f s", event.operation, event.number, event.status or event.kind, event.seconds)
  elseif event.type == "retry" or event.type == "wait" then
    output.say("%s: %s, waiting %.1f s", event.operation, event.type, event.seconds)
  end
end

--- A listener for calls and releases.
-- @tparam ?function own is called with each event too
function Context:listener(own)
  return function(event)
    patience.heard()
    if self.given.verbose then tell_event(event) end
    if event.type == "record" then
      self.unrecorded = true
      output.complain(event.message)
    end
    if own then own(event) end
  end
end

--- What a release's methods are given beside their own: who listens, and who keeps the account of what is under way.
-- @tparam ?function own a listener
-- @treturn table `on_event`, `record`
function Context:watched(own)
  self:client()
  return { on_event = self:listener(own), record = underway.record(self) }
end

--- The client of this command's environment.
function Context:client()
  if not self.made then
    local given = self.given
    self.made, self.environment = check(self:project():client(given.env, {
      base_url = given.base_url,
      on_event = self:listener(),
      record_file = given.record,
    }))
    patience.begin(self.environment.base_url)
  end
  return self.made
end

--- Which service is meant, without a client for it. Raises where that can't be said.
-- @tparam ?string env in place of `--env`
function Context:service(env)
  local given = self.given
  return (check(self:project():environment(env or given.env, { base_url = given.base_url })))
end

--- The operations on script versions.
function Context:versions() return self:client().script_versions end

local function no_project()
  local file = require "patchworks.project.file"
  error(("there is no %s in this folder, nor above it up to the repository's root; make one with: patchworks init")
    :format(file.name), 0)
end

--- Raises where a script is named, and there is no project that could have the name: before a credential is looked for.
function Context:may_name(word)
  if not word:find "^%d+$" and not self:project().path then no_project() end
end

--- The id of the script that was given by id or by name. Raises where there is none.
function Context:script(name)
  if name == "" then error("SCRIPT is an empty word: expected the id of a script, or its name in the project", 0) end
  self:may_name(name)
  self:client()
  return (check(self:project():id(name, self.environment)))
end

--- The name of the project's script that is meant: by its name, or by the id that it has in this environment. What is
-- done to a script by its id goes by what this folder remembers of it too. Nil where the project has no such script.
function Context:name(word)
  local scripts = self:project().file.scripts
  if scripts[word] then return word end
  if not (next(scripts) and word:find "^%d+$") then return nil end
  local environment = self.environment or self:service()
  for name, id in pairs(environment.scripts) do
    if tostring(id) == word and scripts[name] then return name end
  end
end

--- What saves the source of a version before it is deleted, as `prune` takes it: see patchworks.project.pruned.
-- @tparam string word the script's id or name
-- @treturn function
function Context:saver(word)
  local id, project = self:script(word), self:project()
  local name = self:name(word)
  local save, account = require("patchworks.project.pruned").saver {
    root = project.root or ".", id = id, name = name, file = name and project.file.scripts[name].file,
  }
  self.sources = account
  return save
end

--- Where the source of a version was saved before it was deleted; nil where it wasn't.
function Context:saved_at(version) return self.sources and self.sources.paths[version.id] end

--- The exit code of a command that was to save what it deletes: a failure where something couldn't be saved.
-- @tparam integer code what it is otherwise
function Context:saved(code)
  local problem = self.sources and self.sources.problem
  if not problem or code ~= codes.done then return code end
  return show.failure(errors.new {
    kind = "file",
    operation = "prune",
    message = "what couldn't be saved was not deleted: " .. problem,
    hint = "make the folder writable, or `prune --no-save`",
  }, codes.failed)
end

--- The names of scripts where the project has them; each other word as it is, to be told of.
function Context:named(words_given)
  local names = {}
  for i, word in ipairs(words_given) do names[i] = self:name(word) or word end
  return names
end

--- The scripts of the project that were named, or all of them. Raises where there are none.
-- @treturn table a list of names
function Context:names()
  local project, names = self:project(), self.given.names
  if names[1] then return self:named(names) end
  for i, script in ipairs(project:scripts()) do names[i] = script.name end
  if names[1] then return names end
  if project.path then error(("%s names no script: add some to its `scripts`"):format(project.path), 0) end
  return no_project()
end

--- The scripts that `--only` names, or nil for all.
function Context:only()
  local only = self.given.only
  return only and only[1] and only or nil
end

--- The live version of a script, nil where none is deployed. 1 request.
function Context:live(script)
  local deployed = check(self:versions():list(script, { filter = { is_deployed = true } }):all())
  return require("patchworks.service").live(deployed)
end

--- The id of the version that was given, or of the live one of the script that was named. 1 request for a name.
-- @treturn integer
function Context:version(word)
  if word == "" then error("VERSION is an empty word: expected the id of a version, or a script's name", 0) end
  if word:find "^%d+$" then
    return math.tointeger(tonumber(word)) or error(("version: %s is no id"):format(word), 0)
  end
  local script = self:script(word)
  local live = self:live(script)
  if live then return live.id end
  error(errors.new {
    kind = "not_found",
    operation = "live",
    message = ("nothing of %s (script %s) is live"):format(word, script),
    hint = "publish it, or give a version's id",
  }, 0)
end

--- Asks before something that can't be taken back.
-- @treturn boolean|integer true to go on, else the exit code to end with
function Context:agreed(question)
  if self.given.yes then return true end
  local answer = patience.aside(output.confirm, question)
  if answer then return true end
  if answer == nil then
    return show.failure(("%s Nobody can be asked here: pass --yes to go on"):format(question))
  end
  output.say "nothing was done"
  return codes.failed
end

--- A further command for the same service, for people to copy.
-- @tparam table list its words
function Context:command(list)
  for _, name in ipairs { "env", "base_url" } do
    if self.given[name] then table.move({ "--" .. name:gsub("_", "-"), self.given[name] }, 1, 2, #list + 1, list) end
  end
  return words.command(list)
end

--- Closes what was opened for the command.
function Context:close()
  patience.finish()
  if self.made then self.made:close() end
  if self.loaded then self.loaded:close() end
end

Context.__close = Context.close

return context
