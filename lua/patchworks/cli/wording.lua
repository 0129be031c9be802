--- The library's words, as the command line has them: what is an argument there is an option or a variable here.
-- @module patchworks.cli.wording
local plain = {
  { "`api_key` or PATCHWORKS_API_KEY", "PATCHWORKS_API_KEY, or the key that `patchworks login` has kept" },
  { "`token` or PATCHWORKS_TOKEN", "PATCHWORKS_TOKEN" },
  { "`username` and `password`, or PATCHWORKS_USERNAME", "PATCHWORKS_USERNAME" },
  { "`username` and `password`", "PATCHWORKS_USERNAME and PATCHWORKS_PASSWORD" },
  { "`token`", "PATCHWORKS_TOKEN" },
  { "`api_key`", "PATCHWORKS_API_KEY" },
  { "`base_url`, the network and `proxy`", "PATCHWORKS_BASE_URL or --base-url, the network and its proxy" },
  { "`base_url`", "the base URL (PATCHWORKS_BASE_URL, --base-url or the project's)" },
  { "`ca_file`", "PATCHWORKS_CA_FILE" },
  { "set `rate_limit`, or raise `timeout`", "wait a minute; a project's environment may set `rate_limit`" },
  { "raise `timeout`, or send fewer requests", "wait a minute, or send fewer requests" },
  { "raise `timeout` or `attempt_timeout`", "try again later; a deployment is waited for as long as --timeout says" },
  { "`wait` for it, and roll back then", "look with `patchworks list`, and roll back when it has ended" },
  { "with `to`", "with --to ID" },
  { "set `while_deploying`", "say --while-deploying" },
  { "record_file: ", "--record: " },
  { "`may_come_live`", "what may come live" },
}

--- A text of the library's for a user of the command line.
-- @tparam ?string text
-- @treturn ?string
return function(text)
  if type(text) ~= "string" then return text end
  for _, pair in ipairs(plain) do
    local from, to = text:find(pair[1], 1, true)
    if from then text = text:sub(1, from - 1) .. pair[2] .. text:sub(to + 1) end
  end
  return text
end
