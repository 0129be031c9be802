-- What a database is filled with, in JSON: from a table, a text, or a file.
local fixtures = {}

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end

-- JSON for what tests and fixtures are made of: the sandbox needs no library for it.
function fixtures.encode(value)
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\]', escape) .. '"'
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  if #value > 0 or next(value) == nil then
    for i, entry in ipairs(value) do parts[i] = fixtures.encode(entry) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, entry in pairs(value) do parts[#parts + 1] = fixtures.encode(name) .. ":" .. fixtures.encode(entry) end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Fixtures in JSON; nil for none; nil and a sentence for a file that can't be read.
function fixtures.read(seed)
  if not seed then return nil end
  if type(seed) == "table" then return fixtures.encode(seed) end
  if type(seed) ~= "string" then return nil, "seed: expected a table, JSON or a path, got " .. tostring(seed) end
  if seed:find "^%s*{" then return seed end
  local file, problem = io.open(seed, "rb")
  if not file then return nil, problem end
  local text = file:read "a"
  file:close()
  return text
end

return fixtures
