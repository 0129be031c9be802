-- Draws rows as bars, a panel for each group, with the bar that is to be reached as a line.
local width, left, row_height = 900, 330, 22

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

local function groups_of(rows)
  local groups, by_name = {}, {}
  for _, row in ipairs(rows) do
    local key = row.group .. " (" .. (row.unit or "missing") .. ")"
    if row.value and not by_name[key] then
      by_name[key] = { name = key }
      groups[#groups + 1] = by_name[key]
    end
    if row.value then table.insert(by_name[key], row) end
  end
  return groups
end

local function draw_row(out, row, y, scale)
  local x = left + math.max(1, math.max(0, row.value) * scale)
  local limit = row.bar and (row.bar.most or row.bar.least)
  out[#out + 1] = ('<text x="%d" y="%d" text-anchor="end">%s</text>'):format(left - 8, y + 14, escape(row.name))
  out[#out + 1] = ('<rect x="%d" y="%d" width="%.1f" height="14" fill="%s"/>'):format(
    left, y + 3, x - left, row.verdict == "MISSED" and "#c0504d" or "#4f81bd")
  out[#out + 1] = ('<text x="%.1f" y="%d">%.3g</text>'):format(x + 4, y + 14, row.value)
  if limit then
    out[#out + 1] = ('<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#222" stroke-dasharray="3 2"/>'):format(
      left + limit * scale, left + limit * scale, y, y + row_height - 2)
  end
end

return function(rows, path)
  local out, y = {}, 10
  for _, group in ipairs(groups_of(rows)) do
    local most = 0
    for _, row in ipairs(group) do
      most = math.max(most, row.value, row.bar and (row.bar.most or row.bar.least) or 0)
    end
    out[#out + 1] = ('<text x="10" y="%d" font-weight="bold">%s</text>'):format(y + 14, escape(group.name))
    y = y + row_height
    for _, row in ipairs(group) do
      draw_row(out, row, y, (width - left - 60) / math.max(most, 1e-9))
      y = y + row_height
    end
    y = y + 10
  end
  local file <close> = assert(io.open(path, "w"))
  file:write(([[<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">
<rect width="100%%" height="100%%" fill="white"/>
%s
</svg>
]]):format(width, y, table.concat(out, "\n")))
end
