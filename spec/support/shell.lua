-- Runs the command line as a process: gives its exit code, what it printed, and what it said.
local lua = require "spec.support.lua"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  local text = file:read "a"
  os.remove(path)
  return text
end

return function(server, words, options)
  options = options or {}
  local out, err = os.tmpname(), os.tmpname()
  local environment = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s"):format(server.url, server.key)
  local command = ("cd %s && %s env %s %s $OLDPWD/bin/patchworks %s > %s 2> %s < %s"):format(
    options.folder or ".", options.before or "", options.environment or environment, options.lua or lua, words, options.out or out, err, options.input or "/dev/null"
  ):gsub("$OLDPWD/", options.folder and "$OLDPWD/" or "")
  local ok, how, code = os.execute(command)
  return ok and 0 or (how == "exit" and code or 128 + code), read(out), read(err)
end
