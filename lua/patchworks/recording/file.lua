--- The file that a client's attempts are kept in: a line of JSON each, behind what was there, for nobody else to read.
--
-- It is opened, and a first line is written, before anything is sent: what can't be recorded is known by then. What
-- fails later ends the recording and nothing else; the calls go on.
--
-- @module patchworks.recording.file
local attempt = require "patchworks.recording.attempt"
local core = require "patchworks.core"
local misuse = require("patchworks.errors").misuse

local File = { __name = "patchworks.recording_file" }
File.__index = File

local file = {}

local mode = tonumber("600", 8)

-- A pipe would hold the program up until somebody reads, and a file of somebody else's would show it to them. What is
-- looked at is what was opened: its name may stand for another file by now.
local function check(uv, fd)
  local facts, problem = uv.fs_fstat(fd)
  if not facts then return nil, problem end
  if facts.type == "char" then return true end
  if facts.type ~= "file" then return nil, ("it is a %s"):format(facts.type) end
  if facts.uid ~= uv.getuid() then return nil, "it belongs to somebody else" end
  if facts.mode & tonumber("77", 8) ~= 0 then return nil, "others can read it; chmod 600 it, or name a new one" end
  return true, facts.size
end

-- Whether the last line is a whole one: whoever wrote it may have been killed.
local function ends_whole(uv, fd, size)
  return not size or size == 0 or uv.fs_read(fd, 1, size - 1) == "\n"
end

-- One write for a whole line, so that those of several programs don't mingle.
local function write(self, text)
  text = text .. "\n"
  while text ~= "" do
    local size, problem = self.uv.fs_write(self.fd, text)
    if not size then return nil, problem:match "^%u+: (.*)$" or problem end
    text = text:sub(size + 1) -- of what found no more room the rest tells why
  end
  return true
end

-- The system's clock to the millisecond: the state's tells whole seconds.
local function wall(uv)
  local seconds, micros = uv.gettimeofday()
  return seconds + micros / 1e6
end

local function open(uv, path, base_url)
  if path == "-" then return nil, "name a file" end
  local fd, problem = uv.fs_open(path, "a+", mode) -- to read and write: a pipe that nobody reads holds nobody up so
  if not fd then return nil, (problem:match "^%u+: ([^:]*)" or problem) end
  local fine, size = check(uv, fd)
  if not fine then
    uv.fs_close(fd)
    return nil, size
  end
  local learned = {}
  local self = setmetatable({ uv = uv, fd = fd, path = path }, File)
  self.line = function(call, facts) return attempt.line(call, facts, wall(uv) - facts.seconds, learned) end
  local first = ('{"v":1,"type":"recording","time":"%s","base_url":%s}'):format(attempt.iso(wall(uv)),
    (core.encode(base_url):gsub("\\/", "/")))
  local written, reason = write(self, (ends_whole(uv, fd, size) and "" or "\n") .. first)
  if written then return self end
  self:close()
  return nil, reason
end

--- Opens one. Raises at the caller where that can't be done.
-- @tparam string path
-- @tparam string base_url of the client
-- @treturn table with `note` and `close`
function file.open(path, base_url)
  local found, uv = pcall(require, "patchworks.loop.uv")
  if not found then misuse "record_file: it needs luv: luarocks install luv" end
  local self, problem = open(uv, path, base_url)
  if not self then misuse("can't record to %s: %s; nothing was sent", path, problem) end
  return self
end

--- Keeps an attempt. Never raises.
-- @tparam table call
-- @tparam table facts see patchworks.recording.attempt
-- @treturn ?boolean true where it was kept
-- @treturn ?string where it is the first that could not be: why
function File:note(call, facts)
  if not self.fd then return nil end
  local made, line = pcall(self.line, call, facts)
  local written, problem = nil, line
  if made then written, problem = write(self, line) end
  if written then return true end
  self:close()
  return nil, ("%s: %s; what was sent from now on is not recorded"):format(self.path, tostring(problem))
end

--- Closes it.
function File:close()
  if self.fd then self.uv.fs_close(self.fd) end
  self.fd = nil
end

File.__gc, File.__close = File.close, File.close

return file
