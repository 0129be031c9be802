--- The commands on single versions.
-- @module patchworks.cli.commands.versions
local codes = require "patchworks.cli.codes"
local input = require "patchworks.cli.input"
local output = require "patchworks.cli.output"

local commands = {}

-- The value, or the error raised for the command line to explain.
local function check(value, err)
  if value == nil then error(err, 0) end
  return value
end

local colours = { Deployed = "green", Draft = "yellow" }

local function status_of(version)
  return (version.status or "?") .. (version.deploying and ", deploying" or "")
end

local function show(version)
  if output.json then return output.object("version", version) end
  local fields = { "id", "script_id", "name", "version", "status", "created_at", "deployed_at", "deploying",
    "deployment_failed_at", "deployment_failure_reason", "last_invoked_on" }
  local rows = {}
  for _, name in ipairs(fields) do
    if version[name] ~= nil then rows[#rows + 1] = { name, (tostring(version[name]):gsub("%s+", " ")) } end
  end
  output.table({ "field", "value" }, rows)
end

--- Prints one line about a version on standard output.
function commands.print(version)
  if output.json then return output.object("version", version) end
  output.write(tostring(version), "\n")
end

local function row_of(version)
  return {
    tostring(version.id),
    tostring(version.version),
    status_of(version),
    version.deployed_at or "-",
    version.created_at or "-",
  }
end

function commands.list(context)
  local given = context.given
  local rows = {}
  local listing = context.client().script_versions:list(context.script(given.script), {
    filter = given.deployed and { is_deployed = true } or nil,
    limit = given.limit,
  })
  for version in listing do
    if output.json then
      output.object("version", version)
    elseif not output.terminal then
      -- Line by line, so that a reader that has enough stops the listing.
      output.table({}, { row_of(version) })
    else
      output.progress("%d versions", #rows + 1)
      rows[#rows + 1] = row_of(version)
    end
  end
  output.clear()
  if #rows > 0 then
    local headings = { "ID", "VERSION", "STATUS", "DEPLOYED AT", "CREATED AT" }
    output.table(headings, rows, function(row) return colours[row[3]] end)
  elseif output.terminal and not output.json then
    output.say "no versions"
  end
end

function commands.show(context)
  local given = context.given
  local include = given.content and { include = "content" } or nil
  local version = check(context.client().script_versions:get(given.version, include))
  if not given.content then return show(version) end
  if output.json then return output.object("version", version) end
  local content = version.content
  local source = type(content) == "table" and content.content or content
  if type(source) ~= "string" then error("the service gives its content in a form that is not known: use --json", 0) end
  output.write(source)
end

function commands.create(context)
  local given = context.given
  local script, content = context.script(given.script), input.read(given.file)
  if given.dry_run then
    output.say("would create a version of script %s with %d bytes", script, #content)
    return codes.done
  end
  local options = { content = content, reconcile = given.reconcile }
  commands.print(check(context.client().script_versions:create(script, options)))
end

function commands.deploy(context)
  local given = context.given
  local versions = context.client().script_versions
  if given.dry_run then
    output.say("would deploy %s", tostring(check(versions:get(given.version))))
    return codes.done
  end
  if not given.wait then
    check(versions:deploy(given.version))
    output.say("version %s is being deployed", given.version)
    return codes.done
  end
  local began = os.time()
  local version = check(versions:deploy_and_wait(given.version, {
    timeout = given.timeout,
    interval = given.interval,
    on_event = function() output.progress("deploying, %d s", os.time() - began) end,
  }))
  output.clear()
  commands.print(version)
end

function commands.invoke(context)
  local given = context.given
  local answer = check(context.client().script_versions:invoke(given.version, input.invocation(given)))
  if output.json then return output.object("answer", { answer = answer }) end
  for _, line in ipairs(type(answer.logs) == "table" and answer.logs or {}) do output.say("%s", tostring(line)) end
  local payload = answer.payload
  if type(payload) == "table" then payload = require("patchworks.core").encode(payload) end
  if payload ~= nil then output.write(tostring(payload), "\n") end
end

local function print_entry(entry)
  if output.json then return output.object("log", entry) end
  local level = entry.level and entry.level ~= "info" and entry.level .. ": " or ""
  output.write(output.paint(entry.created_at or "-", "dim"), output.terminal and "  " or "\t", level,
    tostring(entry.message), "\n")
  output.flush()
end

function commands.logs(context)
  local given = context.given
  local versions = context.client().script_versions
  if not given.follow then
    for entry in versions:logs(given.version, { limit = given.limit }) do print_entry(entry) end
    return codes.done
  end
  if output.error_terminal then output.say("following version %s; Ctrl-C ends it", given.version) end
  local count = 0
  for entry in versions:tail(given.version, { from = given.from, timeout = given.timeout }) do
    print_entry(entry)
    count = count + 1
    if given.limit and count >= given.limit then break end
  end
end

-- Asks before something that can't be taken back: true to go on, else an exit code.
local function agreed(context, question)
  if context.given.yes then return true end
  local answer = output.confirm(question)
  if answer then return true end
  if answer == nil then
    output.complain("nobody can be asked here: pass --yes to go on without a question")
    return codes.usage
  end
  output.say "nothing was done"
  return codes.failed
end
commands.agreed = agreed

function commands.delete(context)
  local given = context.given
  local versions = context.client().script_versions
  if given.dry_run or not given.yes then
    local version = check(versions:get(given.version))
    if given.dry_run then
      output.say("would delete %s", tostring(version))
      return codes.done
    end
    local go_on = agreed(context, ("Delete %s for good?"):format(tostring(version)))
    if go_on ~= true then return go_on end
  end
  output.say("%s", tostring(check(versions:delete(given.version)).message or "deleted"))
end

function commands.upload(context)
  local given = context.given
  local versions = context.client().script_versions
  if given.dry_run then
    output.say("would upload %s", tostring(check(versions:get(given.version))))
    return codes.done
  end
  local go_on = agreed(context, ("Upload version %s to the marketplace?"):format(given.version))
  if go_on ~= true then return go_on end
  local answer = check(versions:upload(given.version, { private = not given.public }))
  if output.json then return output.object("answer", { answer = answer }) end
  output.say("%s", tostring(answer.message or "uploaded"))
end

return commands
