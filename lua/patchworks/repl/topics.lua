--- What `help` says of things that are no method: `{ name, sentence, paragraphs }`; with `as_it_is` lines are kept.
-- @module patchworks.repl.topics
return {
  {
    "retry",
    "What is sent again by itself, and what never is.",
    [[
Reads (get, list, logs) and what does the same when done twice (deploy, delete) are sent again after a network failure,
an attempt's time-out, 429, 500, 502, 503 and 504: max_attempts (4) times, within timeout, after a random pause that
grows from 0.2 s to 20 s, or after the Retry-After that the service names.

create, invoke and upload are sent again only where the service surely did nothing: not connected, 429, or 503 with a
Retry-After. Else err.outcome is "unknown": look before you do it again; create { reconcile = true } looks by itself.]],
  },
  {
    "rate limit",
    "How the client keeps to the service's requests a minute.",
    [[
The service allows 240 requests a minute. A 429 closes the client's gate: all its calls wait until the time that the
service named, then one goes first. rate_limit = 200 in patchworks.new keeps the client below the limit by itself.]],
  },
  {
    "errors",
    "What comes back when something goes wrong.",
    [[
The world's failures are nil and an error: err.kind says what it was, err.hint what to do, err.outcome whether it may
have been done, err.attempts what was tried, err.cause what went wrong further down. help "not_found" says more of a
kind.

Misuse, such as an unknown option, raises at the line that called.]],
  },
  {
    "many at once",
    "Many calls at once: tasks.",
    [[
patchworks.map(ids, function(id) return versions:get(id) end, { concurrency = 8 }) calls for each of a list, several at
a time.

patchworks.run(function(tasks) tasks:spawn(fn) end) runs functions side by side: a call inside one suspends that one
alone.]],
  },
  {
    "credentials",
    "Where the credential comes from.",
    [[
From patchworks.new { api_key, token, or username and password }, or from PATCHWORKS_API_KEY, PATCHWORKS_TOKEN, or
PATCHWORKS_USERNAME and PATCHWORKS_PASSWORD. No error, event, history or curl(last) shows it.]],
  },
  {
    "prompt",
    "What this prompt has of its own.",
    [[
client, versions   a client, and its script versions
help(x)            what a method, an object, a kind of error or a topic is
apropos "x"        where something is said of it
show(x), more()    a value as the prompt shows it; the rest of what was cut
last               the last call: last.attempts, last.response, last.error
curl(last)         it as a curl command, without the credential
trace(true)        shows each request as it goes
time(fn)           how long a function takes, and what it costs
scripts            the project's scripts, names to ids
server             the sandbox, where there is one of its own
Locals live on from line to line. TAB completes. Ctrl-C ends a call, Ctrl-D the session.
What changes a service asks first, unless it is on this machine.]],
    as_it_is = true,
  },
}
