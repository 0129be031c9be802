--- Public methods as data: what each takes, gives, costs and fails with.
--
-- One table for each method stands beside the method (call/endpoints.lua for the operations, `methods` of a module for
-- what it adds). It feeds the checks and their messages, the types, the reference, and `help` at a prompt.
--
--     local wait = methods.method {
--       name = "wait", of = "script_versions",
--       says = "Waits until a version that is being deployed is live.",
--       takes = { { "id", "id", "script version id" } },
--       call = true,                       -- takes what every call takes
--       options = {
--         { "interval", "seconds", "the first pause between two looks", default = 1 },
--         { "filter", "table", "which versions", fields = { { "is_deployed", "boolean", "only deployed ones" } } },
--       },
--       gives = "patchworks.version",      -- the type of the first value
--       requests = "1 a look",
--       fails = { "not_found", "deployment_failed" },   -- beside what every request may fail with
--       example = [[versions:wait(7, { interval = 2 })]],
--     }
--     methods.check(wait, given)           -- raises for misuse, at the caller's line
--
-- An option is `{ name, kind, sentence }` with `default`, `unit`, `least` and `most` (numbers), `values` (a list of
-- strings), `required`, `fields` (options of a table), `type` (for editors, where the kind says too little).
--
-- More of a method: `given` says what the first value is; `response`, that the second is the response, or the error;
-- `more`, the type of the second where it is something else; `raises`, that it raises what goes wrong; `never_nil`;
-- `needs`, that there must be options, though no single one of them.
--
-- @module patchworks.call.methods
local arguments = require "patchworks.call.arguments"
local misuse = require("patchworks.errors").misuse

local methods = {}

local function has_type(name)
  return function(value) return type(value) == name end
end

local function in_range(value, option)
  return math.type(value) == "integer" and value >= (option.least or 1) and value <= (option.most or math.maxinteger)
end

local function range(option)
  local least = option.least or 1
  return option.most and ("an integer from %d to %d"):format(least, option.most)
    or ("an integer of at least %d"):format(least)
end

local function among(value, option)
  for _, each in ipairs(option.values) do
    if value == each then return true end
  end
  return false
end

