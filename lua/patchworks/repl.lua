--- For exploring in any Lua prompt: a client and its resource as globals, and values as people read them.
--
--     lua5.4 -i -l patchworks.repl
--     > versions:get(7)
--     > help(versions.list)
--
-- The credential comes from the environment, as everywhere. Without one, and with the sandbox installed, it starts a
-- sandbox to play with. This is the one module that makes globals: `patchworks`, `client`, `versions`, `help`,
-- `apropos`,
-- `show`, `more`, `curl`, `last`, `time`, `trace`, `scripts`, and `server` for the sandbox; and it has `print` show the
-- prompt's own values. `patchworks repl` is a prompt of its own, with completion, history and locals that live on.
--
-- @module patchworks.repl
local errors = require "patchworks.errors"
local patchworks = require "patchworks"
local present = require "patchworks.repl.present"
local reader = require "patchworks.repl.reader"
local tools = require "patchworks.repl.tools"

local repl = {}

local Misuse = { __name = "patchworks.misuse", __tostring = function(self) return self.message end }

-- Lua's own prompt calls the global `print` with what a line gave, from C; a program's own calls are left as they are.
local function print_at_prompt(print)
  return function(...)
    local own = debug.getinfo(1, "t").istailcall or debug.getinfo(2, "S").what ~= "C"
    if own then return print(...) end
    -- What presenting raises, as a listing does that can't be read, is presented: the interpreter would not show it.
    local values = table.pack(...)
    local presented, problem = pcall(function() present.write(present.results(values)) end)
    if not presented then present.write(present.results(table.pack(nil, problem))) end
  end
end

local function connect()
  local ok, client = pcall(patchworks.new)
  if ok then return client end
  local found, sandbox = pcall(require, "patchworks.sandbox")
  if not found then
    io.stderr:write(tostring(client), "\n")
    return nil
  end
  local server = assert(sandbox.start())
  return server:client(), server
end

--- Makes the globals; `require` has done it.
-- @treturn boolean whether there is a client
function repl.start()
  local client, server = connect()
  if not client then return false end
  local session = tools.install(_G, client, { server = server, ask = reader.ask })
  session.line_by_line = false
  _G.print = print_at_prompt(_G.print)
  -- A prompt shows a traceback behind every string that is raised; misuse says all in its line.
  function errors.raising(message) return setmetatable({ message = message }, Misuse) end
  tools.greet(session)
  return true
end

repl.start()

return repl
