--- The languages that scripts are written in: what their files are called, and what they are called.
-- @module patchworks.project.languages
local languages = {}

local known = {
  { name = "python", title = "Python", ending = "py" },
  { name = "javascript", title = "JavaScript", ending = "js", other_name = "node" },
  { name = "php", title = "PHP", ending = "php" },
  { name = "ruby", title = "Ruby", ending = "rb" },
  { name = "csharp", title = "C#", ending = "cs" },
  { name = "go", title = "Go", ending = "go" },
  { name = "rust", title = "Rust", ending = "rs" },
}

local by_name, by_ending = {}, { mjs = "javascript", cjs = "javascript" }

--- Their names, in order.
languages.names = {}

for i, each in ipairs(known) do
  languages.names[i], by_name[each.name], by_ending[each.ending] = each.name, each, each.name
  if each.other_name then by_name[each.other_name] = each end
end

--- For people: "python, javascript, .. or rust".
languages.words = table.concat(languages.names, ", ", 1, #known - 1) .. " or " .. known[#known].name

--- A language by its name, behind which a version may stand: "php8.1".
-- @tparam string name
-- @treturn ?table `name`, `title`, `ending`
-- @treturn ?string the version, such as "8.1"
function languages.find(name)
  local base, version = name:match "^(%a+)([%d.]*)$"
  if not by_name[base or ""] or version:find "^%." or version:find "%.$" or #version > 15 then return nil end
  return by_name[base], version ~= "" and version or nil
end

--- The language that a file's name tells.
-- @tparam string path
-- @treturn ?string its name
function languages.of_file(path) return by_ending[path:match "%.(%w+)$" or ""] end

return languages
