--- The lines that were typed, on disk for the next time: without those that hold a secret.
-- @module patchworks.repl.history
local history = {}

local most_lines = 1000

local function folder()
  local state = os.getenv "XDG_STATE_HOME"
  if state and state:sub(1, 1) == "/" then return state .. "/patchworks" end
  local home = os.getenv "HOME"
  return home and home:sub(1, 1) == "/" and home .. "/.local/state/patchworks" or nil
end

local secrets = {}
for name in ("PATCHWORKS_API_KEY PATCHWORKS_TOKEN PATCHWORKS_PASSWORD"):gmatch "%S+" do
  local value = os.getenv(name)
  if value and value ~= "" then secrets[#secrets + 1] = value end
end

--- Whether a line may be kept: it holds no credential, nor anything that looks like being given one.
-- @tparam string line
-- @treturn boolean
function history.may_keep(line)
  local lower = line:lower()
  for word in ("api_key apikey token password secret bearer authorization credential"):gmatch "%a+_?%a*" do
    if lower:find(word, 1, true) then return false end
  end
  for _, secret in ipairs(secrets) do
    if line:find(secret, 1, true) then return false end
  end
  return true
end

-- Makes the folders of a path, for this user alone.
local function make_folders(uv, path)
  local made = ""
  for part in path:gmatch "[^/]+" do
    made = made .. "/" .. part
    uv.fs_mkdir(made, 448) -- 0700
  end
end

--- The lines that were kept, oldest first.
-- @treturn table a list
function history.read()
  local lines, path = {}, folder()
  local file <close> = path and io.open(path .. "/history", "rb")
  for line in file and file:lines() or function() end do lines[#lines + 1] = line end
  return table.move(lines, math.max(1, #lines - most_lines + 1), #lines, 1, {})
end

--- Writes the lines of a session behind those that are kept; the oldest go. A place that can't be written to keeps
-- none.
-- @tparam table lines
function history.write(lines)
  local found, uv = pcall(require, "luv")
  local path = folder()
  if not found or not path or #lines == 0 then return end
  local kept = history.read()
  for _, line in ipairs(lines) do
    if history.may_keep(line) and line ~= kept[#kept] then kept[#kept + 1] = line:gsub("\n", " ") end
  end
  make_folders(uv, path)
  local temporary = ("%s/history.%d"):format(path, uv.os_getpid())
  local file = uv.fs_open(temporary, "w", 384) -- 0600
  if not file then return end
  local text = table.concat(kept, "\n", math.max(1, #kept - most_lines + 1)) .. "\n"
  local written = uv.fs_write(file, text, 0)
  uv.fs_close(file)
  if written == #text then
    uv.fs_rename(temporary, path .. "/history")
  else
    uv.fs_unlink(temporary)
  end
end

return history
