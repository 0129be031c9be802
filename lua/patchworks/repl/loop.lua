--- The prompt of `patchworks repl`: reads a line, runs it, shows what came, and again.
--
-- A line runs as a task, beside one that looks for Ctrl-C: so a call ends where it waits, and the session goes on.
-- Lua that
-- never waits is looked at each hundred thousand instructions.
--
-- @module patchworks.repl.loop
local chunk = require "patchworks.repl.chunk"
local complete = require "patchworks.repl.complete"
local histories = require "patchworks.repl.history"
local patchworks = require "patchworks"
local present = require "patchworks.repl.present"
local reader = require "patchworks.repl.reader"
local screen = require "patchworks.terminal"
local tools = require "patchworks.repl.tools"

local loop = {}

local between_looks, instructions = 0.05, 100000
local Interrupted = setmetatable({}, { __tostring = function() return "interrupted" end })

-- What a line raised, in one line: an error of ours as it is, to be shown as a card.
local function plainly(problem)
  if type(problem) ~= "string" then return problem end
  return (problem:gsub("^prompt:%d+: ", ""):gsub("^%[string [^%]]*%]:%d+: ", ""))
end

local function look()
  if reader.interrupted() then error(Interrupted, 0) end
end

local function complain(problem)
  if patchworks.is_error(problem) then return present.write(present.feed(problem)) end
  io.stderr:write(screen.paint(screen.clean(tostring(problem)), "red"), "\n")
end

-- Runs a function as a task until it ends or Ctrl-C comes. Gives true; or false and what it raised.
local function attend(fn)
  local done, ok, problem = false, nil, nil
  patchworks.run(function(tasks)
    local line = tasks:spawn(function()
      debug.sethook(look, "", instructions)
      ok, problem = xpcall(fn, plainly)
      debug.sethook()
      done = true
    end)
    if done then return end
    tasks:spawn(function()
      while not done do
        if reader.interrupted() then
          ok, problem, done = false, Interrupted, true
          tasks:cancel(line)
        else
          patchworks.sleep(between_looks)
        end
      end
    end)
  end)
  return ok, problem
end

local function run(session, compiled)
  session:begin_line()
  local ok, problem = attend(function()
    local results = table.pack(compiled())
    present.write(present.results(results))
  end)
  if not ok then complain(problem) end
  return ok
end

-- A whole piece of Lua, of as many lines as it takes, compiled; false where there is nothing to run, nil at the end.
local function next_piece(input, scope, prompt, kept)
  local text
  while true do
    local line = input:read(text and (" "):rep(#prompt - 3) .. ">> " or prompt)
    if line == nil then
      if text then complain "the input ended in the middle of a statement" end
      return nil, text ~= nil
    end
    if line == false then return false end
    text = text and text .. "\n" .. line or line
    if not text:find "%S" then return false end
    if text == "exit" or text == "quit" then return nil end
    if text == "help" then
      io.stderr:write "help is a function: type help(), or help \"prompt\"\n"
      return false
    end
    local compiled, problem, open = chunk.compile(scope, text)
    if not open then
      input:remember(text)
      kept[#kept + 1] = text
      if compiled then return compiled end
      complain(problem)
      return false, true
    end
  end
end

local function prompt_of(session)
  if session.server then return "sandbox> " end
  return session.client.base_url:gsub("^https?://", ""):gsub("/.*$", "") .. "> "
end

--- Runs a session until its input ends.
-- @tparam table client
-- @tparam ?table given `server`, a sandbox of this process; `scripts`, names to ids
-- @treturn boolean whether every line of a pipe went well
function loop.run(client, given)
  given = given or {}
  local scope = chunk.session(_G)
  local session = tools.install(_G, client, { server = given.server, scripts = given.scripts, ask = reader.ask })
  session.names = scope.names
  if screen.input_terminal then tools.greet(session) end
  local input = reader.open(function(text)
    return complete.candidates(session, scope.environment, text)
  end, histories.read())
  local kept, fine = {}, true
  reader.catch()
  while true do
    local compiled, wrong = next_piece(input, scope, prompt_of(session), kept)
    fine = fine and not wrong
    if compiled == nil then break end
    if compiled then fine = run(session, compiled) and fine end
  end
  reader.release()
  if screen.input_terminal then
    histories.write(kept)
    io.stdout:write "\n"
  end
  return fine or screen.input_terminal
end

return loop
