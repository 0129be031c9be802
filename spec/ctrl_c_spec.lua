-- Ctrl-C at the REPL: ends any wait at once, and leaves the client and the terminal as they were.
local terminal = require "spec.support.terminal"

local setup = {
  { "type", 'p = require "patchworks"\n' },
  { "type", 's = require("patchworks.sandbox").start() s:populate { script = 1, versions = 300 }\n' },
  { "type", "c = s:client() v = c.script_versions\n" },
  { "type", 'print("rea" .. "dy")\n' },
  { "wait", "ready", 10 },
}

local calls = {
  get = "s:latency(30) print(v:get(1))",
  create = 's:latency(30) print(v:create(1, { content = "x" }))',
  map = "s:latency(30) print(p.map({ 1, 2, 3 }, function(id) return v:get(id) end))",
  ["a listing"] = "s:latency(0) for x in v:list(1, { per_page = 1 }) do s:latency(30) end",
  backoff = 's:fail { how = "status", status = 503, retry_after = 30 } print(v:get(1))',
  ["the gate"] = 's:fail { how = "status", status = 429, retry_after = 30 } print(v:get(1))',
  sleep = "p.sleep(30)",
}

-- At the system's own interpreter, which can't load a core with sanitizers in it.
if os.getenv "PATCHWORKS_LUA" then
  pending "Ctrl-C at lua5.4 -i: not with sanitizers"
  return
end

if terminal.missing then
  pending("Ctrl-C at lua5.4 -i: " .. terminal.missing)
  return
end

describe("Ctrl-C", function()
  for name, call in pairs(calls) do
    it("ends " .. name .. " within 50 ms, and the client goes on", function()
      local steps = { table.unpack(setup) }
      for _, step in ipairs {
        { "type", "print('be' .. 'gun') " .. call .. "\n" },
        { "wait", "begun", 10 },
        { "interrupt" },
        { "wait", "interrupted!", 5 },
        { "type", "s:latency(0) s:clear_faults() c:close() c = s:client() print('active', c:stats().active)\n" },
        { "wait", "active\t0", 5 },
        { "type", "print(c.script_versions:get(2).id + 40)\n" },
        { "wait", "42", 5 },
        { "type", "os.exit(7)\n" },
      } do
        steps[#steps + 1] = step
      end
      local bound, answer, times = os.getenv "PATCHWORKS_INSTRUMENTED" and 1 or 0.05, nil, nil
      for _ = 1, 3 do -- a busy system may hold it up, but not each time
        answer = terminal.run("exec lua5.4 -i", steps)
        times = answer.times
        if type(times[3]) == "number" and times[3] < bound then break end
      end
      assert.is_true(type(times[3]) == "number" and times[3] < bound, ("%s s\n%s"):format(tostring(times[3]), answer.output))
      assert.is_number(times[4], answer.output)
      assert.is_number(times[5], answer.output)
      assert.equal(7, answer.code)
    end)
  end

  it("leaves the same client usable, with nothing under way", function()
    local steps = { table.unpack(setup) }
    for _ = 1, 3 do
      for _, step in ipairs {
        { "type", "s:latency(30) print('be' .. 'gun') p.map({ 1, 2, 3 }, function(id) return v:get(id) end)\n" },
        { "wait", "begun", 10 },
        { "interrupt" },
        { "wait", "interrupted!", 5 },
        { "type", "s:latency(0) print(('active %d'):format(c:stats().active), v:get(2).id + 40)\n" },
        { "wait", "active 0\t42", 5 },
      } do
        steps[#steps + 1] = step
      end
    end
    steps[#steps + 1] = { "type", "os.exit()\n" }
    local answer = terminal.run("exec lua5.4 -i", steps)
    assert.equal(10, #answer.times, answer.output)
    for _, time in ipairs(answer.times) do assert.is_number(time, answer.output) end
  end)
end)
