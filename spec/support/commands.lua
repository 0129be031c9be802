-- What the specs of the command line share: a sandbox, a folder, and ways to run a command in it.
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local shell = require "spec.support.shell"

local commands = {}

commands.upper = "def handle(data): return {'payload': data['payload'].upper(), 'logs': ['ran']}\n"
commands.lower = "def handle(data): return {'payload': data['payload'].lower(), 'logs': ['ran']}\n"

-- Makes `state.server` and `state.folder` anew before each spec of the file that calls it.
function commands.setup(before_each, after_each)
  local state = {}
  before_each(function()
    state.server = assert(sandbox.start { deploy_seconds = 0 })
    state.folder = scratch.folder()
  end)
  after_each(function()
    state.server:close()
    scratch.remove(state.folder)
  end)

  function state.run(words, options) return shell(state.server, words, options) end

  -- In the folder of the spec.
  function state.inside(words, options)
    local given = { folder = state.folder }
    for name, value in pairs(options or {}) do given[name] = value end
    return shell(state.server, words, given)
  end

  function state.write(name, text)
    local path = state.folder .. "/" .. name
    return scratch.write(path, text)
  end

  return state
end

function commands.lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

return commands
