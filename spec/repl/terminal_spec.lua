-- `patchworks repl`, as somebody sees it who sits at a terminal; and as a pipe does.
local lua = require "spec.support.lua"
local scratch = require "spec.support.scratch"
local terminal = require "spec.support.terminal"

local has_readline = pcall(require, "readline")

local function test(name, fn)
  if terminal.missing then return pending(name .. ": " .. terminal.missing) end
  it(name, fn)
end

local folders = {}

-- A folder of its own for the history, and what was said by a session there.
local function session(command, steps, keep)
  local folder = keep or os.tmpname()
  if not keep then os.remove(folder) end
  folders[#folders + 1] = folder
  local said = terminal.run(("XDG_STATE_HOME=%s COLUMNS=90 LINES=24 TERM=xterm exec %s"):format(folder, command), steps)
  local file = io.open(folder .. "/patchworks/history")
  local history = file and file:read "a" or ""
  if file then file:close() end
  return said, history, folder
end

local prompt, long = "sandbox> ", 20

-- Types lines one after the other, each when the prompt is there, and gives what was said.
local function lines_of(texts)
  local steps = { { "wait", prompt, long } }
  for _, text in ipairs(texts) do
    steps[#steps + 1] = { "type", text .. "\n" }
    steps[#steps + 1] = { "wait", "\n", long }
    steps[#steps + 1] = { "wait", prompt, long }
  end
  steps[#steps + 1] = { "type", "\4" }
  return steps
end

local function plain(output) return (output:gsub("\27%[[%d;?]*%a", ""):gsub("\r", "")) end

describe("patchworks repl on a terminal", function()
  after_each(function()
    for i, folder in ipairs(folders) do
      scratch.remove(folder)
      folders[i] = nil
    end
  end)

  local own = "bin/patchworks repl --sandbox"

  test("shows a table, a card, an error and help, and keeps locals", function()
    local said = session(own, lines_of {
      "server:populate { script = 1, versions = 40 }",
      "local v = versions:get(3)",
      "v:deploy_and_wait().status",
      "versions:list(1)",
      "more()",
      "v:refresh { include = 'content' }",
      "versions:get(99)",
      "help 'retry'",
      "apropos 'goes back'",
      "versions.get(1)",
    })
    local output = plain(said.output)
    local function says(text) assert.truthy(output:find(text, 1, true), text .. " is not in: " .. output) end
    says '"Deployed"\n'
    says "ID  VERSION  STATUS          DEPLOYED  CREATED\n40  v40      Draft           -         "
    says "more() shows the rest\n"
    says "3   v3       Deployed, LIVE  "
    says "script version 3  Deployed, LIVE\n  script    1\n"
    says "   1  def handle(data): return data\n"
    says "not_found (404)  get\n"
    says "Reads (get, list, logs)"
    says "versions:publish(script, options)\n"
    says "\nget: called with a dot: write versions:get(..), with a colon\n"
    assert.equal(0, said.code)
  end)

  test("ends a call at Ctrl-C, a loop, and a line that is typed; never the session", function()
    local said = session(own, {
      { "wait", prompt, long },
      { "type", "patchworks.sleep(600)\n" }, { "wait", "\n", long }, { "interrupt" },
      { "wait", "interrupted", long }, { "wait", prompt, long },
      { "type", "while true do end\n" }, { "wait", "\n", long }, { "interrupt" },
      { "wait", "interrupted", long }, { "wait", prompt, long },
      { "type", "nonsense" }, { "wait", "nonsense", long }, { "interrupt" }, { "wait", prompt, long },
      { "type", "6 * 7\n" }, { "wait", "42", long }, { "wait", prompt, long },
      { "type", "\4" },
    })
    for i, seconds in ipairs(said.times) do assert.is_number(seconds, "wait " .. i .. " in: " .. said.output) end
    assert.equal(0, said.code)
  end)

  test("asks before it changes what is no sandbox, once a line", function()
    local path = os.tmpname()
    local file <close> = io.open(path, "w")
    -- A service that looks like one elsewhere: only what the client says of itself is changed.
    file:write [[
      local server = assert(require("patchworks.sandbox").start())
      server:populate { script = 1, versions = 5 }
      local client = server:client()
      client.base_url = "https://core.example.com"
      require("patchworks.repl.loop").run(client)
    ]]
    file:flush()
    local there = "core.example.com> "
    local said = session(lua .. " " .. path, {
      { "wait", there, long },
      { "type", "versions:get(1)\n" }, { "wait", "script version 1", long }, { "wait", there, long },
      { "type", "versions:delete(1)\n" }, { "wait", "delete for good on https://core.example.com", long },
      { "wait", "[y/N] ", long }, { "type", "n\n" }, { "wait", "nothing was sent", long }, { "wait", there, long },
      { "type", "versions:delete(2), versions:delete(3)\n" }, { "wait", "[y/N] ", long }, { "type", "y\n" },
      { "wait", "version deleted", long }, { "wait", there, long },
      { "type", "versions:list(1):count()\n" }, { "wait", "3", long }, { "wait", there, long },
      { "type", "\4" },
    })
    os.remove(path)
    for i, seconds in ipairs(said.times) do assert.is_number(seconds, "wait " .. i .. " in: " .. said.output) end
    assert.equal(2, select(2, said.output:gsub("%[y/N%]", "")))
  end)

  test("keeps a history on disk for the next session, without secrets", function()
    local _, history, folder = session(own, lines_of {
      "1 + 1", "local c = patchworks.new { api_key = 'very-secret' }", "2 + 2",
    })
    assert.equal("1 + 1\n2 + 2\n", history)
    if has_readline then
      local said = session(own, {
        { "wait", prompt, long }, { "type", "\27[A\n" }, { "wait", "4", long }, { "wait", prompt, long }, { "type", "\4" },
      }, folder)
      assert.is_number(said.times[2])
    end
  end)

  test("completes methods, options and ids with TAB", function()
    if not has_readline then return pending "lua-readline is not installed" end
    local said = session(own, {
      { "wait", prompt, long },
      { "type", "server:populate { script = 1, versions = 1 }\n" }, { "wait", "\n", long }, { "wait", prompt, long },
      { "type", "versions:deploy_\t" }, { "wait", "deploy_and_wait", long },
      { "type", "(\t" }, { "wait", "(1", long },
      { "type", ", { timeo\t" }, { "wait", "timeout", long }, { "type", " = 20 }).status\n" },
      { "wait", '"Deployed"', long }, { "wait", prompt, long }, { "type", "\4" },
    })
    for i, seconds in ipairs(said.times) do assert.is_number(seconds, "wait " .. i .. " in: " .. said.output) end
  end)
end)

describe("patchworks repl in a pipe", function()
  it("runs its lines plainly, and tells by its exit code whether all went well", function()
    local function pipe(text)
      local process = io.popen(("printf '%%s' '%s' | NO_COLOR=1 bin/patchworks repl --sandbox 2>&1"):format(text))
      local said = process:read "a"
      local _, _, code = process:close()
      return said, code
    end
    local said, code = pipe "local a = 20\nlocal function twice(n)\n  return n * 2\nend\ntwice(a) + 2\n"
    assert.same({ "42\n", 0 }, { said, code })
    said, code = pipe "x.y.z\n1 +* 2\n7\n"
    assert.same({ "attempt to index a nil value (global '\\''x'\\'')\nunexpected symbol near '\\''*'\\''\n7\n", 1 },
      { (said:gsub("'", "'\\''")), code })
    said, code = pipe "7\nfor i = 1, 2 do\n  print(i)\n"
    assert.same({ "7\nthe input ended in the middle of a statement\n", 1 }, { said, code })
  end)
end)
