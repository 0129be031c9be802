-- What is left out of a case that is kept.
local secrets = require "patchworks.project.secrets"

describe("project.secrets", function()
  it("empties what is named like a secret, at any depth", function()
    local text, found = secrets.without([[{"api_key":"k1","items":[{"clientSecret":"k2","sku":"A"}],"Authorization":"k3",
"auth":{"user":"k5","pwd":"k4"},"login":{"user":"u","pwd":"k6"},"keyboard":"qwerty","pin":1234,"passwords":[]}]], "payload")
    assert.is_nil(text:find "k%d")
    assert.is_nil(text:find "1234")
    assert.truthy(text:find "qwerty" and text:find '"A"' and text:find '"u"')
    assert.same({ "payload.Authorization", "payload.api_key", "payload.auth.pwd", "payload.auth.user", "payload.items.1.clientSecret", "payload.login.pwd", "payload.pin" }, found)
  end)

  it("empties all that is below a secret's name", function()
    local text, found = secrets.without([[{"secrets":["k1",{"a":"k2","b":[12345],"c":null}],"token":{"value":"k3"},"pin":[9876],"n":"k"}]], "p")
    for _, each in ipairs { "k%d", "12345", "9876" } do assert.is_nil(text:find(each)) end
    assert.truthy(text:find('"n": "k"', 1, true))
    assert.same({ "p.pin.1", "p.secrets.1", "p.secrets.2.a", "p.secrets.2.b.1", "p.token.value" }, found)
  end)

  it("empties what a text that is no JSON says of a secret's name", function()
    for text, clean in pairs {
      ["password=hunter22"] = "password=(left out)",
      ["a=1&access_token=ab%20c&b=2"] = "a=1&access_token=(left out)&b=2",
      ["user: me\napi_key: abcd1234efgh\nregion: eu"] = "user: me\napi_key: (left out)\nregion: eu",
      ["x {'clientSecret': 'ab cd', \"pin\" : \"12 34\"}, n"] = "x {'clientSecret': (left out), \"pin\" : (left out)}, n",
    } do
      assert.equal(clean, (secrets.without(text, "p")))
      assert.equal(clean, (secrets.without(clean, "p")))
    end
    for _, text in ipairs { "keyboard: qwerty", "the token is new", "token:", "def token(x): return x", "monkey = 7", '{"content":"token=a1"}' } do
      assert.equal(text, (secrets.without(text, "p")))
    end
    local began = os.clock()
    for _, piece in ipairs { "token", "token ", "token=", "token='", "token: \"" } do secrets.without(piece:rep(50000), "p") end
    assert.is_true(os.clock() - began < 4)
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
