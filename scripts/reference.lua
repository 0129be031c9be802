-- Writes the reference, an object a page, from what patchworks.reference knows.
--
--     lua5.4 scripts/reference.lua build/reference
local kinds = require "patchworks.reference.kinds"
local methods = require "patchworks.call.methods"
local reference = require "patchworks.reference"

local folder = assert(arg[1], "usage: lua5.4 scripts/reference.lua FOLDER")

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local style = read "scripts/reference.css"

local function escape(text) return (tostring(text):gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
  ['"'] = "&quot;" })) end

-- Words, with what stands in backquotes as code.
local function words(text)
  return (escape(text):gsub("`([^`]*)`", "<code>%1</code>"))
end

-- A type, with those that have a page as links.
local function type_of(text)
  return "<code>" .. escape(text):gsub("patchworks%.([%a_]+)", function(name)
    local known = reference.object(name)
    return known and ('<a href="%s.html">%s</a>'):format(known.name, name)
  end):gsub("|", "|<wbr>") .. "</code>"
end

local function page(name, title, body)
  local links = {}
  for _, object in ipairs(reference.objects()) do
    local here = object.name == name and ' aria-current="page"' or ""
    links[#links + 1] = ('<li><a href="%s.html"%s>%s</a></li>'):format(object.name, here, object.name)
  end
  local file <close> = assert(io.open(("%s/%s.html"):format(folder, name), "wb"))
  file:write(([[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s - patchworks</title>
<style>
%s</style>
<nav><a class="home" href="index.html">patchworks</a><ul>
%s
<li><a href="kinds.html">kinds of errors</a></li>
</ul></nav>
<main>
%s
</main>
</html>
]]):format(escape(title), style, table.concat(links, "\n"), body))
end

local function row(cells, tag)
  tag = tag or "td"
  return ("<tr><%s>%s</%s></tr>"):format(tag, table.concat(cells, ("</%s><%s>"):format(tag, tag)), tag)
end

local function table_of(headings, lines)
  if #lines == 0 then return "" end
  return ('<div class="wide"><table><thead>%s</thead><tbody>%s</tbody></table></div>'):format(row(headings, "th"),
    table.concat(lines, "\n"))
end

local function range(option)
  if option[2] ~= "integer" then return nil end
  if option.most then return ("%d to %d"):format(option.least or 1, option.most) end
  return ("at least %d"):format(option.least or 1)
end

local function options(list, before)
  local lines = {}
  for _, option in ipairs(list) do
    local unit = option.unit or option[2] == "seconds" and "s" or range(option) or ""
    local default = option.required and "must be there" or option.default == nil and "" or tostring(option.default)
    local label = unit == "s" and "unit" or option.unit and "unit" or "range"
    lines[#lines + 1] = ('<tr><td><code>%s</code></td><td>%s</td><td data-label="%s">%s</td>'
      .. '<td data-label="default">%s</td><td>%s</td></tr>'):format(escape(before .. option[1]),
      type_of(methods.type(option)), label, escape(unit), escape(default), words(option[3]))
    if option.fields then table.move(options(option.fields, before .. option[1] .. "."), 1, 100, #lines + 1, lines) end
  end
  return lines
end

local function gives(method)
  if not method.gives then return "" end
  local otherwise = method.raises and "; raises what goes wrong."
    or method.response and ', and the <a href="response.html">response</a>; or nil and an '
      .. '<a href="error.html">error</a>.'
    or method.requests and not method.gives:find "listing" and '; or nil and an <a href="error.html">error</a>.'
    or "."
  local of = method.of_what and " of " .. type_of(method.of_what) or ""
  local what = method.given and ": " .. words(method.given) or ""
  return ("<p><b>Gives</b> %s%s%s%s</p>"):format(type_of(method.gives), of, what, otherwise)
end

local function fails(method)
  if not method.requests then return "" end
  local links = {}
  for i, kind in ipairs(method.fails or {}) do links[i] = ('<a href="kinds.html#%s">%s</a>'):format(kind, kind) end
  links[#links + 1] = '<a href="kinds.html">what any request may</a>'
  return ("<p><b>Fails with</b> %s.</p>"):format(table.concat(links, ", "))
end

local function code(text) return text and "<pre>" .. escape(text) .. "</pre>" or "" end

local function method_part(method)
  local takes = {}
  for i, each in ipairs(method.takes or {}) do
    takes[i] = row { "<code>" .. escape(each[1]) .. "</code>", type_of(methods.type(each)), words(each[3] or "") }
  end
  return table.concat {
    ('<section id="%s"><h2><code>%s</code></h2>'):format(method.name, escape(reference.signature(method))),
    ("<p>%s</p>"):format(words(method.says)),
    table_of({ "argument", "type", "" }, takes),
    table_of({ "option", "type", "unit, range", "default", "" }, options(method.options, "")),
    gives(method),
    method.requests and ("<p><b>Requests</b> %s.</p>"):format(words(method.requests)) or "",
    fails(method),
    code(method.example),
    "</section>\n",
  }
end

local function fields_of(list)
  local lines = {}
  for i, field in ipairs(list) do
    local name, optional = field[1]:match "^([^?]+)(%??)$"
    lines[i] = row {
      "<code>" .. escape(name) .. "</code>",
      type_of(field[2]) .. (optional == "?" and " or nil" or ""),
      words(field[3]),
    }
  end
  return lines
end

local function object_page(object)
  local parts = { ("<h1>%s</h1>\n<p>%s</p>"):format(escape(object.name), words(object.says)), code(object.example) }
  for _, method in ipairs(object.methods) do
    parts[#parts + 1] = ('<a class="jump" href="#%s">%s</a>'):format(method.name, escape(method.name))
  end
  parts[#parts + 1] = table_of({ "field", "type", "" }, fields_of(object.fields or {}))
  for _, each in ipairs(object.types or {}) do
    parts[#parts + 1] = ('<h2><code>type = "%s"</code></h2><p>When %s.</p>'):format(each[1], words(each[2]))
    parts[#parts + 1] = table_of({ "field", "type", "" }, fields_of { table.unpack(each, 3) })
  end
  for _, method in ipairs(object.methods) do parts[#parts + 1] = method_part(method) end
  page(object.name, object.name, table.concat(parts, "\n"))
end

local function kinds_page()
  local parts = { "<h1>Kinds of errors</h1>", '<p>The <code>kind</code> of an <a href="error.html">error</a>.</p>' }
  for _, kind in ipairs(kinds) do
    parts[#parts + 1] = ('<section id="%s"><h2><code>%s</code> %s</h2><p>%s</p><p><b>What to do</b> %s</p></section>')
      :format(kind[1], kind[1], kind[2], words(kind[3]), words(kind[4]))
  end
  page("kinds", "Kinds of errors", table.concat(parts, "\n"))
end

local function index_page()
  local parts = { "<h1>patchworks</h1>", "<p>Deploy, invoke and watch script versions from Lua: what there is, by "
    .. "object.</p>" }
  for _, object in ipairs(reference.objects()) do
    local names = {}
    for i, method in ipairs(object.methods) do
      names[i] = ('<a href="%s.html#%s">%s</a>'):format(object.name, method.name, method.name)
    end
    parts[#parts + 1] = ('<section><h2><a href="%s.html">%s</a></h2><p>%s</p><p class="names">%s</p></section>'):format(
      object.name, object.name, words(object.says), table.concat(names, " "))
  end
  parts[#parts + 1] = '<p><a href="internals/index.html">Internals</a>: for those who change patchworks itself.</p>'
  page("index", "Reference", table.concat(parts, "\n"))
end

index_page()
kinds_page()
for _, object in ipairs(reference.objects()) do object_page(object) end
