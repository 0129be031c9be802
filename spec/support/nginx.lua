-- An nginx of one's own, in a folder of its own.
--
--   local server <close> = nginx.start(nginx.folder(), ports, "server { listen 127.0.0.1:..; .. }")
--   server.folder, server.pid
local scratch = require "spec.support.scratch"
local socket = require "socket"
local uv = require "luv"

local nginx = {}

local Server = {}
Server.__index = Server

function Server:__close()
  uv.kill(self.pid, "sigterm")
  self.pipe:close()
  scratch.remove(self.folder)
end

--- A new folder that only this user may read.
function nginx.folder()
  local folder = scratch.folder()
  assert(uv.fs_chmod(folder, 448)) -- 0700
  return folder
end

--- Ports that nobody listens on now.
function nginx.free_ports(count)
  local listeners, ports = {}, {}
  for i = 1, count do
    listeners[i] = assert(socket.bind("127.0.0.1", 0))
    ports[i] = select(2, listeners[i]:getsockname())
  end
  for _, listener in ipairs(listeners) do listener:close() end
  return ports
end

local frame = [[
daemon off; master_process off; worker_processes 1; pid FOLDER/nginx.pid; error_log FOLDER/error.log;
events { worker_connections 512; }
http {
  client_body_temp_path FOLDER/b; proxy_temp_path FOLDER/p; fastcgi_temp_path FOLDER/f;
  uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  HTTP
}
]]

--- Starts one worker in the foreground.
-- @tparam string folder from `folder`; goes when the server is closed
-- @tparam integer port one that it will listen on: it is there when this returns
-- @tparam string http what goes into its http block; FOLDER stands for the folder
function nginx.start(folder, port, http)
  local values = { HTTP = http:gsub("FOLDER", folder), FOLDER = folder }
  local file <close> = io.open(folder .. "/nginx.conf", "w")
  file:write((frame:gsub("%f[%u]%u+%f[%U]", values)))
  file:flush()
  local command = "PATH=$PATH:/usr/sbin; nginx -c %s/nginx.conf -e %s/error.log 2>&1 & echo $!; wait"
  local pipe = io.popen(command:format(folder, folder))
  local self = setmetatable({ folder = folder, pipe = pipe, pid = pipe:read "n" }, Server)
  for _ = 1, 200 do
    local connection = socket.connect("127.0.0.1", port)
    if connection then
      connection:close()
      return self
    end
    socket.sleep(0.02)
  end
  local log = io.open(folder .. "/error.log")
  error("nginx did not start: " .. (log and log:read "a" or "is it installed?"))
end

return nginx
