-- The whole story in a terminal: from an empty folder to a published script, with somebody else at work beside.
local sandbox = require "patchworks.sandbox"
local scratch = require "spec.support.scratch"
local terminal = require "spec.support.terminal"
local uv = require "luv"

local server, folder

local function write(name, text)
  local path = folder .. "/" .. name
  return scratch.write(path, text)
end

before_each(function()
  server = assert(sandbox.start { deploy_seconds = 0 })
  folder = scratch.folder()
  for _, name in ipairs { "mine", "theirs" } do scratch.make(folder .. "/" .. name) end
end)
after_each(function()
  server:close()
  scratch.remove(folder)
end)

local project = [[
return {
  scripts = { orders = { file = "scripts/orders.py", cases = "cases/orders" } },
  environments = { production = { base_url = "%s", scripts = { orders = 1 } } },
}
]]

-- The shell that people sit at, with the command in reach and the account in the environment.
local function shell()
  local command = write("bin/patchworks", ('#!/bin/sh\nexec lua5.4 "%s/bin/patchworks" "$@"\n'):format(uv.cwd()))
  assert(uv.fs_chmod(command, 493)) -- 0755
  local environment = ("PATCHWORKS_BASE_URL=%s PATCHWORKS_API_KEY=%s PATH=%s/bin:$PATH PS1='$ ' TERM=xterm HOME=%s"):format(
    server.url, server.key, folder, folder)
  local prefix = ("cd %s/theirs && env %s sh -c "):format(folder, environment)
  return ("env %s sh -c 'cd %s/mine && exec sh -i'"):format(environment, folder), prefix
end

local function edit(what) return ("sed -i '%s' %s/mine/scripts/orders.py"):format(what, folder) end

it("from an empty folder to a published script, and back from the account", function()
  if terminal.missing then return pending(terminal.missing) end
  local program, elsewhere = shell()
  local settings = write("settings.lua", project:format(server.url))
  local steps, waits = {}, {}
  local function type(text) steps[#steps + 1] = { "type", text } end
  local function run(command) steps[#steps + 1] = { "run", command } end
  local function wait(text)
    steps[#steps + 1] = { "wait", text, 6 }
    waits[#waits + 1] = text
  end

  type "patchworks init\n"
  wait "The script's name? [orders]"
  type "\n"
  wait "Its language?"
  type "\n"
  wait "next: patchworks dev"
  run(("cp %s %s/mine/patchworks.project.lua"):format(settings, folder))

  type "patchworks dev\n"
  wait "1 case, "
  wait "q quit"
  run(edit "s/quantity/amount/")
  wait "FAIL"
  wait "scripts/orders.py:6: KeyError: 'amount'"
  wait "1 failed"
  wait "q quit"
  run(edit "s/amount/quantity/")
  wait "all good"
  wait "q quit"
  type "p"
  wait "publish orders to production? [y/N]"
  type "y"
  wait "published: script version 1"
  type "q"
  wait "$ "

  type "patchworks test; echo code $?\n"
  wait "all good"
  wait "code 0"
  run(edit "s/total}/total, \"ok\": True}/")
  type "patchworks status\n"
  wait "changed here"
  type "patchworks test; echo code $?\n"
  wait '+  "ok": true'
  wait "code 1"
  type "patchworks test --update\n"
  wait "wrote cases/orders/first/expect.json"
  type "patchworks publish orders --interval 0.02\n"
  wait "published: script version 2"

  -- Somebody else, in a folder of their own.
  run(("cp %s %s/theirs/patchworks.project.lua && %s 'patchworks pull && echo \"# theirs\" >> scripts/orders.py && "
    .. "patchworks publish orders --interval 0.02' 2>%s/err >%s/out"):format(settings, folder, elsewhere, folder, folder))
  type "patchworks status\n"
  wait "behind: somebody else has published"
  run(edit "s/import json/import json  # mine/")
  type "patchworks publish orders; echo code $?\n"
  wait "somebody else made version 3 (v3) live"
  wait "code 1"
  type "patchworks pull; echo code $?\n"
  wait "changed here:"
  wait "+import json  # mine"
  wait "changed there:"
  wait "+# theirs"
  wait "code 1"
  type "patchworks pull --theirs\n"
  wait "orders: pulled"
  wait "what was here is kept in "
  type "patchworks status\n"
  wait "the same"

  type "patchworks rollback orders --interval 0.02\n"
  wait "Deploy script version 2 (script 1, v2, Deployed)? [y/N]"
  type "y\n"
  wait "rolled back: script version 2"
  type "patchworks history orders\n"
  wait "from here"
  wait "rolled back"
  type "exit\n"

  local answer = terminal.run(program, steps)
  for i, text in ipairs(waits) do
    assert(answer.times[i] ~= nil and answer.times[i] == answer.times[i] and _G.type(answer.times[i]) == "number",
      ("%d: did not come: %s\n%s"):format(i, text, answer.output))
  end
  assert.equal(0, answer.code)
end)
