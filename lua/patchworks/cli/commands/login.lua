--- `patchworks login`: keeps an API key for one service, in a file that nobody else can read.
-- @module patchworks.cli.commands.login
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local show = require "patchworks.cli.show"
local whoami = require "patchworks.cli.commands.whoami"

local login = { description = "Keep an API key for a service: reads it without echo, tries it, and stores it." }

function login.declare(command) command:argument("environment", "The project's environment."):args "?" end

-- A service that a file alone names is shown to whoever types the key; a program that pipes one must name it itself.
local function check_owner(service, secret)
  if service.name == "sandbox" then error("the sandbox needs no key", 0) end
  if service.file and not secret.is_terminal() then
    error(("%s names %s; say so with --base-url too, since nobody can be asked here"):format(service.file,
      service.origin), 0)
  end
end

function login.run(context)
  local keys, secret = require "patchworks.project.keys", require "patchworks.cli.secret"
  local service = context:service(context.given.environment)
  check_owner(service, secret)
  local named_by = service.file and (" (named by %s)"):format(service.file) or ""
  local key = secret.ask(("API key for %s%s: "):format(service.origin, named_by))
  local options = context:project():settings(service)
  options.api_key, options.login_url, options.login_field = key, nil, nil
  options.record_file, options.on_event = context.given.record, context:listener()
  local client <close> = require("patchworks").new(options)
  local ok, err = whoami.ask(client)
  if not ok then
    output.say "it was not kept"
    return show.failure(err)
  end
  local path = show.check(keys.store(service.origin, key, os.getenv))
  if output.json then output.object("login", { origin = service.origin, path = path }) end
  output.say("accepted by %s, and kept for it alone in %s", service.origin, path)
  return codes.done
end

return login
