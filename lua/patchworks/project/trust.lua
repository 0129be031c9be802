--- Whose certificates TLS trusts, when a credential goes to an environment of a project.
--
-- Who decides that can read the credential on its way, as well as who decides where it goes: it is the owner's word.
-- PATCHWORKS_CA_FILE is, and wins. A `ca_file` of the project, which others wrote, counts only for a service that the
-- project itself names, and only with a key that `patchworks login` kept when those certificates were shown.
--
-- @module patchworks.project.trust
local errors = require "patchworks.errors"
local inside = require "patchworks.project.inside"
local origin = require "patchworks.call.origin"

local trust = {}

local function read(path)
  local file <close> = not inside.oddity(path) and io.open(path, "rb") or nil
  return file and file:read "a"
end

--- The `ca_file` of a project that would decide something: nil where there is none, no TLS, or the owner's own.
-- @tparam table project
-- @tparam table environment what `project:environment` gave
-- @tparam function getenv
-- @treturn ?string path
-- @treturn ?string PEM: what it holds; nil where it can't be read, or can't be anybody's consent
function trust.named(project, environment, getenv)
  local named, owners = environment.settings.ca_file, getenv "PATCHWORKS_CA_FILE"
  if not named or (owners and owners ~= "") or environment.origin:find "^http:" then return nil end
  local path = named:find "^/" and named or project.root .. "/" .. named
  return path, environment.origin ~= origin.vendor and environment.settings.base_url and read(path) or nil
end

--- The certificates that a client of an environment trusts: those that were compared, whatever the file holds by then.
-- @tparam table project
-- @tparam table environment
-- @tparam function kept gives the certificates that were trusted when the key was kept, PEM, or nil
-- @tparam function getenv
-- @treturn ?string PEM; nil for the usual ones, or the owner's
-- @treturn ?table an error of kind "file" where the project's can't be taken
function trust.certificates(project, environment, kept, getenv)
  local path, certificates = trust.named(project, environment, getenv)
  if not path or (certificates and certificates == kept()) then return certificates end
  local login = certificates and ", or keep a key with: patchworks login" or ""
  return nil, errors.new {
    kind = "file",
    operation = "credential",
    message = ("%s says that TLS trusts %s for %s, and who is trusted can read the credential; set "
      .. "PATCHWORKS_CA_FILE=%s if you trust it too%s"):format(project.path, path, environment.origin, path, login),
  }
end

return trust
