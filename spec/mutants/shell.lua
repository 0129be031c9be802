-- Files and commands.
local shell = {}

function shell.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

function shell.write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

function shell.exists(path)
  local file <close> = io.open(path, "rb")
  return file ~= nil
end

-- What runs wild leaves the machine its memory and its disk; what a shell says of a crash is no news.
local bounds = "ulimit -c 0 -v 8000000 -f 2000000; "

--- Runs a command for so many seconds at most; whether it ended well.
function shell.run(command, seconds)
  command = (bounds .. command):gsub("'", "'\\''")
  return os.execute(("timeout -k 5 %d nice bash -c '%s' 2>/dev/null"):format(seconds, command)) == true
end

function shell.lines(command)
  local list, pipe <close> = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  return list
end

--- The command that runs specs with the modules of one tree of Lua and one build, in programs that they start, too.
function shell.specs(lua, build, arguments)
  local here = os.getenv "PWD"
  local path = ("%s/%s/?.lua;%s/%s/?/init.lua;./?.lua"):format(here, lua, here, lua)
  local cpath = ("%s/%s/?.so;%s/build/?.so"):format(here, build, here)
  return ('PATCHWORKS_BUILD=%s LUA_PATH="%s;;" LUA_CPATH="%s;;" lua5.4 scripts/specs.lua --lpath="%s" --cpath="%s" %s'):format(
    build, path, cpath, path, cpath, arguments)
end

return shell
