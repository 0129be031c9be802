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

--- Takes a URL apart: http(s), and https where it goes to another machine.
-- @param url what somebody gave
-- @tparam ?boolean allow_insecure http:// to other machines too
-- @treturn ?string scheme and authority; or nil
-- @treturn string path, with a slash in front, or empty; or a sentence, and whether `allow_insecure` would let it pass
function origin.parse(url, allow_insecure)
  if type(url) ~= "string" then return nil, ("expected an http(s) URL, got %s"):format(arguments.show(url)) end
  local scheme, authority, path = url:match("^([Hh][Tt][Tt][Pp][Ss]?)://([^/?#%s%c]+)(/?[^?#%s%c]*)$")
  if not scheme then
    return nil, ("expected a URL like %s, without a query, got %s"):format(origin.vendor, arguments.show(url))
  end
  -- The URL isn't shown: it holds a secret.
  if authority:find("@", 1, true) then return nil, "a URL must not hold a user name or a password" end
  local host = host_and_port(authority)
  if not host then return nil, ("%s is no host and port"):format(arguments.show(authority)) end
  if scheme:lower() == "http" and not is_loopback(host:lower()) and not allow_insecure then
    return nil, ("http:// would send the credential to %s for all to read; use https://"):format(host), true
  end
  return scheme:lower() .. "://" .. authority, path
end

--- The same for what a caller gave: raises at the caller's line.
-- @param url
-- @tparam string what its name, for messages
-- @tparam ?boolean allow_insecure
-- @treturn string scheme and authority
-- @treturn string path
function origin.check(url, what, allow_insecure)
  local place, path, insecure = origin.parse(url, allow_insecure)
  if not place then misuse("%s: %s%s", what, path, insecure and ", or set `allow_insecure = true`" or "") end
  return place, path
end

--- A base URL as the client uses it: without a slash at its end, without `/api/v1`.
-- @tparam string place what `parse` or `check` gave
-- @tparam string path
-- @treturn string
function origin.base(place, path) return place .. path:gsub("/+$", ""):gsub("/api/v1$", "") end

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
