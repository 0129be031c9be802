--- How versions and what came of a release are shown: as text, or as JSON objects.
-- @module patchworks.cli.show
local codes = require "patchworks.cli.codes"
local output = require "patchworks.cli.output"
local replace = require "patchworks.release.replace"
local wording = require "patchworks.cli.wording"

local show = {}

--- The value, or the error raised for the command line to explain.
function show.check(value, err)
  if value == nil then error(err, 0) end
  return value, err
end

--- One line about a version on standard output.
function show.version(version)
  if output.json then return output.object("version", version) end
  output.write(tostring(version), "\n")
end

--- What a dry run would do to a version.
-- @treturn integer an exit code
function show.would(action, version)
  if output.json then output.object("would", { action = action, version = version }) end
  output.say("would %s %s", action, tostring(version))
  return codes.done
end

--- What was done to a version: one line about it on standard output.
-- @tparam string what as "made" or "live"
-- @tparam table version
function show.done(what, version)
  output.done = ("%s: %s"):format(what, tostring(version))
  show.version(version)
end

--- An answer that the contract does not type: an object, or the message it holds on standard error.
function show.answer(answer, response, otherwise)
  if output.json then return output.object("answer", { answer = output.exact(answer, response) }) end
  output.say("%s", tostring(answer.message or otherwise))
end

--- A listener that says a release's steps on standard error as they happen.
function show.steps()
  local began = os.time()
  return function(event)
    if event.type == "step" then
      local version = event.version
      output.say("%s%s", event.step, version and " " .. tostring(version) or "")
    else
      output.progress("%d s", os.time() - began)
    end
  end
end

local function text_of(value) return value ~= nil and wording(tostring(value)) or nil end

-- The state of things after a release that failed, in words.
local function aftermath(err)
  if err.rolled_back then return "live as before: " .. tostring(err.live) end
  if err.rollback_error and err.may_come_live then
    return ("the way back was begun, and %s may still come live: %s"):format(
      tostring(err.may_come_live),
      text_of(err.rollback_error)
    )
  end
  if err.rollback_error then return "the way back failed too: " .. text_of(err.rollback_error) end
  if err.under_way then return "left as it is, since somebody else has begun" end
  if err.may_come_live or (err.outcome == "unknown" and err.stage == "deploy") then
    return ("%s may still come live; live at the last look: %s"):format(
      tostring(err.may_come_live or "it"), tostring(err.live or "nothing, or not known"))
  end
  if err.live and err.version and err.live.id == err.version.id then
    return ("LIVE, though its %s failed: %s"):format(err.stage, tostring(err.live))
  end
  if err.live then return "live now: " .. tostring(err.live) end
  if err.previous then return ("nothing is live now; before it was: %s"):format(tostring(err.previous)) end
  return "nothing was live before, and nothing is now"
end

--- Says what went wrong, on standard error, and with `--json` as an object too.
-- @param err an error of the client, or a sentence about the command's words
-- @tparam ?integer code its exit code; by default the one of its kind
-- @treturn integer its exit code
function show.failure(err, code)
  output.clear()
  local is_error = type(err) == "table"
  code = code or (is_error and codes.of(err) or codes.usage)
  if not is_error then err = { kind = "usage", message = tostring(err), outcome = "none" } end
  local sentence = (not is_error or err.kind == "file") and err.message or tostring(err)
  if err.kind == "file" and err.hint then sentence = ("%s (%s)"):format(sentence, err.hint) end
  local function worded(text) return err.kind == "file" and text or wording(text) end -- a file's words are its own
  output.complain(worded(sentence))
  for line in (err.difference or ""):gmatch "[^\n]+" do
    if not sentence:find(line, 1, true) then output.say("%s", line) end
  end
  for _, entry in ipairs(err.logs or {}) do output.say("log: %s", (tostring(entry.message):gsub("%s+$", ""))) end
  if err.stage then output.say("%s", aftermath(err)) end
  for _, each in ipairs(replace.sentences(err)) do output.say("%s", each) end
  if output.json then
    output.object("error", {
      kind = err.kind, message = worded(err.message), hint = worded(err.hint),
      outcome = err.outcome, stage = err.stage,
      live = err.live, version = err.version, rolled_back = err.rolled_back, may_come_live = err.may_come_live,
      under_way = err.under_way, overwrote = err.overwrote, overtaken = err.overtaken,
      difference = err.difference, logs = output.list(err.logs),
      rollback_error = text_of(err.rollback_error),
      operation = err.operation, status = err.status, exit_code = code,
    })
  end
  return code
end

-- What was deleted, for objects.
local function pruned(list, context)
  local versions = {}
  for i, version in ipairs(list or {}) do
    versions[i] = { id = version.id, version = version.version, saved = context:saved_at(version) }
  end
  return list and output.list(versions)
end

--- Says that the folder does not remember what was done.
-- @tparam ?table problem why; nil where it does
-- @tparam integer code of the command otherwise
-- @treturn integer its exit code
function show.unremembered(problem, code)
  if not problem then return code end
  output.complain(("what was done is not remembered here: %s (%s)"):format(problem.message, problem.hint))
  return code == codes.done and codes.failed or code
end

--- What publish and rollback came to.
-- @treturn integer an exit code
function show.release(result, err, context)
  output.clear()
  if not result then return show.unremembered(err.state_error, show.failure(err)) end
  for _, sentence in ipairs(replace.sentences(result)) do output.complain(sentence) end
  if result.prune_error then output.complain("pruning failed: " .. tostring(result.prune_error)) end
  if result.action == "published" or result.action == "rolled back" then
    output.done = ("%s: %s, which is live"):format(result.action, tostring(result.version))
  end
  if output.json then
    output.object("release", {
      action = result.action,
      version = result.version,
      previous = result.previous,
      overwrote = result.overwrote,
      under_way = result.under_way,
      pruned = pruned(result.pruned or result.prune_error and result.prune_error.deleted, context),
    })
  else
    output.write(("%s: %s\n"):format(result.action, tostring(result.version or "nothing is live yet")))
  end
  return show.unremembered(result.state_error, result.prune_error and codes.failed or codes.done)
end

--- A plan: each script with its diff, in colour on a terminal.
function show.plan(plan)
  if output.json then
    for _, step in ipairs(plan.steps) do
      output.object("plan", { id = step.id, name = step.name, action = step.action, diff = step.diff,
        added = step.added, removed = step.removed, live = step.live })
    end
    return
  end
  for line in (tostring(plan) .. "\n"):gmatch "([^\n]*)\n" do
    local colour = line:find "^%+" and "green" or line:find "^%-" and "red" or line:find "^@@" and "dim" or nil
    output.write(output.paint(line, colour), "\n")
  end
end

return show
