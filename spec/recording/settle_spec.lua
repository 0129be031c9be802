-- examples/settle.sh, as docs/recording.md has it run, settles what can be settled without being asked twice.
local commands = require "spec.support.commands"
local sandbox = require "patchworks.sandbox"
local shell = require "spec.support.shell"
local uv = require "luv"
local wait_until = require "spec.support.wait_until"

local state = commands.setup(before_each, after_each)

-- The script in a process, which finds a `patchworks` that asks the sandbox: its pipe, and its id.
local function start(words, server)
  state.write("bin/patchworks", ("#!/bin/sh\n%s\n"):format(shell.command(server or state.server, '"$@"')))
  assert(uv.fs_chmod(state.folder .. "/bin/patchworks", 493)) -- 0755
  local pipe = io.popen(("echo $$; PATH=%s/bin:$PATH PATIENCE=1 exec sh examples/settle.sh %s 2>%s/said"):format(state.folder, words,
    state.folder))
  return pipe, pipe:read "n", pipe:read "l"
end

local function finish(pipe)
  local printed = pipe:read "a"
  local ok, _, code = pipe:close()
  local said <close> = assert(io.open(state.folder .. "/said", "rb"))
  return ok and 0 or code, printed, said:read "a"
end

local function settle(words, server) return finish((start(words, server))) end

describe("examples/settle.sh", function()
  it("asks everything, in the middle of a deployment too, deletes what it made, and says what it came to", function()
    local server <close> = assert(sandbox.start { deploy_seconds = 1 }) -- as long as a few commands
    local code, printed, said = settle(("1 %s/r.jsonl"):format(state.folder), server)
    assert.equal(1, code, said) -- the sandbox refuses to run what isn't deployed, which the vendor documents otherwise
    for _, name in ipairs { "create_status", "crlf", "trim", "content", "deploy_status", "deploying", "idle", "failed_deployment",
      "one_deployed", "redeploy_nothing", "failed_run", "logs_newest_first", "log_entry", "logs_per_page", "rate_headers" } do
      assert.truthy(printed:find("settled\t" .. name .. "\t[^\n]*\tas in the sandbox\n"), name .. "\n" .. printed .. said)
    end
    assert.truthy(printed:find("contradicted\tinvoke_deploys\trefused with 409", 1, true), printed)
    for name, answer in pairs { deploying = '"deploying"', idle = "null", deploy_while_deploying = "answered 200",
      delete_while_deploying = "answered 409" } do
      assert.truthy(printed:find(("settled\t%s\t%s ("):format(name, answer), 1, true), name .. "\n" .. printed .. said)
    end
    local _, left = shell(server, "list 1")
    assert.equal("", left)
  end)

  it("deletes what it made when it is cut off, and needs to be told a script and a file", function()
    assert.equal(2, (settle ""))
    assert.equal(2, (settle("1 " .. state.folder .. "/r.jsonl cobol")))
    local pipe, pid = start("1 " .. state.folder .. "/r.jsonl")
    wait_until(function() return state.server:count "create" == 2 end, 60)
    assert(uv.kill(pid, "sigterm"))
    assert.equal(143, (finish(pipe)))
    assert.equal(2, state.server:count "delete")
    local _, left = state.run "list 1"
    assert.equal("", left)
  end)
end)
