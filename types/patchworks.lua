---@meta patchworks
-- What the module gives, for editors that read LuaCATS annotations.
-- Made by scripts/types.lua: change what it is made of.

---What every call takes, beside its parameters.
---@class patchworks.call_options
---@field timeout? number for the whole call: every attempt and every wait between them, in seconds; default the client's: 60; invoke 150
---@field attempt_timeout? number for one attempt, in seconds; default the client's: 30; invoke 150
---@field max_attempts? integer how often it is tried; an integer from 1 to 100; default the client's: 4
---@field headers? table<string, string|integer> more headers, names to values
---@field on_event? fun(event: patchworks.event) called with a table for each attempt, retry, wait and page; default the client's

---The module: makes clients, and runs many calls at once.
---@class patchworks
---@field _VERSION string the version of this module
---@field null lightuserdata what stands for JSON's null in lists
local patchworks = {}

---@class patchworks.new_options
---@field api_key? string the credential: a key; default PATCHWORKS_API_KEY
---@field token? string the credential: a token; default PATCHWORKS_TOKEN
---@field username? string the credential: who logs in; default PATCHWORKS_USERNAME
---@field password? string the credential: with `username`; default PATCHWORKS_PASSWORD
---@field login_url? string where a password is turned into a token; default the vendor's, or /fabric/api/login of another `base_url`
---@field login_field? string how the login's field for the name is called; default username
---@field base_url? string the service; a trailing /api/v1 is accepted; default PATCHWORKS_BASE_URL, or https://core.wearepatchworks.com
---@field timeout? number for a whole call: every attempt and every wait between them, in seconds; default 60; invoke 150
---@field attempt_timeout? number for one attempt, in seconds; default 30; invoke 150
---@field connect_timeout? number for connecting, in seconds; default 10
---@field max_attempts? integer how often a call is tried; an integer from 1 to 100; default 4
---@field max_response_bytes? integer the longest answer, before and after decompression, in bytes; an integer of at least 1; default 67108864
---@field max_connections? integer how many connections there are at once; an integer from 1 to 1000; default 8
---@field rate_limit? integer what the client keeps to by itself, in requests a minute; an integer from 1 to 1000000; default none
---@field allow_insecure? boolean allow http:// to other machines; default false
---@field ca_file? string PEM: the certificates to trust; default PATCHWORKS_CA_FILE
---@field ca_pem? string the same as text, in its place
---@field ca_path? string a folder of them, as c_rehash makes it
---@field proxy? string a proxy's URL
---@field client_cert? string PEM: the client's certificate
---@field client_key? string PEM: its key
---@field on_event? fun(event: patchworks.event) called with a table for each attempt, retry, wait and page
---@field record_file? string a file to keep every attempt in, without a credential: what was sent, and what came
---@field loop? table a host's loop, such as require "patchworks.loop.luv"
---@field max_pause? number the longest time that a 429 keeps the client from sending, in seconds; default 900

---Makes a client: one connection pool, one rate limit, and exactly one kind of credential.
---@param options? patchworks.new_options
---@return patchworks.client
function patchworks.new(options) end

---@class patchworks.map_options
---@field concurrency? integer how many at a time; an integer from 1 to 100000; default 8
---@field stop_on_error? boolean the first failure ends all the others; default false

---Calls a function for each item of a list, several at a time. It fails by raising, or by giving nil and an error.
---@param items any[] a list
---@param fn fun(item: any, index: integer): any called with an item and its index
---@param options? patchworks.map_options
---@return any[] the functions' first results, by the index of their item; and when any failed, a list of `{index, item, error}`
---@return table[]?
function patchworks.map(items, fn, options) end

---@class patchworks.run_options
---@field stop_on_error? boolean the first failure ends all the others; default false

---Runs a function that starts tasks, and waits for all of them. When the function itself raises, its tasks are cancelled and the error goes on.
---@param fn fun(tasks: patchworks.tasks) called with the group
---@param options? patchworks.run_options
---@return true? true when no task failed; else nil and a list of `{task, error}`
---@return table[]?
function patchworks.run(fn, options) end

---Starts a function as a task of its own, for a host's loop. What it raises is written to standard error, unless somebody joins it first.
---@param fn function the task
---@param ... any its arguments
---@return patchworks.task
function patchworks.spawn(fn, ...) end

---Waits: suspends the task it is called in, and blocks elsewhere.
---@param seconds number how long
function patchworks.sleep(seconds) end

---Takes up the account of a release as it was kept: what `record` of `publish` was given.
---@param kept table its fields
---@return patchworks.progress
function patchworks.progress(kept) end

---Whether a value is an error of this module.
---@param value any anything
---@return boolean
function patchworks.is_error(value) end

---One connection pool, one credential, one rate limit. Made by `patchworks.new`; closed by `close`, by `<close>`, or when it is collected; one on a host's loop, which the loop holds, by the first two alone.
---@class patchworks.client
---@field base_url string the service
---@field script_versions patchworks.script_versions the eight operations, and what is made of them
local client = {}

---@class patchworks.request_options: patchworks.call_options
---@field query? table names to strings, numbers, booleans or lists of them
---@field body? string|table a table is sent as JSON, a string as it is
---@field repeatable? boolean whether doing it twice does the same, so that it may be repeated; default false

---Reaches the rest of the Core API through the same machinery. A GET is repeated after any passing failure; the others only when the service surely did nothing.
---Requests: 1.
---Fails with: not_found, conflict, invalid, too_large, and what any request may.
---@param method "GET"|"POST"|"PUT"|"PATCH"|"DELETE" of HTTP
---@param path string below `/api/v1`, percent-encoded, such as "/scripts/42"
---@param options? patchworks.request_options
---@return any? the decoded answer
---@return patchworks.response|patchworks.error
function client:request(method, path, options) end

---@class patchworks.paginate_options: patchworks.call_options
---@field query? table names to strings, numbers, booleans or lists of them
---@field limit? integer stop after so many; an integer of at least 1
---@field per_page? integer how many a page holds; an integer from 1 to 100; default 100
---@field read_ahead? integer pages that are fetched while earlier ones are used; an integer from 0 to 100; default 4
---@field timeout? number for each page: every attempt and every wait between them, in seconds; default the client's: 60

---A listing of any other paged part of the Core API.
---Requests: 1 for each 100 items.
---Fails with: not_found, invalid, and what any request may.
---@param path string below `/api/v1`, such as "/scripts"
---@param options? patchworks.paginate_options
---@return patchworks.listing
function client:paginate(path, options) end

---@class patchworks.plan_options: patchworks.call_options
---@field concurrency? integer how many at a time; an integer from 1 to 100000; default 8
---@field timeout? number for all of it, in seconds; default none

---Says what publishing a manifest would change, and changes nothing.
---Requests: 1 a script.
---Fails with: not_found, file, and what any request may.
---@param manifest patchworks.manifest|string `{ scripts = { { id = 42, file = "orders.py", .. } } }`, or the path of a Lua file that returns it; `file` is relative to that path
---@param options? patchworks.plan_options
---@return patchworks.plan?
---@return patchworks.error?
function client:plan(manifest, options) end

---Takes up a plan that was kept: what its `save` gave. Sends nothing.
---Fails with: file, conflict, and what any request may.
---@param text string what `plan:save()` gave
---@return patchworks.plan?
function client:load_plan(text) end

