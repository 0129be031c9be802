-- Checks of what callers give: what passes, and what is said of the rest.
local arguments = require "patchworks.call.arguments"

local function refused(fn, ...)
  local ok, problem = pcall(fn, ...)
  assert.is_false(ok)
  return (problem:gsub("^[^:]*arguments_spec.lua:%d+: ", ""))
end

describe("a value", function()
  it("is shown in one short line", function()
    for _, case in ipairs {
      { "x", '"x"' }, { 'a"b', '"a\\"b"' }, { "a\nb", '"a\\nb"' }, { 7, "7" }, { 1.5, "1.5" }, { true, "true" }, { nil, "nil" },
      { {}, "a table" }, { print, "a function" }, { ("x"):rep(40), '"' .. ("x"):rep(40) .. '"' },
      { ("x"):rep(41), '"' .. ("x"):rep(40) .. '..."' },
    } do
      assert.equal(case[2], arguments.show(case[1]))
    end
    assert.equal("nil", arguments.show(nil))
  end)
end)

describe("a mistyped name", function()
  local allowed = { content = true, filter = true, per_page = true, page = true }

  it("is taken for the nearest that is not far", function()
    for written, meant in pairs {
      contnet = "content", content = "content", contents = "content", perpage = "per_page", pages = "page", fliter = "filter",
      ontent = "content", xontent = "content", per_pagexx = "per_page", pa = "page",
    } do
      assert.equal(meant, arguments.nearest(written, allowed), written)
    end
    for _, written in ipairs { "x", "headers", "p", "contxxxx" } do assert.is_nil(arguments.nearest(written, allowed), written) end
    -- A third of its length may be wrong, and two letters always.
    assert.equal("abcdefghijkl", arguments.nearest("abcdefghXXXX", { abcdefghijkl = true }))
    assert.is_nil(arguments.nearest("abcdefgXXXXX", { abcdefghijkl = true }))
  end)

  it("that lies as near to two is taken for the first in the alphabet", function()
    assert.equal("aaab", arguments.nearest("aaax", { aaac = true, aaab = true }))
  end)

  it("is refused with what was meant, or with all that there is", function()
    assert.equal("get: unknown option `pagee`; did you mean `page`?", refused(arguments.refuse_name, "pagee", allowed, "get"))
    local all = "; it takes content, filter, page, per_page"
    assert.equal("get: unknown option `headers`" .. all, refused(arguments.refuse_name, "headers", allowed, "get"))
    assert.equal("get: unknown option 1" .. all, refused(arguments.refuse_name, 1, allowed, "get"))
    assert.equal("get: unknown option true" .. all, refused(arguments.refuse_name, true, allowed, "get"))
  end)

  it("is found among the options", function()
    arguments.check_names(nil, allowed, "get")
    arguments.check_names({ page = 1, filter = false }, allowed, "get")
    assert.matches("did you mean `page`", refused(arguments.check_names, { pag = 1 }, allowed, "get"))
    assert.equal('get: expected a table of options, got "x"', refused(arguments.check_names, "x", allowed, "get"))
  end)
end)

describe("an optional value", function()
  it("is of its type, or nil, and given back", function()
    assert.is_nil(arguments.check_type(nil, "string", "x"))
    assert.equal("a", arguments.check_type("a", "string", "x"))
    assert.equal("x: expected a string, got 7", refused(arguments.check_type, 7, "string", "x"))
    assert.equal("x: expected a string, got false", refused(arguments.check_type, false, "string", "x"))
  end)

  it("of seconds is positive and finite", function()
    assert.is_nil(arguments.check_seconds(nil, "x"))
    assert.equal(0.5, arguments.check_seconds(0.5, "x"))
    for _, value in ipairs { 0, -1, math.huge, 0 / 0, "5", false } do
      assert.matches("x: expected a positive number of seconds, got ", refused(arguments.check_seconds, value, "x"))
    end
  end)

  it("that is an integer lies in its range", function()
    assert.is_nil(arguments.check_integer(nil, 1, 9, "x"))
    for _, value in ipairs { 1, 5, 9 } do assert.equal(value, arguments.check_integer(value, 1, 9, "x")) end
    for _, value in ipairs { 0, 10, 1.5, 5.0, "5" } do
      assert.matches("x: expected an integer from 1 to 9, got ", refused(arguments.check_integer, value, 1, 9, "x"))
    end
    assert.equal("x: expected an integer of at least 1, got 0", refused(arguments.check_integer, 0, 1, math.maxinteger, "x"))
  end)

  it("that is called is a function, or something that can be called", function()
    local callable = setmetatable({}, { __call = function() end })
    assert.is_nil(arguments.check_callable(nil, "x"))
    assert.equal(print, arguments.check_callable(print, "x"))
    assert.equal(callable, arguments.check_callable(callable, "x"))
    local locked = setmetatable({}, { __metatable = "locked" })
    for _, value in ipairs { 7, {}, setmetatable({}, {}), locked } do
      assert.matches("x: expected a function, got ", refused(arguments.check_callable, value, "x"))
    end
  end)
end)

describe("an id", function()
  it("is a positive integer, or its plain decimal string", function()
    for given, path in pairs {
      [1] = "1", [7] = "7", ["7"] = "7", ["42"] = "42", [math.maxinteger] = "9223372036854775807",
      ["9223372036854775807"] = "9223372036854775807", ["999999999999999999"] = "999999999999999999",
    } do
      assert.equal(path, arguments.check_id(given, "get"))
    end
    for _, given in ipairs { 0, -1, 1.0, "", "0", "07", "7 ", "9223372036854775808", "10000000000000000000", {}, true, { id = "7" } } do
      assert.matches("^get: expected a positive integer or its decimal string, got [^(]*$", refused(arguments.check_id, given, "get"))
    end
    assert.equal("get: expected a positive integer or its decimal string, got a table (pass its `id`)",
      refused(arguments.check_id, { id = 7 }, "get"))
  end)
end)
