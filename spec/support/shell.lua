-- Runs the command line as a process: gives its exit code, what it printed, and what it said.
--
-- `server` is the sandbox that its environment names, or nil. Options: `environment` (words for env(1) in place of the
-- sandbox's), `folder` (to run in), `input` and `out` (paths), `last` (a further redirection),
-- `before` (a shell command), `lua`.
local lua = require "spec.support.lua"
local uv = require "luv"

local root = uv.cwd()
local build = os.getenv "PATCHWORKS_BUILD" or "build"
if build:sub(1, 1) ~= "/" then build = root .. "/" .. build end

-- Where the command finds this tree from any folder; nothing of the developer's is read.
local found = ("-u PATCHWORKS_ENV -u PATCHWORKS_BASE_URL -u PATCHWORKS_API_KEY -u PATCHWORKS_TOKEN -u PATCHWORKS_USERNAME "
  .. "-u PATCHWORKS_PASSWORD -u XDG_CONFIG_HOME -u PATCHWORKS_CA_FILE LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' LUA_CPATH='%s/?.so;;' HOME=/nonexistent"):format(root, root, build)

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  local text = file:read "a"
  os.remove(path)
  return text
end

-- What the specs saw, for the table of exit codes in docs/cli.md: see spec/cli/codes_spec.lua.
local seen = {}

local shell = { root = root, seen = seen }

-- The command's words as a shell takes them.
function shell.command(server, words, options)
  options = options or {}
  local environment = server and ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s"):format(server.url, server.key) or ""
  return ("%s env %s %s %s %s/bin/patchworks %s"):format(options.before or "", found, options.environment or environment,
    options.lua or lua, root, words)
end

function shell.run(server, words, options)
  options = options or {}
  local out, err = os.tmpname(), os.tmpname()
  local command = ("cd %s && %s > %s 2> %s < %s %s"):format(options.folder or ".", shell.command(server, words, options),
    options.out or out, err, options.input or "/dev/null", options.last or "")
  local ok, how, code = os.execute(command)
  code = ok and 0 or (how == "exit" and code or 128 + code)
  local name = words:match "^%a+"
  if name then
    seen[name] = seen[name] or {}
    seen[name][code] = true
  end
  return code, read(out), read(err)
end

return setmetatable(shell, { __call = function(_, ...) return shell.run(...) end })
