-- Commands without the time that their process takes to load what all of them load: a process that has loaded it makes a
-- copy of itself for each, with an environment, a folder and streams of its own. See docs/decisions.md.
--
--   local code = warm.run { program = "bin/patchworks", folder = ".", words = "list 1", environment = "A=b",
--     streams = { "/dev/null", out, err } }
--   warm.stop()
--
-- Gives nil for what only a shell or a process from the start can do, and for the first commands of a file.
local warm = {}

-- So many of a file start from nothing.
local cold = 1

-- What the command line reads when it is loaded is as it was then.
local may_change = { HOME = true, PATH = true, XDG_CONFIG_HOME = true, XDG_STATE_HOME = true }

-- A shell's words, or nil where they are more than words.
local function split(text)
  local words, at = {}, 1
  while true do
    at = text:find("%S", at)
    if not at then return words end
    local word = ""
    repeat
      local from, to, part = text:find("^([%w_%-./:=@,+%%]+)", at)
      if not from then from, to, part = text:find("^'([^']*)'", at) end
      if not from then from, to, part = text:find('^"([^"\\$`]*)"', at) end
      if not from then return nil end
      word, at = word .. part, to + 1
    until at > #text or text:find("^%s", at)
    words[#words + 1] = word
  end
end

-- From words as NAME=value.
local function read_environment(text)
  local words, set = split(text), {}
  for _, word in ipairs(words or {}) do
    local name, value = word:match "^([%w_]+)=(.*)$"
    if not name or not (may_change[name] or name:find "^PATCHWORKS_") then return nil end
    set[name] = value
  end
  return words and set
end

local server, requests

-- Where what it needs was built: `make` alone doesn't, and with sanitizers each process must end as it does for people.
local function start(command)
  if os.getenv "PATCHWORKS_LUA" or not package.searchpath("spec.fork", package.cpath) then return false end
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkfifo " .. path))
  server = assert(io.popen(command .. " spec/support/warm_server.lua " .. path))
  local begun = server:read "l" == path
  requests = begun and io.open(path, "wb")
  os.remove(path)
  if not begun then error "the process that has the command line loaded did not start" end
  return true
end

--- @tparam table request
-- @tparam string command what starts Lua, in the environment that all have
-- @treturn ?integer the exit code
function warm.run(request, command)
  local words = split(request.words)
  local set = read_environment(request.environment)
  if not (words and set) then return nil end
  cold = cold - 1
  if cold >= 0 or not (server or start(command)) then return nil end
  local cjson = require "cjson"
  requests:write(cjson.encode {
    program = request.program, folder = request.folder, streams = request.streams, environment = set, words = words,
  }, "\n")
  requests:flush()
  return math.tointeger(server:read "n") or error "the process that has the command line loaded has ended"
end

--- Ends the process, if there is one.
function warm.stop()
  if not server then return end
  if requests then requests:close() end
  server:close()
  server = nil
end

return warm
