-- An nginx that answers every request with the same version, in one worker: as fast as a server gets here.
local socket = require "socket"

local body = '{"data":{"id":7,"created_at":"2026-11-23T13:31:20.123456Z","updated_at":"2026-11-23T13:31:20.123456Z",'
  .. '"script_id":42,"name":"Orders v3","version":3,"status":"Deployed","deployment_failure_reason":null,'
  .. '"last_invoked_on":"2026-11-23T13:35:00.000000Z","deployed_at":"2026-11-23T13:32:00.000000Z",'
  .. '"deployment_failed_at":null,"deploying":null}}'

local Server = {}
Server.__index = Server

function Server:__close()
  os.execute(("kill %d 2>/dev/null"):format(self.pid))
  self.pipe:close()
  os.execute("rm -rf " .. self.folder)
end

return function()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  local folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir -m 700 " .. folder)
  local file <close> = io.open(folder .. "/nginx.conf", "w")
  file:write(([[
daemon off; master_process off; worker_processes 1; pid %s/pid; error_log %s/error.log;
events { worker_connections 512; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s; tcp_nodelay on;
  client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;
  server { listen 127.0.0.1:%d; location / { default_type application/json; return 200 '%s'; } }
}
]]):format(folder, folder, folder, folder, folder, folder, folder, port, body))
  file:flush()
  local command = "PATH=$PATH:/usr/sbin; nginx -c %s/nginx.conf -e %s/error.log 2>&1 & echo $!; wait"
  local pipe = io.popen(command:format(folder, folder))
  local self = setmetatable({ folder = folder, pipe = pipe, pid = pipe:read "n" }, Server)
  self.base = "http://127.0.0.1:" .. port
  self.url = self.base .. "/api/v1/script-versions/7"
  for _ = 1, 200 do
    local connection = socket.connect("127.0.0.1", port)
    if connection then
      connection:close()
      return self
    end
    socket.sleep(0.02)
  end
  error "nginx did not start"
end
