-- Writes types/patchworks.lua, for editors that read LuaCATS annotations, from what patchworks.reference knows.
--
--     lua5.4 scripts/types.lua > types/patchworks.lua
local kinds = require "patchworks.reference.kinds"
local methods = require "patchworks.call.methods"
local reference = require "patchworks.reference"

local lines = {}
local function say(format, ...) lines[#lines + 1] = select("#", ...) > 0 and format:format(...) or format end

local function field(each)
  local name, optional = each[1]:match "^([^?]+)(%??)$"
  say("---@field %s%s %s %s", name, optional, each[2], each[3])
end

-- What a call's options are called, where a method has any of its own.
local function class_of(method)
  if method.as then return "patchworks." .. method.as .. "_options" end
  local own = 0
  for _, option in ipairs(method.options) do
    if methods.per_call[option[1]] ~= option then own = own + 1 end
  end
  -- The same name means other options elsewhere.
  local elsewhere = { sandbox = "sandbox_", server = "sandbox_", project = "project_", runner = "runner_" }
  if own > 0 then return ("patchworks.%s%s_options"):format(elsewhere[method.of] or "", method.name) end
  return method.call and "patchworks.call_options" or nil
end

local function words_of(option)
  local words = option[3]
  if option.unit or option[2] == "seconds" then words = words .. ", in " .. (option.unit or "seconds") end
  if option[2] == "integer" then words = words .. "; " .. methods.expected(option) end
  if option.default ~= nil then words = words .. "; default " .. tostring(option.default) end
  return words
end

local function option_fields(options, without)
  for _, option in ipairs(options) do
    if without[option[1]] ~= option then
      field { option[1] .. (option.required and "" or "?"), methods.type(option), words_of(option) }
    end
  end
end

local declared = {}

-- The tables of options inside of options, and those of the method.
local function option_classes(method)
  local class = class_of(method)
  if not class or declared[class] or class == "patchworks.call_options" then return end
  declared[class] = true
  for _, option in ipairs(method.options) do
    if option.fields then
      option.type = option.type or "patchworks." .. option[1]
      if not declared[option.type] then
        declared[option.type] = true
        say("---@class %s", option.type)
        option_fields(option.fields, {})
        say ""
      end
    end
  end
  say("---@class %s%s", class, method.call and ": patchworks.call_options" or "")
  option_fields(method.options, method.call and methods.per_call or {})
  say ""
end

local function returns(method)
  local gives = method.gives
  if not gives then return end
  if method.of_what then gives = "patchworks.listing_of_" .. method.of_what:match "[%w_]+$" end
  local never = method.never_nil or method.raises or gives:find "listing" or gives == "boolean"
  say("---@return %s%s %s", gives, never and "" or "?", method.given or "")
  if method.more then
    say("---@return %s%s", method.more, method.more == "any" and " ..." or "?")
  elseif method.response then
    say "---@return patchworks.response|patchworks.error"
  elseif method.requests and not never then
    say "---@return patchworks.error?"
  end
end

local function declare(object, method, variable)
  option_classes(method)
  say("---%s", method.says)
  if method.requests then say("---Requests: %s.", method.requests) end
  if method.fails then say("---Fails with: %s, and what any request may.", table.concat(method.fails, ", ")) end
  local names = {}
  for _, each in ipairs(method.takes or {}) do
    names[#names + 1] = each[1]
    say("---@param %s %s %s", each[1], methods.type(each), each[3] or "")
  end
  local class = class_of(method)
  if class then
    local required = method.required or method.needs
    say("---@param options%s %s", required and "" or "?", class)
    names[#names + 1] = "options"
  end
  returns(method)
  say("function %s%s%s(%s) end\n", variable, object.dotted and "." or ":", method.name, table.concat(names, ", "))
end

-- A listing of something gives that something.
local function listings()
  for _, each in ipairs { "version", "log_entry" } do
    local item = "patchworks." .. each
    say("---@class patchworks.listing_of_%s: patchworks.listing", each)
    say("---@overload fun(): %s?", item)
    say("---@field all fun(self: patchworks.listing): %s[]?, patchworks.error?", item)
    say("---@field first fun(self: patchworks.listing): %s?, patchworks.error?\n", item)
  end
end

local function events(object)
  local names = {}
  for _, each in ipairs(object.types) do
    names[#names + 1] = object.class .. "." .. each[1]
    say("---%s", each[2])
    say("---@class %s.%s", object.class, each[1])
    say('---@field type "%s"', each[1])
    for i = 3, #each do field(each[i]) end
    say ""
  end
  say("---@alias %s %s\n", object.class, table.concat(names, "|"))
end

local function errors_by_kind()
  for _, kind in ipairs(kinds) do
    say("---%s", kind[3])
    say("---@class patchworks.error.%s: patchworks.error", kind[1])
    say('---@field kind "%s"', kind[1])
    for _, each in ipairs(kind.has or {}) do
      for _, known in ipairs(reference.object("error").fields) do
        if known[1] == each .. "?" then field { each, known[2], known[3] } end
      end
    end
    say ""
  end
end

local function declare_object(object)
  if object.types then return events(object) end
  if not object.class then return end
  local variable = object.class:gsub("^patchworks%.", "")
  say("---%s", object.says)
  say("---@class %s", object.class)
  if object.calls then say("---@overload %s", object.calls) end
  for _, each in ipairs(object.fields or {}) do field(each) end
  if #object.methods > 0 then
    say("local %s = {}", variable)
  end
  say ""
  for _, method in ipairs(object.methods) do declare(object, method, variable) end
  if object.name == "listing" then listings() end
  if object.name == "error" then errors_by_kind() end
end

say "---@meta patchworks"
say "-- What the module gives, for editors that read LuaCATS annotations."
say "-- Made by scripts/types.lua: change what it is made of.\n"
say "---What every call takes, beside its parameters."
say "---@class patchworks.call_options"
option_fields(methods.call_options, {})
say ""
for _, object in ipairs(reference.objects()) do declare_object(object) end
say "return patchworks"

io.write(table.concat(lines, "\n"):gsub("[ \t]+\n", "\n"), "\n")
