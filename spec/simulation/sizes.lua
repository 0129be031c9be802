-- How large a script's list is in a call, how often it moved, and how many pages it has: for budgets.
local sizes = {}

function sizes.pages(count, per_page) return math.max(1, (count + per_page - 1) // per_page) end

local function count_between(entries, from, to)
  local count = 0
  for _, entry in ipairs(entries) do
    if entry.time > from and entry.time <= to then count = count + 1 end
  end
  return count
end

--- How many versions a script has at most in a call.
function sizes.of(job, script)
  local made, gone = count_between(script.created, -math.huge, job.to), count_between(script.deleted, -math.huge, job.from)
  return made - gone
end

--- How often a list moved in a call.
function sizes.moves(job, entries) return count_between(entries, job.from, job.to) end

return sizes
