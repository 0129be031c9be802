-- What spec/oom/sweep.c runs: one whole call of the operation named, against the service at `url`.
local name, url, token = ...
local patchworks = require "patchworks"

local options = { base_url = url, token = token, max_attempts = 1, timeout = 10 }
local client = patchworks.new(options)

local calls = {
  get = function(versions) return versions:get(1, { include = { "content", "script" } }) end,
  list = function(versions) return versions:list(1, { limit = 5 }):all() end,
  logs = function(versions) return versions:logs(1):all() end,
  create = function(versions) return versions:create(1, { content = "x = 1" }) end,
  deploy = function(versions) return versions:deploy(999) end,
  delete = function(versions) return versions:delete(999) end,
  invoke = function(versions) return versions:invoke(1, { payload = { a = 1 }, variables = { b = "c" } }) end,
  upload = function(versions) return versions:upload(1, { private = true }) end,
  hosted = function(versions) return versions:get(1) end,
  map = function(versions)
    local ok, results, failures = pcall(patchworks.map, { 1, 1, 1 }, function(id) return versions:get(id) end,
      { concurrency = 2 })
    local active = client:stats().active
    assert(active == 0, active .. " calls go on after the map")
    if not ok then error(results, 0) end
    if not failures then return results end
    return nil, failures[1].error
  end,
}

-- A loop that never takes over: what is hosted is driven by the call itself, through the one descriptor.
local idle_loop = { attach = function() end, detach = function() end }
if name == "hosted" then
  options.loop = idle_loop
  client = patchworks.new(options)
end

if name == "new" then
  return function()
    local one <close> = patchworks.new(options)
    return one.script_versions:get(1)
  end
end
local call = calls[name]
return function()
  local value, err = call(client.script_versions)
  -- A failed allocation inside of libcurl may look like a failure of the network; the error is a value all the same.
  if value == nil and err ~= "not enough memory" then assert(patchworks.is_error(err), tostring(err)) end
  return value, err
end
