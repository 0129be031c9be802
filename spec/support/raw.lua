-- HTTP without the client: one request over luasocket, as it stands.
local socket = require "socket"

local raw = {}

--- Sends bytes to a port and reads until the other side closes, or one answer by its Content-Length.
function raw.exchange(port, bytes)
  local connection, refused = socket.connect("127.0.0.1", port)
  if not connection then return nil, refused end
  connection:settimeout(10)
  connection:send(bytes)
  local status_line, problem = connection:receive "*l"
  if not status_line then
    connection:close()
    return nil, problem
  end
  local headers = {}
  for line in function() return connection:receive "*l" end do
    if line == "" then break end
    local name, value = line:match "^([^:]+):%s*(.*)$"
    headers[name:lower()] = value
  end
  local size = tonumber(headers["content-length"] or "0")
  local body, reason, part = "", nil, nil
  if size > 0 then body, reason, part = connection:receive(size) end
  connection:close()
  return { status = tonumber(status_line:match " (%d+)"), headers = headers, body = body or part, cut = reason }
end

--- Sends one request. `fields`: method, path, body, and headers by name; `false` leaves one out.
function raw.request(server, fields)
  local headers = {
    Host = "127.0.0.1",
    Accept = "application/json",
    Authorization = server.key,
    Connection = "close",
  }
  if fields.body then
    headers["Content-Type"] = "application/json"
    headers["Content-Length"] = #fields.body
  elseif fields.method ~= "GET" then
    headers["Content-Length"] = 0
  end
  for name, value in pairs(fields.headers or {}) do headers[name] = value end
  local lines = { ("%s %s HTTP/1.1"):format(fields.method or "GET", fields.path) }
  for name, value in pairs(headers) do
    if value then lines[#lines + 1] = name .. ": " .. value end
  end
  return raw.exchange(server.port, table.concat(lines, "\r\n") .. "\r\n\r\n" .. (fields.body or ""))
end

return raw
