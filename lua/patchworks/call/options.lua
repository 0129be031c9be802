--- The options of `patchworks.new`: checked, completed from the environment, and taken apart.
-- @module patchworks.call.options
local arguments = require "patchworks.call.arguments"
local methods = require "patchworks.call.methods"
local misuse = require("patchworks.errors").misuse

local options = {}

local default_base = "https://core.wearepatchworks.com"
local default_login = "https://app.wearepatchworks.com/fabric/api/login"
local mebibyte = 1024 * 1024

--- The options of `patchworks.new`.
options.new = methods.method {
  name = "new",
  of = "patchworks",
  says = "Makes a client: one connection pool, one rate limit, and exactly one kind of credential.",
  options = {
    { "api_key", "any", "the credential: a key", type = "string", default = "PATCHWORKS_API_KEY" },
    { "token", "any", "the credential: a token", type = "string", default = "PATCHWORKS_TOKEN" },
    { "username", "any", "the credential: who logs in", type = "string", default = "PATCHWORKS_USERNAME" },
    { "password", "any", "the credential: with `username`", type = "string", default = "PATCHWORKS_PASSWORD" },
    { "login_url", "any", "where a password is turned into a token", type = "string",
      default = "the vendor's, or /fabric/api/login of another `base_url`" },
    { "login_field", "string", "how the login's field for the name is called", default = "username" },
    { "base_url", "any", "the service; a trailing /api/v1 is accepted", type = "string",
      default = "PATCHWORKS_BASE_URL, or " .. default_base },
    { "timeout", "seconds", "for a whole call: every attempt and every wait between them", default = "60; invoke 150" },
    { "attempt_timeout", "seconds", "for one attempt", default = "30; invoke 150" },
    { "connect_timeout", "seconds", "for connecting", default = 10 },
    { "max_attempts", "integer", "how often a call is tried", most = 100, default = 4 },
    { "max_response_bytes", "integer", "the longest answer, before and after decompression", unit = "bytes",
      default = 64 * mebibyte },
    { "max_connections", "integer", "how many connections there are at once", most = 1000, default = 8 },
    { "rate_limit", "integer", "what the client keeps to by itself", unit = "requests a minute", most = 1000000,
      default = "none" },
    { "allow_insecure", "boolean", "allow http:// to other machines", default = false },
    { "ca_file", "string", "PEM: the certificates to trust" },
    { "ca_path", "string", "a folder of them, as c_rehash makes it" },
    { "proxy", "string", "a proxy's URL" },
    { "client_cert", "string", "PEM: the client's certificate" },
    { "client_key", "string", "PEM: its key" },
    methods.per_call.on_event,
    { "loop", "any", 'a host\'s loop, such as require "patchworks.loop.luv"', type = "table" },
    { "clock", "any", "a clock in place of the machine's", type = "table" },
  },
  gives = "patchworks.client",
  raises = true,
  example = [[local client <close> = patchworks.new { api_key = "..." }]],
}

--- The options that every method takes for its call alone, beside its parameters.
options.per_call = methods.per_call

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
    field = given.login_field or "username",
    url = login_url_of(given, base, custom_base, given.allow_insecure),
  }
end

local function check_texts(given)
  for _, name in ipairs { "ca_file", "ca_path", "proxy", "client_cert", "client_key" } do
    local value = given[name]
    if value and (value == "" or value:find("[\r\n\0]")) then
      misuse("%s: %s can't be used", name, arguments.show(value))
    end
  end
  for _, name in ipairs { "ca_file", "client_cert", "client_key" } do
    local handle <close>, problem = io.open(given[name] or "/", "rb")
    if given[name] and not handle then misuse("%s: can't read %s", name, problem) end
  end
end

--- Checks and completes the options of `new`; the caller's table is not changed.
-- @tparam ?table given
-- @tparam ?function getenv in place of os.getenv
-- @treturn table what the client is made from
function options.resolve(given, getenv)
  given = given or {}
  getenv = getenv or os.getenv
  methods.check(options.new, given, "patchworks.new")
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
