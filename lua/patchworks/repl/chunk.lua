--- Lines of Lua as a prompt takes them: an expression or statements, whole or not yet; and locals that live on from one
-- line to the next.
--
-- A `local` at the outer level of a line becomes a name of the session: such names come before the globals in every
-- later
-- line, and in the functions that were made in earlier ones. What is written to any other name is a global.
--
-- @module patchworks.repl.chunk
local chunk = {}

-- Words that open a block and those that end one. `for` and `while` have their `do`, `if` its `then`.
local opens = { ["function"] = true, ["do"] = true, ["then"] = true, ["repeat"] = true }
local ends = { ["end"] = true, ["until"] = true, ["elseif"] = true }

-- The place behind a string, a comment or a blank that begins here, or nil where none does.
local function skip(text, at)
  local level = text:match("^%-?%-?%[(=*)%[", at)
  local comment = text:find("^%-%-", at)
  if level and (comment or text:find("^%[", at)) then
    local _, close = text:find("]" .. level .. "]", at, true)
    return (close or #text) + 1, comment ~= nil
  elseif comment then
    return (text:find("\n", at, true) or #text) + 1, true
  end
  local quote = text:match("^[\"']", at)
  if quote then
    local place = at + 1
    while place <= #text and text:sub(place, place) ~= quote do
      place = place + (text:sub(place, place) == "\\" and 2 or 1)
    end
    return place + 1, false
  end
  local _, blank = text:find("^%s+", at)
  if blank then return blank + 1, true end
end

--- The tokens of a text, each with where it stands: words, and any other character alone; strings as "".
function chunk.tokens(text)
  local list, at = {}, 1
  while at <= #text do
    local behind, nothing = skip(text, at)
    local last = behind and behind - 1 or select(2, text:find("^[%a_][%w_]*", at))
      or select(2, text:find("^%.?%d[%w.]*", at))
      or at
    if not nothing then list[#list + 1] = { text = behind and "" or text:sub(at, last), from = at, last = last } end
    at = last + 1
  end
  return list
end

-- The names behind a `local`, with their attributes: gives what is known of them, and the place behind them.
local function names_behind(list, at)
  local each = { from = list[at].from, behind = list[at].last + 1, names = {}, cuts = {} }
  repeat
    at = at + 1
    each.names[#each.names + 1], each.last = list[at].text, list[at].last
    at = at + 1
    if list[at] and list[at].text == "<" then
      each.last = list[at + 2].last
      each.cuts[#each.cuts + 1] = { list[at].from, each.last }
      at = at + 3
    end
  until not list[at] or list[at].text ~= ","
  each.assigns = list[at] and list[at].text == "="
  return each, at
end

-- The statements at the outer level that begin with `local`. The text compiles, so what is behind the word is right.
local function locals_of(text)
  local found, depth, at = {}, 0, 1
  local list = chunk.tokens(text)
  while list[at] do
    local word = list[at].text
    if word == "local" and depth == 0 then
      if list[at + 1].text == "function" then
        local each = { from = list[at].from, behind = list[at].last + 1, cuts = {}, assigns = true }
        each.names = { list[at + 2].text }
        found[#found + 1] = each
        at = at + 1
      else
        found[#found + 1], at = names_behind(list, at)
      end
    else
      depth = depth + (opens[word] and 1 or ends[word] and -1 or 0)
      at = at + 1
    end
  end
  return found
end

-- The text with its outer locals turned into names of the session, and those names.
local function lift(text)
  local parts, names, at = {}, {}, 1
  local function copy(to)
    parts[#parts + 1] = text:sub(at, to)
  end
  for _, each in ipairs(locals_of(text)) do
    copy(each.from - 1)
    at = each.behind
    for _, cut in ipairs(each.cuts) do
      copy(cut[1] - 1)
      at = cut[2] + 1
    end
    table.move(each.names, 1, #each.names, #names + 1, names)
    if not each.assigns then
      copy(each.last)
      at = each.last + 1
      parts[#parts + 1] = " = nil"
    end
  end
  copy(#text)
  return table.concat(parts), names
end

--- Makes a session: the names that its lines made with `local`.
-- @tparam table globals where all other names are
-- @treturn table session: `environment` for `load`, `names` (a set), `values`
function chunk.session(globals)
  local session = { names = {}, values = {} }
  session.environment = setmetatable({}, {
    __index = function(_, name)
      if session.names[name] then return session.values[name] end
      return globals[name]
    end,
    __newindex = function(_, name, value)
      if session.names[name] then
        session.values[name] = value
      else
        globals[name] = value
      end
    end,
  })
  return session
end

--- Compiles what was typed.
-- @tparam table session
-- @tparam string text
-- @treturn ?function; or nil and a sentence, or nil, nil and true when the text isn't whole yet
function chunk.compile(session, text)
  local expression, wrong = load("return " .. text:gsub("^%s*=", ""), "=prompt", "t", session.environment)
  if expression then return expression end
  local _, problem = load(text, "=prompt", "t", session.environment)
  if problem then
    -- Of what begins as no statement can, the expression's own mistake is told.
    local first = text:match "^%s*(%w+)" or text:match "^%s*(.)"
    if problem:find("near '" .. first .. "'", 1, true) then problem = wrong end
    if problem:find("near <eof>", 1, true) then return nil, nil, true end
    return nil, (problem:gsub("^prompt:%d+: ", ""))
  end
  local lifted, names = lift(text)
  local compiled, reason = load(lifted, "=prompt", "t", session.environment)
  if not compiled then return nil, reason end
  for _, name in ipairs(names) do session.names[name] = true end
  return compiled
end

return chunk
