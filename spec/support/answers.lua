-- A service that answers with bytes as they stand: that of id 1 with the first, and so on.
--
--   local peer <close> = answers { "HTTP/1.1 200 OK\r\n..", .. }
--   peer:get(1)      what `get` gives, through a client of its own
local patchworks = require "patchworks"
local raw_peer = require "spec.support.raw_peer"
local scratch = require "spec.support.scratch"

local Answers = {}
Answers.__index = Answers

function Answers:get(number)
  local client <close> = patchworks.new { base_url = self.peer.url, api_key = "k", max_attempts = 1, attempt_timeout = 5 }
  return client:request("GET", "/script-versions/" .. number)
end

function Answers:__close()
  self.peer:received()
  scratch.remove(self.folder)
end

return function(texts)
  local folder = scratch.folder()
  for i, text in ipairs(texts) do scratch.write(folder .. "/" .. i, text) end
  return setmetatable({ folder = folder, peer = raw_peer("numbered", folder) }, Answers)
end
