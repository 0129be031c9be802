-- A helper of busted's that says which test runs, for coverage.lua; after each, how long it took and whether it passed.
-- What runs between tests, or in a program that one starts, is no test's: every test of the file may have reached it.
local busted = require "busted"
local uv = require "luv"

local registry = debug.getregistry()

local function full_name(element, parent)
  local names = { element.name }
  while parent and parent.descriptor ~= "file" and parent.name do
    table.insert(names, 1, parent.name)
    parent = busted.parent(parent)
  end
  return table.concat(names, " ")
end

local began

busted.subscribe({ "test", "start" }, function(element, parent)
  registry.patchworks_test, began = full_name(element, parent), uv.hrtime()
  return nil, true
end)

busted.subscribe({ "test", "end" }, function(_, _, status)
  local path = os.getenv "PATCHWORKS_COVERAGE"
  local file <close> = path and io.open(path, "a")
  if file then
    file:write(("%s %.3f\t%s\n"):format(status, (uv.hrtime() - began) / 1e9, registry.patchworks_test))
  end
  registry.patchworks_test = nil
  return nil, true
end)
