-- luasocket and lua-cjson, over one kept-alive connection written by hand: socket.http opens one for each request.
local cjson = require "cjson"
local socket = require "socket"
local host, port, path = arg[1]:match "^http://([^:/]+):(%d+)(/.*)$"
local connection = assert(socket.connect(host, port))
connection:setoption("tcp-nodelay", true)
local request = ("GET %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: %s\r\nAccept: application/json\r\n"
  .. "Content-Type: application/json\r\nUser-Agent: luasocket\r\n\r\n"):format(path, host, port, arg[2])
local function get()
  assert(connection:send(request))
  assert(connection:receive "*l")
  local length = 0
  for line in function() return connection:receive "*l" end do
    if line == "" then break end
    length = tonumber(line:lower():match "^content%-length: (%d+)") or length
  end
  return cjson.decode((assert(connection:receive(length)))).data
end
for _ = 1, 100 do get() end
local began = socket.gettime()
for _ = 1, arg[3] do get() end
print(socket.gettime() - began)
