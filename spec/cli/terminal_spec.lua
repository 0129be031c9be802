-- The command line in a terminal.
local commands = require "spec.support.commands"
local scratch = require "spec.support.scratch"
local shell = require "spec.support.shell"
local terminal = require "spec.support.terminal"

local state = commands.setup(before_each, after_each)

if terminal.missing then
  pending("patchworks in a terminal: " .. terminal.missing)
  return
end

describe("patchworks in a terminal", function()
  local function in_terminal(words, steps, before)
    steps[#steps + 1] = { "wait", "\0", 0.1 }
    return terminal.run(shell.command(state.server, words, {
      environment = ("TERM=xterm PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s %s"):format(state.server.url, state.server.key, before or ""),
    }), steps)
  end

  it("aligns and colours its tables, within COLUMNS, and not with NO_COLOR", function()
    state.server:populate { script = 1, versions = 2 }
    local answer = in_terminal("list 1", { { "wait", "Draft", 5 } })
    assert.truthy(answer.output:find "ID  VERSION  STATUS  LIVE" and answer.output:find "\27%[33m")
    answer = in_terminal("list 1", { { "wait", "Draft", 5 } }, "NO_COLOR=1 COLUMNS=60")
    assert.is_nil(answer.output:find "\27%[3")
    for line in answer.output:gsub("\27%[K", ""):gmatch "[^\r\n]+" do assert.is_true((utf8.len(line) or 0) <= 62, line) end
  end)

  it("clears the screen for dev, and moves no cursor where TERM is dumb", function()
    assert.equal(0, (state.run "publish 1 examples/scripts/orders.py"))
    local answer = in_terminal("rollback 1 --dry-run", { { "wait", "nothing", 5 } }, "TERM=dumb")
    assert.is_nil(answer.output:find "\27", answer.output)
    scratch.make(state.folder .. "/dev/.git")
    local function dev(term)
      local command = shell.command(nil, "dev", { environment = "TERM=" .. term })
      return terminal.run(("cd %s/dev && %s"):format(state.folder, command),
        { { "wait", "1 case", 10 }, { "type", "q" }, { "wait", "\0", 0.3 } }).output
    end
    assert.equal(0, (shell(nil, "init", { folder = state.folder .. "/dev" })))
    local said = dev "xterm"
    assert.truthy(said:find("\27[H\27[2J", 1, true), said)
    assert.is_nil(said:find("x1b", 1, true))
    assert.is_nil(dev("dumb"):find "\27")
  end)

  it("obeys nothing that others wrote: a source, a name, an answer", function()
    local version = assert(state.server:client().script_versions:create(1, { content = "x = 1\r\n# \27[2J\27[8mhidden\27[31m \194\155H\r# over" }))
    local answer = in_terminal("show --content " .. version.id, { { "wait", "over", 5 } })
    assert.truthy(answer.output:find("x = 1\r\n# \\x1b[2J\\x1b[8mhidden\27[31m \\x9bH\\x0d# over", 1, true), answer.output)
    answer = in_terminal("create 1 $'no\\x1b]0;file'", { { "wait", "file", 5 } })
    assert.truthy(answer.output:find("no\\x1b]0;file", 1, true), answer.output)
    -- Where nobody reads it on a terminal, data comes as it is.
    local _, out = state.run("show --content " .. version.id)
    assert.truthy(out:find("\r\n# \27[2J", 1, true), out)
  end)

  it("asks, and takes no for an answer", function()
    state.server:populate { script = 1, versions = 2 }
    local answer = in_terminal("delete 1", { { "wait", "[y/N]", 5 }, { "type", "n\n" }, { "wait", "nothing was done", 5 } })
    assert.equal(1, answer.code)
    answer = in_terminal("delete 1", { { "wait", "[y/N]", 5 }, { "type", "y\n" }, { "wait", "deleted", 5 } })
    assert.equal(0, answer.code)
    assert.equal(1, state.server:count "delete")
  end)

  it("ends with 130 on Ctrl-C, at once", function()
    state.server:latency(30)
    local asked = ("curl -sf -H 'Authorization: Bearer %s' '%s/_sandbox/requests/wait?operation=list' >/dev/null"):format(
      state.server.admin_token, state.server.url)
    local answer = in_terminal("list 1", { { "run", asked }, { "interrupt" }, { "wait", "interrupted", 5 } })
    assert.equal(130, answer.code, answer.output)
    assert.is_true(answer.times[1] < 1)
    assert.is_nil(answer.output:find "traceback")
  end)

  it("ends a followed log with 130 on Ctrl-C", function()
    state.server:populate { script = 1, versions = 1 }
    local answer = in_terminal("logs 1 --follow", { { "wait", "following", 5 }, { "interrupt" }, { "wait", "interrupted", 5 } })
    assert.equal(130, answer.code)
  end)
end)

describe("patchworks sandbox", function()
  it("says how to reach it, and ends on Ctrl-C", function()
    local answer = terminal.run(shell.command(nil, "sandbox --port 0"), { { "wait", "Ctrl-C stops it", 10 }, { "interrupt" }, { "wait", "\0", 0.3 } })
    assert.truthy(answer.output:find "export PATCHWORKS_BASE_URL=http://127.0.0.1:%d+ PATCHWORKS_API_KEY=sandbox%-key")
    assert.truthy(answer.output:find "Example %(Python%)")
    assert.equal(0, answer.code)
  end)
end)
