--- `patchworks login`: keeps an API key for one service, in a file that nobody else can read.
-- @module patchworks.cli.commands.login
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local show = require "patchworks.cli.show"
local trust = require "patchworks.project.trust"
local whoami = require "patchworks.cli.commands.whoami"

local login = { description = "Keep an API key for a service: reads it without echo, tries it, and stores it." }

function login.declare(command) command:argument("environment", "The project's environment."):args "?" end

-- A service that a file alone names is shown to whoever types the key; a program that pipes one must name it itself.
local function check_owner(service, secret, ca_file)
  if service.name == "sandbox" then error("the sandbox needs no key", 0) end
  if service.file and not secret.is_terminal() then
    error(("%s names %s; say so with --base-url too, since nobody can be asked here"):format(service.file,
      service.origin), 0)
  end
  if ca_file and not secret.is_terminal() then
    error(("the project says that TLS trusts %s for %s; say so with PATCHWORKS_CA_FILE=%s too, since nobody can be "
      .. "asked here"):format(ca_file, service.origin, ca_file), 0)
  end
end

-- The options that the key is tried with, and those certificates of the project that are trusted with it from now on.
local function options_of(project, service, ca_file, certificates)
  local options = project:settings(service)
  options.login_url, options.login_field, options.ca_pem = nil, nil, certificates
  if ca_file and not certificates then show.check(trust.certificates(project, service, nil, os.getenv)) end
  return options
end

function login.run(context)
  local keys, secret = require "patchworks.project.keys", require "patchworks.cli.secret"
  local service = context:service(context.given.environment)
  local project = context:project()
  local ca_file, certificates = trust.named(project, service, os.getenv)
  local options = options_of(project, service, ca_file, certificates)
  check_owner(service, secret, ca_file)
  local named_by = service.file and (" (named by %s)"):format(service.file) or ""
  if ca_file then named_by = ("%s, by whoever has a certificate of %s"):format(named_by, ca_file) end
  options.api_key = secret.ask(("API key for %s%s: "):format(service.origin, named_by))
  options.record_file, options.on_event = context.given.record, context:listener()
  local client <close> = require("patchworks").new(options)
  local ok, err = whoami.ask(client)
  if not ok then
    output.say "it was not kept"
    return show.failure(err)
  end
  local path = show.check(keys.store(service.origin, options.api_key, os.getenv, certificates))
  if output.json then output.object("login", { origin = service.origin, path = path }) end
  output.say("accepted by %s, and kept for it alone in %s", service.origin, path)
  return codes.done
end

return login
