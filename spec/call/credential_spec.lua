-- Credentials go where their owner said. Nothing here is sent anywhere.
local credential = require "patchworks.call.credential"
local origin = require "patchworks.call.origin"

local function environment(values)
  return function(name) return values[name] end
end

local vendor = "https://core.wearepatchworks.com"
local key = environment { PATCHWORKS_API_KEY = "geheim" }
local bound = environment { PATCHWORKS_API_KEY = "geheim", PATCHWORKS_BASE_URL = "https://Staging.example.com:443/api/v1" }

local function refused(service, getenv, stored)
  local found, problem = credential.grant(service, getenv, stored)
  assert.is_nil(found)
  assert.is_nil(problem:find("geheim", 1, true))
  return problem
end

describe("an origin", function()
  it("is compared without case and default port, and with everything else", function()
    for _, url in ipairs { "https://x.example", "HTTPS://X.Example", "https://x.example:443/a/b" } do
      assert.equal("https://x.example", origin.of(url))
    end
    for _, url in ipairs { "https://x.example:8443", "http://x.example", "https://x.example.", "https://y.x.example" } do
      assert.not_equal("https://x.example", origin.of(url))
    end
    assert.equal("http://[::1]:8080", origin.of "http://[::1]:8080/x")
  end)
end)

describe("a credential of the environment", function()
  it("goes to the vendor's origin when no other is named", function()
    assert.same({ api_key = "geheim" }, credential.grant({ base_url = vendor, file = "f" }, key))
    assert.same({ api_key = "geheim" }, credential.grant({ base_url = vendor }, key))
  end)

  it("doesn't go to an origin that a file names, and the error says what to do", function()
    local problem = refused({ base_url = "https://evil.example", file = "/repo/patchworks.project.lua" }, key)
    assert.matches("/repo/patchworks.project.lua", problem, 1, true)
    assert.matches("PATCHWORKS_BASE_URL=https://evil.example", problem, 1, true)
    for _, near in ipairs { "https://core.wearepatchworks.com.evil.example", "https://core.wearepatchworks.com:444", "https://wearepatchworks.com" } do
      refused({ base_url = near, file = "f" }, key)
    end
    refused({ base_url = "http://core.wearepatchworks.com", file = "f" }, key)
  end)

  it("goes to PATCHWORKS_BASE_URL, whoever else names it, and then not to the vendor's by a file's word", function()
    assert.same({ api_key = "geheim" }, credential.grant({ base_url = "https://staging.example.com/x", file = "f" }, bound))
    refused({ base_url = vendor, file = "f" }, bound)
  end)

  it("goes where its owner says in so many words", function()
    assert.same({ api_key = "geheim" }, credential.grant({ base_url = "https://mine.example" }, key))
  end)

  it("lets no password go to a login URL that a file names, but the vendor's or its own origin's", function()
    local login = { PATCHWORKS_USERNAME = "u", PATCHWORKS_PASSWORD = "geheim" }
    local function grant(url)
      return credential.grant({ base_url = vendor, login_url = url, login_file = "f" }, environment(login))
    end
    assert.is_nil((grant "https://evil.example/login"))
    assert.matches("login_url", select(2, grant "https://evil.example/login"), 1, true)
    assert.equal("geheim", grant("https://app.wearepatchworks.com/other").password)
    assert.equal("geheim", grant(vendor .. "/login").password)
    login.PATCHWORKS_BASE_URL = "https://mine.example"
    local mine = { base_url = "https://mine.example", login_url = "https://app.wearepatchworks.com/login", login_file = "f" }
    assert.is_nil((credential.grant(mine, environment(login))))
  end)

  it("says which file named what, and where it goes instead", function()
    assert.equal("f names https://evil.example as its base_url, and the credential of the environment goes to "
      .. "https://core.wearepatchworks.com alone; set PATCHWORKS_BASE_URL=https://evil.example if it is meant for there",
      refused({ base_url = "https://evil.example", file = "f" }, key))
    local login = environment { PATCHWORKS_USERNAME = "u", PATCHWORKS_PASSWORD = "geheim" }
    assert.equal("g names https://evil.example as its login_url, and the credential of the environment goes to "
      .. "https://core.wearepatchworks.com alone; set PATCHWORKS_BASE_URL=https://evil.example if it is meant for there",
      refused({ base_url = vendor, login_url = "https://evil.example/x", login_file = "g" }, login))
    -- A key needs no login, whoever names one.
    assert.same({ api_key = "geheim" }, credential.grant({ base_url = vendor, login_url = "https://evil.example/x", login_file = "g" }, key))
    -- Who owns it may name a service of http://, as by a tunnel.
    local tunnel = environment { PATCHWORKS_API_KEY = "geheim", PATCHWORKS_BASE_URL = "http://tunnel.example" }
    assert.same({ api_key = "geheim" }, credential.grant({ base_url = "http://tunnel.example", file = "f" }, tunnel))
  end)

  it("is of one kind", function()
    local two = environment { PATCHWORKS_API_KEY = "geheim", PATCHWORKS_TOKEN = "geheim" }
    assert.matches("exactly one kind", refused({ base_url = vendor }, two), 1, true)
  end)
end)

describe("a stored key", function()
  local function stored(place) return place == "https://staging.example.com" and "kept" or nil end

  it("goes to the origin it was stored for, also when a file names that", function()
    local service = { base_url = "https://staging.example.com/api/v1", file = "f" }
    assert.same({ api_key = "kept" }, credential.grant(service, environment {}, stored))
    -- The environment's may not go there, and doesn't stand in its way.
    assert.same({ api_key = "kept" }, credential.grant(service, key, stored))
  end)

  it("gives way to a credential of the environment that is for there", function()
    assert.same({ api_key = "geheim" }, credential.grant({ base_url = "https://staging.example.com" }, bound, stored))
  end)

  it("goes nowhere else", function()
    assert.matches("no credential for https://other.example", refused({ base_url = "https://other.example", file = "f" }, environment {}, stored), 1, true)
    assert.matches("patchworks login", refused({ base_url = vendor }, environment {}, stored), 1, true)
    refused({ base_url = "https://staging.example.com:8443", file = "f" }, environment {}, stored)
  end)
end)
