--- Which versions the creates of this process hold, so that none is given to two of them.
--
-- A reconciled create adopts what has its content and nobody holds. That may be what a plain create has made whose
-- answer is still on its way: while one of the same script is, nothing is adopted.
--
-- @module patchworks.release.claims
local claims = {}

-- By origin and script, while any create of it is under way. Tokens are held by the calls themselves: one that is
-- abandoned in the middle is forgotten when it is collected.
local held = {}
local weak = { __mode = "k" }

local Claim = { __name = "patchworks.claim" }
Claim.__index = Claim

--- Enters a create; leave with `<close>`.
-- @tparam table client
-- @param script id
-- @tparam boolean adopts whether it is a reconciled one
-- @treturn table claim: `ids`, the set of versions that are held
function claims.enter(client, script, adopts)
  local key = client.base_url .. " " .. tostring(script)
  local entry = held[key]
  if not entry then
    entry = { ids = {}, plain = setmetatable({}, weak), adopting = setmetatable({}, weak) }
    held[key] = entry
  end
  local claim = setmetatable({ key = key, entry = entry, ids = entry.ids }, Claim)
  entry[adopts and "adopting" or "plain"][claim] = true
  return claim
end

--- Whether a plain create is under way, which may have made what a look finds.
function Claim:is_open() return next(self.entry.plain) ~= nil end

--- Takes a version.
function Claim:take(version) self.ids[version.id] = true end

function Claim:__close()
  local entry = self.entry
  entry.plain[self], entry.adopting[self] = nil, nil
  if held[self.key] == entry and not next(entry.plain) and not next(entry.adopting) then held[self.key] = nil end
end

return claims
