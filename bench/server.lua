-- An nginx that answers every request with the same version, in one worker: as fast as a server gets here.
local nginx = require "spec.support.nginx"

local body = '{"data":{"id":7,"created_at":"2026-11-23T13:31:20.123456Z","updated_at":"2026-11-23T13:31:20.123456Z",'
  .. '"script_id":42,"name":"Orders v3","version":3,"status":"Deployed","deployment_failure_reason":null,'
  .. '"last_invoked_on":"2026-11-23T13:35:00.000000Z","deployed_at":"2026-11-23T13:32:00.000000Z",'
  .. '"deployment_failed_at":null,"deploying":null}}'

local http = [[
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s; tcp_nodelay on;
  server { listen 127.0.0.1:%d; location / { default_type application/json; return 200 '%s'; } }
]]

return function()
  local port = nginx.free_ports(1)[1]
  local self = nginx.start(nginx.folder(), port, http:format(port, body))
  self.base = "http://127.0.0.1:" .. port
  self.url = self.base .. "/api/v1/script-versions/7"
  self.body = body
  return self
end
