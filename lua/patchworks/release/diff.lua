--- Unified diffs of two texts.
-- @module patchworks.release.diff
local diff = {}

local context = 3
local most_effort = 1000 -- differences beyond which all is shown as replaced: 8 MB and some 0.1 s

-- A last line without a newline is another one than with it, and is shown as patch(1) wants it.
local function lines_of(text)
  local lines = {}
  for line, ending in text:gmatch "([^\n]*)(\n?)" do
    if ending == "\n" then
      lines[#lines + 1] = line
    elseif line ~= "" then
      lines[#lines + 1] = line .. "\n\\ No newline at end of file"
    end
  end
  return lines
end

-- Myers' greedy algorithm over old[1..n] and new[1..m]: how far each diagonal got in each round, or nil when it takes
-- too long. Round d has the diagonals -d, -d + 2, .. d, at 0, 1, .. d.
local function rounds_of(old, new)
  local n, m = #old, #new
  local rounds = {}
  local before = { [0] = 0 }
  for d = 0, math.min(n + m, most_effort) do
    local reached = {}
    for at = 0, d do
      local k = 2 * at - d
      -- From the diagonal above, k + 1, which is at `at` in the round before, or from the one below.
      local down = at == 0 or (at < d and before[at - 1] < before[at])
      local x = down and before[at] or before[at - 1] + 1
      while x < n and old[x + 1] == new[x - k + 1] do x = x + 1 end
      reached[at] = x
      if x >= n and x - k >= m then return rounds, d end
    end
    rounds[d], before = reached, reached
  end
end

-- Appends the way back through the rounds, last edit first.
local function trace(old, new, rounds, last, list)
  local x, y = #old, #new
  for d = last, 1, -1 do
    local before, k = rounds[d - 1], x - y
    local at = (k + d) // 2
    local down = at == 0 or (at < d and before[at - 1] < before[at])
    local from_x = down and before[at] or before[at - 1]
    local from_y = from_x - (down and k + 1 or k - 1)
    while x > from_x and y > from_y do
      list[#list + 1] = { " ", old[x] }
      x, y = x - 1, y - 1
    end
    list[#list + 1] = down and { "+", new[y] } or { "-", old[x] }
    x, y = from_x, from_y
  end
  for i = x, 1, -1 do list[#list + 1] = { " ", old[i] } end
end

-- The edit script, as a list of {mark, text} with marks " ", "-" and "+".
local function edits(old, new)
  local rounds, last = rounds_of(old, new)
  local list = {}
  if not rounds then
    for _, line in ipairs(old) do list[#list + 1] = { "-", line } end
    for _, line in ipairs(new) do list[#list + 1] = { "+", line } end
    return list
  end
  trace(old, new, rounds, last, list)
  for i = 1, #list // 2 do list[i], list[#list - i + 1] = list[#list - i + 1], list[i] end
  return list
end

-- The stretches of the script that belong together: changes, with `context` lines around them.
local function hunks_of(list)
  local hunks, current = {}, nil
  for i, edit in ipairs(list) do
    if edit[1] ~= " " then
      local from, to = math.max(1, i - context), math.min(#list, i + context)
      if current and from <= current.to + 1 then
        current.to = to
      else
        current = { from = from, to = to }
        hunks[#hunks + 1] = current
      end
    end
  end
  return hunks
end

local function range(first, count) return count == 1 and ("%d"):format(first) or ("%d,%d"):format(first, count) end

--- The unified diff of two texts.
-- @tparam string old
-- @tparam string new
-- @tparam string old_name
-- @tparam string new_name
-- @treturn string "" when they are the same
-- @treturn integer lines added
-- @treturn integer lines removed
function diff.unified(old, new, old_name, new_name)
  if old == new then return "", 0, 0 end
  local list = edits(lines_of(old), lines_of(new))
  local out = { "--- " .. old_name, "+++ " .. new_name }
  local added, removed = 0, 0
  for _, edit in ipairs(list) do
    if edit[1] == "+" then added = added + 1 end
    if edit[1] == "-" then removed = removed + 1 end
  end
  local old_line, new_line, index = 1, 1, 1
  for _, hunk in ipairs(hunks_of(list)) do
    while index < hunk.from do -- all of these are the same on both sides
      old_line, new_line, index = old_line + 1, new_line + 1, index + 1
    end
    local body, old_count, new_count = {}, 0, 0
    for i = hunk.from, hunk.to do
      local mark = list[i][1]
      body[#body + 1] = mark .. list[i][2]
      if mark ~= "+" then old_count = old_count + 1 end
      if mark ~= "-" then new_count = new_count + 1 end
    end
    local old_first = old_count == 0 and old_line - 1 or old_line
    local new_first = new_count == 0 and new_line - 1 or new_line
    out[#out + 1] = ("@@ -%s +%s @@"):format(range(old_first, old_count), range(new_first, new_count))
    table.move(body, 1, #body, #out + 1, out)
    old_line, new_line, index = old_line + old_count, new_line + new_count, hunk.to + 1
  end
  return table.concat(out, "\n") .. "\n", added, removed
end

return diff