local function quoted(option)
  local list = {}
  for i, value in ipairs(option.values) do list[i] = '"' .. value .. '"' end
  return table.concat(list, ", ", 1, #list - 1) .. " or " .. list[#list]
end

local function callable(value)
  if type(value) == "function" then return true end
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

-- A release hands its own deadline down, in the place of a number.
local function seconds(value)
  if type(value) == "number" then return value > 0 and value < math.huge end
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__name == "patchworks.deadline"
end

local function text_or_table(value) return type(value) == "string" or type(value) == "table" end

-- What kinds of values there are: whether one is of the kind, how messages call it, and its type for editors. A kind
-- without a check is checked where it is used, which knows more about it.
local kinds = {
  string = { has_type "string", "a string", "string" },
  boolean = { has_type "boolean", "a boolean", "boolean" },
  table = { has_type "table", "a table", "table" },
  ["function"] = { callable, "a function", "function" },
  seconds = { seconds, "a positive number of seconds", "number" },
  integer = { in_range, range, "integer" },
  choice = { among, quoted }, -- the values make its type
  text = { text_or_table, "a string or a table", "string|table" },
  id = { nil, "a positive integer or its decimal string", "integer|string" },
  any = { nil, "anything", "any" },
}

--- How a message or a page calls what an option takes.
-- @tparam table option
-- @treturn string such as "an integer from 1 to 100"
function methods.expected(option)
  local words = kinds[option[2]][2]
  return type(words) == "function" and words(option) or words
end

--- The type of an option, or of something that is given beside the options, as editors write it.
-- @tparam table option
-- @treturn string such as "integer"
function methods.type(option)
  if option.type then return option.type end
  if not option.values then return kinds[option[2]][3] end
  local list = {}
  for i, value in ipairs(option.values) do list[i] = '"' .. value .. '"' end
  return table.concat(list, "|")
end

-- Completes a list of options: `known` by name, what checks each, and the names that must be there.
local function complete(holder, options)
  local known, required = {}, nil
  for _, option in ipairs(options) do
    local kind = assert(kinds[option[2]], option[2])
    option.accepts = kind[1]
    if option.fields then complete(option, option.fields) end
    if option.required then
      required = required or {}
      required[#required + 1] = option
    end
    known[option[1]] = option
  end
  holder.known, holder.required = known, required
end

--- What every call takes, beside its parameters.
methods.call_options = {
  { "timeout", "seconds", "for the whole call: every attempt and every wait between them",
    default = "the client's: 60; invoke 150" },
  { "attempt_timeout", "seconds", "for one attempt", default = "the client's: 30; invoke 150" },
  { "max_attempts", "integer", "how often it is tried", least = 1, most = 100, default = "the client's: 4" },
  { "headers", "table", "more headers, names to values", type = "table<string, string|integer>" },
  { "on_event", "function", "called with a table for each attempt, retry, wait and page",
    type = "fun(event: patchworks.event)", default = "the client's" },
}

--- The same by name.
methods.per_call = {}
for _, option in ipairs(methods.call_options) do methods.per_call[option[1]] = option end

--- Completes the table of a method.
-- @tparam table method as above
-- @treturn table the same
function methods.method(method)
  local options = method.options or {}
  method.options = options
  if method.call then
    local own = {}
    for _, option in ipairs(options) do own[option[1]] = true end
    for _, option in ipairs(methods.call_options) do
      if not own[option[1]] then options[#options + 1] = option end
    end
  end
  complete(method, options)
  return method
end

local function refuse(option, value, what)
  misuse("%s: %s: expected %s, got %s", what, option[1], methods.expected(option), arguments.show(value))
end

local check_fields

local function check_one(option, value, what)
  local accepts = option.accepts
  if accepts and not accepts(value, option) then refuse(option, value, what) end
  if option.fields and type(value) == "table" then check_fields(option, value, what .. ": " .. option[1]) end
end

function check_fields(holder, given, what)
  local known = holder.known
  for name, value in next, given do
    local option = known[name]
    if not option then arguments.refuse_name(name, known, what) end
    check_one(option, value, what)
  end
  -- What an options table inherits counts as well as what is in it.
  if getmetatable(given) then
    for name, option in pairs(known) do
      if given[name] ~= nil then check_one(option, given[name], what) end
    end
  end
  for _, option in ipairs(holder.required or {}) do
    if given[option[1]] == nil then misuse("%s: expected `%s`: %s", what, option[1], option[3]) end
  end
end

local none = {}

--- Checks what a caller gives to a method: its names and the kind of each value. Raises for misuse.
-- @tparam table method
-- @tparam ?table given the caller's options
-- @tparam ?string what whose options, for messages; the method's name
function methods.check(method, given, what)
  if given == nil then
    if not method.required then return end
    given = none
  end
  what = what or method.name
  if type(given) ~= "table" then
    misuse("%s: expected a table of options, got %s", what, arguments.show(given))
  end
  check_fields(method, given, what)
end

--- Which method a function is: how one writes it, by the function. Filled by `guard`.
methods.names = setmetatable({}, { __mode = "k" })

-- Whether a value stands in for an object of the class: it is no object of it, but has the method.
local function stands_in(self, name) return type(self) == "table" and self[name] ~= nil end

--- Has the methods of a class say what to write when they are called with a dot in place of the colon.
-- @tparam table class with `__index`, or the table of methods
-- @tparam string variable how examples call an object of it
-- @tparam ?table meta what objects have as metatable; the class itself
-- @tparam ?table names only these
function methods.guard(class, variable, meta, names)
  meta = meta or class
  for name, method in pairs(class) do
    if type(method) == "function" and not name:find "^__" and (not names or names[name]) then
      local function guarded(self, ...)
        if getmetatable(self) ~= meta and not stands_in(self, name) then
          misuse("%s: called with a dot: write %s:%s(..), with a colon", name, variable, name)
        end
        return method(self, ...)
      end
      class[name] = guarded
      methods.names[guarded] = { of = variable, name = name }
    end
  end
end

return methods
