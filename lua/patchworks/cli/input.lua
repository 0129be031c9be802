--- What commands read: files, standard input, payloads.
-- @module patchworks.cli.input
local input = {}

--- A file's bytes, or those of standard input for "-". Raises a sentence.
function input.read(path)
  if path == "-" then return io.stdin:read "a" end
  local file <close>, problem = io.open(path, "rb")
  if not file then error(problem, 0) end
  local text, reason = file:read "a"
  if not text then error(path .. ": " .. tostring(reason), 0) end
  return text
end

--- What `--payload`, `--payload-file` and `--variable` say.
-- @treturn table `payload`, `variables`
function input.invocation(given)
  if given.payload and given.payload_file then error("give --payload or --payload-file, not both", 0) end
  local variables
  for _, pair in ipairs(given.variable or {}) do
    local name, value = pair:match "^([^=]+)=(.*)$"
    if not name then error(("--variable: expected NAME=VALUE, got %s"):format(pair), 0) end
    variables = variables or {}
    variables[name] = value
  end
  return { payload = given.payload or given.payload_file and input.read(given.payload_file), variables = variables }
end

return input
