--- Where two JSON documents differ, by path: `payload.items[3].sku: expected "A1", got "A2"`. Items are counted from 1.
--
-- It takes as long as the documents are, whatever differs. Order of names, blanks and how a number or a character is
-- written don't count; everything else does.
--
-- @module patchworks.json.difference
local document = require "patchworks.json.document"

local most_lines = 10
local widest = 60 -- bytes of a value that is shown

local function step(name)
  if math.type(name) then return ("[%d]"):format(name) end
  if #name <= widest and name:find "^[%a_][%w_]*$" then return "." .. name end
  return ("[%s]"):format(document.quote(document.cut(name, 1, widest)))
end

-- Appends what differs where the trail has led; what there is no room for is counted. A path is put together here
-- alone: one a value would take as long as all of them together.
local function tell(found, sentence, ...)
  found.count = found.count + 1
  if found.count > most_lines then return end
  local path = { found.path }
  for i, name in ipairs(found.trail) do path[i + 1] = step(name) end
  found.list[found.count] = table.concat(path) .. ": " .. sentence:format(...)
end

-- Where two texts part, in bytes.
local function parting(left, right)
  local same, most = 0, math.min(#left, #right)
  while same < most and left:sub(same + 1, same + 4096) == right:sub(same + 1, same + 4096) do same = same + 4096 end
  for at = same + 1, most do
    if left:byte(at) ~= right:byte(at) then return at end
  end
  return most + 1
end

-- Two texts, from a little before they part.
local function tell_texts(found, left, right)
  if #left <= widest and #right <= widest then
    return tell(found, "expected %s, got %s", document.quote(left), document.quote(right))
  end
  local at = parting(left, right)
  local from = math.max(1, at - widest // 3)
  local function shown(text) return document.quote(document.cut(text, math.min(from, #text + 1), widest)) end
  tell(found, "expected %s, got %s (they part at byte %d)", shown(left), shown(right), at)
end

local function show(value) return value and document.brief(value, widest) or "nothing" end

local compare

local function below(name, expected, got, found)
  local trail = found.trail
  trail[#trail + 1] = name
  compare(expected, got, found)
  trail[#trail] = nil
end

local function tell_twice(name, whose, found)
  local trail = found.trail
  trail[#trail + 1] = name
  tell(found, "is there more than once in %s", whose)
  trail[#trail] = nil
end

local function compare_objects(expected, got, found)
  if expected.twice then tell_twice(expected.twice, "what is expected", found) end
  if got.twice then tell_twice(got.twice, "what came", found) end
  for _, name in ipairs(expected.names) do below(name, expected.members[name], got.members[name], found) end
  for _, name in ipairs(got.names) do
    if not expected.members[name] then below(name, nil, got.members[name], found) end
  end
end

local function compare_arrays(expected, got, found)
  for i = 1, math.max(#expected.items, #got.items) do below(i, expected.items[i], got.items[i], found) end
end

local function is_empty(value)
  return value.kind == "empty" or #(value.items or value.names or { 1 }) == 0
end

function compare(expected, got, found)
  local kind = expected and got and expected.kind == got.kind and expected.kind
  if kind == "object" then return compare_objects(expected, got, found) end
  if kind == "array" then return compare_arrays(expected, got, found) end
  if kind and expected.value == got.value and expected.text == got.text then return end
  if kind == "string" then return tell_texts(found, expected.value, got.value) end
  local either = expected and got and (expected.kind == "empty" or got.kind == "empty")
  if either and is_empty(expected) and is_empty(got) then return end
  tell(found, "expected %s, got %s", show(expected), show(got))
end

--- Where two documents differ.
-- @tparam table expected a document, see patchworks.json.document
-- @tparam ?table got another; nil for none
-- @tparam string path how the whole is called
-- @treturn table a list of sentences, the first ten
-- @treturn integer how many there are
return function(expected, got, path)
  local found = { count = 0, list = {}, trail = {}, path = path }
  compare(expected, got, found)
  return found.list, found.count
end
