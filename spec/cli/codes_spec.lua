-- Every exit code, from the commands that give it; the table in docs/cli.md is made of what is seen here.
--
-- PATCHWORKS_WRITE=1 writes the table instead of comparing it.
local commands = require "spec.support.commands"
local sandbox = require "patchworks.sandbox"
local shell = require "spec.support.shell"
local uv = require "luv"
local wait_until = require "spec.support.wait_until"

local state = commands.setup(before_each, after_each)
local run = state.run

local meanings = {
  { 0, "done, or nothing to do" },
  { 1, "failed; also a question that was answered with no, and whatever `doctor` finds wrong" },
  { 2, "usage: a wrong word, file or option; nothing was sent" },
  { 3, "a deployment or a test failed; what was live before is live" },
  { 4, "that failed, and what is live is not what it was, or fails its test" },
  { 5, "the outcome is unknown: it may have been done" },
  { 6, "not authorised" },
  { 7, "`plan --detailed-exitcode`: there is something to publish" },
  { 129, "SIGHUP" },
  { 130, "Ctrl-C" },
  { 143, "SIGTERM" },
}

local seen = {}

local function expect(code, words, options)
  local came, _, err = run(words, options)
  assert.equal(code, came, words .. "\n" .. err)
  seen[code] = seen[code] or {}
  seen[code][words:match "^%a+"] = true
end

local function expect_signal(code, name)
  local server <close> = assert(sandbox.start { deploy_seconds = 3600 })
  local file = state.write("slow.py", commands.upper)
  local pipe = io.popen("echo $$; " .. shell.command(server, ("publish 1 %s --timeout 20"):format(file)) .. " 2>&1")
  local pid = pipe:read "n"
  assert.is_true(wait_until(function() return server:count "deploy" == 1 end))
  assert(uv.kill(pid, "sig" .. name:lower()))
  pipe:read "a"
  assert.equal(code, select(3, pipe:close()))
  seen[code] = { publish = true }
end

local function table_of_seen()
  local rows = { "| | | seen of |", "| --- | --- | --- |" }
  for _, each in ipairs(meanings) do
    local names = {}
    for name in pairs(assert(seen[each[1]], each[1])) do names[#names + 1] = "`" .. name .. "`" end
    table.sort(names)
    rows[#rows + 1] = ("| %d | %s | %s |"):format(each[1], each[2], table.concat(names, ", "))
  end
  return table.concat(rows, "\n")
end

local function provoke()
  local good, bad = state.write("good.py", commands.upper), state.write("bad.py", "def (")
  local other = state.write("other.py", commands.lower)
  local script = state.server:create_script { name = "b", language = "python" }
  local manifest = state.write("m.lua", ("return { scripts = { { id = %d, name = 'b', file = 'good.py' } } }"):format(script.id))
  local wrong = { environment = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=wrong"):format(state.server.url) }
  local nobody = { environment = "PATCHWORKS_BASE_URL=http://127.0.0.1:1 PATCHWORKS_API_KEY=k PATH=/nonexistent" }
  -- Those in PATH are asked which packages they have, which takes its time.
  local without_interpreters = { environment = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s PATH=/nonexistent"):format(
    state.server.url, state.server.key) }
  local publish = "publish 1 %s --interval 0.02 --payload Hi --expect %s"
  expect(0, publish:format(good, "HI"))
  for _, words in ipairs { "list 1", "show 1", "create 1 " .. good, "deploy 1 --wait --interval 0.02", "invoke 1 --payload a", "logs 1",
    "prune 1 --keep 9", "rollback 1 --dry-run --to 1", "plan " .. manifest, "whoami", "completion bash", "logout", "upload 1 --dry-run" } do
    expect(0, words)
  end
  expect(0, "doctor", without_interpreters)
  expect(7, "plan --detailed-exitcode " .. manifest)
  for _, words in ipairs { "list", "show x", "create 1 /nowhere", "deploy", "invoke 1 --variable x", "logs 1 --limit 0", "delete 1",
    "upload 1", "publish 1", "rollback 1 --interval x", "prune 1", "plan /nowhere", "apply " .. manifest, "login", "completion x" } do
    expect(2, words)
  end
  expect(0, "apply --yes --interval 0.02 " .. manifest)
  for _, words in ipairs { "show 999", "deploy 999", "invoke 999", "logs 999", "delete 999 --yes", "rollback 2" } do expect(1, words) end
  for _, words in ipairs { "list 1", "create 1 " .. good, "publish 1 " .. good, "plan " .. manifest, "whoami", "doctor" } do
    expect(1, words, nobody)
  end
  for _, words in ipairs { "list 1", "show 1", "create 1 " .. good, "publish 1 " .. good, "whoami", "plan " .. manifest } do expect(6, words, wrong) end
  expect(6, "upload 1 --yes")
  expect(3, publish:format(bad, "HI"))
  expect(3, publish:format(other, "HI"))
  state.write("good.py", "def (")
  expect(3, "apply --yes --interval 0.02 " .. manifest)
  expect(4, ("publish 1 %s --payload Hi --expect no"):format(state.write("good.py", commands.upper)))
  for _, words in ipairs { "create 1 " .. good, "invoke 1" } do
    state.server:fail { operation = words:match "%a+", how = "drop_after" }
    expect(5, words)
  end
  expect(0, "delete 2 --yes")
  expect_signal(129, "HUP")
  expect_signal(130, "INT")
  expect_signal(143, "TERM")
end

describe("exit codes", function()
  it("are what docs/cli.md says of them", function()
    provoke()
    local path = "docs/cli.md"
    local file <close> = assert(io.open(path))
    local text = file:read "a"
    local from, to = text:find "| | | seen of |\n.-\n\n"
    assert.truthy(from, "no table of exit codes in " .. path)
    if os.getenv "PATCHWORKS_WRITE" then
      local out <close> = assert(io.open(path, "w"))
      out:write(text:sub(1, from - 1), table_of_seen(), "\n\n", text:sub(to + 1))
    else
      assert.equal(table_of_seen(), text:sub(from, to - 2))
    end
  end)
end)
