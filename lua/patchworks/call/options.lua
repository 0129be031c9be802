--- The options of `patchworks.new`: checked, completed from the environment, and taken apart.
-- @module patchworks.call.options
local arguments = require "patchworks.call.arguments"
local credential = require "patchworks.call.credential"
local methods = require "patchworks.call.methods"
local misuse = require("patchworks.errors").misuse
local origin = require "patchworks.call.origin"

local options = {}

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
      default = "PATCHWORKS_BASE_URL, or " .. origin.vendor },
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
    { "ca_file", "string", "PEM: the certificates to trust", default = "PATCHWORKS_CA_FILE" },
    { "ca_pem", "string", "the same as text, in its place" },
    { "ca_path", "string", "a folder of them, as c_rehash makes it" },
    { "proxy", "string", "a proxy's URL" },
    { "client_cert", "string", "PEM: the client's certificate" },
    { "client_key", "string", "PEM: its key" },
    { "on_event", "function", "called with a table for each attempt, retry, wait and page",
      type = methods.per_call.on_event.type },
    { "record_file", "string", "a file to keep every attempt in, without a credential: what was sent, and what came" },
    { "loop", "any", 'a host\'s loop, such as require "patchworks.loop.luv"', type = "table" },
    { "max_pause", "seconds", "the longest time that a 429 keeps the client from sending", default = 900 },
  },
  gives = "patchworks.client",
  raises = true,
  example = [[local client <close> = patchworks.new { api_key = "..." }]],
}

--- The options that every method takes for its call alone, beside its parameters.
options.per_call = methods.per_call

-- Whom to trust: what was given in any form, else what the environment has.
local function ca_file_of(given, getenv)
  local path = getenv "PATCHWORKS_CA_FILE"
  if given.ca_file or given.ca_pem or given.ca_path or not path or path == "" then return given.ca_file end
  if not io then return path end
  local handle <close>, problem = io.open(path, "rb")
  if not handle then misuse("PATCHWORKS_CA_FILE: can't read %s", problem) end
  return path
end

local function check_texts(given)
  for _, name in ipairs { "ca_file", "ca_path", "proxy", "client_cert", "client_key", "record_file" } do
    local value = given[name]
    if value and (value == "" or value:find("[\r\n\0]")) then
      misuse("%s: %s can't be used", name, arguments.show(value))
    end
  end
  if given.ca_pem and not given.ca_pem:find "^[^%z]+$" then misuse "ca_pem: expected PEM, the text of certificates" end
  for _, name in ipairs { "ca_file", "client_cert", "client_key" } do
    if given[name] and io then
      local handle <close>, problem = io.open(given[name], "rb")
      if not handle then misuse("%s: can't read %s", name, problem) end
    end
  end
end

--- Checks and completes the options of `new`; the caller's table is not changed.
-- @tparam ?table given
-- @tparam ?function getenv in place of os.getenv
-- @treturn table what the client is made from
function options.resolve(given, getenv)
  given = given or {}
  getenv = getenv or os and os.getenv or function() end -- a host may have opened no `os`
  methods.check(options.new, given, "patchworks.new")
  check_texts(given)
  local base_url = given.base_url
  if base_url == nil then base_url = getenv "PATCHWORKS_BASE_URL" end
  if base_url == "" and given.base_url == nil then base_url = nil end
  local base = origin.base(origin.check(base_url or origin.vendor, "base_url", given.allow_insecure))
  return {
    base_url = base,
    credential = credential.resolve(given, getenv, base),
    timeout = given.timeout,
    attempt_timeout = given.attempt_timeout,
    connect_timeout = given.connect_timeout or 10,
    max_attempts = given.max_attempts or 4,
    max_response_bytes = given.max_response_bytes or 64 * mebibyte,
    max_connections = given.max_connections or 8,
    rate_limit = given.rate_limit,
    ca_file = ca_file_of(given, getenv),
    ca_pem = given.ca_pem,
    ca_path = given.ca_path,
    proxy = given.proxy,
    client_cert = given.client_cert,
    client_key = given.client_key,
    on_event = given.on_event,
    record_file = given.record_file,
    loop = given.loop,
    max_pause = given.max_pause or 900,
  }
end

return options
