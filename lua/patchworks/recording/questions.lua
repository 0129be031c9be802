--- What isn't known of the service, what would show it, and which habit of the sandbox is the same.
--
-- A question has a `name`, what it `asks`, the commands that `show` it (with ids and the name of a file for SCRIPT,
-- VERSION and SOURCE) and how (`note`), and `usual`, what the sandbox does unless told otherwise. `habit` gives the
-- habit for what was seen. `documented` is what the vendor says; `varies` where several answers don't contradict each
-- other.
--
-- @module patchworks.recording.questions

local function named(name, text)
  return function(value) return value == text and name or nil end
end

-- A habit that has a text: what the sandbox can't hold, as a date of each deployment, has an example of it.
local function with_text(name)
  return function(_, example)
    if type(example) ~= "string" or #example > 31 or example:find "[,%c]" then return nil end
    return name .. "=" .. example
  end
end

return {
  {
    name = "create_status", asks = "which status a create has", usual = "201", show = { "create SCRIPT SOURCE" },
    habit = function(_, example) return example ~= 201 and ("create_status=%d"):format(example) or nil end,
  },
  {
    name = "crlf", asks = "how a source's line ends come back", usual = "as they came",
    show = { "create SCRIPT SOURCE", "show VERSION --content" }, habit = named("crlf", "LF becomes CRLF"),
  },
  {
    name = "trim", asks = "whether blanks at a source's ends come back", usual = "they stay",
    show = { "create SCRIPT SOURCE", "show VERSION --content" }, habit = named("trim", "they are gone"),
  },
  {
    name = "content", asks = "what `content` is, when included", usual = "an object: content",
    show = { "show VERSION --content" },
  },
  {
    name = "deploy_status", asks = "what a deploy answers", usual = "200 with data (an object), message",
    show = { "deploy VERSION --wait" },
  },
  {
    name = "deploy_seconds", asks = "how long a deployment takes", varies = true,
    show = { "deploy VERSION --wait" },
  },
  {
    name = "deploying", asks = "what `deploying` holds during a deployment", usual = '"deploying"',
    show = { "create SCRIPT SOURCE", "show VERSION", "deploy VERSION --wait" }, habit = with_text "deploying",
  },
  {
    name = "idle", asks = "what `deploying` holds else", usual = "null",
    show = { "create SCRIPT SOURCE", "show VERSION" },
    habit = with_text "idle",
  },
  {
    name = "failed_deployment", asks = "what a deployment that fails leaves", varies = true,
    usual = "status Draft, deployment_failed_at is set, the reason is given",
    show = { "create SCRIPT SOURCE", "show VERSION", "deploy VERSION --wait" },
    note = "of a source with a syntax error",
  },
  {
    name = "one_deployed", asks = "whether several versions of a script may be deployed", usual = "several at once",
    show = { "publish SCRIPT SOURCE", "publish SCRIPT OTHER", "list SCRIPT" },
    habit = function(value) return value:find "^one" and "one_deployed" or nil end,
  },
  {
    name = "redeploy_nothing", asks = "what deploying a version that is deployed does",
    usual = "it is deployed anew",
    show = { "show VERSION", "deploy VERSION --wait", "show VERSION" },
    note = "of a version that is deployed; the last one some minutes later",
    habit = named("redeploy_nothing", "nothing changes"),
  },
  {
    name = "deploy_while_deploying", asks = "what deploying does while that is under way", usual = "answered 200",
    show = { "show VERSION", "deploy VERSION", "deploy VERSION" },
  },
  {
    name = "delete_while_deploying", asks = "what deleting does while a version is being deployed",
    usual = "answered 409", show = { "show VERSION", "deploy VERSION", "delete VERSION --yes" },
  },
  {
    name = "invoke_deploys", asks = "what invoking a version that is not deployed does", usual = "refused with 409",
    documented = "it is deployed and run",
    show = { "create SCRIPT SOURCE", "invoke VERSION --yes", "show VERSION" },
    habit = named("invoke_deploys", "it is deployed and run"),
  },
  {
    name = "failed_run", asks = "what a script that raises answers", varies = true,
    usual = "answered 422 with errors (an object), message",
    show = { "publish SCRIPT SOURCE", "show VERSION", "invoke VERSION" },
    note = "of a source that raises",
  },
  {
    name = "logs_newest_first", asks = "how log entries are ordered", usual = "oldest first",
    show = { "invoke VERSION", "invoke VERSION", "logs VERSION" }, habit = named("logs_newest_first", "newest first"),
  },
  {
    name = "log_entry", asks = "which fields a log entry has", varies = true,
    usual = "created_at, id, level, message, script_version_id", show = { "invoke VERSION", "logs VERSION" },
  },
  {
    name = "logs_per_page", asks = "how many log entries make a page", usual = "100", show = { "logs VERSION" },
  },
  {
    name = "rate_limit", asks = "what a 429 says", varies = true,
    usual = "retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset; body: message",
    show = { "show VERSION" }, note = "300 times within a minute",
  },
  {
    name = "rate_headers", asks = "what other answers say of the rate limit", usual = "no header",
    show = { "show VERSION" },
  },
  {
    name = "upload_by_key", asks = "whether an API key may upload", usual = "refused with 403",
    documented = "refused with 403", show = { "upload VERSION --yes" }, note = "with an API key",
  },
  {
    name = "token_life", asks = "how long a token lives", usual = "86400 s", documented = "86400 s",
    show = { "whoami" },
    note = "with PATCHWORKS_USERNAME and PATCHWORKS_PASSWORD",
  },
}
