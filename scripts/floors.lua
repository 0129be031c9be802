-- The floors of the Lua layer, from the top: a module requires what lies below it, or on its own floor. Says each arrow
-- that points up, and each module that has no floor.
local floors = {
  { "^cli$", "^cli%." },
  { "^repl", "^project", "^recording", "^reference", "^terminal$" },
  { "^init$" },
  { "^release%." },
  { "^listing", "^client$", "^script_versions$", "^version$" },
  { "^call%." },
  { "^loop%.", "^async$" },
  { "^time%." },
  { "^call%.arguments$", "^call%.methods$" }, -- what anybody is given, and may give
  { "^errors$", "^service$", "^counted$", "^json%." },
  { "^core$", "^runner$" },
}
-- What is loaded when it is first used, by a method whose code lies higher: a door, not a dependency.
local late = {
  ["client -> recording"] = true,
  ["script_versions -> release"] = true,
}

local function floor_of(name)
  for number = #floors, 1, -1 do
    for _, pattern in ipairs(floors[number]) do
      if name:find(pattern) then return number end
    end
  end
end

local failed = false
local function say(...)
  failed = true
  print(string.format(...))
end

local files <close> = assert(io.popen "git ls-files --cached --others --exclude-standard 'lua/*.lua'")
for path in files:lines() do
  local name = path:match "^lua/patchworks/(.*)%.lua$":gsub("/init$", ""):gsub("/", ".")
  local from = floor_of(name)
  local file = io.open(path)
  if not name:find "^sandbox" and file then
    if not from then say("%s stands on no floor (see scripts/floors.lua)", path) end
    for line in file:lines() do
      local at_load = line:find "^local" ~= nil
      local target = not line:find "^%s*%-%-" and line:match "require%s*%(?%s*[\"']patchworks%.?([%w_.]*)[\"']"
      if target then
        local to = floor_of(target == "" and "init" or target)
        local arrow = name:match "^[^.]*" .. " -> " .. (target == "" and "init" or target:match "^[^.]*")
        if from and to and to < from and (at_load or not late[arrow]) then
          say("%s requires patchworks.%s, which stands above it", path, target)
        end
      end
    end
  end
  if file then file:close() end
end
os.exit(not failed)
