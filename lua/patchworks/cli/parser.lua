--- The words of the command line, as argparse has them.
-- @module patchworks.cli.parser
local argparse = require "argparse"

local epilog = [[
The credential comes from the environment: PATCHWORKS_API_KEY, PATCHWORKS_TOKEN, or PATCHWORKS_USERNAME and
PATCHWORKS_PASSWORD. It is never a flag: a process's arguments are for all to see.
Exit codes: 0 done or nothing to do, 1 failed, 2 usage, 3 a deployment or smoke test failed and the previous version is
live, 4 that failed and the way back failed too, 5 the outcome is unknown, 6 not authorised, 130 Ctrl-C.]]

-- What several commands share.
local shared = {}

function shared.script(command) command:argument("script", "Id of the script, or its name in .patchworks.lua.") end
function shared.version(command) command:argument("version", "Id of the version.") end
function shared.file(command) command:argument("file", "The source, or - for standard input.") end
function shared.yes(command) command:flag("-y --yes", "Don't ask.") end
function shared.dry_run(command) command:flag("-n --dry-run", "Say what would be done, and don't do it.") end
function shared.keep(command)
  command:option("--keep", "How many of the newest versions stay."):convert(math.tointeger)
end

function shared.waiting(command)
  command:option("--timeout", "Seconds to wait for a deployment (300)."):convert(tonumber)
  command:option("--interval", "Seconds between looks at first (1)."):convert(tonumber)
end

function shared.invoking(command)
  command:option("--payload", "The payload as text.")
  command:option("--payload-file", "The payload from a file, or - for standard input.")
  command:option("--variable", "NAME=VALUE; may be repeated."):count "*"
end

-- name, description, what it shares, and its own options.
local commands = {
  { "list", "List the versions of a script.", { "script" }, function(command)
    command:flag("--deployed", "Only those that are deployed.")
    command:option("--limit", "At most so many."):convert(math.tointeger)
  end },
  { "show", "Show a version.", { "version" }, function(command)
    command:flag("--content", "Print its source alone.")
  end },
  { "create", "Make a version from a file.", { "script", "file", "dry_run" }, function(command)
    command:flag("--reconcile", "When the answer is lost, look before creating again.")
  end },
  { "deploy", "Deploy a version.", { "version", "waiting", "dry_run" }, function(command)
    command:flag("-w --wait", "Wait until it is live.")
  end },
  { "invoke", "Run a version, and print its payload.", { "version", "invoking" } },
  { "logs", "Print the log entries of a version.", { "version" }, function(command)
    command:flag("-f --follow", "Go on with what comes.")
    command:option("--from", "With --follow: now, start, or a date."):default "now"
    command:option("--timeout", "With --follow: end after so many seconds."):convert(tonumber)
    command:option("--limit", "At most so many."):convert(math.tointeger)
  end },
  { "delete", "Delete a version for good.", { "version", "yes", "dry_run" } },
  { "upload", "Upload a version to the marketplace (needs a token).", { "version", "yes", "dry_run" }, function(command)
    command:flag("--public", "Not privately.")
  end },
  { "publish", "Make a file the live version: create, deploy, wait, test, or back.",
    { "script", "file", "waiting", "keep", "dry_run", "invoking" }, function(command)
    command:option("--expect", "The test passes when the payload is this text.")
    command:option("--expect-file", "The test passes when the payload is what the file holds.")
    command:flag("--no-rollback", "Leave a version live whose test failed.")
  end },
  { "rollback", "Make the version live that was live before.", { "script", "waiting", "dry_run" }, function(command)
    command:option("--to", "Id of the version to go back to.")
  end },
  { "prune", "Delete old versions that nobody needs.", { "script", "keep", "yes", "dry_run" } },
  { "plan", "Show what publishing a manifest would change.", {}, function(command)
    command:argument("manifest", "A Lua file."):args "?"
    command:flag("--detailed-exitcode", "Exit with 1 when there is something to publish.")
  end },
  { "apply", "Publish a manifest.", { "waiting", "yes", "dry_run" }, function(command)
    command:argument("manifest", "A Lua file."):args "?"
    command:option("--concurrency", "So many scripts at a time (8)."):convert(math.tointeger)
  end },
  { "sandbox", "Run the whole service on this machine.", {}, function(command)
    command:option("--port", "On 127.0.0.1 (8787)."):convert(math.tointeger)
    command:option("--data", "An SQLite file (in memory).")
    command:option("--rate-limit", "Requests a minute (none)."):convert(math.tointeger)
  end },
  { "whoami", "Say which service and credential are used, and whether they work.", {} },
  { "doctor", "Check what it takes, and say what to do about it.", {} },
  { "completion", "Print completions for a shell.", {}, function(command)
    command:argument("shell", "bash, zsh or fish."):choices { "bash", "zsh", "fish" }
  end },
}

local parser = {}

--- Makes the parser.
function parser.new()
  local self = argparse("patchworks", "Deploy, invoke and watch script versions on the Patchworks platform.", epilog)
  self:flag("--version", "Print the version."):action(function()
    print("patchworks " .. require("patchworks")._VERSION)
    os.exit(0, true)
  end)
  self:require_command(true)
  self:command_target "command"
  for _, each in ipairs(commands) do
    local name, description, shares, own = table.unpack(each)
    local command = self:command(name, description)
    for _, share in ipairs(shares) do shared[share](command) end
    if own then own(command) end
    command:flag("--json", "One JSON object a line.")
    command:option("--base-url", "Another service, such as a sandbox.")
    command:flag("-v --verbose", "Tell of every attempt, on standard error.")
  end
  return self
end

return parser
