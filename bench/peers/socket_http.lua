-- luasocket's own HTTP and lua-cjson, as people use them: a connection for each request. URL KEY COUNT
local cjson = require "cjson"
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"
local headers = { Authorization = arg[2], Accept = "application/json", ["Content-Type"] = "application/json" }
local function get()
  local parts = {}
  assert(http.request { url = arg[1], headers = headers, sink = ltn12.sink.table(parts) })
  return cjson.decode(table.concat(parts)).data
end
for _ = 1, 100 do get() end
local began = socket.gettime()
for _ = 1, arg[3] do get() end
print(socket.gettime() - began)
