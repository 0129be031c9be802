-- The core's parts that don't know Lua, by themselves: spec/core/*.c say what is so.
local build = os.getenv "PATCHWORKS_BUILD" or "build"
if os.getenv "PATCHWORKS_INSTRUMENTED" then return end -- they are not linked with what a sanitizer needs

local parts = {
  bytes = { "clock", "buffer", "text", "json_text", "queue" },
  engines = { "polled", "hosted", "bounds", "patience", "timers", "failing", "memory", "memory_twice", "processors" },
  exchanges = { "requests", "answers", "header_bound", "refusals", "repeats" },
  loading = { "order", "silence", "missing", "versions", "random" },
  handles = { "settings", "proxy", "codes", "idle", "kept" },
  waits = { "poll", "hosted", "any", "sockets" },
}

describe("by itself, of the core", function()
  local said = {}
  setup(function()
    assert(os.execute("make --silent parts BUILD=" .. build))
    for program in pairs(parts) do
      local pipe <close> = io.popen(("exec timeout 60 %s/parts/%s 2>&1"):format(build, program))
      said[program] = pipe:read "a"
    end
  end)

  for program, names in pairs(parts) do
    for _, name in ipairs(names) do
      it(name .. " is as its header says", function()
        assert.equal("0", ("\n" .. said[program]):match("\n" .. name .. " ends with (%d+)\n"), said[program])
      end)
    end
  end

  it("no part says more, or is missing here", function()
    for program, names in pairs(parts) do assert.equal(#names, select(2, said[program]:gsub("\n", "")), said[program]) end
  end)
end)
