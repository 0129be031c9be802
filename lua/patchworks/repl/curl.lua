--- A call as a curl command, with a variable where the credential goes.
-- @module patchworks.repl.curl
local curl = {}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local credentials = {
  key = '"Authorization: $PATCHWORKS_API_KEY"',
  token = '"Authorization: Bearer $PATCHWORKS_TOKEN"',
  login = '"Authorization: Bearer $PATCHWORKS_TOKEN"',
}

--- The command.
-- @tparam table call `method`, `url`, `body`, `headers` (lines), as `last` has them
-- @tparam string kind of credential: "key", "token" or "login"
-- @treturn string
function curl.command(call, kind)
  local words = { "curl" }
  if call.method ~= "GET" then words[#words + 1] = "-X " .. call.method end
  words[#words + 1] = "-H " .. (credentials[kind] or credentials.key)
  words[#words + 1] = "-H 'Accept: application/json'"
  if call.body then words[#words + 1] = "-H 'Content-Type: application/json'" end
  for _, line in ipairs(call.headers or {}) do words[#words + 1] = "-H " .. quote(line) end
  if call.body then words[#words + 1] = "--data-binary " .. quote(call.body) end
  words[#words + 1] = quote(call.url)
  return table.concat(words, " \\\n  ")
end

return curl
