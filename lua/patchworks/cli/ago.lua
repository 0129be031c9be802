--- How long ago something was, for people.
-- @module patchworks.cli.ago
local units = { { 86400, "d" }, { 3600, "h" }, { 60, "min" } }

--- @tparam ?number at seconds since 1970
-- @tparam ?number now the same; by default this machine's clock
-- @treturn string such as "3 h ago", "just now", or "-" for nil
return function(at, now)
  if not at then return "-" end
  local seconds = (now or os.time()) - at
  for _, unit in ipairs(units) do
    if seconds >= unit[1] then return ("%d %s ago"):format(seconds // unit[1], unit[2]) end
  end
  return "just now"
end
