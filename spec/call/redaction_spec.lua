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
      assert.is_true(redaction.holds(redaction.without(text, forms), { forms }), text)
    end
    local hexadecimal = secret:gsub(".", function(each) return ("%02X"):format(each:byte()) end)
    for _, text in ipairs { "k-3-y-/-o-f m-i-n-e---s-e-c-r-e-t", "k3y=2Fof=20mine=2Dsecret", (hexadecimal:gsub("%x%x", "%0:")),
      (hexadecimal:gsub("%x%x", "%0, ")) } do
      assert.is_true(redaction.holds(text, { forms }), text)
    end
    assert.is_false(redaction.holds("a test of te-st", { redaction.forms "te.st" }))
    for _, text in ipairs { "", "k3y/of yours", "%zz \\q &; %", ("\\"):rep(100) } do
      assert.is_false(redaction.holds(text, { forms }), text)
    end
  end)

  it("replaces what is not ASCII as JSON escapes it", function()
    local forms = redaction.forms "p\u{e4}55/w\u{1F600}rd"
    for _, form in ipairs { [[p\u00e455\/w\ud83d\ude00rd]], [[p\u00e455/w\ud83d\ude00rd]], "p%c3%a455/w%f0%9f%98%80rd" } do
      assert.equal("<[redacted]>", redaction.without("<" .. form .. ">", forms), form)
    end
  end)

  it("notices what is not ASCII in any escapes", function()
    local secret = "p\u{e4}55/w\u{1F600}rd"
    local forms = redaction.forms(secret)
    local function each(format)
      local parts = {}
      for _, code in utf8.codes(secret) do
        if code > 0xFFFF then parts[#parts + 1] = format:format(0xD7C0 + (code >> 10)) end
        parts[#parts + 1] = format:format(code > 0xFFFF and 0xDC00 + (code & 0x3FF) or code)
      end
      return table.concat(parts)
    end
    for _, text in ipairs { each "\\u%04x", each "\\u%04X", each "\\\\u%04x", "p&#228;55/w&#x1f600rd", "P\u{c4}55/W\u{1F600}RD",
      "p&#xe4;55&#47w&#x1F600;rd", [[p\303\24455/w\360\237\230\200rd]], [[\160\u00E455\/w\u{1f600}rd]], "p\0\u{e4}5\x015/w\x7f\u{1F600}rd",
      [[p\xc3\xa455/w\u0000\uD83D\uDE00rd]], "p%u00e455/w%F0%9f%98%80rd", [[p\U000000e455/w\U0001F600rd]] } do
      assert.is_true(redaction.holds(text, { forms }), text)
    end
    local latin = redaction.forms "p\u{e4}55word"
    for _, text in ipairs { "p\xe455word", "p%E455word", "p\u{c3}\u{a4}55word", [[p\xe455word]] } do assert.is_true(redaction.holds(text, { latin }), text) end
    assert.is_false(redaction.holds("p\u{e4}55/w\u{1F601}rd &#99999999999999999999; \\u{ffffffffffff}", { forms }))
  end)

  it("needs no utf8 library", function()
    local library = utf8
    package.loaded._G.utf8 = nil
    local ok, found = pcall(function()
      return redaction.holds([[p\u00c4\x55\ud83d\ude00-rd]], { redaction.forms "p\u{e4}U\u{1F600}-rd" })
    end)
    package.loaded._G.utf8 = library
    assert.same({ true, true }, { ok, found })
  end)

  it("takes linear time", function()
    local forms, began = redaction.forms "p\u{e4}55/w\u{1F600}rd", os.clock()
    for _, piece in ipairs { "\\", "%25", "&#38;", "p\u{e4}", "\\u00e4", " " } do redaction.clean(piece:rep(100000), { forms }) end
    assert.is_true(os.clock() - began < 5)
  end)

  it("leaves alone what is too short to be told from other texts", function()
    assert.same({}, redaction.forms "abc")
    assert.is_false(redaction.holds("abc", { {} }))
    assert.equal(redaction.without("x 64646464 ZGRkZA", redaction.forms "dddd"), "x 64646464 ZGRkZA")
  end)
end)
