---@meta patchworks
-- What the module gives, for editors that read LuaCATS annotations. spec/types_spec.lua holds it to the code.

---@class patchworks
---@field _VERSION string
---@field null lightuserdata what stands for JSON's null in lists
local patchworks = {}

---@class patchworks.options
---@field api_key? string
---@field token? string
---@field username? string
---@field password? string
---@field login_url? string
---@field login_field? string
---@field base_url? string
---@field timeout? number seconds for a whole call
---@field attempt_timeout? number seconds
---@field connect_timeout? number seconds
---@field max_attempts? integer
---@field max_response_bytes? integer
---@field max_connections? integer
---@field rate_limit? integer requests a minute
---@field allow_insecure? boolean
---@field ca_file? string
---@field ca_path? string
---@field proxy? string
---@field client_cert? string
---@field client_key? string
---@field on_event? fun(event: patchworks.event)
---@field loop? table
---@field clock? table

---@class patchworks.call_options
---@field timeout? number seconds for the whole call
---@field attempt_timeout? number seconds
---@field max_attempts? integer
---@field headers? table<string, string>
---@field on_event? fun(event: patchworks.event)

---@class patchworks.event
---@field type "attempt"|"retry"|"wait"|"page"|"step"|"script"

---@class patchworks.error
---@field kind "unauthenticated"|"forbidden"|"not_found"|"conflict"|"too_large"|"invalid"|"rate_limited"|"server"|"http"|"network"|"tls"|"timeout"|"protocol"|"deployment_failed"|"cancelled"
---@field message string
---@field outcome "none"|"unknown"
---@field status? integer
---@field errors? table<string, string[]>
---@field retry_after? number seconds
---@field operation? string
---@field url? string
---@field attempts? table[]
---@field response? patchworks.response
---@field hint? string
---@field stage? "deploy"|"test"
---@field rolled_back? boolean
---@field rollback_error? patchworks.error
---@field live? patchworks.version

---@class patchworks.response
---@field status integer
---@field headers table<string, string>
---@field body string
---@field attempts table[]
---@field timing table<string, number>
---@field bytes table<string, integer>

---@class patchworks.version
---@field id integer
---@field script_id integer
---@field version integer
---@field name? string
---@field status? "Draft"|"Inactive"|"Deployed"
---@field created_at? string
---@field updated_at? string
---@field deployed_at? string
---@field deploying? string
---@field deployment_failed_at? string
---@field deployment_failure_reason? string
---@field last_invoked_on? string
---@field content? table
---@field script? table
local version = {}

---@class patchworks.listing
local listing = {}

---@return table[]?, patchworks.error?
function listing:all() end

---@return table?, patchworks.error?
function listing:first() end

---@return integer?, patchworks.error?
function listing:count() end

---@param number integer
---@return table?, patchworks.error?
function listing:page(number) end

---@return fun(): table?
function listing:pages() end

function listing:close() end

---@class patchworks.script_versions
local script_versions = {}

---@param id integer|string
---@param options? table
---@return patchworks.version?, patchworks.response|patchworks.error
function script_versions:get(id, options) end

---@param script integer|string
---@param options? table
---@return patchworks.listing
function script_versions:list(script, options) end

---@param id integer|string
---@param options? table
---@return patchworks.listing
function script_versions:logs(id, options) end

---@param script integer|string
---@param options table
---@return patchworks.version?, patchworks.response|patchworks.error
function script_versions:create(script, options) end

---@param id integer|string
---@param options? patchworks.call_options
---@return table?, patchworks.response|patchworks.error
function script_versions:delete(id, options) end

---@param id integer|string
---@param options? patchworks.call_options
---@return table?, patchworks.response|patchworks.error
function script_versions:deploy(id, options) end

---@param id integer|string
---@param options? table
---@return table?, patchworks.response|patchworks.error
function script_versions:invoke(id, options) end

---@param id integer|string
---@param options? table
---@return table?, patchworks.response|patchworks.error
function script_versions:upload(id, options) end

---@param id integer|string
---@param options? table
---@return patchworks.version?, patchworks.response|patchworks.error
function script_versions:wait(id, options) end

---@param id integer|string
---@param options? table
---@return patchworks.version?, patchworks.response|patchworks.error
function script_versions:deploy_and_wait(id, options) end

---@param script integer|string
---@param options table
---@return table?, patchworks.error?
function script_versions:publish(script, options) end

---@param script integer|string
---@param options? table
---@return table?, patchworks.error?
function script_versions:rollback(script, options) end

---@param script integer|string
---@param options table
---@return table?, patchworks.error?
function script_versions:prune(script, options) end

---@param id integer|string
---@param options? table
---@return fun(): table?
function script_versions:tail(id, options) end

---@param options? table
---@return patchworks.version?, patchworks.response|patchworks.error
function version:refresh(options) end

---@class patchworks.client
---@field base_url string
---@field script_versions patchworks.script_versions
local client = {}

---@param method "GET"|"POST"|"PUT"|"PATCH"|"DELETE"
---@param path string
---@param options? table
---@return any, patchworks.response|patchworks.error
function client:request(method, path, options) end

---@param path string
---@param options? table
---@return patchworks.listing
function client:paginate(path, options) end

---@param manifest table|string
---@param options? table
---@return table?, patchworks.error?
function client:plan(manifest, options) end

---@param plan table
---@param options? table
---@return table
function client:apply(plan, options) end

---@return table<string, integer>
function client:stats() end

function client:close() end

---@param options? patchworks.options
---@return patchworks.client
function patchworks.new(options) end

---@param value any
---@return boolean
function patchworks.is_error(value) end

---@param items any[]
---@param fn fun(item: any, index: integer): any
---@param options? { concurrency?: integer, stop_on_error?: boolean }
---@return any[], table[]?
function patchworks.map(items, fn, options) end

---@param fn fun(tasks: table)
---@param options? { stop_on_error?: boolean }
---@return boolean?, table[]?
function patchworks.run(fn, options) end

---@param fn function
---@return table
function patchworks.spawn(fn, ...) end

---@param seconds number
function patchworks.sleep(seconds) end

return patchworks
