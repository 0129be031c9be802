-- Mutants that change nothing that anybody could see, each with its reason. They are told by the source's line, so that
-- another line above doesn't matter; where only one place in the line is meant, `after` is what stands before it.
local equivalents = {}

local list = {
  {
    path = "lua/patchworks/call/gate.lua",
    code = "self.news = self.news + 1",
    what = "`2` for `1`",
    reason = "only compared: any number that grows will do",
  },
  {
    path = "lua/patchworks/call/auth.lua",
    code = "local self = setmetatable({ kind = credential.kind, generation = 0, settled = condition.new() }, Auth)",
    what = "`1` for `0`",
    reason = "only compared: any number that grows will do",
  },
  {
    path = "lua/patchworks/service.lua",
    code = "if left_at ~= right_at then return left_at > right_at end",
    what = "`>=` for `>`",
    reason = "they are not the same here",
  },
  {
    path = "lua/patchworks/service.lua",
    code = "if moment(left) ~= moment(right) then return moment(left) > moment(right) and left or right end",
    what = "`>=` for `>`",
    reason = "they are not the same here",
  },
  {
    path = "lua/patchworks/service.lua",
    code = "while first <= last and blank[text:byte(first)] do first = first + 1 end",
    what = "`<` for `<=`",
    reason = "the last character, if blank, goes with those at the end",
  },
  {
    path = "lua/patchworks/service.lua",
    code = "while last >= first and blank[text:byte(last)] do last = last - 1 end",
    what = "`>` for `>=`",
    reason = "the first character is not blank by then",
  },
  {
    path = "lua/patchworks/service.lua",
    code = "if text and (not longest or #text > #longest) then longest = text end",
    what = "`>=` for `>`",
    reason = "of two as long as each other either will do: `pairs` has no order",
  },
}

--- Why a mutant changes nothing, or nil.
-- @tparam string path
-- @tparam table mutant `code`, the line without the blanks around it; `what` and `before`, see spec/mutants/source.lua
function equivalents.reason(path, mutant)
  for _, each in ipairs(list) do
    local same = each.path == path and each.code == mutant.code and (each.what == mutant.what or each.what == "any")
    if same and (not each.after or mutant.before:sub(-#each.after) == each.after) then return each.reason end
  end
end

return equivalents
