--- `patchworks init`: begins a project.
-- @module patchworks.cli.commands.init
local languages = require "patchworks.project.languages"
local output = require "patchworks.cli.output"
local origin = require "patchworks.call.origin"
local runner = require "patchworks.runner"
local show = require "patchworks.cli.show"
local start = require "patchworks.project.start"
local uv = require "patchworks.loop.uv"

local init = { description = "Begin a project in this folder: with an example, or with scripts of an account." }

function init.declare(command)
  command:argument("name", "The script's name (orders)."):args "?"
  command:option("--language", languages.words .. " (python); with a version behind it, php8.2, one that is here.")
  command:option("--from", "ENV ID ..: take scripts of an account, by their ids, for an environment of this name.")
    :args("2+"):argname { "ENV", "ID", "ID" }
end

-- Asks where somebody can answer; an empty answer is the usual one.
local function ask(question, usual)
  if not (uv.guess_handle(0) == "tty" and output.error_terminal) then return usual end
  io.stderr:write(("%s [%s] "):format(question, usual))
  local answer = io.read "l"
  return answer and answer ~= "" and answer or usual
end

local function from_account(context, words)
  local ids = table.move(words, 2, #words, 1, {})
  for _, id in ipairs(ids) do
    if not id:find "^[1-9]%d*$" then
      error(("--from: expected the ids of scripts behind %s, got %s"):format(words[1], id), 0)
    end
  end
  local environment = words[1]
  if not environment:find "^[%a_][%w_]*$" or environment == "sandbox" then
    error(("--from: %s can't be an environment's name: letters, digits and _ can"):format(environment), 0)
  end
  local client = context:client()
  local vendor = origin.of(client.base_url) == origin.vendor
  return start.from_account(".", client, {
    environment = environment, ids = ids, base_url = not vendor and client.base_url or nil,
    origin = origin.of(client.base_url),
  })
end

-- Why the example doesn't run on this machine, where that is so.
local function cannot_run(language)
  local program, problem = runner.find(language)
  if not program then return problem .. "; it can be published all the same" end
  if program:find "mcs$" then
    return "Mono is what is here, and its library has no System.Text.Json: the example needs .NET"
  end
end

function init.run(context)
  local given = context.given
  local files, warning
  if given.from then
    context.given.env = nil
    files = show.check(from_account(context, given.from))
  else
    local name = given.name or ask("The script's name?", "orders")
    local language = given.language or ask("Its language? " .. languages.words, "python")
    local known = languages.find(language)
    if not known then error(("--language: expected %s, got %s"):format(languages.words, language), 0) end
    files = show.check(start.from_nothing(".", { name = name, language = language }))
    warning = cannot_run(language)
  end
  if output.json then return output.object("init", { files = output.list(files) }) end
  for _, file in ipairs(files) do output.write(file, "\n") end
  if warning then output.say("%s %s", output.paint_error("warning:", "yellow"), warning) end
  output.say(given.from and "next: patchworks status" or "next: patchworks dev")
end

return init
