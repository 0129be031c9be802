-- Loads the command line, and becomes a copy of itself for each command that it is told of: see warm.lua.
local fork = require "spec.fork"
fork.close_from(3) -- what the specs had open must not stay open with this process
local cjson = require "cjson"
-- What every command loads; the rest it loads itself.
require "patchworks.cli"
require "patchworks.project"
-- So is curl, whose libraries are set up for the first client.
require("patchworks").new({ base_url = "http://127.0.0.1", api_key = "none" }):close()

collectgarbage() -- a copy copies what it changes: what is left is looked at once, here
print(arg[1])
io.stdout:flush()
local requests <close> = assert(io.open(arg[1], "rb"))

-- What interpreters say of themselves is asked once: a process keeps it, and its copies with it.
local function ask_interpreters() require("patchworks.runner").languages() end

local function become(request)
  requests:close()
  fork.enter(request.folder)
  for stream, path in pairs(request.streams) do fork.redirect(stream - 1, path) end
  for name, value in pairs(request.environment) do fork.set(name, value) end
  request.words[0] = request.program
  arg = request.words -- luacheck: ignore (the command reads the global)
  dofile(request.program)
end

for line in requests:lines() do
  local request = cjson.decode(line)
  if request.words[1] == "doctor" then ask_interpreters() end
  local pid = fork.fork()
  if pid == 0 then
    fork.own()
    debug.setmetatable(debug.getregistry()._CLIBS, nil) -- closing the state unloads no library: see fork.leave
    os.exit = function(...) -- luacheck: ignore
      fork.own() -- what it has started in its turn has shared them again
      fork.leave(...)
    end
    become(request)
    os.exit(true)
  end
  io.stdout:write(fork.wait(pid), "\n")
  io.stdout:flush()
end
