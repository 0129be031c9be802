--- `help` and `apropos`: what the reference is made of, at a prompt.
-- @module patchworks.repl.help
local arguments = require "patchworks.call.arguments"
local kinds = require "patchworks.reference.kinds"
local methods = require "patchworks.call.methods"
local reference = require "patchworks.reference"
local screen = require "patchworks.terminal"
local topics = require "patchworks.repl.topics"

local help = {}

-- Cuts a text into lines of the screen's width.
local function wrapped(lines, text, indent)
  local width = math.min(100, select(2, screen.size()))
  local line = indent
  for word in text:gmatch "%S+" do
    if #line + #word + 1 > width and line ~= indent then
      lines[#lines + 1] = line
      line = indent
    end
    line = line .. (line == indent and "" or " ") .. word
  end
  lines[#lines + 1] = line
end

local function words_of(option)
  local words = option[3]
  local unit = option.unit or option[2] == "seconds" and "s"
  local extra = {}
  if option.default ~= nil then
    extra[1] = tostring(option.default) .. (unit and math.type(option.default) and " " .. unit or "")
  end
  if not extra[1] and unit then extra[1] = "in " .. unit end
  if option[2] == "integer" and (option.most or (option.least or 1) ~= 1) then
    extra[#extra + 1] = ("%d to %s"):format(option.least or 1, option.most or "any")
  end
  if option.required then extra[#extra + 1] = "must be there" end
  return words .. (#extra > 0 and " (" .. table.concat(extra, "; ") .. ")" or "")
end

local function options_of(lines, options, indent)
  local width = 0
  for _, option in ipairs(options) do width = math.max(width, #option[1]) end
  for _, option in ipairs(options) do
    local from = #lines + 1
    wrapped(lines, words_of(option), indent .. (" "):rep(width + 2))
    lines[from] = indent .. screen.paint(screen.pad(option[1], width), "cyan") .. lines[from]:sub(#indent + width + 1)
    if option.fields then options_of(lines, option.fields, indent .. "  ") end
  end
end

--- A method's page.
-- @tparam table method
-- @treturn table lines
function help.method(method)
  local lines = { screen.paint(reference.signature(method), "bold") }
  wrapped(lines, method.says, "  ")
  for _, each in ipairs(method.takes or {}) do
    wrapped(lines, ("%s: %s"):format(each[1], each[3] or ""), "  ")
  end
  if #method.options > 0 then
    lines[#lines + 1] = "options"
    options_of(lines, method.options, "  ")
  end
  if method.gives then
    local what = method.given or method.gives:gsub("patchworks%.", "")
    local otherwise = method.raises and "; raises what goes wrong"
      or method.response and ", and the response; or nil and an error"
      or method.requests and not method.gives:find "listing" and "; or nil and an error"
      or ""
    wrapped(lines, "gives " .. what .. otherwise, "  ")
  end
  if method.requests then wrapped(lines, "requests: " .. method.requests, "  ") end
  if method.fails then
    wrapped(lines, "errors: " .. table.concat(method.fails, ", ") .. ", and what any request may", "  ")
  end
  lines[#lines + 1] = "example"
  for each in (method.example .. "\n"):gmatch "([^\n]*)\n" do
    lines[#lines + 1] = "  " .. screen.paint(each, "green")
  end
  return lines
end

--- An object's page.
function help.object(object)
  local lines = { screen.paint(object.name, "bold") }
  wrapped(lines, object.says, "  ")
  options_of(lines, object.fields or {}, "  ")
  for _, each in ipairs(object.types or {}) do wrapped(lines, each[1] .. ": " .. each[2], "  ") end
  if #object.methods > 0 then lines[#lines + 1] = "methods" end
  for _, method in ipairs(object.methods) do
    lines[#lines + 1] = "  " .. screen.paint(reference.signature(method), "cyan")
    wrapped(lines, method.says, "      ")
  end
  return lines
end

local function kind_page(kind)
  local lines = { screen.paint(kind[1] .. (kind[2] ~= "" and " (" .. kind[2] .. ")" or ""), "bold") }
  wrapped(lines, kind[3], "  ")
  wrapped(lines, "To do: " .. kind[4], "  ")
  return lines
end

local function topic_page(topic)
  local lines = { screen.paint(topic[1], "bold") }
  if topic.as_it_is then
    for each in (topic[3] .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = "  " .. each end
  else
    for each in (topic[3] .. "\n\n"):gmatch "(.-)\n\n" do wrapped(lines, each, "  ") end
  end
  return lines
end

--- Every name there is help for, with what says it.
-- @treturn table a list of `{name, sentence, page}`
function help.index()
  local list = {}
  for _, object in ipairs(reference.objects()) do
    list[#list + 1] = { object.name, object.says, function() return help.object(object) end }
    for _, method in ipairs(object.methods) do
      list[#list + 1] = { reference.signature(method), method.says, function() return help.method(method) end, method }
    end
  end
  for _, kind in ipairs(kinds) do list[#list + 1] = { kind[1], kind[3], function() return kind_page(kind) end } end
  for _, topic in ipairs(topics) do
    list[#list + 1] = { topic[1], topic[2], function() return topic_page(topic) end }
  end
  return list
end

-- A method by the words people use for it: "get", "versions:get", "script_versions.get".
local function by_words(words)
  local plain = words:match "^%s*(.-)%s*$"
  local object, name = plain:match "^([%w_]+)[.:]([%w_]+)"
  for _, each in ipairs(reference.objects()) do
    if each.name == plain or each.variable == plain then return help.object(each) end
    local method = each.known[name or plain]
    if method and (not object or object == each.name or object == each.variable) then return help.method(method) end
  end
  for _, each in ipairs(help.index()) do
    if each[1] == plain then return each[3]() end
  end
end

local function names()
  local all = {}
  for _, each in ipairs(help.index()) do
    all[each[4] and each[4].name or each[1]] = true
  end
  return all
end

local function object_of(value)
  local meta = getmetatable(value)
  local class = type(meta) == "table" and rawget(meta, "__name") or ""
  for _, object in ipairs(reference.objects()) do
    if object.class == class or value == package.loaded[object.class or ""] and value ~= nil then return object end
  end
end

local function by_class(value)
  local object = object_of(value)
  return object and help.object(object)
end

--- An object as a card: what it is, and how each of its methods is called, with the first sentence about it.
-- @param value
-- @treturn ?table lines; nil for what has no methods that are told of
function help.card(value)
  local object = object_of(value)
  if not object or #object.methods == 0 then return nil end
  local lines = { screen.paint(object.variable, "bold") }
  wrapped(lines, object.says, "  ")
  for _, method in ipairs(object.methods) do
    lines[#lines + 1] = "  " .. screen.paint(reference.signature(method), "cyan")
    wrapped(lines, method.says:match "^.-%.%f[%s%z]" or method.says, "      ")
  end
  local first = reference.signature(object.methods[1]):match "^[^(]+"
  lines[#lines + 1] = screen.paint(("  help %q says all of one"):format(first), "dim")
  return lines
end

local function by_function(value)
  local known = methods.names[value]
  for _, object in ipairs(reference.objects()) do
    if known and object.variable == known.of and object.known[known.name] then
      return help.method(object.known[known.name])
    end
    local module = object.dotted and package.loaded[object.class]
    for _, method in ipairs(module and object.methods or {}) do
      if module[method.name] == value then return help.method(method) end
    end
  end
end

--- What there is to say of something: a method, an object, a kind of error, a topic, or its name.
-- @param value
-- @treturn table lines
function help.of(value)
  if value == nil then return topic_page(topics[#topics]) end
  local page
  if type(value) == "string" then
    page = by_words(value)
    local near = not page and arguments.nearest(value, names())
    if not page then
      return { ("there is no help on %s%s; apropos %q looks through everything"):format(
        screen.clean(value), near and "; did you mean " .. near .. "?" or "", value) }
    end
  elseif type(value) == "function" then
    page = by_function(value)
  else
    page = by_class(value)
  end
  return page or { ("there is no help on a %s; try help \"prompt\", or apropos \"deploy\""):format(type(value)) }
end

--- The names whose name or sentence has a text.
-- @tparam string text
-- @treturn table lines
function help.apropos(text)
  local lines = {}
  local wanted = tostring(text):lower()
  for _, each in ipairs(help.index()) do
    if each[1]:lower():find(wanted, 1, true) or each[2]:lower():find(wanted, 1, true) then
      lines[#lines + 1] = screen.paint(each[1], "cyan")
      wrapped(lines, each[2], "    ")
    end
  end
  if #lines == 0 then lines[1] = "nothing is said of " .. screen.clean(tostring(text)) end
  return lines
end

return help
