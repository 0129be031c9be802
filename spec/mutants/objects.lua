-- The core built with a mutant in it, in a directory of its own: one object is compiled and the rest linked to it, by the
-- commands that make itself would run.
local shell = require "spec.mutants.shell"

local objects = {}

--- Where it is built; no source is changed for it.
objects.build = "build/mutate/core"

local folder = objects.build
local commands = {} -- path -> its object, what compiles a mutant, what links, and the good object's bytes
local make = ('make --silent core BUILD=%s WERROR= OPTIMISE="-O2 -w"'):format(folder)

-- The sandbox is the good build's: it has nothing of the core in it. What the last run has changed is made anew.
local prepare = [[
mkdir -p %s/patchworks && cd %s && ln -sfn "$OLDPWD/build/patchworks/sandbox" patchworks/sandbox
touch changed && rm -f $(cat changed) && cd "$OLDPWD" && %s >%s/make.log 2>&1
]]

local function is_built() return shell.run(prepare:format(folder, folder, make, folder), 300) end

local function read_commands(path)
  if not is_built() then error("the core can't be built: see " .. folder .. "/make.log", 0) end
  local compile, link
  for _, line in ipairs(shell.lines(("%s -n -W %s 2>/dev/null"):format(make, path))) do
    if line:find(" -c -o ", 1, true) then compile = line end
    if line:find("-o " .. folder .. "/patchworks/core.so ", 1, true) then link = line end
  end
  local name = path:gsub("%.c$", ".o")
  local object = folder .. "/" .. name
  local of_mutant = compile:gsub("%-MMD %-MP ", ""):gsub("%-c %-o %S+ %S+$", function()
    return ("-iquote %s -c -o %s.new %s/mutant.c"):format(path:match "^(.*)/", object, folder)
  end)
  local commands_of = { name = name, object = object, compile = of_mutant, link = link }
  -- The good one made the same way: a mutant of which the compiler makes the same is none.
  shell.write(folder .. "/mutant.c", shell.read(path))
  assert(shell.run(of_mutant, 120), of_mutant)
  commands_of.good = shell.read(object .. ".new")
  return commands_of
end

local function commands_for(path)
  commands[path] = commands[path] or read_commands(path)
  return commands[path]
end

local changed -- whose object is a mutant's

--- Builds the core with a mutant.
-- @tparam table mutant see spec/mutants/source.lua, with its `path`
-- @treturn string|nil "built"; "same" where the compiler makes the same of it; nil where it doesn't compile
function objects.install(mutant)
  local of = commands_for(mutant.path)
  shell.write(folder .. "/mutant.c", mutant.text)
  if not shell.run(of.compile .. " 2>/dev/null", 120) then return nil end
  local bytes = shell.read(of.object .. ".new")
  if bytes == of.good then return "same" end
  if changed and changed ~= of then shell.write(changed.object, changed.good) end
  changed = of
  shell.write(folder .. "/changed", of.name)
  shell.write(of.object, bytes)
  return shell.run(of.link .. " 2>/dev/null", 120) and "built" or nil
end

return objects
