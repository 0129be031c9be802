--- The errors and the events as the reference shows them.
-- @module patchworks.reference.failures
local kinds = require "patchworks.reference.kinds"

local names = {}
for i, kind in ipairs(kinds) do names[i] = '"' .. kind[1] .. '"' end

local failure = {
  name = "error",
  class = "patchworks.error",
  says = "What a method gives as its second value when the first is nil. `tostring` says it in a line. Misuse, "
    .. "such as an "
    .. "unknown option, is no such value: it raises a string at the caller's line.",
  example = [[local version, err = versions:get(99)
if not version then print(err.kind, err.message, err.hint) end]],
  fields = {
    { "kind", table.concat(names, "|"), "what it is, in a word" },
    { "message", "string", "what went wrong, usually in the service's words" },
    { "outcome", '"none"|"unknown"', '"none": the service did nothing, or what a release did was taken back; '
      .. '"unknown": it was done, or nothing tells whether it was' },
    { "hint?", "string", "what to do" },
    { "operation?", "string", "which method" },
    { "url?", "string", "where to" },
    { "status?", "integer", "of HTTP" },
    { "errors?", "table<string, string[]>", "field to what is wrong with it (invalid)" },
    { "retry_after?", "number", "seconds after which the service wants to be asked again" },
    { "attempts?", "patchworks.attempt[]", "what was tried" },
    { "response?", "patchworks.response", "the last answer" },
    { "cause?", "any", "what went wrong further down" },
    { "result?", "any", "listener: what the call gave all the same" },
    { "problem?", "patchworks.error", "listener: the error that the call ended with" },
    { "stage?", '"deploy"|"test"', "where a release failed" },
    { "version?", "patchworks.version", "what a release was about" },
    { "live?", "patchworks.version", "what is live after a release that failed, as of the last look" },
    { "previous?", "patchworks.version", "what was live before it" },
    { "rolled_back?", "boolean", "whether what was live before is live again" },
    { "rollback_error?", "patchworks.error", "why the way back failed" },
    { "may_come_live?", "patchworks.version", "a deployment that was begun and lost from sight" },
    { "under_way?", "patchworks.version", "a deployment of somebody else that is under way" },
    { "overwrote?", "patchworks.version", "what somebody else made live in between" },
    { "overtaken?", "boolean", "it was deployed, and what somebody else deployed after it is live" },
    { "difference?", "string", "how a test's payload differs from what was expected" },
    { "answer?", "patchworks.answer", "what the script gave in a test that failed" },
    { "logs?", "patchworks.log_entry[]", "the log entries that appeared during a test that failed, 20 at most" },
    { "stays?", "table[]", "what `prune` left, as it gives it" },
    { "deleted?", "patchworks.version[]", "what `prune` had deleted by then" },
    { "failures?", "table[]", "the failures of many: each with `item` and `error`" },
  },
}

local operation = { "operation", "string", "which method" }
local verb = { "method", "string", "of HTTP" }
local url = { "url", "string", "where to" }

-- Each type of event is a class of its own.
local events = {
  name = "event",
  class = "patchworks.event",
  says = "What `on_event` is called with: a table for each thing that happens on the way of a call. No event holds a "
    .. "credential.",
  example = [[local client <close> = patchworks.new {
  api_key = "...",
  on_event = function(event) print(event.type, event.operation) end,
}]],
  types = {
    {
      "attempt",
      "an attempt has ended",
      operation, verb, url,
      { "number", "integer", "which attempt, from 1" },
      { "seconds", "number", "how long it took" },
      { "status?", "integer", "of the answer" },
      { "kind?", "string", "what it failed with" },
      { "message?", "string", "what was said" },
    },
    {
      "retry",
      "an attempt failed, and there will be another",
      operation, verb, url,
      { "number", "integer", "which attempt comes" },
      { "seconds", "number", "after so long" },
      { "kind", "string", "what the last one failed with" },
      { "status?", "integer", "of its answer" },
    },
    {
      "wait",
      "the call waits for the rate limit",
      operation, verb, url,
      { "seconds", "number", "for so long" },
    },
    {
      "record",
      "the recording has ended: `record_file` can't be written to any more. The call goes on",
      operation, verb, url,
      { "message", "string", "which file, and why" },
    },
    {
      "page",
      "a page of a listing has come",
      { "operation", "string", "of the listing" },
      { "number", "integer", "which page" },
      { "of", "integer", "how many there are" },
    },
    {
      "step",
      "a release goes on",
      { "step", "string", 'such as "look", "create", "reuse", "deploy", "test", "rollback", "delete"' },
      { "version?", "patchworks.version", "what it is about" },
      { "progress", "patchworks.progress", "the account of the release so far" },
    },
    {
      "script",
      "`client:apply` has done with a script",
      { "result", "table", "its part of the report" },
      { "of", "integer", "how many scripts there are" },
    },
  },
}

return { failure, events }
