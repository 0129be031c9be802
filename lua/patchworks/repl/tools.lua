--- The names that a prompt has of its own: `help`, `more`, `curl`, `time`, `trace` and the like.
-- @module patchworks.repl.tools
local counted = require "patchworks.counted"
local curl = require "patchworks.repl.curl"
local help = require "patchworks.repl.help"
local patchworks = require "patchworks"
local present = require "patchworks.repl.present"
local screen = require "patchworks.terminal"
local sessions = require "patchworks.repl.session"

local tools = {}

local function feed(lines)
  local at = 0
  return function()
    at = at + 1
    return lines[at]
  end
end

-- How long a function takes, and what it costs.
local function timer(session)
  return function(fn, ...)
    if type(fn) ~= "function" then
      error("time: expected a function: time(function() return versions:get(7) end)", 0)
    end
    local clock, calls = session.client._clock, session.calls
    local before, began = session.client:stats(), clock.now()
    local results = table.pack(fn(...))
    local after = session.client:stats()
    io.stderr:write(("%.3f s, %s, %s, %s received\n"):format(
      clock.now() - began,
      counted(session.calls - calls, "call"),
      counted(after.retries - before.retries, "retry", "retries"),
      counted(after.received_bytes - before.received_bytes, "byte")
    ))
    return table.unpack(results, 1, results.n)
  end
end

--- Makes the names.
-- @tparam table globals where
-- @tparam table client
-- @tparam table given `server`, `scripts`, `ask`: see patchworks.repl.session
-- @treturn table session
function tools.install(globals, client, given)
  local session
  session = sessions.new(client, {
    server = given.server,
    scripts = given.scripts,
    ask = given.ask,
    on_call = function(last) globals.last = last end,
  })
  function present.is_live(version) return session:is_live(version) end
  globals.patchworks = patchworks
  globals.client, globals.versions, globals.server = client, client.script_versions, given.server
  globals.scripts = given.scripts or {}
  function globals.show(...) present.write(present.results(table.pack(...))) end
  function globals.more() present.more() end
  function globals.help(value) present.write(feed(help.of(value))) end
  function globals.apropos(text) present.write(feed(help.apropos(text or ""))) end
  function globals.trace(on) session.tracing = on ~= false end
  globals.time = timer(session)
  function globals.curl(call)
    call = call or globals.last
    if type(call) ~= "table" or not call.method or not call.url then
      error("curl: expected a call such as `last`; there was none yet", 0)
    end
    io.stdout:write(curl.command(call, client._auth.kind), "\n")
  end
  return session
end

--- Says where one is, and what there is.
function tools.greet(session)
  local where = session.server and "a sandbox of its own, which ends with this session" or tostring(session.client)
  io.stderr:write(screen.paint(("patchworks %s: %s\n"):format(patchworks._VERSION, where), "bold"),
    "client, versions, help(), apropos \"deploy\", more(), curl(last), trace(true); TAB completes, Ctrl-D ends\n")
end

return tools
