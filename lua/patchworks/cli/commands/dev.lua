--- `patchworks dev`: watches the project, and shows on one screen what its cases say.
-- @module patchworks.cli.commands.dev
local codes = require "patchworks.cli.codes"
local loop = require "patchworks.cli.loop"
local output = require "patchworks.cli.output"
local publishing = require "patchworks.cli.publishing"
local readings = require "patchworks.cli.readings"
local results = require "patchworks.cli.results"
local show = require "patchworks.cli.show"
local uv = require "patchworks.loop.uv"

local dev = { description = "Watch the project: what changes is run through its cases; keys publish and show logs." }

function dev.declare(command)
  command:argument("names", "Scripts; all."):args "*"
  readings.seconds(command, "--timeout", "Seconds that a case may run (120).")
end

local Screen = {}
Screen.__index = Screen

-- What is known of each script: its newest results.
local function take(self, list, some)
  for _, each in ipairs(list) do self.results[each.script.name] = {} end
  for _, result in ipairs(some) do table.insert(self.results[result.script], result) end
end

function Screen:names()
  local names = {}
  for name in pairs(self.results) do names[#names + 1] = name end
  table.sort(names)
  return names
end

function Screen:draw(seconds)
  if output.json then return end
  -- From the top: whoever looks sees what is, not what was.
  output.clear_screen()
  local failed, count, shown = 0, 0, {}
  for _, name in ipairs(self:names()) do
    for _, result in ipairs(self.results[name]) do
      count = count + 1
      if not result.ok then failed = failed + 1 end
      shown[#shown + 1] = result
    end
  end
  for _, script in ipairs(self.scripts) do results.warn(script) end
  results.cases(shown, nil, seconds)
  if self.note then output.say("%s", self.note) end
  local keys = self.keys and "p publish, l logs, r rerun, q quit" or "Ctrl-C ends it"
  output.say("%s", output.paint_error("watching; " .. keys, "dim"))
end

local function started(self, list)
  self.began = uv.hrtime()
  for _, each in ipairs(list) do
    local known = false
    for i, script in ipairs(self.scripts) do
      if script.name == each.script.name then self.scripts[i], known = each.script, true end
    end
    if not known then table.insert(self.scripts, each.script) end
  end
end

local function ended(self, list, some)
  take(self, list, some)
  self.note = nil
  local seconds = (uv.hrtime() - self.began) / 1e9
  if output.json then return results.cases(some, nil, seconds) end
  self:draw(seconds)
end

-- A question on the screen: the next key answers it.
local function ask_publish(self)
  local good = {}
  for _, name in ipairs(self:names()) do
    local fine = #self.results[name] > 0
    for _, result in ipairs(self.results[name]) do fine = fine and result.ok end
    if fine then good[#good + 1] = name end
  end
  if #good == 0 then return output.say "nothing to publish: no script passes its cases" end
  self.context.loaded = self.session.project -- its file may have been changed since
  self.context:client()
  local environment = self.context.environment
  output.say("publish %s to %s? [y/N]", table.concat(good, ", "), environment.name or environment.base_url)
  self.asked = function(key)
    if key ~= "y" and key ~= "Y" then return output.say "nothing was published" end
    for _, name in ipairs(good) do
      show.release(publishing.publish(self.context, name, { on_event = show.steps() }))
    end
    output.flush()
  end
end

local function say_entry(entry)
  output.say("  %s  %s", entry.created_at or "-", tostring(entry.message))
end

local function show_logs(self)
  local project, client = self.session.project, self.context:client()
  for _, name in ipairs(self:names()) do
    local status = show.check(project:status(name, { client = client, environment = self.context.environment }))
    local entries = status.live and show.check(client.script_versions:logs(status.live.id, { limit = 10 }):all()) or {}
    output.say("%s: %s", name, #entries == 0 and "no logs" or tostring(status.live))
    for _, entry in ipairs(entries) do say_entry(entry) end
  end
end

local keys = { p = ask_publish, l = show_logs, r = function(self) self.session:rerun() end }

-- What goes wrong at the service is told, and the watching goes on.
local function press(self, key, finish)
  local asked, act = self.asked, keys[key]
  self.asked = nil
  if not asked and key == "q" then return finish(codes.done) end
  local ok, problem = true, nil
  if asked then
    ok, problem = pcall(asked, key)
  elseif act then
    ok, problem = pcall(act, self)
  end
  if not ok then output.complain(tostring(problem)) end
end

function dev.run(context)
  local given, project = context.given, context:project()
  local screen = setmetatable({ context = context, results = {}, scripts = {} }, Screen)
  screen.keys = uv.guess_handle(0) == "tty"
  return loop.run(function(guard)
    screen.session = show.check(project:watch(given.names, {
      start = guard(function(list) started(screen, list) end),
      results = guard(function(list, some) ended(screen, list, some) end),
      problem = output.complain,
    }, { timeout = given.timeout }))
    if screen.session.watcher.polled then
      screen.note = "the system has no watches left: looking once a second"
    end
    return screen.session
  end, function(key, finish) press(screen, key, finish) end)
end

return dev
