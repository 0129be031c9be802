-- Reads Lua and C as far as it takes to change one thing in them: tokens, and the places where something can be flipped,
-- dropped, negated or moved by one.
local source = {}

local lua_words, c_words = {}, {}
for word in ("if elseif else while until then do end for in function local return break goto repeat"):gmatch "%a+" do lua_words[word] = true end
for word in ("if else while for do switch case default return break goto static const struct enum typedef sizeof"):gmatch "%a+" do
  c_words[word] = true
end

local operators = { "<<", ">>", "<=", ">=", "==", "~=", "!=", "&&", "||", "//", "..", "->", "++", "--", "+=", "-=", "::" }

-- Where the comment or string that starts at `at` ends, or nil when there is none.
local function end_of_lua(text, at)
  local comment = text:sub(at, at + 1) == "--"
  local long = comment and at + 2 or at
  local level = text:match("^%[(=*)%[", long)
  if level then
    local _, last = text:find("]" .. level .. "]", long, true)
    return last, comment and "comment" or "string"
  end
  if comment then return (text:find("\n", at, true) or #text + 1) - 1, "comment" end
end

local function end_of_c(text, at)
  local two = text:sub(at, at + 1)
  if two == "/*" then
    local _, last = text:find("*/", at + 2, true)
    return last, "comment"
  elseif two == "//" then
    return text:find("\n", at, true) - 1, "comment"
  elseif text:sub(at, at) == "#" and text:sub(1, at - 1):match "[^\n]*$":match "^%s*$" then
    local last = at
    repeat last = text:find("\n", last + 1, true) until text:sub(last - 1, last - 1) ~= "\\"
    return last, "comment"
  end
end

local function end_of_quoted(text, at)
  local quote = text:match("^[\"']", at)
  if not quote then return nil end
  local last = at + 1
  while text:sub(last, last) ~= quote do last = last + (text:sub(last, last) == "\\" and 2 or 1) end
  return last, "string"
end

local function next_token(text, at, is_c)
  local last, kind = (is_c and end_of_c or end_of_lua)(text, at)
  if last then return last, kind end
  last, kind = end_of_quoted(text, at)
  if last then return last, kind end
  local word = text:match("^[%a_][%w_]*", at)
  if word then return at + #word - 1, (is_c and c_words or lua_words)[word] and "keyword" or "name" end
  local number = text:match("^0[xX][%x.]+", at) or text:match("^%d+%.?%d*[eE][+-]?%d+", at) or text:match("^%d+%.?%d*", at)
  if number then return at + #number - 1, "number" end
  for _, operator in ipairs(operators) do
    if text:sub(at, at + 1) == operator then return at + 1, "operator" end
  end
  return at, "operator"
end

--- The tokens of a source, comments left out.
-- @tparam string text
-- @tparam boolean is_c
-- @treturn table list of `{kind, text, first, last, line}`
function source.tokens(text, is_c)
  local list, at, line = {}, 1, 1
  while true do
    local start = text:find("%S", at)
    if not start then return list end
    line = line + select(2, text:sub(at, start - 1):gsub("\n", ""))
    local last, kind = next_token(text, start, is_c)
    local word = text:sub(start, last)
    if kind ~= "comment" then list[#list + 1] = { kind = kind, text = word, first = start, last = last, line = line } end
    line = line + select(2, word:gsub("\n", ""))
    at = last + 1
  end
end

local flips = {
  ["<"] = "<=", ["<="] = "<", [">"] = ">=", [">="] = ">", ["=="] = "~=", ["~="] = "==", ["+"] = "-", ["-"] = "+", ["*"] = "+",
  ["//"] = "*", ["and"] = "or", ["or"] = "and", ["not"] = "", ["true"] = "false", ["false"] = "true",
}
local c_flips = {
  ["<"] = "<=", ["<="] = "<", [">"] = ">=", [">="] = ">", ["=="] = "!=", ["!="] = "==", ["+"] = "-", ["-"] = "+", ["&&"] = "||",
  ["||"] = "&&", ["!"] = "", ["true"] = "false", ["false"] = "true", ["++"] = "--",
}

local function ends_value(token)
  if not token then return false end
  return token.kind == "name" or token.kind == "number" or token.kind == "string" or token.text == ")" or token.text == "]"
end

-- `<close>` and `<const>`, and types such as `struct x *`: no operators.
local function is_sign_of_something_else(tokens, i, is_c)
  local text = tokens[i].text
  local before, after = tokens[i - 1], tokens[i + 1]
  if (text == "+" or text == "-" or text == "*") and not ends_value(before) then return true end
  if is_c then return text == "*" end
  local name = text == "<" and after or text == ">" and before
  return name and (name.text == "close" or name.text == "const")
end

local function replaced(text, first, last, with) return text:sub(1, first - 1) .. with .. text:sub(last + 1) end

local function add(list, text, token, last, with, what)
  local before = text:sub(1, token.first - 1):match "[^\n]*$"
  list[#list + 1] = { line = token.line, what = what, before = before, text = replaced(text, token.first, last, with) }
end

local function add_token(list, text, tokens, i, is_c)
  local token = tokens[i]
  local flip = (is_c and c_flips or flips)[token.text]
  if flip and token.kind ~= "string" and not is_sign_of_something_else(tokens, i, is_c) then
    add(list, text, token, token.last, flip, ("`%s` for `%s`"):format(flip, token.text))
  elseif token.kind == "number" then
    local number = tonumber(token.text)
    local more = math.type(number) == "integer" and ("%d"):format(number + 1) or ("%g"):format(number * 2 + 1)
    add(list, text, token, token.last, more, ("`%s` for `%s`"):format(more, token.text))
  elseif token.kind == "string" and not is_c and token.text:find '^"[%l_-]+"$' then
    local other = token.text:sub(1, -2) .. '_"'
    add(list, text, token, token.last, other, ("`%s` for `%s`"):format(other, token.text))
  end
end

-- Conditions, the other way round.
local function add_negation(list, text, tokens, i, is_c)
  local token = tokens[i]
  if is_c then
    if (token.text ~= "if" and token.text ~= "while") or tokens[i + 1].text ~= "(" then return end
    local depth, j = 0, i + 1
    repeat
      depth = depth + (tokens[j].text == "(" and 1 or tokens[j].text == ")" and -1 or 0)
      j = j + 1
    until depth == 0
    local inside = text:sub(tokens[i + 1].first, tokens[j - 1].last)
    return add(list, text, tokens[i + 1], tokens[j - 1].last, "(!" .. inside .. ")", "the condition negated")
  end
  if token.text ~= "if" and token.text ~= "elseif" and token.text ~= "while" then return end
  local j = i + 1
  while tokens[j].text ~= "then" and tokens[j].text ~= "do" do j = j + 1 end
  local inside = text:sub(tokens[i + 1].first, tokens[j - 1].last)
  add(list, text, tokens[i + 1], tokens[j - 1].last, "not (" .. inside .. ")", "the condition negated")
end

-- Statements of one line, left out: those that don't load then were none.
local function add_drops(list, text, tokens, is_c)
  local at, first = 1, {}
  for _, token in ipairs(tokens) do first[token.line] = first[token.line] or token end
  local number = 0
  for line, ending in text:gmatch "([^\n]*)(\n?)" do
    number = number + 1
    local start = first[number]
    local plain = start and (start.kind == "name" or start.text == "return")
    local is_statement = plain and (line:find "[=(]" or start.text == "return") and (not is_c or line:find ";%s*$")
    -- Nearly everywhere; and a field that is made nil is none.
    local gives_nothing = line:find "^%s*return nil%s*$" or line:find "^%s*[%w_]+ = nil,"
    if is_statement and not gives_nothing and not line:find "^%s*[%w_]+%s*=%s*function" then
      local with = start.text == "return" and (is_c and "" or "return") or ""
      list[#list + 1] = {
        line = number,
        what = start.text == "return" and "returns nothing" or "left out",
        before = "",
        text = text:sub(1, start.first - 1) .. with .. text:sub(at + #line),
      }
    end
    at = at + #line + #ending
    if ending == "" then break end
  end
end

--- All mutants of a source.
-- @tparam string text
-- @tparam boolean is_c
-- @treturn table list of `{line, what, before, text}`: `before` is what stands in the line before the change; one of Lua's
-- that doesn't load is left out
function source.mutants(text, is_c)
  local tokens, list = source.tokens(text, is_c), {}
  for i in ipairs(tokens) do
    add_token(list, text, tokens, i, is_c)
    add_negation(list, text, tokens, i, is_c)
  end
  add_drops(list, text, tokens, is_c)
  local good = {}
  for _, mutant in ipairs(list) do
    if mutant.text ~= text and (is_c or load(mutant.text, "=mutant", "t")) then good[#good + 1] = mutant end
  end
  table.sort(good, function(left, right)
    if left.line ~= right.line then return left.line < right.line end
    return left.what < right.what
  end)
  return good
end

--- A Lua source that notes which of its functions were entered, and where each begins and ends.
-- @tparam string text
-- @tparam string name of the module
-- @treturn string
function source.instrumented(text, name)
  local tokens, parts, at = source.tokens(text, false), {}, 1
  for i, token in ipairs(tokens) do
    if token.kind == "keyword" and token.text == "function" then
      local j = i + 1
      while tokens[j].text ~= ")" do j = j + 1 end
      parts[#parts + 1] = text:sub(at, tokens[j].last) .. (" __entered(%d) "):format(token.line)
      at = tokens[j].last + 1
    end
  end
  parts[#parts + 1] = text:sub(at)
  return ("local __entered = require('mutation_coverage')(%q); "):format(name) .. table.concat(parts)
end

--- The line in which the innermost function that holds a line begins; 0 for none.
function source.function_at(text, line)
  local tokens, open, best = source.tokens(text, false), {}, 0
  local blocks = { ["if"] = true, ["do"] = true, ["function"] = true, ["repeat"] = true }
  for _, token in ipairs(tokens) do
    if token.line > line then break end
    if token.kind == "keyword" then
      if blocks[token.text] then
        open[#open + 1] = token
      elseif (token.text == "end" or token.text == "until") and token.line < line then
        open[#open] = nil
      end
    end
  end
  for _, token in ipairs(open) do
    if token.text == "function" then best = token.line end
  end
  return best
end

return source
