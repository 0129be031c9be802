--- What a test or a case expects of a payload, and how a payload differs from it: the one comparison of both.
-- @module patchworks.release.expected
local counted = require "patchworks.counted"
local diff = require "patchworks.release.diff"
local difference = require "patchworks.json.difference"
local document = require "patchworks.json.document"

local expected = {}

local widest = 60 -- bytes of a text that is shown
local most_lines = 200 -- of a unified diff

local function is_container(value) return value.kind == "object" or value.kind == "array" or value.kind == "empty" end

local readers = {}

--- JSON, scalars too.
function readers.json(text)
  local value, problem = document.parse(text)
  return value and { document = value }, problem
end

--- JSON that was a Lua table: `{}` is an empty array as well as an empty object.
function readers.table(text)
  local value, problem = document.parse(text)
  return value and { document = document.loosen(value) }, problem
end

function readers.bytes(text) return { text = text, bytes = true } end

--- An object or an array is JSON, anything else a text.
function readers.text(text)
  local value = text:find "^%s*[%[{]" and document.parse(text)
  return value and { document = value } or { text = text }
end

--- Reads what is expected.
-- @param given a text or a table
-- @tparam ?string compare how a text is compared: "json", "bytes", "table" (see `kept`); else an object or an array is
-- JSON, and of any other text a last newline doesn't count
-- @treturn ?table for `differs`; or nil and a sentence
function expected.read(given, compare)
  if type(given) == "string" then return readers[compare or "text"](given) end
  local value, problem = document.of(given)
  return value and { document = value }, problem
end

--- What is expected as data that can be kept.
-- @param given a text or a table
-- @tparam ?string compare
-- @treturn string a text
-- @treturn ?string `compare` for it
function expected.kept(given, compare)
  if type(given) == "string" then return given, compare end
  return document.write(assert(document.of(given))), "table"
end

--- The payload of an answer, as it stands in its JSON: a text's characters, or the JSON of anything else.
-- @tparam string body what a handler returned
-- @treturn ?string payload, nil for none or null
-- @treturn ?string a sentence where the body is no object
function expected.payload(body)
  if body == "" then return nil end
  local value, problem = document.parse(body)
  if not value then return nil, problem end
  if value.kind ~= "object" then return nil, "expected an object, got " .. document.brief(value, widest) end
  local payload = value.members.payload
  if not payload or payload.kind == "null" then return nil end
  if payload.kind == "string" then return payload.value end
  return (document.write(payload):gsub("\n$", ""))
end

-- A unified diff of two texts of several lines, cut where it is long; nil where each is one line.
local function lines_between(old, new)
  if not (old:find "\n." or new:find "\n.") then return nil end
  local text, count, stop = diff.unified(old, new, "expected", "came"), 0, nil
  for at in text:gmatch "()\n" do
    count = count + 1
    if count == most_lines then stop = at end
  end
  if count <= most_lines then return text end
  return ("%s\n(%s)\n"):format(text:sub(1, stop - 1), counted(count - most_lines, "more line"))
end

local function documents_differ(wanted, payload)
  local came, problem = document.parse(payload or "null")
  if not came then
    if payload:find "^%s*[%[{]" then
      local sentence = "the payload is no JSON: " .. problem
      return sentence, sentence
    end
    came = { kind = "string", value = payload }
  end
  local places, count = difference(wanted, came, "payload")
  if count == 0 then return nil end
  local shown = is_container(came) and is_container(wanted)
    and lines_between(document.write(wanted), document.write(came)) or nil
  local sentence = places[1] .. (count > 1 and (" (and %d more)"):format(count - 1) or "")
  if count > #places then places[#places + 1] = ("and %d more"):format(count - #places) end
  return sentence, table.concat(places, "\n") .. (shown and "\n" .. shown or "")
end

local function without_last_newline(text) return (text:gsub("\r?\n$", "")) end

local function texts_differ(wanted, payload)
  local left, right = wanted.text, payload or ""
  if not wanted.bytes then left, right = without_last_newline(left), without_last_newline(right) end
  if left == right then return nil end
  local shown = lines_between(left, right)
  if shown then return "the payload is not what is expected", shown end
  local came = payload and { kind = "string", value = right }
  local sentence = difference({ kind = "string", value = left }, came, "payload")[1]
  return sentence, sentence
end

--- How a payload differs from what is expected.
-- @tparam table wanted what `read` gave
-- @tparam ?string payload a text; nil for none
-- @treturn ?string a sentence, which names the path in JSON; nil where nothing differs
-- @treturn ?string the whole of it, in lines: each place, and a unified diff
function expected.differs(wanted, payload)
  if wanted.document then return documents_differ(wanted.document, payload) end
  return texts_differ(wanted, payload)
end

return expected
