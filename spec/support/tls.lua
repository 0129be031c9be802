-- Certificates made on the spot, and an nginx with a server for each of them.
--
--   local tls <close> = require("spec.support.tls").start()
--   tls.ports.good, tls.ports.expired, tls.ports.wrong_name, tls.ports.old, tls.ports.client_cert, tls.ports.h2
--   tls.folder .. "/ca.pem", "/authorities" (a folder with it, by its hash)
local nginx = require "spec.support.nginx"
local socket = require "socket"

local tls = {}

local function run(command)
  local pipe = io.popen("exec 2>&1; set -e\n" .. command)
  local said = pipe:read "a"
  assert(pipe:close(), command .. ": " .. said)
end

local function certificates(folder)
  run(([[
    cd %s
    printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[req]\ndistinguished_name=n\n[n]\n[authority]\nbasicConstraints=critical,CA:TRUE\n' > ca.conf
    request() { name=$1; shift; openssl req -config ca.conf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -keyout $name.key "$@"; }
    authority() { request $1 -x509 -extensions authority -days 2 -out $1.pem -subj "/CN=$2"; }
    sign() { request $1 -x509 -CA ca.pem -CAkey ca.key -days 2 -out $1.pem -subj "/CN=$1" -addext "subjectAltName=$2"; }
    authority ca "patchworks spec CA"
    authority other "another CA"
    mkdir authorities; cp ca.pem authorities/$(openssl x509 -hash -noout -in ca.pem).0
    sign good "IP:127.0.0.1,DNS:localhost"
    sign wrong "DNS:elsewhere.example"
    sign client "DNS:client"
    # Dates that have been are for `ca` alone.
    request expired -out expired.csr -subj "/CN=expired"
    : > index.txt; echo 01 > serial; echo 'subjectAltName=IP:127.0.0.1' > expired.ext
    openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in expired.csr -out expired.pem -notext -extfile expired.ext \
      -startdate 20200101000000Z -enddate 20200201000000Z
  ]]):format(folder))
end

local kinds = { "good", "expired", "wrong_name", "old", "client_cert", "goaway", "h2" }

local function configuration(ports, body)
  local function server(kind, certificate, more)
    return ([[
  server {
    listen 127.0.0.1:%d ssl%s;
    ssl_certificate FOLDER/%s.pem; ssl_certificate_key FOLDER/%s.key;
    %s
    location / { default_type application/json; return 200 '%s'; }
  }]]):format(ports[kind], (kind == "h2" or kind == "goaway") and " http2" or "", certificate, certificate, more or "", body)
  end
  return table.concat({
    "map $uri $asked { default 7; ~/script-versions/(?<id>[0-9]+) $id; }",
    "access_log FOLDER/access.log; keepalive_requests 100000; http2_max_concurrent_streams 128;",
    server("good", "good"),
    server("expired", "expired"),
    server("wrong_name", "wrong"),
    server("old", "good", "ssl_protocols TLSv1.1; ssl_ciphers 'ALL:@SECLEVEL=0';"),
    server("client_cert", "good", "ssl_client_certificate FOLDER/ca.pem; ssl_verify_client on;"),
    server("goaway", "good", "keepalive_requests 10;"),
    server("h2", "good"),
  }, "\n")
end

local Tls = {}
Tls.__index = Tls

function Tls:__close()
  local _ <close> = self.server
end

local function count_lines(path)
  local count = 0
  for _ in io.lines(path) do count = count + 1 end
  return count
end

-- How many requests a server has answered: nginx writes a line for each, after it has answered, so that the log must
-- have come to rest first.
function Tls:answered()
  local path = self.folder .. "/access.log"
  local count = count_lines(path)
  while true do
    socket.sleep(0.03)
    local now = count_lines(path)
    if now == count then return count end
    count = now
  end
end

function Tls:url(kind) return "https://127.0.0.1:" .. self.ports[kind] end

function tls.start(body)
  local folder = nginx.folder()
  certificates(folder)
  local ports = {}
  for i, port in ipairs(nginx.free_ports(#kinds)) do ports[kinds[i]] = port end
  local server = nginx.start(folder, ports.h2, configuration(ports, body or '{"data":{"id":$asked}}'))
  return setmetatable({ folder = folder, ports = ports, server = server }, Tls)
end

return tls
