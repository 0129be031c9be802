-- Writes docs/errors.md: each kind of error, why there is one, what to do, and which methods name it.
--
--     lua5.4 scripts/errors.lua > docs/errors.md
local kinds = require "patchworks.reference.kinds"
local reference = require "patchworks.reference"

local out = {}
local function say(text) out[#out + 1] = text end

say [[
# Errors

What goes wrong in the world comes back as `nil, err`. Misuse, such as an unknown option or a number out of range, is
the program's own mistake: it raises, at the line that called, and says what was expected and what came.

```lua
local version, err = versions:get(99)
if not version then
  print(err)              --> get: not_found (404): No query results for model ..
  print(err.hint)         --> check the id: a version's id is not its number
  print(err.kind)         --> not_found: one of the words below
  print(err.outcome)      --> none: the service did nothing
end
```

`err.outcome` is `"unknown"` when the request went out and nothing tells whether it was done: look before you do it
again. A release's `"none"` says that it has deployed nothing, or that what was live before is live again; a draft that
it made doesn't count. Where its version is live, was overtaken by somebody else's (`err.overtaken`) or may still come
live, it is `"unknown"`, and `err.live` is what was live at the last look. `err.message` says what went wrong,
`err.hint` what to do, `err.attempts` what was tried, `err.response` what came last, `err.cause` what went wrong further
down. No error holds a credential, however it is escaped; of a text over 64 KiB an error keeps the beginning. A loop
over a listing has no second value: it raises the same `err`.

What is tried again by itself before an error comes back is in [Delivery](delivery.md).
]]

-- The methods of the resource and of the client that name a kind.
local function methods_with(kind)
  local names = {}
  for _, object in ipairs { "script_versions", "client" } do
    for _, method in ipairs(reference.object(object).methods) do
      for _, each in ipairs(method.fails or {}) do
        if each == kind then names[#names + 1] = "`" .. method.name .. "`" end
      end
    end
  end
  return table.concat(names, ", ")
end

-- Paragraphs are cut at 120 characters, as elsewhere in the documents.
local function paragraph(text)
  local line = ""
  for word in text:gmatch "%S+" do
    if #line + #word + 1 > 120 then
      say(line)
      line = word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  say(line .. "\n")
end

for _, kind in ipairs(kinds) do
  say(("## %s%s\n"):format(kind[1], kind[2] ~= "" and " (" .. kind[2] .. ")" or ""))
  paragraph(kind[3])
  paragraph("*What to do:* " .. kind[4])
  paragraph("*From:* " .. (kind.request and "any request." or methods_with(kind[1]) .. "."))
end

io.write((table.concat(out, "\n"):gsub("\n+$", "")), "\n")
