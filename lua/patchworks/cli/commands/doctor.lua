--- `patchworks doctor`: checks what it takes, and says what to do about it.
-- @module patchworks.cli.commands.doctor
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local whoami = require "patchworks.cli.commands.whoami"

local doctor = { description = "Check what it takes, and say what to do about it." }

function doctor.declare() end

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

function doctor.run(context)
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
  local made, client = pcall(context.client, context)
  if not made then
    report("credential", false, (tostring(client):gsub("^[^%s:]+%.lua:%d+: ", "")))
    return code
  end
  report("credential", true, tostring(client))
  local ok, err = whoami.ask(client)
  if not ok then code = codes.of(err) end
  report("service", ok, ok and "reached, and the credential is accepted" or tostring(err))
  return code
end

return doctor
