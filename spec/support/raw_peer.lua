-- Starts spec/support/raw_server.lua in a process of its own.
--
--   local peer <close> = raw_peer("silent")
--   peer.url
--   peer:so_far()      a line for each request that it has read
--   peer:received()    how many those are, and they; ends it
local lua = require "spec.support.lua"
local uv = require "luv"

local Peer = {}
Peer.__index = Peer

function Peer:so_far()
  if self.lines then return self.lines end
  local lines = {}
  for line in io.lines(self.notes) do lines[#lines + 1] = line end
  return lines
end

function Peer:received()
  if not self.lines then
    uv.kill(self.pid, "sigterm")
    self.pipe:close() -- waits for its end
    self.lines = self:so_far()
    os.remove(self.notes)
  end
  return #self.lines, self.lines
end

function Peer:__close() self:received() end

return function(name, argument)
  local notes = os.tmpname()
  local pipe = io.popen(("exec %s spec/support/raw_server.lua %s %s %s"):format(lua, name, notes, argument or ""))
  local pid, port = pipe:read("n", "n")
  return setmetatable({ pipe = pipe, pid = pid, port = port, notes = notes, url = "http://127.0.0.1:" .. port }, Peer)
end
