--- The words of the command line, as argparse has them.
-- @module patchworks.cli.parser
local argparse = require "argparse"
local commands = require "patchworks.cli.commands"

local epilog = [[
The credential comes from the environment (PATCHWORKS_API_KEY, PATCHWORKS_TOKEN, or PATCHWORKS_USERNAME and
PATCHWORKS_PASSWORD) or from `patchworks login`. It is never a flag: a process's arguments are for all to see.
Exit codes: 0 done or nothing to do, 1 failed, 2 usage, 3 a deployment or test failed and the previous version is
live, 4 that failed and somebody has to look, 5 the outcome is unknown, 6 not authorised, 7 there is something to
publish (plan --detailed-exitcode), 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM.]]

local parser = {}

-- Raised by a word that asks for a text: argparse would print it, and exit with 0 whether that went well or not.
local Shown = {}

local function show(text) error(setmetatable({ text = text }, Shown), 0) end

local function version() return "patchworks " .. require("patchworks")._VERSION end

local function add_help(command)
  command:add_help { action = function() show(command:get_help()) end }
end

--- Makes the parser of every command, or of the one that has this name.
-- @tparam ?string only
function parser.new(only)
  local self = argparse("patchworks", "Deploy, invoke and watch script versions on the Patchworks platform.", epilog)
  add_help(self)
  self:flag("--version", "Print the version."):action(function() show(version()) end)
  self:require_command(true)
  self:command_target "command"
  for name, each in commands.each(only) do
    local command = self:command(name, each.description)
    add_help(command)
    each.declare(command)
    command:flag("--json", "One JSON object a line.")
    command:option("--env", "The project's environment; sandbox is always there.")
    command:option("--base-url", "Another service, such as a sandbox.")
    if not each.offline then
      command:option("--record", "Keep what is sent and what comes in a file, without a credential."):argname "FILE"
    end
    command:flag("-v --verbose", "Tell of every attempt, on standard error.")
  end
  return self
end

--- Reads a command's words.
-- @tparam table words
-- @treturn ?table what was given, or only `text` where that was asked for (`--help`, `--version`, `help COMMAND`); or
-- nil, a sentence, and the usage of the command that it is about
function parser.read(words)
  if words[1] == "--version" then return { text = version() } end -- no command has to be loaded for it
  if words[1] == "help" then words = { words[2] or "--help", words[2] and "--help" } end
  local self = parser.new(words[1])
  local about, problem = self, nil
  -- argparse's `pparse` does not tell which command's words were wrong.
  local ok, given = pcall(self._parse, self, words, function(where, message)
    about, problem = where, message
    error(message, 0)
  end)
  if ok then return given end
  if getmetatable(given) == Shown then return given end
  if not problem then error(given, 0) end
  if about == self and problem:find "^unknown option" then
    problem = problem .. ": an option stands behind its command"
  elseif about == self and problem:find "command is required" then
    problem = problem .. ": patchworks --help lists them all"
  end
  return nil, problem, about:get_usage()
end

return parser
