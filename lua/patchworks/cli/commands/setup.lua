--- The commands about the tool itself: sandbox, whoami, doctor, completion.
-- @module patchworks.cli.commands.setup
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"

local commands = {}

function commands.sandbox(context)
  local given = context.given
  local found, sandbox = pcall(require, "patchworks.sandbox")
  if not found then error("the sandbox is not installed: luarocks install patchworks-sandbox", 0) end
  local ok, problem = sandbox.run { port = given.port, data = given.data, rate_limit = given.rate_limit }
  if ok then return codes.done end
  output.complain(problem)
  return codes.failed
end

-- Asks the service something that costs nothing: a version that isn't there answers 404 to those it lets in.
local function ask(client)
  local version, err = client.script_versions:get(999999999999, { max_attempts = 2, timeout = 20 })
  if version or err.kind == "not_found" then return true end
  return nil, err
end

function commands.whoami(context)
  local client = context.client()
  local ok, err = ask(client)
  if output.json then
    output.object("identity", { base_url = client.base_url, credential = client.auth.kind, accepted = ok or false,
      profile = context.profile.path })
  else
    output.write(tostring(client), ok and ": accepted" or ": not accepted", "\n")
    if context.profile.path then output.write("project file: ", context.profile.path, "\n") end
  end
  if ok then return codes.done end
  output.complain(tostring(err))
  return codes.of(err)
end

local function check_tls(versions)
  if versions.tls == "none" then return nil, "libcurl has no TLS: install one that was built with it" end
  return versions.tls .. (versions.http2 and ", HTTP/2" or "")
end

local function check_numbers(core)
  if core.exact_integer >= 2 ^ 53 then return "every integer is written exactly" end
  return ("integers up to %d are written exactly; larger ones are refused (a newer lua-cjson writes them all)"):format(
    core.exact_integer
  )
end

function commands.doctor(context)
  local core = require "patchworks.core"
  local versions, code = core.versions(), codes.done
  local function report(name, fine, detail)
    if not fine then code = code == codes.done and codes.failed or code end
    if output.json then
      output.object("check", { name = name, ok = fine and true or false, detail = detail })
    else
      local mark = fine and output.paint("ok  ", "green") or output.paint("FAIL", "red")
      output.write(("%s  %-11s %s\n"):format(mark, name, detail))
    end
  end
  report("Lua", _VERSION == "Lua 5.4", _VERSION)
  report("libcurl", true, versions.libcurl .. (versions.asynchronous_dns and "" or
    "; it resolves names while everything waits"))
  local tls, why = check_tls(versions)
  report("TLS", tls, tls or why)
  report("lua-cjson", true, check_numbers(core))
  report("sandbox", true, pcall(require, "patchworks.sandbox") and "installed" or "not installed")
  local made, client = pcall(context.client)
  if not made then
    report("credential", false, (tostring(client):gsub("^[^%s:]+%.lua:%d+: ", "")))
    return code
  end
  report("credential", true, tostring(client))
  local ok, err = ask(client)
  if not ok then code = codes.of(err) end
  report("service", ok, ok and "reached, and the credential is accepted" or tostring(err))
  return code
end

function commands.completion(context)
  local parse = require("patchworks.cli.parser").new()
  local shell = context.given.shell
  output.write(parse[("get_%s_complete"):format(shell)](parse))
end

return commands
