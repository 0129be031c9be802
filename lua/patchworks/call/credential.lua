--- Where credentials come from, and where they may go.
--
-- A credential is bound to an origin. One of the environment goes to PATCHWORKS_BASE_URL, or to the vendor's where that
-- is not set; a stored one to the origin it was stored for. Who owns them may name another origin, by the `base_url` of
-- `patchworks.new` or by `--base-url`; a file, which others wrote, may not.
--
-- @module patchworks.call.credential
local misuse = require("patchworks.errors").misuse
local origin = require "patchworks.call.origin"

local credential = {}

local variables = {
  api_key = "PATCHWORKS_API_KEY",
  token = "PATCHWORKS_TOKEN",
  username = "PATCHWORKS_USERNAME",
  password = "PATCHWORKS_PASSWORD",
}

--- What the environment has.
-- @tparam function getenv as os.getenv
-- @treturn table `api_key`, `token`, `username`, `password`, each where it is set and not empty
function credential.from_environment(getenv)
  local found = {}
  for name, variable in pairs(variables) do
    local value = getenv(variable)
    if value ~= "" then found[name] = value end
  end
  return found
end

local function check_secret(value, what)
  if type(value) ~= "string" or value == "" then
    local came = value == "" and "an empty one" or value == nil and "none" or "a " .. type(value)
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

local function login_url_of(given, base)
  if given.login_url ~= nil then
    local place, path = origin.check(given.login_url, "login_url", given.allow_insecure)
    return place .. path
  end
  -- A password meant for a service of one's own must not go to the vendor's.
  return base ~= origin.vendor and base .. "/fabric/api/login" or origin.vendor_login
end

--- The credential of a client: what the caller gave, else what the environment has. Raises unless there is one.
-- @tparam table given the options of `patchworks.new`
-- @tparam function getenv
-- @tparam string base the client's base URL
-- @treturn table `kind` ("key", "token" or "login"), `secret`, and for a login `username`, `field`, `url`
function credential.resolve(given, getenv, base)
  local source, where = given, "`new`"
  local kinds = kinds_in(source)
  if #kinds == 0 then
    source, where = credential.from_environment(getenv), "the environment"
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
    url = login_url_of(given, base),
  }
end

-- The origins that a credential of the environment may go to.
local function bound_to(getenv)
  local named = getenv "PATCHWORKS_BASE_URL"
  if named == "" then named = nil end
  local home = origin.of(origin.check(named or origin.vendor, "PATCHWORKS_BASE_URL", true))
  return { [home] = true, [origin.of(origin.vendor_login)] = home == origin.vendor or nil }, home
end

local function refuse(what, place, file, home)
  return nil, ("%s names %s as its %s, and the credential of the environment goes to %s alone; "
    .. "set PATCHWORKS_BASE_URL=%s if it is meant for there"):format(file, place, what, home, place)
end

--- The credential that may go to a service when a file has named it.
-- @tparam table service `base_url`; `file`, the file that named it, or nil when its owner did; `login_url` and
-- `login_file` likewise
-- @tparam function getenv
-- @tparam ?function stored gives the API key that is kept for an origin, or nil
-- @treturn ?table `api_key`, `token`, or `username` and `password`, as `patchworks.new` takes them; or nil and a
-- sentence that says what to do
function credential.grant(service, getenv, stored)
  local place = origin.of(service.base_url)
  local found = credential.from_environment(getenv)
  local kinds = kinds_in(found)
  if #kinds > 1 then
    local several = table.concat(kinds, " and "):gsub("[%l_]+", variables)
    return nil, ("the environment has %s; exactly one kind is needed"):format(several)
  end
  for name, other in pairs { username = "password", password = "username" } do
    if found[name] and not found[other] then
      return nil, ("%s is set, and %s is not: both are needed"):format(variables[name], variables[other])
    end
  end
  local allowed, home = bound_to(getenv)
  local may_go = not service.file or allowed[place]
  if #kinds == 1 and may_go then
    if not found.password or not service.login_file then return found end
    local login = origin.of(service.login_url)
    if login == place or allowed[login] then return found end
    return refuse("login_url", login, service.login_file, home)
  end
  local key = stored and stored(place)
  if key then return { api_key = key } end
  if #kinds == 1 then return refuse("base_url", place, service.file, home) end
  local keep = stored and ", or keep a key with: patchworks login" or ""
  return nil, ("no credential for %s: set PATCHWORKS_API_KEY, PATCHWORKS_TOKEN, or PATCHWORKS_USERNAME and "
    .. "PATCHWORKS_PASSWORD%s"):format(place, keep)
end

return credential
