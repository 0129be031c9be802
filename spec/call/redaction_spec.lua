-- A secret is taken out of a text in every form, and noticed in those that nobody has thought of.
local redaction = require "patchworks.call.redaction"

describe("call.redaction", function()
  it("replaces a secret as it is, as JSON, URLs and HTML have it, in base64 and in hexadecimal digits", function()
    local secret = 'a/b"c d-secret'
    local forms = redaction.forms(secret)
    for _, form in ipairs { secret, [[a\/b\"c d-secret]], [[a/b\"c d-secret]], "a%2Fb%22c%20d-secret", "a%2fb%22c%20d-secret",
      "a%2Fb%22c+d-secret", "a/b&quot;c d-secret", "612f62226320642d736563726574", "YS9iImMgZC1zZWNyZX" } do
      assert.equal("<[redacted]>", redaction.without("<" .. form .. ">", forms), form)
    end
    -- Behind an "x": what of the base64 is of its neighbour as well stays.
    assert.equal("eG[redacted]", redaction.without("eGEvYiJjIGQtc2VjcmV0", forms))
    assert.equal("nothing of it", redaction.without("nothing of it", forms))
    assert.equal(7, redaction.without(7, forms))
  end)

  it("notices what is escaped in part, twice, in capitals, or with blanks between", function()
    local secret = "k3y/of mine-secret"
    local forms = redaction.forms(secret)
    for _, text in ipairs { [[k3y\/of\u0020mine-secret]], [[k3y\\\/of mine-secret]], "k3y%252Fof%2520mine-secret", "K3Y/OF MINE-SECRET",
      "k3y/of\n  mine-\tsecret", "k3y&#47;of mine&#x2d;secret", [[k3y/of\nmine-secret]], [[\x6b3y/of mine-secret]] } do
      assert.is_true(redaction.holds(redaction.without(text, forms), secret, forms), text)
    end
    for _, text in ipairs { "", "k3y/of yours", "%zz \\q &; %", ("\\"):rep(100) } do
      assert.is_false(redaction.holds(text, secret, forms), text)
    end
  end)

  it("leaves alone what is too short to be told from other texts", function()
    assert.same({}, redaction.forms "abc")
    assert.is_false(redaction.holds("abc", "abc", {}))
    assert.equal(redaction.without("x 64646464 ZGRkZA", redaction.forms "dddd"), "x 64646464 ZGRkZA")
  end)
end)
