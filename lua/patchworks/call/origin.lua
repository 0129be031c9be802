--- Where requests go: URLs that a person gave are taken apart and checked, and compared by their origins.
-- @module patchworks.call.origin
local arguments = require "patchworks.call.arguments"
local misuse = require("patchworks.errors").misuse

local origin = {
  --- The vendor's service, and where a password becomes a token there.
  vendor = "https://core.wearepatchworks.com",
  vendor_login = "https://app.wearepatchworks.com/fabric/api/login",
}

local function is_loopback(host)
  return host == "localhost" or host == "[::1]" or host:find("^127%.%d+%.%d+%.%d+$") ~= nil
end

local function host_and_port(authority)
  local host, port = authority:match("^(%[[%x:.]+%])(.*)$")
  if not host then
    host, port = authority:match("^([%w.-]+)(.*)$")
  end
  if host and (port == "" or port:find("^:%d+$")) then return host, port end
end

--- Takes a URL apart; raises unless it is http(s), and https where it goes to another machine.
-- @param url what the caller gave
-- @tparam string what its name, for messages
-- @tparam ?boolean allow_insecure http:// to other machines too
-- @treturn string scheme and authority
-- @treturn string path, with a slash in front, or empty
function origin.check(url, what, allow_insecure)
  if type(url) ~= "string" then misuse("%s: expected an http(s) URL, got %s", what, arguments.show(url)) end
  local scheme, authority, path = url:match("^([Hh][Tt][Tt][Pp][Ss]?)://([^/?#%s%c]+)(/?[^?#%s%c]*)$")
  if not scheme then
    misuse("%s: expected a URL like %s, without a query, got %s", what, origin.vendor, arguments.show(url))
  end
  if authority:find("@", 1, true) then
    misuse("%s: a URL must not hold a user name or a password; pass `username` and `password`", what)
  end
  local host = host_and_port(authority)
  if not host then misuse("%s: %s is no host and port", what, arguments.show(authority)) end
  if scheme:lower() == "http" and not is_loopback(host:lower()) and not allow_insecure then
    misuse(
      "%s: http:// would send the credential to %s for all to read; use https://, or set `allow_insecure = true`",
      what,
      host
    )
  end
  return scheme:lower() .. "://" .. authority, path
end

--- A base URL as the client uses it: without a slash at its end, without `/api/v1`.
function origin.base(url, what, allow_insecure)
  local place, path = origin.check(url, what, allow_insecure)
  return place .. path:gsub("/+$", ""):gsub("/api/v1$", "")
end

local default_ports = { http = ":80", https = ":443" }

--- The origin of a URL in the one form by which two are compared: lower case, no default port.
-- @tparam string url one that `check` let pass
-- @treturn string
function origin.of(url)
  local scheme, authority = url:match("^(%a+)://([^/?#]+)")
  scheme = scheme:lower()
  local host, port = host_and_port(authority)
  if port == default_ports[scheme] then port = "" end
  return scheme .. "://" .. host:lower() .. port
end

return origin
