-- What `patchworks.new` accepts, and what it says when it doesn't. Nothing here is sent anywhere.
local options = require "patchworks.call.options"
local patchworks = require "patchworks"

local function none() end
local function environment(values)
  return function(name) return values[name] end
end

describe("patchworks.new", function()
  local function refuses(pattern, given, getenv)
    local ok, problem = pcall(function() options.resolve(given, getenv or none) end)
    assert.is_false(ok)
    assert.matches(pattern, problem, 1, true)
    return problem
  end

  it("raises at the caller's line", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local ok, problem = pcall(function() patchworks.new { api_key = "" } end)
    assert.is_false(ok)
    assert.matches("options_spec.lua:" .. line .. ": ", problem, 1, true)
  end)

  it("says what to do when there is no credential", function()
    refuses("PATCHWORKS_API_KEY", {})
    refuses("PATCHWORKS_API_KEY", nil)
  end)

  it("wants exactly one kind of credential, in the call or in the environment", function()
    refuses("exactly one kind", { api_key = "k", token = "t" })
    refuses("exactly one kind", { api_key = "k", username = "u", password = "p" })
    local problem =
      refuses("exactly one kind", {}, environment { PATCHWORKS_API_KEY = "k", PATCHWORKS_TOKEN = "t" })
    assert.matches("the environment", problem, 1, true)
    refuses("password", { username = "u" })
  end)

  it("prefers the call's credential to the environment's", function()
    local settings = options.resolve({ token = "mine" }, environment { PATCHWORKS_API_KEY = "theirs" })
    assert.equal("token", settings.credential.kind)
    assert.equal("mine", settings.credential.secret)
  end)

  it("takes a login from the environment", function()
    local settings = options.resolve({}, environment { PATCHWORKS_USERNAME = "u", PATCHWORKS_PASSWORD = "p" })
    assert.equal("login", settings.credential.kind)
    assert.equal("https://app.wearepatchworks.com/fabric/api/login", settings.credential.url)
  end)

  it("keeps a password for another service than the vendor's at that service", function()
    local settings = options.resolve({ username = "u", password = "p", base_url = "http://127.0.0.1:1/x/api/v1" }, none)
    assert.equal("http://127.0.0.1:1/x/fabric/api/login", settings.credential.url)
  end)

  it("refuses credentials that can't be a header, and never shows them", function()
    for _, secret in ipairs { "", "geheim\r", "geheim\n", "ge\0heim", 12, {}, true } do
      for _, name in ipairs { "api_key", "token" } do
        local problem = refuses(name, { [name] = secret })
        assert.is_nil(problem:find("geheim", 1, true))
      end
      refuses("password", { username = "u", password = secret })
    end
  end)

  it("wants an http(s) URL", function()
    for _, url in ipairs {
      "", "core.wearepatchworks.com", "ftp://x", "https://", "https:///x", "https://x?y", "https://x#y", "https://a b",
      "https://x\r\n", "https://x:port", 7, {},
    } do
      refuses("base_url", { api_key = "k", base_url = url })
    end
    for _, url in ipairs { "https://u:p@x", "https://@x" } do refuses("user name", { api_key = "k", base_url = url }) end
    refuses('base_url: expected a URL like https://core.wearepatchworks.com, without a query, got "ftp://x"',
      { api_key = "k", base_url = "ftp://x" })
  end)

  it("refuses http:// beyond this machine unless told", function()
    for _, url in ipairs { "http://example.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://10.0.0.1" } do
      refuses("allow_insecure", { api_key = "k", base_url = url })
      assert.equal(url, options.resolve({ api_key = "k", base_url = url, allow_insecure = true }, none).base_url)
    end
    refuses("login_url", { username = "u", password = "p", login_url = "http://example.com/login" })
    for _, url in ipairs { "http://localhost:80", "http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]:8080" } do
      assert.equal(url, options.resolve({ api_key = "k", base_url = url }, none).base_url)
    end
  end)

  it("takes a trailing /api/v1, slashes, and a base path", function()
    for given, expected in pairs {
      ["https://x/api/v1"] = "https://x",
      ["https://x/api/v1/"] = "https://x",
      ["https://x/"] = "https://x",
      ["https://x/y/api/v1"] = "https://x/y",
      ["HTTPS://x/y"] = "https://x/y",
    } do
      assert.equal(expected, options.resolve({ api_key = "k", base_url = given }, none).base_url)
    end
    local settings = options.resolve({ api_key = "k" }, environment { PATCHWORKS_BASE_URL = "https://z" })
    assert.equal("https://z", settings.base_url)
  end)

  it("suggests the near name for an unknown option", function()
    refuses("did you mean `api_key`?", { apikey = "k" })
    refuses("did you mean `timeout`?", { api_key = "k", timeuot = 5 })
    refuses("unknown option", { api_key = "k", [1] = 2 })
  end)

  it("checks numbers, and names the range", function()
    for _, name in ipairs { "timeout", "attempt_timeout", "connect_timeout" } do
      for _, value in ipairs { 0, -1, "5", 0 / 0, math.huge } do
        refuses(name .. ": expected a positive number of seconds", { api_key = "k", [name] = value })
      end
    end
    refuses("max_attempts: expected an integer from 1 to 100", { api_key = "k", max_attempts = 0 })
    refuses("max_connections", { api_key = "k", max_connections = 1.5 })
    refuses("rate_limit", { api_key = "k", rate_limit = 0 })
    refuses("max_response_bytes", { api_key = "k", max_response_bytes = -1 })
    refuses("on_event", { api_key = "k", on_event = "x" })
    for _, text in ipairs { "", "a\0b" } do refuses("ca_pem: expected PEM", { api_key = "k", ca_pem = text }) end
  end)

  it("completes what is not given, and hands on what is", function()
    local settings = options.resolve({ api_key = "k" }, none)
    assert.same({ kind = "key", secret = "k" }, settings.credential)
    settings.credential = nil
    assert.same({ base_url = "https://core.wearepatchworks.com", connect_timeout = 10, max_attempts = 4, max_response_bytes = 67108864,
      max_connections = 8, max_pause = 900 }, settings)
    local path = os.tmpname()
    local given = { api_key = "k", timeout = 1, attempt_timeout = 2, connect_timeout = 3, max_attempts = 5, max_response_bytes = 6,
      max_connections = 7, rate_limit = 8, max_pause = 9, ca_path = "/certificates", proxy = "http://proxy:1", on_event = none,
      loop = {}, record_file = "/tmp/x", ca_file = path, ca_pem = "-", client_cert = path, client_key = path }
    settings = options.resolve(given, none)
    for name, value in pairs(given) do
      if name ~= "api_key" then assert.equal(value, settings[name], name) end
    end
    os.remove(path)
  end)

  it("takes whom to trust from the environment, unless it is told", function()
    local path = os.tmpname()
    local function ca_file(given, value)
      given.api_key = "k"
      return options.resolve(given, environment { PATCHWORKS_CA_FILE = value }).ca_file
    end
    assert.equal(path, ca_file({}, path))
    assert.is_nil(ca_file({}, ""))
    assert.is_nil(ca_file({}, nil))
    assert.is_nil(ca_file({ ca_path = "/certificates" }, path))
    assert.is_nil(ca_file({ ca_pem = "-" }, path))
    assert.is_nil(ca_file({ ca_path = "/certificates" }, "/does/not/exist"))
    os.remove(path)
    refuses("PATCHWORKS_CA_FILE: can't read ", { api_key = "k" }, environment { PATCHWORKS_CA_FILE = path })
  end)

  it("refuses texts that are empty, or that would end a line, and files that are not there", function()
    for _, name in ipairs { "ca_file", "ca_path", "proxy", "client_cert", "client_key", "record_file" } do
      for _, text in ipairs { "", "a\rb", "a\nb", "a\0b" } do
        assert.matches(": " .. name .. ": \".*\" can't be used$", refuses(name, { api_key = "k", [name] = text }))
      end
    end
    for _, name in ipairs { "ca_file", "client_cert", "client_key" } do
      refuses(name .. ": can't read /does/not/exist: ", { api_key = "k", [name] = "/does/not/exist" })
    end
  end)

  it("says which secret it can't use, and why", function()
    refuses("api_key: expected a string that is not empty, got an empty one", { api_key = "" })
    refuses("api_key: expected a string that is not empty, got a number", { api_key = 7 })
    refuses("token: expected a string that is not empty, got a boolean", { token = true })
    refuses("username: expected a string that is not empty, got none", { password = "p" })
    refuses("password: expected a string that is not empty, got none", { username = "u" })
    refuses("token: it holds CR, LF or NUL (is there a newline at its end?)", { token = "t\n" })
    refuses("username: it holds CR", { username = "u\n", password = "p" })
    refuses("`new` has api_key and token; exactly one kind of credential is needed", { api_key = "k", token = "t" })
    refuses("`new` has token and username and password; exactly", { token = "t", username = "u" })
    refuses("the environment has api_key and token; exactly", {}, environment { PATCHWORKS_API_KEY = "k", PATCHWORKS_TOKEN = "t" })
    local login = options.resolve({ username = "u", password = "p", login_field = "email" }, none).credential
    assert.same({ kind = "login", username = "u", secret = "p", field = "email",
      url = "https://app.wearepatchworks.com/fabric/api/login" }, login)
    assert.equal("username", options.resolve({ username = "u", password = "p" }, none).credential.field)
  end)

  it("says which file it can't read", function()
    refuses("/does/not/exist", { api_key = "k", ca_file = "/does/not/exist" })
  end)

  it("does not change the caller's table", function()
    local given = { api_key = "k", base_url = "https://x/api/v1" }
    options.resolve(given, none)
    assert.same({ api_key = "k", base_url = "https://x/api/v1" }, given)
  end)

  it("gives a client that shows no secret", function()
    local client <close> = patchworks.new { api_key = "geheim" }
    local seen = {}
    local function look(value)
      if type(value) == "string" then assert.is_nil(value:find("geheim", 1, true)) end
      if type(value) ~= "table" or seen[value] then return end
      seen[value] = true
      for key, item in pairs(value) do
        look(key)
        look(item)
      end
      look(getmetatable(value))
    end
    look(client)
    assert.equal("patchworks client (https://core.wearepatchworks.com, an API key)", tostring(client))
  end)

  it("can be closed twice, and says so afterwards", function()
    local client = patchworks.new { api_key = "k" }
    client:close()
    client:close()
    assert.has_error(function() client.script_versions:get(7) end)
  end)
end)
