-- Starts spec/support/raw_server.lua in a process of its own.
--
--   local peer <close> = raw_peer("silent")
--   peer.url, peer:received()      how many requests it has read; ends it
local lua = require "spec.support.lua"

local Peer = {}
Peer.__index = Peer

function Peer:received()
  if not self.lines then
    os.execute(("kill %d 2>/dev/null"):format(self.pid))
    self.lines = {}
    for line in self.pipe:lines() do self.lines[#self.lines + 1] = line end
    self.pipe:close()
  end
  return #self.lines, self.lines
end

function Peer:__close() self:received() end

return function(name, argument)
  local pipe = io.popen(("exec %s spec/support/raw_server.lua %s %s"):format(lua, name, argument or ""))
  local pid, port = pipe:read("n", "n")
  pipe:read "l"
  return setmetatable({ pipe = pipe, pid = pid, port = port, url = "http://127.0.0.1:" .. port }, Peer)
end
