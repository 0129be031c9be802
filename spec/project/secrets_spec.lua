-- What is left out of a case that is kept.
local secrets = require "patchworks.project.secrets"

describe("project.secrets", function()
  it("empties what is named like a secret, at any depth", function()
    local text, found = secrets.without([[{"api_key":"k1","items":[{"clientSecret":"k2","sku":"A"}],"Authorization":"k3",
      "auth":{"user":"u","pwd":"k4"},"keyboard":"qwerty","pin":1234,"passwords":[]}]], "payload")
    assert.is_nil(text:find "k%d")
    assert.is_nil(text:find "1234")
    assert.truthy(text:find "qwerty" and text:find '"A"' and text:find '"u"')
    assert.same({ "payload.Authorization", "payload.api_key", "payload.auth.pwd", "payload.items.1.clientSecret", "payload.pin" }, found)
  end)

  it("takes out what has a secret's form, and what is known to be one", function()
    local jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_-DEF"
    local text, found = secrets.without("a Bearer Abc.def1 b " .. jwt .. " c my%key-1 d\n-----BEGIN RSA PRIVATE KEY-----\nxyz\n-----END RSA PRIVATE KEY-----",
      "payload", { "my%key-1" })
    assert.equal("a (left out) b (left out) c (left out) d\n(left out)", text)
    assert.equal(4, #found)
    text = secrets.without('{"note":"curl -H \'X: my%key-1\'"}', "payload", { "my%key-1" })
    assert.is_nil(text:find("my%key", 1, true))
  end)

  it("keeps nothing that is below a name which comes again", function()
    local text, found = secrets.without('{"a": {"token": "x"}, "a": 1}', "payload")
    assert.same({ '{\n  "a": 1\n}\n', { "payload.a" } }, { text, found })
  end)

  it("looks into a string that is JSON itself", function()
    local text, found = secrets.without([[{"variables":"{\"api_key\":\"k1\",\"region\":\"eu\"}","n":1}]], "body")
    assert.is_nil(text:find "k1")
    assert.truthy(text:find "eu")
    assert.same({ "body.variables.api_key" }, found)
  end)

  it("takes a private key without an end to be one up to the end, and many in no time", function()
    local began = os.clock()
    assert.equal("a (left out)", (secrets.without("a -----BEGIN PRIVATE KEY-----\nxyz", "payload")))
    assert.equal("(left out)", (secrets.without(("-----BEGIN PRIVATE KEY-----"):rep(20000), "payload")))
    assert.is_true(os.clock() - began < 2)
  end)

  it("leaves everything else as it is, byte for byte", function()
    for _, text in ipairs { '{"b":1.0,  "a":[]}', "<a>basic needs</a>", "", '"x"', "\0\255" } do
      local same, found = secrets.without(text, "payload", { "short" })
      assert.same({ text, 0 }, { same, #found })
    end
  end)
end)
