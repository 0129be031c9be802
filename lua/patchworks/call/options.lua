--- The options of `patchworks.new`: checked, completed from the environment, and taken apart.
-- @module patchworks.call.options
local arguments = require "patchworks.call.arguments"
local misuse = require("patchworks.errors").misuse

local options = {}

local default_base = "https://core.wearepatchworks.com"
local default_login = "https://app.wearepatchworks.com/fabric/api/login"
local mebibyte = 1024 * 1024

local names = {}
for name in
  ([[api_key token username password login_url login_field base_url timeout attempt_timeout connect_timeout
  max_attempts max_response_bytes max_connections rate_limit allow_insecure ca_file ca_path proxy client_cert
  client_key on_event loop clock]]):gmatch("%S+")
do
  names[name] = true
end

--- The options that every method takes for its call alone, beside its parameters.
options.per_call = { timeout = true, attempt_timeout = true, max_attempts = true, headers = true, on_event = true }

local function is_loopback(host)
  return host == "localhost" or host == "[::1]" or host:find("^127%.%d+%.%d+%.%d+$") ~= nil
end

-- Takes an origin apart; raises unless it is http(s), and https unless it may be insecure.
local function check_url(url, what, allow_insecure)
  if type(url) ~= "string" then misuse("%s: expected an http(s) URL, got %s", what, arguments.show(url)) end
  local scheme, authority, path = url:match("^([Hh][Tt][Tt][Pp][Ss]?)://([^/?#%s%c]+)(/?[^?#%s%c]*)$")
  if not scheme then
    misuse("%s: expected a URL like %s, without a query, got %s", what, default_base, arguments.show(url))
  end
  if authority:find("@", 1, true) then
    misuse("%s: a URL must not hold a user name or a password; pass `username` and `password`", what)
  end
  local host, port = authority:match("^(%[[%x:.]+%])(.*)$")
  if not host then
    host, port = authority:match("^([%w.-]+)(.*)$")
  end
  if not host or not (port == "" or port:find("^:%d+$")) then
    misuse("%s: %s is no host and port", what, arguments.show(authority))
  end
  if scheme:lower() == "http" and not is_loopback(host:lower()) and not allow_insecure then
    misuse(
      "%s: http:// would send the credential to %s for all to read; use https://, or set `allow_insecure = true`",
      what,
      host
    )
  end
  return scheme:lower() .. "://" .. authority, path
end

local function check_secret(value, what)
  if type(value) ~= "string" or value == "" then
    local came = value == "" and "an empty one" or "a " .. type(value)
    misuse("%s: expected a string that is not empty, got %s", what, came)
  end
  if value:find("[\r\n\0]") then misuse("%s: it holds CR, LF or NUL (is there a newline at its end?)", what) end
  return value
end

-- Which kinds of credential a source has.
local function kinds_in(source)
  local kinds = {}
  if source.api_key ~= nil then kinds[#kinds + 1] = "api_key" end
  if source.token ~= nil then kinds[#kinds + 1] = "token" end
  if source.username ~= nil or source.password ~= nil then kinds[#kinds + 1] = "username and password" end
  return kinds
end

local function from_environment(getenv)
  local function get(name)
    local value = getenv(name)
    return value ~= "" and value or nil
  end
  return {
    api_key = get "PATCHWORKS_API_KEY",
    token = get "PATCHWORKS_TOKEN",
    username = get "PATCHWORKS_USERNAME",
    password = get "PATCHWORKS_PASSWORD",
  }
end

local function login_url_of(given, base, custom_base, allow_insecure)
  if given.login_url ~= nil then
    local origin, path = check_url(given.login_url, "login_url", allow_insecure)
    return origin .. path
  end
  -- A password meant for a service of one's own must not go to the vendor's.
  return custom_base and base .. "/fabric/api/login" or default_login
end

local function check_credential(given, getenv, base, custom_base)
  local source, where = given, "`new`"
  local kinds = kinds_in(source)
  if #kinds == 0 then
    source, where = from_environment(getenv), "the environment"
    kinds = kinds_in(source)
  end
  if #kinds == 0 then
    misuse(
      "no credential: pass `api_key`, `token`, or `username` and `password`, or set PATCHWORKS_API_KEY, "
        .. "PATCHWORKS_TOKEN, or PATCHWORKS_USERNAME and PATCHWORKS_PASSWORD"
    )
  elseif #kinds > 1 then
    misuse("%s has %s; exactly one kind of credential is needed", where, table.concat(kinds, " and "))
  end
  if source.api_key ~= nil then return { kind = "key", secret = check_secret(source.api_key, "api_key") } end
  if source.token ~= nil then return { kind = "token", secret = check_secret(source.token, "token") } end
  return {
    kind = "login",
    username = check_secret(source.username, "username"),
    secret = check_secret(source.password, "password"),
    field = arguments.check_type(given.login_field, "string", "login_field") or "username",
    url = login_url_of(given, base, custom_base, given.allow_insecure),
  }
end

local function check_numbers(given)
  for _, name in ipairs { "timeout", "attempt_timeout", "connect_timeout" } do
    arguments.check_seconds(given[name], name)
  end
  arguments.check_integer(given.max_attempts, 1, 100, "max_attempts")
  arguments.check_integer(given.max_response_bytes, 1, math.maxinteger, "max_response_bytes")
  arguments.check_integer(given.max_connections, 1, 1000, "max_connections")
  arguments.check_integer(given.rate_limit, 1, 1000000, "rate_limit")
end

local function check_texts(given)
  for _, name in ipairs { "ca_file", "ca_path", "proxy", "client_cert", "client_key" } do
    local value = arguments.check_type(given[name], "string", name)
    if value and (value == "" or value:find("[\r\n\0]")) then
      misuse("%s: %s can't be used", name, arguments.show(value))
    end
  end
  for _, name in ipairs { "ca_file", "client_cert", "client_key" } do
    local file <close>, problem = io.open(given[name] or "/", "rb")
    if given[name] and not file then misuse("%s: can't read %s", name, problem) end
  end
  arguments.check_type(given.allow_insecure, "boolean", "allow_insecure")
  arguments.check_callable(given.on_event, "on_event")
end

--- Checks and completes the options of `new`; the caller's table is not changed.
-- @tparam ?table given
-- @tparam ?function getenv in place of os.getenv
-- @treturn table what the client is made from
function options.resolve(given, getenv)
  given = given or {}
  getenv = getenv or os.getenv
  arguments.check_names(given, names, "patchworks.new")
  check_numbers(given)
  check_texts(given)
  local base_url = given.base_url
  if base_url == nil then base_url = getenv "PATCHWORKS_BASE_URL" end
  if base_url == "" and given.base_url == nil then base_url = nil end
  local origin, path = check_url(base_url or default_base, "base_url", given.allow_insecure)
  path = path:gsub("/+$", ""):gsub("/api/v1$", "")
  local base = origin .. path
  return {
    base_url = base,
    credential = check_credential(given, getenv, base, base ~= default_base),
    timeout = given.timeout,
    attempt_timeout = given.attempt_timeout,
    connect_timeout = given.connect_timeout or 10,
    max_attempts = given.max_attempts or 4,
    max_response_bytes = given.max_response_bytes or 64 * mebibyte,
    max_connections = given.max_connections or 8,
    rate_limit = given.rate_limit,
    ca_file = given.ca_file,
    ca_path = given.ca_path,
    proxy = given.proxy,
    client_cert = given.client_cert,
    client_key = given.client_key,
    on_event = given.on_event,
    loop = given.loop,
    clock = given.clock,
  }
end

return options
