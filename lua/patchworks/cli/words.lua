--- Words of a command, as a shell takes them back.
-- @module patchworks.cli.words
local words = {}

local function spelled(byte) return ("\\x%02x"):format(byte:byte()) end

-- What would steer a terminal is spelled out, in the quotes that bash, zsh and POSIX have for that.
local function quoted(word)
  if word:find "^[%w_./:@%%+,-][%w_./:=@%%+,-]*$" then return word end
  local unsafe = utf8.len(word) and "%c" or "[%c\128-\255]"
  if not (word:find(unsafe) or word:find "\xc2[\x80-\x9f]") then return "'" .. word:gsub("'", "'\\''") .. "'" end
  local text = word:gsub("[\\']", "\\%0"):gsub(unsafe, spelled)
  text = text:gsub("\xc2[\x80-\x9f]", function(pair) return spelled(pair) .. spelled(pair:sub(2)) end)
  return "$'" .. text .. "'"
end

--- A command of ours for people to copy.
-- @tparam table list its words, behind the program's name
-- @treturn string
function words.command(list)
  local parts = { "patchworks" }
  for _, word in ipairs(list) do parts[#parts + 1] = quoted(word) end
  return table.concat(parts, " ")
end

--- Whether a list of words can be written as JSON.
function words.are_text(list)
  for _, word in ipairs(list) do
    if not utf8.len(word) then return false end
  end
  return true
end

return words
