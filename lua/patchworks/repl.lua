--- For exploring: a client and its resource as globals, and a `show` that prints tables.
--
--     lua5.4 -i -l patchworks.repl
--     > show(versions:get(7))
--
-- The credential comes from the environment, as everywhere. Without one, and with the sandbox installed, it starts a
-- sandbox to play with. This is the one module that makes globals: `patchworks`, `client`, `versions`, `show`, and
-- `server` for the sandbox.
--
-- @module patchworks.repl
local patchworks = require "patchworks"

local repl = {}

local most_depth = 6

local function by_name(left, right)
  if type(left) == type(right) and (type(left) == "number" or type(left) == "string") then return left < right end
  return tostring(left) < tostring(right)
end

local function append(parts, value, indent, depth)
  if type(value) ~= "table" then
    parts[#parts + 1] = type(value) == "string" and ("%q"):format(value):gsub("\\\n", "\\n") or tostring(value)
    return
  end
  if next(value) == nil or depth > most_depth then
    parts[#parts + 1] = next(value) == nil and "{}" or "{ .. }"
    return
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names, by_name)
  parts[#parts + 1] = "{\n"
  for _, name in ipairs(names) do
    parts[#parts + 1] = indent .. "  " .. (type(name) == "string" and name or "[" .. tostring(name) .. "]") .. " = "
    append(parts, value[name], indent .. "  ", depth + 1)
    parts[#parts + 1] = ",\n"
  end
  parts[#parts + 1] = indent .. "}"
end

--- Shows values: tables with their fields, errors in one line.
-- @param ... anything
-- @treturn string
function repl.text(...)
  local texts = {}
  for i, value in ipairs(table.pack(...)) do
    if patchworks.is_error(value) then
      texts[i] = tostring(value)
    else
      local parts = {}
      append(parts, value, "", 1)
      texts[i] = table.concat(parts)
    end
  end
  return table.concat(texts, "\n")
end

-- What `show` prints of a call: its value, or its error; not the response behind the value.
local function show(first, second)
  if first == nil and second ~= nil then first = second end
  io.stdout:write(first == nil and "nil" or repl.text(first), "\n")
end

local function connect()
  local ok, client = pcall(patchworks.new)
  if ok then return client end
  local found, sandbox = pcall(require, "patchworks.sandbox")
  if not found then
    io.stderr:write(tostring(client), "\n")
    return nil
  end
  local server = assert(sandbox.start())
  return server:client(), server
end

--- Makes the globals; `require` has done it.
function repl.start()
  local client, server = connect()
  _G.patchworks, _G.show, _G.client, _G.server = patchworks, show, client, server
  _G.versions = client and client.script_versions
  if not client then return end
  io.stderr:write(tostring(client), "\nclient, versions, show(..)", server and ", server" or "", "\n")
end

repl.start()

return repl
