--- The kinds of errors: when there is one, why, and what to do. docs/errors.md, the reference, the types and `help` are
-- made of this.
--
-- `{ kind, when, why, what to do }`; `request` says that any request may end so; `has` names fields
-- of the error that are there.
--
-- @module patchworks.reference.kinds
return {
  {
    "unauthenticated",
    "401",
    "The credential was not accepted: mistyped, revoked, expired, or one of another service than `base_url`.",
    "Check the credential and `base_url`; `patchworks doctor` tells which is wrong. An expired token of a login is "
      .. "renewed by the client itself, once a call.",
    request = true,
    has = { "status", "response" },
  },
  {
    "forbidden",
    "403",
    "The credential was accepted, and may not do this. Uploading needs an administrator's token, which an API key "
      .. "is not.",
    "Use a credential that may: for `upload` a token, or `username` and `password` of an administrator.",
    request = true,
    has = { "status", "response" },
  },
  {
    "not_found",
    "404",
    "There is nothing with this id, or nothing that this credential may see.",
    "Look at the id: a version's id is neither its number nor its script's id. `list` shows both.",
  },
  {
    "conflict",
    "409",
    "It doesn't fit what is there: something is under way, or somebody else changed what a release was about to "
      .. "change.",
    "Look at what is there now (`err.live` after `publish`), then decide again. Nothing was overwritten, and the "
      .. "outcome is none; with `err.overtaken` it was deployed, and somebody else's came after it: the outcome is "
      .. "unknown, since what ran meanwhile isn't known.",
  },
  {
    "too_large",
    "413",
    "The request was larger than the service takes, 8 MB.",
    "Send less: a smaller payload, or a source without what can be loaded at run time.",
    has = { "status", "response" },
  },
  {
    "invalid",
    "422",
    "The service refused a field. `err.errors` has its name, and what is wrong with it; a script that raised "
      .. "comes so, too.",
    "Mend what `err.errors` or `err.message` names, and send it again.",
    has = { "status", "response", "errors" },
  },
  {
    "rate_limited",
    "429",
    "More requests a minute than the service allows (240), and waiting would have outlasted `timeout` or "
      .. "`max_attempts`.",
    "Wait `err.retry_after` seconds, raise `timeout`, or set `rate_limit` so that the client keeps below it by itself.",
    request = true,
    has = { "status" },
  },
  {
    "server",
    "5xx",
    "The service, or a proxy before it, failed. For what changes something the outcome is unknown: it may have "
      .. "been done.",
    "Reads, deploy and delete were tried again already. Else look first at `err.outcome`, and whether it was done.",
    request = true,
    has = { "status", "response" },
  },
  {
    "http",
    "any other",
    "An answer that is no success, with a status that has no kind of its own.",
    "`err.status` and `err.message` say what; `err.response.body` has the answer as it came.",
    request = true,
    has = { "status", "response" },
  },
  {
    "network",
    "",
    "The name was not resolved, nothing answered at the address, or the connection broke.",
    "Check `base_url`, the network and `proxy`. `err.outcome` says whether the request may have arrived.",
    request = true,
  },
  {
    "tls",
    "",
    "No secure channel: the certificate is not good, for another name, or signed by nobody who is trusted.",
    "Check `base_url` and this machine's clock; a company's own authority goes into `ca_file`. It is not tried again.",
    request = true,
  },
  {
    "timeout",
    "",
    "The time of the whole call was up, or each attempt's was.",
    "Raise `timeout` (the whole) or `attempt_timeout`; `err.attempts` shows where it went. With the outcome "
      .. "unknown, look "
      .. "before doing it again.",
    request = true,
  },
  {
    "protocol",
    "",
    "The answer is not what HTTP or the service's contract allows: no JSON, a redirect, too long, a page that "
      .. "comes twice, another version than the one that was asked for.",
    "Check that `base_url` is the service itself and not a portal or a proxy's login page: `err.response.body` "
      .. "shows it.",
    request = true,
  },
  {
    "deployment_failed",
    "",
    "The service could not deploy the version. `err.message` has its reason, often the script's own syntax error.",
    "Mend the script and publish again; what was live before still is, unless `err.live` says otherwise.",
    has = { "version" },
  },
  {
    "test_failed",
    "",
    "The version was deployed, and its test did not give what was expected.",
    "`err.message` shows the difference. `err.rolled_back` says whether what was live before is live again: then the "
      .. "outcome is none. Else it is unknown, and `err.live` is what is live, this version too.",
    has = { "version" },
  },
  {
    "file",
    "",
    "A file that was named can't be read or written, or doesn't hold what it must: a manifest, a plan, a project "
      .. "(also the name that was asked for), a case.",
    "Check the path, relative to where the program runs, and who may read it; or mend what `err.message` names. A "
      .. "wrong argument is no error of this kind: that raises.",
  },
  {
    "cancelled",
    "",
    "The task was cancelled, or the client was closed, in the middle of it.",
    "Nothing to mend; `err.outcome` says whether it may have been done all the same.",
    request = true,
  },
  {
    "listener",
    "",
    "The caller's own `on_event` raised. This one is raised, not returned, when the call has ended.",
    "Mend the listener: `err.cause` is what it raised. Nothing is lost: `err.result` is what the call gave, or "
      .. "`err.problem` its error.",
    has = { "cause" },
  },
}
