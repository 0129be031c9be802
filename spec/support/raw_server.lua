-- A server that does what no HTTP server would: one behaviour, told by its name, on a plain socket.
--
--   lua5.4 spec/support/raw_server.lua NAME NOTES [FILE]
--
-- Prints its process id and its port; writes to the file NOTES a line for each request that it has read.
-- spec/support/raw_peer.lua starts it.
local socket = require "socket"

local name, file_path = arg[1], arg[3]
local notes <close> = assert(io.open(arg[2], "wb"))
notes:setvbuf "no"
local listener = assert(socket.bind("127.0.0.1", 0, name == "full" and 0 or 64))
local _, port = listener:getsockname()
local queued = {}
-- The queue of those who wait to be accepted is full, and nobody is accepted: connecting never ends.
for i = 1, name == "full" and 4 or 0 do
  queued[i] = socket.tcp()
  queued[i]:settimeout(0)
  queued[i]:connect("127.0.0.1", port)
end
local stat <close> = io.open "/proc/self/stat"
io.stdout:write(stat and stat:read "n" or 0, "\n", port, "\n")
io.stdout:flush()

-- Reads a whole request; nil when the other side is gone.
local function read_request(connection)
  local line = connection:receive "*l"
  if not line then return nil end
  local length, agent = 0, nil
  while true do
    local header = connection:receive "*l"
    if not header then return nil end
    if header == "" then break end
    agent = header:match "^User%-Agent: (.*)" or agent
    length = tonumber(header:match "^[Cc]ontent%-[Ll]ength: (%d+)") or length
  end
  if length > 0 and not connection:receive(length) then return nil end
  -- A proxy is told who asks.
  notes:write(line, line:find "^CONNECT" and agent and " " .. agent or "", "\n")
  return line
end

local function reset(connection)
  connection:setoption("linger", { on = true, timeout = 0 })
  connection:close()
end

local function good_body(line)
  if line:find "^GET %S*/scripts/" or line:find "/logs" then
    return '{"data":[],"meta":{"current_page":1,"last_page":1,"total":0}}'
  end
  return ('{"data":{"id":%s},"message":"done"}'):format(line:match "/(%d+)" or 7)
end

local function answer(body, more)
  return ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"):format(more or "", #body, body)
end

-- What happens after a request was read: bytes to send, and how the connection ends ("close", "reset", "keep").
local answers = {
  close_after = function() return "", "close" end,
  reset_after = function() return "", "reset" end,
  half_header = function() return "HTTP/1.1 200 OK\r\nContent-Le", "close" end,
  reset_in_body = function(line) return answer(good_body(line)):sub(1, -10), "reset" end,
  short_body = function(line) return answer(good_body(line)):sub(1, -10), "close" end,
  long_body = function(line) return answer(good_body(line)) .. "HTTP/1.1 500 Smuggled\r\n\r\n", "close" end,
  negative_length = function() return "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}", "close" end,
  two_lengths = function() return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 30\r\n\r\n{}", "close" end,
  cut_chunk = function() return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"data\"", "close" end,
  bad_chunk = function() return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "close" end,
  garbage_first = function(line) return "%&/()=?\r\n" .. answer(good_body(line)), "close" end,
  other_protocol = function() return "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "close" end,
  many_headers = function(line)
    local headers = {}
    for i = 1, 20000 do headers[i] = ("X-Header-%d: %s\r\n"):format(i, ("v"):rep(20)) end
    return answer(good_body(line), table.concat(headers)), "close"
  end,
  long_header = function(line) return answer(good_body(line), "X-Long: " .. ("v"):rep(200000) .. "\r\n"), "close" end,
  interim = function(line)
    return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" .. answer(good_body(line)), "close"
  end,
  redirect = function() return ("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"):format(file_path), "close" end,
  bomb = function()
    local file <close> = io.open(file_path, "rb")
    return answer(file:read "a", "Content-Encoding: gzip\r\n"), "close"
  end,
  bytes = function()
    local file <close> = assert(io.open(file_path, "rb"))
    return file:read "a", "close"
  end,
  bad_gzip = function() return answer("this is no gzip", "Content-Encoding: gzip\r\n"), "close" end,
  huge_length = function() return "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n{", "close" end,
  nul_body = function() return answer "{\"data\":\0}", "close" end,
  no_tunnel = function() return "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "close" end,
  -- Logs with the newest first, two a page: five entries, and four more from the second request on.
  falling_logs = function(line, count)
    local total = count == 1 and 5 or 9
    local page = tonumber(line:match "page=(%d+)") or 1
    local entries = {}
    for id = total - 2 * (page - 1), math.max(1, total - 2 * page + 1), -1 do entries[#entries + 1] = ('{"id":%d}'):format(id) end
    local body = '{"data":[%s],"meta":{"current_page":%d,"last_page":%d}}'
    return answer(body:format(table.concat(entries, ","), page, (total + 1) // 2)), "keep"
  end,
  -- What a file in the folder holds, which the id in the path names.
  numbered = function(line)
    local file <close> = assert(io.open(file_path .. "/" .. line:match "script%-versions/(%d+)", "rb"))
    return file:read "a", "close"
  end,
  -- A second answer, that nobody asked for, follows the first one.
  surplus = function(line) return answer(line:find "^GET" and good_body(line) or [[{"message":"done"}]]), "keep" end,
  good_once = function(line, count) return count == 1 and answer(good_body(line)) or "", count == 1 and "keep" or "close" end,
}

local function converse(connection, act)
  local count = 0
  while true do
    local line = read_request(connection)
    if not line then return connection:close() end
    count = count + 1
    local bytes, ending = act(line, count)
    connection:send(bytes)
    if name == "surplus" and line:find "^GET" then
      connection:setoption("tcp-nodelay", true)
      socket.sleep(0.002)
      connection:send(answer '{"data":{"id":77}}')
    end
    if ending == "reset" then return reset(connection) end
    if ending == "close" then return connection:close() end
  end
end

local behaviours = {
  reset_before = function(connection) reset(connection) end,
  reset_while_sending = function(connection)
    connection:receive(100)
    notes:write "part\n"
    reset(connection)
  end,
  talks_first = function(connection)
    connection:send "220 mail.example ESMTP\r\n"
    connection:receive(1)
    connection:close()
  end,
  reset_in_handshake = function(connection)
    connection:receive(1)
    reset(connection)
  end,
  close_before = function(connection)
    connection:receive(1)
    connection:close()
  end,
  -- Takes in whatever comes, says nothing.
  mute = function(connection)
    connection:receive "*a"
    connection:close()
  end,
  silent = function(connection)
    read_request(connection)
    connection:receive(1)
    connection:close()
  end,
  drip = function(connection)
    local line = read_request(connection)
    local bytes = answer(good_body(line or ""))
    for i = 1, #bytes do
      if not connection:send(bytes:sub(i, i)) then break end
      if select(2, connection:settimeout(1) and connection:receive(1)) == "closed" then break end
    end
    connection:close()
  end,
}

if name == "full" then socket.sleep(60) end

while true do
  local connection = listener:accept()
  if behaviours[name] then
    behaviours[name](connection)
  else
    converse(connection, answers[name])
  end
end
