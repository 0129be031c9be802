--- A version as its methods see it: a plain table of the contract's fields, with behaviour behind it.
-- @module patchworks.version
local methods = require "patchworks.call.methods"
local service = require "patchworks.service"

local version = {}

local function show(self)
  local function text(name) return self[name] == nil and "?" or tostring(self[name]) end
  local state = service.state(self)
  return ("script version %s (script %s, v%s, %s)"):format(text "id", text "script_id", text "version", state)
end

--- The resource's methods that a version has too, with its id known.
version.forwarded = { "deploy", "delete", "invoke", "upload", "logs", "wait", "deploy_and_wait", "tail" }

--- Makes the metatable of a resource's versions.
-- @tparam table resource script_versions
function version.class(resource)
  local own = {}
  for _, name in ipairs(version.forwarded) do
    if resource[name] then
      own[name] = function(self, options) return resource[name](resource, self.id, options) end
    end
  end

  --- Reads the version again and takes its fields over.
  -- @tparam ?table options as for script_versions:get
  -- @return the version itself and the response; or nil and an error
  function own:refresh(options)
    local fresh, response = resource:get(self.id, options)
    if not fresh then return nil, response end
    for name in pairs(self) do self[name] = nil end
    for name, value in pairs(fresh) do self[name] = value end
    return self, response
  end

  local class = { __name = "patchworks.version", __index = own, __tostring = show }
  methods.guard(own, "version", class)
  return class
end

return version
