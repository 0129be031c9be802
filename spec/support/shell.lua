-- Runs the command line as a process: gives its exit code, what it printed, and what it said.
--
-- `server` is the sandbox that its environment names, or nil. Options: `environment` (NAME=value words in place of the
-- sandbox's), `folder` (to run in), `input` and `out` (paths), `last` (a further redirection), and `before` (what a shell
-- does first).
local uv = require "luv"
local warm = require "spec.support.warm"

local root = uv.cwd()
local lua = os.getenv "PATCHWORKS_LUA" or uv.exepath() -- with its folder, for commands whose PATH has none
local build = os.getenv "PATCHWORKS_BUILD" or "build"
if build:sub(1, 1) ~= "/" then build = root .. "/" .. build end

-- Where the command finds this tree from any folder; nothing of the developer's is read.
local found = ("unset PATCHWORKS_ENV PATCHWORKS_BASE_URL PATCHWORKS_API_KEY PATCHWORKS_TOKEN PATCHWORKS_USERNAME "
  .. "PATCHWORKS_PASSWORD XDG_CONFIG_HOME PATCHWORKS_CA_FILE && export LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' LUA_CPATH='%s/?.so;;' HOME=/nonexistent"):format(root, root, build)

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  local text = file:read "a"
  os.remove(path)
  return text
end

-- What the specs saw, for the table of exit codes in docs/cli.md: see spec/cli/codes_spec.lua.
local seen = {}

local shell = { root = root, seen = seen }

local function environment_of(server, options)
  if options.environment or not server then return options.environment or "" end
  return ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s"):format(server.url, server.key)
end

-- The command for a shell, which becomes it.
function shell.command(server, words, options)
  options = options or {}
  return ("%s %s %s && exec %s %s/bin/patchworks %s"):format(options.before or "", found, environment_of(server, options),
    lua, root, words)
end

-- Runs it in a process of its own, from the start; gives the exit code.
local function run_cold(server, words, options, streams)
  local command = ("cd %s && %s > %s 2> %s < %s %s"):format(options.folder or ".", shell.command(server, words, options),
    streams[2], streams[3], streams[1], options.last or "")
  local ok, how, code = os.execute(command)
  return ok and 0 or (how == "exit" and code or 128 + code)
end

-- The same with less to load; nil where that would not be the same.
local function run_warm(server, words, options, streams)
  if options.before or options.last then return nil end
  return warm.run({
    program = root .. "/bin/patchworks",
    folder = options.folder or ".",
    words = words,
    environment = environment_of(server, options),
    streams = streams,
  }, ("%s && exec %s"):format(found, lua))
end

function shell.run(server, words, options)
  options = options or {}
  local out, err = os.tmpname(), os.tmpname()
  local streams = { options.input or "/dev/null", options.out or out, err }
  local code = run_warm(server, words, options, streams) or run_cold(server, words, options, streams)
  local name = words:match "^%a+"
  if name then
    seen[name] = seen[name] or {}
    seen[name][code] = true
  end
  return code, read(out), read(err)
end

return setmetatable(shell, { __call = function(_, ...) return shell.run(...) end })
