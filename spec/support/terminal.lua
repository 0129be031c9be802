-- Runs a program in a pseudo-terminal.
--
--   local session = terminal.start "bin/patchworks list 1"
--   session:type "q"
--   local seconds = session:wait("ID", 5)
--   session:interrupt()
--   local code = session:finish()
--   print(session.output)
local socket = require "socket"
local uv = require "luv"
local found, pty = pcall(require, "spec.pty")

local terminal = {}

-- Why there is none to be had: its specs are then pending.
local multiplexer = uv.fs_open("/dev/ptmx", "r+", 0)
if multiplexer then uv.fs_close(multiplexer) end
if not found then
  terminal.missing = "spec.pty isn't built: make specs"
elseif not multiplexer then
  terminal.missing = "no pseudo-terminal here, is /dev/pts mounted?"
end

local Session = {}
Session.__index = Session

-- Takes what comes within a time; nil when nobody has the terminal open any more.
local function read(self, seconds)
  local text = pty.read(self.terminal, seconds)
  self.output = self.output .. (text or "")
  return text
end

-- Takes all that is there, and comes until there is nothing for a time.
local function drain(self, seconds)
  repeat local text = read(self, seconds) until not text or text == ""
end

--- Starts a command of a shell in one.
function terminal.start(command)
  local fd, pid = assert(pty.start(command))
  return setmetatable({ terminal = fd, pid = pid, output = "", seen = 1 }, Session)
end

function Session:type(text) pty.write(self.terminal, text) end

--- Waits for a text after the one that was waited for last: gives the seconds that it took, or nil.
function Session:wait(text, seconds)
  local began = socket.gettime()
  while true do
    local from, to = self.output:find(text, self.seen, true)
    local took = socket.gettime() - began
    if from then
      self.seen = to + 1
      return took
    end
    if took >= seconds or not read(self, seconds - took) then return nil end
  end
end

--- Types Ctrl-C; what is waited for from then on comes after it.
function Session:interrupt()
  socket.sleep(0.15) -- so that the call is well under way
  drain(self, 0)
  self.seen = #self.output + 1
  self:type "\3"
end

--- Waits until it has ended: gives its exit code, less than 0 for a signal, nil where it had to be killed.
function Session:finish()
  local deadline, code = socket.gettime() + 10
  repeat
    if not read(self, 0.02) then socket.sleep(0.01) end
    code = pty.ended(self.pid)
  until code or socket.gettime() > deadline
  if not code then uv.kill(self.pid, "sigkill") end
  drain(self, 0.05)
  while not (code or pty.ended(self.pid)) do socket.sleep(0.01) end
  pty.close(self.terminal)
  return code
end

local acts = {
  type = function(session, text) session:type(text) end,
  interrupt = function(session) session:interrupt() end,
  run = function(_, command) os.execute(command) end,
}

--- All of a session: steps as { "type", text }, { "wait", text, seconds }, { "interrupt" }, { "run", command } (elsewhere).
-- Gives its output, its exit code, and the times of its waits, false for what did not come.
function terminal.run(command, steps)
  local session, times = terminal.start(command), {}
  for _, step in ipairs(steps) do
    if step[1] == "wait" then
      times[#times + 1] = session:wait(step[2], step[3]) or false
    else
      acts[step[1]](session, step[2])
    end
  end
  local code = session:finish()
  return { output = session.output, code = code, times = times }
end

return terminal
