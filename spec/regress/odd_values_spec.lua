-- The core's own functions meet every kind of value: they may refuse it, and the process goes on.
local core = require "patchworks.core"

local function engine(options)
  options = options or {}
  options.max_connections, options.max_response_bytes = options.max_connections or 2, options.max_response_bytes or 1000
  return assert(core.engine(options))
end

describe("the core's own functions", function()
  local odd = { 0, -1, 7, 0.5, 0 / 0, -0 / 0, math.huge, -math.huge, math.mininteger, math.maxinteger, 2 ^ 53, "", "x", "\0",
    "7", ("x"):rep(70000), true, false, core.null, {}, { {} }, { core.null }, print, coroutine.create(print), io.stdout,
    core.headers {}, n = 27 }
  odd[27] = nil

  local function is_long(value) return (tonumber(value) or 0) > 0.5 end

  -- Calls a function with each odd value in each of its places, the others as they are in `given`; `waits` for one that
  -- would wait for a large number.
  local function try(fn, given, count, waits)
    for place = 1, count do
      for i = 1, odd.n do
        local arguments = table.move(given, 1, count, 1, {})
        arguments[place] = odd[i]
        if not waits or not is_long(odd[i]) then pcall(fn, table.unpack(arguments, 1, count)) end
      end
    end
    for i = 0, count do pcall(fn, table.unpack(given, 1, i)) end
  end

  it("refuse what they can't use, and nothing else happens", function()
    local e <close> = engine()
    for _, name in ipairs { "escape", "header", "parse_headers", "date", "decode", "encode", "headers", "query" } do
      try(core[name], { "a", "b" }, 2)
    end
    try(core.wait, { { e }, 0 }, 2, true)
    pcall(core.wait, { e, e, e }, 0 / 0)
    pcall(core.sleep, 0 / 0)
    pcall(core.sleep, -1)
    pcall(core.sleep, core.null)
    for _, name in ipairs { "max_connections", "max_response_bytes", "hosted", "user_agent", "ca_file", "proxy" } do
      for i = 1, odd.n do
        local ok, made = pcall(core.engine, { max_connections = 1, max_response_bytes = 1, [name] = odd[i] })
        if ok and made then made:close() end
      end
    end
  end)

  it("refuse an engine of no connections, or of a bound below 0", function()
    for _, value in ipairs { 0, -1, 0.5, 0 / 0, "x" } do
      assert.has_error(function() engine { max_connections = value } end, "max_connections: expected an integer of at least 1")
    end
    assert.has_error(function() engine { max_response_bytes = -1 } end)
  end)

  it("refuse what methods can't use", function()
    local e <close> = engine { hosted = true }
    local headers = core.headers {}
    try(e.start, { e, "GET", "http://127.0.0.1:1/", headers, "body", true, 0.1, 0.1 }, 8)
    for _, name in ipairs { "step", "next", "wake_in", "active", "counts", "fd" } do try(e[name], { e, 0, 0 }, 3, true) end
    local transfer <close> = e:start("GET", "http://127.0.0.1:1/", headers, nil, false, 1, 1)
    for _, name in ipairs { "answer", "facts", "done", "close" } do try(transfer[name], { transfer }, 2) end
  end)
end)

describe("a list of headers", function()
  it("can't be closed: a request that is under way may hold it", function() assert.is_nil(core.headers({ "A: b" }).close) end)
end)
