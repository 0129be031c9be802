--- Everything public, as data: the objects with their fields and methods, the kinds of errors, the types of events. The
-- reference, the types for editors and `help` at a prompt are made of this.
-- @module patchworks.reference
local reference = {}

-- Where the methods are that have their table beside them.
local function scattered()
  local list = {
    require("patchworks.call.options").new,
    require("patchworks.client").request,
    require("patchworks.listing").paginate_method,
  }
  for _, module in ipairs {
    "patchworks.call.endpoints",
    "patchworks.release.methods",
  } do
    for _, method in pairs(require(module)) do list[#list + 1] = method end
  end
  for _, method in pairs(require("patchworks.time.tasks").methods) do list[#list + 1] = method end
  return list
end

-- A version's methods are those of the resource, with the id known.
local function for_version(object, resource)
  for _, name in ipairs(require("patchworks.version").forwarded) do
    local method = resource.known[name]
    local own = {}
    for field, value in pairs(method) do own[field] = value end
    own.of, own.takes, own.as = object.name, { table.unpack(method.takes, 2) }, method.name
    own.example = method.example:gsub("versions:([%w_]+)%(7%)", "version:%1()")
    own.example = own.example:gsub("versions:([%w_]+)%(7, ", "version:%1(")
    object.known[name] = own
    object.methods[#object.methods + 1] = own
  end
end

local function in_order(object)
  local place = {}
  for i, name in ipairs(object.order or {}) do place[name] = i end
  local function before(left, right)
    local one, other = place[left.name] or 1000, place[right.name] or 1000
    if one ~= other then return one < other end
    return left.name < right.name
  end
  table.sort(object.methods, before)
end

local function complete()
  local list, by_name = {}, {}
  for _, module in ipairs { "objects", "failures", "surroundings", "sandbox", "projects", "runner" } do
    for _, object in ipairs(require("patchworks.reference." .. module)) do
      list[#list + 1], by_name[object.name] = object, object
      object.variable = object.variable or object.name
      object.methods, object.known = object.methods or {}, {}
    end
  end
  for _, method in ipairs(scattered()) do table.insert(by_name[method.of].methods, method) end
  for _, object in ipairs(list) do
    for _, method in ipairs(object.methods) do
      method.of = object.name
      object.known[method.name] = method
    end
  end
  for_version(by_name.version, by_name.script_versions)
  for _, object in ipairs(list) do in_order(object) end
  return list, by_name
end

local list, by_name

--- The public objects, in the order of the reference.
-- @treturn table a list of objects; see patchworks.reference.objects
function reference.objects()
  if not list then
    list, by_name = complete()
  end
  return list
end

--- An object by its name.
-- @tparam string name such as "version"
-- @treturn ?table
function reference.object(name)
  reference.objects()
  return by_name[name]
end

--- How a method is called: `versions:get(id, { include, filter, .. })`.
-- @tparam table method
-- @treturn string
function reference.signature(method)
  local object = reference.object(method.of)
  local given = {}
  for _, each in ipairs(method.takes or {}) do given[#given + 1] = each[1] end
  if #method.options > 0 then given[#given + 1] = "options" end
  return ("%s%s%s(%s)"):format(object.variable, object.dotted and "." or ":", method.name, table.concat(given, ", "))
end

return reference