---@class patchworks.apply_options: patchworks.call_options
---@field concurrency? integer how many at a time; an integer from 1 to 100000; default 8
---@field timeout? number for all of it, but for the ways back, in seconds; default none
---@field deploy_timeout? number for each deployment, and for what is under way at first, in seconds; default 300
---@field while_deploying? boolean begin at once, though the service says that a version is being deployed: for a service that goes on saying so; default false
---@field interval? number the first pause between two looks at a deployment, in seconds; default 0.25, then 0.45
---@field max_interval? number the longest one: they grow with the deployment's age, in seconds; default 20
---@field record? fun(progress: patchworks.progress): any?, any? called with the account of the release before each change, to be kept; the change is not made when that gives nil and a reason, unless it takes back what failed its test

---Does what a plan says, many scripts at once, and runs its tests. A script that fails doesn't keep the others back; one whose live version is not what the plan saw is refused (conflict).
---Requests: those of `publish` for each script.
---@param plan patchworks.plan what `plan` gave
---@param options? patchworks.apply_options
---@return patchworks.report?
---@return patchworks.error?
function client:apply(plan, options) end

---What the client did so far.
---@return table<string, integer>? `calls`, `retries`, `waits` (for the gate), `logins`, `unrecorded` (attempts that `record_file` could not take); `started`, `finished`, `active` (transfers), `connections` (opened), `multiplexed` (transfers over HTTP/2), `sent_bytes`, `received_bytes`, `held_bytes` (of answers, counted as Lua's memory)
function client:stats() end

---Closes the client: what is under way is cancelled, connections are closed. Safe to call twice.
function client:close() end

---The operations on script versions, as `client.script_versions`. Ids are positive integers or their decimal strings.
---@class patchworks.script_versions
local script_versions = {}

---@class patchworks.filter
---@field is_deployed? boolean|string|(boolean|string)[] whether it is deployed
---@field deployed_at? string|string[] when it was deployed, as the service writes dates

---@class patchworks.get_options: patchworks.call_options
---@field include? "content"|"script"|("content"|"script")[] what else comes with a version: its source, its script
---@field filter? patchworks.filter which versions; a list means any of its values
---@field page? integer the page to read, or to begin with; an integer of at least 1; default 1
---@field per_page? integer how many a page holds; an integer from 1 to 100; default 100

---Reads a version.
---Requests: 1.
---Fails with: not_found, invalid, and what any request may.
---@param id integer|string script version id
---@param options? patchworks.get_options
---@return patchworks.version?
---@return patchworks.response|patchworks.error
function script_versions:get(id, options) end

---@class patchworks.list_options: patchworks.call_options
---@field filter? patchworks.filter which versions; a list means any of its values
---@field include? "content"|"script"|("content"|"script")[] what else comes with a version: its source, its script
---@field limit? integer stop after so many; an integer of at least 1
---@field per_page? integer how many a page holds; an integer from 1 to 100; default 100
---@field page? integer the page to read, or to begin with; an integer of at least 1; default 1
---@field read_ahead? integer pages that are fetched while earlier ones are used; an integer from 0 to 100; default 4
---@field timeout? number for each page: every attempt and every wait between them, in seconds; default the client's: 60

---The versions of a script, newest first as the service gives them. Nothing is sent before items are used.
---Requests: 1 for each 100 versions.
---Fails with: not_found, invalid, and what any request may.
---@param script integer|string script id
---@param options? patchworks.list_options
---@return patchworks.listing_of_version
function script_versions:list(script, options) end

---@class patchworks.logs_options: patchworks.call_options
---@field limit? integer stop after so many; an integer of at least 1
---@field read_ahead? integer pages that are fetched while earlier ones are used; an integer from 0 to 100; default 4
---@field timeout? number for each page: every attempt and every wait between them, in seconds; default the client's: 60

---The log entries of a version.
---Requests: 1 a page.
---Fails with: not_found, and what any request may.
---@param id integer|string script version id
---@param options? patchworks.logs_options
---@return patchworks.listing_of_log_entry
function script_versions:logs(id, options) end

---@class patchworks.create_options: patchworks.call_options
---@field content? string the source; this or `file`
---@field file? string the path of a file to read the source from; this or `content`
---@field reconcile? boolean after an unknown outcome, look whether the version is there before creating it again; default false

---Makes a version. Never sent twice unless the service surely did nothing.
---Requests: 1; with `reconcile` 1 or 2 more, and 1 for each 100 versions after a lost answer.
---Fails with: not_found, invalid, too_large, file, and what any request may.
---@param script integer|string script id
---@param options patchworks.create_options
---@return patchworks.version?
---@return patchworks.response|patchworks.error
function script_versions:create(script, options) end

---Begins to deploy a version, which goes on after the answer. Repeated when an answer is lost.
---Requests: 1.
---Fails with: not_found, conflict, invalid, and what any request may.
---@param id integer|string script version id
---@param options? patchworks.call_options
---@return table? the answer, which the contract does not type
---@return patchworks.response|patchworks.error
function script_versions:deploy(id, options) end

---@class patchworks.invoke_options: patchworks.call_options
---@field payload? string|table what the script gets: a string goes out as it is, a table as its JSON
---@field variables? string|table likewise, the script's variables
---@field flow? string|table a string, or a table whose `variables` may be a table too
---@field timeout? number for the whole call; a script may run 120 s, in seconds; default 150
---@field attempt_timeout? number for one attempt, in seconds; default 150

---Runs a version. Never sent twice. The service may deploy it first where it isn't deployed.
---Requests: 1.
---Fails with: not_found, conflict, invalid, too_large, and what any request may.
---@param id integer|string script version id
---@param options? patchworks.invoke_options
---@return patchworks.answer? what the script returned
---@return patchworks.response|patchworks.error
function script_versions:invoke(id, options) end

---@class patchworks.upload_options: patchworks.call_options
---@field private? boolean|"true"|"false" whether only the company sees it; the contract's "true" and "false" are taken too

---Uploads a version to the company's private marketplace. Needs an administrator's token or login. Never sent twice.
---Requests: 1.
---Fails with: not_found, conflict, invalid, and what any request may.
---@param id integer|string script version id
---@param options? patchworks.upload_options
---@return table? the answer, which the contract does not type
---@return patchworks.response|patchworks.error
function script_versions:upload(id, options) end

---Deletes a version for good. Repeated when an answer is lost; gone after such a repeat is done.
---Requests: 1.
---Fails with: not_found, conflict, and what any request may.
---@param id integer|string script version id
---@param options? patchworks.call_options
---@return table? `message`, what the service says
---@return patchworks.response|patchworks.error
function script_versions:delete(id, options) end

---@class patchworks.wait_options: patchworks.call_options
---@field timeout? number for all of it, in seconds; default 300
---@field interval? number the first pause between two looks at a deployment, in seconds; default 0.25, then 0.45
---@field max_interval? number the longest one: they grow with the deployment's age, in seconds; default 20
---@field failed_before? string the deployment_failed_at from before the deployment, so that an old failure is not taken for a new one

---Waits until a version that is being deployed is live. Looks come at growing intervals.
---Requests: 1 a look, at most 18 in the first minute.
---Fails with: not_found, deployment_failed, and what any request may.
---@param id integer|string script version id
---@param options? patchworks.wait_options
---@return patchworks.version?
---@return patchworks.response|patchworks.error
function script_versions:wait(id, options) end

---@class patchworks.deploy_and_wait_options: patchworks.call_options
---@field timeout? number for all of it, in seconds; default 300
---@field interval? number the first pause between two looks at a deployment, in seconds; default 0.25, then 0.45
---@field max_interval? number the longest one: they grow with the deployment's age, in seconds; default 20
---@field failed_before? string the deployment_failed_at from before the deployment, so that an old failure is not taken for a new one

---Deploys a version and waits until it is live. Tells an old failure from a new one.
---Requests: 2 (1 with `failed_before`), and 1 a look.
---Fails with: not_found, conflict, invalid, deployment_failed, and what any request may.
---@param id integer|string script version id
---@param options? patchworks.deploy_and_wait_options
---@return patchworks.version?
---@return patchworks.response|patchworks.error
function script_versions:deploy_and_wait(id, options) end

---@class patchworks.test
---@field payload? string|table as for `invoke`
---@field variables? string|table as for `invoke`
---@field flow? string|table as for `invoke`
---@field expect? string|table|fun(answer: patchworks.answer, response: patchworks.response): boolean, string?, string? the payload, a string or a table, JSON as JSON; or a function that is given the answer and the response, and gives true, or false, a reason and the difference
---@field compare? "json"|"bytes"|"table" how a string is compared: as JSON, byte by byte, or as JSON in which `{}` is also `[]`; default an object or an array as JSON; else but for a last newline
---@field timeout? number for the call, in seconds; default 150

---@class patchworks.publish_options: patchworks.call_options
---@field content? string the source; this or `file`
---@field file? string the path of a file to read it from; this or `content`
---@field test? patchworks.test a call of the version that was deployed, and what must come of it
---@field rollback? boolean whether to go back after a failed test; default true
---@field keep? integer prune to so many afterwards; an integer of at least 0
---@field ever_deployed? boolean delete those too that were live once; default false
---@field save? fun(version: patchworks.version, source: string): any, any called with a version and its source before it is deleted; it stays when that gives nil and a reason
---@field timeout? number for all of it, but for the way back, in seconds; default none
---@field deploy_timeout? number for each deployment, and for what is under way at first, in seconds; default 300
---@field while_deploying? boolean begin at once, though the service says that a version is being deployed: for a service that goes on saying so; default false
---@field interval? number the first pause between two looks at a deployment, in seconds; default 0.25, then 0.45
---@field max_interval? number the longest one: they grow with the deployment's age, in seconds; default 20
---@field dry_run? boolean say what would be done, and do nothing; default false
---@field record? fun(progress: patchworks.progress): any?, any? called with the account of the release before each change, to be kept; the change is not made when that gives nil and a reason, unless it takes back what failed its test
---@field expected_live? table|false what must be live for it to begin: a version, or false for nothing

---Makes a source the live version of a script, tests it, and goes back to what was live when the test fails. What is live already is only tested. May be run again after anything.
---Requests: 2 when it is live already; else 6, and 1 a look; 1 for the test, and those of `prune`.
---Fails with: not_found, conflict, invalid, too_large, deployment_failed, test_failed, file, and what any request may.
---@param script integer|string script id
---@param options patchworks.publish_options
---@return patchworks.release?
---@return patchworks.error?
function script_versions:publish(script, options) end

---@class patchworks.rollback_options: patchworks.call_options
---@field to? integer|string the id of the version to go to, be it older or newer; default the one that was live before
---@field dry_run? boolean say what would be done, and do nothing; default false
---@field timeout? number for all of it, but for the way back, in seconds; default none
---@field deploy_timeout? number for each deployment, and for what is under way at first, in seconds; default 300
---@field while_deploying? boolean begin at once, though the service says that a version is being deployed: for a service that goes on saying so; default false
---@field interval? number the first pause between two looks at a deployment, in seconds; default 0.25, then 0.45
---@field max_interval? number the longest one: they grow with the deployment's age, in seconds; default 20
---@field record? fun(progress: patchworks.progress): any?, any? called with the account of the release before each change, to be kept; the change is not made when that gives nil and a reason, unless it takes back what failed its test

---Goes back: of the versions that are older than the live one, the one that was deployed last is deployed again.
---Requests: 1 for each 100 versions (2 with `to`), 1 to deploy, 1 a look, 1 afterwards.
---Fails with: not_found, conflict, deployment_failed, and what any request may.
---@param script integer|string script id
---@param options? patchworks.rollback_options
---@return patchworks.release?
---@return patchworks.error?
function script_versions:rollback(script, options) end

---@class patchworks.prune_options: patchworks.call_options
---@field keep integer how many of the newest stay whatever they are; an integer of at least 0
---@field ever_deployed? boolean delete those too that were live once; default false
---@field save? fun(version: patchworks.version, source: string): any, any called with a version and its source before it is deleted; it stays when that gives nil and a reason
---@field dry_run? boolean say what would be done, and do nothing; default false
---@field concurrency? integer how many at a time; an integer from 1 to 100000; default 4
---@field timeout? number for all of it, in seconds; default none

---Deletes old versions: never one that is or was lately in use, nor one that a rollback would take.
---Requests: 1 for each 100 versions, 2 for each that is deleted.
---Fails with: not_found, conflict, and what any request may.
---@param script integer|string script id
---@param options patchworks.prune_options
---@return patchworks.pruned?
---@return patchworks.error?
function script_versions:prune(script, options) end

---@class patchworks.tail_options: patchworks.call_options
---@field from? string "now" (only what comes), "start", or a date as the service writes it; default now
---@field interval? number the first pause between two looks, in seconds; default 1
---@field max_interval? number the longest one, in seconds; default 10
---@field timeout? number the loop ends then, in seconds; default none

---Follows a version's logs: an iterator that waits for the next entry. Raises an error that lasts.
---Requests: 1 a look.
---Fails with: not_found, and what any request may.
---@param id integer|string script version id
---@param options? patchworks.tail_options
---@return fun(): patchworks.log_entry?
function script_versions:tail(id, options) end

---A version: a plain table of the service's fields, with the operations as methods behind it. `tostring` says it in a line.
---@class patchworks.version
---@field id integer the version's
---@field script_id integer the script's
---@field version? integer its number among the script's versions
---@field name? string the script's name, as the service gives it
---@field status? "Draft"|"Inactive"|"Deployed" several may be Deployed at once: the one deployed last is live
---@field created_at? string a date, as the service writes it
---@field updated_at? string likewise
---@field deployed_at? string when it was last deployed
---@field deploying? string there while it is being deployed
---@field deployment_failed_at? string when it last failed to be deployed; stays until the next try
---@field deployment_failure_reason? string why
---@field last_invoked_on? string when it last ran
---@field content? table the source, somewhere in an object; there with `include = "content"`
---@field script? table the script; there with `include = "script"`
local version = {}

---Reads the version again and takes its fields over. Takes what `get` takes.
---Requests: 1.
---Fails with: not_found, invalid, and what any request may.
---@param options? patchworks.get_options
---@return patchworks.version? the version itself
---@return patchworks.response|patchworks.error
function version:refresh(options) end

---@class patchworks.delete_options: patchworks.call_options

---Deletes a version for good. Repeated when an answer is lost; gone after such a repeat is done.
---Requests: 1.
---Fails with: not_found, conflict, and what any request may.
---@param options? patchworks.delete_options
---@return table? `message`, what the service says
---@return patchworks.response|patchworks.error
function version:delete(options) end

---@class patchworks.deploy_options: patchworks.call_options

---Begins to deploy a version, which goes on after the answer. Repeated when an answer is lost.
---Requests: 1.
---Fails with: not_found, conflict, invalid, and what any request may.
---@param options? patchworks.deploy_options
---@return table? the answer, which the contract does not type
---@return patchworks.response|patchworks.error
function version:deploy(options) end

---Deploys a version and waits until it is live. Tells an old failure from a new one.
---Requests: 2 (1 with `failed_before`), and 1 a look.
---Fails with: not_found, conflict, invalid, deployment_failed, and what any request may.
---@param options? patchworks.deploy_and_wait_options
---@return patchworks.version?
---@return patchworks.response|patchworks.error
function version:deploy_and_wait(options) end

---Runs a version. Never sent twice. The service may deploy it first where it isn't deployed.
---Requests: 1.
---Fails with: not_found, conflict, invalid, too_large, and what any request may.
---@param options? patchworks.invoke_options
---@return patchworks.answer? what the script returned
---@return patchworks.response|patchworks.error
function version:invoke(options) end

---The log entries of a version.
---Requests: 1 a page.
---Fails with: not_found, and what any request may.
---@param options? patchworks.logs_options
---@return patchworks.listing_of_log_entry
function version:logs(options) end

---Follows a version's logs: an iterator that waits for the next entry. Raises an error that lasts.
---Requests: 1 a look.
---Fails with: not_found, and what any request may.
---@param options? patchworks.tail_options
---@return fun(): patchworks.log_entry?
function version:tail(options) end

---Uploads a version to the company's private marketplace. Needs an administrator's token or login. Never sent twice.
---Requests: 1.
---Fails with: not_found, conflict, invalid, and what any request may.
---@param options? patchworks.upload_options
---@return table? the answer, which the contract does not type
---@return patchworks.response|patchworks.error
function version:upload(options) end

---Waits until a version that is being deployed is live. Looks come at growing intervals.
---Requests: 1 a look, at most 18 in the first minute.
---Fails with: not_found, deployment_failed, and what any request may.
---@param options? patchworks.wait_options
---@return patchworks.version?
---@return patchworks.response|patchworks.error
function version:wait(options) end

---What `list`, `logs` and `paginate` give. A listing describes; each generic for over it walks by itself, page after page, 100 items a page, pages ahead while earlier ones are used; `break` frees everything. What was there all the time comes once, in order, though others change the list meanwhile. An iterator has no second value for an error: it raises it.
---@class patchworks.listing
---@overload fun(): any
local listing = {}

---An iterator over items, for a generic for over a listing that is kept: freed at a `break`. Raises what goes wrong.
---Requests: 1 a page.
---@return fun(): any
function listing:items() end

---All items, up to `limit`.
---Requests: 1 a page.
---@return any[]?
---@return patchworks.error?
function listing:all() end

---The first item, nil when there is none.
---Requests: 1.
---@return any?
---@return patchworks.error?
function listing:first() end

---How many items there are, whatever `limit` says.
---Requests: 1.
---@return integer?
---@return patchworks.error?
function listing:count() end

---One page.
---Requests: 1.
---@param number integer from 1
---@return patchworks.page?
---@return patchworks.error?
function listing:page(number) end

---An iterator over pages, for a generic for. Raises what goes wrong.
---Requests: 1 a page.
---@return fun(): patchworks.page?
function listing:pages() end

---Ends the loops over it: what is under way for them is cancelled.
function listing:close() end

---@class patchworks.listing_of_version: patchworks.listing
---@overload fun(): patchworks.version?
---@field all fun(self: patchworks.listing): patchworks.version[]?, patchworks.error?
---@field first fun(self: patchworks.listing): patchworks.version?, patchworks.error?

---@class patchworks.listing_of_log_entry: patchworks.listing
---@overload fun(): patchworks.log_entry?
---@field all fun(self: patchworks.listing): patchworks.log_entry[]?, patchworks.error?
---@field first fun(self: patchworks.listing): patchworks.log_entry?, patchworks.error?

---One page of a listing, as `listing:page` and `listing:pages` give it.
---@class patchworks.page
---@field data any[] its items
---@field meta table `current_page`, `from`, `last_page`, `path`, `per_page`, `to`, `total`
---@field links? table `first`, `last`, `prev`, `next`; never followed
---@field response patchworks.response of its request

---A log entry, as `logs` and `tail` give it: the service's fields, of which the contract types none.
---@class patchworks.log_entry
---@field message? string what was logged
---@field created_at? string when
---@field level? string such as "info" or "error"
---@field id? integer the entry's

---What a script returned: `invoke` gives it as it came.
---@class patchworks.answer
---@field payload? any usually a string
---@field variables? table names to strings
---@field flow? table with `variables`
---@field logs? string[] what it logged

---The second value of every method that makes a request. What it knows of timing is worked out when it is asked.
---@class patchworks.response
---@field status integer of HTTP
---@field headers table<string, string> lower-case names
---@field body string raw, decompressed
---@field attempts patchworks.attempt[] every attempt, the failed ones first
---@field timing table<string, number> seconds of libcurl's phases
---@field bytes table<string, integer> sent and received
---@field http_version? number 1.1, or 2

---One attempt of a call: an item of `response.attempts` and `err.attempts`.
---@class patchworks.attempt
---@field started number seconds from the call's beginning
---@field seconds number how long it took
---@field status? integer of HTTP
---@field kind? string what it failed with
---@field message? string what was said
---@field sent? boolean whether the request's first byte was out

---What a method gives as its second value when the first is nil. `tostring` says it in a line. Misuse, such as an unknown option, is no such value: it raises a string at the caller's line.
---@class patchworks.error
---@field kind "unauthenticated"|"forbidden"|"not_found"|"conflict"|"too_large"|"invalid"|"rate_limited"|"server"|"http"|"network"|"tls"|"timeout"|"protocol"|"deployment_failed"|"test_failed"|"file"|"cancelled"|"listener" what it is, in a word
---@field message string what went wrong, usually in the service's words
---@field outcome "none"|"unknown" "none": the service did nothing, or what a release did was taken back; "unknown": it was done, or nothing tells whether it was
---@field hint? string what to do
---@field operation? string which method
---@field url? string where to
---@field status? integer of HTTP
---@field errors? table<string, string[]> field to what is wrong with it (invalid)
---@field retry_after? number seconds after which the service wants to be asked again
---@field attempts? patchworks.attempt[] what was tried
---@field response? patchworks.response the last answer
---@field cause? any what went wrong further down
---@field result? any listener: what the call gave all the same
---@field problem? patchworks.error listener: the error that the call ended with
---@field stage? "deploy"|"test" where a release failed
---@field version? patchworks.version what a release was about
---@field live? patchworks.version what is live after a release that failed, as of the last look
---@field previous? patchworks.version what was live before it
---@field rolled_back? boolean whether what was live before is live again
---@field rollback_error? patchworks.error why the way back failed
---@field may_come_live? patchworks.version a deployment that was begun and lost from sight
---@field under_way? patchworks.version a deployment of somebody else that is under way
---@field overwrote? patchworks.version what somebody else made live in between
---@field overtaken? boolean it was deployed, and what somebody else deployed after it is live
---@field difference? string how a test's payload differs from what was expected
---@field answer? patchworks.answer what the script gave in a test that failed
---@field logs? patchworks.log_entry[] the log entries that appeared during a test that failed, 20 at most
---@field stays? table[] what `prune` left, as it gives it
---@field deleted? patchworks.version[] what `prune` had deleted by then
---@field failures? table[] the failures of many: each with `item` and `error`

---The credential was not accepted: mistyped, revoked, expired, or one of another service than `base_url`.
---@class patchworks.error.unauthenticated: patchworks.error
---@field kind "unauthenticated"
---@field status integer of HTTP
---@field response patchworks.response the last answer

---The credential was accepted, and may not do this. Uploading needs an administrator's token, which an API key is not.
---@class patchworks.error.forbidden: patchworks.error
---@field kind "forbidden"
---@field status integer of HTTP
---@field response patchworks.response the last answer

---There is nothing with this id, or nothing that this credential may see.
---@class patchworks.error.not_found: patchworks.error
---@field kind "not_found"

---It doesn't fit what is there: something is under way, or somebody else changed what a release was about to change.
---@class patchworks.error.conflict: patchworks.error
---@field kind "conflict"

---The request was larger than the service takes, 8 MB.
---@class patchworks.error.too_large: patchworks.error
---@field kind "too_large"
---@field status integer of HTTP
---@field response patchworks.response the last answer

---The service refused a field. `err.errors` has its name, and what is wrong with it; a script that raised comes so, too.
---@class patchworks.error.invalid: patchworks.error
---@field kind "invalid"
---@field status integer of HTTP
---@field response patchworks.response the last answer
---@field errors table<string, string[]> field to what is wrong with it (invalid)

---More requests a minute than the service allows (240), and waiting would have outlasted `timeout` or `max_attempts`.
---@class patchworks.error.rate_limited: patchworks.error
---@field kind "rate_limited"
---@field status integer of HTTP

---The service, or a proxy before it, failed. For what changes something the outcome is unknown: it may have been done.
---@class patchworks.error.server: patchworks.error
---@field kind "server"
---@field status integer of HTTP
---@field response patchworks.response the last answer

---An answer that is no success, with a status that has no kind of its own.
---@class patchworks.error.http: patchworks.error
---@field kind "http"
---@field status integer of HTTP
---@field response patchworks.response the last answer

---The name was not resolved, nothing answered at the address, or the connection broke.
---@class patchworks.error.network: patchworks.error
---@field kind "network"

---No secure channel: the certificate is not good, for another name, or signed by nobody who is trusted.
---@class patchworks.error.tls: patchworks.error
---@field kind "tls"

---The time of the whole call was up, or each attempt's was.
---@class patchworks.error.timeout: patchworks.error
---@field kind "timeout"

---The answer is not what HTTP or the service's contract allows: no JSON, a redirect, too long, a page that comes twice, another version than the one that was asked for.
---@class patchworks.error.protocol: patchworks.error
---@field kind "protocol"

---The service could not deploy the version. `err.message` has its reason, often the script's own syntax error.
---@class patchworks.error.deployment_failed: patchworks.error
---@field kind "deployment_failed"
---@field version patchworks.version what a release was about

---The version was deployed, and its test did not give what was expected.
---@class patchworks.error.test_failed: patchworks.error
---@field kind "test_failed"
---@field version patchworks.version what a release was about

---A file that was named can't be read or written, or doesn't hold what it must: a manifest, a plan, a project (also the name that was asked for), a case.
---@class patchworks.error.file: patchworks.error
---@field kind "file"

---The task was cancelled, or the client was closed, in the middle of it.
---@class patchworks.error.cancelled: patchworks.error
---@field kind "cancelled"

---The caller's own `on_event` raised. This one is raised, not returned, when the call has ended.
---@class patchworks.error.listener: patchworks.error
---@field kind "listener"
---@field cause any what went wrong further down

---an attempt has ended
---@class patchworks.event.attempt
---@field type "attempt"
---@field operation string which method
---@field method string of HTTP
---@field url string where to
---@field number integer which attempt, from 1
---@field seconds number how long it took
---@field status? integer of the answer
---@field kind? string what it failed with
---@field message? string what was said

---an attempt failed, and there will be another
---@class patchworks.event.retry
---@field type "retry"
---@field operation string which method
---@field method string of HTTP
---@field url string where to
---@field number integer which attempt comes
---@field seconds number after so long
---@field kind string what the last one failed with
---@field status? integer of its answer

---the call waits for the rate limit
---@class patchworks.event.wait
---@field type "wait"
---@field operation string which method
---@field method string of HTTP
---@field url string where to
---@field seconds number for so long

---the recording has ended: `record_file` can't be written to any more. The call goes on
---@class patchworks.event.record
---@field type "record"
---@field operation string which method
---@field method string of HTTP
---@field url string where to
---@field message string which file, and why

---a page of a listing has come
---@class patchworks.event.page
---@field type "page"
---@field operation string of the listing
---@field number integer which page
---@field of integer how many there are

---a release goes on
---@class patchworks.event.step
---@field type "step"
---@field step string such as "look", "create", "reuse", "deploy", "test", "rollback", "delete"
---@field version? patchworks.version what it is about
---@field progress patchworks.progress the account of the release so far

---`client:apply` has done with a script
---@class patchworks.event.script
---@field type "script"
---@field result table its part of the report
---@field of integer how many scripts there are

---@alias patchworks.event patchworks.event.attempt|patchworks.event.retry|patchworks.event.wait|patchworks.event.record|patchworks.event.page|patchworks.event.step|patchworks.event.script

---A group of tasks: what the function that `patchworks.run` calls is given. A task is a coroutine; a call inside one suspends that one alone. It fails when its function raises, or gives nil and an error.
---@class patchworks.tasks
local tasks = {}

---Starts a function as a task of the group. It runs at once, up to its first wait.
---@param fn function the task
---@param ... any its arguments
---@return patchworks.task?
function tasks:spawn(fn, ...) end

---Ends a task of the group: what it waits for is closed. It is not counted as a failure.
---@param task patchworks.task one of the group
---@return boolean whether it was ended
function tasks:cancel(task) end

---Ends all tasks of the group.
function tasks:cancel_all() end

---What `tasks:spawn` and `patchworks.spawn` give.
---@class patchworks.task
local task = {}

---Waits until the task has ended. Where that could never be, since it waits for this one, it raises.
---@return boolean true and the function's results, or false and what it raised
---@return any ...
function task:join() end

---Ends the task where it waits: its transfers are closed, and what it holds in `<close>` variables. One that has ended, or that runs now, is left alone.
---@return boolean whether it was ended
function task:cancel() end

---What `publish` and `rollback` give.
---@class patchworks.release
---@field action "published"|"unchanged"|"would publish"|"rolled back"|"would roll back" what was done
---@field version? patchworks.version what is live now; with `dry_run` what would be, without an id where it would be made
---@field previous? patchworks.version what was live before
---@field overwrote? patchworks.version what somebody else made live between the look and the deployment
---@field under_way? patchworks.version what somebody else began to deploy meanwhile, and may come live after it
---@field made? boolean with `dry_run`: whether the version would be made, and not taken up
---@field stays? table[] with `keep`: as `prune` gives it
---@field pruned? patchworks.version[] what was deleted, with `keep`
---@field prune_error? patchworks.error why pruning failed

---An account of a release, true at any moment: each step's event has it, and `record` is called with it. Plain data; versions are `{ id, version, script_id }`. `tostring` says it to people.
---@class patchworks.progress
---@field operation string "publish" or "rollback"
---@field script string the script's id
---@field step? string the last one that was begun
---@field looked? boolean whether what is live was seen
---@field live? table what is live, as of the last look
---@field version? table what was made or taken up
---@field made? boolean whether it was made
---@field changed? boolean whether a deployment was begun
---@field creating? boolean a create is on its way: a version may have been made
---@field deleting? boolean old versions are being deleted, or were
---@field pending table[] deployments that were begun and not seen to end: they may still come live
---@field under_way table[] what was being deployed at the last look, whoever began it
---@field finished? boolean nothing is left to go on with

---What `prune` gives.
---@class patchworks.pruned
---@field deleted patchworks.version[] what was deleted
---@field would_delete? patchworks.version[] what would be, with `dry_run`
---@field kept integer how many stay
---@field newest patchworks.version[] those that `keep` keeps
---@field stays table[] `{ version, reason }` for each that stays though it is not among the newest

---What `client:plan` gives. `tostring` shows it, with a unified diff for each script.
---@class patchworks.plan
---@field steps table[] each `id`, `name`, `action` ("publish", "create" or "unchanged"), `diff`, `added`, `removed`, `live`, `test`
---@field changes integer how many scripts change
---@field tests integer how many have a test, which `apply` runs
---@field base_url string the service that it was made for
---@field save fun(self: patchworks.plan): string the plan as a text, for `load_plan`

---What `client:apply` gives. `tostring` sums it up.
---@class patchworks.report
---@field scripts table[] each `id`, `name`, `action` ("published", "unchanged" or "failed"), `version`, `error`, `previous`, `overwrote`, `under_way`
---@field published integer how many
---@field unchanged integer how many
---@field failed integer how many

---What `client:plan` takes.
---@class patchworks.manifest
---@field scripts table[] each `id`, `name`, `file` or `content`, `test`, `keep`: as for `publish`

---The whole service on one machine, for trying things out and for tests. Its rock is its own.
---@class patchworks.sandbox_module
local sandbox_module = {}

---@class patchworks.sandbox_start_options
---@field data? string an SQLite file; made when it isn't there; default :memory:
---@field port? integer 0 for any; an integer from 0 to 65535; default 0
---@field key? string the API key that it lets in; default sandbox-key
---@field username? string who may log in; default admin@example.com
---@field password? string with it; default sandbox-password
---@field deploy_seconds? number how long a deployment takes, on its clock, in s; default 0.2
---@field rate_limit? integer 0 for none; the service has 240, in requests a minute; an integer from 0 to 1000000; default 0
---@field token_seconds? number how long a token lives, on its clock, in s; default 86400
---@field invoke_seconds? number how long a script may run, in s; default 120
---@field idle_seconds? number how long a connection may stay without a whole request, in s; default 60
---@field habits? table|string what it does where the service's own way isn't known; docs/sandbox.md names them
---@field seed? table|string fixtures for a fresh database: scripts and versions with their ids

---Starts the service in a thread of this process, on 127.0.0.1.
---@param options? patchworks.sandbox_start_options
---@return patchworks.sandbox? the server; or nil and a sentence
function sandbox_module.start(options) end

---Runs the service as a command does: prints how to reach it, and comes back at SIGINT or SIGTERM. Takes what `start` takes; the port is 8787 unless given.
---@param options table as for `start`
---@return boolean true; or nil and a sentence
function sandbox_module.run(options) end

---A sandbox that runs: what `sandbox.start` gives. Closed by `close`, by `<close>`, or when it is collected.
---@class patchworks.sandbox
---@field url string where it is
---@field port integer on 127.0.0.1
---@field key string its API key
---@field username string who may log in
---@field password string with it
---@field login_url string where
---@field admin_token string what its admin's interface asks for
---@field page string its page's address, for a browser
local sandbox = {}

---A client of this service, by its key unless the options name another credential.
---@param options patchworks.new_options? as for patchworks.new
---@return patchworks.client
function sandbox:client(options) end

---@class patchworks.sandbox_create_script_options
---@field name string what it is called
---@field language string what it is written in: python, javascript, php, ruby, csharp, go or rust; php8.1 and the like ask for a version

---Makes a script, which the service itself has people do in its dashboard.
---@param options patchworks.sandbox_create_script_options
---@return table `id`, `name`, `language`
function sandbox:create_script(options) end

---The scripts, by id. A fresh database has one for each language.
---@return table[] each `id`, `name`, `language`
function sandbox:scripts() end

---@class patchworks.sandbox_populate_options
---@field script integer its id; an integer of at least 1
---@field versions? integer how many; an integer from 1 to 10000000; default 1
---@field content? string their source; default def handle(data): return data

---Makes many versions at once, without requests.
---@param options patchworks.sandbox_populate_options
function sandbox:populate(options) end

---Adds a log entry to a version, as if its script had written it.
---@param version integer its id
---@param message string what is logged
function sandbox:log(version, message) end

---@class patchworks.sandbox_fail_options
---@field operation? string which, such as "create" or "login"; default *
---@field how "status"|"drop_before"|"drop_after"|"truncate"|"garbage"|"slow" what happens
---@field times? number how often; math.huge for always; default 1
---@field every? integer only each so-manieth such request; an integer of at least 1; default 1
---@field status? integer what "status" answers; an integer from 200 to 599; default 500
---@field retry_after? number|string what "status" sends with it, in seconds
---@field seconds? number how late "slow" is, in s; default 1
---@field body? string what "status" answers with

---Makes requests fail.
---@param options patchworks.sandbox_fail_options
function sandbox:fail(options) end

---How many of the failures that were asked for have not come yet.
---@return integer
function sandbox:faults_left() end

---Takes all failures back.
function sandbox:clear_faults() end

---Makes every request wait before it is served; 0 for none.
---@param seconds number how long
function sandbox:latency(seconds) end

---Moves the service's clock forward: deployments end, tokens expire, the rate limit's minute passes.
---@param seconds number how far
function sandbox:advance(seconds) end

---The service's clock.
---@return number seconds since 1970
function sandbox:now() end

---What it received, oldest first: the last 100,000 requests.
---@return table[] each `method`, `path`, `query`, `operation`, `status`, `headers`, `body`, `at`, `authorization`
function sandbox:requests() end

---How many requests it received.
---@param operation string? only those for it; all by default
---@return integer
function sandbox:count(operation) end

---Forgets what it received.
function sandbox:forget_requests() end

---@class patchworks.sandbox_wait_for_requests_options
---@field operation? string only those for it; any by default
---@field count? integer how many; an integer of at least 1; default 1
---@field timeout? number how long at most, in s; default 30

---Waits until so many requests have come.
---@param options? patchworks.sandbox_wait_for_requests_options
---@return boolean whether they have
function sandbox:wait_for_requests(options) end

---A new token, as a login would give it.
---@return string
function sandbox:token() end

---Makes all tokens expire now.
function sandbox:expire_tokens() end

---Adds scripts and versions with the ids that are wanted.
---@param fixtures string|table as `seed` of `start`
function sandbox:seed(fixtures) end

---Keeps the state under a name, as long as the sandbox runs.
---@param name string letters, digits, `.`, `_` and `-`
function sandbox:snapshot(name) end

---Makes the state what it was when it was kept under that name.
---@param name string of a snapshot
function sandbox:restore(name) end

---Makes all as it was at the start: the state (with its seed), faults, latency, what was received.
function sandbox:reset() end

---What the admin's interface answers, as docs/sandbox.md has it. Raises what it refuses.
---@param method string of HTTP
---@param path string below /_sandbox/
---@param query string? the query string
---@param body table? sent as JSON
---@return string the answer's body
function sandbox:admin(method, path, query, body) end

---Stops the service; scripts that run are killed. Safe to call twice.
function sandbox:close() end

---Projects: scripts by name, and the environments that they are published to, as `patchworks.project.lua` says.
---@class patchworks.project_module
local project_module = {}

---Reads a project. Without a path its file is looked for in the working directory, and above it up to the repository's root.
---@param path string? of its file
---@return patchworks.project? the project; or nil and an error of kind `file`
function project_module.load(path) end

---What stands in for a project where there is none: nothing has a name.
---@return patchworks.project
function project_module.none() end

---A project: what `projects.load` gives. What goes wrong with its files is an error of kind `file`.
---@class patchworks.project
---@field root? string its folder
---@field path? string its file
---@field notice? string a sentence about a file of old
local project = {}

---The scripts, sorted by name.
---@return table[] each `name`, `file`, `cases`, `keep`, `smoke`, `language`
function project:scripts() end

---A script by its name.
---@param name string of the script
---@return table? as `scripts` gives it; or nil and an error
function project:script(name) end

---The source of a script, from its file.
---@param name string of the script
---@return string? the source; or nil and an error
function project:source(name) end

---The names of the environments, sorted; `sandbox` comes last and is always there.
---@return string[]
function project:environments() end

---@class patchworks.project_environment_options
---@field base_url? string the owner's word for another service, like PATCHWORKS_BASE_URL

---Which service an environment is. The sandbox is started for it.
---@param env string? the environment's name; by default PATCHWORKS_ENV, the one at PATCHWORKS_BASE_URL, or the file's choice
---@param options? patchworks.project_environment_options
---@return table? `name`, `base_url`, `origin`, `scripts` (ids by name), `settings`; or nil and an error
function project:environment(env, options) end

---The id of a script in an environment.
---@param name integer|string of the script, or its id, which is given back
---@param environment table what `environment` gave
---@return string? the id; or nil and an error
function project:id(name, environment) end

---What the file says about an environment's service, as options of patchworks.new; without a credential, and without whom TLS trusts.
---@param environment table what `environment` gave
---@return patchworks.new_options
function project:settings(environment) end

---@class patchworks.project_client_options
---@field base_url? string the owner's word for another service, like PATCHWORKS_BASE_URL
---@field on_event? fun(event: patchworks.event) as for patchworks.new
---@field loop? table as for patchworks.new
---@field record_file? string as for patchworks.new

---A client of an environment, with the credential that may go there.
---@param env string? the environment's name; by default PATCHWORKS_ENV, the one at PATCHWORKS_BASE_URL, or the file's choice
---@param options? patchworks.project_client_options
---@return patchworks.client? the client, and its environment; or nil and an error
---@return table|patchworks.error?
function project:client(env, options) end

---What `client:plan` takes: scripts with their ids in an environment, and the sources in their files.
---@param environment table what `environment` gave
---@param only string[]? names of scripts; all by default
---@return patchworks.manifest? the manifest; or nil and an error
function project:manifest(environment, only) end

---@class patchworks.project_plan_options
---@field only? string[] names of scripts; all by default
---@field base_url? string the owner's word for another service, like PATCHWORKS_BASE_URL

---What publishing the project would change. Takes what `client:plan` takes, too.
---Requests: 1 a script.
---@param env string? the environment's name; by default PATCHWORKS_ENV, the one at PATCHWORKS_BASE_URL, or the file's choice
---@param options? patchworks.project_plan_options
---@return patchworks.plan? the plan, and the client to apply it with; or nil and an error
---@return patchworks.client|patchworks.error?
function project:plan(env, options) end

---The project's sandbox, started when it isn't yet. `close` ends it; what was done there stays.
---@return patchworks.sandbox? the server; or nil and an error
function project:sandbox() end

---@class patchworks.project_run_options
---@field payload? string what the script is given
---@field variables? table names to strings
---@field flow? table with `variables`
---@field timeout? number for each run, in seconds; default 120

---Runs a script here and now, with no account.
---@param word string? its name, or a file; the only one there is by default
---@param options? patchworks.project_run_options
---@return table? `payload`, `logs`, `failure`, `seconds`, ..; and the script; or nil and an error of kind `file`
---@return table|patchworks.error?
function project:run(word, options) end

---@class patchworks.project_test_options
---@field on_result? fun(result: table) called with each as it comes
---@field concurrency? integer how many at a time; an integer of at least 1; default one for each core
---@field timeout? number for each run, in seconds; default 120
---@field update? boolean what came becomes what is expected; default false
---@field env? string the environment's name, as for `client`
---@field base_url? string as for `client`
---@field client? patchworks.client one that is open already, with `environment`
---@field environment? table the environment of `client`

---Runs cases: here, on every core; or, with `env`, what is deployed there. A case that fails is no error.
---@param names string[]? of scripts, or `NAME/CASE`; all by default
---@param options? patchworks.project_test_options
---@return table[]? each `name`, `script`, `case`, `ok`, `problem`, `diff`, `seconds`, `path`; and how many failed; or nil and an error
---@return integer|patchworks.error?
function project:test(names, options) end

---@class patchworks.project_watch_options
---@field timeout? number for each run, in seconds; default 120
---@field update? boolean what came becomes what is expected; default false

---Watches the project in luv's loop, and runs what changed.
---@param names string[]? of scripts, or `NAME/CASE`; all by default
---@param on table functions: `start(list)`, `results(list, results)`, `problem(sentence)`
---@param options? patchworks.project_watch_options
---@return table? the session: `rerun`, `close`; or nil and an error of kind `file`
function project:watch(names, on, options) end

---@class patchworks.project_keep_options
---@field payload? string what went in
---@field variables? table what went in
---@field flow? table what went in
---@field answer? string the payload that came
---@field known? string[] texts that are secrets; the credential in the environment is one

---Keeps an invocation as a case of a script, without what looks like a secret.
---@param name string of the script
---@param case string the case's name, which must be new
---@param options? patchworks.project_keep_options
---@return string? the case's folder, and what was left out; or nil and an error of kind `file`
---@return string[]|patchworks.error?
function project:keep(name, case, options) end

---@class patchworks.project_pull_options
---@field theirs? boolean take it all the same; what was here is kept below `.patchworks/replaced`; default false
---@field env? string the environment's name, as for `client`
---@field base_url? string as for `client`
---@field client? patchworks.client one that is open already, with `environment`
---@field environment? table the environment of `client`

---Brings what is live into the script's file, unless what was changed here would be lost.
---Requests: 1 or 2.
---@param name string of the script
---@param options? patchworks.project_pull_options
---@return table? `action`: pulled, unchanged, or kept (it was changed here since it was taken from there)
---@return patchworks.error?
function project:pull(name, options) end

---@class patchworks.project_status_options
---@field env? string the environment's name, as for `client`
---@field base_url? string as for `client`
---@field client? patchworks.client one that is open already, with `environment`
---@field environment? table the environment of `client`

---How a script stands: here and there the same, changed here, behind, or both.
---Requests: 2, 1 more where somebody else has published.
---@param name string of the script
---@param options? patchworks.project_status_options
---@return table? `name`, `id`, `file`, `state`, `live`, `deployed_at`, ..; or nil and an error
---@return patchworks.error?
function project:status(name, options) end

---@class patchworks.project_diff_options
---@field env? string the environment's name, as for `client`
---@field base_url? string as for `client`
---@field client? patchworks.client one that is open already, with `environment`
---@field environment? table the environment of `client`

---What publishing the script's file would change.
---Requests: 1.
---@param name string of the script
---@param options? patchworks.project_diff_options
---@return string? a unified diff, "" for nothing; or nil and an error
---@return patchworks.error?
function project:diff(name, options) end

---@class patchworks.project_history_options
---@field limit? integer so many of the newest versions; an integer of at least 1; default 100
---@field env? string the environment's name, as for `client`
---@field base_url? string as for `client`
---@field client? patchworks.client one that is open already, with `environment`
---@field environment? table the environment of `client`

---What happened to a script, oldest first: what the service tells of its versions, and what was done from here.
---Requests: 1 for each 100 versions.
---@param name string of the script
---@param options? patchworks.project_history_options
---@return table[]? each `at` (seconds since 1970), `what`, `version`, `detail`, `here`; or nil and an error
---@return patchworks.error?
function project:history(name, options) end

---@class patchworks.project_logs_options
---@field since? number as far back, in seconds
---@field tail? integer so many; an integer of at least 1; default 100
---@field level? string this or a graver one
---@field grep? string a text that the message holds
---@field env? string the environment's name, as for `client`
---@field base_url? string as for `client`
---@field client? patchworks.client one that is open already, with `environment`
---@field environment? table the environment of `client`

---A script's newest log entries, oldest first, across versions when one took over.
---Requests: 2, 1 for each further version or page.
---@param name string of the script
---@param options? patchworks.project_logs_options
---@return table[]? each `entry`, `version`, `at`; or nil and an error
---@return patchworks.error?
function project:logs(name, options) end

---@class patchworks.project_publish_options
---@field over? integer|string the live version that may be replaced though somebody else published it
---@field env? string the environment's name, as for `client`
---@field base_url? string as for `client`
---@field client? patchworks.client one that is open already, with `environment`
---@field environment? table the environment of `client`

---Makes the script's file the live version, never over somebody else's unseen. Takes what `versions:publish` takes, too.
---Requests: those of `versions:publish`, and 1.
---Fails with: conflict, deployment_failed, test_failed, file, and what any request may.
---@param name string of the script
---@param options? patchworks.project_publish_options
---@return table? as `versions:publish`; or nil and an error: kind `conflict` when what is live is not what the file came from
---@return patchworks.error?
function project:publish(name, options) end

---@class patchworks.project_rollback_options
---@field over? integer|string the live version that may be replaced though somebody else published it
---@field env? string the environment's name, as for `client`
---@field base_url? string as for `client`
---@field client? patchworks.client one that is open already, with `environment`
---@field environment? table the environment of `client`

---Makes the version live again that was live before. Takes what `versions:rollback` takes, too.
---Requests: those of `versions:rollback`, and 1.
---Fails with: conflict, not_found, deployment_failed, and what any request may.
---@param name string of the script
---@param options? patchworks.project_rollback_options
---@return table? as `versions:rollback`; or nil and an error: kind `conflict` when what is live is somebody else's
---@return patchworks.error?
function project:rollback(name, options) end

---Ends what was started for the project.
function project:close() end

---Runs scripts by the handler contract on this machine, with no service: each in a tree of processes that is bounded as a whole, and of which nothing is left.
---@class patchworks.runner_module
local runner_module = {}

---@class patchworks.runner_start_options
---@field file? string the script; its name tells the language
---@field source? string or its text, with `language`
---@field language? string python, javascript, php, ruby, csharp, go or rust; php8.1 and the like ask for a version
---@field payload? string what the handler is given; null without
---@field variables? table|string what it is given, or JSON
---@field meta? table|string what it is given, or JSON
---@field flow? table|string with `variables`; or JSON
---@field timeout? number how long it may run; building takes time of its own, in seconds; default 120
---@field isolated? boolean in namespaces of its own, where the system allows them; default true

---Starts a script's handler. C#, Go and Rust are built first, once for each source in this process.
---@param options? patchworks.runner_start_options
---@return patchworks.run? the run; or nil and a sentence when the file can't be read. A missing interpreter is the run's error
---@return string?
function runner_module.start(options) end

---Checks a script with its language's own checker, or builds it, and waits for that.
---@param language string python, javascript, php, ruby, csharp, go or rust; php8.1 and the like ask for a version
---@param source string the script
---@return boolean true; or nil and the error, as in a run's result, of kind `syntax` for what is wrong in the script
---@return patchworks.run_error?
function runner_module.check(language, source) end

---What can be run here.
---@return table[] each `name`, `title`, `ending`, `needs` (what has to be installed), `program` and `version` (what is taken where no version is asked for; nil where there is none), `all` (each a `program` and its `version`)
function runner_module.languages() end

---Which program runs, or builds, scripts in a language.
---@param language string python, javascript, php, ruby, csharp, go or rust; php8.1 and the like ask for a version
---@return string? its path; or nil and a sentence that says what isn't here, and what is
---@return string?
function runner_module.find(language) end

---Whether scripts see their own folder and their interpreter alone here.
---@return boolean? nil where no interpreter is installed
function runner_module.isolated() end

---Removes what runs have left that nobody watches any more, which takes a `kill -9` of their watchers.
---@param age integer? seconds; what is younger stays (60)
function runner_module.sweep(age) end

---A script that runs: what `runner.start` gives. Closed by `close`, by `<close>`, or when it is collected.
---@class patchworks.run
local run = {}

---Waits for its end.
---@param seconds number? at most; without, as long as it takes
---@return boolean whether it is over
function run:wait(seconds) end

---What came of it.
---@return patchworks.run_result? nil while it goes on
function run:result() end

---The descriptor to wait for in a loop: when it is readable, call `done`.
---@return integer? nil when the run never began, or is closed
function run:fd() end

---Takes in what has come, without waiting.
---@return boolean whether it is over
function run:done() end

---Ends it, with all its processes. One that is over stays as it is.
function run:cancel() end

---Ends it, and lets its result go.
function run:close() end

---What came of a run.
---@class patchworks.run_result
---@field answer? string what the handler returned, in JSON
---@field logs string[] from the answer's `logs`
---@field error? patchworks.run_error why there is no answer
---@field output string what it printed
---@field errors string what it printed as errors
---@field exit_code integer -1 for a signal
---@field seconds number how long it took
---@field memory_bytes integer the most that was seen at once
---@field isolated boolean whether it saw its own folder and its interpreter alone

---Why a run has no answer.
---@class patchworks.run_error
---@field kind string `raised` (also what can't be built), `exit`, `timeout`, `output`, `memory`, `processes`, `files`, `cancelled`, `missing`, `system`; of `check`, `syntax`
---@field message string a sentence
---@field line? integer the script's, where it is known

return patchworks
