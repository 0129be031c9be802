--- Readings of arguments that several commands share: what they are called, and what they are turned into.
-- @module patchworks.cli.readings
local errors = require "patchworks.errors"
local streams = require "patchworks.cli.streams"

local readings = {}

--- A converter for argparse that names the option in its error.
-- @tparam string what the option
-- @tparam string expected what it should have been, for the message
-- @tparam function read gives the value, or nil
local function converter(what, expected, read)
  return function(text)
    local value = read(text)
    if value ~= nil then return value end
    return nil, ("%s: expected %s, got '%s'"):format(what, expected, text)
  end
end

local function whole(text) return text:find "^%d+$" and math.tointeger(tonumber(text)) or nil end

--- An option that takes a whole number, at least `least` (1).
function readings.count(command, name, description, least)
  least = least or 1
  return command:option(name, description):convert(converter(name, "a whole number from " .. least, function(text)
    local value = whole(text)
    return value and value >= least and value or nil
  end))
end

--- An option that takes a number of seconds.
function readings.seconds(command, name, description)
  return command:option(name, description):convert(converter(name, "a number of seconds", function(text)
    local value = text:find "^[%d.]+$" and tonumber(text)
    return value and value > 0 and value or nil
  end))
end

function readings.script(command) command:argument("script", "Id of the script, or its name in the project.") end
function readings.version(command)
  command:argument("version", "Id of the version, or a script's name for its live one.")
end
function readings.file(command) command:argument("file", "The source, or - for standard input.") end
function readings.manifest(command)
  command:argument("manifest", "A manifest, or a plan that was kept (the project)."):args "?"
end
function readings.yes(command) command:flag("-y --yes", "Don't ask.") end
function readings.dry_run(command) command:flag("-n --dry-run", "Say what would be done, and don't do it.") end
function readings.only(command)
  command:option("--only", "NAME or id of a script; may be repeated."):count "*"
end
function readings.ever_deployed(command)
  command:flag("--ever-deployed", "Delete those too that were live once.")
end

--- Which version of somebody else's may be replaced.
function readings.over(command)
  command:option("--over", "Id of the live version that may be replaced though somebody else published it.")
    :argname "ID"
end

function readings.keep(command) readings.count(command, "--keep", "How many of the newest versions stay.") end

--- How to wait for a deployment.
function readings.waiting(command)
  readings.seconds(command, "--timeout", "Seconds to wait for a deployment (300).")
  readings.seconds(command, "--interval", "Seconds between looks at first (0.25).")
end

--- Not to wait for what the service says is being deployed.
function readings.while_deploying(command)
  command:flag("--while-deploying", "Begin though the service says that a version is being deployed.")
end

--- What a version is run with; see `invocation`.
function readings.invoking(command)
  command:option("--payload", "The payload as text.")
  command:option("--payload-file", "The payload from a file, or - for standard input.")
  command:option("--variable", "NAME=VALUE; may be repeated."):count "*"
end

-- What is wrong with a file is of one kind, be it a project's, a manifest, or one that an option names.
local function file_error(format, ...)
  error(errors.new { kind = "file", operation = "command", message = format:format(...) }, 0)
end

local standard_input -- what it was read for

local function read_standard_input(what)
  if streams.closed.stdin then file_error("%s: standard input is closed", what) end
  if standard_input then
    error(("%s: standard input was read for %s already, and can't be read twice"):format(what, standard_input), 0)
  end
  standard_input = what
  local text, problem = io.stdin:read "a"
  return text or file_error("%s: can't read standard input: %s", what, problem)
end

--- What standard input was read for, such as "the source"; nil when it was not read.
function readings.input() return standard_input end

--- A file's bytes, or those of standard input for "-". Raises an error of kind "file".
-- @tparam string path
-- @tparam string what it is, for messages, such as "--payload-file"
function readings.read(path, what)
  if path == "-" then return read_standard_input(what) end
  local file <close>, problem = io.open(path, "rb")
  if not file then file_error("%s: can't read %s", what, problem) end
  local text, reason = file:read "a"
  if not text then file_error("%s: can't read %s: %s", what, path, reason) end
  return text
end

--- What `--payload`, `--payload-file` and `--variable` say.
-- @treturn table `payload`, `variables`
function readings.invocation(given)
  if given.payload and given.payload_file then error("give --payload or --payload-file, not both", 0) end
  local variables
  for _, pair in ipairs(given.variable or {}) do
    local name, value = pair:match "^([^=]+)=(.*)$"
    if not name then error(("--variable: expected NAME=VALUE, got %s"):format(pair), 0) end
    variables = variables or {}
    variables[name] = value
  end
  local payload = given.payload
  if given.payload_file then payload = readings.read(given.payload_file, "--payload-file") end
  return { payload = payload, variables = variables }
end

return readings
