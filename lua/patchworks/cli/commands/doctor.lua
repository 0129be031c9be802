--- `patchworks doctor`: checks what it takes, and says what to do about it.
-- @module patchworks.cli.commands.doctor
local codes = require "patchworks.cli.codes"
local counted = require "patchworks.counted"
local errors = require "patchworks.errors"
local imports = require "patchworks.project.imports"
local languages = require "patchworks.project.languages"
local output = require "patchworks.cli.output"
local runner = require "patchworks.runner"
local whoami = require "patchworks.cli.commands.whoami"

local doctor = { description = "Check what it takes, and say what to do about what is wrong." }

function doctor.declare() end

-- A check gives true or nil, and a sentence.

local function check_tls(versions)
  if versions.tls == "none" then return nil, "libcurl has no TLS: install one that was built with it" end
  return true, versions.tls .. (versions.http2 and ", HTTP/2" or "")
end

local function check_numbers(core)
  if core.exact_integer >= 2 ^ 53 then return true, "every integer is written exactly" end
  return true, ("integers up to %d are written exactly; larger ones are refused (a newer lua-cjson writes them all)")
    :format(core.exact_integer)
end

-- The service lets a credential in that it can't know: then it is something else.
local function check_strictness(client, record_file)
  local stranger <close> = require("patchworks").new {
    base_url = client.base_url, token = "patchworks-doctor", record_file = record_file,
  }
  local ok = whoami.ask(stranger)
  if not ok then return true end
  return nil, client.base_url .. " lets everybody in, so it is no Patchworks service: check the base URL"
end

local function check_service(client, record_file)
  local ok, err = whoami.ask(client)
  if not ok then return nil, tostring(err) end
  local strict, problem = check_strictness(client, record_file)
  if not strict then return nil, problem end
  return true, "reached, and the credential is accepted"
end

-- What of a language is here: "python3 3.11.2, python3.12 3.12.1".
local function programs_of(language)
  local list = {}
  for i, each in ipairs(language.all) do list[i] = each.program:match "[^/]*$" .. " " .. each.version end
  return table.concat(list, ", ")
end

-- Wrong is an interpreter that isn't here only where a script of the project needs it.
local function check_language(language, project)
  for _, script in ipairs(project and project:scripts() or {}) do
    local wanted = script.language or languages.of_file(script.file)
    local found = wanted and languages.find(wanted)
    if found and found.name == language.name then
      local program, problem = runner.find(wanted)
      if not program then return nil, ("%s needs it: %s"):format(script.name, problem) end
    end
  end
  if language.program then return true, programs_of(language) .. " is here" end
  return true, language.needs .. " is not here; scripts in this language can't be run on this machine"
end

-- What the platform has preinstalled is good to have here too: `run` then goes as it does there.
local function check_packages()
  local here, missing = {}, {}
  for _, probe in ipairs(imports.probes) do
    local words, found = {}, {}
    for i, word in ipairs(probe.words) do words[i] = "'" .. word:gsub("'", "'\\''") .. "'" end
    local pipe <close> = io.popen(table.concat(words, " ") .. " 2>/dev/null </dev/null")
    for name in pipe:lines() do found[name] = true end
    for _, name in ipairs(probe.packages) do table.insert(found[name] and here or missing, name) end
  end
  local sentence = ("of what the platform has: %s here"):format(here[1] and table.concat(here, ", ") or "nothing")
  return true, missing[1] and ("%s; not here: %s"):format(sentence, table.concat(missing, ", ")) or sentence
end

local function check_project(project)
  if not project.path then return true, "none here" end
  for _, script in ipairs(project:scripts()) do
    local source, problem = project:source(script.name)
    if not source then return nil, problem.message end
  end
  local count = #project:scripts()
  return true, ("%s: %s, environments %s"):format(project.path, counted(count, "script"),
    table.concat(project:environments(), ", "))
end

local function isolation()
  local isolated = runner.isolated()
  if isolated == nil then return "no interpreter is installed to run any" end
  if isolated then return "run isolated: each sees its own folder and its interpreter" end
  return "run bounded, not isolated: this system allows no namespaces, so a script can read files"
end

local function sentence_of(problem)
  if errors.is_error(problem) then return problem.message end
  return (tostring(problem):gsub("^[^%s:]+:%d+: ", ""))
end

function doctor.run(context)
  local core = require "patchworks.core"
  local versions, code = core.versions(), codes.done
  local function report(name, fine, detail)
    if not fine then code = codes.failed end
    if output.json then return output.object("check", { name = name, ok = fine and true or false, detail = detail }) end
    local mark = fine and output.paint("ok  ", "green") or output.paint("FAIL", "red")
    output.write(("%s  %-11s %s\n"):format(mark, name, detail))
    output.flush()
  end
  report("Lua", _VERSION == "Lua 5.4", _VERSION)
  report("libcurl", true, versions.libcurl .. (versions.asynchronous_dns and "" or
    "; it resolves names while everything waits"))
  report("TLS", check_tls(versions))
  report("lua-cjson", check_numbers(core))
  report("sandbox", true, pcall(require, "patchworks.sandbox") and "installed" or "not installed")
  report("scripts", true, isolation())
  local read, project = pcall(context.project, context)
  if read then report("project", check_project(project)) else report("project", nil, sentence_of(project)) end
  for _, each in ipairs(runner.languages()) do report(each.title, check_language(each, read and project)) end
  report("packages", check_packages())
  if not read then return code end
  local made, client = pcall(context.client, context)
  report("credential", made, made and tostring(client) or sentence_of(client))
  if made then report("service", check_service(client, context.given.record)) end
  return code
end

return doctor
